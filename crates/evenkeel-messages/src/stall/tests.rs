use std::time::SystemTime;

use evenkeel_error::{ErrorKind, Facts};

use super::*;
use crate::event::parse;
use crate::sse::Frame;

fn event(data: &str) -> StreamEvent {
    let facts = Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH);
    parse(
        &Frame {
            name: None,
            data,
            offset: 0,
        },
        &facts,
    )
    .expect("well formed")
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const PING: &str = r#"{"type":"ping"}"#;
const HEAD: &str = r#"{"type":"message_start","message":{}}"#;
const TEXT: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const MORE: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#;
const STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
const THINKING: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#;
const MORE_THINKING: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"a"}}"#;
const HIDDEN: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":""}}"#;
const SERVER: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"n","input":{}}}"#;
const RESULT: &str =
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result"}}"#;
const UNKNOWN: &str = r#"{"type":"omen"}"#;
const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}"#;

/// A reader that is always there: it keeps every appointment.
struct Reader {
    clock: StallClock,
    now: u64,
    warnings: Vec<u64>,
}

impl Reader {
    fn new(limits: StallLimits) -> Self {
        Self {
            clock: StallClock::new(limits),
            now: 0,
            warnings: Vec::new(),
        }
    }

    /// Nothing comes until `until`; the limit that passes before, and when.
    fn wait(&mut self, until: u64) -> Option<(u64, Phase, Duration)> {
        self.clock.read_started(at(self.now));
        loop {
            let due = self.clock.next_check().expect("a read waits").as_nanos() / 1_000_000_000;
            if due >= until {
                self.now = until;
                return None;
            }
            self.now = due;
            match self.clock.check(at(due)) {
                StallVerdict::Fine => {}
                StallVerdict::Warn { .. } => self.warnings.push(due),
                StallVerdict::Expired { phase, limit } => return Some((due, phase, limit)),
            }
            assert!(
                self.clock.next_check() > Some(at(due)),
                "appointments advance"
            );
        }
    }

    fn arrive(&mut self, data: &str) {
        self.clock.bytes(at(self.now));
        self.clock.event(&event(data), at(self.now));
    }

    /// `data` comes every `gap` seconds until something expires, or until `until`.
    fn repeat(&mut self, data: &str, gap: u64, until: u64) -> Option<(u64, Phase, Duration)> {
        while self.now < until {
            if let Some(expired) = self.wait(self.now + gap) {
                return Some(expired);
            }
            self.arrive(data);
        }
        None
    }
}

#[test]
fn each_state_and_event_have_their_limit() {
    use Phase::{ByteSilence, FirstEvent, Progress};
    // Events at second 0, then either silence or pings each 30 s: what expires, and when.
    type Expiry = (u64, Phase);
    let rows: [(&[&str], Expiry, Expiry); 14] = [
        (&[], (200, FirstEvent), (330, Progress)),
        (&[PING], (180, ByteSilence), (300, Progress)),
        (&[UNKNOWN], (180, ByteSilence), (300, Progress)),
        (&[HEAD], (180, ByteSilence), (300, Progress)),
        (&[HEAD, TEXT], (180, ByteSilence), (300, Progress)),
        (&[HEAD, TEXT, MORE], (180, ByteSilence), (300, Progress)),
        (
            &[HEAD, TEXT, MORE, STOP],
            (180, ByteSilence),
            (300, Progress),
        ),
        (&[HEAD, THINKING], (180, ByteSilence), (600, Progress)),
        (
            &[HEAD, THINKING, HIDDEN],
            (180, ByteSilence),
            (600, Progress),
        ),
        (
            &[HEAD, THINKING, MORE_THINKING],
            (180, ByteSilence),
            (300, Progress),
        ),
        (&[HEAD, THINKING, STOP], (180, ByteSilence), (300, Progress)),
        (&[HEAD, SERVER], (180, ByteSilence), (600, Progress)),
        (
            &[HEAD, SERVER, STOP, PING],
            (180, ByteSilence),
            (600, Progress),
        ),
        (
            &[HEAD, SERVER, STOP, RESULT, TEXT],
            (180, ByteSilence),
            (300, Progress),
        ),
    ];
    for (events, silent, pinged) in rows {
        let begin = || {
            let mut reader = Reader::new(StallLimits::default());
            for data in events {
                reader.arrive(data);
            }
            reader
        };
        let expired = begin().wait(10_000).expect("silence expires");
        assert_eq!((expired.0, expired.1), silent, "{events:?} then silence");
        let expired = begin()
            .repeat(PING, 30, 10_000)
            .expect("pings alone expire");
        assert_eq!((expired.0, expired.1), pinged, "{events:?} then pings");
    }
}

#[test]
fn a_reply_that_pauses_for_four_minutes_with_pings_is_not_stalled() {
    let mut reader = Reader::new(StallLimits::default());
    for data in [HEAD, TEXT, MORE] {
        reader.arrive(data);
    }
    assert_eq!(reader.repeat(PING, 15, 240), None);
    reader.arrive(MORE);
    assert_eq!(reader.repeat(PING, 15, 480), None);
    reader.arrive(END);
}

