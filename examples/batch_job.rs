//! A job over a file, a question a line, that nobody watches. It waits out an outage of hours, and
//! started again it goes on. `cargo run -p evenkeel-examples --bin batch-job -- in.txt out.jsonl`
#![allow(clippy::print_stderr, reason = "it says what it could not do")]

use std::{collections::HashSet, env, error::Error as StdError, fs, io::Write as _};

use evenkeel::{Category, Client, MessageRequest, Patience};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let mut paths = env::args().skip(1);
    let mut path = || paths.next().ok_or("usage: batch-job QUESTIONS ANSWERS");
    let (questions, answers) = (path()?, path()?);
    let questions = fs::read_to_string(&questions).map_err(|e| format!("{questions}: {e}"))?;
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&answers)?;
    let written = fs::read_to_string(&answers)?;
    if !written.is_empty() && !written.ends_with('\n') {
        writeln!(file)?; // The last run was killed within a line: it is asked again.
    }
    let parse = |text| serde_json::from_str::<Value>(text).ok();
    let line_of = |text| parse(text)?.get("line")?.as_u64();
    let done: HashSet<u64> = written.lines().filter_map(line_of).collect();
    let left = (1_u64..)
        .zip(questions.lines())
        .filter(|(line, _)| !done.contains(line));

    let calls = Client::from_env()?
        .messages()
        .patience(Patience::Unattended);
    let ask = |(line, question): (u64, &str)| {
        let request = MessageRequest::new("claude-haiku-5-5", 1024).user(question);
        let call = calls.create(request);
        async move { (line, call.await) }
    };
    // Those that the limits of the account hold up wait inside the client.
    let mut replies = stream::iter(left).map(ask).buffer_unordered(8);
    while let Some((line, outcome)) = replies.next().await {
        match outcome {
            Ok(reply) => {
                let stop = &reply.stop_reason; // a refusal, an answer that was cut short?
                let entry = json!({ "line": line, "stop": stop, "answer": reply.text() });
                writeln!(file, "{entry}")?;
            }
            // One question that cannot be asked is no reason to stop; an account to mend is.
            Err(e) if e.category() == Category::InvalidRequest => eprintln!("line {line}: {e}"),
            Err(error) => return Err(format!("line {line}: {}", error.report()).into()),
        }
    }
    Ok(())
}
