//! A job over a file, a question a line, that nobody watches. It waits out an outage of hours, and
//! started again it goes on. `cargo run -p evenkeel-examples --bin batch-job -- in.txt out.jsonl`
#![allow(clippy::print_stderr, reason = "it says what it could not do")]

mod answers;

use std::{env, fs, process::ExitCode};

use answers::Answers;
use evenkeel::{Category, Client, MessageRequest, Patience};
use evenkeel_examples::exit::{self, Usage};
use futures_util::{StreamExt as _, stream};

#[tokio::main]
async fn main() -> ExitCode {
    exit::code(job().await)
}

async fn job() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = env::args().skip(1);
    let mut path = || paths.next().ok_or(Usage("batch-job QUESTIONS ANSWERS"));
    let (questions, answers) = (path()?, path()?);
    let questions = fs::read_to_string(&questions).map_err(|e| format!("{questions}: {e}"))?;
    let mut answers = Answers::open(&answers).map_err(|e| format!("{answers}: {e}"))?;
    let mut left: Vec<_> = (1_u64..).zip(questions.lines()).collect();
    left.retain(|(line, _)| !answers.has(*line));

    let calls = Client::from_env()?.messages();
    let calls = calls.patience(Patience::Unattended);
    let ask = |(line, question): (u64, &str)| {
        let request = MessageRequest::new("claude-haiku-5-5", 1024).user(question);
        let call = calls.create(request);
        async move { (line, call.await) }
    };
    // Those that the limits of the account hold up wait inside the client.
    let mut replies = stream::iter(left).map(ask).buffer_unordered(8);
    let mut unanswered = None;
    while let Some((line, outcome)) = replies.next().await {
        match outcome {
            Ok(reply) => answers.add(line, &reply)?,
            Err(error) => {
                eprintln!("line {line}: {error}");
                let stops = matches!(error.category(), Category::Authentication | Category::Local);
                unanswered = Some(error);
                // One question that cannot be asked is no reason to stop; an account to mend is.
                if stops {
                    break;
                }
            }
        }
    }
    // Not all is done: the last failure says it, and its exit code.
    unanswered.map_or(Ok(()), |error| Err(error.into()))
}