#[test]
fn a_reply_that_writes_slowly_for_hours_is_not_stalled() {
    let mut reader = Reader::new(StallLimits::default());
    reader.arrive(HEAD);
    reader.arrive(TEXT);
    assert_eq!(reader.repeat(MORE, 170, 20_000), None);
}

#[test]
fn quiet_is_warned_of_once_until_content_comes() {
    let mut reader = Reader::new(StallLimits::default());
    assert_eq!(reader.wait(100), None);
    reader.arrive(HEAD);
    assert_eq!(reader.repeat(PING, 15, 160), None);
    reader.arrive(TEXT);
    assert_eq!(reader.repeat(MORE, 10, 300), None);
    assert_eq!(reader.wait(400), None);
    assert_eq!(reader.warnings, [20, 120, 320]);
}

#[test]
fn a_consumer_that_does_not_read_for_ten_minutes_is_never_a_stall() {
    let mut clock = StallClock::new(StallLimits::default());
    clock.read_started(at(0));
    clock.bytes(at(1));
    clock.event(&event(HEAD), at(1));
    // Away between two reads.
    assert_eq!(clock.next_check(), None);
    assert_eq!(clock.check(at(601)), StallVerdict::Fine);
    clock.read_started(at(601));
    assert_eq!(clock.check(at(610)), StallVerdict::Fine);
    // Away while a read waits; a ping had come meanwhile, and nobody looked.
    clock.bytes(at(1_300));
    clock.event(&event(PING), at(1_300));
    clock.read_started(at(1_300));
    assert_eq!(clock.check(at(1_310)), StallVerdict::Fine);
    // Away after having given the read up.
    clock.read_paused(at(1_311));
    assert_eq!(clock.next_check(), None);
    clock.read_started(at(2_000));
    assert_eq!(
        clock.check(at(2_001)),
        StallVerdict::Warn { quiet: secs(21) }
    );
}

#[test]
fn a_consumer_that_comes_back_late_and_finds_nothing_learns_that_the_stream_is_stalled() {
    let mut clock = StallClock::new(StallLimits::default());
    clock.event(&event(HEAD), at(0));
    clock.read_started(at(0));
    let expired = StallVerdict::Expired {
        phase: Phase::ByteSilence,
        limit: secs(180),
    };
    assert_eq!(clock.check(at(700)), expired);
    let error = expired.into_error().expect("an error");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(
        StallVerdict::Fine.into_error().map(|error| error.kind()),
        None
    );
}

#[test]
fn bytes_that_are_no_event_end_silence_but_bring_no_progress() {
    let mut reader = Reader::new(StallLimits::default());
    reader.arrive(HEAD);
    while reader.wait(reader.now + 100).is_none() {
        reader.clock.bytes(at(reader.now));
    }
    assert_eq!(reader.now, 300);
}

#[test]
fn limits_are_the_callers() {
    let limits = StallLimits::new()
        .first_event(secs(7))
        .warning(secs(3))
        .progress(Duration::MAX);
    let mut reader = Reader::new(limits);
    assert_eq!(reader.wait(60), Some((7, Phase::FirstEvent, secs(7))));
    assert_eq!(reader.warnings, [3]);
    let mut reader = Reader::new(limits);
    reader.arrive(HEAD);
    assert_eq!(reader.repeat(PING, 100, 1_000_000), None);
    let mut none = StallClock::new(StallLimits::new().byte_silence(secs(0)));
    none.event(&event(HEAD), at(0));
    none.read_started(at(0));
    assert!(matches!(none.check(at(0)), StallVerdict::Expired { .. }));
}

#[test]
fn time_that_runs_backwards_does_no_harm() {
    let mut clock = StallClock::new(StallLimits::default());
    clock.read_started(at(100));
    assert_eq!(clock.check(at(50)), StallVerdict::Fine);
    clock.bytes(at(20));
    clock.event(&event(HEAD), at(10));
    clock.read_started(at(5));
    assert_eq!(clock.check(at(6)), StallVerdict::Fine);
}

#[test]
fn a_stream_whose_bytes_stop_is_stalled_after_three_minutes() {
    let mut reader = Reader::new(StallLimits::default());
    for data in [HEAD, TEXT, MORE] {
        reader.arrive(data);
    }
    let limit = secs(180);
    assert_eq!(reader.wait(600), Some((180, Phase::ByteSilence, limit)));
}

#[test]
fn pings_alone_for_ten_minutes_are_no_silence_and_no_progress() {
    let mut reader = Reader::new(StallLimits::default());
    for data in [HEAD, TEXT, MORE] {
        reader.arrive(data);
    }
    let limit = secs(300);
    let expired = reader.repeat(PING, 15, 600);
    assert_eq!(expired, Some((300, Phase::Progress, limit)));
}
