//! Tower's services as transports, and its layers around each attempt.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use evenkeel::error::{Detail, Error, Phase};
use evenkeel::tower::{AttemptService, ServiceTransport};
use evenkeel::{Client, Delivery, ErrorKind, MessageRequest, Patience, Stopped, Upload};
use evenkeel_tests::{Ending, PLANTED_KEY, Reply, Script, client, events, pause, request};
use tower::layer::layer_fn;
use tower::{BoxError, Service, ServiceExt as _, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn answer() -> http::Response<String> {
    let mut response = http::Response::new(events::whole("hello"));
    let form = http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert("content-type", form);
    response
}

fn with_mcp() -> MessageRequest {
    request().extra("mcp_servers", vec!["https://mcp.example"])
}

/// A client that makes one attempt unless it is certain that nothing was sent.
fn on<S>(service: S) -> Client
where
    S: Service<http::Request<Bytes>, Response = http::Response<String>>,
    S: Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    let builder = Client::with_transport(ServiceTransport::new(service));
    builder.api_key(PLANTED_KEY).seed(7).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_service_is_handed_the_whole_attempt_and_its_answer_is_the_reply() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let client = on(service_fn(move |request: http::Request<Bytes>| {
        kept.lock().unwrap().push(request);
        async { Ok::<_, BoxError>(answer()) }
    }));
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.text(), "hello");
    let mut stream = client.messages().stream(request()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].method(), "POST");
    assert_eq!(seen[0].uri(), "https://api.anthropic.com/v1/messages");
    let key = &seen[0].headers()["x-api-key"];
    assert!(key == PLANTED_KEY && key.is_sensitive());
    assert!(seen[0].body().starts_with(b"{"));
}

/// Has no room for some seconds, or ever; counts what it is handed.
#[derive(Clone)]
struct Crowded {
    opens: tokio::time::Instant,
    sleep: Arc<Mutex<Option<std::pin::Pin<Box<tokio::time::Sleep>>>>>,
    handed: Arc<AtomicUsize>,
}

impl Crowded {
    fn for_so_long(time: Duration) -> Self {
        Self {
            opens: evenkeel_tests::now() + time,
            sleep: Arc::default(),
            handed: Arc::default(),
        }
    }
}

impl Service<http::Request<Bytes>> for Crowded {
    type Response = http::Response<String>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<http::Response<String>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mut sleep = self.sleep.lock().unwrap();
        let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(self.opens)));
        if sleep.deadline() <= evenkeel_tests::now() {
            return Poll::Ready(Ok(()));
        }
        sleep.as_mut().poll(cx).map(Ok)
    }

    fn call(&mut self, _: http::Request<Bytes>) -> Self::Future {
        assert!(
            evenkeel_tests::now() >= self.opens,
            "called before it was ready"
        );
        self.handed.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(answer()))
    }
}

#[expect(clippy::disallowed_methods, reason = "the suites' clock is paused")]
fn sleep_until(moment: tokio::time::Instant) -> tokio::time::Sleep {
    tokio::time::sleep_until(moment)
}

#[tokio::test(start_paused = true)]
async fn a_service_that_has_no_room_holds_the_attempt_back() {
    let crowded = Crowded::for_so_long(5 * SECOND);
    let client = on(crowded.clone());
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.meta.elapsed, 5 * SECOND);
    assert_eq!(reply.meta.attempts.len(), 1);
    assert_eq!(crowded.handed.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_has_room_is_left_within_the_limits_and_was_sent_nothing() {
    let crowded = Crowded::for_so_long(10_000 * SECOND);
    let client = on(crowded.clone());
    let calls = client.messages().deadline(3 * SECOND);
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(
        (error.stopped(), error.elapsed()),
        (Stopped::Deadline, 3 * SECOND)
    );
    let calls = client.messages().attempts(1);
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::TimedOut, Delivery::NotSent)
    );
    assert_eq!(error.elapsed(), 120 * SECOND, "the limit on the head");
    assert_eq!(crowded.handed.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_left_at_the_limit_on_the_head() {
    let client = on(service_fn(|_: http::Request<Bytes>| {
        std::future::pending::<Result<http::Response<String>, BoxError>>()
    }));
    let calls = client.messages().attempts(1);
    let error = calls.create(request()).await.unwrap_err();
    let expected = Detail::TimedOut {
        phase: Phase::Head,
        limit: 120 * SECOND,
    };
    assert_eq!(*error.failure().detail(), expected);
    assert_eq!(
        (error.delivery(), error.elapsed()),
        (Delivery::Unknown, 120 * SECOND)
    );
}

/// A middleware's own error around another.
#[derive(Debug)]
struct Around(BoxError);

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the middleware failed")
    }
}

