//! Commands in the documents: a reader who copies one must not be the first to run it.

use super::Finding;
use super::snippets::{commands, snippets};
use super::tree::Tree;

/// The section of README.md that gets a newcomer going. It shows exactly these many commands, in
/// this order, and each holds the words beside it.
const SECTION: &str = "Two commands";
const COMMANDS: &[&[&str]] = &[
    &["cargo run ", "evenkeel-cli", "--simulate"],
    &["cargo xtask test"],
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("md") {
        for (line, command) in snippets(text).iter().flat_map(commands) {
            for message in wrong(tree, &command) {
                findings.push(Finding::error(path, message).at(line));
            }
        }
        for (line, message) in in_prose(tree, text) {
            findings.push(Finding::error(path, message).at(line));
        }
    }
    if let Some(readme) = tree.file("README.md") {
        findings.extend(newcomers(readme));
    }
    findings
}

/// What does not exist in one command line.
fn wrong(tree: &Tree, line: &str) -> Vec<String> {
    let parts = line.split("&&").flat_map(|part| part.split(['|', ';']));
    parts
        .flat_map(|part| wrong_in_command(tree, part))
        .collect()
}

fn wrong_in_command(tree: &Tree, command: &str) -> Vec<String> {
    let is_assignment = |word: &&str| word.contains('=') && !word.starts_with('-');
    let mut words = command.split_whitespace().skip_while(is_assignment);
    if words.next() != Some("cargo") {
        return Vec::new();
    }
    let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
    let mut wrong = Vec::new();
    if let ["xtask", name, ..] = words.as_slice() {
        wrong.extend(unknown_command(tree, name));
        return wrong;
    }
    let followed = words.iter().zip(words.iter().skip(1));
    for (option, value) in followed {
        if matches!(*option, "-p" | "--package") && !is_package(tree, value) {
            wrong.push(format!("the workspace has no package `{value}`"));
        }
        let is_folder = |folder: &str| {
            tree.manifests()
                .iter()
                .any(|member| member.folder == folder)
        };
        if *option == "--path" && !is_folder(value.trim_start_matches("./").trim_end_matches('/')) {
            wrong.push(format!("no package lies in `{value}`"));
        }
    }
    wrong
}

/// `cargo xtask name` between backticks in running text.
fn in_prose(tree: &Tree, text: &str) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for rest in line.split("`cargo xtask ").skip(1) {
            let name = rest.split(['`', ' ']).next().unwrap_or_default();
            wrong.extend(unknown_command(tree, name).map(|message| (number, message)));
        }
    }
    wrong
}

fn unknown_command(tree: &Tree, name: &str) -> Option<String> {
    // A placeholder, as in `cargo xtask <command>`.
    let is_name = name.chars().all(|letter| letter.is_ascii_lowercase());
    let unknown = is_name && !name.is_empty() && !tree.commands().contains(&name);
    unknown.then(|| format!("`cargo xtask {name}` does not exist; `cargo xtask` prints what does"))
}

fn is_package(tree: &Tree, name: &str) -> bool {
    tree.manifests().iter().any(|member| member.name == name)
}

/// What the section that gets a newcomer going shows.
pub(super) fn for_newcomers(readme: &str) -> Vec<(usize, String)> {
    let snippets = snippets(readme);
    let of_section = snippets.iter().filter(|snippet| snippet.heading == SECTION);
    of_section.flat_map(commands).collect()
}

/// Whether it shows what it is meant to.
fn newcomers(readme: &str) -> Vec<Finding> {
    let shown = for_newcomers(readme);
    let error = |message: String| Finding::error("README.md", message);
    if shown.len() != COMMANDS.len() {
        return vec![error(format!(
            "the section `{SECTION}` shows {} commands in its `sh` blocks, {} are wanted",
            shown.len(),
            COMMANDS.len()
        ))];
    }
    let mut findings = Vec::new();
    for ((line, command), words) in shown.iter().zip(COMMANDS) {
        for word in words.iter().filter(|word| !command.contains(**word)) {
            let message = format!(
                "this command of `{SECTION}` is meant to hold `{}`",
                word.trim()
            );
            findings.push(error(message).at(*line));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "## Two commands\n```sh\ncargo run -p evenkeel-cli -- ask Hello --simulate \
        overloaded-twice\ncargo xtask test\n```\n";

    fn messages(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::of(&[
            (
                "crates/evenkeel-cli/Cargo.toml",
                "[package]\nname = 'evenkeel-cli'\n",
            ),
            (path, text),
        ]);
        check(&tree)
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    #[test]
    fn commands_that_exist_pass() {
        let text = "```sh\n# All of it:\ncargo xtask ci\ncd x && RUST_LOG=debug cargo xtask test wire\n\
            cargo run --release -p evenkeel-cli -- -p 8080\ncargo install --path crates/evenkeel-cli\n```\n\
            See `cargo xtask ci`, `cargo xtask <command>`.\n";
        assert_eq!(messages("docs/start.md", text), Vec::<String>::new());
    }

    #[test]
    fn commands_and_packages_that_do_not_exist_are_found() {
        for line in [
            "cargo xtask check",
            "cd x && cargo xtask check",
            "cargo run -p evenkeel-tui",
            "RUST_LOG=debug cargo tree --package evenkeel-tui",
            "cargo install --path crates/evenkeel-tui",
        ] {
            let block = format!("```sh\n{line}\n```\n");
            assert_eq!(messages("docs/start.md", &block).len(), 1, "{line}");
        }
        assert_eq!(
            messages("docs/start.md", "Run `cargo xtask check`.\n").len(),
            1
        );
    }

    #[test]
    fn the_readme_gets_a_newcomer_going_with_exactly_two_commands() {
        assert_eq!(messages("README.md", TWO), Vec::<String>::new());
        assert_eq!(messages("README.md", "# evenkeel\n").len(), 1);
        let three = TWO.replace("cargo xtask test", "cargo build\ncargo xtask test");
        assert!(messages("README.md", &three)[0].contains("shows 3 commands"));
        let other = TWO.replace("cargo xtask test", "cargo test");
        assert!(messages("README.md", &other)[0].contains("cargo xtask test"));
    }
}
