use std::fmt;

/// The deepest path that is followed; the API's own are under ten.
const DEEPEST: usize = 32;

/// A place in a request, as the API's messages write it: `messages.3.content.1`.
///
/// ```
/// use evenkeel_error::{FieldPath, Segment};
///
/// let path = FieldPath::parse("messages.3.content.1").expect("a path");
/// assert_eq!(path.segments()[1], Segment::Index(3));
/// assert_eq!(path.pointer(), "/messages/3/content/1");
/// assert_eq!(path.to_string(), "messages.3.content.1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    segments: Box<[Segment]>,
}

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Into an object, by the name of a member.
    Key(Box<str>),
    /// Into an array, counted from zero.
    Index(usize),
}

impl FieldPath {
    /// Reads a path: names of letters, digits, `_` and `-`, and indices, with dots between them;
    /// an index may also stand in brackets. It begins with a name in lower case. `None` for
    /// anything else, and for more than 32 steps.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_') {
            return None;
        }
        let mut segments = Vec::new();
        for part in text.split('.') {
            let (name, indices) = part.find('[').map_or((part, ""), |at| part.split_at(at));
            segments.push(Segment::read(name)?);
            let mut rest = indices;
            while let Some(inner) = rest.strip_prefix('[') {
                let (index, after) = inner.split_once(']')?;
                segments.push(Segment::Index(index.parse().ok()?));
                rest = after;
            }
            if !rest.is_empty() || segments.len() > DEEPEST {
                return None;
            }
        }
        Some(Self {
            segments: segments.into(),
        })
    }

    /// The path that a message names: the one it begins with, before a colon, as in
    /// `messages.0.content: field required`, or else the first one in it that leads into
    /// `messages`, `system` or `tools`.
    #[must_use]
    pub fn named_by(message: &str) -> Option<Self> {
        let before = message
            .split_once(": ")
            .and_then(|(before, _)| Self::parse(before));
        before.or_else(|| {
            let words =
                message.split(|sign: char| sign.is_whitespace() || "`'\",()".contains(sign));
            words
                .map(|word| word.trim_end_matches(['.', ':']))
                .find_map(Self::into_prompt)
        })
    }

    fn into_prompt(word: &str) -> Option<Self> {
        let roots = [
            "messages.",
            "messages[",
            "system.",
            "system[",
            "tools.",
            "tools[",
        ];
        let path = roots
            .iter()
            .any(|root| word.starts_with(root))
            .then(|| Self::parse(word))??;
        matches!(path.segments.get(1), Some(Segment::Index(_))).then_some(path)
    }

    /// The steps, from the outside in.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The same place as a JSON Pointer (RFC 6901), which `serde_json::Value::pointer` follows.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.segments
            .iter()
            .fold(String::new(), |mut pointer, segment| {
                pointer.push('/');
                pointer.push_str(&segment.to_string());
                pointer
            })
    }
}

impl Segment {
    fn read(text: &str) -> Option<Self> {
        if let Ok(index) = text.parse() {
            return Some(Self::Index(index));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        (!text.is_empty() && text.bytes().all(plain)).then(|| Self::Key(text.into()))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.segments.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            segment.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => index.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(message: &str) -> Option<String> {
        FieldPath::named_by(message).map(|path| path.to_string())
    }

    #[test]
    fn the_path_before_the_colon_is_the_one_meant() {
        assert_eq!(
            named("messages.3.content.1: Invalid"),
            Some("messages.3.content.1".into())
        );
        assert_eq!(
            named("temperature: Extra inputs"),
            Some("temperature".into())
        );
        assert_eq!(
            named("tools[2].name: too long"),
            Some("tools.2.name".into())
        );
        assert_eq!(named("prompt is too long: 2 tokens > 1 maximum"), None);
        assert_eq!(named("Overloaded: later"), None);
    }

    #[test]
    fn a_path_into_the_prompt_is_found_anywhere() {
        let message = "the blocks in `messages.1.content.0` cannot be modified";
        assert_eq!(named(message), Some("messages.1.content.0".into()));
        assert_eq!(named("roles in messages.content must alternate"), None);
    }

    #[test]
    fn what_is_no_path_is_none() {
        let deep = "a.".repeat(40) + "a";
        for text in [
            "",
            ".",
            "a..b",
            "a[",
            "a[x]",
            "a[1]b",
            "A.1",
            "a b",
            "é",
            deep.as_str(),
        ] {
            assert_eq!(FieldPath::parse(text), None, "{text:?}");
        }
    }
}
