//! Faults of content, of timing and of connections, composed and on their own, as bytes.

use std::num::NonZeroUsize;
use std::time::Duration;

use evenkeel_simulator::{
    Answer, Capacity, Chance, Cut, Ending, LineEnd, Reply, Rule, Scenario, Simulator, SseEvent,
    When,
};
use tokio::io::AsyncWriteExt;

use super::client::{
    End, connect, exchange, first_entry, plain, read_to_end, read_until, request, rest, soon,
    stream, timed,
};

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) async fn simulator(reply: Reply) -> Simulator {
    Simulator::start(Scenario::script(vec![reply]))
        .await
        .unwrap()
}

pub(crate) fn text() -> Reply {
    Reply::message("Grüße, 世界 🌊: a text that is long enough for more than a few deltas.")
}

fn bytes(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

#[tokio::test]
async fn a_stream_can_be_cut_after_its_stop_reason_in_every_way() {
    for (cut, end, tail) in [
        (Cut::Clean, End::Closed, "\r\n0\r\n\r\n"),
        (Cut::Reset, End::Reset, "}\n\n"),
        (Cut::MidChunk, End::Closed, "}\n\n"),
    ] {
        let reply = stream(&simulator(text().cut_after_stop_reason(cut)).await).await;
        assert_eq!(reply.end, end, "{cut:?}");
        assert!(
            reply.text().contains("event: message_delta"),
            "{}",
            reply.text()
        );
        assert!(
            !reply.text().contains("message_stop") && reply.text().ends_with(tail),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn lines_end_as_the_script_says() {
    for (line_end, ping) in [
        (
            LineEnd::CrLf,
            "event: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n",
        ),
        (LineEnd::Cr, "event: ping\rdata: {\"type\": \"ping\"}\r\r"),
    ] {
        let reply = stream(&simulator(text().line_ends(line_end)).await).await;
        assert!(reply.chunks().0.contains(&ping), "{}", reply.text());
    }
}

#[tokio::test]
async fn pieces_split_characters_and_joined_are_the_same() {
    let whole = stream(&simulator(text()).await).await;
    let split = stream(&simulator(text().pieces_of(bytes(1))).await).await;
    let head = split
        .bytes
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .unwrap()
        + 4;
    let body = &split.bytes[head..];
    assert!(body.starts_with(b"1\r\ne\r\n1\r\nv\r\n"), "a chunk a byte");
    let chunks = body.strip_suffix(b"0\r\n\r\n").unwrap().chunks(6);
    let joined: Vec<u8> = chunks.map(|chunk| chunk[3]).collect();
    assert_eq!(
        String::from_utf8(joined).unwrap(),
        whole.chunks().0.concat()
    );
}

#[tokio::test]
async fn malformed_json_is_an_event_whose_json_is_not() {
    let reply = stream(&simulator(text().malformed_json_after_events(3)).await).await;
    let broken = reply.chunks().0[3];
    assert!(
        broken.starts_with("event: content_block_delta\ndata: {") && broken.ends_with("\"}\n\n"),
        "{broken}"
    );
    assert_eq!(reply.events().last(), Some(&"message_stop"));
    let plain = plain(&simulator(text().malformed_json_after_events(0)).await).await;
    assert!(serde_json::from_str::<serde_json::Value>(plain.rest()).is_err());
    assert_eq!(
        (plain.status(), plain.header("content-type")),
        (200, Some("application/json"))
    );
}

#[tokio::test]
async fn unknown_events_blocks_deltas_and_stop_reasons_are_sent_among_known_ones() {
    let answer = Answer::new().text("Hello").stop_reason("unheard_of_reason");
    let reply = stream(&simulator(Reply::answer(answer).unknown_events()).await).await;
    assert_eq!(reply.events()[..2], ["unheard_of", "message_start"]);
    for word in ["unheard_of_block", "unheard_of_delta", "unheard_of_reason"] {
        assert!(reply.text().contains(word), "{word}");
    }
}

#[tokio::test]
async fn what_is_not_json_comes_on_a_200_too() {
    let page = plain(&simulator(Reply::html_gateway(200)).await).await;
    assert_eq!(
        (page.status(), page.header("content-type")),
        (200, Some("text/html; charset=UTF-8"))
    );
    let empty = plain(&simulator(Reply::raw(200)).await).await;
    assert_eq!(
        (empty.status(), empty.rest(), empty.header("content-length")),
        (200, "", Some("0"))
    );
    let wrong = stream(&simulator(text().header("content-type", "text/plain")).await).await;
    assert_eq!(wrong.header("content-type"), Some("text/plain"));
    assert_eq!(wrong.events()[0], "message_start");
}

#[tokio::test]
async fn an_event_of_64_mebibytes_arrives_whole() {
    const SIZE: usize = 64 * 1_024 * 1_024;
    let reply = stream(&simulator(text().huge_event(SIZE)).await).await;
    let largest = reply.chunks().0.iter().map(|chunk| chunk.len()).max();
    assert_eq!(
        (largest, reply.events().last()),
        (Some(SIZE), Some(&"message_stop"))
    );
}

#[tokio::test]
async fn a_drip_waits_after_every_piece() {
    let reply = Reply::raw(200).body("0123456789").drip(bytes(3), 30 * MS);
    let (reply, took) = timed(async { plain(&simulator(reply).await).await }).await;
    assert_eq!(reply.rest(), "0123456789");
    assert!(took >= 90 * MS, "{took:?}");
}

#[tokio::test]
async fn silence_is_silent_and_pings_are_nothing_else() {
    let reply =
        Reply::events(vec![SseEvent::message_start("m"), SseEvent::ping()]).silence_after_events(1);
    let silent = simulator(reply).await;
    let mut connection = connect(&silent).await;
    connection
        .write_all(request("true").as_bytes())
        .await
        .unwrap();
    read_until(&mut connection, "\n\n\r\n").await;
    rest(60 * MS).await;
    let mut more = [0; 64];
    let nothing = connection.try_read(&mut more).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);

    let pings = simulator(text().pings_only_after_events(1, 5 * MS)).await;
    let mut connection = connect(&pings).await;
    connection
        .write_all(request("true").as_bytes())
        .await
        .unwrap();
    let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    let chunk = format!("{:X}\r\n{ping}\r\n", ping.len());
    let seen = read_until(&mut connection, &chunk.repeat(4)).await;
    assert!(
        seen.contains("message_start") && !seen.contains("content_block"),
        "{seen}"
    );
}

#[tokio::test]
async fn faults_strike_the_requests_they_are_for_and_go_over_each_other() {
    let scenario = Scenario::script(vec![text()])
        .with(
            When::requests([2, 3]),
            Reply::error(529, "overloaded_error", "Overloaded"),
        )
        .with(
            When::requests([3]),
            Reply::scripted()
                .header("x-should-retry", "false")
                .pause_before_head(30 * MS),
        )
        .with(When::always().chance(Chance::percent(0)), Reply::raw(500));
    let simulator = Simulator::start(scenario).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (reply, took) = timed(plain(&simulator)).await;
        seen.push((
            reply.status(),
            reply.header("x-should-retry").is_some(),
            took >= 30 * MS,
        ));
    }
    assert_eq!(
        seen.iter().map(|(status, ..)| *status).collect::<Vec<_>>(),
        [200, 529, 529, 200]
    );
    assert_eq!((seen[1].1, seen[2].1, seen[2].2), (false, true, true));
}

#[tokio::test]
async fn faults_strike_other_paths_and_those_only() {
    let scenario = Scenario::script(vec![text()])
        .with(When::always().path("/v1/models*"), Reply::html_gateway(503));
    let simulator = Simulator::start(scenario).await.unwrap();
    let models = "GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\nanthropic-version: 2023-06-01\r\n\r\n";
    assert_eq!(exchange(&simulator, models).await.status(), 503);
    assert_eq!(plain(&simulator).await.status(), 200);
}

#[tokio::test]
async fn a_connection_is_closed_when_it_is_used_again() {
    let scenario = Scenario::script(vec![text()]).with(
        When::always().on_reused_connection(),
        Reply::close_without_reply(),
    );
    let simulator = Simulator::start(scenario).await.unwrap();
    let mut connection = connect(&simulator).await;
    let keep = request("true").replace("connection: close\r\n", "");
    connection.write_all(keep.as_bytes()).await.unwrap();
    read_until(&mut connection, "0\r\n\r\n").await;
    connection.write_all(keep.as_bytes()).await.unwrap();
    let second = read_to_end(&mut connection).await;
    assert_eq!((second.text(), second.end), ("", End::Closed));
    assert_eq!(
        stream(&simulator).await.status(),
        200,
        "a new connection is served"
    );
    let journal = simulator.journal();
    assert_eq!(journal[1].ending, Ending::Cut);
    assert_eq!(
        journal
            .iter()
            .map(|entry| entry.connection)
            .collect::<Vec<_>>(),
        [1, 1, 2]
    );
}

#[tokio::test]
async fn a_redirect_leads_to_a_trap_that_tells_what_it_was_given() {
    let simulator = simulator(Reply::redirect_to_trap(307)).await;
    let reply = plain(&simulator).await;
    let target = reply.header("location").unwrap().to_owned();
    assert_eq!((reply.status(), reply.rest()), (307, ""));
    assert!(
        target.starts_with("http://127.0.0.1:") && !target.starts_with(simulator.base_url()),
        "{target}"
    );
    assert!(simulator.trap().is_empty() && simulator.verdict().is_clean());
    let port: u16 = target["http://127.0.0.1:".len()..]
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut connection = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    connection
        .write_all(request("false").replace("/v1/messages", "/trap").as_bytes())
        .await
        .unwrap();
    assert_eq!(read_to_end(&mut connection).await.status(), 200);
    let caught = &simulator.trap()[0];
    assert_eq!((caught.path.as_str(), caught.carried_key), ("/trap", true));
    assert_eq!(simulator.verdict().findings()[0].rule, Rule::LeakedKey);
    let shown = exchange(
        &simulator,
        "GET /_simulator/trap HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(shown.rest().contains(r#""carried_key":true"#) && !shown.text().contains("secret"));
}

pub(crate) async fn is_refused(simulator: &Simulator) -> bool {
    let attempt = tokio::net::TcpStream::connect(("127.0.0.1", simulator.port())).await;
    attempt.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// Waits for the hour at which somebody answers.
pub(crate) async fn opened(simulator: &Simulator) {
    let open = async {
        while is_refused(simulator).await {
            rest(5 * MS).await;
        }
    };
    soon(open).await;
}

#[tokio::test]
async fn connections_are_refused_for_a_while_and_then_no_more() {
    let scenario = Scenario::script(vec![text()]).refused_during(Duration::ZERO..400 * MS);
    let simulator = Simulator::start(scenario).await.unwrap();
    assert!(is_refused(&simulator).await);
    opened(&simulator).await;
    assert_eq!(plain(&simulator).await.status(), 200);
}

#[tokio::test]
async fn overload_comes_of_itself_when_all_slots_are_taken() {
    let capacity = Capacity::slots(1)
        .first_token(200 * MS)
        .tokens_per_second(std::num::NonZeroU32::new(1_000).unwrap());
    let simulator = Simulator::start(Scenario::script(vec![text()]).capacity(capacity))
        .await
        .unwrap();
    let ((first, took), second) = tokio::join!(timed(stream(&simulator)), async {
        first_entry(&simulator, |entry| entry.body_bytes > 0).await;
        stream(&simulator).await
    });
    assert_eq!((first.status(), second.status()), (200, 529));
    assert!(
        second
            .rest()
            .contains(r#""type":"overloaded_error","message":"Overloaded""#)
    );
    assert!(took >= 200 * MS, "first token and the rest: {took:?}");
    assert_eq!(stream(&simulator).await.status(), 200, "and it is over");
}
