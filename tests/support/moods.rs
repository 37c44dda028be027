use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use evenkeel::Delivery;
use evenkeel::error::Error;
use evenkeel::transport::{BoxFuture, Request, Response, Transport};

use crate::{Reply, Script};

/// What a model answers at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// A message.
    Well,
    /// 500.
    Broken,
    /// 529 with a hint of a minute.
    Overloaded,
    /// 502 from the edge, before any model.
    Unreachable,
    /// 400.
    Picky,
    /// Takes the request, and never answers it.
    Silent,
    /// Nothing listens.
    Refused,
}

/// A transport whose models answer by a mood each, changed while the suite runs.
#[derive(Clone, Debug, Default)]
pub struct Moods {
    moods: Arc<Mutex<HashMap<String, Mood>>>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Moods {
    /// From now on `model` answers so. Default: well.
    pub fn set(&self, model: &str, mood: Mood) {
        self.moods
            .lock()
            .expect("not poisoned")
            .insert(model.to_owned(), mood);
    }

    /// How many requests were sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent.lock().expect("not poisoned").len()
    }

    fn reply(&self, body: &str) -> Reply {
        let moods = self.moods.lock().expect("not poisoned");
        let named = |model: &&String| body.contains(&format!("\"{model}\""));
        match moods.keys().find(named).and_then(|model| moods.get(model)) {
            None | Some(Mood::Well) => Reply::message("well"),
            Some(Mood::Broken) => Reply::error(500, "api_error", "x"),
            Some(Mood::Overloaded) => {
                Reply::error(529, "overloaded_error", "x").header("retry-after", "60")
            }
            Some(Mood::Unreachable) => Reply::status(502).header("content-type", "text/html"),
            Some(Mood::Silent) => Reply::never(),
            Some(Mood::Refused) => Reply::lost(Delivery::NotSent),
            Some(Mood::Picky) => Reply::error(400, "invalid_request_error", "x"),
        }
    }
}

impl Transport for Moods {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let script = Script::new([self.reply(&body)]);
        self.sent.lock().expect("not poisoned").push(body);
        Box::pin(async move { script.send(request).await })
    }
}
