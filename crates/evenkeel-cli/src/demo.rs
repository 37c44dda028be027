//! `evenkeel demo`: every fault of the catalogue, one after the other.

use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel::{Client, Error, MessageRequest, Patience, Reply};
use evenkeel_simulator::{Scenario, ScenarioInfo, Simulator};

use crate::clock::Stopwatch;
use crate::exit::{Exit, Mistake};
use crate::terminal::Reader;
use crate::timeline::{Timeline, seconds};
use crate::{layout, outcome, terminal, wording};

/// What every wait and every limit is divided by, on both sides of the wire.
const FACTOR: NonZeroU32 = NonZeroU32::new(20).expect("20 is not 0");

/// How far what belongs to a line above is moved in: to the third column of the timeline.
const INDENT: usize = 11;

pub(crate) async fn run() -> Result<Exit, Mistake> {
    let width = terminal::width();
    let intro = format!(
        "Every wait and every limit is divided by {FACTOR}, here and in the simulator; the times \
         below are what they stand for. Patience is interactive: 30 s, 4 attempts."
    );
    terminal::line(&(layout::wrapped("", 0, &intro, width).join("\n") + "\n"))?;
    let took = Stopwatch::start();
    let mut rows = vec![format!(
        "{:<24} {:<10} {:>8} {:>8}  exit",
        "scenario", "outcome", "requests", "waited"
    )];
    for info in Scenario::catalogue() {
        let title = format!("{}: ", info.name);
        let title = layout::wrapped(&title, INDENT, info.summary, width).join("\n");
        if terminal::line(&title)? == Reader::Left {
            return Ok(Exit::Complete);
        }
        rows.push(play(info, width).await?);
    }
    rows.push(format!("\nIn all {}.", seconds(took.elapsed())));
    terminal::line(&rows.join("\n"))?;
    Ok(Exit::Complete)
}

/// Plays one scenario, prints its timeline, and returns its row of the table.
async fn play(info: &ScenarioInfo, width: usize) -> Result<String, Mistake> {
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
    let lines = timeline.lines();
    let ending = ending(&result, width);
    for line in lines.iter().chain(&ending) {
        terminal::line(&clipped(line, width))?;
    }
    terminal::line("")?;
    Ok(row(info, &result))
}

fn ending(result: &Result<Reply, Error>, width: usize) -> Vec<String> {
    let arrow = "       =>  ";
    match result {
        Ok(reply) => vec![format!("{arrow}{:?}", reply.text())],
        Err(error) => {
            let mut lines = Vec::new();
            if let Some(said) = wording::said(error.failure(), "server") {
                lines.extend(layout::wrapped(arrow, INDENT, &said, width));
            }
            lines.extend(layout::wrapped(arrow, INDENT, error.advice(), width));
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
fn clipped(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}
