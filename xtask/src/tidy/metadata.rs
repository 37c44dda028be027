//! What a published crate must say of itself, and what an unpublished member must not.

use toml::Value;

use super::Finding;
use super::tree::{Manifest, Tree};

/// Keys of `[package]` that a published crate has, by itself or from the workspace.
const REQUIRED: &[&str] = &[
    "authors",
    "categories",
    "description",
    "documentation",
    "edition",
    "keywords",
    "license",
    "readme",
    "rust-version",
    "version",
];

/// What the registry takes.
const KEYWORDS: usize = 5;
const KEYWORD_LENGTH: usize = 20;

/// The line of `lib.rs` that makes docs.rs show which feature an item needs.
const FEATURE_GATES: &str = "cfg_attr(docsrs, feature(doc_cfg))";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.manifests()
        .iter()
        .flat_map(|manifest| check_member(tree, manifest))
        .collect()
}

fn check_member(tree: &Tree, manifest: &Manifest) -> Vec<Finding> {
    let mut wrong = Vec::new();
    if flag(manifest, &["lints", "workspace"]) != Some(true) {
        wrong.push("[lints] workspace = true is missing".to_owned());
    }
    if manifest.is_published() {
        published(tree, manifest, &mut wrong);
    } else if flag(manifest, &["package", "publish"]) != Some(false) {
        wrong.push("publish = false is missing: only what lies in crates/ is published".to_owned());
    }
    wrong
        .into_iter()
        .map(|message| Finding::error(&manifest.path, message))
        .collect()
}

fn published(tree: &Tree, manifest: &Manifest, wrong: &mut Vec<String>) {
    let folder = &manifest.folder;
    if *folder != format!("crates/{}", manifest.name) {
        wrong.push(format!(
            "a crate's folder has its name: crates/{}",
            manifest.name
        ));
    }
    for key in REQUIRED {
        let inherited = value(manifest, &["package", key, "workspace"]).is_some();
        let found = if inherited {
            tree.shared(&["workspace", "package", key])
        } else {
            value(manifest, &["package", key])
        };
        if found.is_none() {
            wrong.push(format!("[package] {key} is missing"));
        }
    }
    if tree.file(&format!("{folder}/README.md")).is_none() {
        wrong.push(format!("{folder}/README.md is missing"));
    }
    let keywords = value(manifest, &["package", "keywords"]).and_then(Value::as_array);
    let keywords: Vec<&str> = keywords
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if keywords.len() > KEYWORDS || keywords.iter().any(|word| word.len() > KEYWORD_LENGTH) {
        wrong.push(format!(
            "at most {KEYWORDS} keywords, of {KEYWORD_LENGTH} letters each"
        ));
    }
    docs_rs(tree, manifest, wrong);
}

fn docs_rs(tree: &Tree, manifest: &Manifest, wrong: &mut Vec<String>) {
    let docs_rs = ["package", "metadata", "docs", "rs"];
    let all = value(manifest, &docs_rs).and_then(|table| table.get("all-features")?.as_bool());
    let arguments =
        value(manifest, &docs_rs).and_then(|table| table.get("rustdoc-args")?.as_array());
    let passes_cfg =
        arguments.is_some_and(|words| words.iter().any(|word| word.as_str() == Some("docsrs")));
    if all != Some(true) || !passes_cfg {
        wrong.push(
            "[package.metadata.docs.rs] needs all-features = true and \
             rustdoc-args = [\"--cfg\", \"docsrs\"]"
                .to_owned(),
        );
    }
    let library = tree.file(&format!("{}/src/lib.rs", manifest.folder));
    let features = value(manifest, &["features"]).and_then(Value::as_table);
    let has_features = features.is_some_and(|features| features.keys().any(|key| key != "default"));
    if has_features && library.is_some_and(|library| !library.contains(FEATURE_GATES)) {
        wrong.push(format!(
            "src/lib.rs needs #![{FEATURE_GATES}], which shows the gates on docs.rs"
        ));
    }
}

fn value<'a>(manifest: &'a Manifest, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter()
        .try_fold(manifest.table.get(*first)?, |value, key| value.get(key))
}

fn flag(manifest: &Manifest, keys: &[&str]) -> Option<bool> {
    value(manifest, keys)?.as_bool()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.package]\nversion = '0.1.0'\nrust-version = '1.88'\n";
    const WHOLE: &str = "[package]\nname = 'evenkeel-x'\nauthors = ['a']\ncategories = ['c']\n\
        description = 'd'\ndocumentation = 'u'\nedition = '2024'\nkeywords = ['k']\n\
        license = 'MIT OR Apache-2.0'\nreadme = 'README.md'\nrust-version.workspace = true\n\
        version.workspace = true\n\
        [package.metadata.docs.rs]\nall-features = true\nrustdoc-args = ['--cfg', 'docsrs']\n\
        [lints]\nworkspace = true\n";

    fn messages(path: &str, manifest: &str, library: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("Cargo.toml", ROOT),
            (path, manifest),
            ("crates/evenkeel-x/README.md", "# x\n"),
            ("crates/evenkeel-x/src/lib.rs", library),
        ]);
        check(&tree)
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    fn published(manifest: &str) -> Vec<String> {
        messages("crates/evenkeel-x/Cargo.toml", manifest, "")
    }

    #[test]
    fn a_manifest_that_says_all_passes() {
        assert_eq!(published(WHOLE), Vec::<String>::new());
    }

    #[test]
    fn every_key_of_a_published_crate_is_asked_for() {
        for line in WHOLE
            .lines()
            .filter(|line| line.contains('=') && !line.starts_with("name"))
        {
            let without: Vec<&str> = WHOLE.lines().filter(|other| *other != line).collect();
            assert_eq!(published(&without.join("\n")).len(), 1, "{line}");
        }
    }

    #[test]
    fn an_inherited_key_must_exist_in_the_workspace() {
        let manifest = WHOLE.replace("authors = ['a']", "authors.workspace = true");
        assert_eq!(published(&manifest), ["[package] authors is missing"]);
    }

    #[test]
    fn a_library_with_features_shows_its_gates() {
        let manifest = format!("{WHOLE}[features]\ndefault = []\nclaude = []\n");
        assert_eq!(published(&manifest).len(), 1);
        let library = "#![cfg_attr(docsrs, feature(doc_cfg))]\n";
        assert!(messages("crates/evenkeel-x/Cargo.toml", &manifest, library).is_empty());
    }

    #[test]
    fn members_beside_the_crates_are_never_published() {
        let manifest = "[package]\nname = 'evenkeel-tests'\n[lints]\nworkspace = true\n";
        assert!(messages("tests/Cargo.toml", manifest, "")[0].contains("publish = false"));
    }

    #[test]
    fn a_folder_has_the_name_of_its_crate() {
        let manifest = WHOLE.replace("'evenkeel-x'", "'evenkeel-y'");
        assert!(published(&manifest)[0].contains("crates/evenkeel-y"));
    }
}
