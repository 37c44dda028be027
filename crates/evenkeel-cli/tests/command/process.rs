//! Runs the command with bounds: one that does not end in time is killed, and none outlives its
//! test.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of a process keeps real time and waits for it, here and nowhere else"
)]

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than any command here takes, on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(60);

/// How often a thing is looked at that cannot be waited for.
const GLANCE: Duration = Duration::from_millis(2);

/// A command that was not started yet. Nothing comes from the environment of the test.
#[must_use]
pub(crate) struct Invocation {
    command: Command,
    input: Vec<u8>,
}

/// The command with these arguments, nothing on its standard input.
pub(crate) fn evenkeel<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Invocation {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Invocation {
        command,
        input: Vec::new(),
    }
}

impl Invocation {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Standard input, which ends after this.
    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self.command.stdin(Stdio::piped());
        self
    }

    pub(crate) fn standard_input(mut self, from: impl Into<Stdio>) -> Self {
        self.command.stdin(from);
        self
    }

    pub(crate) fn output(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to);
        self
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn error(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stderr(to);
        self
    }

    /// Runs it to its end.
    pub(crate) fn finish(self) -> Finished {
        let input = self.input.clone();
        let mut running = self.start();
        if let Some(mut pipe) = running.child.stdin.take() {
            // A command may end without having read everything.
            std::thread::spawn(move || pipe.write_all(&input));
        }
        running.finish()
    }

    /// Starts it. Standard input, if it has one, stays open and empty.
    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the command");
        let out = child.stdout.take().map(Tap::of);
        let err = child.stderr.take().map(Tap::of);
        Running {
            since: Instant::now(),
            child,
            out,
            err,
        }
    }
}

/// A command under way; dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    out: Option<Tap>,
    err: Option<Tap>,
    since: Instant,
}

impl Running {
    /// Waits until standard output holds this, and returns all of it.
    pub(crate) fn out_until(&mut self, wanted: &str) -> String {
        self.out.as_mut().expect("an output").until(wanted)
    }

    /// Waits until standard error holds this, and returns all of it.
    pub(crate) fn err_until(&mut self, wanted: &str) -> String {
        self.err.as_mut().expect("an output").until(wanted)
    }

    /// Leaves standard output: what is written then meets a closed pipe.
    pub(crate) fn close_output(&mut self) {
        self.out = None;
    }

    /// Waits until the command listens for Ctrl-C, which it does before anything else.
    #[cfg(target_os = "linux")]
    pub(crate) fn listens(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        eventually("a signal handler", || {
            let status = std::fs::read_to_string(&status).expect("a process");
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = u64::from_str_radix(caught.expect("a mask").trim(), 16);
            // SIGINT is number 2, and the lowest bit is for number 1.
            caught.expect("a mask") & 0b10 != 0
        });
    }

    /// Sends what Ctrl-C sends; from here on the time that it takes is counted.
    #[cfg(unix)]
    pub(crate) fn interrupt(&mut self) {
        self.since = Instant::now();
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for its end, whether its outputs have been read or not.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the end of the command", || {
            status = self.child.try_wait().expect("a status");
            status.is_some()
        });
        status.expect("a status")
    }

    /// Reads its outputs to their end, and waits for its own.
    pub(crate) fn finish(mut self) -> Finished {
        let rest = |tap: Option<Tap>| tap.map_or_else(String::new, Tap::rest);
        let (out, err) = (rest(self.out.take()), rest(self.err.take()));
        Finished {
            code: self.ends().code(),
            out,
            err,
            took: self.since.elapsed(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Finished {
    /// Standard output, which is one JSON text.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// An output, read by a thread so that it can be waited for with a limit. The thread is never more
/// than a piece ahead of the test: who writes more than a pipe holds waits for the test to read.
struct Tap {
    pieces: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Tap {
    fn of(mut source: impl Read + Send + 'static) -> Self {
        let (sender, pieces) = sync_channel(0);
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(length @ 1..) = source.read(&mut buffer)
                && sender.send(buffer[..length].to_vec()).is_ok()
            {}
        });
        Self {
            pieces,
            seen: Vec::new(),
        }
    }

    fn until(&mut self, wanted: &str) -> String {
        let end = Instant::now() + LIMIT;
        while !self.text().contains(wanted) {
            match self.pieces.recv_timeout(end - Instant::now().min(end)) {
                Ok(piece) => self.seen.extend(piece),
                Err(error) => panic!("{error} before `{wanted}`: {}", self.text()),
            }
        }
        self.text()
    }

    fn rest(mut self) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            match self.pieces.recv_timeout(end - Instant::now().min(end)) {
                Ok(piece) => self.seen.extend(piece),
                Err(RecvTimeoutError::Disconnected) => return self.text(),
                Err(RecvTimeoutError::Timeout) => panic!("no end in time: {}", self.text()),
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}

/// Waits for what only shows when it is looked at.
pub(crate) fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !happened() {
        assert!(Instant::now() < end, "no sign of {what}");
        std::thread::sleep(GLANCE);
    }
}
