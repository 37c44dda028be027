#![doc = include_str!("../README.md")]

mod ask;
mod clock;
mod command_line;
mod demo;
mod exit;
mod explain;
mod input;
mod layout;
mod outcome;
mod progress;
mod simulate;
mod terminal;
mod timeline;
mod wording;

use std::process::ExitCode;
use std::time::Duration;

use crate::command_line::{Command, CommandLine};
use crate::exit::{Exit, Mistake};

/// How long a command that was interrupted has to release what it holds.
const FAREWELL: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let outcome = match command_line::read() {
        Ok(command_line) => until_interrupted(command_line),
        Err(answer) => command_line::answer(&answer),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(mistake) => say(&mistake),
    }
}

/// Runs the command to its end, or to Ctrl-C.
///
/// The command has a thread of its own: it may be held up by a pipe that nobody writes or reads,
/// and Ctrl-C ends that too.
fn until_interrupted(command_line: CommandLine) -> Result<Exit, Mistake> {
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| Mistake::system("the runtime could not be started", &error))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            // Ctrl-C is heard before the command begins.
            biased;
            Ok(()) = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
            ended = async { tokio::spawn(run(command_line)).await } => {
                ended.unwrap_or_else(|error| Err(Mistake::system("the command broke off", &error)))
            }
        }
    });
    runtime.shutdown_timeout(FAREWELL);
    outcome
}

async fn run(command_line: CommandLine) -> Result<Exit, Mistake> {
    match command_line.command {
        Command::Ask(options) => ask::run(*options).await,
        Command::Explain(options) => explain::run(&options),
        Command::Simulate(options) => simulate::run(options).await,
        Command::Demo => demo::run().await,
    }
}

/// One clear line: what, where, and what to do.
fn say(mistake: &Mistake) -> ExitCode {
    terminal::tell(mistake);
    mistake.exit().into()
}
