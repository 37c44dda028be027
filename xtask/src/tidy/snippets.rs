//! The code blocks of a Markdown file.

/// A fenced block.
pub(super) struct Snippet<'a> {
    /// The word after the opening fence.
    pub(super) language: &'a str,
    /// The text of the heading above it.
    pub(super) heading: &'a str,
    /// Its lines, counted from 1 in the file.
    pub(super) lines: Vec<(usize, &'a str)>,
}

pub(super) fn snippets(markdown: &str) -> Vec<Snippet<'_>> {
    let mut snippets: Vec<Snippet<'_>> = Vec::new();
    let mut heading = "";
    let mut inside = false;
    for (number, line) in (1..).zip(markdown.lines()) {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            if inside {
                snippets.push(Snippet {
                    language: language.trim(),
                    heading,
                    lines: Vec::new(),
                });
            }
        } else if inside {
            if let Some(snippet) = snippets.last_mut() {
                snippet.lines.push((number, line));
            }
        } else if line.starts_with('#') {
            heading = line.trim_start_matches('#').trim();
        }
    }
    snippets
}

/// The commands of the blocks that show a shell, each on one line: comments left out, prompts
/// taken off, continued lines joined. In a `console` block only lines with a prompt are commands.
pub(super) fn commands(snippet: &Snippet<'_>) -> Vec<(usize, String)> {
    let needs_prompt = match snippet.language {
        "sh" | "bash" | "shell" => false,
        "console" => true,
        _ => return Vec::new(),
    };
    let mut commands: Vec<(usize, String)> = Vec::new();
    let mut continued = false;
    for (number, line) in &snippet.lines {
        let line = line.trim();
        let (prompted, text) = line
            .strip_prefix("$ ")
            .map_or((false, line), |text| (true, text));
        let part = text.trim_end_matches('\\').trim_end();
        if continued {
            if let Some((_, command)) = commands.last_mut() {
                command.push(' ');
                command.push_str(part);
            }
        } else if line.is_empty() || line.starts_with('#') || (needs_prompt && !prompted) {
            continue;
        } else {
            commands.push((*number, part.to_owned()));
        }
        continued = text.ends_with('\\');
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_know_their_heading_and_their_lines() {
        let markdown =
            "# One\n```toml\na = 1\n```\n## Two\ntext\n```sh\n# not a heading\nls\n```\n";
        let snippets = snippets(markdown);
        assert_eq!((snippets[0].language, snippets[0].heading), ("toml", "One"));
        assert_eq!(snippets[0].lines, [(3, "a = 1")]);
        assert_eq!((snippets[1].language, snippets[1].heading), ("sh", "Two"));
        assert_eq!(commands(&snippets[0]), []);
        assert_eq!(commands(&snippets[1]), [(9, "ls".to_owned())]);
    }

    #[test]
    fn continued_lines_are_one_command_and_output_is_none() {
        let markdown = "```console\n$ cargo run \\\n    -p x\nHello\n```\n";
        assert_eq!(
            commands(&snippets(markdown)[0]),
            [(2, "cargo run -p x".to_owned())]
        );
    }
}
