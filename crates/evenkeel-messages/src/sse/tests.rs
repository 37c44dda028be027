use evenkeel_error::ErrorKind;

use super::*;

fn feed(decoder: &mut SseDecoder, chunk: &'static [u8]) {
    decoder.feed(Bytes::from_static(chunk));
}

fn next(decoder: &mut SseDecoder) -> Option<Result<String, ErrorKind>> {
    let frame = decoder.next_frame()?;
    Some(
        frame
            .map(|frame| frame.data.to_owned())
            .map_err(|error| error.kind()),
    )
}

#[test]
fn a_line_over_the_limit_is_refused_at_the_limit_not_at_its_end() {
    let mut decoder = SseDecoder::new().event_limit(100);
    for _ in 0..2 {
        feed(&mut decoder, &[b'x'; 50]);
        assert_eq!(next(&mut decoder), None);
    }
    feed(&mut decoder, b"x");
    assert_eq!(next(&mut decoder), Some(Err(ErrorKind::Protocol)));
    assert_eq!(decoder.partial.len(), 0, "nothing stays buffered");
    feed(&mut decoder, b"\n\ndata: more\n\n");
    assert_eq!(next(&mut decoder), None, "an error is the end");
}

#[test]
fn the_limit_counts_all_lines_of_an_event_and_starts_again_with_the_next() {
    let mut decoder = SseDecoder::new().event_limit(36);
    for _ in 0..10 {
        feed(&mut decoder, b"data: 0123456789\ndata: 0123456789\n\n");
        assert_eq!(
            next(&mut decoder),
            Some(Ok("0123456789\n0123456789".to_owned()))
        );
    }
    feed(
        &mut decoder,
        b"data: 0123456789\ndata: 0123456789\ndata: 0123456789\n",
    );
    assert_eq!(next(&mut decoder), Some(Err(ErrorKind::Protocol)));
}

#[test]
fn a_frame_that_lies_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"event: e\ndata: zero copies\n\n");
    let mut decoder = SseDecoder::new();
    decoder.feed(chunk.clone());
    let frame = decoder.next_frame().expect("one").expect("valid");
    let whole = chunk.as_ptr_range();
    assert!(whole.contains(&frame.data.as_ptr()));
}

#[test]
fn an_event_is_handed_out_at_its_last_byte() {
    // At CR it does not wait to see whether LF follows.
    for (stream, last) in [
        ("data: x\n\n", 8),
        ("data: x\r\r", 8),
        ("data: x\r\n\r\n", 9),
    ] {
        let mut decoder = SseDecoder::new();
        for (place, byte) in stream.bytes().enumerate() {
            decoder.feed(Bytes::copy_from_slice(&[byte]));
            assert_eq!(
                next(&mut decoder).is_some(),
                place == last,
                "{stream:?} at {place}"
            );
        }
    }
}

#[test]
fn events_that_are_not_utf_8_are_refused_in_name_and_data_but_not_in_comments() {
    let rows: [(&[u8], Result<&str, ErrorKind>); 4] = [
        (b"data: \xff\n\n", Err(ErrorKind::Protocol)),
        (b"event: \xff\ndata: x\n\n", Err(ErrorKind::Protocol)),
        (b": \xff\ndata: x\n\n", Ok("x")),
        (b"data: \xE2\x82\n\n", Err(ErrorKind::Protocol)),
    ];
    for (stream, expected) in rows {
        let mut decoder = SseDecoder::new();
        decoder.feed(Bytes::copy_from_slice(stream));
        assert_eq!(
            next(&mut decoder),
            Some(expected.map(str::to_owned)),
            "{stream:?}"
        );
        assert_eq!(next(&mut decoder), None);
    }
}

#[test]
fn the_end_says_whether_an_event_was_under_way() {
    let rows = [
        ("", 0),
        ("data: x\n\n", 0),
        ("data: x\r\n\r\n", 0),
        ("data: x\n", 8),
        ("data: x\n\ndata", 4),
        ("data: x\r\n\r\n:", 1),
    ];
    for (stream, bytes) in rows {
        let mut decoder = SseDecoder::new();
        decoder.feed(Bytes::from_static(stream.as_bytes()));
        while next(&mut decoder).is_some() {}
        let expected = if bytes == 0 {
            Tail::Clean
        } else {
            Tail::Unterminated { bytes }
        };
        assert_eq!(decoder.finish(), expected, "{stream:?}");
    }
}

/// Growth of a buffer by doubling moves each byte about twice; a decoder that searched or moved
/// what it holds at each chunk would touch this event 8,192 times over.
#[test]
fn a_large_event_in_small_chunks_is_read_in_linear_time() {
    const SIZE: usize = 8 * 1024 * 1024;
    let chunk = Bytes::from(vec![b'x'; 1024]);
    let mut decoder = SseDecoder::new();
    feed(&mut decoder, b"data: ");
    for _ in 0..SIZE / chunk.len() {
        decoder.feed(chunk.clone());
        assert_eq!(next(&mut decoder), None);
    }
    feed(&mut decoder, b"\n\n");
    assert_eq!(
        next(&mut decoder).map(|data| data.map(|data| data.len())),
        Some(Ok(SIZE))
    );
}
