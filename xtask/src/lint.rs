//! `cargo xtask lint`: layout and lints, warnings denied.

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "lint",
    arguments: "",
    summary: "check the layout with rustfmt and the lints with clippy",
    run,
};

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    layout(project)?;
    lints(project)
}

pub(crate) fn layout(project: &Project) -> Result<Outcome, Failure> {
    project
        .cargo(&["fmt", "--all", "--check"])
        .map_err(|failure| {
            hint(
                &failure,
                "`cargo fmt --all` puts it right, `rustup component add rustfmt` gets it",
            )
        })?;
    Ok(Outcome::Passed)
}

/// All members, all targets, all features, in one build: what `test` builds too.
pub(crate) fn lints(project: &Project) -> Result<Outcome, Failure> {
    let all = ["clippy", "--workspace", "--all-targets", "--all-features"];
    project
        .cargo(&[&all[..], &["--", "-D", "warnings"]].concat())
        .map_err(|failure| {
            hint(
                &failure,
                "`rustup component add clippy` gets it if it is missing",
            )
        })?;
    Ok(Outcome::Passed)
}

fn hint(failure: &Failure, hint: &str) -> Failure {
    Failure::Failed(format!("{failure}; {hint}"))
}
