//! The client without `async`: over real sockets, inside other runtimes, dropped anywhere, and with
//! nothing left behind.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use evenkeel::event::Event;
use evenkeel::messages::{BatchRequest, CreateBatch};
use evenkeel::{
    Category, Credential, ErrorKind, MessageRequest, Patience, Restart, Stopped, Token, Upload,
    blocking,
};
use evenkeel_simulator::{Ending, Reply, Scenario, Simulator};
use evenkeel_tests::{Script, events, sse};

/// A hundred times faster on both sides.
const QUICK: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// One test at a time, so that the threads it counts are its own.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn worker() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// What the simulators run on.
static SERVERS: LazyLock<tokio::runtime::Runtime> = LazyLock::new(worker);

fn simulator(replies: Vec<Reply>) -> Simulator {
    let scenario = Scenario::script(replies).time_divided_by(QUICK);
    SERVERS.block_on(Simulator::start(scenario)).unwrap()
}

fn client(simulator: &Simulator) -> blocking::Client {
    crate::overheard::listen();
    blocking::Client::builder()
        .base_url(simulator.base_url())
        .api_key("sk-ant-planted")
        .time_divided_by(QUICK)
        .seed(7)
        .build_blocking()
        .unwrap()
}

fn request() -> MessageRequest {
    MessageRequest::new("claude-sonnet-5-5", 256).user(crate::world::PROMPT)
}

fn busy() -> Reply {
    Reply::error(529, "overloaded_error", "x")
}

/// The threads of clients that block.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    // The kernel keeps fifteen bytes of a name.
    names
        .filter(|name| name.trim() == "evenkeel-blocki")
        .count()
}

/// Waits until `reached`, for no longer than a test may take.
fn eventually(what: &str, reached: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if reached() {
            return;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    panic!("{what}");
}

#[test]
fn a_call_is_retried_a_stream_is_iterated_and_one_connection_serves_them_all() {
    let _turn = turn();
    let simulator = simulator(vec![busy(), Reply::message("hello")]);
    let client = client(&simulator);
    let reply = client.messages().create(request()).unwrap();
    assert_eq!(
        (reply.text().as_str(), reply.meta.attempts.len()),
        ("hello", 2)
    );
    let mut stream = client.messages().stream(request()).unwrap();
    let mut text = String::new();
    for event in &mut stream {
        text.push_str(event.unwrap().text().unwrap_or_default());
    }
    assert_eq!(text, "hello");
    assert_eq!(stream.finish().unwrap().text(), "hello");
    assert_eq!(
        client.messages().stream(request()).unwrap().text().unwrap(),
        "hello"
    );
    let connections = simulator
        .journal()
        .iter()
        .map(|entry| entry.connection)
        .max();
    assert_eq!(
        connections,
        simulator.journal().first().map(|entry| entry.connection)
    );
}

#[test]
fn every_endpoint_has_its_blocking_form() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    let client = client(&simulator);
    assert!(
        client
            .messages()
            .count_tokens(request())
            .unwrap()
            .input_tokens
            > 0
    );
    let models: Vec<_> = client
        .models()
        .query("limit", "1")
        .list()
        .map(Result::unwrap)
        .collect();
    assert!(models.len() > 1, "over more than one page");
    let model = client.models().retrieve(&models[0].id).unwrap();
    assert_eq!(model.id, models[0].id);
    let listed = client.raw().get("/v1/models").unwrap();
    assert!(listed.text().contains(&models[0].id));
    let error = client.raw().get("no-slash").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    let command = client.messages().dry_run(request()).unwrap().to_string();
    assert!(command.contains("/v1/messages"), "{command}");
    let mut runner = client.messages().tool_runner(request());
    assert_eq!(client.block_on(runner.run()).unwrap().reply.text(), "hello");
    let typed = client.messages().create_as::<String>(request());
    let reply = typed.unwrap_err().reply().map(|reply| reply.text());
    assert_eq!(reply.as_deref(), Some("hello"), "which is no JSON");
    let retrieved = client.as_async().models().retrieve(&models[0].id);
    assert_eq!(client.block_on(retrieved).unwrap().id, models[0].id);
}

