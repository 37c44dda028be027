//! `/_simulator/…`: what a tester looks at and turns while a program is under test.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use crate::api::{Api, Upload};
use crate::block::quoted;
use crate::body::ReplyBody;
use crate::entry::Entry;
use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// From the end of time, which is in no span.
const TICK: Duration = Duration::from_nanos(1);

/// Where all of it is.
pub(crate) const BACKSTAGE: &str = "/_simulator/";

/// Answers a request to backstage.
pub(crate) fn answer(api: &Api, head: &Parts, upload: &Upload) -> Response<ReplyBody> {
    let name = head.uri.path().strip_prefix(BACKSTAGE).unwrap_or_default();
    let allowed = match name {
        "journal" | "verdict" | "trap" => Method::GET,
        "reset" | "scenario" => Method::POST,
        _ => {
            let all = "there are GET journal, verdict and trap, and POST reset and scenario";
            return said(StatusCode::NOT_FOUND, all);
        }
    };
    if head.method != allowed {
        let what = match name {
            "scenario" => "POST the name of a scenario or a scenario file here".to_owned(),
            _ => format!("{allowed} only"),
        };
        let mut response = said(StatusCode::METHOD_NOT_ALLOWED, &what);
        if let Ok(allowed) = HeaderValue::from_str(allowed.as_str()) {
            response.headers_mut().insert(ALLOW, allowed);
        }
        return response;
    }
    match name {
        "journal" => json(StatusCode::OK, api.journal.json()),
        "trap" => json(
            StatusCode::OK,
            api.trap().map_or_else(
                || r#"{"dropped":0,"entries":[]}"#.to_owned(),
                |trap| trap.journal().json(),
            ),
        ),
        "verdict" => json(StatusCode::OK, verdict(api).json()),
        "reset" => {
            api.replay(None);
            json(
                StatusCode::OK,
                r#"{"reset":true,"cleared":["journal","verdict","trap"]}"#.to_owned(),
            )
        }
        // The beginning of a scenario may be one too, and is not what was meant.
        _ if upload.bytes.len() as u64 != upload.total => said(
            StatusCode::PAYLOAD_TOO_LARGE,
            "a scenario has at most 32 MiB",
        ),
        _ => change(api, &upload.bytes),
    }
}

/// What the clients did wrong so far.
pub(crate) fn verdict(api: &Api) -> Verdict {
    Verdict::on(&api.journal.entries(), &trapped(api))
}

/// The requests that came to the trap; none while there is no trap.
pub(crate) fn trapped(api: &Api) -> Vec<Entry> {
    let trapped = api.trap().map(|trap| trap.journal().entries());
    trapped.unwrap_or_default()
}

/// The body is the name of a scenario or a scenario file.
fn change(api: &Api, body: &[u8]) -> Response<ReplyBody> {
    let scenario = std::str::from_utf8(body)
        .map_err(|fault| format!("the scenario is not UTF-8: {fault}"))
        .and_then(read);
    match scenario {
        Ok((scenario, changed)) => {
            api.replay(Some(scenario));
            json(
                StatusCode::OK,
                format!(
                    r#"{{"scenario":{},"cleared":["journal","verdict","trap"]}}"#,
                    quoted(&changed)
                ),
            )
        }
        Err(fault) => said(StatusCode::BAD_REQUEST, &fault),
    }
}

/// The scenario and what it is called, or what is wrong.
fn read(text: &str) -> Result<(Scenario, String), String> {
    let is_file = text.contains(['=', '[']);
    let name = text.trim();
    if name.is_empty() {
        return Err("the body is empty; send the name of a scenario, or a file".into());
    }
    let looks_like_a_path = !name.contains(char::is_whitespace)
        && (name.contains(['/', '\\']) || name.to_ascii_lowercase().ends_with(".toml"));
    if !is_file && looks_like_a_path {
        let file = name.trim_start_matches('@');
        return Err(format!(
            "that is the name of a file; send the file: curl --data-binary @{file}"
        ));
    }
    let (scenario, called) = if is_file {
        let scenario = Scenario::from_toml(text).map_err(|fault| {
            // A file of one line is possible, but then it has a line end after it.
            if text.contains(['\n', '\r']) {
                fault.to_string()
            } else {
                format!(
                    "there are no line breaks in the body, which curl -d removes from a file: use \
                     --data-binary ({fault})"
                )
            }
        })?;
        (scenario, "a file".to_owned())
    } else {
        let scenario = Scenario::named(name).map_err(|fault| fault.to_string())?;
        (scenario, name.to_owned())
    };
    if !scenario.refuses_at(Duration::MAX.saturating_sub(TICK)) {
        return Ok((scenario, called));
    }
    Err(if is_file {
        "a [[refused]] without an `until` can only be there from the start (--scenario FILE): once \
         nothing listens, nobody could switch it off; give it an `until`"
            .into()
    } else {
        format!(
            "`{name}` can only be given at the start (--scenario {name}): once nothing listens, \
             nobody could switch it off"
        )
    })
}

fn said(status: StatusCode, what: &str) -> Response<ReplyBody> {
    json(status, format!(r#"{{"error":{}}}"#, quoted(what)))
}

fn json(status: StatusCode, body: String) -> Response<ReplyBody> {
    let mut response = plain(status, body.into());
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A response that is in no script.
pub(crate) fn plain(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::plain(body));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_as_a_scenario_and_is_none_is_told_what_to_send() {
        for (body, told) in [
            (
                "",
                "the body is empty; send the name of a scenario, or a file",
            ),
            (
                " \n",
                "the body is empty; send the name of a scenario, or a file",
            ),
            (
                "my-outage.toml",
                "that is the name of a file; send the file: curl --data-binary @my-outage.toml",
            ),
            (
                "@dir/outage",
                "that is the name of a file; send the file: curl --data-binary @dir/outage",
            ),
            (
                "refused",
                "`refused` can only be given at the start (--scenario refused): once nothing listens, \
                 nobody could switch it off",
            ),
            (
                "[[refused]]\nfrom = '1s'\n",
                "a [[refused]] without an `until` can only be there from the start (--scenario FILE): \
                 once nothing listens, nobody could switch it off; give it an `until`",
            ),
        ] {
            assert_eq!(read(body).unwrap_err(), told, "{body}");
        }
        let stripped = read("[[reply]]message = 'x'times = 2").unwrap_err();
        assert!(
            stripped.contains("use --data-binary (line 1: "),
            "{stripped}"
        );
        assert!(
            read("overloded")
                .unwrap_err()
                .contains("did you mean `overloaded`?")
        );
    }

    #[test]
    fn a_name_and_a_file_are_told_apart() {
        assert_eq!(read("overloaded\n").unwrap().1, "overloaded");
        assert_eq!(read("[[reply]]\nmessage = 'x'\n").unwrap().1, "a file");
        assert_eq!(read("key = 'required'").unwrap().1, "a file");
    }
}
