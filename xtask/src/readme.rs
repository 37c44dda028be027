//! `cargo xtask readme`: what the README says, tried: the first command that it shows a newcomer, run
//! as it stands there, and how many crates each of ours brings.
//!
//! The second command is `cargo xtask test`, which has a job of its own.

mod crates;

use std::fs;

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::Project;
use crate::tidy;

pub(crate) const COMMAND: Command = Command {
    name: "readme",
    arguments: "",
    summary: "run the first command that README.md shows a newcomer, count the crates that it counts",
    run,
};

/// A newcomer has no key, and the command must not need one.
const NOT_SET: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
];

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    let readme = fs::read_to_string(project.root().join("README.md"))
        .map_err(|error| Failure::Failed(format!("README.md cannot be read: {error}")))?;
    crates::check(project, &readme)?;
    let first = tidy::commands_for_newcomers(&readme).into_iter().next();
    let first = first.ok_or_else(|| {
        Failure::Failed(
            "README.md shows a newcomer no command; `cargo xtask tidy` says more".into(),
        )
    })?;
    project.shell(&first, NOT_SET)?;
    Ok(Outcome::Passed)
}
