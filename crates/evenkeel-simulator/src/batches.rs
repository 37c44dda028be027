//! Message batches, which progress with the clock. Pure: the moment comes in as an argument.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::answer::Answer;
use crate::block::quoted;
use crate::calendar::rfc3339_rounded_up;
use crate::dice::Dice;
use crate::envelope::Envelope;
use crate::ids;
use crate::message::Message;
use crate::request::{Form, MessagesRequest, Version};

/// The API's own limit.
const ITEMS: usize = 100_000;
/// How many batches are kept; the oldest is forgotten first.
const KEPT: usize = 1_000;
const EXPIRY: Duration = Duration::from_secs(86_400);

/// The batches of one simulator, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    all: Vec<Batch>,
    created: u64,
}

/// When something happens: since the start, and by the calendar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Duration,
    pub(crate) wall: SystemTime,
    /// How long an item takes.
    pub(crate) item: Duration,
}

/// Why there is no answer: what the API says, and as what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Invalid(String),
    NotFound(String),
}

#[derive(Debug)]
struct Batch {
    id: String,
    number: u64,
    created: Duration,
    created_wall: SystemTime,
    cancelled: Option<Duration>,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    id: String,
    request: Result<MessagesRequest, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    InProgress,
    Canceling,
    Ended,
}

impl Batches {
    /// Takes a batch on; the answer is its JSON.
    pub(crate) fn create(
        &mut self,
        body: &Value,
        version: Version,
        seed: u64,
        at: Moment,
    ) -> Result<String, Fault> {
        let items = items(body, version).map_err(Fault::Invalid)?;
        self.created += 1;
        // Far from the numbers of requests, so that ids differ.
        let mut dice = Dice::new(seed, u64::MAX - self.created);
        let batch = Batch {
            id: ids::batch_id(&mut dice),
            number: self.created,
            created: at.now,
            created_wall: at.wall,
            cancelled: None,
            items,
        };
        let json = batch.json(at, "");
        if self.all.len() >= KEPT {
            self.all.remove(0);
        }
        self.all.push(batch);
        Ok(json)
    }

    /// Every batch with its id, the newest first.
    pub(crate) fn list(&self, at: Moment, base: &str) -> Vec<(String, String)> {
        let batches = self.all.iter().rev();
        batches
            .map(|batch| (batch.id.clone(), batch.json(at, base)))
            .collect()
    }

    pub(crate) fn show(&self, id: &str, at: Moment, base: &str) -> Result<String, Fault> {
        self.find(id).map(|batch| batch.json(at, base))
    }

    pub(crate) fn cancel(&mut self, id: &str, at: Moment, base: &str) -> Result<String, Fault> {
        let missing = not_found(id);
        let batch = self
            .all
            .iter_mut()
            .find(|batch| batch.id == id)
            .ok_or(missing)?;
        if batch.status(at) == Status::InProgress {
            batch.cancelled = Some(at.now);
        }
        Ok(batch.json(at, base))
    }

    pub(crate) fn delete(&mut self, id: &str, at: Moment) -> Result<String, Fault> {
        if self.find(id)?.status(at) != Status::Ended {
            return Err(Fault::Invalid(format!(
                "Batch {id} cannot be deleted because it is still processing. Cancel it first."
            )));
        }
        self.all.retain(|batch| batch.id != id);
        Ok(format!(
            r#"{{"id":{},"type":"message_batch_deleted"}}"#,
            quoted(id)
        ))
    }

    /// The results, a line each.
    pub(crate) fn results(
        &self,
        id: &str,
        answer: &Answer,
        seed: u64,
        at: Moment,
    ) -> Result<String, Fault> {
        let batch = self.find(id)?;
        if batch.status(at) != Status::Ended {
            return Err(Fault::NotFound(format!(
                "Batch {id} has no results yet: it is still processing."
            )));
        }
        Ok(batch.results(answer, seed, at))
    }

