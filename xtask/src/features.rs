//! `cargo xtask features`: each published package alone, with each of its features alone.
//!
//! A build of the whole workspace turns on whatever any member asks for, and so hides a missing
//! gate. Here every package is linted by itself: with no feature, with each one, with the defaults
//! and with all. Then `lean` looks at what the parts bring along.

mod lean;

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::{Package, Project};

pub(crate) const COMMAND: Command = Command {
    name: "features",
    arguments: "",
    summary: "lint every feature alone, and see that the parts stay lean",
    run,
};

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    let mut wrong = Vec::new();
    for package in project.published()? {
        for selection in selections(&package) {
            if project
                .cargo(&lint_line(&package.name, &selection))
                .is_err()
            {
                wrong.push(format!("{} {}", package.name, selection.join(" ")));
            }
        }
        for offence in lean::offences(project, &package)? {
            eprintln!("error: {offence}");
            wrong.push(offence);
        }
    }
    if wrong.is_empty() {
        return Ok(Outcome::Passed);
    }
    Err(Failure::Failed(format!(
        "{} did not pass: {}",
        wrong.len(),
        wrong.join("; ")
    )))
}

/// The selections to lint, as cargo's own options.
fn selections(package: &Package) -> Vec<Vec<&str>> {
    let mut selections = vec![
        vec!["--no-default-features"],
        // The package's own tests must build without the features, too. Apart from the first,
        // because what the tests depend on may turn on a feature that the library lacks.
        vec!["--no-default-features", "--all-targets"],
    ];
    let features = optional(package);
    for feature in &features {
        selections.push(vec!["--no-default-features", "--features", feature]);
    }
    if package.features.iter().any(|feature| feature == "default") {
        selections.push(vec![]);
    }
    if features.len() > 1 {
        selections.push(vec!["--all-features"]);
    }
    selections
}

/// Every feature but `default`.
fn optional(package: &Package) -> Vec<&str> {
    package
        .features
        .iter()
        .map(String::as_str)
        .filter(|feature| *feature != "default")
        .collect()
}

fn lint_line<'a>(package: &'a str, selection: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec!["clippy", "--quiet", "--package", package];
    line.extend(selection);
    line.extend(["--", "-D", "warnings"]);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_stands_alone_and_default_is_taken_as_a_whole() {
        let mut package = Package::named("part");
        package.features = ["default", "one", "two"].map(String::from).into();
        let lines: Vec<String> = selections(&package)
            .iter()
            .map(|words| words.join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "--no-default-features",
                "--no-default-features --all-targets",
                "--no-default-features --features one",
                "--no-default-features --features two",
                "",
                "--all-features",
            ]
        );
    }
}
