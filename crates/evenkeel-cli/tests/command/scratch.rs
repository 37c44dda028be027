//! Files that a test makes, gone when it ends.

use std::path::PathBuf;

pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A file with this name, which no other test uses, and this content.
    pub(crate) fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let name = format!("{}-{name}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, content).expect("room for a file");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed does no harm in the target folder.
        let _ = std::fs::remove_file(&self.0);
    }
}
