//! Secrets out of text that is kept: keys, tokens, client addresses.
//!
//! One pass over words with a bounded look at what follows each, so the cost is linear in the text
//! whatever it holds. Control characters go too: a body may be printed on a terminal.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

/// The longest written address: IPv6 with an embedded IPv4.
const LONGEST_ADDRESS: usize = 45;
/// How far a decision looks ahead.
const AHEAD: usize = 64;
/// Shorter than this, `sk-…` is a word and not a key.
const SHORTEST_KEY: usize = 20;

/// Replaces every secret, and cuts the result at `limit` bytes, at a character boundary.
pub(super) fn scrub(text: &str, limit: usize) -> Box<str> {
    scrubbed(text, limit, Addresses::Hidden)
}

/// As [`scrub`], for words of ours that name a host: it may be written as an address.
pub(super) fn scrub_but_addresses(text: &str, limit: usize) -> Box<str> {
    scrubbed(text, limit, Addresses::Shown)
}

fn scrubbed(text: &str, limit: usize, addresses: Addresses) -> Box<str> {
    let mut finder = Finder {
        bytes: text.as_bytes(),
        at: 0,
        addresses,
    };
    let mut clean = String::new();
    let mut copied = 0;
    while let Some((range, stand_in)) = finder.next(copied + limit.saturating_sub(clean.len())) {
        clean.push_str(text.get(copied..range.start).unwrap_or_default());
        clean.push_str(stand_in);
        copied = range.end;
    }
    let rest = text.get(copied..).unwrap_or_default();
    if copied == 0 {
        return cut(rest, limit).into();
    }
    clean.push_str(cut(rest, limit.saturating_sub(clean.len())));
    cut(&clean, limit).into()
}

/// Whether [`scrub`] would leave it as it is.
pub(super) fn is_clean(text: &str) -> bool {
    Finder {
        bytes: text.as_bytes(),
        at: 0,
        addresses: Addresses::Hidden,
    }
    .next(usize::MAX)
    .is_none()
}

/// The longest beginning of at most `limit` bytes that ends between characters.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let ends = (0..=limit).rev().take(4);
    ends.into_iter()
        .find_map(|end| text.get(..end))
        .unwrap_or_default()
}

/// What a byte may be the beginning of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Nothing,
    /// A letter or a digit.
    Word,
    /// A control, a backslash, a colon, the first byte of U+0080.
    Mark,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Nothing; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let class = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Class::Word,
            b'\n' | b'\r' | b'\t' => Class::Nothing,
            0..0x20 | 0x7f | 0xc2 | b'\\' | b':' => Class::Mark,
            _ => Class::Nothing,
        };
        #[expect(clippy::indexing_slicing, reason = "below 256, and at compile time")]
        {
            classes[byte] = class;
        }
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(Class::Nothing)
}

/// Whether addresses count as secrets: a client's do, a server's that the caller has configured do not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    Hidden,
    Shown,
}

struct Finder<'a> {
    bytes: &'a [u8],
    at: usize,
    addresses: Addresses,
}

