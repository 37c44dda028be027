//! A model that may read the files of a folder, and delete one if a person lets it.
//! `cargo run -p evenkeel-examples --bin tool-loop -- "What is in note.txt?"`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a dialogue")]

use std::{env, fs, io, path::PathBuf};

use evenkeel::messages::ToolUse;
use evenkeel::schemars::{self, JsonSchema};
use evenkeel::{Approval, Client, FunctionTool, MessageRequest, RunEnding};

#[derive(serde::Deserialize, JsonSchema)]
struct File {
    /// Its name, without a folder.
    name: String,
}

/// A file of the working folder, and none above it.
fn own(file: &File) -> io::Result<PathBuf> {
    let path = PathBuf::from(&file.name).canonicalize()?;
    if path.parent() == Some(&env::current_dir()?.canonicalize()?) {
        return Ok(path);
    }
    Err(io::ErrorKind::PermissionDenied.into())
}

async fn read(file: File) -> io::Result<String> {
    fs::read_to_string(own(&file)?) // an error goes to the model, in its own words
}

async fn delete(file: File) -> io::Result<&'static str> {
    fs::remove_file(own(&file)?).map(|()| "Deleted.")
}

fn ask(call: &ToolUse) -> Approval {
    if call.name == "read_file" {
        return Approval::Approve;
    }
    eprintln!("{} {}: let it? y/n", call.name, call.input.get());
    match io::stdin().lines().next() {
        Some(Ok(said)) if said.trim() == "y" => Approval::Approve,
        _ => Approval::refuse("The user said no."),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let question = env::args().nth(1).unwrap_or("What is in note.txt?".into());
    let request = MessageRequest::new("claude-sonnet-5-5", 4096).user(question);
    let runner = Client::from_env()?.messages().tool_runner(request);
    let runner = runner.tool(FunctionTool::new("read_file", "Reads a file.", read));
    let runner = runner.tool(FunctionTool::new("delete_file", "Deletes one.", delete));
    let runner = runner.approval(|call| async move { ask(&call) });
    let run = runner.max_steps(20).run().await?;
    println!("{}", run.reply.text());
    match run.ending {
        RunEnding::Answered => Ok(()),
        other => Err(format!("no answer: {other}").into()),
    }
}
