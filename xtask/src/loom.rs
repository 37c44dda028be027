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

/// The crates with such tests, which stand in modules named `orders`, and the features that they need.
const PACKAGES: &[(&str, &str)] = &[
    ("evenkeel-backoff", "std"),
    ("evenkeel-breaker", ""),
    ("evenkeel", ""),
];

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    // A folder of its own: the flag would have everything else built anew.
    let folder = project.target_folder()?.join("loom");
    let folder = folder.to_string_lossy().into_owned();
    for (package, features) in PACKAGES {
        let line = [
            "test",
            "--package",
            package,
            // An HTTP client under another library's atomics is neither needed nor built.
            "--no-default-features",
            "--features",
            features,
            "--lib",
            "orders",
            "--target-dir",
            &folder,
        ];
        let loom = [("RUSTFLAGS", "--cfg loom")];
        project.cargo_with(&line, &loom)?;
        // A renamed module would leave none to run, and that passes.
        let listed = project.read_cargo_with(&[&line[..], &["--", "--list"]].concat(), &loom)?;
        if !has_tests(&listed) {
            return Err(Failure::Failed(format!(
                "{package} has no test in a module `orders`; the list of crates that have is in xtask/src/loom.rs"
            )));
        }
    }
    Ok(Outcome::Passed)
}

/// Whether a list as the test runner prints it holds a test.
fn has_tests(listed: &str) -> bool {
    listed.lines().any(|line| line.ends_with(": test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_test_is_told_from_one_with_tests() {
        assert!(has_tests(
            "budget::orders::two_take_one: test\n\n1 test, 0 benchmarks\n"
        ));
        assert!(!has_tests("0 tests, 0 benchmarks\n"));
    }
}
