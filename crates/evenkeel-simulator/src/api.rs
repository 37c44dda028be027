//! The API itself: which reply a request gets, in the order in which the real one decides.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

use crate::clock::Clock;
use crate::content::over_the_limit;
use crate::dice::Dice;
use crate::ids;
use crate::journal::Journal;
use crate::limits::{Gate, RateLimits};
use crate::plan::{Circumstances, Plan};
use crate::reply::Reply;
use crate::request::{MessagesRequest, check_version};
use crate::scenario::{KeyRule, Scenario};

/// The API refuses request bodies larger than this.
pub(crate) const LARGEST_BODY: u64 = 32 * 1_024 * 1_024;

/// Everything that the connections of one simulator share.
#[derive(Debug)]
pub(crate) struct Api {
    seed: u64,
    organization: String,
    clock: Clock,
    scenario: Scenario,
    next: AtomicUsize,
    gate: Mutex<Gate>,
    pub(crate) journal: Arc<Journal>,
}

/// A request body as it arrived: at most the first [`LARGEST_BODY`] bytes of it are here.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) bytes: Vec<u8>,
    pub(crate) total: u64,
}

impl Api {
    pub(crate) fn new(
        seed: u64,
        clock: Clock,
        scenario: Scenario,
        limits: RateLimits,
        journal: Journal,
    ) -> Self {
        Self {
            seed,
            organization: ids::uuid(&mut Dice::new(seed, 0)),
            clock,
            scenario,
            next: AtomicUsize::new(0),
            gate: Mutex::new(Gate::new(limits)),
            journal: Arc::new(journal),
        }
    }

    /// Decides on the reply to request `number`.
    pub(crate) fn decide(&self, head: &Parts, upload: &Upload, number: u64) -> Plan {
        let read = self.check(head, upload).and_then(|()| {
            MessagesRequest::parse(&upload.bytes).or_else(|message| refuse(invalid(400, message)))
        });
        match read {
            Ok(request) => self.messages(&request, key_hash(&head.headers), number),
            Err(refusal) => Plan::new(&refusal, &self.circumstances(number, None), |_| Vec::new()),
        }
    }

    /// What is wrong with a request before its body is read as one.
    fn check(&self, head: &Parts, upload: &Upload) -> Result<(), Box<Reply>> {
        if head.uri.path() != "/v1/messages" {
            return refuse(Reply::error(404, "not_found_error", "Not found"));
        }
        if head.method != Method::POST {
            return refuse(invalid(405, "Method Not Allowed").header("allow", "POST"));
        }
        if upload.total > LARGEST_BODY {
            let message = "Request exceeds the maximum size";
            return refuse(Reply::error(413, "request_too_large", message));
        }
        let given = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let has_key = credential(&head.headers).is_some();
        if self.scenario.key == KeyRule::Required && !has_key {
            let message = "x-api-key header is required";
            return refuse(Reply::error(401, "authentication_error", message));
        }
        check_version(given("anthropic-version"))
            .or_else(|message| refuse(invalid(400, message)))?;
        match given("content-encoding") {
            None | Some("identity") => Ok(()),
            Some(other) => {
                let message = format!("content-encoding: \"{other}\" is not supported");
                refuse(invalid(400, message).error_code("request_body_encoding_unsupported"))
            }
        }
    }

    /// A well-formed request: the limits first, then the script.
    fn messages(&self, request: &MessagesRequest, key: u64, number: u64) -> Plan {
        let now = self.clock.now();
        let given = self.circumstances(number, Some(request));
        let wall = given.wall;
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(refusal) = gate.admit(key, request.input_tokens, now) {
            let message = over_the_limit(&refusal.limit, &given);
            let mut reply = Reply::error(429, "rate_limit_error", message);
            reply.retry_after = refusal.retry_after;
            return Plan::new(&reply, &given, |_| gate.headers(key, now, wall));
        }
        let reply = self
            .scenario
            .reply(self.next.fetch_add(1, Ordering::Relaxed));
        Plan::new(reply, &given, |output_tokens| {
            gate.spend_output(key, output_tokens, now);
            gate.headers(key, now, wall)
        })
    }

    fn circumstances<'a>(
        &'a self,
        number: u64,
        request: Option<&'a MessagesRequest>,
    ) -> Circumstances<'a> {
        let organization = &self.organization;
        Circumstances {
            seed: self.seed,
            number,
            wall: self.clock.wall(),
            organization,
            request,
        }
    }
}

fn refuse<T>(reply: Reply) -> Result<T, Box<Reply>> {
    Err(Box::new(reply))
}

fn invalid(status: u16, message: impl Into<String>) -> Reply {
    Reply::error(status, "invalid_request_error", message)
}

fn credential(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers
        .get("x-api-key")
        .or_else(|| headers.get("authorization"))?;
    Some(value.as_bytes()).filter(|value| !value.is_empty())
}

/// Tells keys apart without keeping any.
fn key_hash(headers: &HeaderMap) -> u64 {
    let mut hasher = DefaultHasher::new();
    credential(headers).hash(&mut hasher);
    hasher.finish()
}
