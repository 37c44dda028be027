//! The world of a suite: a scripted transport, a recorder of events, and requests to send.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a suite that cannot go on fails"
)]

mod endless;
mod inbox;
mod moods;
mod recorder;
mod reply;
mod script;
mod server;
mod time;

pub use endless::Endless;
pub use inbox::Sent;
pub use moods::{Mood, Moods};
pub use recorder::{Recorder, Seen};
pub use reply::{Ending, Reply, events, sse};
pub use script::Script;
pub use server::Server;
pub use time::{now, pause, within};

use evenkeel::transport::Transport;
use evenkeel::{Client, ClientBuilder, MessageRequest};

/// The key that is planted in every client: it must turn up nowhere.
pub const PLANTED_KEY: &str = "sk-ant-api03-PLANTED";

/// The prompt that is planted in every request: it must turn up nowhere but in the body.
pub const PLANTED_PROMPT: &str = "planted prompt";

/// A client on `transport` with chance from a fixed seed, and what it was seen to decide.
#[must_use]
pub fn client(
    transport: &(impl Transport + Clone + 'static),
    set: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> (Client, Recorder) {
    let recorder = Recorder::default();
    let builder = Client::with_transport(transport.clone())
        .api_key(PLANTED_KEY)
        .observer(recorder.clone())
        .seed(7);
    let client = set(builder)
        .build()
        .expect("the suite's configuration is valid");
    (client, recorder)
}

/// A short request.
pub fn request() -> MessageRequest {
    request_to("claude-sonnet-5-5")
}

/// A short request to a model.
pub fn request_to(model: &str) -> MessageRequest {
    MessageRequest::new(model, 64).user(PLANTED_PROMPT)
}
