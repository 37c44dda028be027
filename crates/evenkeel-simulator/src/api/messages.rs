//! The endpoint that everything is about.

use hyper::http::request::Parts;

use super::{Api, Visit, key_hash, over, pool};
use crate::gate::{Bill, Caller};
use crate::model::{self, Model};
use crate::plan::{Pace, Plan};
use crate::prompt_cache::Charge;
use crate::reply::{Reply, What};
use crate::request::{MessagesRequest, Speed};
use crate::turn::Turn;
use crate::when::Sight;

/// What a model that nobody knows caches at least: as little as the newest.
const LEAST_CACHED: u64 = 512;

impl Api {
    /// A well-formed request: the capacity first, then the limits, then the script.
    pub(super) fn messages(
        &self,
        request: &MessagesRequest,
        head: &Parts,
        visit: Visit,
    ) -> (Plan, Option<Turn>) {
        let mut given = self.circumstances(visit.number, Some(request));
        let key = key_hash(&head.headers);
        let speed = request.speed.unwrap_or(Speed::Standard);
        let caller = Caller {
            key,
            pool: pool(key, model::class(&request.model)),
            speed,
        };
        let counted = request.input_tokens;
        let wall = given.wall;
        let mut stage = self.stage();
        // With the lock held, so that those who share it agree on the order of moments.
        let now = self.clock.now();
        let turn = stage.join(&request.model);
        if turn.is_ok()
            && let Err(refusal) = stage.gate.admit(caller, counted, now)
        {
            let reply = over(&refusal, &given);
            let headers = |_| stage.gate.headers(caller, now, wall);
            return (
                Plan::new(&reply, &given, headers, |_| Pace::default()),
                None,
            );
        }
        let base = match turn {
            Ok(_) => stage.next_reply(),
            Err(_) => Reply::error(529, "overloaded_error", "Overloaded"),
        };
        let sight = Sight {
            path: head.uri.path(),
            model: Some(&request.model),
            before: visit.before,
            now: now.saturating_sub(stage.began()),
        };
        let reply = stage.struck(base, &sight, given.seed);
        let scope = pool(key, &(&request.model, speed));
        let charge = match reply.what {
            What::Answer(_) => {
                let least = Model::named(&request.model).map_or(LEAST_CACHED, Model::least_cached);
                let prefixes = &request.prefixes;
                stage.cache.charge(scope, prefixes, counted, least, now)
            }
            _ => Charge::uncached(counted),
        };
        given.input = charge.input;
        // What takes long is done without the lock.
        drop(stage);
        let headers = |bill: Bill| {
            let mut stage = self.stage();
            if turn.is_ok() {
                stage.gate.settle(caller, counted, bill, now);
            }
            stage.gate.headers(caller, now, wall)
        };
        let plan = Plan::new(&reply, &given, headers, |tokens| self.stage().pace(tokens));
        let mut stage = self.stage();
        if plan.generation.is_some() {
            let begins = now.saturating_add(plan.head_pause);
            stage.cache.write(scope, &charge, now, begins);
        }
        if let Some(text) = plan.broken_off() {
            stage.broke_off(visit.number, text);
        }
        drop(stage);
        // What generates nothing takes no slot.
        let turn = turn.ok().flatten().filter(|_| plan.generation.is_some());
        (plan, turn)
    }
}
