//! `cargo xtask live`: a dozen cheap calls against the real API, for somebody who has a key.

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "live",
    arguments: "",
    summary: "a dozen cheap calls with your ANTHROPIC_API_KEY; skips aloud without one",
    run,
};

/// Either of them is a credential.
const KEYS: &[&str] = &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    let has = |key: &&str| std::env::var_os(key).is_some_and(|value| !value.is_empty());
    if !KEYS.iter().any(has) {
        let how = "no key: set ANTHROPIC_API_KEY; the calls cost less than a cent";
        return Ok(Outcome::Skipped(how.to_owned()));
    }
    let test = [
        "test",
        "--package",
        "evenkeel-tests",
        "--all-features",
        "--test",
        "live",
    ];
    let real = ["--", "--ignored", "--nocapture"];
    project.cargo(&[&test[..], &real].concat())?;
    Ok(Outcome::Passed)
}
