//! `cargo xtask fuzz`: every fuzz target for a minute, or the property tests where fuzzing cannot be.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::outcome::{Failure, Outcome};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "fuzz",
    arguments: "[target] [--seconds N]",
    summary: "run the fuzz targets, 60 s each unless told otherwise",
    run,
};

const SECONDS: u32 = 60;

/// A fuzz target, and the folder of the fuzz package it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    folder: PathBuf,
    name: String,
}

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    let (wanted, seconds) = chosen(arguments)?;
    let targets = selected(targets(project.root())?, wanted.as_deref())?;
    if let Some(missing) = missing(project) {
        // The same rules for fewer inputs: the property tests draw what a fuzzer would find.
        for package in packages(&targets) {
            project.cargo(&["test", "--package", &package, "--all-features"])?;
        }
        return Ok(Outcome::Skipped(format!(
            "{missing}; the property tests of the same rules ran instead"
        )));
    }
    let mut failed = Vec::new();
    for target in &targets {
        let folder = target.folder.display();
        let ended = project.shell(
            &format!(
                "cargo +nightly fuzz run --fuzz-dir '{folder}' {} -- -max_total_time={seconds}",
                target.name
            ),
            // The compiler of this very process would win over `+nightly`.
            &["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"],
        );
        // What one target finds must not keep the others from looking.
        if let Err(failure) = ended {
            eprintln!("error: {failure}");
            failed.push(target.to_string());
        }
    }
    if failed.is_empty() {
        return Ok(Outcome::Passed);
    }
    Err(Failure::Failed(format!(
        "{} of {} targets failed: {}; what they found is above",
        failed.len(),
        targets.len(),
        failed.join(", ")
    )))
}

/// The targets of this name, which several crates may have; all of them without a name.
fn selected(targets: Vec<Target>, wanted: Option<&str>) -> Result<Vec<Target>, Failure> {
    if targets.is_empty() {
        return Err(Failure::Failed(
            "there are no fuzz targets in crates/*/fuzz".into(),
        ));
    }
    let Some(wanted) = wanted else {
        return Ok(targets);
    };
    let (chosen, others): (Vec<_>, Vec<_>) = targets
        .into_iter()
        .partition(|target| target.name == wanted);
    if chosen.is_empty() {
        let known: Vec<String> = others.iter().map(Target::to_string).collect();
        let known = known.join(", ");
        return Err(Failure::Usage(format!(
            "there is no fuzz target `{wanted}`; there are: {known}"
        )));
    }
    Ok(chosen)
}

/// `classify of evenkeel-error`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let package = self.package().unwrap_or_default();
        write!(f, "{} of {package}", self.name)
    }
}

impl Target {
    /// The package whose rules it tests: the crate around the fuzz folder.
    fn package(&self) -> Option<String> {
        let name = self.folder.parent()?.file_name()?;
        Some(name.to_string_lossy().into_owned())
    }
}

fn chosen(arguments: &[String]) -> Result<(Option<String>, u32), Failure> {
    let (mut target, mut seconds) = (None, SECONDS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let given = rest
                .next()
                .and_then(|text| text.parse().ok())
                .filter(|given| *given > 0);
            seconds = given.ok_or_else(|| {
                Failure::Usage("--seconds takes a whole number above 0".to_owned())
            })?;
        } else if target.is_none() && !argument.starts_with('-') {
            target = Some(argument.clone());
        } else {
            return Err(Failure::Usage(format!(
                "takes one target and `--seconds N`, so what is `{argument}`?"
            )));
        }
    }
    Ok((target, seconds))
}

/// What fuzzing needs and this machine has not, and how to get it.
fn missing(project: &Project) -> Option<String> {
    if project.read("cargo", &["+nightly", "--version"]).is_err() {
        let how = "`rustup toolchain install nightly` gets it";
        return Some(format!("fuzzing needs a nightly compiler: {how}"));
    }
    if project.read("cargo", &["fuzz", "--version"]).is_err() {
        let how = "`cargo install cargo-fuzz --locked` gets it";
        return Some(format!("fuzzing needs cargo-fuzz: {how}"));
    }
    None
}

/// The targets of every `crates/*/fuzz`, by the files in their `fuzz_targets`.
fn targets(root: &Path) -> Result<Vec<Target>, Failure> {
    let mut found = Vec::new();
    for krate in entries(&root.join("crates"))? {
        let folder = krate.join("fuzz");
        let sources = folder.join("fuzz_targets");
        if !sources.is_dir() {
            continue;
        }
        for source in entries(&sources)? {
            if source
                .extension()
                .is_some_and(|extension| extension == "rs")
                && let Some(name) = source.file_stem()
            {
                let name = name.to_string_lossy().into_owned();
                let folder = folder.strip_prefix(root).unwrap_or(&folder).to_path_buf();
                found.push(Target { folder, name });
            }
        }
    }
    Ok(found)
}

/// The packages whose rules these targets test, each once.
fn packages(targets: &[Target]) -> Vec<String> {
    let mut names: Vec<String> = targets.iter().filter_map(Target::package).collect();
    names.sort();
    names.dedup();
    names
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::Failed(format!("{} cannot be listed: {error}", folder.display()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_target_and_a_time_may_be_chosen() {
        assert_eq!(chosen(&[]), Ok((None, 60)));
        let given = chosen(&words("classify --seconds 5"));
        assert_eq!(given, Ok((Some("classify".to_owned()), 5)));
        for wrong in ["--seconds", "--seconds 0", "--fast", "one two"] {
            assert!(
                matches!(chosen(&words(wrong)), Err(Failure::Usage(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_target_belongs_to_the_crate_around_its_folder() {
        let [b, a, c] = targets_of_two_crates();
        assert_eq!(
            packages(&[b, a, c]),
            ["evenkeel-error", "evenkeel-messages"]
        );
    }

    #[test]
    fn a_name_chooses_the_targets_of_every_crate_that_has_it() {
        let targets = || Vec::from(targets_of_two_crates());
        assert_eq!(selected(targets(), None).unwrap().len(), 3);
        let classify = selected(targets(), Some("classify")).unwrap();
        assert_eq!(packages(&classify), ["evenkeel-error", "evenkeel-messages"]);
        let Err(Failure::Usage(line)) = selected(targets(), Some("clasify")) else {
            panic!("accepted")
        };
        assert!(
            line.contains("`clasify`") && line.contains("sse of evenkeel-messages"),
            "{line}"
        );
    }

    #[test]
    fn no_targets_at_all_are_a_failure() {
        assert!(matches!(selected(vec![], None), Err(Failure::Failed(_))));
    }

    fn targets_of_two_crates() -> [Target; 3] {
        let target = |package: &str, name: &str| Target {
            folder: PathBuf::from(format!("crates/{package}/fuzz")),
            name: name.to_owned(),
        };
        [
            target("evenkeel-messages", "sse"),
            target("evenkeel-error", "classify"),
            target("evenkeel-messages", "classify"),
        ]
    }
}
