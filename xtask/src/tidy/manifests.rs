//! Why each dependency is there and what each feature brings, said where they are declared.

use super::Finding;
use super::tree::{Manifest, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.manifests().iter().flat_map(check_manifest).collect()
}

/// The part of a manifest that a line is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Dependencies,
    Features,
    Other,
}

/// Read line by line, because a parser drops the comments.
fn check_manifest(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut section = Section::Other;
    let mut above = "";
    // A comment covers the entries below it, down to the next empty line.
    let mut explained = false;
    let mut open_brackets = 0;
    for (number, line) in (1..).zip(manifest.text.lines().map(str::trim)) {
        let mut found =
            |message: String| findings.push(Finding::error(&manifest.path, message).at(number));
        if open_brackets > 0 {
            open_brackets += brackets(line);
        } else if line.starts_with('[') {
            let (found_section, declares) = section_of(line);
            section = found_section;
            if let Some(dependency) = declares.filter(|_| !above.starts_with('#')) {
                found(format!(
                    "dependency {dependency} has no comment above it that says why"
                ));
            }
            explained = declares.is_some();
        } else if line.is_empty() {
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else {
            open_brackets += brackets(line);
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            if section == Section::Dependencies && !explained {
                found(format!(
                    "dependency {name} has no comment above it that says why"
                ));
            }
            if section == Section::Features && name != "default" && !above.starts_with("##") {
                found(format!("feature {name} has no `##` line above it"));
            }
        }
        above = line;
    }
    findings
}

/// The section that a header opens, and the dependency where it declares one by itself, as
/// `[dependencies.name]` does.
fn section_of(header: &str) -> (Section, Option<&str>) {
    let name = header
        .split('#')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches(['[', ']']);
    if name == "features" {
        return (Section::Features, None);
    }
    match name.rsplit_once("dependencies") {
        Some((_, "")) => (Section::Dependencies, None),
        Some((_, rest)) => (Section::Other, rest.strip_prefix('.')),
        None => (Section::Other, None),
    }
}

/// Brackets opened and not closed: a list that goes on below.
fn brackets(line: &str) -> i32 {
    let code = line.split('#').next().unwrap_or_default();
    code.chars()
        .map(|letter| i32::from(letter == '[') - i32::from(letter == ']'))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rest: &str) -> Vec<(Option<usize>, String)> {
        let text = format!("[package]\nname = 'evenkeel-x'\n{rest}");
        let findings = check(&Tree::of(&[("crates/evenkeel-x/Cargo.toml", &text)]));
        findings
            .into_iter()
            .map(|finding| (finding.line, finding.message))
            .collect()
    }

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let found = lines("[dependencies]\n# Why.\nserde.workspace = true\n\nhttp = '1'\n");
        assert_eq!(
            found,
            [(
                Some(7),
                "dependency http has no comment above it that says why".to_owned()
            )]
        );
    }

    #[test]
    fn one_reason_may_cover_dependencies_that_belong_together() {
        assert!(lines("[dev-dependencies]\n# JSON.\nserde = '1'\nserde_json = '1'\n").is_empty());
    }

    #[test]
    fn platform_tables_and_tables_of_one_dependency_count_too() {
        assert_eq!(
            lines("[target.'cfg(unix)'.dependencies]\nlibc = '1'\n").len(),
            1
        );
        assert_eq!(lines("[dependencies.libc]\nversion = '1'\n").len(), 1);
        assert!(lines("# Signals.\n[dependencies.libc]\nversion = '1'\n").is_empty());
    }

    #[test]
    fn a_feature_needs_a_line_of_documentation_and_default_does_not() {
        let found = lines(
            "[features]\ndefault = [\n  'one',\n]\n## One.\none = []\n# No documentation.\ntwo = []\n",
        );
        assert_eq!(
            found,
            [(Some(10), "feature two has no `##` line above it".to_owned())]
        );
    }
}
