//! The frequent event in the form in which the API writes it, found by comparing bytes: half of
//! what reading a stream costs is here. Whatever differs in the least is left to the parser.

use std::ops::Range;

use super::parse::DeltaKind;

/// The index, the kind, and where in `data` the text is. `None` for any other form: other fields,
/// another order, escapes in the text, what is not JSON.
pub(super) fn delta(data: &str) -> Option<(u32, DeltaKind, Range<usize>)> {
    let mut rest = Rest(data.as_bytes());
    rest.token(b"{")?;
    rest.token(b"\"type\"")?;
    rest.token(b":")?;
    rest.token(b"\"content_block_delta\"")?;
    rest.token(b",")?;
    rest.token(b"\"index\"")?;
    rest.token(b":")?;
    let index = rest.number()?;
    rest.token(b",")?;
    rest.token(b"\"delta\"")?;
    rest.token(b":")?;
    rest.token(b"{")?;
    rest.token(b"\"type\"")?;
    rest.token(b":")?;
    let (kind, field): (_, &[u8]) = if rest.token(b"\"text_delta\"").is_some() {
        (DeltaKind::Text, b"\"text\"")
    } else if rest.token(b"\"input_json_delta\"").is_some() {
        (DeltaKind::InputJson, b"\"partial_json\"")
    } else if rest.token(b"\"thinking_delta\"").is_some() {
        (DeltaKind::Thinking, b"\"thinking\"")
    } else {
        return None;
    };
    rest.token(b",")?;
    rest.token(field)?;
    rest.token(b":")?;
    rest.token(b"\"")?;
    let start = data.len() - rest.0.len();
    let end = start + rest.text()?;
    rest.token(b"}")?;
    rest.token(b"}")?;
    rest.spaces();
    rest.0.is_empty().then_some((index, kind, start..end))
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn spaces(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// Takes this, and the white space before it.
    fn token(&mut self, token: &[u8]) -> Option<()> {
        self.spaces();
        self.0 = self.0.strip_prefix(token)?;
        Some(())
    }

    /// A number of few digits, and none that JSON does not have.
    fn number(&mut self) -> Option<u32> {
        self.spaces();
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        if digits == 0 || digits > 9 || (digits > 1 && number.first() == Some(&b'0')) {
            return None;
        }
        self.0 = rest;
        let value = |sum: u32, byte: &u8| sum * 10 + u32::from(byte - b'0');
        Some(number.iter().fold(0, value))
    }

    /// The length of a text without escapes, up to its quote, which is taken too.
    fn text(&mut self) -> Option<usize> {
        let end = memchr::memchr2(b'"', b'\\', self.0)?;
        let (text, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.strip_prefix(b"\"")?;
        // JSON has no bare control characters.
        text.iter().all(|byte| *byte >= 0x20).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_usual_form_is_found_and_it_says_what_the_parser_says() {
        let usual = r#"{"type":"content_block_delta","index":10,"delta":{"type":"text_delta","text":"Grüße 🗼"} }  "#;
        let (index, _, range) = delta(usual).expect("usual");
        assert_eq!((index, usual.get(range)), (10, Some("Grüße 🗼")));
        let spaced = r#"{"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": ""}}"#;
        assert!(delta(spaced).is_some());
        let others = [
            usual.replace("Gr", "\\n"),
            usual.replace("Gr", "\u{1}"),
            usual.replace("10", "01"),
            usual.replace("10", "-1"),
            usual.replace("10", "1.0"),
            usual.replace("10", "4294967296"),
            usual.replace("\"} }", "\",\"x\":1}}"),
            usual.replace("\"} }", "\"},\"x\":1}"),
            usual.replace("\"} }", "\"}} x"),
            usual.replace("\"} }", "\"}"),
            usual.replace("text_delta", "new_delta"),
            usual.replace("\"text\":", "\"thinking\":"),
            String::new(),
        ];
        for other in others {
            assert_eq!(delta(&other).map(|(index, _, _)| index), None, "{other}");
        }
    }
}
