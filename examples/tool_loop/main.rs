//! A model that may read the files of a folder, and delete one if a person lets it.
//! `cargo run -p evenkeel-examples --bin tool-loop -- notes "What is in note.txt?"`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a dialogue")]

mod folder;

use std::{env, io, process::ExitCode};

use evenkeel::messages::ToolUse;
use evenkeel::schemars::{self, JsonSchema};
use evenkeel::{Approval, Client, FunctionTool, MessageRequest, RunEnding};
use evenkeel_examples::exit::{self, Usage};
use folder::Folder;

#[derive(serde::Deserialize, JsonSchema)]
struct File {
    /// Its path within the folder.
    name: String,
}

async fn ask(call: ToolUse) -> Approval {
    if call.name == "read_file" {
        return Approval::Approve;
    }
    eprintln!("{} {}: let it? y/n", call.name, call.input.get());
    // A person takes a while: the runtime has other things to do, and so does its only thread.
    let said = tokio::task::spawn_blocking(|| io::stdin().lines().next());
    match said.await {
        Ok(Some(Ok(said))) if said.trim() == "y" => Approval::Approve,
        _ => Approval::refuse("The user said no."),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit::code(answer().await)
}

async fn answer() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = env::args().skip(1);
    let mut word = || words.next().ok_or(Usage("tool-loop FOLDER QUESTION"));
    let folder = Folder::open(&word()?).await?;
    let request = MessageRequest::new("claude-sonnet-5-5", 4096).user(word()?);
    // An error of a tool goes to the model, in its own words.
    let read = move |file: File| folder.read(file.name);
    let delete = move |file: File| folder.delete(file.name);
    let runner = Client::from_env()?.messages().tool_runner(request);
    let runner = runner.tool(FunctionTool::new("read_file", "Reads a file.", read));
    let runner = runner.tool(FunctionTool::new("delete_file", "Deletes one.", delete));
    let run = runner.approval(ask).max_steps(20).run().await?;
    println!("{}", run.reply.text());
    match run.ending {
        RunEnding::Answered => Ok(()),
        other => Err(format!("no answer: {other}").into()),
    }
}
