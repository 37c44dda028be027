//! How much one simulator serves: small plain replies a second, concurrent streams, time to start.
//!
//! `cargo run --release -p evenkeel-simulator --example throughput`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it measures real time and prints what it measured"
)]

use std::time::{Duration, Instant};

use evenkeel_simulator::{Reply, Scenario, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 32;
const SPAN: Duration = Duration::from_secs(3);
const STREAMS: usize = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measured());
}

async fn measured() {
    let start = Instant::now();
    let simulator = Simulator::start(Scenario::named("healthy").unwrap())
        .await
        .unwrap();
    println!("start: {:.2?}", start.elapsed());
    let port = simulator.port();

    println!("memory: {} KiB before the first request", memory());
    for round in 1..=2 {
        let (served, rate) = plain_replies(port).await;
        println!(
            "round {round}: {rate:.0} plain replies/s over {CONNECTIONS} connections, the client on the \
             same cores; {} KiB after {served} more",
            memory()
        );
    }
    drop(simulator);

    let slow = Reply::message("x ".repeat(200)).pause_after_events(3, Duration::from_secs(2));
    let simulator = Simulator::start(Scenario::script(vec![slow]))
        .await
        .unwrap();
    let port = simulator.port();
    let mut streams = JoinSet::new();
    let start = Instant::now();
    for _ in 0..STREAMS {
        streams.spawn(async move {
            let mut connection = connected(port).await;
            let request = request("true").replace("host: x", "host: x\r\nconnection: close");
            connection.write_all(request.as_bytes()).await.unwrap();
            let mut reply = Vec::new();
            connection.read_to_end(&mut reply).await.unwrap();
            reply.ends_with(b"0\r\n\r\n")
        });
    }
    let whole = streams
        .join_all()
        .await
        .into_iter()
        .filter(|whole| *whole)
        .count();
    println!(
        "streams: {whole} of {STREAMS} concurrent ones whole after {:.2?}, 2 s of it a scripted pause; {} KiB",
        start.elapsed(),
        memory()
    );
}

/// How many replies came in [`SPAN`], and how many that is a second.
async fn plain_replies(port: u16) -> (u64, f64) {
    let mut clients = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CONNECTIONS {
        clients.spawn(async move {
            let mut connection = connected(port).await;
            let (request, mut buffer, mut served) = (request("false"), vec![0; 8_192], 0_u32);
            while start.elapsed() < SPAN {
                connection.write_all(request.as_bytes()).await.unwrap();
                // A small reply comes in one piece over loopback; what ends with `}` is whole.
                let mut read = 0;
                while read == 0 || buffer.get(read - 1) != Some(&b'}') {
                    let room = buffer.get_mut(read..).unwrap();
                    read += connection.read(room).await.unwrap();
                }
                served += 1;
            }
            served
        });
    }
    let served: u32 = clients.join_all().await.iter().sum();
    let rate = f64::from(served) / start.elapsed().as_secs_f64();
    (served.into(), rate)
}

async fn connected(port: u16) -> TcpStream {
    let connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    connection.set_nodelay(true).unwrap();
    connection
}

fn request(stream: &str) -> String {
    let body = format!(
        r#"{{"model":"m","max_tokens":999,"stream":{stream},"messages":[{{"role":"user","content":"Hi"}}]}}"#
    );
    let length = body.len();
    format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nanthropic-version: 2026-10-21\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// Resident memory of this process, client included; 0 where the system does not say.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
