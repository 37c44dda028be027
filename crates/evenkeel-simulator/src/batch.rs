//! One message batch, whose items are done one after the other as time passes. Pure: the moment comes
//! in as an argument.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::answer::Answer;
use crate::batches::Moment;
use crate::block::quoted;
use crate::calendar::rfc3339_rounded_up;
use crate::dialect::Version;
use crate::dice::Dice;
use crate::envelope::Envelope;
use crate::ids;
use crate::message::Message;
use crate::model;
use crate::request::{Form, MessagesRequest};
use crate::scenario::BatchResult;
use crate::usage::{Input, Tier};

/// The API's own limit.
const ITEMS: usize = 100_000;
/// What is not done by then never is.
const EXPIRY: Duration = Duration::from_secs(86_400);

#[derive(Debug)]
pub(crate) struct Batch {
    id: String,
    number: u64,
    created: Duration,
    created_wall: SystemTime,
    cancelled: Option<Duration>,
    items: Vec<Item>,
}

#[derive(Debug)]
pub(crate) struct Item {
    id: String,
    request: Result<MessagesRequest, Unfit>,
    fate: Fate,
}

/// What the script has in store for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fair,
    Expires,
}

/// Why an item fails when its batch runs.
#[derive(Debug)]
struct Unfit {
    error_type: Cow<'static, str>,
    message: String,
}