type Found = (Range<usize>, &'static str);

impl Finder<'_> {
    /// The next secret that begins before `until`, and what to put in its place.
    fn next(&mut self, until: usize) -> Option<Found> {
        while self.at < until {
            let start = self.at + self.count(self.at, Class::Nothing);
            let byte = self.byte(start)?;
            let found = if let Class::Mark = class(byte) {
                self.at = start + 1;
                self.mark_at(start, byte)
            } else {
                self.at = self.word_end(start);
                let possible = self.may_begin_secret(byte, self.at);
                possible.then(|| self.secret_at(start, self.at)).flatten()
            };
            if let Some((range, stand_in)) = found {
                self.at = range.end;
                return (range.start < until).then_some((range, stand_in));
            }
        }
        None
    }

    /// Rules out nearly every word by its first and last byte and the one behind it.
    fn may_begin_secret(&self, first: u8, end: usize) -> bool {
        let last = end.checked_sub(1).and_then(|at| self.byte(at));
        let last = last.map(|byte| byte.to_ascii_lowercase());
        first == b'e'
            || matches!(last, Some(b'k' | b'r' | b'i' | b'y' | b'n' | b't' | b'd'))
            || matches!(self.byte(end), Some(b'.' | b':'))
    }

    /// What begins at the word `start..end`, or at its last two letters.
    fn secret_at(&self, start: usize, end: usize) -> Option<Found> {
        let word = self.bytes.get(start..end)?;
        let next = self.byte(end)?;
        if matches!(next, b'.' | b':')
            && word.first()?.is_ascii_hexdigit()
            && let Some(found) = self.address(start)
        {
            return Some(found);
        }
        let digits = word
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if next == b'.'
            && let Some(found) = self.quad(end - digits)
        {
            return Some(found);
        }
        if word.starts_with(b"eyJ")
            && let Some(found) = self.web_token(start)
        {
            return Some(found);
        }
        match (word.last()?.to_ascii_lowercase(), next) {
            (b'k', b'-') if ends_with(word, b"sk") => self.key(start, end),
            (b'r', _) if word.eq_ignore_ascii_case(b"bearer") => self.bearer(end),
            (b'i', b'-' | b'_' | b' ') => self.named(start, end),
            (b'y' | b'n' | b't' | b'd', b' ' | b'"' | b'\'' | b'\\' | b':' | b'=') => {
                self.named(start, end)
            }
            _ => None,
        }
    }

    /// Controls, the escapes of JSON in front of a word, and addresses that begin with `::`.
    fn mark_at(&mut self, start: usize, byte: u8) -> Option<Found> {
        match byte {
            0..0x20 | 0x7f => Some((start..start + 1, "\u{fffd}")),
            // U+0080 to U+009F, the second set of controls.
            0xc2 if matches!(self.byte(start + 1), Some(0x80..0xa0)) => {
                Some((start..start + 2, "\u{fffd}"))
            }
            b'\\' => self.escape_at(start + 1),
            b':' if self.byte(start + 1) == Some(b':') => self.address(start),
            _ => None,
        }
    }

    /// After a backslash the letter may belong to an escape or begin a word: both are tried.
    fn escape_at(&mut self, start: usize) -> Option<Found> {
        let letter = self.byte(start).filter(u8::is_ascii_alphanumeric)?;
        let end = self.word_end(start);
        let found = self.secret_at(start, end);
        if found.is_none() {
            self.at = match letter {
                b'u' => (start + 5).min(end),
                _ => start + 1,
            };
        }
        found
    }

    /// `sk-ant-…` anywhere; any other `sk-…` that is as long as keys are and has a digit.
    fn key(&self, start: usize, end: usize) -> Option<Found> {
        let body = end + 1;
        let head = self.bytes.get(body..self.run(body, AHEAD, is_token))?;
        let anthropic = head
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"ant-"));
        let whole_word = end - start == 2;
        let long = head.len() >= SHORTEST_KEY && head.iter().any(u8::is_ascii_digit);
        let is_key = anthropic || (whole_word && long);
        is_key.then(|| (end - 2..self.run(body, usize::MAX, is_token), "[key]"))
    }

    /// A JSON Web Token: base64 that begins with `{"`, and a dot.
    fn web_token(&self, start: usize) -> Option<Found> {
        let inside = |byte| is_token(byte) || byte == b'.';
        let head = self.bytes.get(start..self.run(start, AHEAD, inside))?;
        let is_token = head.len() >= SHORTEST_KEY && head.contains(&b'.');
        is_token.then(|| (start..self.run(start, usize::MAX, inside), "[token]"))
    }

    /// What follows the word `Bearer`.
    fn bearer(&self, end: usize) -> Option<Found> {
        let start = self.run(end, AHEAD, |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'')
        });
        (start > end)
            .then(|| self.value(start, "[token]"))
            .flatten()
    }

    /// `x-api-key: …`, `"apiKey":"…"`, `authorization=…` and the like.
    fn named(&self, start: usize, end: usize) -> Option<Found> {
        let word = self.bytes.get(start..end)?;
        let before = start.checked_sub(1).and_then(|at| self.byte(at));
        let name_end = if ends_with(word, b"api") {
            let key = self.bytes.get(end + 1..end + 4)?;
            key.eq_ignore_ascii_case(b"key").then_some(end + 4)?
        } else {
            let compound = matches!(before, Some(b'_' | b'-')) && ends_with(word, b"token");
            // `accessToken`, or `token` alone; not `tokens`, which are the model's.
            let compound = compound || word.ends_with(b"Token") || word == b"token";
            let named = [&b"apikey"[..], b"authorization", b"secret", b"password"];
            let access = ends_with(word, b"key")
                && self
                    .bytes
                    .get(..start)
                    .is_some_and(|before| ends_with(before, b"access_"));
            (compound || access || named.iter().any(|name| ends_with(word, name))).then_some(end)?
        };
        let quotes = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\');
        let sign = self.run(name_end, AHEAD, quotes);
        if !matches!(self.byte(sign), Some(b':' | b'=')) {
            return None;
        }
        let value = self.run(sign + 1, AHEAD, |byte| {
            quotes(byte) || matches!(byte, b'[' | b'(')
        });
        if word == b"token" && self.byte(value).is_none_or(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if ends_with(word, b"authorization") {
            // A scheme, then what it takes, which may be several words: all of it to the end.
            let scheme = self.run(value, AHEAD, |byte| byte.is_ascii_alphabetic());
            let credentials = self.run(scheme, AHEAD, |byte| matches!(byte, b' ' | b'\t'));
            let is_told = credentials > scheme && self.is_scheme(value, scheme);
            let start = if is_told { credentials } else { value };
            let end = self.run(start, usize::MAX, |byte| !b"\"\r\n\\<>{}[]".contains(&byte));
            return (end > start).then_some((start..end, "[secret]"));
        }
        self.value(value, "[secret]")
    }

    /// A scheme whose name may stand.
    fn is_scheme(&self, start: usize, end: usize) -> bool {
        let word = self.bytes.get(start..end).unwrap_or_default();
        word.eq_ignore_ascii_case(b"bearer") || word.eq_ignore_ascii_case(b"basic")
    }

    fn value(&self, start: usize, stand_in: &'static str) -> Option<Found> {
        let end = self.run(start, usize::MAX, |byte| {
            !byte.is_ascii_whitespace() && !b"\"'\\,;<>&()[]{}".contains(&byte)
        });
        (end > start).then_some((start..end, stand_in))
    }

    /// An IPv4 or IPv6 address. What might be one counts: better a version number gone than a client.
    fn address(&self, start: usize) -> Option<Found> {
        if self.addresses == Addresses::Shown {
            return None;
        }
        let inside = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
        let end = self.run(start, LONGEST_ADDRESS + 2, inside);
        let text = str::from_utf8(self.bytes.get(start..end)?)
            .ok()?
            .trim_end_matches('.');
        let count = |sign| text.bytes().filter(|&byte| byte == sign).count();
        if count(b'.') != 3 && !(2..=9).contains(&count(b':')) {
            return None;
        }
        let ends_here = !self
            .byte(end)
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        let bare = text.trim_end_matches(':');
        let host = text.split_once(':').map(|(host, _)| host);
        let length = if ends_here && text.parse::<IpAddr>().is_ok() {
            text.len()
        } else if ends_here && bare.parse::<IpAddr>().is_ok() {
            bare.len()
        } else {
            // A port, or something else, behind the colon.
            host.filter(|host| host.parse::<Ipv4Addr>().is_ok())?.len()
        };
        Some((start..start + length, "[ip]"))
    }

    /// Four groups of digits with dots between, whatever stands around them and however many zeros
    /// lead them.
    fn quad(&self, start: usize) -> Option<Found> {
        if self.addresses == Addresses::Shown {
            return None;
        }
        let mut at = start;
        for group in 0..4 {
            if group > 0 {
                at = (self.byte(at) == Some(b'.')).then_some(at + 1)?;
            }
            let end = self.run(at, 4, |byte| byte.is_ascii_digit());
            let number = str::from_utf8(self.bytes.get(at..end)?).ok()?;
            at = number.parse::<u8>().is_ok().then_some(end)?;
        }
        Some((start..at, "[ip]"))
    }

    /// The end of the letters and digits that begin at `start`.
    fn word_end(&self, start: usize) -> usize {
        start + self.count(start, Class::Word)
    }

    /// How many bytes of one class begin at `start`.
    fn count(&self, start: usize, of: Class) -> usize {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|&byte| class(byte) != of);
        length.unwrap_or(rest.len())
    }

    /// The end of the bytes of one sort that begin at `start`, at most `longest` of them.
    fn run(&self, start: usize, longest: usize, sort: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest
            .iter()
            .take(longest)
            .take_while(|&&byte| sort(byte))
            .count();
        start + length
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn ends_with(word: &[u8], end: &[u8]) -> bool {
    let tail = word
        .len()
        .checked_sub(end.len())
        .and_then(|at| word.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests;