#[test]
fn options_of_the_builder_and_of_a_call_hold() {
    let _turn = turn();
    let simulator = simulator(vec![busy(), busy(), Reply::message("hello")]);
    let client = client(&simulator);
    let calls = client
        .messages()
        .attempts(1)
        .header("x-team", "search")
        .restart(Restart::AtMost(1));
    let error = calls.create(request()).unwrap_err();
    assert_eq!(error.stopped(), Stopped::Attempts);
    assert_eq!(simulator.journal()[0].header("x-team"), Some("search"));
    let error = client.messages().attempts(0).create(request()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(simulator.journal().len(), 1);
    let deadline = client.messages().deadline(Duration::from_millis(1));
    let error = deadline.create(request()).unwrap_err();
    assert_eq!(error.stopped(), Stopped::Deadline);
}

#[test]
fn a_call_from_a_thread_of_a_runtime_works_and_so_does_dropping_there() {
    let _turn = turn();
    let simulator = simulator(vec![busy(), Reply::message("hello")]);
    let of_one_thread = runtime();
    let of_many = worker();
    for runtime in [&of_one_thread, &of_many] {
        let client = client(&simulator);
        let call = async move {
            let reply = client.messages().create(request()).unwrap();
            let mut stream = client.messages().stream(request()).unwrap();
            drop(client);
            stream.next().unwrap().unwrap();
            drop(stream);
            reply.text()
        };
        let text = runtime.block_on(async {
            // On a worker of the runtime, where it has one.
            let on_worker = tokio::spawn(call);
            on_worker.await.unwrap()
        });
        assert_eq!(text, "hello");
    }
}

/// More than tokio lets a task do at one poll, which is 128 things.
const MANY: usize = 300;

/// A client whose server is in the process.
fn near(reply: evenkeel_tests::Reply) -> blocking::Client {
    blocking::Client::with_transport(Script::new([reply]))
        .api_key("sk-ant-planted")
        .build_blocking()
        .unwrap()
}

/// Blocks, and counts what came.
type Way = fn() -> usize;

fn ways() -> [(&'static str, Way); 5] {
    [
        ("create", || {
            let client = near(evenkeel_tests::Reply::message("hello"));
            let calls = (0..MANY).map(|_| client.messages().create(request()));
            calls.map(Result::unwrap).count()
        }),
        ("a stream", || {
            let more = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#;
            let more = sse("content_block_delta", more);
            let begun = events::start() + &events::text("a");
            let begun = evenkeel_tests::Reply::stream().body(&begun);
            let text = (1..MANY).fold(begun, |reply, _| reply.body(&more));
            let rest = events::block_stop() + &events::stop_reason() + &events::stop();
            let client = near(text.body(&rest));
            let stream = client.messages().stream(request()).unwrap();
            let texts = stream.filter(|event| event.as_ref().unwrap().text().is_some());
            texts.count()
        }),
        ("a list", || {
            let page = r#"{"data":[{"type":"model","id":"a"}],"has_more":false}"#;
            let client = near(evenkeel_tests::Reply::status(200).body(page));
            let lists = (0..MANY).map(|_| client.models().list());
            lists.flatten().map(Result::unwrap).count()
        }),
        ("a download", || {
            let pieces = evenkeel_tests::Reply::status(200);
            let pieces = (0..MANY).fold(pieces, |reply, _| reply.bytes(b"a"));
            let download = near(pieces).files().download("file_1").unwrap();
            download.map(|piece| piece.unwrap().len()).sum()
        }),
        ("a tool runner", || {
            let client = near(evenkeel_tests::Reply::message("hello"));
            let runs = (0..MANY).map(|_| {
                let mut runner = client.messages().tool_runner(request());
                client.block_on(async move { runner.run().await })
            });
            runs.map(Result::unwrap).count()
        }),
    ]
}

#[test]
fn hundreds_of_calls_from_one_task_of_a_runtime_end_as_one_does() {
    let _turn = turn();
    for (what, way) in ways() {
        for runtime in [runtime, worker] {
            let (done, ended) = std::sync::mpsc::channel();
            thread::spawn(move || {
                let task = async { tokio::spawn(async move { way() }).await.unwrap() };
                done.send(runtime().block_on(task))
            });
            let came = ended.recv_timeout(Duration::from_secs(20));
            assert_eq!(came, Ok(MANY), "{what}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn clones_share_one_thread_and_it_ends_with_the_last_of_them() {
    let _turn = turn();
    eventually("an earlier test's thread stays", || threads() == 0);
    let simulator = simulator(vec![Reply::message("hello")]);
    let client = client(&simulator);
    eventually("its thread does not start", || threads() == 1);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || client.messages().create(request()).unwrap().text())
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.join().unwrap(), "hello");
    }
    let stream = client.messages().stream(request()).unwrap();
    let (messages, models) = (client.messages(), client.models().list());
    assert_eq!(threads(), 1);
    drop(client);
    assert_eq!(stream.finish().unwrap().text(), "hello");
    assert_eq!(messages.create(request()).unwrap().text(), "hello");
    drop(messages);
    assert_eq!(threads(), 1, "what is left of it needs it");
    drop(models);
    eventually("its thread stays", || threads() == 0);
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_come_and_go_leave_no_thread_behind() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    for _ in 0..20 {
        client(&simulator).messages().create(request()).unwrap();
    }
    eventually("threads stay", || threads() == 0);
    // What cannot be built starts none.
    let broken = blocking::Client::builder().api_key("").build_blocking();
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert_eq!(threads(), 0);
}

#[test]
fn the_last_of_them_may_be_dropped_by_an_observer_and_on_its_own_thread() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    let client = client(&simulator);
    let last = Mutex::new(Some(client.clone()));
    let calls = client.messages().observer(move |_: &Event<'_>| {
        drop(last.lock().unwrap().take());
    });
    drop(client);
    assert_eq!(calls.create(request()).unwrap().text(), "hello");
    drop(calls);
    let client = self::client(&simulator);
    let spawning = client.clone();
    client
        .block_on(async move {
            let (done, gone) = tokio::sync::oneshot::channel();
            // On the thread that ends with it.
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                drop(spawning);
                let _ = done.send(());
            });
            gone.await.unwrap();
            Ok::<_, evenkeel::Error>(())
        })
        .unwrap();
}

