//! Any bytes in any chunks: no panic, the same frames, the limit held.
#![no_main]

use bytes::Bytes;
use evenkeel_messages::sse::SseDecoder;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 200;

type Frames = Vec<Option<(Option<String>, String, u64)>>;

/// `None` at the end where the stream is refused.
fn frames<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Frames {
    let mut decoder = SseDecoder::new().event_limit(LIMIT);
    let mut frames = vec![];
    for chunk in chunks {
        decoder.feed(Bytes::copy_from_slice(chunk));
        while let Some(frame) = decoder.next_frame() {
            frames.push(frame.ok().map(|frame| {
                assert!(frame.data.len() + frame.name.map_or(0, str::len) <= LIMIT);
                (
                    frame.name.map(str::to_owned),
                    frame.data.to_owned(),
                    frame.offset,
                )
            }));
        }
    }
    frames
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let size = usize::from(size).max(1);
    assert_eq!(frames(bytes.chunks(size)), frames(std::iter::once(bytes)));
});
