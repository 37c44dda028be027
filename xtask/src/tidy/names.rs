//! Names that say nothing: a file is named for the concept that it holds.

use super::Finding;
use super::tree::Tree;

const BANNED: &[&str] = &[
    "args",
    "callbacks",
    "common",
    "constants",
    "helpers",
    "misc",
    "mod",
    "traits",
    "types",
    "utils",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in tree.with_extension("rs") {
        let stems = path.trim_end_matches(".rs").split('/');
        for banned in stems.filter(|stem| BANNED.contains(stem)) {
            findings.push(Finding::error(
                path,
                format!("`{banned}` names no concept; say what is in it"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_named_for_nothing_fail() {
        let tree = Tree::of(&[
            ("crates/evenkeel/src/utils.rs", ""),
            ("crates/evenkeel/src/retry/mod.rs", ""),
            ("tests/common/clock.rs", ""),
            ("crates/evenkeel/src/model.rs", ""),
            ("docs/common/notes.md", ""),
        ]);
        let findings = check(&tree);
        let paths: Vec<&str> = findings.iter().map(|finding| &*finding.path).collect();
        assert_eq!(
            paths,
            [
                "crates/evenkeel/src/retry/mod.rs",
                "crates/evenkeel/src/utils.rs",
                "tests/common/clock.rs"
            ]
        );
    }
}
