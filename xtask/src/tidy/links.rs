//! Links between the documents: each leads to a file, and each decision is in the list of decisions.

use super::Finding;
use super::tree::Tree;

/// Where decisions lie, one a file, and the list of them.
const DECISIONS: &str = "docs/adr/";
const LIST: &str = "README.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("md") {
        for (number, line) in (1..).zip(text.lines()) {
            for target in targets(line).filter(|target| leads_nowhere(tree, path, target)) {
                let message = format!("the link to `{target}` leads to no file");
                findings.push(Finding::error(path, message).at(number));
            }
        }
    }
    findings.extend(unlisted(tree));
    findings
}

/// What the inline links of a line lead to: `[text](target)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.split("](").skip(1);
    ends.filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// Other sites, headings and items of the documentation are not looked at.
fn leads_nowhere(tree: &Tree, from: &str, target: &str) -> bool {
    let file = target.split('#').next().unwrap_or_default();
    if file.is_empty() || file.contains(':') || !file.contains(['.', '/']) {
        return false;
    }
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if folders.pop().is_none() {
                    return true;
                }
            }
            name => folders.push(name),
        }
    }
    let path = folders.join("/");
    let folder = format!("{path}/");
    !tree
        .files()
        .any(|(known, _)| known == path || known.starts_with(&folder))
}

fn unlisted(tree: &Tree) -> Vec<Finding> {
    let list = tree.file(&format!("{DECISIONS}{LIST}")).unwrap_or_default();
    let decisions = tree.with_extension("md").filter_map(|(path, _)| {
        let name = path.strip_prefix(DECISIONS)?;
        (name != LIST).then_some((path, name))
    });
    decisions
        .filter(|(_, name)| !list.contains(&format!("({name})")))
        .map(|(path, _)| Finding::error(path, format!("{DECISIONS}{LIST} does not list it")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("docs/start.md", text),
            ("docs/more.md", "More.\n"),
            ("crates/x/README.md", "# x\n"),
        ]);
        check(&tree).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_link_to_no_file_is_found_with_its_line() {
        assert_eq!(
            messages("One.\nSee [that](../crates/y/README.md) and [this](more.md).\n"),
            ["error: docs/start.md:2: the link to `../crates/y/README.md` leads to no file"]
        );
        assert_eq!(messages("[out](../../elsewhere.md)\n").len(), 1);
    }

    #[test]
    fn files_folders_headings_sites_and_items_pass() {
        for link in [
            "more.md",
            "./more.md#part",
            "../crates/x/README.md",
            "../crates/x/",
            "../crates",
            "#here",
            "https://example.com/x.html",
            "Client::builder",
            "Self",
        ] {
            let found = messages(&format!("[text]({link})\n"));
            assert_eq!(found, Vec::<String>::new(), "{link}");
        }
    }

    #[test]
    fn a_decision_that_is_not_in_the_list_is_found() {
        let tree = Tree::of(&[
            ("docs/adr/README.md", "[0001](0001-one.md)\n"),
            ("docs/adr/0001-one.md", "# 0001\n"),
            ("docs/adr/0002-two.md", "# 0002\n"),
        ]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "docs/adr/0002-two.md");
    }
}
