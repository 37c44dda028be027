//! What no reviewer should have to say: stray blanks, tabs, a missing last newline, and notes to
//! oneself that nobody will find again.

use super::Finding;
use super::tree::{Tree, extension_of};

/// The files that people write by hand, by extension, and those without one. Fixtures may be as
/// odd as the wire is.
const BY_HAND: &[&str] = &["md", "rs", "sh", "toml", "yml"];

/// Notes that need an issue number, as in `…(#12)`. Spelled in two halves, or this file would fail.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let by_hand = |path: &str| extension_of(path).is_none_or(|known| BY_HAND.contains(&known));
    tree.files()
        .filter(|(path, _)| by_hand(path))
        .flat_map(|(path, text)| check_file(path, text))
        .collect()
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut found = |message: String| findings.push(Finding::error(path, message).at(number));
        if line.ends_with([' ', '\t', '\r']) {
            found("blanks at the end of the line".into());
        }
        if extension_of(path) == Some("rs") && line.contains('\t') {
            found("a tab; write `\\t` in text and spaces elsewhere".into());
        }
        for note in NOTES.iter().filter(|note| lacks_issue(line, note)) {
            found(format!("{note} without an issue number; write {note}(#12)"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::error(path, "the last line has no end"));
    }
    if text.ends_with("\n\n") {
        findings.push(Finding::error(path, "empty lines at the end"));
    }
    findings
}

fn lacks_issue(line: &str, note: &str) -> bool {
    line.split(note).skip(1).any(|rest| {
        let number = rest
            .strip_prefix("(#")
            .and_then(|rest| rest.split_once(')'));
        number.is_none_or(|(number, _)| number.parse::<u32>().is_err())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .iter()
            .map(Finding::to_string)
            .collect()
    }

    #[test]
    fn stray_blanks_and_tabs_are_found_with_their_line() {
        assert_eq!(
            findings("a.rs", "fn a() {}\nfn b() {} \n\tx\n"),
            [
                "error: a.rs:2: blanks at the end of the line",
                "error: a.rs:3: a tab; write `\\t` in text and spaces elsewhere",
            ]
        );
    }

    #[test]
    fn a_file_ends_with_exactly_one_newline() {
        assert_eq!(findings("a.md", "text\n").len(), 0);
        assert_eq!(findings("a.md", "text").len(), 1);
        assert_eq!(findings("a.md", "text\n\n").len(), 1);
    }

    #[test]
    fn a_note_to_oneself_needs_an_issue() {
        let note = NOTES[0];
        assert_eq!(
            findings("a.rs", &format!("// {note}(#12): faster\n")).len(),
            0
        );
        assert_eq!(findings("a.rs", &format!("// {note}: faster\n")).len(), 1);
        assert_eq!(
            findings("a.rs", &format!("// {note}(later) faster\n")).len(),
            1
        );
    }

    #[test]
    fn fixtures_are_left_as_they_are() {
        assert!(findings("tests/wire/fixtures/odd.sse", "data: x \r\n\r\n").is_empty());
    }
}
