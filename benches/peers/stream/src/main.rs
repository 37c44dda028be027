//! One run, one table: what it costs to decode, type and accumulate a stream, beside the decoders of others.
//!
//! The baseline is what a user would write by hand: eventsource-stream, then `serde_json` into types; it accumulates
//! nothing. sse-stream is measured the same way. claude-api and crimson-crab are measured with their own decoders and
//! accumulators.

mod contenders;
mod replies;

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use contenders as run;
use evenkeel_messages::Decoder;
use peers_table::heap::{Counting, counted};
use peers_table::{Aim, Row, Sample, Table, interleaved};

#[global_allocator]
static HEAP: Counting = Counting;

const ROUNDS: usize = 41;
/// Of what takes the rivals a fifth of a second.
const FEW_ROUNDS: usize = 5;
const EVENTS: usize = 2_000;
const MIB: usize = 1024 * 1024;

/// The median of each contender over the chunks, in microseconds; ours first, the baseline third.
fn microseconds(chunks: &[Bytes]) -> Vec<f64> {
    let timed = |work: fn(&[Bytes]) -> usize| {
        move || -> Sample {
            let start = Instant::now();
            black_box(work(black_box(chunks)));
            start.elapsed().as_secs_f64() * 1e6
        }
    };
    let mut ours = timed(run::ours);
    let mut borrowed = timed(run::ours_borrowed);
    let mut baseline = timed(run::eventsource_stream_and_serde);
    let mut sse_stream = timed(run::sse_stream_and_serde);
    let mut claude_api = timed(run::claude_api_own);
    let mut crimson_crab = timed(run::crimson_crab_own);
    let rounds = if chunks.iter().map(Bytes::len).sum::<usize>() > MIB {
        FEW_ROUNDS
    } else {
        ROUNDS
    };
    interleaved(
        rounds,
        &mut [
            &mut ours,
            &mut borrowed,
            &mut baseline,
            &mut sse_stream,
            &mut claude_api,
            &mut crimson_crab,
        ],
    )
}

fn rows(what: [&'static str; 2], chunks: &[Bytes], aim: impl Fn(f64) -> Aim) -> [Row; 2] {
    let medians = microseconds(chunks);
    let rivals = || {
        vec![
            ("eventsource-stream + serde", medians[2]),
            ("sse-stream + serde", medians[3]),
            ("claude-api", medians[4]),
            ("crimson-crab", medians[5]),
        ]
    };
    let row = |what, ours| Row {
        what,
        ours,
        rivals: rivals(),
        floor: None,
        aims: vec![aim(medians[2])],
    };
    [row(what[0], medians[0]), row(what[1], medians[1])]
}

fn main() {
    for (name, work) in run::ALL {
        assert_eq!(
            work(&replies::in_chunks(16 * 1024)),
            EVENTS,
            "{name} reads all"
        );
    }
    let bulk = replies::in_chunks(16 * 1024);
    let single = replies::one_event_a_chunk();
    let large = replies::large_event(MIB, 4 * 1024);
    let found = replies::large_result(MIB, 4 * 1024);

    let mut table = Table::new("µs");
    let what = [
        "2,000 events in 16 KiB chunks: decode, type, accumulate",
        "the same, borrowed events",
    ];
    for row in rows(what, &bulk, |baseline| Aim::AtMost(baseline / 2.2)) {
        table = table.row(row);
    }
    let what = ["2,000 events, one a chunk", "the same, borrowed events"];
    for row in rows(what, &single, |baseline| Aim::AtMost(baseline / 1.3)) {
        table = table.row(row);
    }
    let what = [
        "one text event of 1 MiB in 4 KiB chunks",
        "the same, borrowed events",
    ];
    for row in rows(what, &large, |_| Aim::AtMost(2_000.0)) {
        table = table.row(row);
    }
    let what = [
        "one search result of 1 MiB in 4 KiB chunks",
        "the same, borrowed events",
    ];
    for row in rows(what, &found, |_| Aim::AtMost(2_000.0)) {
        table = table.row(row);
    }
    table.print();
    allocations(&bulk);
    memory(&large, &found);
    refusal();
}

fn allocations(bulk: &[Bytes]) {
    let mut table = Table::new("allocations an event");
    let each = |work: fn(&[Bytes]) -> usize| counted(|| work(bulk)).1.calls as f64 / EVENTS as f64;
    let rivals: Vec<_> = run::ALL[2..]
        .iter()
        .map(|(name, work)| (*name, each(*work)))
        .collect();
    for (what, work) in &run::ALL[..2] {
        table = table.row(Row {
            what,
            ours: each(*work),
            rivals: rivals.clone(),
            floor: None,
            aims: vec![Aim::AtMost(4.0)],
        });
    }
    table.print();
}

/// The most memory held at one time, chunks as they come, the reply that is accumulated included.
fn memory(large: &[Bytes], found: &[Bytes]) {
    let mut table = Table::new("times the event");
    for (what, chunks) in [
        ("peak memory, text event of 1 MiB", large),
        ("peak memory, search result of 1 MiB", found),
    ] {
        let peak = |work: fn(&mut dyn Iterator<Item = Bytes>) -> usize| {
            let mut fresh = chunks.iter().map(|chunk| Bytes::copy_from_slice(chunk));
            counted(|| work(&mut fresh)).1.peak as f64 / MIB as f64
        };
        table = table.row(Row {
            what,
            ours: peak(run::ours_over),
            rivals: vec![],
            floor: None,
            aims: vec![Aim::AtMost(3.0)],
        });
    }
    table.print();
}

/// A line without an end: how much is read before it is refused, and how much is held.
fn refusal() {
    const CHUNK: usize = 4 * 1024;
    let line = vec![b'x'; CHUNK];
    let ((fed, refused), used) = counted(|| {
        let mut decoder = Decoder::new(replies::facts()).event_limit(MIB);
        decoder.feed(Bytes::from_static(b"data: "));
        for fed in 1..=1_000 {
            decoder.feed(Bytes::copy_from_slice(&line));
            if let Some(Err(_)) = decoder.next_event() {
                return (fed * CHUNK, true);
            }
        }
        (0, false)
    });
    assert!(refused, "a line over the limit is refused");
    let mut table = Table::new("KiB");
    let limit = (MIB / 1024) as f64;
    for (what, ours, aim) in [
        (
            "bytes read of a line over a limit of 1 MiB, 4 KiB chunks",
            fed as f64 / 1024.0,
            limit + 4.0,
        ),
        (
            "memory held meanwhile",
            used.peak as f64 / 1024.0,
            limit + 4.0,
        ),
    ] {
        table = table.row(Row {
            what,
            ours,
            rivals: vec![],
            floor: None,
            aims: vec![Aim::AtMost(aim)],
        });
    }
    table.print();
}
