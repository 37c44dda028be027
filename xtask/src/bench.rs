//! `cargo xtask bench`: the measurements of benches/.

use crate::command::Command;
use crate::outcome::{Failure, Outcome};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    arguments: "[name] [-- …]",
    summary: "measure: all of benches/, or those whose name starts with this",
    run,
};

/// The package whose bench targets are measured.
const BENCHES: &str = "evenkeel-benches";

/// The bench that has rivals, and the workspace that measures both in one run and prints one table.
/// It has a lock file of its own and is built for nothing else.
const BESIDE_PEERS: &str = "backoff";
const PEERS: &str = "benches/peers/Cargo.toml";

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    let (names, passed_on) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => arguments.split_at(at),
        None => (arguments, &[][..]),
    };
    let prefix = match names {
        [] => "",
        [name] if !name.starts_with('-') => name,
        _ => {
            return Err(Failure::Usage(
                "takes one name; what criterion shall see goes after `--`".into(),
            ));
        }
    };
    let package = project.package(BENCHES)?;
    let known = package.targets_of("bench");
    if known.is_empty() {
        return Ok(Outcome::Skipped("benches/ holds no bench yet".into()));
    }
    if !known.iter().any(|bench| bench.starts_with(prefix)) {
        let known = known.join(", ");
        return Err(Failure::Usage(format!(
            "no bench starts with `{prefix}`; there are: {known}"
        )));
    }
    let pattern = format!("{prefix}*");
    let mut line = vec!["bench", "--package", BENCHES, "--bench", &pattern];
    line.extend(passed_on.iter().map(String::as_str));
    project.cargo(&line)?;
    if prefix == BESIDE_PEERS {
        project.cargo(&["run", "--release", "--manifest-path", PEERS])?;
    }
    Ok(Outcome::Passed)
}

/// Runs each bench once, unmeasured, to see that it still works. In the tests' profile and with
/// their features: nothing is built twice, and an optimised build would tell no more.
pub(crate) fn smoke(project: &Project) -> Result<Outcome, Failure> {
    if project.package(BENCHES)?.targets_of("bench").is_empty() {
        return Ok(Outcome::Skipped("benches/ holds no bench yet".into()));
    }
    project.cargo(&[
        "test",
        "--workspace",
        "--all-features",
        "--bench",
        "*",
        "--",
        "--test",
    ])?;
    Ok(Outcome::Passed)
}
