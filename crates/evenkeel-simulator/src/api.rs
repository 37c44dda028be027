//! The API itself: which reply a request gets, in the order in which the real one decides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hyper::http::request::Parts;

use crate::clock::{self, Clock};
use crate::dialect::{Version, check_version};
use crate::dice::Dice;
use crate::gate::Refusal;
use crate::hours::Hours;
use crate::ids;
use crate::journal::Journal;
use crate::limits::RateLimits;
use crate::model;
use crate::plan::{Circumstances, Outcome, Pace, Plan};
use crate::reply::Reply;
use crate::request::MessagesRequest;
use crate::route::{Astray, Route};
use crate::scenario::{KeyRule, Scenario};
use crate::shortage::over_the_limit;
use crate::stage::Stage;
use crate::trap::Trap;
use crate::turn::Turn;
use crate::usage::Input;

mod endpoints;
mod keys;
mod messages;

pub(crate) use keys::credential;
use keys::{key_hash, lets_in, pool};

/// The API refuses request bodies larger than this.
pub(crate) const LARGEST_BODY: u64 = 32 * 1_024 * 1_024;
/// Except those of batches.
const LARGEST_BATCH: u64 = 256 * 1_024 * 1_024;

/// Everything that the connections of one simulator share.
#[derive(Debug)]
pub(crate) struct Api {
    seed: u64,
    organization: String,
    workspace: String,
    clock: Clock,
    limits: RateLimits,
    stage: Mutex<Stage>,
    connections: AtomicU64,
    trap: OnceLock<Option<Trap>>,
    role: Role,
    hours: Hours,
    pub(crate) journal: Arc<Journal>,
}

/// What a port is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Api,
    /// Answers everything, and is where no client should go.
    Trap,
    /// Without a port, and so without another.
    InProcess,
}

/// A request body as it arrived: at most the first [`largest_body`] bytes of it are here.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) bytes: Vec<u8>,
    pub(crate) total: u64,
}

/// A request's number, and how many came over its connection before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) number: u64,
    pub(crate) before: u64,
}

/// What to do with a request, and what it shows of earlier ones.
#[derive(Debug)]
pub(crate) struct Decision {
    plan: Plan,
    /// Its turn at generating, where there is a model of that.
    turn: Option<Turn>,
    /// The request whose broken-off reply it takes for whole.
    pub(crate) takes_for_whole: Option<u64>,
    /// The key and the class of models by whose limits it goes, if it could be read.
    pub(crate) pool: Option<u64>,
}

impl Decision {
    /// Waits until its reply begins: for a slot to generate in, and for what the script says.
    ///
    /// Cancellation: dropping the future gives its slot or its place in the queue to others.
    pub(crate) async fn due(self) -> (Outcome, Option<Turn>) {
        if let (Some(turn), Some(length)) = (&self.turn, self.plan.generation) {
            turn.comes(length).await;
        }
        if !self.plan.head_pause.is_zero() {
            clock::sleep(self.plan.head_pause).await;
        }
        (self.plan.outcome, self.turn)
    }
}

type Refused<T> = Result<T, Box<Reply>>;

/// The largest body that a path takes.
pub(crate) fn largest_body(path: &str) -> u64 {
    if path == "/v1/messages/batches" {
        LARGEST_BATCH
    } else {
        LARGEST_BODY
    }
}

impl Api {
    pub(crate) fn new(
        seed: u64,
        clock: Clock,
        scenario: Scenario,
        limits: RateLimits,
        journal: Journal,
        role: Role,
    ) -> Self {
        let stage = Mutex::new(Stage::new(scenario, limits, &clock, 0));
        let mut dice = Dice::new(seed, 0);
        Self {
            seed,
            organization: ids::uuid(&mut dice),
            workspace: ids::workspace_id(&mut dice),
            clock,
            limits,
            stage,
            connections: AtomicU64::new(0),
            trap: OnceLock::new(),
            role,
            hours: Hours::default(),
            journal: Arc::new(journal),
        }
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// What the calendar says.
    #[cfg(feature = "transport")]
    pub(crate) fn wall(&self) -> std::time::SystemTime {
        self.clock.wall()
    }

    /// A number for a new connection, from 1.
    pub(crate) fn connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether connections are refused now.
    pub(crate) fn refuses(&self) -> bool {
        let stage = self.stage();
        let now = self.clock.now().saturating_sub(stage.began());
        stage.scenario().refuses_at(now)
    }

    /// How long until that changes; none if it never does.
    pub(crate) fn until_change(&self) -> Option<Duration> {
        let stage = self.stage();
        let now = self.clock.now().saturating_sub(stage.began());
        let edge = stage.scenario().next_edge(now);
        edge.map(|edge| edge.saturating_sub(now))
    }

    pub(crate) fn hours(&self) -> &Hours {
        &self.hours
    }

    /// Where the trap is, once a request has been sent there.
    pub(crate) fn trap(&self) -> Option<&Trap> {
        self.trap.get().and_then(Option::as_ref)
    }

    /// Forgets all that was, and plays this from its start, or the same as before.
    pub(crate) fn replay(&self, scenario: Option<Scenario>) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let scenario = scenario.unwrap_or_else(|| stage.scenario().clone());
        let before = self.journal.clear();
        *stage = Stage::new(scenario, self.limits, &self.clock, before);
        drop(stage);
        // Before anybody is told that the scenario has changed.
        self.hours.keep(self);
        self.hours.changed();
        if let Some(trap) = self.trap() {
            trap.journal().clear();
        }
    }

