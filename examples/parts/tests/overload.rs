//! The program, as a process, against an API that is overloaded inside of a 200.
use std::process::Command;

use evenkeel_simulator::{Scenario, Simulator};

#[test]
fn an_overload_inside_of_a_stream_is_tried_again() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let scenario = Scenario::named("overloaded-in-stream").unwrap();
    let api = runtime.block_on(Simulator::start(scenario)).unwrap();
    let address = api.base_url().to_owned();
    let program = std::thread::spawn(move || {
        Command::new(env!("CARGO_BIN_EXE_three-parts"))
            .env_clear()
            .env("ANTHROPIC_BASE_URL", address)
            .env("ANTHROPIC_API_KEY", "sk-ant-api03-planted")
            .output()
            .unwrap()
    });
    let output = runtime.block_on(async {
        while !program.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        program.join().unwrap()
    });

    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && !text.trim().is_empty(),
        "{output:?}"
    );
    let with_key = |entry: &evenkeel_simulator::Entry| entry.carried_key;
    assert!(api.journal().iter().all(with_key), "{:?}", api.journal());
    let statuses: Vec<_> = api.journal().iter().map(|entry| entry.status).collect();
    assert!(
        statuses.len() > 1 && statuses.iter().all(|status| *status == Some(200)),
        "{statuses:?}"
    );
}
