//! `cargo xtask bench`: the measurements of benches/.

mod cold;
pub(crate) mod instructions;

use instructions::Then;

use crate::command::Command;
use crate::outcome::{Failure, Outcome};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    arguments: "[name] [--instructions [--accept] | --cold] [-- …]",
    summary: "measure: all of benches/, or those whose name starts with this; `client --cold`: a first build",
    run,
};

/// The package whose bench targets are measured.
const BENCHES: &str = "evenkeel-benches";

/// The workspace of the rivals: a bench that has any has a folder there, and is measured beside them in one
/// run that prints one table. It has a lock file of its own and is built for nothing else.
const PEERS: &str = "benches/peers";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    prefix: String,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// Time, with what criterion shall see.
    Time(Vec<String>),
    Instructions(Then),
    /// A first build, beside what a program without us builds.
    Cold,
}

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    let asked = asked(arguments)?;
    match asked.kind {
        Kind::Time(passed_on) => time(project, &asked.prefix, &passed_on),
        Kind::Instructions(then) => instructions::run(project, &asked.prefix, then),
        Kind::Cold => cold::run(project),
    }
}

fn asked(arguments: &[String]) -> Result<Asked, Failure> {
    let (ours, passed_on) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => arguments.split_at(at),
        None => (arguments, &[][..]),
    };
    let (mut names, mut flags) = (vec![], vec![]);
    for argument in ours {
        let list = if argument.starts_with('-') {
            &mut flags
        } else {
            &mut names
        };
        list.push(argument.as_str());
    }
    let kind = match (flags.as_slice(), passed_on) {
        ([], _) => Kind::Time(passed_on.to_vec()),
        (["--instructions"], []) => Kind::Instructions(Then::Compare),
        (["--instructions", "--accept"], []) => Kind::Instructions(Then::Accept),
        (["--cold"], []) => {
            // It takes minutes: nobody gets it who asked for something else.
            return match names.as_slice() {
                [cold::BENCH] => Ok(Asked {
                    prefix: cold::BENCH.into(),
                    kind: Kind::Cold,
                }),
                _ => Err(Failure::Usage(format!(
                    "`--cold` goes with `{}`, the bench that it belongs to",
                    cold::BENCH
                ))),
            };
        }
        _ => {
            return Err(Failure::Usage(
                "takes `--cold`, or `--instructions` and with it `--accept`; what criterion shall see goes after \
                 `--`"
                .into(),
            ));
        }
    };
    match names.as_slice() {
        [] => Ok(Asked {
            prefix: String::new(),
            kind,
        }),
        [name] => Ok(Asked {
            prefix: (*name).to_owned(),
            kind,
        }),
        _ => Err(Failure::Usage("takes one name".into())),
    }
}

fn time(project: &Project, prefix: &str, passed_on: &[String]) -> Result<Outcome, Failure> {
    let package = project.package(BENCHES)?;
    let known = package.targets_of("bench");
    let rivals = rivals(project)?;
    let chosen = |name: &str| name.starts_with(prefix);
    let criterion = known.iter().any(|bench| chosen(bench));
    if !criterion && !rivals.iter().any(|bench| chosen(bench)) {
        let mut all: Vec<&str> = known
            .into_iter()
            .chain(rivals.iter().map(String::as_str))
            .collect();
        all.sort_unstable();
        all.dedup();
        let all = all.join(", ");
        return Err(Failure::Usage(format!(
            "no bench starts with `{prefix}`; there are: {all}"
        )));
    }
    if criterion {
        let pattern = format!("{prefix}*");
        let mut line = vec!["bench", "--package", BENCHES, "--bench", &pattern];
        line.extend(passed_on.iter().map(String::as_str));
        project.cargo(&line)?;
    }
    let manifest = format!("{PEERS}/Cargo.toml");
    for bench in rivals.iter().filter(|bench| chosen(bench)) {
        let package = format!("peers-{bench}");
        project.cargo(&[
            "run",
            "--release",
            "--manifest-path",
            &manifest,
            "--package",
            &package,
        ])?;
    }
    Ok(Outcome::Passed)
}

/// The benches with rivals: the folders of that workspace with a program in them.
fn rivals(project: &Project) -> Result<Vec<String>, Failure> {
    let folder = project.root().join(PEERS);
    let failed =
        |error: std::io::Error| Failure::Failed(format!("{PEERS} cannot be listed: {error}"));
    let mut names = vec![];
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().join("src/main.rs").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_of(line: &str) -> Result<Asked, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        asked(&words)
    }

    #[test]
    fn a_name_chooses_the_benches_and_what_follows_two_dashes_is_for_criterion() {
        let kind = Kind::Time(vec!["--".into(), "--quick".into()]);
        let prefix = "backoff".to_owned();
        assert_eq!(asked_of("backoff -- --quick"), Ok(Asked { prefix, kind }));
    }

    #[test]
    fn instructions_are_compared_unless_they_are_to_be_accepted() {
        let asked = |line| asked_of(line).map(|asked| asked.kind);
        assert_eq!(
            asked("--instructions"),
            Ok(Kind::Instructions(Then::Compare))
        );
        assert_eq!(
            asked("x --instructions --accept"),
            Ok(Kind::Instructions(Then::Accept))
        );
    }

    #[test]
    fn a_first_build_is_measured_only_by_the_name_of_its_bench() {
        let prefix = "client".to_owned();
        let kind = Kind::Cold;
        assert_eq!(asked_of("client --cold"), Ok(Asked { prefix, kind }));
        for line in ["--cold", "backoff --cold", "client --cold -- --quick"] {
            assert!(matches!(asked_of(line), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn two_names_an_unknown_flag_or_accept_alone_are_refused() {
        for line in ["a b", "--fast", "--accept", "--instructions -- --quick"] {
            assert!(matches!(asked_of(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
