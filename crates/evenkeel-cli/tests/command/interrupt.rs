//! Ctrl-C.
#![cfg(unix)]

use std::time::Duration;

use evenkeel_simulator::{Ending, Reply};

use super::api::Api;
use super::process::{Finished, Running, evenkeel, eventually};

const NEVER: Duration = Duration::from_secs(3_600);

/// Well under any wait here, and long enough for a busy machine.
const PROMPTLY: Duration = Duration::from_secs(5);

fn interrupted(mut command: Running) -> Finished {
    command.interrupt();
    command.ends();
    let run = command.finish();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.took < PROMPTLY, "{run:?}");
    run
}

#[test]
fn it_ends_a_wait() {
    let args = [
        "ask",
        "hi",
        "--simulate",
        "rate-limited-for-hours",
        "--patience",
        "unattended",
    ];
    let mut command = evenkeel(args).start();
    command.err_until("waiting 3h");
    let run = interrupted(command);
    assert_eq!(run.out, "");
    let last = run.err.lines().last().unwrap();
    assert!(
        last.starts_with("evenkeel: cancelled after 1 attempt, "),
        "{run:?}"
    );
    assert!(!last.contains("printed"), "{run:?}");
}

#[test]
fn it_ends_a_call_that_waits_for_its_reply_and_the_server_sees_the_client_leave() {
    let api = Api::script(vec![Reply::message("Late.").pause_before_head(NEVER)]);
    let command = evenkeel(["ask", "hi", "--json", "--base-url", api.base_url()]).start();
    eventually("the request", || !api.journal().is_empty());
    let run = interrupted(command);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
    eventually("the end", || api.request().ending == Ending::Abandoned);
}

#[test]
fn it_ends_a_stream_and_leaves_what_was_printed() {
    let reply = Reply::message("Some words, and then a silence without an end.")
        .pause_after_events(4, NEVER);
    let api = Api::script(vec![reply]);
    let mut command = evenkeel(["ask", "hi", "--stream", "--base-url", api.base_url()]).start();
    command.out_until("Some");
    let run = interrupted(command);
    assert!(run.out.starts_with("Some"), "{run:?}");
    assert!(
        run.err.starts_with("evenkeel: cancelled after 1 attempt, "),
        "{run:?}"
    );
    let part = "; what was printed is a part of the reply, not all of it\n";
    assert!(run.err.ends_with(part), "{run:?}");
    assert_eq!(run.err.lines().count(), 1, "{run:?}");
}

#[test]
fn it_ends_the_simulator() {
    let mut command = evenkeel(["simulate"]).start();
    command.out_until("\n");
    command.err_until("Ctrl-C stops it");
    interrupted(command);
}

#[test]
fn it_ends_the_demonstration() {
    let mut command = evenkeel(["demo"]).start();
    command.out_until("\n");
    interrupted(command);
}

#[cfg(target_os = "linux")]
#[test]
fn it_ends_a_command_that_waits_for_its_input() {
    for args in [
        &["ask", "--simulate", "healthy"][..],
        &["ask", "--simulate", "healthy", "--request", "-"],
        &["explain", "--status", "429", "--body", "-"],
    ] {
        let command = evenkeel(args).input([]).start();
        command.listens();
        interrupted(command);
    }
}

#[test]
fn it_ends_a_command_whose_output_nobody_reads_on() {
    let long = "More than a pipe holds. ".repeat(5_000);
    let api = Api::script(vec![Reply::message(&long)]);
    let mut command = evenkeel(["ask", "hi", "--max-tokens", "32000"])
        .arg("--base-url")
        .arg(api.base_url())
        .start();
    command.out_until("More than");
    let run = interrupted(command);
    assert!(run.out.len() < long.len(), "{}", run.out.len());
}
