//! The endpoints that are not Messages: counting tokens, models, batches.

use hyper::http::request::Parts;

use super::{Api, Refused, Upload, Visit, given, invalid, key_hash, over, refuse, version};
use crate::batch;
use crate::batches::{Fault, Moment};
use crate::gate::Errand;
use crate::model::{MODELS, Model};
use crate::paging::page;
use crate::plan::Plan;
use crate::reply::{Reply, What};
use crate::request::{self, MessagesRequest};
use crate::route::Route;
use crate::when::Sight;

impl Api {
    pub(super) fn count_tokens(
        &self,
        head: &Parts,
        upload: &Upload,
        visit: Visit,
    ) -> Refused<Plan> {
        let request = MessagesRequest::count(&upload.bytes, version(head))
            .or_else(|message| refuse(invalid(400, message)))?;
        Self::in_service(&request.model)?;
        self.admitted(Errand::Count, head, visit, Some(&request))?;
        let tokens = request.input_tokens;
        let reply = Reply::json(200, format!(r#"{{"input_tokens":{tokens}}}"#));
        Ok(self.with_faults(reply, head, visit))
    }

    fn admitted(
        &self,
        errand: Errand,
        head: &Parts,
        visit: Visit,
        request: Option<&MessagesRequest>,
    ) -> Refused<()> {
        let key = key_hash(&head.headers);
        let mut stage = self.stage();
        let admitted = stage.gate.admit_errand(errand, key, self.clock.now());
        drop(stage);
        admitted
            .or_else(|refusal| refuse(over(&refusal, &self.circumstances(visit.number, request))))
    }

    /// Models and batches.
    pub(super) fn other(
        &self,
        route: &Route,
        head: &Parts,
        upload: &Upload,
        visit: Visit,
    ) -> Refused<Plan> {
        if !matches!(route, Route::Models | Route::Model(_)) {
            self.admitted(Errand::Batch, head, visit, None)?;
        }
        if *route == Route::CreateBatch {
            return Ok(self.creation(head, upload, visit));
        }
        let reply = self.answer(route, head, upload, visit);
        Ok(self.with_faults(reply, head, visit))
    }

    /// What is refused makes no batch, whoever refuses it; what is lost on the way back does.
    fn creation(&self, head: &Parts, upload: &Upload, visit: Visit) -> Plan {
        let unsaid = Reply::json(200, "{}");
        let struck = self.struck(unsaid.clone(), head, visit);
        let is_refused = matches!(struck.what, What::Error { .. } | What::Shortage(_));
        let said = if is_refused {
            struck
        } else {
            let reply = self.answer(&Route::CreateBatch, head, upload, visit);
            match (&reply.what, struck.what == unsaid.what) {
                (What::Error { .. }, true) => reply,
                (_, true) => Reply {
                    what: reply.what,
                    ..struck
                },
                (_, false) => struck,
            }
        };
        Self::plan(&said, &self.circumstances(visit.number, None))
    }

    /// What the API says by itself.
    fn answer(&self, route: &Route, head: &Parts, upload: &Upload, visit: Visit) -> Reply {
        let body = match route {
            Route::Models => {
                let all: Vec<_> = MODELS
                    .iter()
                    .map(|model| (model.id.to_owned(), model.json()))
                    .collect();
                Self::paged(&all, head)
            }
            Route::Model(id) => Model::named(id)
                .map(Model::json)
                .ok_or_else(|| Fault::NotFound(format!("model: {id}"))),
            _ => self.batches(route, head, upload),
        };
        match body {
            Ok(lines) if matches!(route, Route::BatchResults(_)) => Reply::raw(200)
                .body(lines)
                .header("content-type", "application/x-jsonl"),
            Ok(json) => Reply::json(200, json),
            Err(Fault::Invalid(message)) => invalid(400, message),
            Err(Fault::NotFound(message)) => Reply::error(404, "not_found_error", message),
            Err(Fault::Full(refusal)) => over(&refusal, &self.circumstances(visit.number, None)),
        }
    }

    fn batches(&self, route: &Route, head: &Parts, upload: &Upload) -> Result<String, Fault> {
        let host = given(head, "host").or(head.uri.host());
        let base = format!("http://{}", host.unwrap_or("127.0.0.1"));
        let seed = self.seed();
        // Reading up to 256 MB is done without the lock.
        let mut items = match route {
            Route::CreateBatch => {
                let body = request::object(&upload.bytes).map_err(Fault::Invalid)?;
                batch::items(&body, version(head)).map_err(Fault::Invalid)?
            }
            _ => Vec::new(),
        };
        let mut stage = self.stage();
        let at = Moment {
            now: self.clock.now(),
            wall: self.clock.wall(),
            item: stage.scenario().batch_item,
        };
        match route {
            Route::CreateBatch => {
                let waiting = stage.batches.waiting(at);
                let admitted = stage.gate.admit_items(items.len(), waiting, at.item);
                admitted.map_err(Fault::Full)?;
                let script = stage.scenario().batch_results.clone();
                stage.batches.script(&mut items, &script);
                Ok(stage.batches.create(items, seed, at, &base))
            }
            Route::Batch(id) => stage.batches.show(id, at, &base),
            Route::CancelBatch(id) => stage.batches.cancel(id, at, &base),
            Route::DeleteBatch(id) => stage.batches.delete(id, at),
            Route::BatchResults(id) => {
                let answer = stage.scenario().answer();
                stage.batches.results(id, &answer, seed, at)
            }
            _ => {
                let all = stage.batches.list(at, &base);
                Self::paged(&all, head)
            }
        }
    }

    fn paged(all: &[(String, String)], head: &Parts) -> Result<String, Fault> {
        page(all, head.uri.query().unwrap_or_default()).map_err(Fault::Invalid)
    }

    /// The plan of a reply that is not of the script, but that faults may strike.
    fn with_faults(&self, base: Reply, head: &Parts, visit: Visit) -> Plan {
        let reply = self.struck(base, head, visit);
        Self::plan(&reply, &self.circumstances(visit.number, None))
    }

    fn struck(&self, base: Reply, head: &Parts, visit: Visit) -> Reply {
        let mut stage = self.stage();
        let sight = Sight {
            path: head.uri.path(),
            model: None,
            before: visit.before,
            now: self.clock.now().saturating_sub(stage.began()),
        };
        let seed = stage.scenario().seed.unwrap_or(self.seed);
        stage.struck(base, &sight, seed)
    }
}
