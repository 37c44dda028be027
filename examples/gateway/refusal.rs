//! What a caller of the gateway is told of a call that failed.

use axum::Json;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse as _, Response};
use evenkeel::{Category, Error, ErrorKind};
use serde_json::json;

/// As the API would say it: with its own status, type and words where it has answered, and when to
/// come back where it has said so.
pub(crate) fn refusal(error: &Error) -> Response {
    let failure = error.failure();
    let (status, kind) = match (error.kind(), error.category()) {
        (ErrorKind::Overloaded, _) => (529, "overloaded_error"), // inside of a stream: a 200
        (_, Category::InvalidRequest | Category::Local) => (400, "invalid_request_error"),
        (_, Category::Authentication) => (401, "authentication_error"),
        (_, Category::RateLimit) => (429, "rate_limit_error"),
        (_, Category::Server) => (503, "api_error"),
    };
    let status = error.status().filter(|own| *own >= 400).unwrap_or(status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    // Rounded up: who comes a part of a second too early is refused again.
    let wait = failure.retry_after();
    let wait = wait.map(|wait| wait.as_millis().div_ceil(1_000).to_string());
    let wait = wait.map(|seconds| [(RETRY_AFTER, seconds)]);

    let kind = failure.error_type().unwrap_or(kind);
    let own_words = error.to_string();
    let detail = json!({ "type": kind, "message": failure.message().unwrap_or(&own_words) });
    let id = error.request_id();
    let body = Json(json!({ "type": "error", "error": detail, "request_id": id }));
    let id = id.map(|id| [("request-id", id.to_owned())]);
    // Who calls us must not try again what has been tried again.
    (status, [("x-should-retry", "false")], wait, id, body).into_response()
}
