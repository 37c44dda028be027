//! The examples as their readers run them: each a process, against a simulated API that fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test panics to fail, and so do the functions it is made of; waits for processes are bounded"
)]

use std::process::Stdio;
use std::time::Duration;

use evenkeel_simulator::{Answer, Cut, Reply, Scenario, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Far above what any of them takes.
const LIMIT: Duration = Duration::from_mins(1);

async fn api(replies: Vec<Reply>) -> Simulator {
    Simulator::start(Scenario::script(replies)).await.unwrap()
}

fn busy() -> Reply {
    Reply::error(500, "api_error", "Internal server error")
}

fn command(path: &str, api: &Simulator) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("ANTHROPIC_BASE_URL", api.base_url())
        .env("ANTHROPIC_API_KEY", "sk-ant-api03-planted")
        .kill_on_drop(true);
    command
}

/// What it wrote to its two outputs, once it has ended well.
async fn run(command: &mut Command) -> (String, String) {
    let output = timeout(LIMIT, command.output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    (stdout, stderr)
}

/// A server that has said where it listens.
async fn serve(command: &mut Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
    (child, address.unwrap())
}

async fn post(url: &str, key: &str, body: Value) -> (u16, http::HeaderMap, String) {
    let request = reqwest::Client::new().post(url).header("x-api-key", key);
    let request = request.header("content-type", "application/json");
    let reply = timeout(LIMIT, request.body(body.to_string()).send())
        .await
        .unwrap()
        .unwrap();
    let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
    (status, headers, reply.text().await.unwrap_or_default())
}

#[tokio::test]
async fn the_handler_answers_and_says_when_to_come_back() {
    let api = api(vec![
        busy(),
        Reply::message("It is."),
        Reply::rate_limited(Duration::from_hours(1)),
    ])
    .await;
    let (_server, url) = serve(&mut command(env!("CARGO_BIN_EXE_axum-handler"), &api)).await;

    let question = json!({ "question": "Is all well?" });
    let (status, _, body) = post(&url, "", question.clone()).await;
    assert_eq!((status, body.as_str()), (200, r#"{"answer":"It is."}"#));

    let (status, headers, _) = post(&url, "", question).await;
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(status, 503);
    assert!((3_500..=3_700 + 15).contains(&wait), "{wait}");
    assert_eq!(api.journal().len(), 3, "an hour is not waited for");
}

#[tokio::test]
async fn the_batch_job_goes_on_where_it_was_killed() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("batch-job");
    std::fs::create_dir_all(&folder).unwrap();
    let (questions, answers) = (folder.join("in.txt"), folder.join("out.jsonl"));
    std::fs::write(&questions, "one\ntwo\nthree\n").unwrap();
    std::fs::write(
        &answers,
        "{\"answer\":\"1\",\"line\":1}\n{\"answer\":\"2\",\"li",
    )
    .unwrap();
    let api = api(vec![busy(), Reply::message("done")]).await;
    let mut job = command(env!("CARGO_BIN_EXE_batch-job"), &api);

    run(job.arg(&questions).arg(&answers)).await;

    let written = std::fs::read_to_string(&answers).unwrap();
    let mut lines: Vec<u64> = written
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["line"].as_u64())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, [1, 2, 3], "{written}");
    assert_eq!(api.journal().len(), 3, "two questions, one asked twice");
}

#[tokio::test]
async fn the_editor_shows_what_came_and_marks_it_as_unfinished() {
    let whole = api(vec![busy(), Reply::message("println!();")]).await;
    let (shown, marks) = run(&mut command(env!("CARGO_BIN_EXE_editor"), &whole)).await;
    assert_eq!((shown.as_str(), marks.as_str()), ("println!();", ""));
    assert_eq!(whole.journal().len(), 2);

    let text = "a long answer ".repeat(50);
    let cut = api(vec![
        Reply::message(text).cut_after_bytes(1_500, Cut::Reset),
    ])
    .await;
    let (shown, marks) = run(&mut command(env!("CARGO_BIN_EXE_editor"), &cut)).await;
    assert!(shown.starts_with("a long answer"), "{shown}");
    assert!(marks.contains("[unfinished: interrupted"), "{marks}");
    assert_eq!(
        cut.journal().len(),
        1,
        "what is shown is not asked for again"
    );
}

