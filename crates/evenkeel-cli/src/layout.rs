//! Text laid out for a reader: lines that fit, words that stay whole.

/// How far the further lines of an entry are moved in.
const HANGING: usize = 2;

/// `text` in lines of at most `width` columns, the first after `lead`, the others moved in by
/// `indent`. A word that is longer than a line has one to itself.
pub(crate) fn wrapped(lead: &str, indent: usize, text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = lead.to_owned();
    let mut used = lead.chars().count();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if !is_empty && used + 1 + length > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            used = indent;
        } else if !is_empty {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// A report of several lines, each wrapped by itself. The body of a response, which comes last,
/// stays as it is: whoever copies it wants it unchanged.
pub(crate) fn report(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    let mut in_body = false;
    for line in text.lines() {
        in_body |= line.starts_with("  body: ");
        if in_body {
            lines.push(line.to_owned());
            continue;
        }
        let margin = line.chars().take_while(|c| *c == ' ').count();
        lines.extend(wrapped(&" ".repeat(margin), margin + HANGING, line, width));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_never_within_one() {
        let lines = wrapped("a: ", 2, "one two three incomprehensibilities four", 12);
        assert_eq!(
            lines,
            ["a: one two", "  three", "  incomprehensibilities", "  four"]
        );
        assert_eq!(wrapped("a", 2, "", 12), ["a"]);
    }

    #[test]
    fn a_report_keeps_its_indentation_and_its_body() {
        let text = "kind: status 529\n  advice: wait a little\n  body: {\"a\": \"long as it is\"}\n    more of the body";
        assert_eq!(
            report(text, 18),
            "kind: status 529\n  advice: wait a\n    little\n  body: {\"a\": \"long as it is\"}\n    more of the body"
        );
    }
}