impl std::error::Error for Around {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_service_says_of_its_failure_holds_and_else_nobody_knows_whether_it_left() {
    type Fault = fn() -> BoxError;
    let faults: [(Fault, ErrorKind, Delivery, usize); 5] = [
        (
            || "reset".into(),
            ErrorKind::Connection,
            Delivery::Unknown,
            1,
        ),
        (
            || Error::connection(Delivery::NotSent).into(),
            ErrorKind::Connection,
            Delivery::NotSent,
            4,
        ),
        (
            || Around(Error::connection(Delivery::NotSent).into()).into(),
            ErrorKind::Connection,
            Delivery::NotSent,
            4,
        ),
        (
            || Around(Box::new(Around(Error::untrusted(Delivery::NotSent).into()))).into(),
            ErrorKind::Connection,
            Delivery::NotSent,
            1,
        ),
        (
            || Error::timed_out(Phase::Head, SECOND).into(),
            ErrorKind::TimedOut,
            Delivery::Unknown,
            1,
        ),
    ];
    for (number, (fault, kind, delivery, sent)) in faults.into_iter().enumerate() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let client = on(service_fn(move |_: http::Request<Bytes>| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { Err::<http::Response<String>, _>(fault()) }
        }));
        // Resent only where it is certain that nothing was sent.
        let messages = client.messages().patience(Patience::Interactive);
        let error = messages.create(with_mcp()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (kind, delivery),
            "{number}"
        );
        assert_eq!(calls.load(Ordering::SeqCst), sent, "{number}");
        let chain = error.report().to_string();
        assert_eq!(
            chain.contains("the middleware failed"),
            (2..=3).contains(&number),
            "{chain}"
        );
    }
}

#[derive(Clone)]
struct NeverReady;

impl Service<http::Request<Bytes>> for NeverReady {
    type Response = http::Response<String>;
    type Error = BoxError;
    type Future = std::future::Pending<Result<http::Response<String>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Err("closed".into()))
    }

    fn call(&mut self, _: http::Request<Bytes>) -> Self::Future {
        // It is not ready.
        std::future::pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_be_ready_was_sent_nothing() {
    let client = on(NeverReady);
    let calls = client.messages().attempts(2);
    let error = calls.create(with_mcp()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Connection, Delivery::NotSent)
    );
    assert_eq!(error.attempts().len(), 2, "so it may be sent again");
}

