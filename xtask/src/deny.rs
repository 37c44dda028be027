//! `cargo xtask deny`: licences, bans, sources and advisories, by cargo-deny.

use std::time::Duration;

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::{Project, Trial};

pub(crate) const COMMAND: Command = Command {
    name: "deny",
    arguments: "",
    summary: "check licences, bans, sources and advisories with cargo-deny",
    run,
};

/// Pinned, so that a new release of the tool cannot turn a green tree red.
const VERSION: &str = "0.20.2";

/// How long fetching the advisory database may take before we go on without it.
const FETCH_LIMIT: Duration = Duration::from_secs(90);

/// What to do without the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IfMissing {
    /// Say how to get it.
    Fail,
    /// Get it.
    Install,
}

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    check(project, IfMissing::Fail)
}

/// The same for continuous integration, which may install tools.
pub(crate) fn run_installing(project: &Project) -> Result<Outcome, Failure> {
    check(project, IfMissing::Install)
}

fn check(project: &Project, if_missing: IfMissing) -> Result<Outcome, Failure> {
    let found = project.read_cargo(&["deny", "--version"]).ok();
    if !is_pinned(found.as_deref()) {
        if if_missing == IfMissing::Fail {
            let found = found.map_or("not installed".into(), |version| version.trim().to_owned());
            return Err(Failure::Failed(format!(
                "cargo-deny {VERSION} is needed, found: {found}; `cargo install cargo-deny \
                 --version {VERSION} --locked` gets it"
            )));
        }
        project.cargo(&["install", "cargo-deny", "--version", VERSION, "--locked"])?;
    }
    // Who brings a crate is one `cargo tree -i` away; the graphs would bury the findings.
    let check = [
        "deny",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ];
    project.cargo(&check)?;
    advisories(project)
}

/// Fetches and checks in two steps, because one step could not tell an unreachable database from
/// an advisory that was found.
fn advisories(project: &Project) -> Result<Outcome, Failure> {
    let why = match project.try_cargo(&["deny", "fetch", "db"], FETCH_LIMIT)? {
        Trial::Succeeded => {
            project.cargo(&["deny", "check", "--disable-fetch", "advisories"])?;
            return Ok(Outcome::Passed);
        }
        Trial::Failed => "their database cannot be fetched".to_owned(),
        Trial::OutOfTime => format!("their database did not come within {FETCH_LIMIT:?}"),
    };
    Ok(Outcome::PassedBut(format!(
        "advisories skipped: {why}; where github.com can be reached, `cargo deny fetch db` shows \
         what is wrong and this command checks them"
    )))
}

fn is_pinned(version: Option<&str>) -> bool {
    version.and_then(|version| version.split_whitespace().nth(1)) == Some(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_version_will_do() {
        assert!(is_pinned(Some("cargo-deny 0.20.2\n")));
        assert!(!is_pinned(Some("cargo-deny 0.20.20\n")));
        assert!(!is_pinned(None));
    }
}
