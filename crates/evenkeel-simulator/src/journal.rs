//! What the clients did: one entry for every request, the oldest forgotten first.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::http::HeaderMap;
use hyper::http::request::Parts;

use crate::api::credential;
use crate::clock::Clock;
use crate::content::Advice;
use crate::entry::{Ending, Entry};
use crate::flaw::Soundness;
use crate::plan::Answer;
use crate::turn::Turn;

/// Bytes of a request body kept as text.
const BODY_KEPT: usize = 8 * 1_024;
/// Bytes of a path and of a header value kept.
const LINE_KEPT: usize = 1_024;
const REDACTED: &str = "[redacted]";
const SECRET: [&str; 6] = [
    "x-api-key",
    "authorization",
    "proxy-authorization",
    "cookie",
    "api-key",
    "x-goog-api-key",
];

/// The headers of which a refusal may be a matter.
const BEARING: [&str; 4] = [
    "x-api-key",
    "authorization",
    "anthropic-version",
    "anthropic-beta",
];

/// The entries of one simulator.
#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    limit: NonZeroUsize,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    entries: VecDeque<Entry>,
    dropped: u64,
    /// How many entries came before the first that is kept.
    first: u64,
}

impl Journal {
    pub(crate) fn new(clock: Clock, limit: NonZeroUsize) -> Self {
        Self {
            clock,
            limit,
            pages: Mutex::default(),
        }
    }

    /// How many entries are kept.
    pub(crate) fn limit(&self) -> NonZeroUsize {
        self.limit
    }

    /// Forgets all entries; numbers go on from where they are, which is returned.
    pub(crate) fn clear(&self) -> u64 {
        let mut pages = self.lock();
        pages.dropped = 0;
        pages.first += pages.entries.len() as u64;
        pages.entries.clear();
        pages.first
    }

    /// Enters a request whose head has arrived,
    /// over a connection that has taken `before` others.
    pub(crate) fn open(self: &Arc<Self>, head: &Parts, connection: u64, before: u64) -> Ticket {
        let mut pages = self.lock();
        while pages.entries.len() >= self.limit.get() {
            pages.entries.pop_front();
            pages.dropped += 1;
            pages.first += 1;
        }
        let number = pages.first + pages.entries.len() as u64 + 1;
        // Read with the lock held, so that numbers and times agree on the order.
        let mut entry = Entry::begun(number, self.clock.now());
        entry.method = head.method.to_string();
        entry.path = kept(
            head.uri.path_and_query().map_or("/", |path| path.as_str()),
            LINE_KEPT,
        );
        entry.headers = kept_headers(&head.headers);
        entry.body_hash = fnv(&[]);
        (entry.connection, entry.reused_connection) = (connection, before > 0);
        entry.bearing = bearing(head);
        entry.carried_key = credential(&head.headers).is_some();
        let count = head.headers.get("x-stainless-retry-count");
        entry.retry_count = count.and_then(|count| count.to_str().ok()?.parse().ok());
        pages.entries.push_back(entry);
        Ticket {
            journal: Arc::clone(self),
            number,
            ending: Ending::Abandoned,
            reply_bytes: 0,
            lull: Duration::ZERO,
            turn: None,
            soundness: Soundness::default(),
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// `{"dropped":0,"entries":[…]}`.
    pub(crate) fn json(&self) -> String {
        #[derive(serde::Serialize)]
        struct Whole<'a> {
            dropped: u64,
            entries: &'a VecDeque<Entry>,
        }
        let pages = self.lock();
        let whole = Whole {
            dropped: pages.dropped,
            entries: &pages.entries,
        };
        serde_json::to_string(&whole).unwrap_or_default()
    }

    fn amend(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut pages = self.lock();
        let index = number
            .checked_sub(pages.first + 1)
            .and_then(|i| usize::try_from(i).ok());
        if let Some(entry) = index.and_then(|index| pages.entries.get_mut(index)) {
            change(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes one request's entry to its end; dropped without one, the client has gone away.
#[derive(Debug)]
pub(crate) struct Ticket {
    journal: Arc<Journal>,
    number: u64,
    ending: Ending,
    reply_bytes: u64,
    /// How long it takes from its end until the client sees it.
    lull: Duration,
    /// The slot it generates in, free when this is over.
    turn: Option<Turn>,
    soundness: Soundness,
}

impl Ticket {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn body(&self, bytes: &[u8], total: u64) {
        let text = String::from_utf8_lossy(bytes.get(..BODY_KEPT).unwrap_or(bytes)).into_owned();
        let hash = fnv(bytes);
        let gist = gist(bytes).unwrap_or(hash);
        self.journal.amend(self.number, |entry| {
            (entry.body_bytes, entry.body, entry.body_hash) = (total, text, hash);
            entry.gist = gist;
        });
    }

    /// Notes what a request shows of an earlier one, and by whose limits it goes.
    pub(crate) fn remark(&self, takes_for_whole: Option<u64>, pool: Option<u64>) {
        self.journal.amend(self.number, |entry| {
            (entry.takes_for_whole, entry.pool) = (takes_for_whole, pool);
        });
    }

    pub(crate) fn answered(&mut self, answer: &Answer) {
        self.soundness = answer.soundness;
        self.journal.amend(self.number, |entry| {
            (entry.status, entry.request_id) = (Some(answer.status), answer.request_id.clone());
            entry.retry_after = answer.remarks.retry_after;
            entry.hopeless = answer.remarks.advice == Advice::Hopeless;
        });
    }

    /// Keeps this turn until the reply is over.
    pub(crate) fn hold(&mut self, turn: Option<Turn>) {
        self.turn = turn;
    }

    pub(crate) fn close(self, ending: Ending, reply_bytes: u64) {
        self.close_after(Duration::ZERO, ending, reply_bytes);
    }

    /// The same for an end that the client will see after this long.
    pub(crate) fn close_after(mut self, lull: Duration, ending: Ending, reply_bytes: u64) {
        (self.lull, self.ending, self.reply_bytes) = (lull, ending, reply_bytes);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = self.journal.clock.now().saturating_add(self.lull);
        self.journal.amend(self.number, |entry| {
            (entry.ending, entry.ended_at) = (self.ending, Some(now));
            entry.reply_bytes = self.reply_bytes;
            let known = self.soundness.within(self.reply_bytes);
            entry.flaw = known.flaw.map(|(flaw, _)| flaw);
            entry.settled = known.settled;
        });
    }
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().map(|(name, value)| {
        let secret = SECRET.contains(&name.as_str());
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = if secret {
            REDACTED.to_owned()
        } else {
            kept(&value, LINE_KEPT)
        };
        (name.as_str().to_owned(), value)
    });
    shown.collect()
}

fn kept(text: &str, most: usize) -> String {
    // The limit may fall inside a letter.
    (0..=most.min(text.len()))
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default()
        .to_owned()
}

/// What may cure a refusal of the same body. Hashed, so that no key is kept.
fn bearing(head: &Parts) -> u64 {
    let mut hasher = DefaultHasher::new();
    head.method.hash(&mut hasher);
    for name in BEARING {
        for value in head.headers.get_all(name) {
            (name, value.as_bytes()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// A hash of a body without its `metadata`; none if it has none.
fn gist(bytes: &[u8]) -> Option<u64> {
    const METADATA: &[u8] = b"\"metadata\"";
    // Most have none, and need not be read for it.
    bytes
        .windows(METADATA.len())
        .find(|some| *some == METADATA)?;
    let mut body: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    body.as_object_mut()?.remove("metadata")?;
    Some(fnv(body.to_string().as_bytes()))
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
