//! Files: a body that is gone is not sent again, one that is there is; and half a file is never whole.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use evenkeel::error::Error;
use evenkeel::transport::{BoxFuture, Request, Response, Transport};
use evenkeel::{Category, Credential, Delivery, ErrorKind, Patience, Stopped, Token, Upload};
use evenkeel_tests::{Ending, PLANTED_KEY, Reply, Script, Server, client, pause};
use futures_core::Stream;
use http::Method;

const SECOND: Duration = Duration::from_secs(1);

const FILE: &str =
    r#"{"type":"file","id":"file_1","filename":"a.txt","mime_type":"text/plain","size_bytes":7}"#;

fn file() -> Reply {
    Reply::status(200).body(FILE)
}

/// Chunks with a pause before each, and a mark on whether they were asked for.
struct Source {
    chunks: Vec<Result<&'static str, &'static str>>,
    pause: Duration,
    pausing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    touched: Arc<AtomicBool>,
}

impl Stream for Source {
    type Item = Result<Bytes, &'static str>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.touched.store(true, Ordering::Relaxed);
        let time = self.pause;
        let pausing = self.pausing.get_or_insert_with(|| Box::pin(pause(time)));
        if pausing.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.pausing = None;
        if self.chunks.is_empty() {
            return Poll::Ready(None);
        }
        let chunk = self.chunks.remove(0);
        Poll::Ready(Some(chunk.map(|text| Bytes::from_static(text.as_bytes()))))
    }
}

fn source(
    chunks: &[Result<&'static str, &'static str>],
    pause: Duration,
) -> (Source, Arc<AtomicBool>) {
    let touched = Arc::new(AtomicBool::new(false));
    let source = Source {
        chunks: chunks.to_vec(),
        pause,
        pausing: None,
        touched: Arc::clone(&touched),
    };
    (source, touched)
}

fn stream() -> Upload {
    let (source, _) = source(&[Ok("con"), Ok("tent")], Duration::ZERO);
    Upload::stream("a.txt", source, Some(7)).content_type("text/plain")
}

fn in_memory() -> Upload {
    Upload::bytes("a.txt", "content").content_type("text/plain")
}

fn repeatable() -> Upload {
    let open = || source(&[Ok("con"), Ok("tent")], Duration::ZERO).0;
    Upload::repeatable("a.txt", open, Some(7)).content_type("text/plain")
}

fn reader() -> Upload {
    Upload::reader("a.txt", &b"content"[..], Some(7)).content_type("text/plain")
}

