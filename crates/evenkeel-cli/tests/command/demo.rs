//! `evenkeel demo`: run once, read by several tests.

use std::sync::LazyLock;
use std::time::Duration;

use evenkeel_simulator::Scenario;

use super::process::{Finished, evenkeel};

static DEMO: LazyLock<Finished> = LazyLock::new(|| evenkeel(["demo"]).finish());

#[test]
fn it_ends_well_within_a_minute() {
    assert_eq!(DEMO.code, Some(0), "{:?}", *DEMO);
    assert!(DEMO.took < Duration::from_secs(60), "{:?}", DEMO.took);
    assert_eq!(DEMO.err, "");
}

#[test]
fn it_fits_a_terminal_of_80_columns_and_has_no_colours_in_a_pipe() {
    for line in DEMO.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!DEMO.out.contains(['\u{1b}', '\r']));
}

#[test]
fn it_says_first_by_what_all_time_is_divided() {
    let (first, _) = DEMO.out.split_once("\n\n").expect("a first paragraph");
    assert!(
        first.starts_with("Every wait and every limit is divided by "),
        "{first}"
    );
}

#[test]
fn every_scenario_has_a_timeline_and_a_row_in_the_table_at_the_end() {
    let (timelines, table) = DEMO.out.split_once("\nscenario ").expect("a table");
    for info in Scenario::catalogue() {
        let (_, timeline) = timelines
            .split_once(&format!("\n{}: ", info.name))
            .unwrap_or_else(|| panic!("no timeline of {}", info.name));
        let (timeline, _) = timeline.split_once("\n\n").unwrap_or((timeline, ""));
        assert!(timeline.contains("attempt 1"), "{timeline}");
        assert!(timeline.contains("\n       =>  "), "{timeline}");
        let row: Vec<_> = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find(|row| row.first() == Some(&info.name))
            .unwrap_or_else(|| panic!("no row of {}", info.name));
        let outcome = format!("{:?}", info.expected).to_lowercase();
        assert_eq!(row[1], outcome, "{row:?}");
        let code = row.last().expect("an exit code");
        assert_eq!(*code == "0", outcome == "complete", "{row:?}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_reason_to_panic() {
    let mut command = evenkeel(["demo"]).start();
    command.out_until("\n");
    command.close_output();
    let run = command.finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.err, "");
}
