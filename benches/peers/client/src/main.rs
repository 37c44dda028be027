//! One whole call and one whole stream over keep-alive loopback, through the client and the clients of others, all of
//! them asking for the same message. CPU and wall time of the client's thread, the server on another core; allocations.

mod by_hand;
mod ours;
mod rivals;

use std::pin::Pin;
use std::time::Instant;

use peers_table::heap::{Counting, counted};
use peers_table::{Aim, Row, Table, median, on_cpu, ratio};
use rivals::{claude_api, crimson_crab, genai, rig_core};

#[global_allocator]
static HEAP: Counting = Counting;

/// Each once a round, so that a slow moment of the machine hits all of them; and rotated, so that nobody is always
/// the first after a pause.
const ROUNDS: usize = 20;
const CALLS: u32 = 200;

const MODEL: &str = "claude-sonnet-5-5";
const PROMPT: &str = "What keeps a boat upright?";
const KEY: &str = "sk-ant-api03-bench";

/// One whole call: the bytes of its text.
type Call = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = usize>>>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Streamed,
}

struct Contender {
    kind: Kind,
    name: &'static str,
    call: Call,
    /// Microseconds a call, a sample a round.
    cpu: Vec<f64>,
    wall: Vec<f64>,
    allocations: f64,
}

const BY_HAND: &str = "reqwest + serde";
const RIVALS: [&str; 4] = ["claude-api", "crimson-crab", "genai", "rig-core"];

fn main() {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.first().copied()) {
        core_affinity::set_for_current(core);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = peers_server::plain_or_streamed();
    let mut contenders: Vec<Contender> = [
        (Kind::Plain, BY_HAND, by_hand::plain(server)),
        (Kind::Plain, "ours, `Fetch::Plain`", ours::plain(server)),
        (Kind::Plain, "claude-api", claude_api::plain(server)),
        (Kind::Plain, "crimson-crab", crimson_crab::plain(server)),
        (Kind::Plain, "genai", genai::plain(server)),
        (Kind::Plain, "rig-core", rig_core::plain(server)),
        (Kind::Streamed, BY_HAND, by_hand::streamed(server)),
        (
            Kind::Streamed,
            "reqwest + eventsource-stream + serde",
            by_hand::streamed_by_a_crate(server),
        ),
        (Kind::Streamed, "ours, `create`", ours::create(server)),
        (Kind::Streamed, "ours, `stream`", ours::stream(server)),
        (Kind::Streamed, "claude-api", claude_api::streamed(server)),
        (
            Kind::Streamed,
            "crimson-crab",
            crimson_crab::streamed(server),
        ),
        (Kind::Streamed, "genai", genai::streamed(server)),
        (Kind::Streamed, "rig-core", rig_core::streamed(server)),
    ]
    .into_iter()
    .map(|(kind, name, call)| Contender {
        kind,
        name,
        call,
        cpu: vec![],
        wall: vec![],
        allocations: 0.0,
    })
    .collect();
    let text = runtime.block_on((contenders[0].call)());
    for contender in &mut contenders {
        runtime.block_on(run(&mut contender.call, 100, text));
        let ((), used) = counted(|| runtime.block_on(run(&mut contender.call, CALLS, text)));
        contender.allocations = used.calls as f64 / f64::from(CALLS);
    }
    for round in 0..ROUNDS {
        for step in 0..contenders.len() {
            let at = (round + step) % contenders.len();
            let contender = &mut contenders[at];
            let (cpu, wall) = (on_cpu(), Instant::now());
            runtime.block_on(run(&mut contender.call, CALLS, text));
            let per_call = |nanos: f64| nanos / f64::from(CALLS) / 1e3;
            contender.cpu.push(per_call(on_cpu() - cpu));
            contender
                .wall
                .push(per_call(wall.elapsed().as_nanos() as f64));
        }
    }
    println!(
        "One message of {text} bytes; streamed, {} events.\n",
        peers_server::EVENTS
    );
    list("plain call", Kind::Plain, &contenders);
    list("stream", Kind::Streamed, &contenders);
    println!("Ratios are medians of the rounds' own.\n");
    compare(&contenders);
}

async fn run(call: &mut Call, calls: u32, text: usize) {
    for _ in 0..calls {
        assert_eq!(call().await, text, "everybody gets the whole text");
    }
}

fn of<'a>(contenders: &'a [Contender], kind: Kind, name: &str) -> &'a Contender {
    let found = contenders
        .iter()
        .find(|contender| contender.kind == kind && contender.name == name);
    found.expect("a contender")
}

fn list(title: &str, kind: Kind, contenders: &[Contender]) {
    let base = of(contenders, kind, BY_HAND);
    println!("| {title} | CPU, µs | CPU × | wall, µs | wall × | allocations | over the base |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for contender in contenders.iter().filter(|contender| contender.kind == kind) {
        println!(
            "| {} | {:.1} | {:.3} | {:.1} | {:.3} | {:.1} | {:+.1} |",
            contender.name,
            median(&contender.cpu),
            ratio(&contender.cpu, &base.cpu),
            median(&contender.wall),
            ratio(&contender.wall, &base.wall),
            contender.allocations,
            contender.allocations - base.allocations,
        );
    }
    println!();
}

/// Like with like, and what a program gets that writes the shortest thing: the default `create`, which streams, beside
/// the call that the others' shortest thing is.
fn compare(contenders: &[Contender]) {
    let cases = [
        (
            "a plain call",
            "ours, `Fetch::Plain`",
            Kind::Plain,
            Kind::Plain,
        ),
        (
            "every event of a stream",
            "ours, `stream`",
            Kind::Streamed,
            Kind::Streamed,
        ),
        (
            "default `create`, beside streams",
            "ours, `create`",
            Kind::Streamed,
            Kind::Streamed,
        ),
        (
            "default `create`, beside plain calls",
            "ours, `create`",
            Kind::Streamed,
            Kind::Plain,
        ),
    ];
    let (mut cpu, mut allocations) = (Table::new("times the base"), Table::new("allocations"));
    for (what, name, kind, beside) in cases {
        // A stream has two hundred times the pieces of a plain reply: what it costs is said, and aims at nothing.
        let aims = if kind == beside {
            vec![Aim::TimesRival(1.0)]
        } else {
            vec![]
        };
        let (ours, base) = (of(contenders, kind, name), of(contenders, beside, BY_HAND));
        let rivals = RIVALS.map(|name| of(contenders, beside, name));
        cpu = cpu.row(Row {
            what,
            ours: ratio(&ours.cpu, &base.cpu),
            rivals: rivals
                .map(|rival| (rival.name, ratio(&rival.cpu, &base.cpu)))
                .to_vec(),
            floor: Some((BY_HAND, 1.0)),
            aims: aims.clone(),
        });
        allocations = allocations.row(Row {
            what,
            ours: ours.allocations,
            rivals: rivals.map(|rival| (rival.name, rival.allocations)).to_vec(),
            floor: Some((BY_HAND, base.allocations)),
            aims,
        });
    }
    cpu.print();
    allocations.print();
}
