//! A plain call over keep-alive loopback: bare hyper, bare reqwest, ours with each layer added, and the rivals. CPU
//! and wall time of the client's thread, the server on another core; allocations; and what an idle stream holds.

mod contenders;
mod idle;
mod scripted;

use std::time::Instant;

use contenders::Call;
use peers_table::heap::{Counting, counted};
use peers_table::{Aim, Row, Table, median, on_cpu, ratio};

#[global_allocator]
static HEAP: Counting = Counting;

/// Each once a round, so that a slow moment of the machine hits all of them; and rotated, so that nobody is always
/// the first after the same neighbour.
const ROUNDS: usize = 20;
const CALLS: u32 = 1_000;

struct Contender {
    name: &'static str,
    call: Call,
    /// Microseconds a call, a sample a round.
    cpu: Vec<f64>,
    wall: Vec<f64>,
    allocations: f64,
}

fn main() {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.first().copied()) {
        core_affinity::set_for_current(core);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = peers_server::plain();
    let mut contenders: Vec<Contender> = [
        ("hyper", contenders::hyper(server)),
        ("reqwest", contenders::reqwest_only(server)),
        ("reqwest + serde", contenders::reqwest_and_serde(server)),
        ("reqwest + serde, whole message", contenders::reqwest_and_whole_message(server)),
        ("our transport + serde", contenders::ours_transport(server)),
        ("our transport + messages", contenders::ours_transport_and_messages(server)),
        ("ours, all layers", contenders::ours(server)),
        ("claude-api", contenders::claude_api(server)),
        ("crimson-crab", contenders::crimson_crab(server)),
        ("genai", contenders::genai(server)),
        ("no socket: by hand", scripted::by_hand()),
        ("no socket: all layers", scripted::all_layers()),
    ]
    .into_iter()
    .map(|(name, call)| Contender {
        name,
        call,
        cpu: vec![],
        wall: vec![],
        allocations: 0.0,
    })
    .collect();
    // `peers-request 'ours, all layers' 1000`: that one alone, so often, for a profiler to look at.
    let mut arguments = std::env::args().skip(1);
    if let (Some(name), Some(calls)) = (arguments.next(), arguments.next()) {
        let calls = calls.parse().expect("a number of calls");
        let contender = contenders.iter_mut().find(|contender| contender.name == name);
        runtime.block_on(run(&mut contender.expect("a contender").call, calls));
        return;
    }
    for contender in &mut contenders {
        runtime.block_on(run(&mut contender.call, 200));
        let ((), used) = counted(|| runtime.block_on(run(&mut contender.call, 500)));
        contender.allocations = used.calls as f64 / 500.0;
    }
    for round in 0..ROUNDS {
        for step in 0..contenders.len() {
            let at = (round + step) % contenders.len();
            let contender = &mut contenders[at];
            let (cpu, wall) = (on_cpu(), Instant::now());
            runtime.block_on(run(&mut contender.call, CALLS));
            let per_call = |nanos: f64| nanos / f64::from(CALLS) / 1e3;
            contender.cpu.push(per_call(on_cpu() - cpu));
            contender.wall.push(per_call(wall.elapsed().as_nanos() as f64));
        }
    }
    print(&contenders);
    idle::print(&runtime);
}

async fn run(call: &mut Call, calls: u32) {
    for _ in 0..calls {
        assert!(call().await > 0, "a reply has content");
    }
}

fn print(contenders: &[Contender]) {
    let of = |name: &str| contenders.iter().find(|contender| contender.name == name).expect("a contender");
    let (base, ours) = (of("reqwest + serde"), of("ours, all layers"));
    println!("| plain call | CPU, µs | CPU × | wall, µs | wall × | allocations | over the base |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for contender in contenders {
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
    println!("\nRatios are medians of the rounds' own.\n");
    let rivals = ["claude-api", "crimson-crab", "genai"].map(|name| of(name));
    Table::new("times the base")
        .row(Row {
            what: "CPU of a plain call",
            ours: ratio(&ours.cpu, &base.cpu),
            rivals: rivals.map(|rival| (rival.name, ratio(&rival.cpu, &base.cpu))).to_vec(),
            floor: Some(("reqwest + serde", 1.0)),
            aims: vec![Aim::TimesFloor(1.06), Aim::TimesRival(1.0)],
        })
        .print();
    Table::new("allocations")
        .row(Row {
            what: "allocations of a plain call",
            ours: ours.allocations,
            rivals: rivals.map(|rival| (rival.name, rival.allocations)).to_vec(),
            floor: Some(("reqwest + serde", base.allocations)),
            aims: vec![Aim::OverFloor(8.0), Aim::TimesRival(1.0)],
        })
        .print();
}
