//! `evenkeel explain`: classifies a response from anywhere.

use std::path::Path;

use evenkeel::error::{Error, Facts};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::command_line::{Explain, Header};
use crate::exit::{Exit, Mistake};
use crate::outcome::{self, Failure};
use crate::{clock, input, layout, terminal, wording};

pub(crate) fn run(options: &Explain) -> Result<Exit, Mistake> {
    let body = match &options.body {
        Some(path) => input::read(path, "--body")?,
        None if options.event => input::read(Path::new("-"), "the event")?,
        None => Vec::new(),
    };
    let headers = headers(&options.headers)?;
    let status = options.code.or(options.status).unwrap_or(200);
    let facts = Facts::read(status, &headers, clock::wall());
    let error = if options.event {
        Error::from_event(&facts, &event(body, options.body.as_deref())?)
    } else {
        Error::from_response(&facts, &body)
    };
    if options.json {
        let json = serde_json::to_string_pretty(&Failure::classified(&error))
            .map_err(|error| Mistake::system("the report has no JSON form", &error))?;
        terminal::line(&outcome::escaped(&json))?;
    } else {
        let text = terminal::harmless(&explanation(&error));
        terminal::line(&layout::report(&text, terminal::width()))?;
    }
    Ok(Exit::Complete)
}

/// The data of an event. A client takes anything for one, as it must; who asks what one means has
/// mistaken the file, or the pipe.
fn event(body: Vec<u8>, from: Option<&Path>) -> Result<Vec<u8>, Mistake> {
    let data = event_data(body);
    if data.trim_ascii_start().starts_with(b"{") {
        return Ok(data);
    }
    let place = match from.filter(|path| *path != Path::new("-")) {
        Some(path) => format!("in {}", path.display()),
        None => "on standard input".to_owned(),
    };
    Err(Mistake::usage(format!(
        "no event {place}: give the data of an error event, such as {{\"type\":\"error\",…}}"
    )))
}

/// The data of an event that may have been copied with its frame: `event: error`, `data: {…}`.
fn event_data(body: Vec<u8>) -> Vec<u8> {
    let lines = body.split(|byte| *byte == b'\n');
    let data: Vec<&[u8]> = lines
        .filter_map(|line| line.strip_prefix(b"data:"))
        .collect();
    if data.is_empty() {
        body
    } else {
        data.join(&b'\n')
    }
}

/// The report of a failure, after its first line what programs decide by.
fn explanation(error: &Error) -> String {
    let report = error.report().to_string();
    let (head, rest) = report.split_once('\n').unwrap_or((&report, ""));
    format!(
        "{head}\n  concerns: {}\n  worth a retry: {}\n  reached the API: {}\n{rest}",
        wording::category(error.category()),
        wording::retry(error),
        wording::delivery(error.delivery()),
    )
}

fn headers(given: &[Header]) -> Result<HeaderMap, Mistake> {
    let mut headers = HeaderMap::new();
    for header in given {
        let (name, value) = header.read()?;
        let wrong = |what: &str| Mistake::usage(format!("--header {name}: {what}"));
        let name = HeaderName::try_from(name)
            .map_err(|error| wrong(&format!("{error}; use letters, digits and -")))?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|error| wrong(&format!("{error}; use one line of visible characters")))?;
        headers.append(name, value);
    }
    Ok(headers)
}
