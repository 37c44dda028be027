//! What the journal says of one request.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::flaw::Flaw;

/// One request as the simulator saw it, and what became of its reply.
///
/// `Debug` and JSON leave the text of the body out; JSON has its size and hash.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Counts the requests, from 1.
    pub number: u64,
    /// When its head had arrived, since the start of the simulator.
    pub at: Duration,
    /// `POST`, `GET`, …
    pub method: String,
    /// Path and query, at most 1 KiB.
    pub path: String,
    /// Names in lower case and values, each at most 1 KiB. Credentials read `[redacted]`.
    pub headers: Vec<(String, String)>,
    /// Size of the body in bytes; 0 until it has arrived.
    pub body_bytes: u64,
    /// The first 8 KiB of the body, with what is not UTF-8 replaced.
    pub body: String,
    /// A hash of the first 32 MB of the body (FNV-1a), to tell whether two requests were the same.
    pub body_hash: u64,
    /// Status of the reply, once its head has been sent.
    pub status: Option<u16>,
    /// The `request-id` that the reply gave.
    pub request_id: Option<String>,
    /// How many bytes of the reply's body were handed to the connection; 0 until it has ended.
    pub reply_bytes: u64,
    /// What became of the reply.
    pub ending: Ending,
    /// When that was, since the start of the simulator.
    pub ended_at: Option<Duration>,
    /// The connection it came over, from 1.
    pub connection: u64,
    /// Whether that connection had taken a request before.
    pub reused_connection: bool,
    /// Whether it carried a credential.
    pub carried_key: bool,
    /// What the official clients say of it: 0 for a first attempt, 1 for the first retry, …
    pub retry_count: Option<u32>,
    /// How long the reply told the client to wait.
    pub retry_after: Option<Duration>,
    /// Whether the reply said that the same request cannot succeed.
    pub hopeless: bool,
    /// The earlier request whose broken-off reply it has among its messages as if it were whole.
    pub takes_for_whole: Option<u64>,
    /// What makes the reply a failure although its status is good, once that has been sent.
    pub flaw: Option<Flaw>,
    /// The byte with which the stop reason was sent, after which nothing that fails makes it a failure.
    pub(crate) settled: Option<u64>,
    /// A hash of what may cure a refusal besides the body: method, credentials, version and betas.
    pub(crate) bearing: u64,
    /// A hash of the body without its `metadata`, which changes nothing.
    pub(crate) gist: u64,
    /// A hash of the key and the class of models, once the request has been read as one.
    pub(crate) pool: Option<u64>,
}

impl Entry {
    /// A request of which nothing is known yet.
    pub(crate) fn begun(number: u64, at: Duration) -> Self {
        Self {
            number,
            at,
            method: String::new(),
            path: String::new(),
            headers: Vec::new(),
            body_bytes: 0,
            body: String::new(),
            body_hash: 0,
            status: None,
            request_id: None,
            reply_bytes: 0,
            ending: Ending::Pending,
            ended_at: None,
            connection: 0,
            reused_connection: false,
            carried_key: false,
            retry_count: None,
            retry_after: None,
            hopeless: false,
            takes_for_whole: None,
            flaw: None,
            settled: None,
            bearing: 0,
            gist: 0,
            pool: None,
        }
    }

    /// Whether its reply was an error, whatever its status, or was cut off before the message in it
    /// was whole.
    pub(crate) fn failed(&self) -> bool {
        self.status.is_some_and(|status| status >= 400)
            || self.flaw.is_some()
            || (self.ending == Ending::Cut && self.settled.is_none())
    }

    /// Whether its connection may just have been idle for too long: no client can tell that before it
    /// sends, and sending again over another is right.
    pub(crate) fn was_stale(&self) -> bool {
        self.ending == Ending::Cut && self.status.is_none() && self.reused_connection
    }

    /// What became of it, to follow `request 1 `.
    pub(crate) fn fate(&self) -> String {
        match (self.flaw, self.status) {
            (Some(flaw), Some(status)) => format!("got a {status} {}", flaw.says()),
            (_, Some(status)) if status >= 400 => format!("got a {status}"),
            (_, Some(status)) if self.failed() => format!("got a {status} that broke off"),
            (_, Some(status)) => format!("got a {status}"),
            (_, None) => "got no reply".to_owned(),
        }
    }

    /// The value of the first header with this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What became of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// Not over yet.
    Pending,
    /// Handed to the connection whole.
    Complete,
    /// Cut off, or never begun, because the script says so.
    Cut,
    /// Handed back unread, because the script says so: `GOAWAY` or `REFUSED_STREAM`.
    Returned,
    /// The client went away before it was over.
    Abandoned,
}

impl Ending {
    /// `pending`, `complete`, `cut`, `returned` or `abandoned`, as in JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Complete => "complete",
            Self::Cut => "cut",
            Self::Returned => "returned",
            Self::Abandoned => "abandoned",
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("number", &self.number)
            .field("at", &self.at)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body_bytes)
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("reply_bytes", &self.reply_bytes)
            .field("ending", &self.ending)
            .field("ended_at", &self.ended_at)
            .field("connection", &self.connection)
            .field("retry_count", &self.retry_count)
            .field("retry_after", &self.retry_after)
            .field("flaw", &self.flaw)
            .finish_non_exhaustive()
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("Entry", 20)?;
        entry.serialize_field("number", &self.number)?;
        entry.serialize_field("at_ms", &milliseconds(self.at))?;
        entry.serialize_field("method", &self.method)?;
        entry.serialize_field("path", &self.path)?;
        entry.serialize_field("headers", &Headers(&self.headers))?;
        entry.serialize_field("body_bytes", &self.body_bytes)?;
        entry.serialize_field("body_hash", &format!("{:016x}", self.body_hash))?;
        entry.serialize_field("status", &self.status)?;
        entry.serialize_field("request_id", &self.request_id)?;
        entry.serialize_field("reply_bytes", &self.reply_bytes)?;
        entry.serialize_field("ending", self.ending.label())?;
        entry.serialize_field("ended_at_ms", &self.ended_at.map(milliseconds))?;
        entry.serialize_field("connection", &self.connection)?;
        entry.serialize_field("reused_connection", &self.reused_connection)?;
        entry.serialize_field("carried_key", &self.carried_key)?;
        entry.serialize_field("retry_count", &self.retry_count)?;
        entry.serialize_field("retry_after_ms", &self.retry_after.map(milliseconds))?;
        entry.serialize_field("hopeless", &self.hopeless)?;
        entry.serialize_field("takes_for_whole", &self.takes_for_whole)?;
        entry.serialize_field("flaw", &self.flaw)?;
        entry.end()
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for the first 285 years")]
fn milliseconds(time: Duration) -> f64 {
    // Whole microseconds, which print without a tail of digits.
    time.as_micros() as f64 / 1_000.0
}

/// An object; a name that came more than once has its values joined by `, `.
struct Headers<'a>(&'a [(String, String)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, (name, _)) in self.0.iter().enumerate() {
            if self
                .0
                .iter()
                .take(index)
                .any(|(earlier, _)| earlier == name)
            {
                continue;
            }
            let same = self
                .0
                .iter()
                .filter(|(n, _)| n == name)
                .map(|(_, value)| value.as_str());
            map.serialize_entry(name, &same.collect::<Vec<_>>().join(", "))?;
        }
        map.end()
    }
}
