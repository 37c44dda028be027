//! The files that the checks look at, in memory.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Table;

use crate::outcome::Failure;

/// The text files of the repository by path, with `/` on every system.
pub(super) struct Tree {
    files: BTreeMap<String, String>,
    manifests: Vec<Manifest>,
    /// The manifest at the root, which holds what the members share.
    workspace: Table,
    /// What `cargo xtask` understands.
    commands: Vec<&'static str>,
}

/// The manifest of one member.
pub(super) struct Manifest {
    /// `crates/evenkeel/Cargo.toml`.
    pub(super) path: String,
    /// `crates/evenkeel`.
    pub(super) folder: String,
    /// The package's name.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) table: Table,
}

impl Manifest {
    /// Published crates live in `crates/`, all of them and nothing else.
    pub(super) fn is_published(&self) -> bool {
        self.folder.starts_with("crates/")
    }
}

impl Tree {
    /// Reads what git lists, a zero byte after each path. Links, binary files and files just deleted are passed over.
    pub(super) fn read(
        root: &Path,
        listed: &str,
        commands: Vec<&'static str>,
    ) -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let full = root.join(path);
            let is_file = full
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_file());
            if !is_file {
                continue;
            }
            let bytes = std::fs::read(&full)
                .map_err(|error| Failure::Failed(format!("{path} cannot be read: {error}")))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.insert(path.to_owned(), text);
            }
        }
        Self::new(files, commands)
    }

    fn new(files: BTreeMap<String, String>, commands: Vec<&'static str>) -> Result<Self, Failure> {
        let root = files.get("Cargo.toml").map_or("", String::as_str);
        let workspace = parse("Cargo.toml", root)?;
        let members = files.iter().filter(|(path, _)| is_member(path));
        let manifests: Result<Vec<Manifest>, Failure> =
            members.map(|(path, text)| manifest(path, text)).collect();
        Ok(Self {
            manifests: manifests?,
            workspace,
            files,
            commands,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files with this extension.
    pub(super) fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files()
            .filter(move |(path, _)| extension_of(path) == Some(extension))
    }

    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    pub(super) fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    pub(super) fn commands(&self) -> &[&'static str] {
        &self.commands
    }

    /// A value of the root manifest, by the keys on the way to it.
    pub(super) fn shared(&self, keys: &[&str]) -> Option<&toml::Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter()
            .try_fold(self.workspace.get(*first)?, |value, key| value.get(key))
    }

    /// A text of `[workspace.package]`.
    pub(super) fn shared_text(&self, key: &str) -> Option<&str> {
        self.shared(&["workspace", "package", key])?.as_str()
    }
}

/// What comes after the last dot of a file's name.
pub(super) fn extension_of(path: &str) -> Option<&str> {
    Path::new(path).extension()?.to_str()
}

/// Crates, and the members beside them; not `benches/peers`, a workspace of its own.
fn is_member(path: &str) -> bool {
    let folders: Vec<&str> = path.split('/').collect();
    matches!(
        folders.as_slice(),
        ["crates", _, "Cargo.toml"]
            | ["tests" | "benches" | "examples" | "xtask", "Cargo.toml"]
            | ["benches", "instructions", "Cargo.toml"]
    )
}

fn manifest(path: &str, text: &str) -> Result<Manifest, Failure> {
    let table = parse(path, text)?;
    let name = table
        .get("package")
        .and_then(|package| package.get("name")?.as_str());
    let name = name
        .ok_or_else(|| Failure::Failed(format!("{path} names no package")))?
        .to_owned();
    let folder = path.trim_end_matches("/Cargo.toml").to_owned();
    Ok(Manifest {
        path: path.to_owned(),
        folder,
        name,
        text: text.to_owned(),
        table,
    })
}

fn parse(path: &str, text: &str) -> Result<Table, Failure> {
    text.parse()
        .map_err(|error| Failure::Failed(format!("{path} is no TOML: {error}")))
}

#[cfg(test)]
impl Tree {
    /// A repository made up for a test.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).into(), (*text).into()));
        Self::new(files.collect(), vec!["test", "ci"]).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_and_other_manifests_are_not() {
        let package = "[package]\nname = 'some'\n";
        let tree = Tree::of(&[
            ("crates/some/Cargo.toml", package),
            ("tests/Cargo.toml", package),
            ("benches/peers/Cargo.toml", package),
            ("crates/some/tests/fixture/Cargo.toml", package),
        ]);
        let folders: Vec<&str> = tree
            .manifests()
            .iter()
            .map(|member| &*member.folder)
            .collect();
        assert_eq!(folders, ["crates/some", "tests"]);
    }

    #[test]
    fn a_broken_manifest_is_one_clear_line() {
        let files = [("xtask/Cargo.toml".to_owned(), "[package".to_owned())];
        let failure = Tree::new(files.into(), vec![]).err().unwrap();
        assert!(
            failure
                .to_string()
                .starts_with("xtask/Cargo.toml is no TOML"),
            "{failure}"
        );
    }
}
