//! Finds the place in a connection's outgoing bytes where a scripted cut falls. Pure: bytes in,
//! how many of them may pass out.

/// What happens to a connection at the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is closed (TCP `FIN`).
    Close,
    /// It is reset (TCP `RST`).
    Reset,
    /// HTTP/2: it is ended by `GOAWAY`.
    GoAway,
    /// HTTP/2: it lives on, and the stream is refused.
    RefusedStream,
}

/// How the body is framed on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Chunked,
    Identity,
}

/// Counts the bytes of one response's body, wherever writes and chunks happen to be split.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    place: Place,
    coding: Coding,
    left: u64,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the head, with this many bytes of its closing blank line seen.
    Head(usize),
    /// In a line with the size of a chunk.
    Size(u64),
    /// In the data of a chunk, with this many bytes left.
    Data(u64),
    /// In the line end after a chunk.
    LineEnd,
    /// In a body without chunks.
    Identity,
}

const BLANK_LINE: &[u8] = b"\r\n\r\n";

impl Meter {
    /// For a response whose head is about to be written: stops after `body` bytes of its body.
    pub(crate) fn new(body: u64, coding: Coding) -> Self {
        Self {
            place: Place::Head(0),
            coding,
            left: body,
        }
    }

    /// Whether the cut has been reached.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0 && !matches!(self.place, Place::Head(_))
    }

    /// How many of the next bytes may pass.
    pub(crate) fn allowance(&self, bytes: &[u8]) -> usize {
        self.clone().advance(bytes)
    }

    /// Notes that these bytes pass; returns how many of them do before the cut.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while !self.is_spent() {
            let Some((first, rest)) = bytes.get(passed..).and_then(<[u8]>::split_first) else {
                break;
            };
            passed += self.step(*first, rest.len() + 1);
        }
        passed
    }

    /// Passes one byte, or a run of `at_hand` bytes of data of which it is the first.
    fn step(&mut self, byte: u8, at_hand: usize) -> usize {
        self.place = match self.place {
            Place::Head(seen) => match seen + 1 {
                seen if BLANK_LINE.get(seen - 1) != Some(&byte) => {
                    Place::Head(usize::from(byte == b'\r'))
                }
                seen if seen < BLANK_LINE.len() => Place::Head(seen),
                _ if self.coding == Coding::Chunked => Place::Size(0),
                _ => Place::Identity,
            },
            Place::Size(size) => match char::from(byte).to_digit(16) {
                Some(digit) => Place::Size(size.saturating_mul(16).saturating_add(digit.into())),
                None if byte == b'\n' => Place::Data(size),
                None => Place::Size(size),
            },
            Place::LineEnd if byte == b'\n' => Place::Size(0),
            Place::LineEnd => Place::LineEnd,
            Place::Data(size) => {
                let run = self.left.min(size).min(at_hand as u64);
                self.left -= run;
                self.place = if run == size {
                    Place::LineEnd
                } else {
                    Place::Data(size - run)
                };
                return usize::try_from(run).unwrap_or(at_hand);
            }
            Place::Identity => {
                let run = self.left.min(at_hand as u64);
                self.left -= run;
                return usize::try_from(run).unwrap_or(at_hand);
            }
        };
        1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\na: b\r\r\n\r\n";

    /// Feeds the bytes in writes of the given sizes, as a socket that takes what it likes would.
    fn passed(mut meter: Meter, wire: &[u8], sizes: &[usize]) -> Vec<u8> {
        let (mut out, mut sizes) = (Vec::new(), sizes.iter().cycle());
        while out.len() < wire.len() && !meter.is_spent() {
            let rest = &wire[out.len()..];
            let offered = &rest[..rest.len().min(*sizes.next().unwrap())];
            let allowed = meter.allowance(offered);
            assert!(allowed > 0, "a cut not yet reached lets something through");
            let taken = allowed.min(*sizes.next().unwrap());
            assert_eq!(meter.advance(&offered[..taken]), taken);
            out.extend_from_slice(&offered[..taken]);
        }
        out
    }

    #[test]
    fn a_body_without_bytes_is_cut_right_after_the_head() {
        let wire = format!("{HEAD}5\r\nhello\r\n");
        let out = passed(Meter::new(0, Coding::Chunked), wire.as_bytes(), &[1_000]);
        assert_eq!(out, HEAD.as_bytes());
    }

    #[test]
    fn a_body_without_chunks_is_cut_by_its_bytes() {
        let wire = format!("{HEAD}hello");
        let out = passed(
            Meter::new(2, Coding::Identity),
            wire.as_bytes(),
            &[3, 1_000],
        );
        assert_eq!(out, format!("{HEAD}he").as_bytes());
    }

    proptest! {
        #[test]
        fn the_cut_falls_on_the_byte_whatever_the_chunks_and_writes(
            chunks in prop::collection::vec("[a-f0-9\r\n]{1,40}", 1..8),
            sizes in prop::collection::vec(1_usize..50, 1..8),
            portion in 0.0..=1.0_f64,
        ) {
            let total: usize = chunks.iter().map(String::len).sum();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "small numbers of a test")]
            let cut = (total as f64 * portion) as usize;
            let mut wire = HEAD.to_owned();
            let mut expected = None;
            let mut before = 0;
            for chunk in &chunks {
                use std::fmt::Write as _;
                if cut == 0 {
                    expected.get_or_insert(wire.len());
                }
                write!(wire, "{:X}\r\n", chunk.len()).unwrap();
                if cut > 0 && cut <= before + chunk.len() {
                    expected.get_or_insert(wire.len() + cut - before);
                }
                before += chunk.len();
                wire.push_str(chunk);
                wire.push_str("\r\n");
            }
            wire.push_str("0\r\n\r\n");
            let out = passed(Meter::new(cut as u64, Coding::Chunked), wire.as_bytes(), &sizes);
            prop_assert_eq!(out.len(), expected.unwrap());
            prop_assert_eq!(&out[..], &wire.as_bytes()[..out.len()]);
        }
    }
}
