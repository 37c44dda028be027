//! `cargo xtask loom`: what threads share, under every order of their steps that loom can tell apart.

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "loom",
    arguments: "",
    summary: "run the tests of what threads share under every order of their steps",
    run,
};

/// The crates with such tests, which stand in modules named `orders`.
const PACKAGES: &[&str] = &["evenkeel-backoff"];

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    // A folder of its own: the flag would have everything else built anew.
    let folder = project.target_folder()?.join("loom");
    let folder = folder.to_string_lossy().into_owned();
    for package in PACKAGES {
        project.cargo_with(
            &[
                "test",
                "--release",
                "--package",
                package,
                "--features",
                "std",
                "--lib",
                "orders",
                "--target-dir",
                &folder,
            ],
            &[("RUSTFLAGS", "--cfg loom")],
        )?;
    }
    Ok(Outcome::Passed)
}
