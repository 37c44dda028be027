//! The world of a suite: a scripted transport, a recorder of events, and requests to send.

mod recorder;
mod reply;
mod script;

pub use recorder::{Recorder, Seen};
pub use reply::{Ending, Reply, events, sse};
pub use script::{Script, Sent};

use evenkeel::{Client, ClientBuilder, MessageRequest};

/// The key that is planted in every client: it must turn up nowhere.
pub const PLANTED_KEY: &str = "sk-ant-api03-PLANTED";

/// The prompt that is planted in every request: it must turn up nowhere but in the body.
pub const PLANTED_PROMPT: &str = "planted prompt";

/// A client on `script` with chance from a fixed seed, and what it was seen to decide.
#[must_use]
pub fn client(
    script: &Script,
    set: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> (Client, Recorder) {
    let recorder = Recorder::default();
    let builder = Client::with_transport(script.clone())
        .credential(evenkeel::Credential::api_key(PLANTED_KEY))
        .observer(recorder.clone())
        .seed(7);
    let client = set(builder)
        .build()
        .expect("the suite's configuration is valid");
    (client, recorder)
}

/// A short request.
pub fn request() -> MessageRequest {
    MessageRequest::new("claude-sonnet-5-5", 64).user(PLANTED_PROMPT)
}