#[tokio::test(start_paused = true)]
async fn a_file_is_the_same_on_the_wire_whatever_it_comes_from() {
    let mut bodies = Vec::new();
    for upload in [in_memory(), stream(), repeatable(), reader()] {
        let script = Script::new([file()]);
        let (client, _) = client(&script, |builder| builder);
        let made = client.files().upload(upload).await.unwrap();
        assert_eq!(made.id, "file_1");
        let sent = script.sent().remove(0);
        assert_eq!(
            (sent.method.clone(), sent.path.as_str()),
            (Method::POST, "/v1/files")
        );
        assert_eq!(sent.header("x-api-key"), PLANTED_KEY);
        assert_eq!(sent.header("anthropic-beta"), "", "the API is out of beta");
        let boundary = sent
            .header("content-type")
            .split_once("boundary=")
            .unwrap()
            .1;
        assert_eq!(
            sent.header("content-type"),
            format!("multipart/form-data; boundary={boundary}")
        );
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain";
        assert_eq!(
            sent.body,
            format!("--{boundary}\r\n{head}\r\n\r\ncontent\r\n--{boundary}--\r\n")
        );
        bodies.push(sent.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_not_uploaded_again_once_some_of_it_was_read() {
    for (reply, kind) in [
        (
            Reply::error(529, "overloaded_error", "x"),
            ErrorKind::Overloaded,
        ),
        (
            Reply::error(429, "rate_limit_error", "x").header("retry-after", "1"),
            ErrorKind::RateLimited,
        ),
        (Reply::error(500, "api_error", "x"), ErrorKind::ServerError),
        (Reply::lost(Delivery::Unknown), ErrorKind::Connection),
    ] {
        for upload in [stream(), reader()] {
            let script = Script::new([reply.clone(), file()]);
            let (client, _) = client(&script, |builder| builder);
            let error = client.files().upload(upload).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.stopped()),
                (kind, Stopped::NotReplayable)
            );
            assert_eq!(error.stopped().label(), "not_replayable");
            assert_eq!(script.sent().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_not_touched_is_uploaded_after_what_was_proven_not_sent() {
    let unsent = || Reply::lost(Delivery::NotSent);
    let script = Script::new([unsent(), unsent(), file()]);
    let (client, _) = client(&script, |builder| builder);
    let (source, touched) = source(&[Ok("con"), Ok("tent")], Duration::ZERO);
    let upload = Upload::stream("a.txt", source, None);
    assert!(!touched.load(Ordering::Relaxed));
    let made = client.files().upload(upload).await.unwrap();
    assert_eq!((made.meta.attempts.len(), script.sent().len()), (3, 3));
    assert!(script.sent()[2].body.contains("content"));
}

#[tokio::test(start_paused = true)]
async fn what_can_be_read_again_is_uploaded_again_where_nothing_was_made() {
    for upload in [in_memory, repeatable] {
        for reply in [
            Reply::lost(Delivery::NotSent),
            Reply::error(429, "rate_limit_error", "x"),
            Reply::error(529, "overloaded_error", "x"),
        ] {
            let script = Script::new([reply.clone(), file()]);
            let (client, _) = client(&script, |builder| builder);
            client.files().upload(upload()).await.unwrap();
            let sent = script.sent();
            assert_eq!(sent.len(), 2);
            let was_read = !sent[0].body.is_empty();
            assert!(
                sent[1].body.contains("content") && (!was_read || sent[0].body == sent[1].body)
            );
        }
        // A second upload would be a second file.
        let script = Script::new([Reply::lost(Delivery::Unknown), file()]);
        let (client, _) = client(&script, |builder| builder);
        let error = client.files().upload(upload()).await.unwrap_err();
        assert_eq!(
            (error.stopped(), script.sent().len()),
            (Stopped::UnsafeToRepeat, 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_token_costs_a_stream_its_upload_and_latches_nothing() {
    let refused = Reply::error(401, "authentication_error", "x");
    let script = Script::new([file(), refused, file()]);
    let credential = Credential::provider(|| async { Ok(Token::bearer("token")) });
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    client.files().upload(stream()).await.unwrap();
    let error = client.files().upload(stream()).await.unwrap_err();
    assert_eq!(error.category(), Category::Authentication);
    assert_eq!(recorder.count("latch_set"), 0);
    client.files().upload(stream()).await.unwrap();
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_or_has_another_length_is_the_callers_fault_and_names_its_cause() {
    for (chunks, length, message) in [
        (
            &[Ok("con"), Err("disk on fire")][..],
            None,
            "body could not be read: its source failed",
        ),
        (
            &[Ok("con")][..],
            Some(7),
            "body has fewer bytes than its length says",
        ),
        (
            &[Ok("content!")][..],
            Some(7),
            "body has more bytes than its length says",
        ),
    ] {
        let script = Script::new([file()]);
        let (client, _) = client(&script, |builder| builder);
        let (source, _) = source(chunks, Duration::ZERO);
        let upload = Upload::stream("a.txt", source, length);
        let error = client.files().upload(upload).await.unwrap_err();
        assert_eq!(error.category(), Category::Local);
        assert_eq!(error.failure().message(), Some(message));
        assert_eq!(script.sent().len(), 1);
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.is_some(), chunks.len() == 2);
    }
}

#[tokio::test(start_paused = true)]
async fn patience_stands_still_while_an_upload_gets_on_and_ends_one_that_does_not() {
    let chunks = [Ok("x"); 100];
    let script = Script::new([file()]);
    let (slow, _) = client(&script, |builder| builder);
    // A chunk each 20 s takes half an hour: three times the patience.
    let upload = Upload::stream("a", source(&chunks, 20 * SECOND).0, None);
    let made = slow.files().upload(upload).await.unwrap();
    assert!(made.meta.elapsed >= 2_000 * SECOND);

    let (stuck, _) = client(&script, |builder| builder.patience(Patience::Interactive));
    let upload = Upload::stream("a", source(&chunks, 3_600 * SECOND).0, None);
    let error = stuck.files().upload(upload).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::Patience);
    assert!(error.elapsed() <= 31 * SECOND, "{:?}", error.elapsed());

    let upload = Upload::stream("a", source(&chunks, SECOND).0, None);
    let error = slow
        .files()
        .deadline(10 * SECOND)
        .upload(upload)
        .await
        .unwrap_err();
    assert_eq!(error.stopped(), Stopped::Deadline);
    assert!(error.elapsed() <= 10 * SECOND + SECOND / 20);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_gets_on_and_is_refused_again_and_again_keeps_to_its_limit_of_attempts() {
    let script = Script::new([Reply::error(529, "overloaded_error", "x")]);
    let (client, _) = client(&script, |builder| builder.patience(Patience::Interactive));
    // A minute each, with less than the patience between two signs of life.
    let open = || source(&[Ok("x"); 6], 10 * SECOND).0;
    let upload = Upload::repeatable("a", open, Some(6));
    let error = client.files().upload(upload).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Overloaded, Stopped::Attempts)
    );
    assert_eq!((error.attempts().len(), script.sent().len()), (4, 4));
    assert!(error.elapsed() > 240 * SECOND, "{:?}", error.elapsed());
}

/// A transport that sends what is in memory, and knows of nothing else.
#[derive(Clone, Default)]
struct Plain(Arc<Mutex<Vec<Bytes>>>);

impl Transport for Plain {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        self.0.lock().unwrap().push(request.body.clone());
        assert!(request.stream.is_none());
        Box::pin(async move { Script::new([file()]).send(request).await })
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_streams_gets_files_from_memory_and_is_sent_no_others() {
    let transport = Plain::default();
    let (client, _) = client(&transport, |builder| builder);
    client.files().upload(in_memory()).await.unwrap();
    for upload in [stream(), repeatable(), reader()] {
        let error = client.files().upload(upload).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
    let sent = transport.0.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert!(String::from_utf8_lossy(&sent[0]).contains("\r\n\r\ncontent\r\n--evenkeel-"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_file_is_refused_by_name_and_not_sent() {
    let script = Script::new([file()]);
    let (client, _) = client(&script, |builder| builder);
    for (upload, field) in [
        (Upload::bytes("", "x"), "filename "),
        (
            in_memory().content_type("text/plain\r\nx-evil: 1"),
            "content_type ",
        ),
        (in_memory().content_type("nonsense"), "content_type "),
    ] {
        let error = client.files().upload(upload).await.unwrap_err();
        let message = error.failure().message().unwrap();
        assert!(message.starts_with(field), "{message}");
    }
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_prints_as_a_command_that_sends_the_file_of_that_name() {
    let script = Script::new([file()]);
    let (client, _) = client(&script, |builder| builder);
    let upload = Upload::bytes("it's \"a\".txt", "planted")
        .content_type("text/plain")
        .expires_in(3_600 * SECOND);
    let dry = client.files().dry_run(&upload).unwrap();
    assert_eq!(
        dry.to_string(),
        r#"curl --request POST 'https://api.anthropic.com/v1/files' \
  --header 'anthropic-version: 2026-10-21' \
  --header "x-api-key: $ANTHROPIC_API_KEY" \
  --form 'expires_in_seconds=3600' \
  --form 'file=@"it'\''s \"a\".txt";filename="it'\''s \"a\".txt";type=text/plain'"#
    );
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_command_for_a_file_that_holds_the_boundary_it_might_have_had_has_another() {
    let script = Script::new([file()]);
    let (client, _) = client(&script, |builder| builder);
    // Of bits that never change there is one boundary, and this file is full of it.
    let content = format!("evenkeel-{:032}", 0);
    let files = client.files();
    let (done, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(files.dry_run(&Upload::bytes("a.bin", content)).is_ok()));
    let made = told.recv_timeout(5 * SECOND);
    assert_eq!(made, Ok(true), "it looks for another for ever");
}

#[tokio::test(start_paused = true)]
async fn files_are_listed_shown_and_deleted() {
    let page = |token: &str, id: &str| {
        Reply::status(200).body(&format!(
            r#"{{"data":[{{"type":"file","id":"{id}"}}],"next_page":{token}}}"#
        ))
    };
    let script = Script::new([
        page("\"p 2\"", "a"),
        page("null", "b"),
        file(),
        Reply::lost(Delivery::Unknown),
        Reply::status(200).body(r#"{"id":"file_1","type":"file_deleted"}"#),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let mut list = client.files().page_size(1).list();
    let mut ids = Vec::new();
    while let Some(file) = list.next().await {
        ids.push(file.unwrap().id);
    }
    assert_eq!(ids, ["a", "b"]);
    let shown = client.files().retrieve("file_1").await.unwrap();
    assert_eq!(shown.size_bytes, Some(7));
    assert_eq!(client.files().delete("file_1").await.unwrap().id, "file_1");
    let calls: Vec<_> = script
        .sent()
        .iter()
        .map(|sent| format!("{} {}", sent.method, sent.path))
        .collect();
    assert_eq!(
        calls,
        [
            "GET /v1/files?limit=1",
            "GET /v1/files?limit=1&page=p%202",
            "GET /v1/files/file_1",
            "DELETE /v1/files/file_1",
            "DELETE /v1/files/file_1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_download_is_whole_or_an_error() {
    let content = || {
        Reply::status(200)
            .bytes(b"con")
            .pause(SECOND)
            .bytes(b"\xfftent")
    };
    let length = |reply: Reply, bytes: u32| reply.header("content-length", bytes.to_string());
    for (reply, expected) in [
        (content(), Ok(8)),
        (length(content(), 8), Ok(8)),
        (length(content(), 9), Err(ErrorKind::Interrupted)),
        (length(content(), 7), Err(ErrorKind::Protocol)),
        (content().ending(Ending::Cut), Err(ErrorKind::Interrupted)),
        (content().ending(Ending::Silence), Err(ErrorKind::TimedOut)),
        (Reply::status(200), Ok(0)),
    ] {
        let what = format!("{reply:?}");
        let script = Script::new([reply, content()]);
        let (client, _) = client(&script, |builder| builder);
        let mut download = client.files().download("file_1").await.unwrap();
        let mut size = 0;
        let end = loop {
            match download.next().await {
                None => break Ok(size),
                Some(Ok(bytes)) => size += bytes.len(),
                Some(Err(error)) => {
                    assert_eq!(error.stopped(), Stopped::Released, "{what}");
                    assert!(download.next().await.is_none());
                    break Err(error.kind());
                }
            }
        };
        assert_eq!(end, expected, "{what}");
        assert_eq!(download.meta().is_some(), expected.is_ok());
        assert_eq!(script.sent().len(), 1);
        assert_eq!(script.sent()[0].path, "/v1/files/file_1/content");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_larger_than_what_may_be_collected_ends_its_call_with_a_record_of_it() {
    let script = Script::new([Reply::status(200).bytes(b"0123456789").bytes(b"more")]);
    let (client, recorder) = client(&script, |builder| builder.reply_size(12));
    let download = client.files().download("file_1").await.unwrap();
    let error = download.collect().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Protocol, Stopped::NotRecoverable)
    );
    assert_eq!(error.attempts().len(), 1);
    assert_eq!(error.status(), Some(200));
    assert_eq!(recorder.count("given_up"), 1);
    assert_eq!(recorder.count("cancelled"), 0);
    assert_eq!(recorder.count("circuit_changed"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_the_first_byte_of_a_download_is_tried_again() {
    for reply in [
        Reply::lost(Delivery::Unknown),
        Reply::error(529, "overloaded_error", "x"),
        Reply::status(200).ending(Ending::Cut),
        Reply::status(200).header("content-length", "7"),
    ] {
        let script = Script::new([reply, Reply::status(200).body("content")]);
        let (client, _) = client(&script, |builder| builder);
        let download = client.files().download("file_1").await.unwrap();
        let whole = download.collect().await.unwrap();
        assert_eq!(
            (&whole.value[..], whole.meta.attempts.len()),
            (&b"content"[..], 2)
        );
    }
    let script = Script::new([Reply::status(200).body("content")]);
    let (client, _) = client(&script, |builder| builder.reply_size(6));
    let download = client.files().download("file_1").await.unwrap();
    assert_eq!(
        download.collect().await.unwrap_err().kind(),
        ErrorKind::Protocol
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_call_that_is_dropped_in_any_state_sends_nothing_more_and_has_one_end() {
    let slow = || Upload::stream("a", source(&[Ok("x"); 9], 10 * SECOND).0, None);
    for (state, reply, upload) in [
        ("uploading", file(), slow()),
        ("waiting for the head", Reply::never(), in_memory()),
        (
            "reading the answer",
            Reply::status(200).ending(Ending::Silence),
            in_memory(),
        ),
        (
            "backing off",
            Reply::error(529, "overloaded_error", "x").header("retry-after", "50"),
            in_memory(),
        ),
    ] {
        let script = Script::new([reply, file()]);
        let (client, recorder) = client(&script, |builder| builder);
        let call = tokio::spawn(client.files().upload(upload));
        pause(SECOND).await;
        call.abort();
        let _ = call.await;
        assert_eq!(recorder.count("cancelled"), 1, "{state}");
        pause(600 * SECOND).await;
        assert_eq!(script.sent().len(), 1, "{state}");
    }
    let server = Server::new(|_| Reply::status(200).body("x").ending(Ending::Silence));
    let (client, recorder) = client(&server, |builder| builder);
    let download = client.files().download("file_1").await.unwrap();
    drop(download);
    assert_eq!(recorder.labels().last(), Some(&"cancelled"));
}
