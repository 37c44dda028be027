//! `evenkeel demo`: every fault of the catalogue, one after the other.

use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel::{Client, Error, MessageRequest, Patience, Reply};
use evenkeel_simulator::{Scenario, ScenarioInfo, Simulator};

use crate::clock::Stopwatch;
use crate::exit::{Exit, Mistake};
use crate::timeline::{Timeline, seconds};
use crate::{outcome, terminal};

/// What every wait and every limit is divided by, on both sides of the wire.
const FACTOR: NonZeroU32 = NonZeroU32::new(20).expect("20 is not 0");

/// How far the lines of a text that is too long for one are moved in.
const INDENT: usize = 11;

/// The widest line, for a terminal of 80 columns.
const WIDTH: usize = 79;

pub(crate) async fn run() -> Result<Exit, Mistake> {
    terminal::line(&format!(
        "Every wait and every limit is divided by {FACTOR}, here and in the simulator; the\n\
         times below are what they stand for. Patience is interactive: 30 s, 4 attempts.\n"
    ))?;
    let took = Stopwatch::start();
    let mut rows = Vec::new();
    for info in Scenario::catalogue() {
        rows.push(show(info).await?);
    }
    terminal::line(&format!(
        "{:<24} {:<10} {:>8} {:>8}  exit",
        "scenario", "outcome", "requests", "waited"
    ))?;
    for row in rows {
        terminal::line(&row)?;
    }
    terminal::line(&format!("\nIn all {}.", seconds(took.elapsed())))?;
    Ok(Exit::Complete)
}

/// Plays one scenario, prints its timeline, and returns its row of the table.
async fn show(info: &ScenarioInfo) -> Result<String, Mistake> {
    for line in wrapped(&format!("{}: ", info.name), info.summary) {
        terminal::line(&line)?;
    }
    let simulator = Simulator::start(info.scenario().time_divided_by(FACTOR))
        .await
        .map_err(|error| Mistake::system("the simulator could not be started", &error))?;
    let timeline = Timeline::new(FACTOR.get());
    let client = Client::builder()
        .base_url(simulator.base_url())
        .patience(Patience::Interactive)
        .time_divided_by(FACTOR)
        .observer(timeline.clone())
        .build()?;
    let request = MessageRequest::new("claude-sonnet-5-5", 256).user("Hello");
    let result = client.messages().create(request).await;
    for line in timeline.lines() {
        terminal::line(&clipped(&line))?;
    }
    for line in ending(&result) {
        terminal::line(&clipped(&line))?;
    }
    terminal::line("")?;
    Ok(row(info, &result))
}

fn ending(result: &Result<Reply, Error>) -> Vec<String> {
    let arrow = "       =>  ";
    match result {
        Ok(reply) => vec![format!("{arrow}{:?}", reply.text())],
        Err(error) => {
            let mut lines = Vec::new();
            if let Some(message) = error.failure().message() {
                lines.extend(wrapped(arrow, &format!("server: {message}")));
            }
            lines.extend(wrapped(arrow, error.advice()));
            if let Some(partial) = error.partial().filter(|partial| !partial.is_empty()) {
                lines.push(format!("{arrow}a part arrived: {:?}", partial.text()));
            }
            lines
        }
    }
}

fn row(info: &ScenarioInfo, result: &Result<Reply, Error>) -> String {
    let (outcome, attempts, waited, exit) = match result {
        Ok(reply) => {
            let attempts = &reply.meta.attempts;
            let waited = attempts.iter().map(|attempt| attempt.waited).sum();
            ("complete", attempts.len(), waited, Exit::Complete)
        }
        Err(error) => {
            let outcome = if outcome::is_truncated(error) {
                "truncated"
            } else {
                "failed"
            };
            (
                outcome,
                error.attempts().len(),
                error.waited(),
                outcome::exit(error),
            )
        }
    };
    let waited: Duration = waited;
    let waited = seconds(waited.saturating_mul(FACTOR.get()));
    format!(
        "{:<24} {outcome:<10} {attempts:>8} {waited:>8}  {}",
        info.name,
        exit.code()
    )
}

/// A line that fits in the terminal.
fn clipped(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    line.chars()
        .take(WIDTH.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// `text` in lines that fit, the first after `arrow`, the others indented as far.
fn wrapped(arrow: &str, text: &str) -> Vec<String> {
    let indent = " ".repeat(arrow.chars().count().min(INDENT));
    let mut lines = Vec::new();
    let mut line = arrow.to_owned();
    for word in text.split_whitespace() {
        let is_empty = line == arrow || line == indent;
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            line.push_str(word);
        } else {
            line.push_str(if is_empty { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.push(line);
    lines
}
