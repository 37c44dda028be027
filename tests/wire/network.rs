//! Every fault of the network that the simulator plays, as one attempt sees it: kind, delivery, what
//! helps, and how many requests the server saw.

use std::time::Duration;

use evenkeel::error::{Delivery, ErrorKind, Recovery};
use evenkeel::transport::{ReqwestTransport, Transport as _};
use evenkeel_simulator::{Cut, Ending, Reply, Scenario, Simulator, When};
use tokio::io::AsyncWriteExt as _;

use crate::world::{self, exchange, request};

use Delivery::{Answered, NotSent, Unknown};
use ErrorKind::{Connection, Interrupted, TimedOut};
use Recovery::{BackOff, Now};

type Verdict = (ErrorKind, Delivery, Recovery);

async fn fault(transport: &ReqwestTransport, reply: Reply) -> (Result<u16, Verdict>, usize) {
    play(transport, Scenario::script(vec![reply]), 1).await
}

/// The outcome of the last of so many exchanges, one after the other, and how many requests were seen. All
/// before it go well.
async fn play(
    transport: &ReqwestTransport,
    scenario: Scenario,
    exchanges: usize,
) -> (Result<u16, Verdict>, usize) {
    let simulator = Simulator::start(scenario).await.unwrap();
    let sent = || {
        let mut request = request(simulator.base_url());
        request.head_limit = HEAD_LIMIT;
        world::soon(exchange(transport, request))
    };
    for _ in 1..exchanges {
        assert_eq!(sent().await.unwrap().0, 200);
    }
    let outcome = sent()
        .await
        .map(|(status, _)| status)
        .map_err(|error| (error.kind(), error.delivery(), error.recovery()));
    let seen = simulator.journal().len();
    simulator.stop().await;
    (outcome, seen)
}

/// More than a head takes here, and less than a silent server is waited for.
const HEAD_LIMIT: Duration = Duration::from_secs(1);

/// What is no head, in one version as in the other.
const NOT_HTTP: &[u8] = b"SSH-2.0-OpenSSH_9.9\r\nplanted by somebody else's server\r\n";

fn planted() -> Reply {
    Reply::message("planted reply")
}

#[tokio::test]
async fn each_fault_over_http_1_has_its_kind_its_delivery_and_one_request() {
    for (name, reply, expected) in [
        (
            "close",
            Reply::close_without_reply(),
            Err((Connection, Unknown, BackOff)),
        ),
        (
            "reset",
            Reply::reset_without_reply(),
            Err((Connection, Unknown, BackOff)),
        ),
        // Over HTTP/1.1 there is no frame that proves anything.
        (
            "go away",
            Reply::go_away(),
            Err((Connection, Unknown, BackOff)),
        ),
        (
            "refused stream",
            Reply::refuse_stream(),
            Err((Connection, Unknown, BackOff)),
        ),
        (
            "cut: reset",
            planted().cut_after_bytes(40, Cut::Reset),
            Err((Interrupted, Answered, BackOff)),
        ),
        (
            "cut: chunk",
            planted().cut_after_bytes(40, Cut::MidChunk),
            Err((Interrupted, Answered, BackOff)),
        ),
        // Whole as HTTP frames it: whether it is whole as a message is not for the transport to say.
        (
            "cut: clean",
            planted().cut_after_bytes(40, Cut::Clean),
            Ok(200),
        ),
        (
            "error",
            Reply::error(529, "overloaded_error", "planted reply"),
            Ok(529),
        ),
        ("gateway", Reply::html_gateway(502), Ok(502)),
        ("redirect", Reply::redirect_to_trap(307), Ok(307)),
        ("empty", Reply::raw(200), Ok(200)),
        (
            "byte by byte",
            planted().pieces_of(1.try_into().unwrap()),
            Ok(200),
        ),
        ("drip", dripping(), Ok(200)),
        (
            "not HTTP",
            Reply::verbatim(NOT_HTTP),
            Err((Connection, Unknown, BackOff)),
        ),
        (
            "mail",
            Reply::verbatim("220 mail.example ESMTP\r\n"),
            Err((Connection, Unknown, BackOff)),
        ),
        (
            "HTTP/9.9",
            Reply::verbatim("HTTP/9.9 200 OK\r\n\r\n"),
            Err((Connection, Unknown, BackOff)),
        ),
        (
            "an empty line",
            Reply::verbatim("\r\n"),
            Err((Connection, Unknown, BackOff)),
        ),
        ("silence", silent(), Err((TimedOut, Unknown, BackOff))),
    ] {
        let (outcome, seen) = fault(&world::transport(), reply).await;
        assert_eq!((outcome, seen), (expected, 1), "{name}");
    }
}