#[test]
fn a_call_may_be_made_inside_another() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    let inner = client(&simulator);
    let client = client(&simulator);
    let texts = Mutex::new(Vec::new());
    let texts = Arc::new(texts);
    let kept = Arc::clone(&texts);
    let calls = client.messages().observer(move |event: &Event<'_>| {
        if event.what.label() == "first_content" {
            let reply = inner.messages().create(request()).unwrap();
            kept.lock().unwrap().push(reply.text());
        }
    });
    assert_eq!(calls.create(request()).unwrap().text(), "hello");
    assert_eq!(*texts.lock().unwrap(), ["hello"]);
}

#[test]
fn a_stream_that_is_dropped_closes_its_connection_while_nobody_blocks() {
    let _turn = turn();
    let slow = Reply::message("a longer text than fits in one event").silence_after_events(4);
    let simulator = simulator(vec![slow]);
    let client = client(&simulator);
    let mut stream = client.messages().stream(request()).unwrap();
    stream.next().unwrap().unwrap();
    drop(stream);
    eventually("the server does not see the close", || {
        simulator.journal()[0].ending == Ending::Abandoned
    });
}

#[test]
fn a_panic_that_passes_through_a_call_leaves_the_client_as_it_was() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    let client = client(&simulator);
    let calls = client
        .messages()
        .observer(|_: &Event<'_>| panic!("an observer's own fault"));
    let panicked = thread::spawn(move || calls.create(request())).join();
    assert!(panicked.is_err());
    assert_eq!(client.messages().create(request()).unwrap().text(), "hello");
}

#[test]
fn a_batch_is_made_waited_for_and_read_and_lists_turn_their_pages() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    let client = client(&simulator);
    let both = CreateBatch::new([
        BatchRequest::new("one", request()),
        BatchRequest::new("two", request()),
    ]);
    let batch = client.batches().create(both).unwrap();
    let ended = client.batches().ended(&batch.id).unwrap();
    let mut ids: Vec<String> = client
        .batches()
        .results_of(&ended)
        .map(|item| item.unwrap().custom_id)
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["one", "two"]);
    let listed = client.batches().page_size(1).list();
    let listed: Vec<_> = listed.map(|batch| batch.unwrap().id.clone()).collect();
    assert_eq!(listed, [batch.id.as_str()]);
    let error = client.files().retrieve("..").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

