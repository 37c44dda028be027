//! The error bodies of the API.

use serde::Serialize;

/// `{"type":"error","error":{…},"request_id":"req_…"}`, as a body or inside a stream.
#[derive(Debug, Serialize)]
pub(crate) struct Envelope<'a> {
    r#type: &'a str,
    error: Fault<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Fault<'a> {
    r#type: &'a str,
    message: &'a str,
    details: Option<Details<'a>>,
}

#[derive(Debug, Serialize)]
struct Details<'a> {
    error_code: &'a str,
}

impl<'a> Envelope<'a> {
    /// An error of this type, with its code if it has one.
    pub(crate) fn new(r#type: &'a str, message: &'a str, code: Option<&'a str>) -> Self {
        let details = code.map(|error_code| Details { error_code });
        Self {
            r#type: "error",
            error: Fault {
                r#type,
                message,
                details,
            },
            request_id: None,
        }
    }

    /// The same with the id of the request, as replies have it.
    pub(crate) fn request_id(mut self, id: &'a str) -> Self {
        self.request_id = Some(id);
        self
    }

    /// As JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The status that goes with an error type: what a plain request gets where a stream would have
/// carried the error as an event.
pub(crate) fn status_of(error_type: &str) -> u16 {
    match error_type {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" | "memory_path_conflict_error" => 409,
        "memory_precondition_failed_error" => 412,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_type_has_its_status_and_what_is_not_known_is_internal() {
        for (error_type, status) in [
            ("conflict_error", 409),
            ("memory_path_conflict_error", 409),
            ("memory_precondition_failed_error", 412),
            ("request_too_large", 413),
            ("overloaded_error", 529),
            ("unheard_of_error", 500),
        ] {
            assert_eq!(status_of(error_type), status, "{error_type}");
        }
    }

    #[test]
    fn the_envelope_has_the_fields_of_the_api_in_its_order() {
        assert_eq!(
            Envelope::new("overloaded_error", "Overloaded", None)
                .request_id("req_1")
                .json(),
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":null},"request_id":"req_1"}"#
        );
        assert_eq!(
            Envelope::new("rate_limit_error", "No", Some("ramp_limit_exceeded")).json(),
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"No","details":{"error_code":"ramp_limit_exceeded"}}}"#
        );
    }
}
