//! `evenkeel explain`: classifies a response from anywhere.

use evenkeel::error::{Error, Facts};
use http::{HeaderMap, HeaderName, HeaderValue};
use humantime::{format_duration, format_rfc3339_seconds};

use crate::command_line::{Explain, Header};
use crate::exit::{Exit, Mistake};
use crate::outcome::Failure;
use crate::{clock, input, terminal};

pub(crate) fn run(options: &Explain) -> Result<Exit, Mistake> {
    let body = match &options.body {
        None => Vec::new(),
        Some(path) => input::read(path, "--body")?,
    };
    let headers = headers(&options.headers)?;
    let status = options.status.unwrap_or(200);
    let facts = Facts::read(status, &headers, clock::wall());
    let error = if options.event {
        Error::from_event(&facts, &body)
    } else {
        Error::from_response(&facts, &body)
    };
    if options.json {
        let json = serde_json::to_string_pretty(&Failure::classified(&error))
            .map_err(|error| Mistake::system("the report has no JSON form", &error))?;
        terminal::line(&json)?;
    } else {
        terminal::line(&explanation(&error))?;
    }
    Ok(Exit::Complete)
}

/// The report of a failure, with what programs decide by on its second line.
fn explanation(error: &Error) -> String {
    let report = error.report().to_string();
    let (head, rest) = report.split_once('\n').unwrap_or((&report, ""));
    let recovery = error.recovery();
    let when = match (recovery.wait(), error.retry_at()) {
        (Some(wait), _) => format!(" {}", format_duration(wait)),
        (None, Some(moment)) => format!(" before {}", format_rfc3339_seconds(moment)),
        (None, None) => String::new(),
    };
    format!(
        "{head}\n  category: {}, recovery: {recovery}{when}, delivery: {}\n{rest}",
        error.category().label(),
        error.delivery().label()
    )
    .trim_end()
    .to_owned()
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
