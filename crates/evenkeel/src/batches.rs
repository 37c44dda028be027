use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use evenkeel_messages::{Batch, CreateBatch, Deleted};
use evenkeel_transport::{Operation, Path};
use http::Method;
use serde::de::DeserializeOwned;

use crate::options::{Options, option_setters, page_setter};
use crate::pipeline::{Call, Plan};
use crate::repeat::Repeat;
use crate::shared::Shared;
use crate::{Answered, BatchPoller, DryRun, Error, Listing, ResultStream, answered};

const PATH: &str = "/v1/messages/batches";

/// The Message Batches API. Made by [`Client::batches`](crate::Client::batches).
///
/// A batch outlives the program that made it: keep its id, and everything here can be taken up again.
///
/// ```no_run
/// # async fn example(client: evenkeel::Client) -> Result<(), evenkeel::Error> {
/// use evenkeel::MessageRequest;
/// use evenkeel::messages::{BatchOutcome, BatchRequest, CreateBatch, FollowUp};
///
/// let request = |text: &str| MessageRequest::new("claude-sonnet-5-5", 1024).user(text);
/// let requests = ["one", "two"].map(|id| BatchRequest::new(id, request(id)));
/// let create = CreateBatch::new(requests.to_vec());
/// let batch = client.batches().create(create.clone()).await?;
///
/// let ended = client.batches().poll(&batch.id).ended().await?;
/// let mut results = client.batches().results_of(&ended);
/// let mut follow_up = FollowUp::new();
/// while let Some(item) = results.next().await {
///     let item = item?;
///     follow_up.note(&item);
///     if let BatchOutcome::Succeeded(message) = &item.outcome {
///         println!("{}: {}", item.custom_id, message.text());
///     }
/// }
/// if let Some(again) = follow_up.of(&create)? {
///     client.batches().create(again).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Batches {
    shared: Arc<Shared>,
    pub(crate) options: Options,
}

impl Batches {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            options: Options::default(),
        }
    }

    option_setters!();
    page_setter!();

    /// Creates a batch. It is sent again only if it was not sent, or refused with 429 or 529: a second
    /// batch would be paid for.
    ///
    /// # Errors
    ///
    /// The last failure. Where its [`delivery`](crate::Error::delivery) is `Unknown` the batch may
    /// exist, whatever ended the call: [`list`](Self::list) shows the newest first. `invalid_config` for what the API would
    /// refuse; see [`CreateBatch::to_body`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once; the batch may have been created.
    pub fn create(
        &self,
        batch: CreateBatch,
    ) -> impl Future<Output = Result<Answered<Batch>, Error>> + Send + use<> {
        let calls = self.clone();
        async move {
            let plan = calls.creation(&batch)?;
            drop(batch);
            calls.carry_out(plan).await
        }
    }

    /// A batch as it is now.
    ///
    /// # Errors
    ///
    /// The last failure; `not_found` where there is no such batch, `invalid_config` for an id that is
    /// none.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once.
    pub fn retrieve(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Answered<Batch>, Error>> + Send + use<> {
        self.of(Method::GET, id, None)
    }

    /// Waits for a batch to end; see [`BatchPoller`]. A [`deadline`](Self::deadline) holds for all of
    /// it, from the first look on; the patience for each look.
    pub fn poll(&self, id: &str) -> BatchPoller {
        BatchPoller::new(self.clone(), id)
    }

    /// The results of a batch that has ended, in the order in which the server has them; see
    /// [`ResultStream`]. Its options hold for all of it.
    pub fn results(&self, id: &str) -> ResultStream {
        ResultStream::new(self.clone(), id, None)
    }

    /// As [`results`](Self::results), and makes sure that there are as many as the batch's
    /// `request_counts` say.
    pub fn results_of(&self, batch: &Batch) -> ResultStream {
        let counts = &batch.request_counts;
        let all = [
            counts.succeeded,
            counts.errored,
            counts.canceled,
            counts.expired,
        ];
        let expected = all.into_iter().try_fold(0_u64, |sum, count| {
            count.map(|count| sum.saturating_add(count))
        });
        ResultStream::new(self.clone(), &batch.id, expected)
    }

    /// Cancels a batch: what has begun is finished, the rest is not begun. It can take a while to
    /// end; its results can be read then. Sent again freely.
    ///
    /// # Errors
    ///
    /// The last failure; `invalid_request` for a batch that has ended.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once; the batch may be cancelled or not.
    pub fn cancel(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Answered<Batch>, Error>> + Send + use<> {
        self.of(Method::POST, id, Some("cancel"))
    }

    /// Deletes a batch that has ended, and its results. Sent again freely: if an earlier attempt's
    /// answer was lost, `not_found` says that it is gone.
    ///
    /// # Errors
    ///
    /// The last failure; `invalid_request` for a batch that has not ended, `not_found` where there is
    /// none.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once; the batch may be deleted or not.
    pub fn delete(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Answered<Deleted>, Error>> + Send + use<> {
        self.of(Method::DELETE, id, None)
    }

    /// Every batch of the workspace, newest first. Limits such as a deadline hold for each page.
    pub fn list(&self) -> Listing<Batch> {
        Listing::at(PATH, &self.shared, &self.options)
    }

    /// What [`create`](Self::create) would send, as a command for a shell. Nothing is. For the other
    /// calls there is [`Raw::dry_run`](crate::Raw::dry_run).
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, batch: &CreateBatch) -> Result<DryRun, Error> {
        Ok(DryRun::of(&self.creation(batch)?, &self.shared)?)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// The call for the results of a batch.
    pub(crate) fn reading(&self, id: &str) -> Result<Box<Call>, Error> {
        let path = path(id, Some("results"))?;
        let plan = self.plan(Operation::new(Method::GET, path), Repeat::Safe)?;
        Ok(self.call(plan))
    }

    fn of<T: DeserializeOwned + Send>(
        &self,
        method: Method,
        id: &str,
        below: Option<&str>,
    ) -> impl Future<Output = Result<Answered<T>, Error>> + Send + use<T> {
        let (calls, path) = (self.clone(), path(id, below));
        async move {
            let operation = Operation::new(method, path?);
            // What these do can be done once only.
            let plan = calls.plan(operation, Repeat::Safe)?;
            calls.carry_out(plan).await
        }
    }

    fn creation(&self, batch: &CreateBatch) -> Result<Plan, Error> {
        let mut operation = Operation::new(Method::POST, PATH);
        operation.body = batch.to_body()?;
        self.plan(operation, Repeat::Unsafe)
    }

    fn plan(&self, mut operation: Operation<'_>, repeat: Repeat) -> Result<Plan, Error> {
        let timers = &self.shared.tuning.timers;
        operation.head_limit = if operation.body == Bytes::new() {
            timers.head
        } else {
            // Reading a quarter of a gigabyte takes the server a while, too.
            timers.plain_head
        };
        Ok(Plan::of(&self.shared, operation, PATH, &self.options)?.repeating(repeat))
    }

    fn call(&self, plan: Plan) -> Box<Call> {
        Call::new(Arc::clone(&self.shared), plan, &self.options)
    }

    async fn carry_out<T: DeserializeOwned>(&self, plan: Plan) -> Result<Answered<T>, Error> {
        let call = self.call(plan);
        call.fetch(answered::json).await.map(Answered::new)
    }
}

fn path(id: &str, below: Option<&str>) -> Result<String, evenkeel_error::Error> {
    let path = Path::new(PATH).segment(id);
    let below = below.into_iter();
    below.fold(path, Path::segment).encode()
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
