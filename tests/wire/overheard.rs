//! What the suite lets be overheard: all logs of all libraries at trace level, every `Debug` and
//! `Display` that its tests print, every panic message. None of it holds what was planted.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Metadata, Subscriber};

/// Names the file that logs go to, in the process that plays the suite for the test below.
const VARIABLE: &str = "EVENKEEL_TEST_LOG";

static LOG: OnceLock<Option<Mutex<File>>> = OnceLock::new();

/// Begins to listen to all logs, where they are asked for. Every test calls it, mostly by way of
/// `world`.
pub(crate) fn listen() {
    LOG.get_or_init(|| {
        let path = std::env::var_os(VARIABLE)?;
        let file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        let _ = log::set_logger(&Listener);
        log::set_max_level(log::LevelFilter::Trace);
        let _ = tracing_core::dispatcher::set_global_default(Listener.into());
        Some(Mutex::new(file))
    });
}

fn note(line: &str) {
    if let Some(Some(file)) = LOG.get() {
        writeln!(file.lock().unwrap(), "{line}").unwrap();
    }
}

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        note(&format!("{}: {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let mut line = Line(span.metadata().target().to_owned());
        span.record(&mut line);
        note(&line.0);
        Id::from_u64(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        note(&line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        note(&line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

const THIS: &str = "overheard::nothing_planted_is_heard_over_the_whole_suite";

#[test]
fn nothing_planted_is_heard_over_the_whole_suite() {
    let log = std::env::temp_dir().join(format!("evenkeel-{}-log.txt", std::process::id()));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "--skip", THIS])
        .env(VARIABLE, &log)
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "the suite fails: {stderr}");
    let logged = std::fs::read(&log).unwrap();
    let logged = String::from_utf8_lossy(&logged);
    std::fs::remove_file(&log).unwrap();
    // That something was heard at all:
    for source in ["h2::", "hyper_util::", "reqwest::", "rustls::"] {
        assert!(logged.contains(source), "no log of {source}");
    }
    assert!(stderr.contains("connection") && stderr.contains("panicked at"));
    let stdout = String::from_utf8_lossy(&child.stdout);
    for heard in [&*logged, &*stderr, &*stdout] {
        let leak = heard.lines().find(|line| line.contains("planted"));
        assert_eq!(leak, None);
    }
}
