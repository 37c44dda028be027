//! Through the whole client, with its defaults.

use std::net::SocketAddr;

use evenkeel::{Client, Fetch, MessageRequest};

use crate::{Call, KEY, MODEL, PROMPT};

fn client(server: SocketAddr) -> Client {
    Client::builder()
        .base_url(format!("http://{server}"))
        .api_key(KEY)
        .build()
        .expect("the defaults")
}

fn asked() -> MessageRequest {
    MessageRequest::new(MODEL, 1024).user(PROMPT)
}

pub fn plain(server: SocketAddr) -> Call {
    let client = client(server);
    Box::new(move || {
        let call = client.messages().fetch(Fetch::Plain).create(asked());
        Box::pin(async move { call.await.expect("a reply").text().len() })
    })
}

/// The default: streamed underneath, and collected.
pub fn create(server: SocketAddr) -> Call {
    let client = client(server);
    Box::new(move || {
        let call = client.messages().create(asked());
        Box::pin(async move { call.await.expect("a reply").text().len() })
    })
}

/// Every event handed to the caller, then the whole reply.
pub fn stream(server: SocketAddr) -> Call {
    let client = client(server);
    Box::new(move || {
        let call = client.messages().stream(asked());
        Box::pin(async move {
            let mut stream = call.await.expect("a beginning");
            while let Some(event) = stream.next().await {
                std::hint::black_box(event.expect("a sound event"));
            }
            stream.finish().await.expect("a reply").text().len()
        })
    })
}
