//! `cargo xtask tidy`: taste as a test.
//!
//! Each check is a pure function from a [`Tree`] (the files of the repository, in memory) to
//! findings, one file a check, its rules as data at the top of that file.

mod budgets;
mod commands;
mod edges;
mod links;
mod manifests;
mod metadata;
mod names;
mod snippets;
mod text;
mod tree;
mod versions;
mod words;

use std::fmt;

use crate::COMMANDS;
use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::Project;
use tree::Tree;

pub(crate) const COMMAND: Command = Command {
    name: "tidy",
    arguments: "",
    summary: "check edges between crates, budgets, names, manifests, documents",
    run,
};

/// The commands that README.md shows a newcomer, in order.
pub(crate) fn commands_for_newcomers(readme: &str) -> Vec<String> {
    let shown = commands::for_newcomers(readme).into_iter();
    shown.map(|(_, command)| command).collect()
}

/// What a check found: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    weight: Weight,
    path: String,
    /// Counted from 1; none where the finding is about the whole file.
    line: Option<usize>,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Printed.
    Warning,
    /// Printed, and tidy fails.
    Error,
}

impl Finding {
    fn error(path: &str, message: impl Into<String>) -> Self {
        Self {
            weight: Weight::Error,
            path: path.into(),
            line: None,
            message: message.into(),
        }
    }

    fn warning(path: &str, message: impl Into<String>) -> Self {
        Self {
            weight: Weight::Warning,
            ..Self::error(path, message)
        }
    }

    fn at(self, line: usize) -> Self {
        Self {
            line: Some(line),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Warning => "warning",
            Weight::Error => "error",
        };
        write!(formatter, "{weight}: {}", self.path)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

/// Every check, in the order in which its findings are printed.
const CHECKS: &[fn(&Tree) -> Vec<Finding>] = &[
    edges::check,
    metadata::check,
    manifests::check,
    budgets::check,
    names::check,
    versions::check,
    commands::check,
    links::check,
    text::check,
    words::check,
];

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    let listed = project.read(
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    )?;
    let commands = COMMANDS.iter().map(|command| command.name).collect();
    let tree = Tree::read(project.root(), &listed, commands)?;
    let findings = findings(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.weight == Weight::Error)
        .count();
    let warnings = findings.len() - errors;
    println!(
        "tidy: {} files, errors: {errors}, warnings: {warnings}",
        tree.len()
    );
    if errors > 0 {
        return Err(Failure::Failed("what is wrong is listed above".into()));
    }
    Ok(Outcome::Passed)
}

fn findings(tree: &Tree) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.package]\nversion = '0.1.0'\n";
    const BREAKER: &str = "[package]\nname = 'evenkeel-breaker'\nauthors = ['a']\n\
        categories = ['c']\ndescription = 'd'\ndocumentation = 'u'\nedition = '2024'\n\
        keywords = ['k']\nlicense = 'MIT OR Apache-2.0'\nreadme = 'README.md'\n\
        rust-version = '1.88'\nversion.workspace = true\n\n\
        [package.metadata.docs.rs]\nall-features = true\nrustdoc-args = ['--cfg', 'docsrs']\n\n\
        [lints]\nworkspace = true\n\n\
        [dependencies]\n# What a failure says of itself.\nevenkeel-error.workspace = true\n";

    fn of_a_repository_with(breaker: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("Cargo.toml", ROOT),
            ("crates/evenkeel-breaker/Cargo.toml", breaker),
            ("crates/evenkeel-breaker/README.md", "# evenkeel-breaker\n"),
            ("crates/evenkeel-breaker/src/lib.rs", "//! A breaker.\n"),
        ]);
        findings(&tree).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_tidy_repository_passes_every_check() {
        assert_eq!(of_a_repository_with(BREAKER), Vec::<String>::new());
    }

    #[test]
    fn tidy_fails_when_a_sibling_dependency_is_added() {
        let sibling = "# Innocent.\nevenkeel-backoff.workspace = true\n";
        for table in ["", "\n[dev-dependencies]\n", "\n[build-dependencies]\n"] {
            let found = of_a_repository_with(&format!("{BREAKER}{table}{sibling}"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].contains("evenkeel-breaker → evenkeel-backoff"),
                "{found:?}"
            );
        }
    }
}
