//! The calls of the storm: of every form and patience, some with a deadline, some dropped on the way.

use std::time::Duration;

use evenkeel::{
    Client, Credential, Error, Fallback, Fetch, MessageRequest, Messages, Patience, Reply,
    ReplyEvent,
};
use evenkeel_tests::pause;
use tokio::task::{JoinError, JoinHandle};

use super::history::History;
use super::weather::{Lot, Weather};
use super::{IN_ARREARS, MODELS};
use crate::SECOND;

/// How a call asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// For a whole reply, which is streamed and collected.
    Collected,
    /// For a stream, read to its end.
    Streamed,
    /// For one JSON message.
    Plain,
    /// For a whole reply, of another model if need be.
    FallingBack,
    /// For something that must not be done twice.
    Unsafe,
}

/// One call, and what was asked for.
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) form: Form,
    pub(super) patience: Patience,
    pub(super) deadline: Option<Duration>,
    pub(super) is_in_arrears: bool,
    task: JoinHandle<(Duration, Result<Reply, Error>)>,
    began: Duration,
    /// Whoever drops it.
    dropping: Option<JoinHandle<()>>,
}

/// How a call ended.
pub(super) struct Ended {
    pub(super) began: Duration,
    pub(super) at: Duration,
    pub(super) outcome: Result<Reply, Error>,
}

impl Ended {
    pub(super) fn took(&self) -> Duration {
        self.at.saturating_sub(self.began)
    }
}

impl Caller {
    /// Its end; `Err` if it was dropped before.
    pub(super) async fn ended(&mut self) -> Result<Ended, JoinError> {
        let ended = (&mut self.task).await;
        if let Some(dropping) = self.dropping.take() {
            dropping.await?;
        }
        let (at, outcome) = ended?;
        Ok(Ended {
            began: self.began,
            at,
            outcome,
        })
    }
}

async fn call(messages: Messages, request: MessageRequest, form: Form) -> Result<Reply, Error> {
    match form {
        Form::Collected | Form::FallingBack => messages.create(request).await,
        Form::Plain => messages.fetch(Fetch::Plain).create(request).await,
        Form::Unsafe => {
            let request = request.extra("mcp_servers", vec!["https://mcp.example"]);
            messages.create(request).await
        }
        Form::Streamed => {
            let mut stream = messages.stream(request).await?;
            while let Some(event) = stream.next().await {
                let event = event?;
                let restarts = matches!(event, ReplyEvent::AttemptDiscarded { .. });
                assert!(!restarts, "a stream began again that nobody let");
            }
            stream.finish().await
        }
    }
}

pub(super) async fn launch(
    (client, weather, history): (&Client, &Weather, &History),
    seed: u64,
    calls: usize,
) -> Vec<Caller> {
    let mut lot = Lot(seed * 2 + 77);
    let mut callers = Vec::new();
    for number in 0..calls {
        let name = format!("{number:05}");
        let request = MessageRequest::new(MODELS[0], 64).user(format!("call-{name}"));
        let patience = match lot.draw(3) {
            0 => Patience::Interactive,
            1 => Patience::Background,
            _ => Patience::Unattended,
        };
        let form = match lot.draw(8) {
            0 | 1 => Form::Streamed,
            2 => Form::Plain,
            3 => Form::FallingBack,
            4 => Form::Unsafe,
            _ => Form::Collected,
        };
        let mut messages = client.messages().patience(patience);
        messages = messages.observer(history.of(&name));
        if form == Form::FallingBack {
            messages = messages.fallback(Fallback::to(MODELS[1]));
        }
        // One call in ten.
        let is_in_arrears = number % 10 == 9;
        if is_in_arrears {
            messages = messages.credential(Credential::api_key(IN_ARREARS));
        }
        let deadline = (lot.draw(4) == 0).then(|| Duration::from_secs(1 + lot.draw(120) as u64));
        if let Some(deadline) = deadline {
            messages = messages.deadline(deadline);
        }
        let cancel = (lot.draw(8) == 0).then(|| Duration::from_millis(lot.draw(10_000) as u64));
        let clock = weather.clone();
        let task = tokio::spawn(async move {
            let outcome = call(messages, request, form).await;
            (clock.now(), outcome)
        });
        let dropping = cancel.map(|after| {
            let handle = task.abort_handle();
            tokio::spawn(async move {
                pause(after).await;
                handle.abort();
            })
        });
        callers.push(Caller {
            name,
            form,
            patience,
            deadline,
            is_in_arrears,
            task,
            began: weather.now(),
            dropping,
        });
        pause(SECOND * 3 / 10).await;
    }
    callers
}
