//! What a terminal gets to see, which is more than a pipe does, and nothing that steers it.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use evenkeel_simulator::Reply;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::api::Api;
use super::process::{Finished, evenkeel, eventually};

const NEVER: Duration = Duration::from_secs(3_600);

/// A terminal so many columns wide: the end that a person sees, and the end for a program.
fn terminal(columns: u16) -> (File, File) {
    let seen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&seen).expect("a terminal");
    unlockpt(&seen).expect("a terminal");
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&seen, size).expect("a size");
    let name = ptsname(&seen, Vec::new()).expect("a name");
    let used = File::options()
        .read(true)
        .write(true)
        .open(OsStr::from_bytes(name.as_bytes()))
        .expect("the other end");
    (OwnedFd::into(seen), used)
}

/// Runs the command with both outputs on a terminal; what that was given, and how it ended.
fn on_a_terminal<S: AsRef<OsStr>>(
    columns: u16,
    args: impl IntoIterator<Item = S>,
) -> (String, Finished) {
    let (seen, used) = terminal(columns);
    let screen = Screen::of(seen);
    let error = used.try_clone().expect("a handle");
    let run = evenkeel(args)
        .variable("TERM", "xterm")
        .output(used)
        .error(error)
        .finish();
    (screen.rest(), run)
}

/// What a terminal has been given, while more is coming.
struct Screen {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Screen {
    fn of(mut seen: File) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let more = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            // A terminal that nobody writes to any more ends with an error.
            while let Ok(length @ 1..) = seen.read(&mut buffer) {
                more.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// All of it, once nobody writes to it any more.
    fn rest(self) -> String {
        self.reader.join().expect("what was seen");
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

#[test]
fn a_reply_cannot_steer_it() {
    let api = Api::script(vec![Reply::message(
        "a\u{1b}]0;title\u{7}\u{9b}2J\u{202e}b\ttab\r\nline",
    )]);
    for way in ["--stream", "--patience=background"] {
        let (seen, run) = on_a_terminal(80, ["ask", "hi", way, "--base-url", api.base_url()]);
        assert_eq!(run.code, Some(0), "{seen:?}");
        // The live line has escapes of its own, which erase it.
        let reply = seen.rsplit("\u{1b}[2K").next().unwrap();
        let shown = "a\u{fffd}]0;title\u{fffd}\u{fffd}2J\u{fffd}b\ttab\r\nline\r\n";
        assert_eq!(reply, shown, "{seen:?}");
    }
}

#[test]
fn what_is_said_of_a_stream_that_was_interrupted_has_a_line_of_its_own() {
    let reply = Reply::message("Some words, and then a silence without an end.")
        .pause_after_events(4, NEVER);
    let api = Api::script(vec![reply]);
    let (seen, used) = terminal(200);
    let error = used.try_clone().expect("a handle");
    let mut command = evenkeel(["ask", "hi", "--stream", "--base-url", api.base_url()])
        .variable("TERM", "xterm")
        .output(used)
        .error(error)
        .start();
    let screen = Screen::of(seen);
    eventually("the first words", || screen.text().contains("Some"));
    command.interrupt();
    command.ends();
    let run = command.finish();
    assert_eq!(run.code, Some(130), "{run:?}");
    let seen = screen.rest();
    let (reply, told) = seen
        .split_once("evenkeel: cancelled after 1 attempt, ")
        .unwrap();
    assert!(reply.ends_with("\r\n"), "{seen:?}");
    let part = "; what was printed is a part of the reply, not all of it\r\n";
    assert!(told.ends_with(part), "{seen:?}");
}

#[test]
fn its_width_is_kept_and_no_word_is_broken() {
    let whole = evenkeel(["explain", "429"]).finish().out;
    let words: Vec<_> = whole.split_whitespace().collect();
    for columns in [40, 60, 200] {
        for args in [
            &["explain", "429"][..],
            &["ask", "--help"],
            &["simulate", "--list"],
            &["ask", "hi", "--simulate", "spend-cap"],
        ] {
            let (seen, _) = on_a_terminal(columns, args);
            let text = seen.rsplit("\u{1b}[2K").next().unwrap();
            for line in text.lines() {
                let is_one_word = line.split_whitespace().count() == 1;
                let fits = line.chars().count() <= usize::from(columns).min(100);
                assert!(fits || is_one_word, "{columns} {args:?} {line:?}");
            }
            if args == ["explain", "429"] {
                assert_eq!(text.split_whitespace().collect::<Vec<_>>(), words);
            }
        }
    }
}

#[test]
fn a_prompt_may_be_typed_and_who_waits_for_it_says_so() {
    let (mut seen, used) = terminal(80);
    // The end of a file, as Ctrl-D types it.
    seen.write_all(b"hi\n\x04").expect("room");
    let args = ["ask", "-", "--simulate", "healthy"];
    let run = evenkeel(args).standard_input(used).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.out, "Hello from the simulator: all is well.\n");
    assert!(run.err.contains("type the prompt; Ctrl-D"), "{run:?}");
}

/// What each picture of the live line said of the wait, in the order shown.
fn seconds_left(seen: &str) -> Vec<f64> {
    let of = |picture: &str| {
        let wait = picture.split_once("waiting before attempt 2")?.1;
        wait.split_once(" s")?.0.trim().parse().ok()
    };
    seen.split("\u{1b}[2K").filter_map(of).collect()
}

#[test]
fn a_live_line_counts_the_wait_down_and_leaves_no_trace() {
    let (seen, run) = on_a_terminal(80, ["ask", "hi", "--simulate", "rate-limited"]);
    assert_eq!(run.code, Some(0), "{seen:?}");
    assert!(seen.contains("waiting before attempt 2"), "{seen:?}");
    // Which tenths are shown depends on when this process is given the processor; that they begin
    // at the wait, or below it, and fall, does not.
    let told = seen.split_once("; waiting ").unwrap().1;
    let told = told.split_once(" s").unwrap().0.parse().unwrap();
    let shown: Vec<f64> = [told].into_iter().chain(seconds_left(&seen)).collect();
    let fall = shown.is_sorted_by(|before, after| before >= after);
    assert!(fall && shown.last() < shown.first(), "{shown:?} {seen:?}");
    let last = seen.rsplit("\u{1b}[2K").next().unwrap();
    assert_eq!(last, "Hello from the simulator: all is well.\r\n");
}
