//! The files that a model may have.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tokio::fs;

/// The most bytes of a file that go to the model: some hundred thousand tokens.
const MOST: u64 = 256 * 1_024;

#[derive(Clone, Copy)]
pub(crate) struct Folder(&'static Path);

impl Folder {
    pub(crate) async fn open(path: &str) -> io::Result<Self> {
        let path = fs::canonicalize(path).await?;
        Ok(Self(Box::leak(path.into_boxed_path()))) // one, for as long as the program runs
    }

    pub(crate) async fn read(self, name: String) -> io::Result<String> {
        let path = self.file(&name).await?;
        if fs::metadata(&path).await?.len() > MOST {
            return Err(ErrorKind::FileTooLarge.into());
        }
        fs::read_to_string(path).await
    }

    pub(crate) async fn delete(self, name: String) -> io::Result<&'static str> {
        fs::remove_file(self.file(&name).await?).await?;
        Ok("Deleted.")
    }

    /// Where it is once `..` and links are followed: a file in the folder, and neither hidden nor in
    /// something hidden. Who may write to the folder can change it between this look and the next.
    async fn file(self, name: &str) -> io::Result<PathBuf> {
        let path = fs::canonicalize(self.0.join(name)).await?;
        let hidden = |part: &OsStr| part.as_encoded_bytes().starts_with(b".");
        let within = path.strip_prefix(self.0).ok();
        if within.is_none_or(|within| within.iter().any(hidden)) {
            return Err(ErrorKind::PermissionDenied.into());
        }
        if !fs::metadata(&path).await?.is_file() {
            return Err(ErrorKind::InvalidInput.into());
        }
        Ok(path)
    }
}
