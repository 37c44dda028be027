use std::collections::{HashMap, HashSet};

use evenkeel_error::Error;

use super::{BatchItem, BatchRequest, CreateBatch};
use crate::MessageRequest;

/// Which requests of a batch belong in another one: those that expired, and those that failed in a
/// way that another try may mend. Never one that was answered, refused as invalid, or cancelled, so
/// nothing is paid for twice.
///
/// Show it every item, then ask it for the next batch. How often that is worth while is the
/// caller's to say: a request that fails for ever fails in every batch.
///
/// ```
/// use evenkeel_messages::{BatchRequest, CreateBatch, FollowUp, MessageRequest};
/// # use evenkeel_error::{Error, Facts};
/// # fn items() -> Vec<evenkeel_messages::BatchItem> { Vec::new() }
///
/// let request = MessageRequest::new("claude-sonnet-5-5", 1024).user("Hello");
/// let original = CreateBatch::new(vec![BatchRequest::new("a", request)]);
/// let mut follow_up = FollowUp::new();
/// for item in items() {
///     follow_up.note(&item);
/// }
/// if let Some(next) = follow_up.of(&original)? {
///     println!("{} requests again", next.requests.len());
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FollowUp {
    ids: Vec<String>,
    known: HashSet<String>,
}

impl FollowUp {
    /// Of a batch of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an item in. One that was taken in before, as where results are read anew after a cut, is the
    /// same item.
    pub fn note(&mut self, item: &BatchItem) {
        if item.is_repeatable() && self.known.insert(item.custom_id.clone()) {
            self.ids.push(item.custom_id.clone());
        }
    }

    /// The ids of the requests that belong in another batch, in the order of the results.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The next batch, of requests of the original one; `None` where nothing is left to do.
    ///
    /// # Errors
    /// `invalid_config`, if the results name a request that the original does not have.
    pub fn of(&self, original: &CreateBatch) -> Result<Option<CreateBatch>, Error> {
        let requests = original.requests.iter();
        let params: HashMap<&str, &MessageRequest> = requests
            .map(|request| (request.custom_id.as_str(), &request.params))
            .collect();
        self.with(|id| params.get(id).copied().cloned())
    }

    /// The next batch, of the requests that `request` gives for the ids; `None` where nothing is
    /// left to do. For callers who did not keep the original, or who change what they ask.
    ///
    /// # Errors
    /// `invalid_config`, if it gives none for one of them.
    pub fn with(
        &self,
        mut request: impl FnMut(&str) -> Option<MessageRequest>,
    ) -> Result<Option<CreateBatch>, Error> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let requests = self.ids.iter().map(|id| {
            let params = request(id)?;
            Some(BatchRequest::new(id.as_str(), params))
        });
        match requests.collect::<Option<Vec<_>>>() {
            Some(requests) => Ok(Some(CreateBatch::new(requests))),
            None => Err(Error::invalid_config(
                "follow_up",
                "must be given the request of every id that the results name",
            )),
        }
    }
}
