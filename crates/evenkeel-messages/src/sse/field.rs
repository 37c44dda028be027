/// What one line of a stream says.
pub(super) enum Field<'a> {
    /// Where its value begins.
    Data(usize),
    Name(&'a [u8]),
    Ignored,
}

impl<'a> Field<'a> {
    #[inline]
    pub(super) fn of(line: &'a [u8]) -> Self {
        if let Some(rest) = line.strip_prefix(b"data") {
            return match value_at(rest) {
                Some(at) => Self::Data(line.len() - rest.len() + at),
                None => Self::Ignored,
            };
        }
        let name = line.strip_prefix(b"event");
        let name = name.and_then(|rest| rest.get(value_at(rest)?..));
        name.map_or(Self::Ignored, Self::Name)
    }
}

/// Where the value begins behind a field's name; `None` if the name goes on.
fn value_at(rest: &[u8]) -> Option<usize> {
    match rest {
        [] => Some(0),
        [b':', b' ', ..] => Some(2),
        [b':', ..] => Some(1),
        _ => None,
    }
}
