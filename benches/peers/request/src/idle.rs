//! What a stream that waits holds on to.

use peers_table::heap::counted;
use peers_table::{Aim, Row, Table};
use tokio::runtime::Runtime;

use crate::contenders;

const STREAMS: usize = 1_000;

pub fn print(runtime: &Runtime) {
    let server = peers_server::idle();
    let url = format!("http://{server}/v1/messages");
    let bare = reqwest::Client::new();
    let (responses, reqwests) = counted(|| {
        runtime.block_on(async {
            let mut open = Vec::with_capacity(STREAMS);
            for _ in 0..STREAMS {
                let mut response = bare.post(&url).body("{}").send().await.expect("a head");
                response.chunk().await.expect("a chunk");
                open.push(response);
            }
            open
        })
    });
    drop(responses);
    let client = contenders::client(server);
    let (streams, ours) = counted(|| {
        runtime.block_on(async {
            let mut open = Vec::with_capacity(STREAMS);
            for _ in 0..STREAMS {
                let request = evenkeel::MessageRequest::new("claude-sonnet-5-5", 64).user("Hello");
                let mut stream = client.messages().stream(request).await.expect("a beginning");
                stream.next().await.expect("an event").expect("a sound one");
                open.push(stream);
            }
            open
        })
    });
    let each = |kept: isize| kept as f64 / STREAMS as f64 / 1024.0;
    Table::new("KiB")
        .row(Row {
            what: "an idle stream, of 1,000 in one process",
            ours: each(ours.kept),
            rivals: vec![],
            floor: Some(("reqwest", each(reqwests.kept))),
            aims: vec![Aim::OverFloor(32.0)],
        })
        .print();
    drop(streams);
}
