use bytes::Bytes;
use evenkeel_messages::Message;
use evenkeel_messages::sse::SseDecoder;
use proptest::prelude::*;

use crate::support::{FIXTURES, drive, message};

/// Every rule of framing in one stream: byte order mark, all line ends, comments, several data
/// lines, fields without a value, unknown fields, an unterminated end.
const FRAMING: &str = "\u{feff}event: a\r\ndata: 1\r\n\r\n: comment\ndata:x\ndata\ndata: ü🗼\n\nevent: gone\r\r\
    data: cr\rdata:only\r\rid: 7\nretry: 1\nevent:b\nevent:c\ndata: {\"k\": \"v\"}   \n\n\r\n\ndata\n\nevent: lost\ndata: x\n";

type Owned = (Option<String>, String, u64);

fn frames<C: AsRef<[u8]>>(chunks: impl IntoIterator<Item = C>) -> Vec<Owned> {
    let mut decoder = SseDecoder::new();
    let mut frames = Vec::new();
    for chunk in chunks {
        decoder.feed(Bytes::copy_from_slice(chunk.as_ref()));
        while let Some(frame) = decoder.next_frame() {
            let frame = frame.expect("valid");
            frames.push((
                frame.name.map(str::to_owned),
                frame.data.to_owned(),
                frame.offset,
            ));
        }
    }
    frames
}

fn collect<C: AsRef<[u8]>>(chunks: impl IntoIterator<Item = C>) -> Message {
    let (accumulator, end) = drive(chunks);
    accumulator.end(end).into_result().expect("complete")
}

fn named(name: Option<&str>, data: &str) -> (Option<String>, String) {
    (name.map(str::to_owned), data.to_owned())
}

#[test]
fn framing_follows_the_standard() {
    let found: Vec<_> = frames([FRAMING.as_bytes()])
        .into_iter()
        .map(|(n, d, _)| (n, d))
        .collect();
    let expected = [
        named(Some("a"), "1"),
        named(None, "x\n\nü🗼"),
        named(None, "cr\nonly"),
        named(Some("c"), "{\"k\": \"v\"}   "),
        named(None, ""),
    ];
    assert_eq!(found, expected);
}

#[test]
fn offsets_are_where_events_begin() {
    let offsets: Vec<_> = frames([FRAMING.as_bytes()])
        .into_iter()
        .map(|(_, _, at)| at)
        .collect();
    let begins = |text: &str| FRAMING.find(text).expect("there") as u64;
    assert_eq!(
        offsets[..4],
        [0, begins(": comment"), begins("data: cr"), begins("id: 7")]
    );
}

#[test]
fn every_split_in_two_gives_the_same_frames() {
    let whole = frames([FRAMING.as_bytes()]);
    for cut in 0..=FRAMING.len() {
        let (left, right) = FRAMING.as_bytes().split_at(cut);
        assert_eq!(frames([left, right]), whole, "split at {cut}");
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_frames() {
    assert_eq!(
        frames(FRAMING.as_bytes().chunks(1)),
        frames([FRAMING.as_bytes()])
    );
}

#[test]
fn every_reply_split_in_two_anywhere_is_the_same_message() {
    for (name, stream) in FIXTURES {
        let whole = message(stream);
        for cut in 0..=stream.len() {
            let (left, right) = stream.as_bytes().split_at(cut);
            assert_eq!(collect([left, right]), whole, "{name} split at {cut}");
        }
    }
}

#[test]
fn a_thousand_random_chunkings_of_every_reply_are_the_same_message() {
    for (name, stream) in FIXTURES {
        let whole = message(stream);
        // Any generator will do, and the same numbers every time.
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut draw = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).expect("31 bits") % below
        };
        for round in 0..1_000 {
            let cuts: Vec<_> = (0..draw(30)).map(|_| draw(stream.len() + 1)).collect();
            assert_eq!(
                collect(pieces(stream.as_bytes(), &cuts)),
                whole,
                "{name}, round {round}"
            );
        }
    }
}

/// `bytes` in pieces that end at `cuts`.
fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for cut in cuts.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[from..cut]);
        from = cut;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_chunking_gives_the_same_frames(cuts in prop::collection::vec(any::<usize>(), 0..60)) {
        prop_assert_eq!(frames(pieces(FRAMING.as_bytes(), &cuts)), frames([FRAMING.as_bytes()]));
    }

    #[test]
    fn any_chunking_gives_the_same_message(
        fixture in 0..FIXTURES.len(),
        line_end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        cuts in prop::collection::vec(any::<usize>(), 0..60),
    ) {
        let stream = FIXTURES[fixture].1.replace('\n', line_end);
        prop_assert_eq!(collect(pieces(stream.as_bytes(), &cuts)), message(FIXTURES[fixture].1));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let (accumulator, end) = drive(pieces(&bytes, &cuts));
        prop_assert!(accumulator.end(end).into_result().is_err());
    }

    #[test]
    fn any_damage_to_a_reply_is_read_without_a_panic(
        fixture in 0..FIXTURES.len(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = FIXTURES[fixture].1.as_bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let (accumulator, end) = drive([bytes.as_slice()]);
        let _ = accumulator.end(end);
    }
}
