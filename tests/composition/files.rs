//! Files: a body that is gone is not sent again, one that is there is; and half a file is never whole.

use std::time::Duration;

use evenkeel::{Category, Credential, Delivery, ErrorKind, Patience, Stopped, Token, Upload};
use evenkeel_tests::{Ending, Endless, PLANTED_KEY, Reply, Script, Server, client, pause};
use http::Method;

mod uploads;

use uploads::source;

const SECOND: Duration = Duration::from_secs(1);

const FILE: &str =
    r#"{"type":"file","id":"file_1","filename":"a.txt","mime_type":"text/plain","size_bytes":7}"#;

fn file() -> Reply {
    Reply::status(200).body(FILE)
}

fn in_memory() -> Upload {
    Upload::bytes("a.txt", "content").content_type("text/plain")
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
async fn the_deadline_ends_a_download_that_is_always_there_and_is_read_slowly() {
    // From its first bytes on, and later.
    for pieces in [0, 1, 3] {
        let (client, recorder) = client(&Endless(|_| "content".into()), |builder| builder);
        let files = client.files().deadline(5 * SECOND);
        let mut download = files.download("file_1").await.unwrap();
        for _ in 0..pieces {
            download.next().await.unwrap().unwrap();
        }
        pause(5 * SECOND).await;
        let error = download.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{pieces}");
        assert_eq!(
            (error.stopped(), error.elapsed(), error.status()),
            (Stopped::Deadline, 5 * SECOND, Some(200)),
            "{pieces}"
        );
        assert!(download.next().await.is_none());
        assert_eq!(recorder.labels().last(), Some(&"given_up"), "{pieces}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_that_came_whole_in_time_is_whole_when_its_end_is_read_later() {
    let script = Script::new([Reply::status(200).bytes(b"content")]);
    let (client, _) = client(&script, |builder| builder);
    let files = client.files().deadline(5 * SECOND);
    let mut download = files.download("file_1").await.unwrap();
    assert_eq!(download.next().await.unwrap().unwrap(), "content");
    pause(9 * SECOND).await;
    assert!(download.next().await.is_none());
    assert!(download.meta().is_some());
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
