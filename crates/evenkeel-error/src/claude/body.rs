//! What kind of thing a body is, before anybody asks what it says.

use std::borrow::Cow;

use super::envelope::Envelope;
use super::scrub::cut;

/// How much of a body is looked at; an error of the API's is under one KiB.
pub(super) const READ: usize = 64 * 1024;

/// Who wrote a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing but white space.
    Empty,
    /// The API: its JSON, or a part of it.
    Api,
    /// A gateway's problem document.
    Problem,
    /// A page.
    Html,
    /// Anything else.
    Text,
}

impl Form {
    /// Whether a gateway wrote it, in place of the API.
    pub(super) const fn is_gateway(self) -> bool {
        matches!(self, Self::Problem | Self::Html)
    }
}

/// The text of a body, at most [`READ`] bytes of it, whatever the bytes are.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    let read = bytes.get(..READ).unwrap_or(bytes);
    if read.contains(&0) {
        // UTF-16, as some proxies write it: without its zeros it reads as what it says, and is
        // scrubbed as such.
        let said: Vec<u8> = read.iter().copied().filter(|byte| *byte != 0).collect();
        return Cow::Owned(bare(&String::from_utf8_lossy(&said)).to_owned());
    }
    let text = match str::from_utf8(read) {
        Ok(text) => Cow::Borrowed(text),
        // Only its end is missing: the limit fell into a character.
        Err(error) if error.error_len().is_none() => {
            let whole = read.get(..error.valid_up_to()).unwrap_or_default();
            String::from_utf8_lossy(whole)
        }
        Err(_) => String::from_utf8_lossy(read),
    };
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(bare(text)),
        Cow::Owned(text) => Cow::Owned(bare(&text).to_owned()),
    }
}

/// Without a byte-order mark and the white space around.
fn bare(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii()
}

/// Tells the form of a text. `content_type` is asked last: gateways do not keep it straight.
pub(super) fn form(text: &str, envelope: &Envelope<'_>, content_type: Option<&str>) -> Form {
    let is = |media: &str| {
        let start = content_type.and_then(|value| value.get(..media.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(media))
    };
    if text.is_empty() {
        Form::Empty
    } else if text.starts_with('<') {
        Form::Html
    } else if envelope.enclosed && envelope.error_type.is_some() {
        Form::Api
    } else if envelope.is_problem() || (text.starts_with('{') && is("application/problem+json")) {
        Form::Problem
    } else if envelope.is_api() {
        Form::Api
    } else if is("text/html") {
        Form::Html
    } else {
        Form::Text
    }
}

/// A text that was cut inside a string, with that string closed.
pub(super) fn mended(text: &str) -> String {
    // A cut may fall into an escape, of six bytes at most; what is left of it goes too.
    let tail = text.len().saturating_sub(6);
    let escape = text
        .bytes()
        .enumerate()
        .skip(tail)
        .find(|&(_, byte)| byte == b'\\');
    let mut mended = cut(text, escape.map_or(text.len(), |(at, _)| at)).to_owned();
    mended.push('"');
    mended
}

/// A text whose escaped surrogates are whole pairs: half a pair, which no JSON may hold, is
/// replaced as a decoder of UTF-16 would replace it.
pub(super) fn paired(text: &str) -> String {
    let mut paired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        paired.push_str(before);
        let taken = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => cut(escape, 12),
            (Some(_), _) => {
                paired.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            // Any other escape: its first two bytes, so that an escaped backslash begins none.
            (None, _) => cut(escape, 2),
        };
        paired.push_str(taken);
        rest = escape.get(taken.len().max(1)..).unwrap_or_default();
    }
    paired.push_str(rest);
    paired
}

/// The surrogate whose escape this text begins with.
fn surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}

/// What a page calls itself: the first line of it.
pub(super) fn title(page: &str) -> Option<&str> {
    let start = find(page, "<title", 0)?;
    let start = start + page.get(start..)?.find('>')? + 1;
    let end = find(page, "</title", start)?;
    page.get(start..end)?
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
}

fn find(text: &str, tag: &str, from: usize) -> Option<usize> {
    let rest = text.as_bytes().get(from..)?;
    let at = rest
        .windows(tag.len())
        .position(|window| window.eq_ignore_ascii_case(tag.as_bytes()));
    at.map(|at| from + at)
}