/// Runs something of a test's when it is first asked, and has one chunk then.
struct Asks<F>(Option<F>);

impl<F: FnOnce() + Unpin> futures_core::Stream for Asks<F> {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(|ask| {
            ask();
            Ok(Bytes::from_static(b"content"))
        }))
    }
}

#[test]
fn a_call_from_the_source_of_an_upload_or_a_task_is_refused_in_words_and_hangs_nothing() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    let client = client(&simulator);
    let stream = Mutex::new(Some(client.messages().stream(request()).unwrap()));
    let (inside, other) = (client.clone(), self::client(&simulator));
    let (tell, told) = std::sync::mpsc::channel();
    let source = Asks(Some(move || {
        let refused = inside.messages().create(request()).unwrap_err();
        let stream = stream.lock().unwrap().take().unwrap();
        let errors: [Vec<evenkeel::Error>; 4] = [
            // An iterator says so once, and ends: a loop over it does.
            inside.models().list().map(Result::unwrap_err).collect(),
            stream.map(Result::unwrap_err).collect(),
            vec![inside.block_on(std::future::ready(Ok(()))).unwrap_err()],
            vec![other.raw().get("/v1/models").unwrap_err()],
        ];
        let kinds =
            errors.map(|errors| errors.iter().map(evenkeel::Error::kind).collect::<Vec<_>>());
        let _ = tell.send((refused, kinds));
    }));
    let uploading = client.clone();
    thread::spawn(move || {
        uploading
            .files()
            .upload(Upload::stream("a.txt", source, None))
    });
    let told = told.recv_timeout(Duration::from_secs(5));
    let (refused, kinds) = told.expect("it hangs");
    assert_eq!(
        refused.failure().message(),
        Some(
            "blocking cannot wait on the thread that drives a blocking client, as the source of an \
             upload or a task would: use the async client there, or a thread of your own"
        )
    );
    assert_eq!(refused.category(), Category::Local);
    assert_eq!(kinds, [const { [ErrorKind::InvalidConfig] }; 4]);
    // It goes on as before, also from a task that does not block.
    assert_eq!(client.messages().create(request()).unwrap().text(), "hello");
    let messages = client.as_async().messages();
    let spawned = client.block_on(async move {
        let call = tokio::spawn(messages.create(request()));
        call.await.unwrap()
    });
    assert_eq!(spawned.unwrap().text(), "hello");
}

#[test]
fn a_provider_that_calls_the_client_that_waits_for_its_token_is_told_so_at_once() {
    let _turn = turn();
    let simulator = simulator(vec![Reply::message("hello")]);
    let own = Arc::new(Mutex::new(None::<blocking::Client>));
    let (held, heard) = (Arc::clone(&own), Arc::new(Mutex::new(None)));
    let says = Arc::clone(&heard);
    let credential = Credential::provider(move || {
        let client = held.lock().unwrap().take();
        let error = client.map(|client| client.messages().create(request()).unwrap_err());
        if let Some(error) = error {
            *says.lock().unwrap() = error.failure().message().map(str::to_owned);
        }
        async { Ok(Token::bearer("planted-token")) }
    });
    let client = blocking::Client::builder()
        .base_url(simulator.base_url())
        .credential(credential)
        .patience(Patience::Unattended)
        .seed(7)
        .build_blocking()
        .unwrap();
    *own.lock().unwrap() = Some(client.clone());
    let (done, ended) = std::sync::mpsc::channel();
    thread::spawn(move || done.send(client.messages().create(request()).unwrap().text()));
    let text = ended.recv_timeout(Duration::from_secs(5));
    assert_eq!(text.expect("it hangs"), "hello");
    assert_eq!(
        heard.lock().unwrap().as_deref(),
        Some(
            "credential must not be needed by its own provider: give the provider a client of its own"
        )
    );
}
