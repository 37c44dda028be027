use bytes::Bytes;
use evenkeel_error::{Error, Facts, Recovery};
use serde_json::value::RawValue;

use super::JsonLines;
use crate::extra::Fields;
use crate::{Extra, Message, RawJson, sse};

/// The results of a batch: chunks of the body in, one item a request out, in any order.
///
/// A line that cannot be read is an error for itself; the lines behind it are read.
#[derive(Debug)]
pub struct BatchResults {
    lines: JsonLines,
    facts: Facts,
    /// For the items, whose requests were others.
    of_items: Facts,
}

/// What became of one request of a batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchItem {
    /// The id that the request was given.
    pub custom_id: String,
    /// What became of it.
    pub outcome: BatchOutcome,
    /// Fields that are not modelled, byte for byte.
    pub extra: Extra,
}

/// What became of one request of a batch.
#[derive(Debug)]
#[non_exhaustive]
pub enum BatchOutcome {
    /// It was answered.
    Succeeded(Box<Message>),
    /// It failed; or what came as its answer is no complete message, which is `protocol` and not
    /// retryable: that answer was paid for.
    Errored(Error),
    /// The batch was cancelled before it began.
    Canceled,
    /// It was not done within 24 hours.
    Expired,
    /// Of a type that this version does not know; byte for byte.
    Unknown(RawJson),
}

impl BatchResults {
    /// A reader of the body of the response whose head is `facts`; its own errors carry them. The
    /// error of an item has that item's request id.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self {
            lines: JsonLines::new(),
            of_items: facts.for_item(),
            facts,
        }
    }

    /// The most bytes that one result may have. Default
    /// [`DEFAULT_LINE_LIMIT`](crate::DEFAULT_LINE_LIMIT).
    #[must_use]
    pub fn line_limit(mut self, bytes: usize) -> Self {
        self.lines = self.lines.line_limit(bytes);
        self
    }

    /// Takes the next chunk of the body, of any size and split anywhere.
    pub fn feed(&mut self, chunk: Bytes) {
        self.lines.feed(chunk);
    }

    /// The body has ended: what no line end follows is an item, too.
    pub fn finish(&mut self) {
        self.lines.finish();
    }

    /// The next item, if the bytes so far hold one.
    ///
    /// # Errors
    /// `protocol`, for a line that is too large, not UTF-8, or no result; the next call goes on
    /// behind it. The error's report shows the first 256 bytes of the line, scrubbed.
    pub fn next_item(&mut self) -> Option<Result<BatchItem, Error>> {
        self.next_item_if(|_| true)
    }

    /// The next item whose id is `wanted`; the others are passed over without reading them. For
    /// whoever reads the same results again after a cut.
    ///
    /// # Errors
    /// As [`next_item`](Self::next_item). A line that is whole as JSON and has an id that is not
    /// wanted is no error, whatever else it holds.
    pub fn next_item_if(
        &mut self,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Option<Result<BatchItem, Error>> {
        loop {
            let facts = &self.facts;
            let line = match self.lines.next_line()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error.with_facts(facts.clone()))),
            };
            let item = match std::str::from_utf8(line.bytes) {
                Ok(text) => item(text, &self.of_items, &mut wanted),
                Err(_) => Err("is not UTF-8"),
            };
            return Some(match item {
                Ok(Some(item)) => Ok(item),
                Ok(None) => continue,
                Err(what) => Err(Error::protocol(format!(
                    "the line at byte {} {what}",
                    line.offset
                ))
                .with_facts(facts.clone())
                .with_body(sse::sample_of(line.bytes))),
            });
        }
    }
}

impl BatchItem {
    /// Whether the request may be tried in another batch: it expired, or failed in a way that
    /// another try may mend. Not if it was answered, refused as invalid, or cancelled.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match &self.outcome {
            BatchOutcome::Expired => true,
            BatchOutcome::Errored(error) => error.is_retryable(),
            BatchOutcome::Succeeded(_) | BatchOutcome::Canceled | BatchOutcome::Unknown(_) => false,
        }
    }
}

/// `None` for one that is not wanted; the error says what the line is instead.
fn item(
    text: &str,
    facts: &Facts,
    wanted: &mut impl FnMut(&str) -> bool,
) -> Result<Option<BatchItem>, &'static str> {
    const NONE: &str = "is no result";
    let mut fields = Fields::split(text).ok().ok_or(NONE)?;
    let custom_id: String = fields.take("custom_id").ok_or(NONE)?;
    if !wanted(&custom_id) {
        return Ok(None);
    }
    let raw = fields.raw("result").ok_or(NONE)?;
    let outcome = outcome(raw, facts).ok_or(NONE)?;
    fields.remove("result");
    Ok(Some(BatchItem {
        custom_id,
        outcome,
        extra: fields.into_extra(),
    }))
}

fn outcome(raw: &RawValue, facts: &Facts) -> Option<BatchOutcome> {
    let mut fields = Fields::split(raw.get()).ok()?;
    let kind: String = fields.take("type").unwrap_or_default();
    Some(match kind.as_str() {
        "succeeded" => match Message::from_json(fields.raw("message")?.get().as_bytes(), facts) {
            Ok(message) => BatchOutcome::Succeeded(Box::new(message)),
            // The same result would say the same again, and the same request be paid for again.
            Err(error) => BatchOutcome::Errored(error.with_recovery(Recovery::Never)),
        },
        "errored" => {
            let envelope = fields.raw("error")?.get();
            BatchOutcome::Errored(Error::from_event(facts, envelope.as_bytes()))
        }
        "canceled" => BatchOutcome::Canceled,
        "expired" => BatchOutcome::Expired,
        _ => BatchOutcome::Unknown(RawJson::copy(raw)),
    })
}
