use bytes::Bytes;
use evenkeel_error::Error;

use crate::MessageRequest;

object! {
    /// A batch: what `/v1/messages/batches` says of it.
    Batch "message_batch" {
        /// `msgbatch_…`.
        id: String,
        /// How far it is.
        processing_status: BatchStatus,
        /// Its requests, by what became of them.
        request_counts: BatchCounts,
    } {
        /// When it was created, RFC 3339.
        created_at: String,
        /// When what is not done yet expires: 24 hours after it was created, RFC 3339.
        expires_at: String,
        /// When it ended, RFC 3339.
        ended_at: String,
        /// When cancelling began, RFC 3339.
        cancel_initiated_at: String,
        /// When its results were deleted, RFC 3339.
        archived_at: String,
        /// Where the results are, once it has ended.
        results_url: String,
    } [] ()
}

word! {
    /// How far a batch is.
    BatchStatus {
        /// Requests are being processed.
        InProgress = "in_progress",
        /// What has begun is being finished.
        Canceling = "canceling",
        /// The results are there.
        Ended = "ended",
    }
}

object! {
    /// The requests of a batch, by what became of them.
    BatchCounts {} {} [
        /// Not done yet.
        processing: u64,
        /// Answered.
        succeeded: u64,
        /// Failed.
        errored: u64,
        /// Cancelled.
        canceled: u64,
        /// Not done within 24 hours.
        expired: u64,
    ] ()
}

object! {
    /// What creates a batch: at most 100,000 requests, 256 MB.
    CreateBatch {
        /// The requests.
        requests: Vec<BatchRequest>,
    } {} [] ()
}

object! {
    /// One request of a batch.
    BatchRequest {
        /// What its result names: 1 to 64 of `a–z A–Z 0–9 _ -`, once in the batch.
        custom_id: String,
        /// The request; it may not ask for a stream.
        params: MessageRequest,
    } {} [] ()
}

impl CreateBatch {
    /// The body to send.
    ///
    /// # Errors
    /// `invalid_config`, if a request was given a value without a JSON form.
    pub fn to_body(&self) -> Result<Bytes, Error> {
        match serde_json::to_vec(self) {
            Ok(body) => Ok(body.into()),
            Err(error) => Err(Error::invalid_config(
                "batch",
                &format!("is invalid: {error}"),
            )),
        }
    }
}
