//! Says what is wrong with a file in the words of who wrote it. Pure.

use crate::nearest::nearest;

/// What TOML's reader found, without a word of Rust.
pub(super) fn worded(text: &str, fault: &toml::de::Error) -> String {
    let said: Vec<_> = fault.message().split_whitespace().collect();
    let said = said.join(" ");
    let span = fault.span().unwrap_or_default();
    let key = key_at(text, span.start).unwrap_or_default();
    let value = text.get(span.clone()).unwrap_or_default();
    if let Some((unknown, allowed)) = unknown(&said, "unknown field ") {
        return unknown_key(unknown, &allowed, table_at(text, span.start));
    }
    if let Some((unknown, allowed)) = unknown(&said, "unknown variant ") {
        // The blocks of an answer, and the forms of verbatim bytes, are keys to who writes them.
        let is_key = !value.starts_with(['"', '\'']);
        if is_key {
            return unknown_key(unknown, &allowed, "");
        }
        let near = nearest(unknown, allowed.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return format!("`{unknown}` is not one of `{}`{near}", allowed.join("`, `"));
    }
    if let Some(missing) = said.strip_prefix("missing field ") {
        return format!("the key {missing} is missing");
    }
    if said.contains("exactly 1 element") {
        return match key {
            "verbatim" => "`verbatim` is { text = \"…\" } or { hex = \"…\" }, not both".into(),
            _ => {
                "each block of `answer` has one key; write [{ thinking = \"b\" }, { text = \"a\" }]"
                    .into()
            }
        };
    }
    let is_kind = said.starts_with("invalid type") || said.starts_with("invalid value");
    if !is_kind {
        return said;
    }
    let starts_line = table_at(text, span.start);
    if value.starts_with('[') && matches!(starts_line, "reply" | "fault" | "refused") {
        return format!("write [[{starts_line}]], with two brackets");
    }
    expected(key, value, &said).unwrap_or_else(|| {
        if key.is_empty() {
            said.clone()
        } else {
            format!("`{key}`: {said}")
        }
    })
}

/// What a key is, for who wrote something else.
fn expected(key: &str, value: &str, said: &str) -> Option<String> {
    let number =
        |least: &str, most: &str| format!("{key} is a whole number from {least} to {most}");
    Some(match key {
        "every" if said.contains("u32") => number("1", "4294967295"),
        "pause_before_head" | "retry_after" | "for" | "every" | "from" | "until"
        | "first_token" | "batch_item" => {
            let digits = !value.is_empty() && value.chars().all(|letter| letter.is_ascii_digit());
            let shown = if digits { value } else { "2" };
            format!("{key}: write a length of time in quotes, with its unit: \"{shown}s\"")
        }
        "chance" => "chance is a number from 0.0 to 1.0, without quotes: 0.2".into(),
        "gateway" => "gateway is a status without quotes: 502".into(),
        "status" => "status is a number without quotes: 529".into(),
        "times" => format!(
            "{}; the last reply repeats for ever by itself",
            number("1", "65535")
        ),
        "requests" if said.ends_with("expected a sequence") => {
            "requests is a list of numbers from 1: [2, 5]".into()
        }
        "requests"
        | "input_tokens"
        | "output_tokens"
        | "fast_input_tokens"
        | "fast_output_tokens"
        | "counts"
        | "batches"
        | "queued_batch_requests"
        | "factor"
        | "floor"
        | "spend_cap_cents"
        | "tokens_per_second"
        | "time_divided_by" => number("1", "4294967295"),
        "slots" | "queue" => number("0", "4294967295"),
        "tokens" => number("0", "1000000"),
        "bytes" | "pieces_of" => number("1", "9223372036854775807"),
        "seed"
        | "after_events"
        | "after_bytes"
        | "silence_after_events"
        | "malformed_json_after_events" => number("0", "9223372036854775807"),
        "huge_event" => number("0", "268435456"),
        "input" => "input is a JSON object in a string: '{\"a\":1}'".into(),
        "unknown_events" | "reused_connection" | "repeat" => {
            format!("{key} is true or false, without quotes")
        }
        "message" | "text" | "thinking" | "type" | "explanation" | "category" | "name" | "to"
        | "stop_reason" | "stop_sequence" | "code" | "body" | "path" | "model" | "data"
        | "event" | "web_search" | "compaction" | "json" | "lifelike" | "quote" => {
            format!("{key} is a text in quotes")
        }
        _ => return None,
    })
}

/// The word that is not known, and those that are.
fn unknown<'a>(said: &'a str, start: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let (word, allowed) = said.strip_prefix(start)?.split_once(", expected ")?;
    let allowed = allowed.split('`').skip(1).step_by(2).collect();
    Some((word.trim_matches('`'), allowed))
}

fn unknown_key(unknown: &str, allowed: &[&str], table: &str) -> String {
    let allowed: Vec<_> = allowed
        .iter()
        .copied()
        .filter(|key| !matches!((table, *key), ("reply", "when") | ("fault", "times")))
        .collect();
    let near = nearest(unknown, allowed.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!(
        "unknown key `{unknown}`{near} (keys here: `{}`)",
        allowed.join("`, `")
    )
}

/// The table that a key of its own stands in; none for a key of a table inside.
fn table_at(text: &str, place: usize) -> &str {
    let before = text.get(..place).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    if line.trim().is_empty() {
        header_at(text, place)
    } else {
        ""
    }
}

/// The name of the last header before this place, or at it.
fn header_at(text: &str, place: usize) -> &str {
    let mut start = 0;
    let mut name = "";
    for line in text.split_inclusive('\n') {
        if start > place {
            break;
        }
        if let Some(header) = line.trim_start().strip_prefix('[') {
            let header = header.trim_start_matches('[');
            name = header.split(']').next().unwrap_or_default().trim();
        }
        start += line.len();
    }
    name
}

/// The key whose value is at this place, or has it inside.
fn key_at(text: &str, place: usize) -> Option<&str> {
    let before = text.get(..place)?;
    let mut depth = 0_u32;
    for (at, letter) in before.char_indices().rev() {
        match letter {
            ']' | '}' => depth += 1,
            '[' | '{' => depth = depth.saturating_sub(1),
            '=' if depth == 0 => {
                let name = before.get(..at)?.trim_end();
                let start = name
                    .rfind(|letter: char| !letter.is_ascii_alphanumeric() && !"_-".contains(letter))
                    .map_or(0, |start| start + 1);
                return name.get(start..).filter(|name| !name.is_empty());
            }
            _ => {}
        }
    }
    None
}
