//! `cargo xtask test`: every suite, or one.
//!
//! All members are built together with all features, so that the suites, the unit tests, the
//! documentation tests, clippy and the benches' smoke run share one set of dependencies. What such
//! a build hides (a missing feature gate, because another member turned the feature on) is the
//! business of `cargo xtask features`, which builds each package alone.

use crate::command::Command;
use crate::openssl::{self, Headers};
use crate::outcome::{Failure, Outcome};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "test",
    arguments: "[suite] [--seed N] [-- …]",
    summary: "run every test, or one suite of tests/; `--` passes the rest on",
    run,
};

/// The package whose test targets are the suites.
const SUITES: &str = "evenkeel-tests";
/// The variable in which the suites that roll dice look for their seed.
const SEED: &str = "EVENKEEL_SEED";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    suite: Option<String>,
    seed: Option<String>,
    passed_on: Vec<String>,
}

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    let request = parse(arguments)?;
    let headers = openssl::headers(project);
    let features = openssl::features(headers, &project.packages()?);
    let mut line = vec!["test", "--workspace"];
    line.extend(features.iter().map(String::as_str));
    if let Some(suite) = &request.suite {
        let package = project.package(SUITES)?;
        let known = package.targets_of("test");
        if !known.contains(&suite.as_str()) {
            let known = if known.is_empty() {
                "none yet".into()
            } else {
                known.join(", ")
            };
            return Err(Failure::Usage(format!(
                "no suite `{suite}` in tests/; there are: {known}"
            )));
        }
        line.extend(["--test", suite]);
    }
    if !request.passed_on.is_empty() {
        line.push("--");
        line.extend(request.passed_on.iter().map(String::as_str));
    }
    let seed: Vec<_> = request
        .seed
        .iter()
        .map(|seed| (SEED, seed.as_str()))
        .collect();
    project.cargo_with(&line, &seed)?;
    Ok(match headers {
        Headers::Here => Outcome::Passed,
        Headers::Missing => Outcome::PassedBut(openssl::MISSING.into()),
    })
}

fn parse(arguments: &[String]) -> Result<Request, Failure> {
    let mut request = Request::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--" => {
                request.passed_on = arguments.cloned().collect();
                break;
            }
            "--seed" => request.seed = Some(seed(arguments.next())?),
            option if option.starts_with('-') => {
                return Err(Failure::Usage(format!(
                    "unknown option `{option}`; what the test runner shall see goes after `--`"
                )));
            }
            suite if request.suite.is_none() => request.suite = Some(suite.to_owned()),
            second => {
                return Err(Failure::Usage(format!(
                    "one suite at a time, but `{second}` is a second"
                )));
            }
        }
    }
    Ok(request)
}

fn seed(argument: Option<&String>) -> Result<String, Failure> {
    let seed = argument.filter(|seed| seed.parse::<u64>().is_ok());
    seed.cloned()
        .ok_or_else(|| Failure::Usage("--seed takes a whole number, as in `--seed 7`".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    #[test]
    fn a_suite_a_seed_and_the_rest_are_told_apart() {
        let request = parsed("storm --seed 7 -- --nocapture outage").unwrap();
        assert_eq!(request.suite.as_deref(), Some("storm"));
        assert_eq!(request.seed.as_deref(), Some("7"));
        assert_eq!(request.passed_on, ["--nocapture", "outage"]);
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in ["--seed", "--seed x", "--verbose", "wire storm"] {
            assert!(matches!(parsed(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
