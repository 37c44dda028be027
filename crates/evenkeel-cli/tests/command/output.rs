//! An output that cannot be written: one clear line.
#![cfg(target_os = "linux")]

use std::fs::File;

use super::process::evenkeel;

#[test]
fn a_full_disk_is_told_in_one_line() {
    for args in [
        &["ask", "hi", "--simulate", "healthy"][..],
        &["ask", "hi", "--simulate", "healthy", "--json"],
        &["ask", "hi", "--simulate", "healthy", "--stream"],
        &["ask", "hi", "--simulate", "bad-request", "--json"],
        &["explain", "--status", "529"],
        &["explain", "--status", "529", "--json"],
        &["simulate"],
        &["simulate", "--list"],
        &["demo"],
        &["--help"],
        &["ask", "--help"],
    ] {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("a full disk");
        let run = evenkeel(args).output(full).finish();
        assert_eq!(run.code, Some(78), "{args:?} {run:?}");
        assert_eq!(run.err.lines().count(), 1, "{args:?} {run:?}");
        assert!(
            run.err
                .starts_with("evenkeel: standard output cannot be written"),
            "{args:?} {run:?}"
        );
    }
}
