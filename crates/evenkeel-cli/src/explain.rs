//! `evenkeel explain`: classifies a response from anywhere.

use evenkeel::error::{Error, Facts};
use http::{HeaderMap, HeaderName, HeaderValue};

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
    } else if (200..300).contains(&status) {
        return Err(Mistake::usage(format!(
            "--status {status} is a success: there is nothing to explain (--event explains an \
             error event inside it)"
        )));
    } else {
        Error::from_response(&facts, &body)
    };
    if options.json {
        let json = serde_json::to_string_pretty(&Failure::classified(&error))
            .map_err(|error| Mistake::system("the report has no JSON form", &error))?;
        terminal::line(&json)?;
    } else {
        terminal::line(&error.report().to_string())?;
    }
    Ok(Exit::Complete)
}

fn headers(given: &[Header]) -> Result<HeaderMap, Mistake> {
    let mut headers = HeaderMap::new();
    for Header { name, value } in given {
        let wrong = |what: &str| Mistake::usage(format!("--header {name}: {what}"));
        let name = HeaderName::try_from(name.as_str())
            .map_err(|error| wrong(&format!("{error}; use letters, digits and -")))?;
        let value = HeaderValue::from_str(value)
            .map_err(|error| wrong(&format!("{error}; use one line of visible characters")))?;
        headers.append(name, value);
    }
    Ok(headers)
}