impl From<String> for Unfit {
    fn from(message: String) -> Self {
        Self {
            error_type: "invalid_request_error".into(),
            message,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    InProgress,
    Canceling,
    Ended,
}

impl Item {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Meets this when its turn comes, unless it is wrong in itself.
    pub(crate) fn meet(&mut self, result: &BatchResult) {
        match result {
            BatchResult::Expired => self.fate = Fate::Expires,
            BatchResult::Errored(error_type) if self.request.is_ok() => {
                self.request = Err(Unfit {
                    error_type: error_type.clone().into(),
                    message: "The script says so.".to_owned(),
                });
            }
            BatchResult::Errored(_) => {}
        }
    }
}

impl Batch {
    pub(crate) fn new(id: String, number: u64, items: Vec<Item>, at: Moment) -> Self {
        Self {
            id,
            number,
            created: at.now,
            created_wall: at.wall,
            cancelled: None,
            items,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Does no more than what is under way.
    pub(crate) fn cancel(&mut self, at: Moment) {
        if self.status(at) == Status::InProgress {
            self.cancelled = Some(at.now);
        }
    }

    /// How many items are not done.
    pub(crate) fn waiting(&self, at: Moment) -> usize {
        match self.status(at) {
            Status::Ended => 0,
            Status::InProgress | Status::Canceling => self.items.len() - self.done(at),
        }
    }

    /// How many items were done when it ended, or are done now.
    fn done(&self, at: Moment) -> usize {
        let expires = self.created.saturating_add(EXPIRY);
        let until = self.cancelled.unwrap_or(expires).min(expires).min(at.now);
        let passed = until.saturating_sub(self.created).as_nanos();
        let done = passed.checked_div(at.item.as_nanos());
        done.and_then(|done| usize::try_from(done).ok())
            .map_or(self.items.len(), |done| done.min(self.items.len()))
    }

    pub(crate) fn status(&self, at: Moment) -> Status {
        match self.cancelled {
            _ if self.done(at) == self.items.len() => Status::Ended,
            _ if at.now >= self.created.saturating_add(EXPIRY) => Status::Ended,
            None => Status::InProgress,
            // What is under way when it is cancelled is brought to its end.
            Some(cancelled) if at.now < cancelled.saturating_add(at.item) => Status::Canceling,
            Some(_) => Status::Ended,
        }
    }

    pub(crate) fn json(&self, at: Moment, base: &str) -> String {
        let (status, done) = (self.status(at), self.done(at));
        let finished = self.items.get(..done).unwrap_or_default();
        let late = |item: &&Item| item.fate == Fate::Expires;
        let overdue = finished.iter().filter(late).count();
        let failed = |item: &&Item| !late(item) && item.request.is_err();
        let errored = finished.iter().filter(failed).count();
        let left = self.items.len() - done;
        let (status, processing, canceled, expired) = match (status, self.cancelled) {
            (Status::InProgress, _) => ("in_progress", left, 0, 0),
            (Status::Canceling, _) => ("canceling", left, 0, 0),
            (Status::Ended, Some(_)) => ("ended", 0, left, 0),
            (Status::Ended, None) => ("ended", 0, 0, left),
        };
        let date = |after: Duration| quoted(&rfc3339_rounded_up(self.created_wall, after));
        let null = || "null".to_owned();
        let count = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        let took = match self.cancelled {
            Some(moment) => moment.saturating_add(at.item).saturating_sub(self.created),
            None => at.item.saturating_mul(count).min(EXPIRY),
        };
        let (ended, results) = if status == "ended" {
            let url = format!("{base}/v1/messages/batches/{}/results", self.id);
            (date(took), quoted(&url))
        } else {
            (null(), null())
        };
        let cancel_date = self
            .cancelled
            .map(|at| date(at.saturating_sub(self.created)));
        format!(
            r#"{{"id":{},"type":"message_batch","processing_status":"{status}","request_counts":{{"processing":{processing},"succeeded":{},"errored":{errored},"canceled":{canceled},"expired":{}}},"ended_at":{ended},"created_at":{},"expires_at":{},"archived_at":null,"cancel_initiated_at":{},"results_url":{results}}}"#,
            quoted(&self.id),
            done - errored - overdue,
            expired + overdue,
            date(Duration::ZERO),
            date(EXPIRY),
            cancel_date.unwrap_or_else(null)
        )
    }

    pub(crate) fn results(&self, answer: &Answer, seed: u64, at: Moment) -> String {
        let done = self.done(at);
        let mut lines = String::new();
        for (place, item) in self.items.iter().enumerate() {
            let mut dice = Dice::new(seed ^ self.number.rotate_left(32), place as u64 + 1);
            let result = match &item.request {
                _ if place >= done && self.cancelled.is_none() => {
                    r#"{"type":"expired"}"#.to_owned()
                }
                _ if place >= done => r#"{"type":"canceled"}"#.to_owned(),
                _ if item.fate == Fate::Expires => r#"{"type":"expired"}"#.to_owned(),
                Ok(request) => {
                    let message = Message::compose(
                        answer,
                        request,
                        Input::fresh(request.input_tokens),
                        &mut dice,
                    )
                    .json(Tier::Batch);
                    format!(r#"{{"type":"succeeded","message":{message}}}"#)
                }
                Err(unfit) => {
                    let id = ids::request_id(&mut dice);
                    let envelope = Envelope::new(&unfit.error_type, &unfit.message, None);
                    let error = envelope.request_id(&id).json();
                    format!(r#"{{"type":"errored","error":{error}}}"#)
                }
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                lines,
                r#"{{"custom_id":{},"result":{result}}}"#,
                quoted(&item.id)
            );
        }
        lines
    }
}

/// Reads the items of a batch; the error is the API's message.
pub(crate) fn items(body: &Value, version: Version) -> Result<Vec<Item>, String> {
    let requests = body.get("requests").ok_or("requests: Field required")?;
    let requests = requests
        .as_array()
        .ok_or("requests: Input should be a valid array")?;
    if requests.is_empty() || requests.len() > ITEMS {
        return Err(format!(
            "requests: List should have from 1 to {ITEMS} items"
        ));
    }
    let mut known = std::collections::HashSet::new();
    let mut items = Vec::with_capacity(requests.len());
    for (place, request) in requests.iter().enumerate() {
        let at = format!("requests.{place}");
        let id = request.get("custom_id").and_then(Value::as_str);
        let id = id.ok_or_else(|| format!("{at}.custom_id: Field required"))?;
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        if id.is_empty() || id.len() > 64 || !id.chars().all(fits) {
            return Err(format!(
                "{at}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            ));
        }
        if !known.insert(id) {
            return Err(format!("{at}.custom_id: custom_id must be unique: {id}"));
        }
        let params = request.get("params").filter(|params| params.is_object());
        let params = params.ok_or_else(|| format!("{at}.params: Field required"))?;
        items.push(Item {
            id: id.to_owned(),
            request: item(params, version),
            fate: Fate::Fair,
        });
    }
    Ok(items)
}

/// Parameters are looked at only when the batch runs.
fn item(params: &Value, version: Version) -> Result<MessagesRequest, Unfit> {
    for name in ["speed", "thread", "fallbacks"] {
        if params.get(name).is_some_and(|value| !value.is_null()) {
            return Err(format!("{name}: not supported in batches").into());
        }
    }
    let request = MessagesRequest::of(params, version)?;
    if model::is_retired(&request.model) {
        return Err(Unfit {
            error_type: "not_found_error".into(),
            message: format!("model: {}", request.model),
        });
    }
    match (request.form, request.max_tokens) {
        (Form::Stream, _) => Err("stream: Streaming is not supported in batches"
            .to_owned()
            .into()),
        (Form::Plain, 0) => Err("max_tokens: 0 is not supported in batches"
            .to_owned()
            .into()),
        (Form::Plain, _) => Ok(request),
    }
}
