//! The file of answers, a JSON object a line.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};

use evenkeel::Reply;
use serde_json::{Value, json};

pub(crate) struct Answers {
    file: File,
    done: HashSet<u64>,
}

impl Answers {
    pub(crate) fn open(path: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).open(path)?;
        let written = fs::read(path)?;
        if written.last().is_some_and(|byte| *byte != b'\n') {
            writeln!(file)?; // The last run was killed within a line: it is asked again.
        }
        let lines = written.split(|byte| *byte == b'\n');
        let parsed = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let done = parsed.filter_map(|entry| entry.get("line")?.as_u64());
        Ok(Self {
            file,
            done: done.collect(),
        })
    }

    pub(crate) fn has(&self, line: u64) -> bool {
        self.done.contains(&line)
    }

    pub(crate) fn add(&mut self, line: u64, reply: &Reply) -> io::Result<()> {
        let stop = &reply.stop_reason; // a refusal, an answer that was cut short?
        let entry = json!({ "line": line, "stop": stop, "answer": reply.text() });
        writeln!(self.file, "{entry}")
    }
}
