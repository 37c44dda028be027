//! How a scripted reply goes wrong, and when.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use crate::answer::Stop;
use crate::distortion::{Distortion, LineEnd};
use crate::reply::{Cut, ErrorEvent, Point, Reply, What};

/// A silence that outlasts every test.
const SILENCE: Duration = Duration::from_secs(365 * 86_400);
/// The largest event that can be asked for: a slip of the finger should not take all memory.
const HUGE: usize = 256 * 1_024 * 1_024;

impl Reply {
    /// Sends `retry-after` in whole seconds, rounded up. If the wait is not whole seconds the
    /// exact one goes beside it as `retry-after-ms`.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Waits before the status line.
    pub fn pause_before_head(mut self, pause: Duration) -> Self {
        self.head_pause = pause;
        self
    }

    /// Waits after this many events. May be given more than once. At the place of a cut, it waits
    /// before the cut.
    pub fn pause_after_events(mut self, events: usize, pause: Duration) -> Self {
        self.pauses.push((Point::Events(events), pause));
        self
    }

    /// Waits after this many bytes of the body. May be given more than once.
    pub fn pause_after_bytes(mut self, bytes: u64, pause: Duration) -> Self {
        self.pauses.push((Point::Bytes(bytes), pause));
        self
    }

    /// Puts an `error` event in place of everything after this many events; the stream then ends.
    /// A plain request gets the error as a reply, with the status that goes with its type. Only
    /// messages and event lists can have one.
    pub fn error_after_events(
        mut self,
        events: usize,
        error_type: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (error_type, message) = (error_type.into(), message.into());
        self.error_event = Some(ErrorEvent {
            after: events,
            error_type,
            message,
        });
        self
    }

    /// Cuts the reply off after this many whole events. [`Cut::MidChunk`] also sends the first half
    /// of the next one.
    pub fn cut_after_events(mut self, events: usize, cut: Cut) -> Self {
        self.cut = Some((Point::Events(events), cut));
        self
    }

    /// Cuts the reply off after exactly this many bytes of its body.
    pub fn cut_after_bytes(mut self, bytes: u64, cut: Cut) -> Self {
        self.cut = Some((Point::Bytes(bytes), cut));
        self
    }

    /// Cuts the reply off after its `message_delta`: the stop reason is there, `message_stop` is not.
    pub fn cut_after_stop_reason(mut self, cut: Cut) -> Self {
        self.cut = Some((Point::StopReason, cut));
        self
    }

    /// Stops an answer for this reason, known to the API or not.
    pub fn stop_reason(mut self, reason: impl Into<String>) -> Self {
        self.stop = Some(Stop::Reason(reason.into()));
        self
    }

    /// Stops an answer at this stop sequence.
    pub fn stop_sequence(mut self, sequence: impl Into<String>) -> Self {
        self.stop = Some(Stop::Sequence(sequence.into()));
        self
    }

    /// Falls silent after this many events, for ever; 0 is after the head.
    pub fn silence_after_events(self, events: usize) -> Self {
        self.pause_after_events(events, SILENCE)
    }

    /// Sends nothing but pings after this many events, for ever.
    pub fn pings_only_after_events(mut self, events: usize, every: Duration) -> Self {
        self.pings = Some((events, every));
        self
    }

    /// Sends the body in pieces of at most this many bytes, which splits characters too.
    pub fn pieces_of(mut self, bytes: NonZeroUsize) -> Self {
        self.piece = Some(bytes);
        self
    }

    /// Sends the body in pieces of this many bytes with a wait after each.
    pub fn drip(mut self, bytes: NonZeroUsize, wait: Duration) -> Self {
        (self.piece, self.drip) = (Some(bytes), wait);
        self
    }

    /// Ends the lines of a stream in another way than the API does.
    pub fn line_ends(mut self, line_end: LineEnd) -> Self {
        self.distortion.line_end = Some(line_end);
        self
    }

    /// Breaks the JSON of the event after this many; of a plain reply, its only JSON.
    pub fn malformed_json_after_events(mut self, events: usize) -> Self {
        self.distortion.malformed = Some(events);
        self
    }

