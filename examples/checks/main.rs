//! The examples as their readers run them: each a process, against a simulated API that fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test panics to fail, and so do the functions it is made of; waits for processes are bounded"
)]

mod gateway;
mod handler;
mod tool_loop;

use std::process::Stdio;
use std::time::Duration;

use evenkeel_simulator::{Cut, Reply, Scenario, Simulator};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
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

/// What it wrote to its two outputs, once it has ended with this code.
async fn end(command: &mut Command, code: i32) -> (String, String) {
    let output = timeout(LIMIT, command.output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

/// What it wrote to its two outputs, once it has ended well.
async fn run(command: &mut Command) -> (String, String) {
    end(command, 0).await
}

/// A server that has said where it listens.
async fn serve(command: &mut Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
    (child, address.unwrap())
}

/// By the caller with this key; an empty one is none.
async fn post(url: &str, key: &str, body: Value) -> (u16, http::HeaderMap, String) {
    let mut request = reqwest::Client::new().post(url);
    if !key.is_empty() {
        request = request.header("x-api-key", key);
    }
    send(request, body).await
}

async fn send(request: reqwest::RequestBuilder, body: Value) -> (u16, http::HeaderMap, String) {
    let request = request.header("content-type", "application/json");
    let reply = timeout(LIMIT, request.body(body.to_string()).send())
        .await
        .unwrap()
        .unwrap();
    let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
    (status, headers, reply.text().await.unwrap_or_default())
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
async fn the_batch_job_goes_past_a_bad_question_and_says_so_in_its_exit_code() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("batch-job-bad");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (questions, answers) = (folder.join("in.txt"), folder.join("out.jsonl"));
    std::fs::write(&questions, "one\ntwo\nthree\n").unwrap();
    let refused = Reply::error(400, "invalid_request_error", "prompt is too long");
    let bad = api(vec![refused, Reply::message("done")]).await;
    let mut job = command(env!("CARGO_BIN_EXE_batch-job"), &bad);

    let (_, says) = end(job.arg(&questions).arg(&answers), 65).await;

    assert_eq!(says.matches("line ").count(), 1, "{says}");
    assert_eq!(
        std::fs::read_to_string(&answers).unwrap().lines().count(),
        2
    );
    assert_eq!(bad.journal().len(), 3);

    let spent = api(vec![Reply::error(
        401,
        "authentication_error",
        "invalid x-api-key",
    )])
    .await;
    let mut job = command(env!("CARGO_BIN_EXE_batch-job"), &spent);
    let _ = end(job.arg(&questions).arg(&answers), 77).await;
    let _ = end(&mut command(env!("CARGO_BIN_EXE_batch-job"), &spent), 2).await;
}

#[tokio::test]
async fn the_editor_shows_what_came_and_marks_it_as_unfinished() {
    let whole = api(vec![busy(), Reply::message("println!();")]).await;
    let (shown, marks) = run(&mut command(env!("CARGO_BIN_EXE_editor"), &whole)).await;
    assert_eq!((shown.as_str(), marks.as_str()), ("println!();", ""));
    assert_eq!(whole.journal().len(), 2);
    assert!(whole.journal().iter().all(|entry| entry.carried_key));

    let text = "a long answer ".repeat(50);
    let cut = api(vec![
        Reply::message(text).cut_after_bytes(1_500, Cut::Reset),
    ])
    .await;
    let (shown, marks) = end(&mut command(env!("CARGO_BIN_EXE_editor"), &cut), 76).await;
    assert!(shown.starts_with("a long answer"), "{shown}");
    assert!(marks.starts_with("\n[unfinished]\ninterrupted"), "{marks}");
    assert_eq!(
        cut.journal().len(),
        1,
        "what is shown is not asked for again"
    );
}

#[tokio::test]
async fn programs_with_a_transport_of_their_own_send_nothing_without_a_key() {
    let api = api(vec![Reply::message("Hello.")]).await;
    let log = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("keyless.jsonl");
    for program in [
        env!("CARGO_BIN_EXE_editor"),
        env!("CARGO_BIN_EXE_own-transport"),
    ] {
        let mut program = command(program, &api);
        let keyless = program.env_remove("ANTHROPIC_API_KEY").arg(&log);
        let (_, says) = end(keyless, 78).await;
        assert!(says.contains("api_key"), "{says}");
    }
    assert!(api.journal().is_empty());
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

#[test]
fn each_example_is_read_in_a_minute() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf(), root.join("parts/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_example = !["checks", "parts"].iter().any(|name| path.ends_with(name));
            if path.is_dir() && folder == root && is_example {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.iter().any(|path| path.ends_with("gateway/main.rs")));
    for path in files {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 60, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_scenario_file_of_the_tutorial_is_one() {
    let page = include_str!("../../docs/tutorial/testing.md");
    let file = page.split("```toml\n").nth(1).unwrap();
    let _ = Scenario::from_toml(file.split("```").next().unwrap()).unwrap();
}
