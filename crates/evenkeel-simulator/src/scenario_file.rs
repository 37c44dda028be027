//! Scenario files: TOML in, replies out, and errors for people who write TOML, not Rust.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use serde::Deserialize;
use toml::Spanned;

use crate::scenario::{BatchResult, KeyRule, Scenario, check_reply};
use crate::trouble;

mod blocks;
mod conditions;
mod hex;
mod kinds;
mod length;
mod replies;
mod wording;

use conditions::{CapacityTable, LimitsTable, SpanTable};
use length::Length;
use replies::ReplyTable;

/// A scenario that cannot be: what, where, and what is allowed, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    line: Option<usize>,
    fault: String,
}

impl ScenarioError {
    pub(crate) fn new(line: Option<usize>, fault: String) -> Self {
        Self { line, fault }
    }

    /// The line in the file, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.fault)
    }
}

impl Error for ScenarioError {}

/// Reads a scenario file.
pub(crate) fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let file: File = toml::from_str(text).map_err(|fault| {
        let line = fault.span().map(|span| line_of(text, span.start));
        ScenarioError::new(line, wording::worded(text, &fault))
    })?;
    if says_nothing(text) {
        let fault = "the file says nothing: write at least one [[reply]], such as [[reply]] message = \"Hi\", \
                     or [[fault]], [limits], [capacity], [[refused]], or key = \"required\"";
        return Err(ScenarioError::new(None, fault.to_owned()));
    }
    let mut replies = Vec::new();
    let last = file.reply.len();
    for (table, place) in file.reply.into_iter().zip(1..) {
        let line = line_of(text, table.span().start);
        let table = table.into_inner();
        if place == last && table.times.is_some() && !file.repeat {
            let fault = "`times` on the last reply has no effect, since that repeats for ever; add a \
                         [[reply]] after it, or repeat = true at the top";
            return Err(in_table("[[reply]]", line, fault));
        }
        let times = table.times.map_or(1, NonZeroU16::get);
        let reply = table
            .in_turn()
            .and_then(|reply| check_reply(&reply).map(|()| reply));
        let reply = reply.map_err(|fault| in_table("[[reply]]", line, &fault))?;
        replies.extend(std::iter::repeat_n(reply, times.into()));
    }
    let mut faults = Vec::new();
    for table in file.fault {
        let line = line_of(text, table.span().start);
        let fault = table.into_inner().fault();
        let fault = fault.and_then(|(when, reply)| trouble::check(&reply).map(|()| (when, reply)));
        faults.push(fault.map_err(|fault| in_table("[[fault]]", line, &fault))?);
    }
    let mut scenario = Scenario::script(replies);
    scenario.faults = faults;
    (scenario.key, scenario.repeats) = (file.key, file.repeat);
    scenario.seed = file.seed;
    scenario.limits = file.limits.map(LimitsTable::limits);
    if let Some(table) = file.capacity {
        let line = line_of(text, table.span().start);
        let capacity = table.into_inner().capacity();
        let capacity = capacity.map_err(|fault| in_table("[capacity]", line, &fault))?;
        scenario.capacity = Some(capacity);
    }
    for table in file.refused {
        let line = line_of(text, table.span().start);
        let span = table.into_inner().span();
        let span = span.map_err(|fault| in_table("[[refused]]", line, &fault))?;
        scenario.refused.push(span);
    }
    if let Some(length) = file.batch_item {
        scenario.batch_item = length.0;
    }
    for (id, result) in file.batch_results {
        let line = line_of(text, result.span().start);
        let result = batch_result(result.into_inner())
            .map_err(|fault| ScenarioError::new(Some(line), fault))?;
        scenario.batch_results.insert(id, result);
    }
    Ok(match file.time_divided_by {
        Some(divisor) => scenario.time_divided_by(divisor),
        None => scenario,
    })
}

fn batch_result(said: String) -> Result<BatchResult, String> {
    match said.as_str() {
        "expired" => Ok(BatchResult::Expired),
        _ if said.ends_with("_error") => Ok(BatchResult::Errored(said)),
        _ => Err(format!(
            "batch_results: \"{said}\" is no result; write \"expired\" or a type of error such as \
             \"overloaded_error\""
        )),
    }
}

/// What is wrong with a table as a whole, whose line is that of its beginning.
fn in_table(table: &str, line: usize, fault: &str) -> ScenarioError {
    ScenarioError::new(Some(line), format!("in this {table}: {fault}"))
}

/// Whether there is nothing but blank lines and comments.
fn says_nothing(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .all(|line| line.is_empty() || line.starts_with('#'))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: KeyRule,
    #[serde(default)]
    repeat: bool,
    seed: Option<u64>,
    time_divided_by: Option<NonZeroU32>,
    #[serde(default)]
    reply: Vec<Spanned<ReplyTable>>,
    #[serde(default)]
    fault: Vec<Spanned<ReplyTable>>,
    limits: Option<LimitsTable>,
    capacity: Option<Spanned<CapacityTable>>,
    #[serde(default)]
    refused: Vec<Spanned<SpanTable>>,
    batch_item: Option<Length>,
    #[serde(default)]
    batch_results: BTreeMap<String, Spanned<String>>,
}

#[cfg(test)]
mod newcomer;
#[cfg(test)]
mod tests;
