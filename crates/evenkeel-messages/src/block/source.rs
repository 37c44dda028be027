use super::TextBlock;
use crate::{CacheControl, Content, RawJson};

object! {
    /// An image. JPEG, PNG, GIF or WebP, at most 8,000 pixels a side and 10 MB in Base64 (vision
    /// page of the API's documentation).
    ImageBlock "image" {
        /// Where it is.
        source: ImageSource,
    } {
        /// What may be done to it, such as scaling down.
        transformations: RawJson,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// Where an image is.
    ImageSource {
        /// In the request.
        Base64(Base64Source),
        /// On the web.
        Url(UrlSource),
        /// Among the files.
        File(FileSource),
    }
}

object! {
    /// A document.
    DocumentBlock "document" {
        /// Where it is.
        source: DocumentSource,
    } {
        /// Its title.
        title: String,
        /// What the model should know about it; not cited.
        context: String,
        /// Whether it may be cited.
        citations: CitationsConfig,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// Where a document is.
    DocumentSource {
        /// A PDF in the request.
        Base64(Base64Source),
        /// A plain text in the request.
        Text(TextSource),
        /// Blocks in the request.
        Content(ContentSource),
        /// A PDF on the web.
        Url(UrlSource),
        /// Among the files.
        File(FileSource),
    }
}

object! {
    /// Bytes in Base64.
    Base64Source "base64" {
        /// Such as `image/png`, or `application/pdf`.
        media_type: String,
        /// The bytes, in Base64.
        data: String,
    } {} [] ()
}

object! {
    /// A plain text.
    TextSource "text" {
        /// `text/plain`.
        media_type: String,
        /// The text.
        data: String,
    } {} [] ()
}

object! {
    /// A document made of blocks, each of which can be cited.
    ContentSource "content" {
        /// A text, or blocks of text and images.
        content: Content,
    } {} [] ()
}

object! {
    /// Something on the web, which the server fetches.
    UrlSource "url" {
        /// Where.
        url: String,
    } {} [] ()
}

object! {
    /// A file that was uploaded.
    FileSource "file" {
        /// Its id.
        file_id: String,
    } {} [] ()
}

object! {
    /// Whether something may be cited.
    CitationsConfig {} {} [] (
        /// It may.
        enabled,
    )
}

object! {
    /// A passage that the caller found, which the model may cite.
    SearchResultBlock "search_result" {
        /// Where it came from.
        source: String,
        /// Its title.
        title: String,
        /// The passage.
        content: Vec<TextBlock>,
    } {
        /// Whether it may be cited.
        citations: CitationsConfig,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

impl Base64Source {
    /// A PDF; `data` in Base64.
    #[must_use]
    pub fn pdf(data: impl Into<String>) -> Self {
        Self::new("application/pdf", data)
    }
}

impl TextSource {
    /// A plain text.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new("text/plain", text)
    }
}
