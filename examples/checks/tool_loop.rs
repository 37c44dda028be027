//! The loop of tools: what a model gets of a folder, and what a person lets it do.

use std::path::Path;
use std::process::Stdio;

use evenkeel_simulator::{Answer, Reply};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::{LIMIT, api, busy, command, run};

#[tokio::test]
async fn the_model_reads_a_file_and_deletes_none_that_a_person_keeps() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tool-loop");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("note.txt"), "Buy milk.").unwrap();
    let read = Answer::new().tool_use("read_file", r#"{"name":"note.txt"}"#);
    let delete = Answer::new().tool_use("delete_file", r#"{"name":"note.txt"}"#);
    let replies = || {
        let (read, delete) = (read.clone(), delete.clone());
        let said = Reply::message("It says: buy milk.");
        vec![Reply::answer(read), busy(), Reply::answer(delete), said]
    };
    let path = env!("CARGO_BIN_EXE_tool-loop");

    // Nobody is at the terminal, and so nobody says yes.
    let alone = api(replies()).await;
    let mut program = command(path, &alone);
    let program = program.arg(&folder).arg("What is in note.txt?");
    let (shown, asked) = run(program.stdin(Stdio::null())).await;
    assert_eq!(shown, "It says: buy milk.\n");
    assert!(asked.contains("delete_file"), "{asked}");
    assert!(folder.join("note.txt").exists());
    assert_eq!(alone.journal().len(), 4);
    assert!(alone.journal()[2].body.contains("Buy milk."));
    assert!(alone.journal()[3].body.contains("The user said no."));

    let watched = api(replies()).await;
    let mut program = command(path, &watched);
    let program = program.arg(&folder).arg("What is in note.txt?");
    let mut child = program.stdin(Stdio::piped()).spawn().unwrap();
    let mut person = child.stdin.take().unwrap();
    person.write_all(b"y\n").await.unwrap();
    let ended = timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    assert!(ended.success() && !folder.join("note.txt").exists());
    assert!(watched.journal()[3].body.contains("Deleted."));
}

#[tokio::test]
async fn the_model_gets_nothing_hidden_and_nothing_from_outside_of_the_folder() {
    let around = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tool-loop-around");
    let folder = around.join("notes");
    let _ = std::fs::remove_dir_all(&around);
    std::fs::create_dir_all(folder.join(".git")).unwrap();
    for path in ["../outside", ".env", ".git/config"] {
        std::fs::write(folder.join(path), "planted").unwrap();
    }
    let mut names = vec!["../outside", ".env", ".git/config", ".", "none"];
    #[cfg(unix)]
    for (link, to) in [("link", "../outside"), ("to-hidden", ".env")] {
        std::os::unix::fs::symlink(to, folder.join(link)).unwrap();
        names.push(link);
    }
    let absolute = around.join("outside");
    names.push(absolute.to_str().unwrap());
    let calls = names.iter().fold(Answer::new(), |answer, name| {
        answer.tool_use("read_file", json!({ "name": name }).to_string())
    });
    let api = api(vec![Reply::answer(calls), Reply::message("Nothing.")]).await;
    let mut program = command(env!("CARGO_BIN_EXE_tool-loop"), &api);

    let _ = run(program
        .arg(&folder)
        .arg("What is there?")
        .stdin(Stdio::null()))
    .await;

    let told = &api.journal()[1].body;
    assert_eq!(
        told.matches(r#""is_error":true"#).count(),
        names.len(),
        "{told}"
    );
    assert!(!told.contains("planted"), "{told}");
}
