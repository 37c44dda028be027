//! A simulator's own life: port, journal, clients that leave, the end.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::time::Duration;

use evenkeel_simulator::{Ending, Reply, Scenario, Simulator, SseEvent};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::client::{
    connect, exchange, first_entry, plain, read_to_end, read_until, request, stream,
};

const LONG: Duration = Duration::from_secs(3_600);

async fn pausing_in_the_body() -> Simulator {
    let events = vec![SseEvent::ping(), SseEvent::ping()];
    let reply = Reply::events(events).pause_after_events(1, LONG);
    Simulator::start(Scenario::script(vec![reply]))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_port_in_use_is_told_in_one_line_with_the_cure() {
    let first = Simulator::start(Scenario::named("healthy").unwrap())
        .await
        .unwrap();
    let error = Simulator::builder()
        .port(first.port())
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(
        error.to_string(),
        format!(
            "127.0.0.1:{} is already in use: choose another port, or 0 for any free one",
            first.port()
        )
    );
}

#[tokio::test]
async fn a_reply_that_cannot_be_sent_is_told_before_the_start() {
    let script = Scenario::script(vec![Reply::raw(200), Reply::raw(1_000)]);
    let error = Simulator::start(script).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "reply 2: status 1000 is not one from 200 to 599"
    );
}