    /// Decides on the reply to a request.
    pub(crate) fn decide(&self, head: &Parts, upload: &Upload, visit: Visit) -> Decision {
        let (mut takes_for_whole, mut turn, mut by) = (None, None, None);
        let bare = || self.circumstances(visit.number, None);
        let plan = if self.role == Role::Trap {
            Ok(Self::plan(&Reply::json(200, r#"{"type":"trap"}"#), &bare()))
        } else {
            self.check(head, upload).and_then(|route| match route {
                Route::Messages => {
                    let request = Self::read(head, upload)?;
                    by = Some(pool(key_hash(&head.headers), model::class(&request.model)));
                    takes_for_whole = self.stage().taken_for_whole(&request);
                    let (plan, granted) = self.messages(&request, head, visit);
                    turn = granted;
                    Ok(plan)
                }
                Route::CountTokens => self.count_tokens(head, upload, visit),
                other => self.other(&other, head, upload, visit),
            })
        };
        Decision {
            plan: plan.unwrap_or_else(|refusal| Self::plan(&refusal, &bare())),
            turn,
            takes_for_whole,
            pool: by,
        }
    }

    /// What is wrong with a request before its body is read as one.
    fn check(&self, head: &Parts, upload: &Upload) -> Refused<Route> {
        let route = Route::of(&head.method, head.uri.path()).map_err(|astray| {
            Box::new(match astray {
                Astray::Path => Reply::error(404, "not_found_error", "Not found"),
                Astray::Method(allow) => invalid(405, "Method Not Allowed").header("allow", allow),
            })
        })?;
        if upload.total > largest_body(head.uri.path()) {
            let message = "Request exceeds the maximum size";
            return refuse(Reply::error(413, "request_too_large", message));
        }
        let given = |name: &str| given(head, name);
        let has_key = lets_in(&head.headers);
        if self.stage().scenario().key == KeyRule::Required && !has_key {
            let message = "x-api-key header is required";
            return refuse(Reply::error(401, "authentication_error", message));
        }
        check_version(given("anthropic-version"))
            .or_else(|message| refuse(invalid(400, message)))?;
        match given("content-encoding") {
            None | Some("identity") => Ok(route),
            Some(other) => {
                let message = format!("content-encoding: \"{other}\" is not supported");
                refuse(invalid(400, message).error_code("request_body_encoding_unsupported"))
            }
        }
    }

    fn read(head: &Parts, upload: &Upload) -> Refused<MessagesRequest> {
        let request = MessagesRequest::parse(&upload.bytes, version(head))
            .or_else(|message| refuse(invalid(400, message)))?;
        Self::in_service(&request.model)?;
        Ok(request)
    }

    fn in_service(model: &str) -> Refused<()> {
        if model::is_retired(model) {
            let message = format!("model: {model}");
            return refuse(Reply::error(404, "not_found_error", message));
        }
        Ok(())
    }

    fn plan(reply: &Reply, given: &Circumstances<'_>) -> Plan {
        Plan::new(reply, given, |_| Vec::new(), |_| Pace::default())
    }

    fn circumstances<'a>(
        &'a self,
        number: u64,
        request: Option<&'a MessagesRequest>,
    ) -> Circumstances<'a> {
        let trap = self.trap_url();
        let stage = self.stage();
        Circumstances {
            seed: stage.scenario().seed.unwrap_or(self.seed),
            number: stage.place(number),
            wall: self.clock.wall(),
            organization: &self.organization,
            workspace: &self.workspace,
            trap,
            request,
            input: Input::fresh(request.map_or(0, |request| request.input_tokens)),
        }
    }

    /// The scenario's, or else the builder's.
    fn seed(&self) -> u64 {
        self.stage().scenario().seed.unwrap_or(self.seed)
    }

    /// The trap is opened when a scenario first needs it.
    fn trap_url(&self) -> Option<String> {
        if self.role == Role::Trap || !self.stage().needs_trap() {
            return None;
        }
        let trap = self.trap.get_or_init(|| match self.role {
            Role::InProcess => Some(Trap::nowhere(&self.clock, &self.journal)),
            Role::Api | Role::Trap => Trap::open(&self.clock, &self.journal),
        });
        trap.as_ref().map(Trap::url)
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal of a request over a limit.
fn over(refusal: &Refusal, given: &Circumstances<'_>) -> Reply {
    let mut reply = refusal.shortage.map_or_else(
        || {
            let mut message = over_the_limit(&refusal.limit, given);
            if let Some(needs) = &refusal.needs {
                // The API has no such sentence; who waits for ever should read why.
                message.push_str(" The request alone needs ");
                message.push_str(needs);
                message.push_str(", more than the limit ever allows: waiting does not help.");
            }
            Reply::error(429, "rate_limit_error", message)
        },
        Reply::out_of,
    );
    reply.retry_after = refusal
        .retry_after
        .map(|wait| wait.max(Duration::from_secs(1)));
    reply
}

fn refuse<T>(reply: Reply) -> Refused<T> {
    Err(Box::new(reply))
}

fn invalid(status: u16, message: impl Into<String>) -> Reply {
    Reply::error(status, "invalid_request_error", message)
}

fn given<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

fn version(head: &Parts) -> Version {
    Version::named(given(head, "anthropic-version"))
}