#[tokio::test]
async fn the_gateway_forwards_both_ways_and_keeps_refused_keys_apart() {
    let api = Simulator::start(
        Scenario::script(vec![busy(), Reply::message("Forwarded.")]).key_required(),
    )
    .await
    .unwrap();
    let (_server, base) = serve(&mut command(env!("CARGO_BIN_EXE_gateway"), &api)).await;
    let url = format!("{base}/v1/messages");
    let user = json!([{ "role": "user", "content": "Hi" }]);
    let mut body = json!({ "model": "claude-haiku-5-5", "max_tokens": 9, "messages": user });

    let (status, _, reply) = post(&url, "sk-ant-api03-one", body.clone()).await;
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(
        (status, &reply["content"][0]["text"]),
        (200, &json!("Forwarded."))
    );

    body["stream"] = json!(true);
    let (status, headers, reply) = post(&url, "sk-ant-api03-two", body).await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (200, "text/event-stream")
    );
    assert!(reply.starts_with("event: message_start\n"), "{reply}");
    assert!(
        reply.contains("text_delta") && reply.contains("event: message_stop\n"),
        "{reply}"
    );

    let (status, headers, reply) = post(&url, "sk-ant-api03-one", json!({ "model": 1 })).await;
    assert_eq!(
        (status, headers["x-should-retry"].to_str().unwrap()),
        (400, "false")
    );
    assert!(reply.contains("invalid_config"), "{reply}");
    assert_eq!(api.journal().len(), 3);
}

#[tokio::test]
async fn the_transport_around_another_keeps_what_each_attempt_came_to() {
    let log = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("attempts.jsonl");
    let _ = std::fs::remove_file(&log);
    let api = api(vec![busy(), Reply::message("Hello.")]).await;
    let mut program = command(env!("CARGO_BIN_EXE_own-transport"), &api);

    let (shown, _) = run(program.arg(&log)).await;

    assert_eq!(shown, "Hello.\n");
    let log = std::fs::read_to_string(&log).unwrap();
    let statuses: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses, [500, 200]);
    assert!(!log.contains("planted"), "{log}");
}

#[tokio::test]
async fn the_model_reads_a_file_and_deletes_none_that_a_person_keeps() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("tool-loop");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("note.txt"), "Buy milk.").unwrap();
    let read = Answer::new()
        .tool_use("read_file", r#"{"name":"note.txt"}"#)
        .tool_use("read_file", r#"{"name":"../../secret"}"#);
    let delete = Answer::new().tool_use("delete_file", r#"{"name":"note.txt"}"#);
    let api = api(vec![
        Reply::answer(read),
        busy(),
        Reply::answer(delete),
        Reply::message("It says: buy milk."),
    ])
    .await;
    let mut program = command(env!("CARGO_BIN_EXE_tool-loop"), &api);

    // Nobody is at the terminal, and so nobody says yes.
    let (shown, asked) = run(program.current_dir(&folder).stdin(Stdio::null())).await;

    assert_eq!(shown, "It says: buy milk.\n");
    assert!(asked.contains("delete_file"), "{asked}");
    assert!(folder.join("note.txt").exists());
    assert_eq!(api.journal().len(), 4);
}

#[test]
fn each_example_is_read_in_a_minute() {
    for entry in std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_none_or(|name| name == "tutorial.rs") {
            continue;
        }
        if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines < 60, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn the_scenario_file_of_the_tutorial_is_one() {
    let page = include_str!("../../docs/tutorial/testing.md");
    let file = page.split("```toml\n").nth(1).unwrap();
    let _ = Scenario::from_toml(file.split("```").next().unwrap()).unwrap();
}
