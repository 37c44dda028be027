//! `cargo xtask docs`: the documentation, warnings denied.

use crate::command::Command;
use crate::outcome::{Failure, Outcome};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "docs",
    arguments: "[--open]",
    summary: "build the documentation of every member, warnings denied",
    run,
};

/// Its binary is called `evenkeel`, as the facade is, and would overwrite the facade's pages.
const LEFT_OUT: &str = "evenkeel-cli";

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    let mut line = vec![
        "doc",
        "--workspace",
        "--no-deps",
        "--all-features",
        "--exclude",
        LEFT_OUT,
    ];
    for argument in arguments {
        if argument != "--open" {
            return Err(Failure::Usage(format!(
                "takes `--open` or nothing, not `{argument}`"
            )));
        }
        line.push("--open");
    }
    project.cargo_with(&line, &[("RUSTDOCFLAGS", "-D warnings")])?;
    Ok(Outcome::Passed)
}
