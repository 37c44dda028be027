use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::length::length;
use super::*;
use crate::answer::Answer;
use crate::capacity::Capacity;
use crate::distortion::LineEnd;
use crate::limits::RateLimits;
use crate::reply::{Cut, Reply};
use crate::shortage::Shortage;
use crate::sse::SseEvent;
use crate::when::{Chance, When};

mod mistakes;

#[test]
fn the_file_of_the_documentation_is_read_as_it_says() {
    let readme = include_str!("../../README.md");
    let file = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let overloaded = Reply::error(529, "overloaded_error", "Overloaded")
        .retry_after(Duration::from_millis(1_500));
    let expected = Scenario::script(vec![
        overloaded.clone(),
        overloaded,
        Reply::message("This answer breaks off.")
            .pause_before_head(Duration::from_secs(2))
            .pause_after_events(3, Duration::from_millis(200))
            .cut_after_events(5, Cut::Reset),
        Reply::message("You will not read this.").error_after_events(
            1,
            "overloaded_error",
            "Overloaded",
        ),
        Reply::raw(503)
            .body("gone fishing")
            .header("content-type", "text/plain")
            .header("x-should-retry", "false"),
        Reply::message("Hello!"),
    ])
    .key_required();
    assert_eq!(parse(file), Ok(expected));
}

#[test]
fn the_table_of_the_documentation_is_the_catalogue() {
    let readme = include_str!("../../README.md");
    for info in crate::catalogue::CATALOGUE {
        let row = format!("| `{}` | {} |", info.name, info.summary);
        assert!(readme.contains(&row), "{row}");
    }
}

#[test]
fn every_kind_of_reply_can_be_written() {
    let file = r#"
        reply = [
            { gateway = 520 },
            { verbatim = { text = "HTTP/1.1 99 Hm" } },
            { verbatim = { hex = "ff 00" } },
            { close = "reset" },
            { close = "close" },
            { events = [{ event = "ping", data = "{}" }], cut = { after_bytes = 3, how = "mid-chunk" } },
            { error = { status = 429, type = "rate_limit_error", message = "No", code = "ramp_limit_exceeded" } },
        ]
    "#;
    let expected = Scenario::script(vec![
        Reply::html_gateway(520),
        Reply::verbatim("HTTP/1.1 99 Hm"),
        Reply::verbatim([0xff, 0]),
        Reply::reset_without_reply(),
        Reply::close_without_reply(),
        Reply::events(vec![SseEvent::new("ping", "{}")]).cut_after_bytes(3, Cut::MidChunk),
        Reply::error(429, "rate_limit_error", "No").error_code("ramp_limit_exceeded"),
    ]);
    assert_eq!(parse(file), Ok(expected));
}
