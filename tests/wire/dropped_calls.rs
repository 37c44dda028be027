//! Dropping a call of the whole client in each of its states, over sockets: the server sees the
//! close within a fifth of a second, nothing is sent afterwards, and no task is left.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use evenkeel::{Client, Credential, Token};
use evenkeel_tests::{Recorder, events, pause, request, within};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::cancel::{SOON, no_task_is_left, sees_the_close};
use crate::head_clock::Full;
use crate::world::{self, soon};

fn client(url: &str) -> (Client, Recorder) {
    let recorder = Recorder::default();
    let client = Client::builder()
        .connections(world::settings())
        .base_url(url)
        .api_key(world::KEY)
        .observer(recorder.clone())
        .build()
        .unwrap();
    (client, recorder)
}

/// Polls `call` until `reached`, and drops it.
async fn drop_when<R>(call: impl Future, reached: impl Future<Output = R>) -> R {
    let mut call = Box::pin(call);
    tokio::select! {
        _ = &mut call => panic!("it must not end by itself"),
        reached = soon(reached) => reached,
    }
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        pause(Duration::from_millis(1)).await;
    }
}

/// The next connection, once a request has come on it.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    world::head(&mut socket).await;
    socket
}

async fn nothing_more_is_sent(listener: &TcpListener) {
    let more = within(SOON, listener.accept()).await;
    assert!(more.is_none(), "the dropped call goes on");
}

/// The call is over for whoever watches, and the client, once it is gone too, leaves nothing.
async fn is_gone(client: Client, recorder: &Recorder) {
    assert_eq!(recorder.count("cancelled"), 1);
    drop(client);
    no_task_is_left().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn while_connecting() {
    let full = Full::new().await;
    let before = full.connecting();
    let (client, recorder) = client(&full.url());
    let is_connecting = until(|| full.connecting() > before);
    drop_when(client.messages().create(request()), is_connecting).await;
    let gone = within(SOON, until(|| full.connecting() == before)).await;
    assert!(gone.is_some(), "still connecting");
    is_gone(client, &recorder).await;
}

#[tokio::test]
async fn while_awaiting_the_head() {
    let (listener, address) = world::listen().await;
    let (client, recorder) = client(&format!("http://{address}"));
    let socket = drop_when(client.messages().create(request()), asked(&listener)).await;
    sees_the_close(socket).await;
    nothing_more_is_sent(&listener).await;
    is_gone(client, &recorder).await;
}

#[tokio::test]
async fn in_the_middle_of_a_reply_that_is_collected() {
    let (listener, address) = world::listen().await;
    let (client, recorder) = client(&format!("http://{address}"));
    let begun = async {
        let mut socket = asked(&listener).await;
        begin_a_reply(&mut socket).await;
        until(|| recorder.count("first_content") == 1).await;
        socket
    };
    let socket = drop_when(client.messages().create(request()), begun).await;
    sees_the_close(socket).await;
    nothing_more_is_sent(&listener).await;
    is_gone(client, &recorder).await;
}

#[tokio::test]
async fn in_the_middle_of_a_stream() {
    let (listener, address) = world::listen().await;
    let (client, recorder) = client(&format!("http://{address}"));
    let messages = client.messages();
    let begun = async {
        let mut socket = asked(&listener).await;
        begin_a_reply(&mut socket).await;
        socket
    };
    let (stream, socket) = tokio::join!(soon(messages.stream(request())), soon(begun));
    let mut stream = stream.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    sees_the_close(socket).await;
    nothing_more_is_sent(&listener).await;
    drop(messages);
    is_gone(client, &recorder).await;
}

#[tokio::test]
async fn while_backing_off() {
    let (listener, address) = world::listen().await;
    let (client, recorder) = client(&format!("http://{address}"));
    let waiting = async {
        let mut socket = asked(&listener).await;
        // Longer than the fifth of a second in which nothing more may come.
        let refusal = "HTTP/1.1 529 Overloaded\r\nretry-after: 20\r\ncontent-length: 0\r\n\
                       connection: close\r\n\r\n";
        socket.write_all(refusal.as_bytes()).await.unwrap();
        until(|| recorder.count("waiting") == 1).await;
        socket
    };
    let socket = drop_when(client.messages().create(request()), waiting).await;
    sees_the_close(socket).await;
    nothing_more_is_sent(&listener).await;
    is_gone(client, &recorder).await;
}

#[tokio::test]
async fn while_the_token_is_renewed() {
    let (listener, address) = world::listen().await;
    let asking = Arc::new(());
    let held = Arc::clone(&asking);
    let credential = Credential::provider(move || {
        let held = Arc::clone(&held);
        async move {
            pending::<()>().await;
            drop(held);
            Ok(Token::bearer("never"))
        }
    });
    let recorder = Recorder::default();
    let client = Client::builder()
        .connections(world::settings())
        .base_url(format!("http://{address}"))
        .credential(credential)
        .observer(recorder.clone())
        .build()
        .unwrap();
    let is_asked = until(|| Arc::strong_count(&asking) == 3);
    drop_when(client.messages().create(request()), is_asked).await;
    assert_eq!(Arc::strong_count(&asking), 2, "the provider is still asked");
    nothing_more_is_sent(&listener).await;
    is_gone(client, &recorder).await;
}

async fn begin_a_reply(socket: &mut TcpStream) {
    let events = events::start() + &events::text("hello");
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{events}\r\n",
        events.len()
    );
    socket.write_all(reply.as_bytes()).await.unwrap();
}