    fn find(&self, id: &str) -> Result<&Batch, Fault> {
        let found = self.all.iter().find(|batch| batch.id == id);
        found.ok_or_else(|| not_found(id))
    }
}

impl Batch {
    /// How many items were done when it ended, or are done now.
    fn done(&self, at: Moment) -> usize {
        let until = self
            .cancelled
            .map_or(at.now, |cancelled| cancelled.min(at.now));
        let passed = until.saturating_sub(self.created).as_nanos();
        let done = passed.checked_div(at.item.as_nanos());
        done.and_then(|done| usize::try_from(done).ok())
            .map_or(self.items.len(), |done| done.min(self.items.len()))
    }

    fn status(&self, at: Moment) -> Status {
        match self.cancelled {
            _ if self.done(at) == self.items.len() => Status::Ended,
            None => Status::InProgress,
            // What is under way when it is cancelled is brought to its end.
            Some(cancelled) if at.now < cancelled.saturating_add(at.item) => Status::Canceling,
            Some(_) => Status::Ended,
        }
    }

    fn json(&self, at: Moment, base: &str) -> String {
        let (status, done) = (self.status(at), self.done(at));
        let failed = |items: &[Item]| items.iter().filter(|item| item.request.is_err()).count();
        let errored = failed(self.items.get(..done).unwrap_or_default());
        let (status, processing, canceled) = match status {
            Status::InProgress => ("in_progress", self.items.len() - done, 0),
            Status::Canceling => ("canceling", self.items.len() - done, 0),
            Status::Ended => ("ended", 0, self.items.len() - done),
        };
        let date = |after: Duration| quoted(&rfc3339_rounded_up(self.created_wall, after));
        let null = || "null".to_owned();
        let count = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        let took = match self.cancelled {
            Some(moment) => (moment + at.item).saturating_sub(self.created),
            None => at.item.saturating_mul(count),
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
            r#"{{"id":{},"type":"message_batch","processing_status":"{status}","request_counts":{{"processing":{processing},"succeeded":{},"errored":{errored},"canceled":{canceled},"expired":0}},"ended_at":{ended},"created_at":{},"expires_at":{},"archived_at":null,"cancel_initiated_at":{},"results_url":{results}}}"#,
            quoted(&self.id),
            done - errored,
            date(Duration::ZERO),
            date(EXPIRY),
            cancel_date.unwrap_or_else(null)
        )
    }

