use std::time::Duration;

use evenkeel_error::{Error, Moment, Phase};

use crate::{ContentBlock, Delta, StreamEvent};

mod limits;

pub use limits::StallLimits;

/// Tells a stream that is stalled from one that is slow: a pure machine, the time is an argument.
///
/// It measures the socket, never the consumer: its clocks run only between
/// [`read_started`](Self::read_started) and the arrival of [`bytes`](Self::bytes) or
/// [`read_paused`](Self::read_paused). A consumer that misses [`next_check`](Self::next_check) was
/// away; when it comes back and finds bytes waiting, the time that it was away does not count. So
/// keep the appointments, read first, and [`check`](Self::check) only when nothing was there.
///
/// Three limits, each settable, in [`StallLimits`]: until the first event; silence, which any byte
/// ends, a ping too; and progress, which only content makes.
#[derive(Clone, Debug)]
pub struct StallClock {
    limits: StallLimits,
    /// Since when the read that is under way has been waiting.
    reading: Option<Moment>,
    /// When the reader was last known to be there and to have found nothing.
    seen: Moment,
    /// Time spent reading since the last byte, up to the read under way.
    silent: Duration,
    /// Time spent reading since the last content, up to the read under way.
    stuck: Duration,
    wait: Wait,
    warned: bool,
}

/// A reader that is there looks this often, so that one that was away is found out.
const PRESENCE: Duration = Duration::from_secs(20);

/// How late a reader may keep an appointment and still count as present: timers are coarse.
const GRACE: Duration = Duration::from_secs(1);

/// What the server may be doing while it sends no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// No event yet: queueing, reading the prompt, compiling a schema.
    FirstEvent,
    /// Writing.
    Content,
    /// A thinking block is open and shows nothing: it may never.
    HiddenThinking,
    /// A tool at the server runs, or a block that we do not know is open.
    Server,
}

/// What [`StallClock::check`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum StallVerdict {
    /// Go on waiting.
    Fine,
    /// No content for a while. Said once per quiet stretch; go on waiting.
    Warn {
        /// For how long reads have waited for content.
        quiet: Duration,
    },
    /// A limit has passed: give up.
    Expired {
        /// What was being waited for.
        phase: Phase,
        /// The limit that passed.
        limit: Duration,
    },
}

impl StallClock {
    /// A clock for one stream, not running yet.
    #[must_use]
    pub fn new(limits: StallLimits) -> Self {
        Self {
            limits,
            reading: None,
            seen: Moment::ORIGIN,
            silent: Duration::ZERO,
            stuck: Duration::ZERO,
            wait: Wait::FirstEvent,
            warned: false,
        }
    }

    /// A read waits for the socket. Without effect if one does already.
    pub fn read_started(&mut self, now: Moment) {
        if self.reading.is_none() {
            self.reading = Some(now);
            self.seen = now;
        }
    }

    /// The read under way was given up without having brought anything.
    pub fn read_paused(&mut self, now: Moment) {
        let waited = self.waited(now);
        self.silent = self.silent.saturating_add(waited);
        self.stuck = self.stuck.saturating_add(waited);
        self.reading = None;
    }

    /// The read under way brought bytes.
    pub fn bytes(&mut self, now: Moment) {
        let away = self
            .next_check()
            .is_some_and(|due| now > due.saturating_add(GRACE));
        let until = if away { self.seen } else { now };
        self.stuck = self.stuck.saturating_add(self.waited(until));
        self.silent = Duration::ZERO;
        self.reading = None;
    }

    /// The bytes held this event.
    pub fn event(&mut self, event: &StreamEvent, now: Moment) {
        let first = self.wait == Wait::FirstEvent;
        if first || event.carries_content() {
            self.stuck = Duration::ZERO;
            self.warned = false;
            if let Some(since) = &mut self.reading {
                *since = now.max(*since);
            }
        }
        self.wait = self.wait.after(event);
    }

    /// When to look again: read, and if there is nothing, [`check`](Self::check). `None` while no
    /// read waits. Never more than 20 s ahead.
    #[must_use]
    pub fn next_check(&self) -> Option<Moment> {
        let since = self.reading?;
        let (left, _) = self.limits_left();
        let warning = self.limits.warning.saturating_sub(self.stuck);
        let left = if self.warned { left } else { left.min(warning) };
        Some(
            since
                .saturating_add(left)
                .min(self.seen.saturating_add(PRESENCE)),
        )
    }

    /// Judges the silence so far. Call it when a read has found nothing.
    pub fn check(&mut self, now: Moment) -> StallVerdict {
        if self.reading.is_none() {
            return StallVerdict::Fine;
        }
        self.seen = now.max(self.seen);
        let waited = self.waited(now);
        let (left, expired) = self.limits_left();
        if waited >= left {
            return expired;
        }
        let quiet = self.stuck.saturating_add(waited);
        if !self.warned && quiet >= self.limits.warning {
            self.warned = true;
            return StallVerdict::Warn { quiet };
        }
        StallVerdict::Fine
    }

    fn waited(&self, now: Moment) -> Duration {
        self.reading
            .map_or(Duration::ZERO, |since| now.since(since))
    }

    /// How much longer the read under way may take, and what it means when it takes longer.
    fn limits_left(&self) -> (Duration, StallVerdict) {
        let limits = &self.limits;
        let left = |limit: Duration, spent: Duration, phase| {
            (
                limit.saturating_sub(spent),
                StallVerdict::Expired { phase, limit },
            )
        };
        let progress = match self.wait {
            Wait::FirstEvent => {
                return left(limits.first_event, self.stuck, Phase::FirstEvent);
            }
            Wait::Content => limits.progress,
            Wait::HiddenThinking | Wait::Server => limits.hidden_progress,
        };
        let silence = left(limits.byte_silence, self.silent, Phase::ByteSilence);
        let progress = left(progress, self.stuck, Phase::Progress);
        if silence.0 <= progress.0 {
            silence
        } else {
            progress
        }
    }
}

impl Wait {
    fn after(self, event: &StreamEvent) -> Self {
        match event {
            StreamEvent::ContentBlockStart { block, .. } => match block.as_ref() {
                ContentBlock::Thinking(_) => Self::HiddenThinking,
                ContentBlock::ServerToolUse(_)
                | ContentBlock::McpToolUse(_)
                | ContentBlock::Compaction(_)
                | ContentBlock::Unknown(_) => Self::Server,
                _ => Self::Content,
            },
            StreamEvent::ContentBlockDelta {
                delta: Delta::Thinking(delta),
                ..
            } if !delta.thinking.is_empty() => Self::Content,
            // The end of a server tool's input is where its work begins: the next block ends it.
            StreamEvent::ContentBlockStop { .. } if self == Self::Server => Self::Server,
            StreamEvent::ContentBlockStop { .. }
            | StreamEvent::MessageDelta(_)
            | StreamEvent::MessageStop { .. } => Self::Content,
            _ if self == Self::FirstEvent => Self::Content,
            _ => self,
        }
    }
}

impl StallVerdict {
    /// The failure, if a limit has passed.
    #[must_use]
    pub fn into_error(self) -> Option<Error> {
        match self {
            Self::Fine | Self::Warn { .. } => None,
            Self::Expired { phase, limit } => Some(Error::timed_out(phase, limit)),
        }
    }
}

#[cfg(test)]
mod tests;
