use std::collections::HashSet;

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

/// The most requests of one batch (the API's documentation, batch processing page).
const MOST_REQUESTS: usize = 100_000;

/// The longest body of a batch (the same page, which says "256 MB" and not which: as the larger of the
/// two, so that nothing is refused here that the API would take).
const LARGEST_BODY: usize = 256 * 1024 * 1024;

/// The longest id of a request (the same page).
const LONGEST_ID: usize = 64;

impl CreateBatch {
    /// The body to send.
    ///
    /// What the API would refuse is refused here, before 256 MB have travelled: no request at all
    /// or more than 100,000, an id of a request that is none or that is there twice, a body that is
    /// too large. What is wrong with the requests themselves the API says when it comes to them.
    ///
    /// # Errors
    /// `invalid_config`, naming the request by its place; or if a request was given a value without
    /// a JSON form.
    pub fn to_body(&self) -> Result<Bytes, Error> {
        self.check()?;
        let body = serde_json::to_vec(self)
            .map_err(|error| Error::invalid_config("batch", &format!("is invalid: {error}")))?;
        check_size(body.len())?;
        Ok(body.into())
    }

    fn check(&self) -> Result<(), Error> {
        if self.requests.is_empty() || self.requests.len() > MOST_REQUESTS {
            return Err(Error::invalid_config(
                "requests",
                "must be 1 to 100,000: make two batches of more",
            ));
        }
        let mut known = HashSet::with_capacity(self.requests.len());
        for (place, request) in self.requests.iter().enumerate() {
            let id = request.custom_id.as_str();
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            let rule = if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(fits) {
                "must be 1 to 64 of a-z A-Z 0-9 _ -"
            } else if !known.insert(id) {
                "must be there once: it tells the results apart"
            } else {
                continue;
            };
            return Err(Error::invalid_config(
                &format!("requests.{place}.custom_id"),
                rule,
            ));
        }
        Ok(())
    }
}

fn check_size(bytes: usize) -> Result<(), Error> {
    if bytes > LARGEST_BODY {
        return Err(Error::invalid_config(
            "batch",
            "must be no larger than 256 MB: make two of it",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_as_large_as_the_api_says_and_not_larger() {
        assert!(check_size(268_435_456).is_ok());
        let error = check_size(268_435_457).unwrap_err();
        assert_eq!(
            error.message(),
            Some("batch must be no larger than 256 MB: make two of it")
        );
        let request =
            |number: usize| BatchRequest::new(format!("r{number}"), MessageRequest::new("m", 1));
        let mut batch = CreateBatch::new((0..100_000).map(request).collect::<Vec<_>>());
        assert!(batch.check().is_ok());
        batch.requests.push(request(100_000));
        let error = batch.check().unwrap_err();
        assert_eq!(
            error.message(),
            Some("requests must be 1 to 100,000: make two batches of more")
        );
    }
}
