//! `cargo xtask parts`: a program outside the workspace that takes three crates and nothing else of
//! ours, built and tried as a stranger would.

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "parts",
    arguments: "",
    summary: "build and try the program that takes parts, and see what they bring",
    run,
};

const MANIFEST: &str = "examples/parts/Cargo.toml";
/// What it takes of ours; each of these is held to its own leanness by `cargo xtask features`.
const PARTS: &[&str] = &["evenkeel-backoff", "evenkeel-error", "evenkeel-messages"];

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    let look = ["tree", "--locked", "--manifest-path", MANIFEST];
    let show = ["--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let tree = project.read_cargo(&[&look[..], &show].concat())?;
    let ours = ours(&tree);
    if ours != PARTS {
        return Err(Failure::Failed(format!(
            "{MANIFEST} takes {} and should take {}",
            ours.join(", "),
            PARTS.join(", ")
        )));
    }
    let folder = project.target_folder()?.join("parts");
    let folder = folder.to_string_lossy();
    let line = [
        "test",
        "--locked",
        "--manifest-path",
        MANIFEST,
        "--target-dir",
        &folder,
    ];
    project.cargo(&line)?;
    Ok(Outcome::Passed)
}

/// Our crates among the lines `name vX.Y.Z (path)`, each once and in order.
fn ours(tree: &str) -> Vec<&str> {
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut ours: Vec<&str> = names.filter(|name| name.starts_with("evenkeel")).collect();
    ours.sort_unstable();
    ours.dedup();
    ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_counted_once_and_at_any_depth() {
        let tree = "three-parts v0.0.0 (/a)\nevenkeel-messages v0.1.0 (/b)\nbytes v1.0.0\n\
            evenkeel-error v0.1.0 (/c)\nevenkeel-messages v0.1.0 (/b) (*)\n";
        assert_eq!(ours(tree), ["evenkeel-error", "evenkeel-messages"]);
    }
}