#[tokio::test]
async fn after_a_kept_connection_was_lost_the_next_request_has_a_new_one() {
    let transport = world::transport();
    let script = Scenario::script(vec![planted()]);
    let closes = Reply::close_without_reply();
    let scenario = script.with(When::always().on_reused_connection(), closes);
    let simulator = Simulator::start(scenario).await.unwrap();
    let sent = || exchange(&transport, request(simulator.base_url()));
    assert_eq!(sent().await.unwrap().0, 200);
    assert_eq!(sent().await.unwrap_err().kind(), Connection);
    assert_eq!(sent().await.unwrap().0, 200);
}

#[tokio::test]
async fn each_fault_over_http_2_has_its_kind_its_delivery_and_one_request() {
    for (name, reply, expected) in [
        (
            "close",
            Reply::close_without_reply(),
            Err((Connection, Unknown, BackOff)),
        ),
        (
            "reset",
            Reply::reset_without_reply(),
            Err((Connection, Unknown, BackOff)),
        ),
        ("go away", Reply::go_away(), Err((Connection, NotSent, Now))),
        (
            "refused stream",
            Reply::refuse_stream(),
            Err((Connection, NotSent, Now)),
        ),
        (
            "cut: reset",
            planted().cut_after_bytes(40, Cut::Reset),
            Err((Interrupted, Answered, BackOff)),
        ),
        (
            "cut: chunk",
            planted().cut_after_bytes(40, Cut::MidChunk),
            Err((Interrupted, Answered, BackOff)),
        ),
        (
            "cut: clean",
            planted().cut_after_bytes(40, Cut::Clean),
            Ok(200),
        ),
        (
            "error",
            Reply::error(429, "rate_limit_error", "planted reply"),
            Ok(429),
        ),
        ("gateway", Reply::html_gateway(502), Ok(502)),
        ("redirect", Reply::redirect_to_trap(307), Ok(307)),
        ("empty", Reply::raw(200), Ok(200)),
        (
            "byte by byte",
            planted().pieces_of(1.try_into().unwrap()),
            Ok(200),
        ),
        ("drip", dripping(), Ok(200)),
        (
            "not HTTP",
            Reply::verbatim(NOT_HTTP),
            Err((Connection, Unknown, BackOff)),
        ),
        ("silence", silent(), Err((TimedOut, Unknown, BackOff))),
    ] {
        let (outcome, seen) = fault(&world::h2c(), reply).await;
        assert_eq!((outcome, seen), (expected, 1), "{name}");
    }
}

/// Some bytes now and then: no limit of the transport's is on the whole of a reply.
fn dripping() -> Reply {
    planted().drip(256.try_into().unwrap(), Duration::from_millis(5))
}

/// It takes the request, and says nothing.
fn silent() -> Reply {
    planted().pause_before_head(Duration::from_mins(1))
}