    /// Adds to a stream what no client can know: an event before `message_start`, a block with a
    /// delta, a delta in a text block.
    pub fn unknown_events(mut self) -> Self {
        self.distortion.strangers = true;
        self
    }

    /// Adds a text delta whose event has this many bytes.
    pub fn huge_event(mut self, bytes: usize) -> Self {
        self.distortion.huge = Some(bytes);
        self
    }

    /// These faults on top of another reply.
    pub(crate) fn over(&self, mut base: Self) -> Self {
        if self.what != What::Scripted {
            base.what = self.what.clone();
        }
        base.headers.extend(self.headers.iter().cloned());
        base.retry_after = self.retry_after.or(base.retry_after);
        base.head_pause = base.head_pause.saturating_add(self.head_pause);
        base.pauses.extend(&self.pauses);
        base.error_event = self.error_event.clone().or(base.error_event);
        base.cut = self.cut.or(base.cut);
        base.stop = self.stop.clone().or(base.stop);
        base.distortion = self.distortion.over(base.distortion);
        base.piece = self.piece.or(base.piece);
        base.drip = self.drip.max(base.drip);
        base.pings = self.pings.or(base.pings);
        base
    }

    /// The same with all its waits, those it asks for included, divided.
    pub(crate) fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        let divided = |length: Duration| length.checked_div(divisor.get()).unwrap_or(length);
        self.retry_after = self.retry_after.map(divided);
        self.head_pause = divided(self.head_pause);
        self.drip = divided(self.drip);
        for (_, pause) in &mut self.pauses {
            *pause = divided(*pause);
        }
        if let Some((_, every)) = &mut self.pings {
            *every = divided(*every);
        }
        self
    }
}

/// What makes a fault impossible to send.
pub(crate) fn check(reply: &Reply) -> Result<(), String> {
    if let What::Answer(answer) = &reply.what {
        answer.check()?;
    }
    if let What::Error { status, .. }
    | What::Raw { status, .. }
    | What::Redirect { status, .. }
    | What::Gateway { status } = reply.what
        && !(200..=599).contains(&status)
    {
        return Err(format!("status {status} is not one from 200 to 599"));
    }
    for (name, value) in &reply.headers {
        check_header(name, value)?;
    }
    let Distortion {
        line_end,
        malformed,
        strangers,
        huge,
    } = reply.distortion;
    let is_answer = matches!(reply.what, What::Answer(_) | What::Scripted);
    let is_stream = is_answer || matches!(reply.what, What::Events(_));
    for (given, name) in [
        (reply.error_event.is_some(), "an error event"),
        (reply.pings.is_some(), "nothing but pings"),
        (line_end.is_some(), "line ends"),
        (strangers, "unknown events"),
        (huge.is_some(), "a huge event"),
        (malformed.is_some(), "malformed JSON"),
    ] {
        if given && !is_stream {
            return Err(format!(
                "only a message or a list of events can have {name}"
            ));
        }
    }
    if reply.stop.is_some() && !is_answer {
        return Err("only a message can have a stop reason".into());
    }
    if huge.is_some_and(|bytes| bytes > HUGE) {
        return Err(format!("a huge event has at most {HUGE} bytes"));
    }
    if reply.pings.is_some_and(|(_, every)| every.is_zero()) {
        return Err("pings need some time between them".into());
    }
    let has_more = !reply.headers.is_empty()
        || reply.retry_after.is_some()
        || !reply.pauses.is_empty()
        || reply.cut.is_some()
        || reply.piece.is_some();
    if has_more && matches!(reply.what, What::Hangup(_) | What::Verbatim(_)) {
        return Err(
            "what is closed without a reply, or with verbatim bytes, can have nothing but a pause before that".into(),
        );
    }
    Ok(())
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let framing = ["content-length", "transfer-encoding"];
    if framing
        .iter()
        .any(|framing| name.eq_ignore_ascii_case(framing))
    {
        return Err(format!(
            "header `{name}` is the simulator's own; use a cut to break a body"
        ));
    }
    if HeaderName::try_from(name).is_err() {
        return Err(format!("`{name}` is not a header name"));
    }
    if HeaderValue::try_from(value).is_err() {
        return Err(format!(
            "the value of header `{name}` has characters no header may have"
        ));
    }
    Ok(())
}
