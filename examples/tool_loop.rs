//! A model that may read the files of a folder and ask to delete one, with a person who approves.
//! `cargo run -p evenkeel-examples --bin tool-loop -- FOLDER "What is in here?"`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a dialogue")]

use std::{env, fs, io, path::PathBuf};

use evenkeel::schemars::{self, JsonSchema};
use evenkeel::{Approval, Client, FunctionTool, MessageRequest, RunEnding};

#[derive(serde::Deserialize, JsonSchema)]
struct File {
    /// Its name, without a folder.
    name: String,
}

/// The model names a file and nothing above it.
fn within(folder: &PathBuf, file: &File) -> io::Result<PathBuf> {
    let path = folder.join(&file.name).canonicalize()?;
    let inside = path.parent() == Some(&folder.canonicalize()?);
    inside.then_some(path).ok_or(io::ErrorKind::PermissionDenied.into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or("usage: tool-loop FOLDER QUESTION")?);
    let request = MessageRequest::new("claude-sonnet-5-5", 4096);
    let request = request.user(words.next().unwrap_or("What is in here?".into()));

    let at = folder.clone();
    let read = FunctionTool::new("read_file", "Reads a file.", move |file: File| {
        let text = within(&at, &file).and_then(fs::read_to_string);
        async { text } // an error goes to the model, in its own words
    });
    let delete = FunctionTool::new("delete_file", "Deletes a file.", move |file: File| {
        let done = within(&folder, &file).and_then(fs::remove_file);
        async { done.map(|()| "Deleted.") }
    });
    let client = Client::from_env()?;
    let runner = client.messages().tool_runner(request).tool(read).tool(delete);
    let runner = runner.approval(|call| async move {
        if call.name == "read_file" {
            return Approval::Approve;
        }
        eprintln!("It wants to {}: {}. Enter y to let it.", call.name, call.input.get());
        let mut answer = String::new();
        let said = io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "y";
        if said { Approval::Approve } else { Approval::refuse("The user said no.") }
    });
    let run = runner.max_steps(20).run().await?;
    println!("{}", run.reply.text());
    match run.ending {
        RunEnding::Answered => Ok(()),
        other => Err(format!("no answer: {other}").into()),
    }
}
