use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_error::Error;
use evenkeel_transport::StreamBody;
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use crate::multipart::{self, Multipart};

/// A file to upload, for [`Files::upload`](crate::Files::upload).
///
/// ```
/// use evenkeel::Upload;
///
/// let upload = Upload::bytes("report.pdf", &b"%PDF-1.7"[..]).content_type("application/pdf");
/// # let _ = upload;
/// ```
#[must_use]
pub struct Upload {
    filename: String,
    content_type: String,
    expires_in: Option<Duration>,
    content: Content,
}

enum Content {
    Memory(Bytes),
    Once(Chunks, Option<u64>),
    Again(Box<dyn Fn() -> Chunks + Send + Sync>, Option<u64>),
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

type BoxError = Box<dyn StdError + Send + Sync>;

/// What is sent of a file in one piece, and read of a source: so that an upload can be seen to get on.
const PIECE: usize = 64 * 1024;

/// What a file is taken for whose type nobody says.
const UNKNOWN_TYPE: &str = "application/octet-stream";

impl Upload {
    /// A file whose content is in memory. It can be sent again where that is safe.
    ///
    /// `filename` is its name for the API, which takes 1 to 255 characters without `<>:"|?*\/` and
    /// control characters.
    pub fn bytes(filename: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self::new(filename.into(), Content::Memory(content.into()))
    }

    /// A file that is read as it is sent: what has been read cannot be sent again, so the upload is
    /// not retried once it has begun. `length` is its size in bytes, if that is known; a source that
    /// has another is `invalid_config`.
    pub fn stream<S, E>(filename: impl Into<String>, content: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        Self::new(filename.into(), Content::Once(boxed(content), length))
    }

    /// As [`stream`](Self::stream), from a reader.
    pub fn reader<R>(filename: impl Into<String>, reader: R, length: Option<u64>) -> Self
    where
        R: AsyncRead + Send + 'static,
    {
        Self::stream(filename, Read(Box::pin(reader)), length)
    }

    /// A file that `open` opens for each attempt, from its beginning: it is read as it is sent, and
    /// can be sent again where that is safe. Attempts may begin on several threads at once.
    pub fn repeatable<S, E>(
        filename: impl Into<String>,
        open: impl Fn() -> S + Send + Sync + 'static,
        length: Option<u64>,
    ) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        let open = Box::new(move || boxed(open()));
        Self::new(filename.into(), Content::Again(open, length))
    }

    fn new(filename: String, content: Content) -> Self {
        Self {
            filename,
            content_type: UNKNOWN_TYPE.to_owned(),
            expires_in: None,
            content,
        }
    }

    /// Its MIME type. Default `application/octet-stream`.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// The API deletes it after so long: an hour to 90 days, in whole seconds. Default: never.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.expires_in = Some(time);
        self
    }

    pub(crate) fn filename(&self) -> &str {
        &self.filename
    }

    pub(crate) fn mime_type(&self) -> &str {
        &self.content_type
    }

    /// The fields of the form beside the file.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let seconds = self.expires_in.map(|time| time.as_secs().to_string());
        seconds
            .map(|seconds| ("expires_in_seconds", seconds))
            .into_iter()
            .collect()
    }

    /// The form that it is sent as, with a boundary of these random bits.
    pub(crate) fn form(&self, bits: impl FnMut() -> u64) -> Result<Multipart, Error> {
        multipart::check_type(&self.content_type)?;
        if self.filename.is_empty() {
            return Err(Error::invalid_config("filename", "must not be empty"));
        }
        let content = match &self.content {
            Content::Memory(content) => Some(&content[..]),
            Content::Once(..) | Content::Again(..) => None,
        };
        let boundary = multipart::boundary(bits, content);
        Ok(Multipart::new(
            boundary,
            &self.fields(),
            &self.filename,
            &self.content_type,
        ))
    }

    /// The body in memory, for a transport that sends no other.
    pub(crate) fn whole(&self, form: &Multipart) -> Result<Bytes, Error> {
        match &self.content {
            Content::Memory(content) => Ok([&form.before, content, &form.behind]
                .map(|part| &part[..])
                .concat()
                .into()),
            Content::Once(..) | Content::Again(..) => Err(Error::invalid_config(
                "upload",
                "must be from memory: this transport does not send what is read as it is sent",
            )),
        }
    }

    /// The body as it is read.
    pub(crate) fn into_body(self, form: Multipart) -> StreamBody {
        let around = (form.before.len() + form.behind.len()) as u64;
        let whole = |length: Option<u64>| length.map(|length| length.saturating_add(around));
        match self.content {
            Content::Memory(content) => {
                let length = Some(content.len() as u64);
                let open = move || Parts::new(&form, Inside::Bytes(content.clone()));
                StreamBody::repeatable(open, whole(length))
            }
            Content::Again(open, length) => {
                let open = move || Parts::new(&form, Inside::Chunks(open()));
                StreamBody::repeatable(open, whole(length))
            }
            Content::Once(chunks, length) => {
                StreamBody::once(Parts::new(&form, Inside::Chunks(chunks)), whole(length))
            }
        }
    }
}

/// Sizes and names of types: the name of a file may say much.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match &self.content {
            Content::Memory(content) => Some(content.len() as u64),
            Content::Once(_, length) | Content::Again(_, length) => *length,
        };
        f.debug_struct("Upload")
            .field("content_type", &self.content_type)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

/// The parts of a form, one after the other.
struct Parts {
    before: Bytes,
    inside: Option<Inside>,
    behind: Bytes,
}

enum Inside {
    Bytes(Bytes),
    Chunks(Chunks),
}

impl Parts {
    fn new(form: &Multipart, inside: Inside) -> Self {
        Self {
            before: form.before.clone(),
            inside: Some(inside),
            behind: form.behind.clone(),
        }
    }
}

impl Stream for Parts {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.before.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.before))));
        }
        match &mut self.inside {
            Some(Inside::Bytes(content)) if !content.is_empty() => {
                let size = content.len().min(PIECE);
                return Poll::Ready(Some(Ok(content.split_to(size))));
            }
            Some(Inside::Chunks(chunks)) => {
                if let Some(chunk) = ready!(chunks.as_mut().poll_next(cx)) {
                    return Poll::Ready(Some(chunk));
                }
            }
            Some(Inside::Bytes(_)) | None => {}
        }
        self.inside = None;
        let behind = std::mem::take(&mut self.behind);
        Poll::Ready((!behind.is_empty()).then_some(Ok(behind)))
    }
}

/// The chunks of a reader.
struct Read<R>(Pin<Box<R>>);

impl<R: AsyncRead> Stream for Read<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut room = vec![0; PIECE];
        let mut buffer = ReadBuf::new(&mut room);
        ready!(self.0.as_mut().poll_read(cx, &mut buffer))?;
        let size = buffer.filled().len();
        if size == 0 {
            return Poll::Ready(None);
        }
        room.truncate(size);
        Poll::Ready(Some(Ok(room.into())))
    }
}

/// Chunks whose errors are boxed.
struct Boxed<S>(Pin<Box<S>>);

impl<S, E> Stream for Boxed<S>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<BoxError>,
{
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.0.as_mut().poll_next(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map_err(Into::into)))
    }
}

fn boxed<S, E>(chunks: S) -> Chunks
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    Box::pin(Boxed(Box::pin(chunks)))
}
