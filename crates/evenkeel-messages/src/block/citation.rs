tagged! {
    /// What supports a text: a place in a document, a search result or a page of the web.
    Citation {
        /// Characters of a plain text.
        Char(CharLocation),
        /// Pages of a PDF.
        Page(PageLocation),
        /// Blocks of a document made of blocks.
        ContentBlock(ContentBlockLocation),
        /// Blocks of a search result of the caller's.
        SearchResult(SearchResultLocation),
        /// A page that a web search found.
        WebSearchResult(WebSearchResultLocation),
    }
}

object! {
    /// Characters of a plain text document.
    CharLocation "char_location" {
        /// The passage.
        cited_text: String,
        /// Which document of the request, from 0.
        document_index: u64,
        /// The first character, from 0.
        start_char_index: u64,
        /// The first character behind it.
        end_char_index: u64,
    } {
        /// The document's title, if it has one.
        document_title: String,
        /// The document's file, if it is one.
        file_id: String,
    } [] ()
}

object! {
    /// Pages of a PDF.
    PageLocation "page_location" {
        /// The passage.
        cited_text: String,
        /// Which document of the request, from 0.
        document_index: u64,
        /// The first page, from 1.
        start_page_number: u64,
        /// The first page behind it.
        end_page_number: u64,
    } {
        /// The document's title, if it has one.
        document_title: String,
        /// The document's file, if it is one.
        file_id: String,
    } [] ()
}

object! {
    /// Blocks of a document that is made of blocks.
    ContentBlockLocation "content_block_location" {
        /// The passage.
        cited_text: String,
        /// Which document of the request, from 0.
        document_index: u64,
        /// The first block, from 0.
        start_block_index: u64,
        /// The first block behind it.
        end_block_index: u64,
    } {
        /// The document's title, if it has one.
        document_title: String,
        /// The document's file, if it is one.
        file_id: String,
    } [] ()
}

object! {
    /// Blocks of a search result that the caller gave.
    SearchResultLocation "search_result_location" {
        /// The passage.
        cited_text: String,
        /// Which search result of the request, from 0.
        search_result_index: u64,
        /// Where the search result came from.
        source: String,
        /// The first block, from 0.
        start_block_index: u64,
        /// The first block behind it.
        end_block_index: u64,
    } {
        /// The search result's title, if it has one.
        title: String,
    } [] ()
}

object! {
    /// A page that a web search at the server found.
    WebSearchResultLocation "web_search_result_location" {
        /// The passage.
        cited_text: String,
        /// Sent back unchanged, it lets the server find the passage again.
        encrypted_index: String,
        /// The page.
        url: String,
    } {
        /// The page's title, if it has one.
        title: String,
    } [] ()
}