/// The request has been written on a connection that was kept, and so may have been acted on: it is not
/// one that can be sent again at once.
#[tokio::test]
async fn a_kept_connection_that_ends_once_the_next_request_is_on_it_proves_nothing() {
    for (name, end, over_http2) in [
        (
            "close",
            Reply::close_without_reply(),
            (Connection, Unknown, BackOff),
        ),
        (
            "reset",
            Reply::reset_without_reply(),
            (Connection, Unknown, BackOff),
        ),
        (
            "not HTTP",
            Reply::verbatim(NOT_HTTP),
            (Connection, Unknown, BackOff),
        ),
        // A frame that proves it, where there are frames.
        ("go away", Reply::go_away(), (Connection, NotSent, Now)),
        (
            "refused stream",
            Reply::refuse_stream(),
            (Connection, NotSent, Now),
        ),
    ] {
        let reused = || {
            let script = Scenario::script(vec![planted()]);
            script.with(When::always().on_reused_connection(), end.clone())
        };
        let met = play(&world::transport(), reused(), 2).await;
        assert_eq!(met, (Err((Connection, Unknown, BackOff)), 2), "{name}");
        let met = play(&world::h2c(), reused(), 2).await;
        assert_eq!(met, (Err(over_http2), 2), "{name} over HTTP/2");
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_saw_no_request() {
    for transport in [world::transport(), world::h2c()] {
        let met = play(&transport, Scenario::refused(), 1).await;
        assert_eq!(met, (Err((Connection, NotSent, BackOff)), 0));
    }
}

/// Whether a stream gets on is for the client's clocks to say: the transport hands on what comes for as long
/// as it comes, and lets go when it is dropped.
#[tokio::test]
async fn a_reply_that_falls_silent_or_only_pings_has_no_end_of_the_transport_s_making() {
    let every = Duration::from_millis(5);
    for transport in [world::transport(), world::h2c()] {
        for (name, reply, pings) in [
            ("pings", planted().pings_only_after_events(1, every), true),
            (
                "silence",
                planted().pause_after_events(1, Duration::from_mins(1)),
                false,
            ),
        ] {
            let simulator = Simulator::start(Scenario::script(vec![reply]))
                .await
                .unwrap();
            let mut request = request(simulator.base_url());
            request.head_limit = HEAD_LIMIT;
            let mut response = world::soon(transport.send(request)).await.unwrap();
            let mut read = Vec::new();
            let reading = async {
                loop {
                    let chunk = response.body.chunk().await.expect("it does not end");
                    read.extend_from_slice(&chunk.unwrap());
                }
            };
            // Longer than the head may take.
            let longer = HEAD_LIMIT + Duration::from_millis(100);
            assert!(evenkeel_tests::within(longer, reading).await.is_none());
            let read = String::from_utf8(read).unwrap();
            assert!(read.starts_with("event: message_start"), "{name}: {read}");
            assert_eq!(read.matches("event: ping").count() > 2, pings, "{name}");
            drop(response);
            let gone = async {
                while simulator.journal()[0].ending != Ending::Abandoned {
                    evenkeel_tests::pause(Duration::from_millis(1)).await;
                }
            };
            world::soon(gone).await;
            assert_eq!(simulator.journal().len(), 1, "{name}");
            simulator.stop().await;
        }
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let (listener, address) = world::listen().await;
    drop(listener);
    let url = format!("http://localhost:{}", address.port());
    let error = exchange(&world::transport(), request(&url))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Connection, NotSent));
    assert_eq!(
        error.to_string(),
        format!("connection: cannot connect to localhost:{}", address.port())
    );
    let nowhere = exchange(&world::transport(), request("http://no-such-host.invalid")).await;
    let error = nowhere.unwrap_err();
    assert_eq!(error.delivery(), NotSent);
    // Where nobody answers questions about names, the limit on connecting comes first.
    if error.kind() != TimedOut {
        assert_eq!(
            error.to_string(),
            "connection: cannot resolve the name no-such-host.invalid"
        );
    }
}

#[tokio::test]
async fn a_redirect_leads_nowhere_and_names_the_origin_it_would_have_led_to() {
    let target = "https://evil.example/planted?planted=planted";
    let reply = Reply::redirect(307, target).header("set-cookie", "session=planted");
    let simulator = Simulator::start(Scenario::script(vec![reply]))
        .await
        .unwrap();
    let sent = world::transport().send(request(simulator.base_url())).await;
    let response = sent.unwrap();
    eprintln!("{response:?}");
    let error = response.redirect().unwrap();
    world::say(&error);
    assert_eq!(
        error.to_string(),
        "protocol: status 307, redirects are not followed; this one leads to https://evil.example, \
         request id "
            .to_owned() + error.request_id().unwrap()
    );
    assert_eq!(error.recovery(), Recovery::Never);

    let trapped = Scenario::script(vec![Reply::redirect_to_trap(307)]);
    let simulator = Simulator::start(trapped).await.unwrap();
    let own = evenkeel::transport::reqwest::Client::builder().no_proxy();
    for transport in [
        world::transport(),
        ReqwestTransport::from_reqwest(own).unwrap(),
    ] {
        let (status, _) = exchange(&transport, request(simulator.base_url()))
            .await
            .unwrap();
        assert_eq!(status, 307);
    }
    assert_eq!((simulator.journal().len(), simulator.trap().len()), (2, 0));
}

#[tokio::test]
async fn a_client_that_was_not_tamed_follows_a_redirect_as_its_docs_say() {
    let trapped = Scenario::script(vec![Reply::redirect_to_trap(302)]);
    let simulator = Simulator::start(trapped).await.unwrap();
    let untamed = evenkeel::transport::reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap();
    let transport = ReqwestTransport::from_reqwest_unchecked(untamed);
    let _ = exchange(&transport, request(simulator.base_url())).await;
    let trap = simulator.trap();
    assert_eq!(trap.len(), 1);
    assert!(trap[0].header("x-api-key").is_some(), "the key went along");
}

#[tokio::test]
async fn every_outcome_that_has_a_head_has_its_request_id_and_its_rate_limits() {
    let limits = |reply: Reply| reply.header("anthropic-ratelimit-requests-remaining", "7");
    for reply in [
        limits(planted()),
        limits(planted().cut_after_bytes(40, Cut::Reset)),
        limits(Reply::error(400, "invalid_request_error", "no")),
    ] {
        let simulator = Simulator::start(Scenario::script(vec![reply]))
            .await
            .unwrap();
        let sent = world::transport().send(request(simulator.base_url())).await;
        let mut response = sent.unwrap();
        let mut facts = response.facts.clone();
        while let Some(chunk) = response.body.chunk().await {
            if let Err(error) = chunk {
                facts = error.facts().unwrap().clone();
            }
        }
        assert_eq!(
            facts.request_id(),
            simulator.journal()[0].request_id.as_deref()
        );
        assert!(facts.rate_limits().is_some());
        assert!(response.body.chunk().await.is_none(), "fused");
    }
}

#[tokio::test]
async fn a_kept_connection_that_dies_idle_costs_no_attempt() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        for _ in 0..3 {
            let (mut socket, _) = listener.accept().await.unwrap();
            world::head(&mut socket).await;
            let answer = world::ANSWER.as_bytes();
            socket.write_all(answer).await.unwrap();
            // Said to be kept, and closed all the same.
        }
    });
    let transport = world::transport();
    for _ in 0..3 {
        let sent = exchange(&transport, request(&format!("http://{address}"))).await;
        assert_eq!(sent.unwrap().0, 200);
        // The close is there before the next request.
        evenkeel_tests::pause(Duration::from_millis(20)).await;
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_head_that_comes_before_the_upload_ends_is_the_answer() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        let refusal =
            "HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno";
        socket.write_all(refusal.as_bytes()).await.unwrap();
        // It reads on, as polite servers do, but no byte of its answer waits for that.
        world::closed(&mut socket).await;
    });
    let mut request = request(&format!("http://{address}"));
    request.body = bytes::Bytes::from(vec![b' '; 32 * 1024 * 1024]);
    let transport = world::transport();
    let sent = world::soon(exchange(&transport, request)).await;
    assert_eq!(sent.unwrap(), (413, b"no".to_vec()));
    world::soon(server).await.unwrap();
}

