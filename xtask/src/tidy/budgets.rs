//! How long a source file may be, its tests aside.

use super::Finding;
use super::tree::Tree;

/// Aim at half of this; beyond it, look for the second concept in the file.
const WARN_ABOVE: usize = 400;
/// Beyond this there is always one.
const FAIL_ABOVE: usize = 600;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree.with_extension("rs").filter(|(path, _)| !is_test(path));
    sources
        .filter_map(|(path, text)| check_file(path, text))
        .collect()
}

fn check_file(path: &str, text: &str) -> Option<Finding> {
    let lines = lines_without_tests(text);
    if lines > FAIL_ABOVE {
        let message =
            format!("{lines} lines without tests, {FAIL_ABOVE} allowed: split by concept");
        return Some(Finding::error(path, message));
    }
    let message = format!("{lines} lines without tests: at {FAIL_ABOVE} tidy fails");
    (lines > WARN_ABOVE).then(|| Finding::warning(path, message))
}

/// Whole files of tests: `tests.rs`, and whatever lies in a folder `tests`.
fn is_test(path: &str) -> bool {
    path.split('/')
        .any(|part| part == "tests" || part == "tests.rs")
}

/// The lines of a file outside its modules under `#[cfg(test)]`, which begin and, as rustfmt lays
/// them out, end at the left margin.
fn lines_without_tests(text: &str) -> usize {
    let mut lines = text.lines();
    let mut counted = 0;
    while let Some(line) = lines.next() {
        if !(line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")) {
            counted += 1;
            continue;
        }
        // A one-line item (`mod tests;`, a `use`) ends at once, a block with its closing brace.
        let mut inside = lines.by_ref().skip_while(|line| line.starts_with("#["));
        if !inside.next().is_some_and(|line| line.ends_with(';')) {
            inside.find(|line| line.starts_with('}'));
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Weight;

    fn weight_of(path: &str, text: &str) -> Option<Weight> {
        check(&Tree::of(&[(path, text)]))
            .first()
            .map(|finding| finding.weight)
    }

    #[test]
    fn a_file_over_budget_warns_and_then_fails() {
        let path = "crates/evenkeel/src/pipeline.rs";
        assert_eq!(weight_of(path, &"fn f() {}\n".repeat(400)), None);
        assert_eq!(
            weight_of(path, &"fn f() {}\n".repeat(401)),
            Some(Weight::Warning)
        );
        assert_eq!(
            weight_of(path, &"fn f() {}\n".repeat(601)),
            Some(Weight::Error)
        );
    }

    #[test]
    fn tests_do_not_count() {
        let long = "fn f() {}\n".repeat(700);
        assert_eq!(weight_of("crates/evenkeel/src/retry/tests.rs", &long), None);
        assert_eq!(weight_of("tests/storm/main.rs", &long), None);
        let inline = format!(
            "fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "    f();\n".repeat(700)
        );
        assert_eq!(weight_of("crates/evenkeel/src/retry.rs", &inline), None);
    }

    #[test]
    fn only_the_test_module_is_left_out() {
        assert_eq!(
            lines_without_tests("a\n#[cfg(test)]\nmod tests;\nb\nc\n"),
            3
        );
        assert_eq!(
            lines_without_tests("a\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n    t\n}\nb\nc\n"),
            3
        );
        assert_eq!(
            lines_without_tests("#[cfg(test)]\nimpl T {\n    t\n}\n#[cfg(test)]\nuse t;\nb\n"),
            1
        );
    }
}
