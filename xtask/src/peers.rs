//! `cargo xtask peers`: the official SDKs, unmodified, against the simulator.

use crate::command::Command;
use crate::outcome::{Failure, Outcome};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "peers",
    arguments: "[python|typescript]",
    summary: "run the official SDKs against the simulator; skips aloud without an interpreter",
    run,
};

const SCRIPT: &str = "tests/peers/run.sh";

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    let which = match arguments {
        [] => "",
        [one] if matches!(one.as_str(), "python" | "typescript") => one,
        _ => {
            return Err(Failure::Usage(
                "takes `python`, `typescript` or nothing".to_owned(),
            ));
        }
    };
    project.shell(
        &format!("{SCRIPT} {which}"),
        &["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"],
    )?;
    Ok(Outcome::Passed)
}
