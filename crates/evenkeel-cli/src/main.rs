#![doc = include_str!("../README.md")]

mod ask;
mod clock;
mod command_line;
mod demo;
mod exit;
mod explain;
mod input;
mod outcome;
mod progress;
mod simulate;
mod terminal;
mod timeline;

use std::process::ExitCode;

use clap::Parser as _;

use crate::command_line::{Command, CommandLine};
use crate::exit::{Exit, Mistake};

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return say(&Mistake::system("the runtime could not be started", &error)),
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            biased;
            // Dropping the command releases what it holds; nothing is left behind.
            _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
            outcome = run(command_line) => outcome,
        }
    });
    match outcome {
        Ok(exit) => exit.into(),
        Err(mistake) => say(&mistake),
    }
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
    terminal::tell(&mistake.to_string());
    mistake.exit().into()
}