    fn results(&self, answer: &Answer, seed: u64, at: Moment) -> String {
        let done = self.done(at);
        let mut lines = String::new();
        for (place, item) in self.items.iter().enumerate() {
            let mut dice = Dice::new(seed ^ self.number.rotate_left(32), place as u64 + 1);
            let result = match &item.request {
                _ if place >= done => r#"{"type":"canceled"}"#.to_owned(),
                Ok(request) => {
                    let message = Message::compose(answer, request, &mut dice).json();
                    format!(r#"{{"type":"succeeded","message":{message}}}"#)
                }
                Err(fault) => {
                    let id = ids::request_id(&mut dice);
                    let envelope = Envelope::new("invalid_request_error", fault, None);
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

fn not_found(id: &str) -> Fault {
    Fault::NotFound(format!("Batch {id} not found"))
}

fn items(body: &Value, version: Version) -> Result<Vec<Item>, String> {
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
        });
    }
    Ok(items)
}

/// Parameters are looked at only when the batch runs.
fn item(params: &Value, version: Version) -> Result<MessagesRequest, String> {
    let request = MessagesRequest::of(params, version)?;
    match (request.form, request.max_tokens) {
        (Form::Stream, _) => Err("stream: Streaming is not supported in batches".into()),
        (Form::Plain, 0) => Err("max_tokens: 0 is not supported in batches".into()),
        (Form::Plain, _) => Ok(request),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u32) -> Moment {
        Moment {
            now: SECOND * seconds,
            wall: SystemTime::UNIX_EPOCH,
            item: SECOND,
        }
    }

    fn body(count: usize) -> Value {
        let params =
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
        let items =
            (0..count).map(|n| json!({"custom_id": format!("c{n}"), "params": params.clone()}));
        json!({"requests": items.collect::<Vec<_>>()})
    }

    fn parsed(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn items_are_done_one_after_the_other_as_time_passes() {
        let mut batches = Batches::default();
        let mut body = body(3);
        body["requests"][1]["params"]["max_tokens"] = json!("many");
        let batch = parsed(&batches.create(&body, Version::Second, 0, at(0)).unwrap());
        let id = batch["id"].as_str().unwrap();
        assert_eq!(batch["processing_status"], "in_progress");
        let later = parsed(&batches.show(id, at(2), "").unwrap());
        assert_eq!(
            later["request_counts"],
            json!({"processing": 1, "succeeded": 1, "errored": 1, "canceled": 0, "expired": 0})
        );
        assert!(matches!(
            batches.results(id, &Answer::new().text("a"), 0, at(2)),
            Err(Fault::NotFound(_))
        ));
        let ended = parsed(&batches.show(id, at(3), "http://h").unwrap());
        assert_eq!(
            (&ended["processing_status"], &ended["ended_at"]),
            (&json!("ended"), &json!("1970-01-01T00:00:03Z"))
        );
        assert_eq!(
            ended["results_url"],
            format!("http://h/v1/messages/batches/{id}/results")
        );
        let results = batches
            .results(id, &Answer::new().text("a"), 0, at(3))
            .unwrap();
        let kinds: Vec<_> = results
            .lines()
            .map(|line| parsed(line)["result"]["type"].clone())
            .collect();
        assert_eq!(kinds, ["succeeded", "errored", "succeeded"]);
        assert_eq!(
            results,
            batches
                .results(id, &Answer::new().text("a"), 0, at(9))
                .unwrap()
        );
    }

    #[test]
    fn a_cancelled_batch_keeps_what_was_done() {
        let mut batches = Batches::default();
        let batch = parsed(&batches.create(&body(5), Version::Second, 0, at(0)).unwrap());
        let id = batch["id"].as_str().unwrap().to_owned();
        let cancelled = parsed(&batches.cancel(&id, at(2), "").unwrap());
        assert_eq!(cancelled["processing_status"], "canceling");
        assert!(matches!(batches.delete(&id, at(2)), Err(Fault::Invalid(_))));
        let ended = parsed(&batches.show(&id, at(3), "").unwrap());
        assert_eq!(
            (
                &ended["request_counts"]["succeeded"],
                &ended["request_counts"]["canceled"]
            ),
            (&json!(2), &json!(3))
        );
        assert!(
            batches
                .delete(&id, at(3))
                .unwrap()
                .contains("message_batch_deleted")
        );
        assert!(matches!(
            batches.show(&id, at(3), ""),
            Err(Fault::NotFound(_))
        ));
    }

    #[test]
    fn what_is_wrong_with_a_batch_is_said_at_once_and_with_its_items_later() {
        let mut batches = Batches::default();
        for (body, message) in [
            (json!({}), "requests: Field required"),
            (json!({"requests": []}), "requests: List should have"),
            (
                json!({"requests": [{"params": {}}]}),
                "requests.0.custom_id: Field required",
            ),
            (
                json!({"requests": [{"custom_id": "a b", "params": {}}]}),
                "requests.0.custom_id: String should match",
            ),
            (
                json!({"requests": [{"custom_id": "a", "params": {}}, {"custom_id": "a", "params": {}}]}),
                "must be unique",
            ),
            (
                json!({"requests": [{"custom_id": "a"}]}),
                "requests.0.params: Field required",
            ),
        ] {
            let Err(Fault::Invalid(said)) = batches.create(&body, Version::Second, 0, at(0)) else {
                panic!("{body}")
            };
            assert!(said.contains(message), "{said}");
        }
    }
}
