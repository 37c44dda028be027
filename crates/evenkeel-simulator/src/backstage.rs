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
        let mut response = said(StatusCode::METHOD_NOT_ALLOWED, &format!("{allowed} only"));
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
            json(StatusCode::OK, r#"{"reset":true}"#.to_owned())
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
    let Ok(text) = std::str::from_utf8(body) else {
        return said(StatusCode::BAD_REQUEST, "the scenario is not UTF-8");
    };
    let scenario = if text.contains(['=', '[']) {
        Scenario::from_toml(text).map_err(|fault| fault.to_string())
    } else {
        Scenario::named(text.trim()).map_err(|fault| fault.to_string())
    };
    match scenario {
        Ok(scenario) if scenario.refuses_at(Duration::MAX.saturating_sub(TICK)) => said(
            StatusCode::BAD_REQUEST,
            "a scenario that refuses connections for ever has to be there from the start: nobody \
             could change it again; give the [[refused]] an `until`",
        ),
        Ok(scenario) => {
            api.replay(Some(scenario));
            json(StatusCode::OK, r#"{"scenario":"changed"}"#.to_owned())
        }
        Err(fault) => said(StatusCode::BAD_REQUEST, &fault),
    }
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