#[tokio::test]
async fn the_journal_tells_what_was_asked_and_answered() {
    let simulator = Simulator::start(Scenario::named("server-error-once").unwrap())
        .await
        .unwrap();
    let refused = plain(&simulator).await;
    let answered = stream(&simulator).await;
    let [first, second] = simulator.journal().try_into().unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    assert!(first.at <= second.at && first.ended_at.unwrap() <= second.at);
    assert_eq!(
        (first.method.as_str(), first.path.as_str()),
        ("POST", "/v1/messages")
    );
    assert_eq!(first.header("x-api-key"), Some("[redacted]"));
    assert_eq!(first.header("anthropic-version"), Some("2026-10-21"));
    assert_eq!(first.body_bytes, first.body.len() as u64);
    assert!(first.body.contains(r#""content":"Hi""#));
    assert_ne!(first.body_hash, second.body_hash);
    assert_eq!((first.status, second.status), (Some(500), Some(200)));
    assert_eq!(first.request_id.as_deref(), refused.header("request-id"));
    assert_eq!(second.request_id.as_deref(), answered.header("request-id"));
    assert_eq!(
        (first.ending, second.ending),
        (Ending::Complete, Ending::Complete)
    );
    let sent: usize = answered.chunks().0.iter().map(|chunk| chunk.len()).sum();
    assert_eq!(second.reply_bytes, sent as u64);
}

#[tokio::test]
async fn the_journal_is_there_as_json_and_keeps_itself_out() {
    let simulator = Simulator::start(Scenario::named("healthy").unwrap())
        .await
        .unwrap();
    plain(&simulator).await;
    for _ in 0..2 {
        let get = "GET /_simulator/journal HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let reply = exchange(&simulator, get).await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let journal: serde_json::Value = serde_json::from_str(reply.rest()).unwrap();
        assert_eq!(journal["dropped"], 0);
        let [entry] = journal["entries"].as_array().unwrap().as_slice() else {
            panic!("{journal}")
        };
        assert_eq!(
            (&entry["number"], &entry["status"]),
            (&1.into(), &200.into())
        );
        assert_eq!(entry["headers"]["x-api-key"], "[redacted]");
        assert!(!reply.text().contains("secret"));
    }
    let post = "POST /_simulator/journal HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(&simulator, post).await.status(), 405);
}

#[tokio::test]
async fn the_journal_keeps_to_its_limit_and_counts_what_it_drops() {
    let two = NonZeroUsize::new(2).unwrap();
    let simulator = Simulator::builder()
        .journal_limit(two)
        .start()
        .await
        .unwrap();
    for _ in 0..5 {
        plain(&simulator).await;
    }
    let numbers: Vec<_> = simulator
        .journal()
        .iter()
        .map(|entry| entry.number)
        .collect();
    assert_eq!((numbers, simulator.journal_dropped()), (vec![4, 5], 3));
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_is_noticed_at_once() {
    let reply = Reply::message("x").pause_before_head(LONG);
    let simulator = Simulator::start(Scenario::script(vec![reply]))
        .await
        .unwrap();
    let mut connection = connect(&simulator).await;
    connection
        .write_all(request("true").as_bytes())
        .await
        .unwrap();
    first_entry(&simulator, |entry| entry.body_bytes > 0).await;
    drop(connection);
    let entry = first_entry(&simulator, |entry| entry.ending != Ending::Pending).await;
    assert_eq!((entry.ending, entry.status), (Ending::Abandoned, None));
}

#[tokio::test]
async fn a_client_that_leaves_in_the_body_is_noticed_at_once() {
    let simulator = pausing_in_the_body().await;
    let mut connection = connect(&simulator).await;
    connection
        .write_all(request("true").as_bytes())
        .await
        .unwrap();
    read_until(&mut connection, "event: ping").await;
    drop(connection);
    let entry = first_entry(&simulator, |entry| entry.ending != Ending::Pending).await;
    assert_eq!((entry.ending, entry.status), (Ending::Abandoned, Some(200)));
    assert_eq!(entry.reply_bytes, SseEvent::ping().bytes().len() as u64);
}

#[tokio::test]
async fn dropping_it_frees_the_port_at_once_and_ends_its_connections() {
    let simulator = pausing_in_the_body().await;
    let port = simulator.port();
    let mut connection = connect(&simulator).await;
    connection
        .write_all(request("true").as_bytes())
        .await
        .unwrap();
    read_until(&mut connection, "event: ping").await;
    drop(simulator);
    // The standard library connects without giving the runtime a chance to run.
    let error = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(read_to_end(&mut connection).await.bytes, b"");
}

#[tokio::test]
async fn stopping_it_leaves_no_task_behind() {
    let before = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    let simulator = pausing_in_the_body().await;
    let mut connection = connect(&simulator).await;
    connection
        .write_all(request("true").as_bytes())
        .await
        .unwrap();
    read_until(&mut connection, "event: ping").await;
    simulator.stop().await;
    assert_eq!(
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
        before
    );
}

#[tokio::test]
async fn the_port_of_a_refusing_simulator_is_kept_from_others() {
    let simulator = Simulator::start(Scenario::refused()).await.unwrap();
    let error = Simulator::builder()
        .port(simulator.port())
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn many_run_side_by_side_and_serve_many_at_once() {
    let mut simulators = Vec::new();
    for _ in 0..10 {
        simulators.push(
            Simulator::start(Scenario::named("healthy").unwrap())
                .await
                .unwrap(),
        );
    }
    let mut connections: Vec<TcpStream> = Vec::new();
    for simulator in simulators.iter().cycle().take(100) {
        let mut connection = connect(simulator).await;
        connection
            .write_all(request("true").as_bytes())
            .await
            .unwrap();
        connections.push(connection);
    }
    for mut connection in connections {
        assert_eq!(
            read_to_end(&mut connection).await.events().last(),
            Some(&"message_stop")
        );
    }
    assert!(
        simulators
            .iter()
            .all(|simulator| simulator.journal().len() == 10)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_it_waits_for_every_connection_on_many_threads_too() {
    let simulator = pausing_in_the_body().await;
    let mut connections = Vec::new();
    for _ in 0..200 {
        let mut connection = connect(&simulator).await;
        let sent = connection.write_all(request("true").as_bytes()).await;
        sent.unwrap();
        read_until(&mut connection, "event: ping").await;
        connections.push(connection);
    }
    simulator.stop().await;
    for connection in connections {
        // Without a wait: `WouldBlock` is a connection that is still open.
        let mut connection = connection.into_std().unwrap();
        let ended = std::io::Read::read(&mut connection, &mut [0]);
        assert!(
            !matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock),
            "{ended:?}"
        );
    }
}

/// Set for the process that is to be looked at.
const LOUD: &str = "EVENKEEL_SIMULATOR_LOUD";

#[tokio::test]
async fn an_address_that_is_not_loopback_is_said_loudly_and_loopback_is_not() {
    if let Ok(address) = std::env::var(LOUD) {
        let builder = Simulator::builder().address(address.parse().unwrap());
        builder.start().await.unwrap().stop().await;
        return;
    }
    let itself = std::env::current_exe().unwrap();
    let heard = |address: &str| {
        let run = std::process::Command::new(&itself)
            .args(["--exact", "--nocapture"])
            .arg("life::an_address_that_is_not_loopback_is_said_loudly_and_loopback_is_not")
            .env(LOUD, address)
            .output()
            .unwrap();
        assert!(run.status.success(), "{address}");
        String::from_utf8(run.stderr).unwrap()
    };
    let loud = heard("0.0.0.0");
    assert!(
        loud.contains("WARNING: the simulator listens on 0.0.0.0:")
            && loud.contains("anybody who can reach this machine can use it"),
        "{loud}"
    );
    assert!(!heard("127.0.0.1").contains("WARNING"));
}

#[tokio::test]
async fn a_cut_after_a_pause_ends_when_the_client_sees_it() {
    let pause = Duration::from_millis(100);
    let reply = Reply::message("A text that breaks off.")
        .pause_after_events(4, pause)
        .cut_after_events(4, evenkeel_simulator::Cut::Reset);
    let simulator = Simulator::start(Scenario::script(vec![reply]))
        .await
        .unwrap();
    stream(&simulator).await;
    let entry = first_entry(&simulator, |entry| entry.ending == Ending::Cut).await;
    assert!(entry.ended_at.unwrap() >= entry.at + pause, "{entry:?}");
}

#[tokio::test]
async fn a_scenario_larger_than_a_body_may_be_is_refused_and_not_played_in_part() {
    let simulator = Simulator::start(Scenario::named("healthy").unwrap())
        .await
        .unwrap();
    let mut file = "[[reply]]\nraw = { status = 500 }\n".to_owned();
    file.push_str(&"#\n".repeat(17 * 1_024 * 1_024));
    let post = format!(
        "POST /_simulator/scenario HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{file}",
        file.len()
    );
    assert_eq!(exchange(&simulator, post).await.status(), 413);
    assert_eq!(plain(&simulator).await.status(), 200);
}

#[tokio::test]
async fn a_head_that_was_asked_for_without_its_body_is_complete() {
    let simulator = Simulator::start(Scenario::named("healthy").unwrap())
        .await
        .unwrap();
    let head = "HEAD /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let reply = exchange(&simulator, head).await;
    assert_eq!((reply.status(), reply.rest()), (405, ""));
    let entry = first_entry(&simulator, |entry| entry.ending != Ending::Pending).await;
    assert_eq!((entry.ending, entry.reply_bytes), (Ending::Complete, 0));
}
