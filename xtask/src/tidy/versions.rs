//! Version strings in the documents, which drift wherever nobody looks.

use toml::Value;

use super::Finding;
use super::tree::{Tree, extension_of};

/// Tells of versions past.
const EXEMPT: &str = "CHANGELOG.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(version) = tree.shared_text("version") else {
        return vec![Finding::error(
            "Cargo.toml",
            "[workspace.package] version is missing",
        )];
    };
    let mut findings = shared_edges(tree, version);
    for (path, text) in tree.files().filter(|(path, _)| !path.ends_with(EXEMPT)) {
        let is_source = extension_of(path) == Some("rs");
        if !is_source && extension_of(path) != Some("md") {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            let Some(line) = shown(line, is_source) else {
                continue;
            };
            for (name, asked) in asked_for(line) {
                if !fits(asked, version) {
                    let message =
                        format!("asks for {name} {asked}, but the workspace is at {version}");
                    findings.push(Finding::error(path, message).at(number));
                }
            }
        }
    }
    findings.extend(readme_names_compiler(tree));
    findings
}

/// The versions by which our crates ask for each other.
fn shared_edges(tree: &Tree, version: &str) -> Vec<Finding> {
    let shared = tree
        .shared(&["workspace", "dependencies"])
        .and_then(Value::as_table);
    let ours = shared
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("evenkeel"));
    let stale =
        ours.filter(|(_, edge)| edge.get("version").and_then(Value::as_str) != Some(version));
    stale
        .map(|(name, _)| {
            let message = format!("[workspace.dependencies] {name} is not at version {version}");
            Finding::error("Cargo.toml", message)
        })
        .collect()
}

fn readme_names_compiler(tree: &Tree) -> Option<Finding> {
    let compiler = tree.shared_text("rust-version")?;
    let readme = tree.file("README.md")?;
    let message = format!("does not name the oldest compiler supported, Rust {compiler}");
    (!readme.contains(compiler)).then(|| Finding::error("README.md", message))
}

/// What a reader of the documentation sees of a line: all of it in Markdown, doc comments in Rust.
fn shown(line: &str, is_source: bool) -> Option<&str> {
    let line = line.trim();
    if !is_source {
        return Some(line);
    }
    line.strip_prefix("//!")
        .or_else(|| line.strip_prefix("///"))
        .map(str::trim)
}

/// Our crates with the version that a line asks for: `evenkeel = "0.1"`,
/// `evenkeel-error = { version = "0.1" }`, `evenkeel-cli@0.1`.
fn asked_for(line: &str) -> Vec<(&str, &str)> {
    let mut asked = Vec::new();
    if let Some((name, value)) = line
        .split_once('=')
        .filter(|(name, _)| is_ours(name.trim()))
    {
        let value = value.trim_start();
        let version = match value.strip_prefix('{') {
            Some(table) => table.split_once("version").map(|(_, rest)| rest),
            None => value.starts_with('"').then_some(value),
        };
        if let Some(version) = version.and_then(|rest| rest.split('"').nth(1)) {
            asked.push((name.trim(), version));
        }
    }
    for word in line.split([' ', '`', '"', '\'']) {
        if let Some((name, version)) = word.split_once('@').filter(|(name, _)| is_ours(name)) {
            asked.push((name, version.trim_end_matches(['.', ',', ';', ')'])));
        }
    }
    asked
}

fn is_ours(name: &str) -> bool {
    name == "evenkeel" || name.starts_with("evenkeel-")
}

/// `0.1` and `0.1.0` fit 0.1.0; `0.2` and `0` do not: the first is stale, the second too wide.
fn fits(asked: &str, version: &str) -> bool {
    let significant = if version.starts_with("0.") { 2 } else { 1 };
    let asked: Vec<&str> = asked
        .trim_start_matches(['^', '=', '~'])
        .split('.')
        .collect();
    let version: Vec<&str> = version.split('.').collect();
    asked.len() >= significant && version.starts_with(&asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.package]\nversion = '0.2.1'\nrust-version = '1.88'\n";

    fn messages(path: &str, text: &str) -> Vec<String> {
        let findings = check(&Tree::of(&[("Cargo.toml", ROOT), (path, text)]));
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_stale_version_in_a_document_is_found() {
        let found = messages("docs/start.md", "```toml\nevenkeel = \"0.1\"\n```\n");
        assert_eq!(
            found,
            ["error: docs/start.md:2: asks for evenkeel 0.1, but the workspace is at 0.2.1"]
        );
    }

    #[test]
    fn every_spelling_is_understood() {
        for stale in [
            "evenkeel-error = { version = \"0.1.0\", features = [\"claude\"] }",
            "cargo add evenkeel@0.1",
            "Use `evenkeel-cli@0.3`.",
        ] {
            assert_eq!(messages("docs/a.md", stale).len(), 1, "{stale}");
        }
        for fresh in [
            "evenkeel-error = { version = \"0.2\", features = [\"claude\"] }",
            "evenkeel-error = { path = \"../evenkeel-error\" }",
            "evenkeel = \"0.2.1\"",
            "cargo add evenkeel@0.2",
            "mail@example.com",
        ] {
            assert_eq!(
                messages("docs/a.md", fresh),
                Vec::<String>::new(),
                "{fresh}"
            );
        }
    }

    #[test]
    fn in_source_only_documentation_counts() {
        let path = "crates/evenkeel/src/lib.rs";
        assert_eq!(messages(path, "//! evenkeel = \"0.1\"\n").len(), 1);
        assert!(messages(path, "let text = \"evenkeel = \\\"0.1\\\"\";\n").is_empty());
    }

    #[test]
    fn the_changelog_may_tell_of_the_past() {
        assert!(messages("CHANGELOG.md", "evenkeel = \"0.1\"\n").is_empty());
    }

    #[test]
    fn our_crates_ask_for_each_other_at_the_current_version() {
        let root =
            format!("{ROOT}[workspace.dependencies]\nevenkeel-error = {{ version = '0.2.0' }}\n");
        assert_eq!(check(&Tree::of(&[("Cargo.toml", &root)])).len(), 1);
    }

    #[test]
    fn the_readme_names_the_oldest_compiler() {
        assert_eq!(messages("README.md", "Rust 1.85 and later.\n").len(), 1);
        assert!(messages("README.md", "Rust 1.88 and later.\n").is_empty());
    }
}