#[tokio::test(start_paused = true)]
async fn each_attempt_passes_the_layers_from_the_last_given_to_the_first() {
    let mark = |name: &'static str| {
        layer_fn(move |inner: AttemptService| {
            inner.map_request(move |mut request: http::Request<Bytes>| {
                let so_far = request.headers().get("x-way");
                let so_far = so_far.map_or("", |value| value.to_str().unwrap());
                let way = http::HeaderValue::from_str(&format!("{so_far}{name}")).unwrap();
                assert!(request.headers()["x-api-key"].is_sensitive());
                request.headers_mut().insert("x-way", way);
                request
            })
        })
    };
    let busy = Reply::error(529, "overloaded_error", "x");
    let script = Script::new([busy, Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.wrap(mark("a")).wrap(mark("b")));
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.text(), "hello");
    assert_eq!(reply.meta.facts.request_id(), Some("req_test"));
    let ways: Vec<_> = script
        .sent()
        .iter()
        .map(|sent| sent.header("x-way").to_owned())
        .collect();
    assert_eq!(ways, ["ba", "ba"]);
    let seen = script.sent();
    assert_eq!(seen[0].header("x-api-key"), PLANTED_KEY);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_only_passes_on_changes_nothing_that_a_failure_says() {
    let faults = [
        Reply::lost(Delivery::NotSent),
        Reply::lost(Delivery::Unknown),
        Reply::never(),
        Reply::error(529, "overloaded_error", "x"),
        Reply::stream().body(&events::start()).ending(Ending::Cut),
        Reply::stream()
            .body(&(events::start() + &events::text("half")))
            .ending(Ending::Cut),
        Reply::stream().ending(Ending::Silence),
    ];
    for fault in faults {
        let mut told = Vec::new();
        for layered in [false, true] {
            let script = Script::new([fault.clone()]);
            let (client, recorder) = client(&script, |builder| {
                let builder = builder.head_limit(7 * SECOND);
                if layered {
                    builder.wrap(layer_fn(|inner: AttemptService| inner))
                } else {
                    builder
                }
            });
            let calls = client.messages().attempts(2);
            let error = calls.create(request()).await.unwrap_err();
            let seen: Vec<_> = recorder.seen().into_iter().map(|seen| seen.line).collect();
            told.push((error.report().to_string(), error.delivery(), seen));
        }
        assert_eq!(told[0], told[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_answers_or_refuses_by_itself_counts() {
    let script = Script::new([Reply::message("never")]);
    let (client, _) = client(&script, |builder| {
        builder.wrap(layer_fn(|_: AttemptService| {
            service_fn(|_: http::Request<Bytes>| async { Ok::<_, BoxError>(answer()) })
        }))
    });
    assert_eq!(
        client.messages().create(request()).await.unwrap().text(),
        "hello"
    );
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_drops_what_the_layers_do_for_it() {
    let held = Arc::new(());
    let in_layer = Arc::clone(&held);
    let script = Script::new([Reply::never()]);
    let (client, _) = client(&script, |builder| {
        builder.wrap(layer_fn(move |inner: AttemptService| {
            let held = Arc::clone(&in_layer);
            service_fn(move |request: http::Request<Bytes>| {
                let (held, sent) = (Arc::clone(&held), inner.clone().oneshot(request));
                async move {
                    let answer = sent.await;
                    drop(held);
                    answer
                }
            })
        }))
    });
    let before = Arc::strong_count(&held);
    let call = tokio::spawn(client.messages().create(request()));
    pause(SECOND).await;
    assert!(Arc::strong_count(&held) > before, "the layer is at work");
    call.abort();
    let _ = call.await;
    assert_eq!(Arc::strong_count(&held), before);
    pause(600 * SECOND).await;
    assert_eq!(script.sent().len(), 1);
}

/// Makes the request anew, as a layer does that signs it or sends it by another library.
fn forgetful() -> impl tower::Layer<
    AttemptService,
    Service = impl Service<
        http::Request<Bytes>,
        Response = http::Response<evenkeel::tower::AttemptBody>,
        Error = Error,
        Future: Send,
    > + Clone
              + Send
              + 'static,
> + Send
+ 'static {
    layer_fn(|inner: AttemptService| {
        service_fn(move |request: http::Request<Bytes>| {
            let (mut head, body) = request.into_parts();
            head.extensions.clear();
            inner.clone().call(http::Request::from_parts(head, body))
        })
    })
}

#[tokio::test(start_paused = true)]
async fn an_upload_through_a_layer_that_drops_its_extensions_is_refused_by_name_and_not_sent_empty()
{
    let file = Reply::status(200).body(r#"{"type":"file","id":"file_1"}"#);
    let script = Script::new([file]);
    let (client, _) = client(&script, |builder| builder.wrap(forgetful()));
    let upload = Upload::reader("a.txt", &b"content"[..], None);
    let error = client.files().upload(upload).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(
        error.failure().message(),
        Some("wrap must keep the extensions of the requests that pass it")
    );
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(script.sent().is_empty());
    // What has its body with it passes.
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = self::client(&script, |builder| builder.wrap(forgetful()));
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.text(), "hello");
}