#[tokio::test]
async fn a_server_that_refuses_an_upload_and_slams_the_door_may_have_seen_it() {
    // Whether the answer is read before the reset that follows it is for the scheduler to say; what is never
    // said is that nothing was sent.
    for _ in 0..10 {
        let (listener, address) = world::listen().await;
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            world::head(&mut socket).await;
            let refusal = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n";
            socket.write_all(refusal.as_bytes()).await.unwrap();
        });
        let mut request = request(&format!("http://{address}"));
        request.body = bytes::Bytes::from(vec![b' '; 32 * 1024 * 1024]);
        let transport = world::transport();
        match world::soon(exchange(&transport, request)).await {
            Ok((status, _)) => assert_eq!(status, 413),
            Err(error) => assert_eq!((error.kind(), error.delivery()), (Connection, Unknown)),
        }
        world::soon(server).await.unwrap();
    }
}

#[tokio::test]
async fn a_host_that_is_an_address_is_named_with_its_port() {
    let (listener, address) = world::listen().await;
    drop(listener);
    let sent = exchange(&world::transport(), request(&format!("http://{address}"))).await;
    assert_eq!(
        sent.unwrap_err().to_string(),
        format!("connection: cannot connect to {address}")
    );
}

#[tokio::test]
async fn connections_are_not_kept_where_idle_ones_are_to_be_kept_for_no_time() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
        // The other side closes, and not because anybody asks for a connection again.
        world::closed(&mut socket).await;
    });
    let settings = world::settings().pool_idle(Duration::ZERO);
    let transport = settings.build().unwrap();
    let sent = exchange(&transport, request(&format!("http://{address}"))).await;
    assert_eq!(sent.unwrap().0, 200);
    world::soon(server).await.unwrap();
    drop(transport);
}

