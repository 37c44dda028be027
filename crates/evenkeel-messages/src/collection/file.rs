object! {
    /// A file that was uploaded: what `/v1/files` says of it.
    File "file" {
        /// `file_…`.
        id: String,
    } {
        /// Its name.
        filename: String,
        /// Its MIME type.
        mime_type: String,
        /// When it was uploaded, RFC 3339.
        created_at: String,
        /// When it is deleted, RFC 3339; absent if never.
        expires_at: String,
    } [
        /// Its size in bytes.
        size_bytes: u64,
    ] (
        /// Its content can be read back; only of files that tools made.
        downloadable,
    )
}

object! {
    /// Something was deleted.
    Deleted {
        /// Its id.
        id: String,
    } {} [] ()
}