/// Whether the kernel runs a keep-alive timer for the socket with this local port.
#[cfg(target_os = "linux")]
fn is_kept_alive(port: u16) -> bool {
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut sockets = table.lines().map(|line| line.split_whitespace());
    let timer = sockets.find_map(|mut fields| {
        fields
            .nth(1)
            .filter(|address| address.ends_with(&local))
            .and_then(|_| fields.nth(3))
    });
    // proc(5): 02 is a timer that is neither one of resending nor of a window.
    timer.expect("it is open").starts_with("02:")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_asks_for_a_sign_of_life_unless_it_is_told_not_to() {
    for (interval, expected) in [(Some(Duration::from_secs(30)), true), (None, false)] {
        let (listener, address) = world::listen().await;
        let transport = world::settings().tcp_keep_alive(interval).build().unwrap();
        let request = request(&format!("http://{address}"));
        let sending = exchange(&transport, request);
        let answering = async {
            let (mut socket, peer) = listener.accept().await.unwrap();
            world::head(&mut socket).await;
            socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
            (socket, peer.port())
        };
        let (sent, (_socket, port)) = tokio::join!(sending, answering);
        assert_eq!(sent.unwrap().0, 200);
        let settled = async {
            while is_kept_alive(port) != expected {
                evenkeel_tests::pause(Duration::from_millis(5)).await;
            }
        };
        world::soon(settled).await;
        drop(transport);
    }
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed_after_their_time() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
        world::closed(&mut socket).await;
    });
    let settings = world::settings().pool_idle(Duration::from_millis(100));
    let transport = settings.build().unwrap();
    let sent = exchange(&transport, request(&format!("http://{address}"))).await;
    assert_eq!(sent.unwrap().0, 200);
    world::soon(server).await.unwrap();
    drop(transport);
}

#[tokio::test]
async fn a_refused_stream_is_not_sent_again_by_a_team_s_own_client_either() {
    let own = evenkeel::transport::reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge();
    let transport = ReqwestTransport::from_reqwest(own).unwrap();
    let (outcome, seen) = fault(&transport, Reply::refuse_stream()).await;
    assert_eq!((outcome, seen), (Err((Connection, NotSent, Now)), 1));
}

#[tokio::test]
async fn a_team_s_own_settings_cannot_log_what_is_written() {
    let (listener, address) = world::listen().await;
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        let _ = socket.write_all(world::ANSWER.as_bytes()).await;
        world::closed(&mut socket).await;
    });
    // What would be written is looked for by the test over the whole suite.
    let own = evenkeel::transport::reqwest::Client::builder()
        .no_proxy()
        .connection_verbose(true);
    let transport = ReqwestTransport::from_reqwest(own).unwrap();
    let sent = exchange(&transport, request(&format!("http://{address}"))).await;
    assert_eq!(sent.unwrap().0, 200);
}

#[tokio::test]
async fn a_panic_over_a_failed_attempt_shows_no_secret() {
    let reply = Reply::error(400, "invalid_request_error", "sk-ant-planted-by-the-server");
    let simulator = Simulator::start(Scenario::script(vec![reply]))
        .await
        .unwrap();
    let client = evenkeel::Client::builder()
        .base_url(simulator.base_url())
        .api_key(world::KEY)
        .header("x-gateway-token", world::TOKEN)
        .build()
        .unwrap();
    let asked = evenkeel::MessageRequest::new("claude-sonnet-5-5", 64).user(world::PROMPT);
    eprintln!("{client:?} {asked:?}");
    let failed = client.messages().create(asked).await;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| failed.unwrap()));
    assert!(panicked.is_err());
}
