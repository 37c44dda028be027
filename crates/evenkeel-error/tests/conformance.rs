//! Every case of `conformance/*.json`, whose README is the format.
#![cfg(feature = "claude")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use evenkeel_error::{
    Detail, Error, Facts, FieldPath, Hint, Pace, RateLimit, Recoverable, Recovery,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

/// What is promised at least; the folder holds more.
const FEWEST_CASES: usize = 150;

#[test]
fn every_case_is_classified_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let mut count = 0;
    let mut failures = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            count += 1;
            let name = format!("{}: {}", path.file_stem().unwrap().display(), case["name"]);
            let seen = observe(case, &file["received"]);
            for (key, expected) in case["expect"].as_object().unwrap() {
                let seen = seen
                    .get(key)
                    .unwrap_or_else(|| panic!("{name}: no fact is named {key}"));
                if seen != expected {
                    failures.push(format!("{name}: {key} should be {expected}, is {seen}"));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} wrong\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(count >= FEWEST_CASES, "only {count} cases");
}

fn observe(case: &Value, received: &Value) -> Map<String, Value> {
    let received = case["received"].as_str().or(received.as_str()).unwrap();
    let received = received.parse::<jiff::Timestamp>().unwrap().into();
    let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
    let facts = Facts::read(status, &headers(&case["headers"]), received);
    let body = body(case);
    let error = match case["event"].as_bool() {
        Some(true) => Error::from_event(&facts, &body),
        _ => Error::from_response(&facts, &body),
    };
    facts_of(&error)
}

fn headers(list: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for header in list.as_array().into_iter().flatten() {
        let name: HeaderName = header[0].as_str().unwrap().parse().unwrap();
        let value = HeaderValue::from_bytes(header[1].as_str().unwrap().as_bytes()).unwrap();
        headers.append(name, value);
    }
    headers
}

fn body(case: &Value) -> Vec<u8> {
    if let Some(hex) = case["body_hex"].as_str() {
        let pairs = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| str::from_utf8(pair).unwrap());
        return pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect();
    }
    if let Some(parts) = case["body_parts"].as_array() {
        let parts = parts.iter().map(|part| {
            let times = usize::try_from(part[1].as_u64().unwrap()).unwrap();
            part[0].as_str().unwrap().repeat(times)
        });
        return parts.collect::<String>().into_bytes();
    }
    match &case["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    }
}

fn facts_of(error: &Error) -> Map<String, Value> {
    let limits = error.facts().and_then(Facts::rate_limits);
    let facts = json!({
        "kind": error.label(),
        "category": error.category().label(),
        "recovery": error.recovery().label(),
        "delivery": error.delivery().label(),
        "status": error.status(),
        "type": error.error_type(),
        "code": error.code(),
        "message": error.message(),
        "request_id": error.request_id(),
        "cf_ray": error.cf_ray(),
        "retry_at": error.retry_at().map(date),
        "after_ms": error.retry_after().map(|wait| wait.as_micros().div_ceil(1_000)),
        "hint": hint(error.recovery()),
        "repeats": error.repeats(),
        "detail": detail(error.detail()),
        "rate_limits": limits.map(|limits| {
            let named = [
                ("requests", limits.requests),
                ("tokens", limits.tokens),
                ("input_tokens", limits.input_tokens),
                ("output_tokens", limits.output_tokens),
                ("priority_input_tokens", limits.priority_input_tokens),
                ("priority_output_tokens", limits.priority_output_tokens),
                ("fast_input_tokens", limits.fast_input_tokens),
                ("fast_output_tokens", limits.fast_output_tokens),
            ];
            let there = named.into_iter().filter_map(|(name, limit)| Some((name, rate(limit?))));
            there.map(|(name, limit)| (name.to_owned(), limit)).collect::<Map<_, _>>()
        }),
    });
    facts.as_object().unwrap().clone()
}

fn rate(limit: RateLimit) -> Value {
    json!({
        "limit": limit.limit,
        "remaining": limit.remaining,
        "reset": limit.reset.map(date),
    })
}

fn hint(recovery: Recovery) -> Option<&'static str> {
    match recovery {
        Recovery::After {
            hint: Hint::Limit, ..
        } => Some("limit"),
        Recovery::After {
            hint: Hint::Trouble(Pace::Short),
            ..
        } => Some("trouble_short"),
        Recovery::After {
            hint: Hint::Trouble(Pace::Long),
            ..
        } => Some("trouble_long"),
        _ => None,
    }
}

fn detail(detail: &Detail) -> Value {
    match detail {
        Detail::None => Value::Null,
        Detail::RateLimit(limit) => json!({ "rate_limit": limit.label() }),
        Detail::SpendCap { resumes } => json!({ "spend_cap": { "resumes": resumes.map(date) } }),
        Detail::PromptTooLong { actual, maximum } => {
            json!({ "prompt_too_long": { "actual": actual, "maximum": maximum } })
        }
        Detail::ContextOverflow {
            input,
            max_tokens,
            maximum,
        } => json!({
            "context_overflow": { "input": input, "max_tokens": max_tokens, "maximum": maximum },
        }),
        Detail::TooLarge {
            bytes,
            maximum,
            path,
        } => {
            let path = path.as_ref().map(FieldPath::pointer);
            json!({ "too_large": { "bytes": bytes, "maximum": maximum, "path": path } })
        }
        Detail::Images {
            paths,
            max_side_pixels,
        } => {
            let paths: Vec<_> = paths.iter().map(FieldPath::pointer).collect();
            json!({ "images": { "paths": paths, "max_side_pixels": max_side_pixels } })
        }
        Detail::Field { path } => json!({ "field": path.pointer() }),
        Detail::Unsupported { features } => json!({ "unsupported": features }),
        Detail::Links { appeal, docs } => json!({ "links": { "appeal": appeal, "docs": docs } }),
        other => panic!("the wire does not say {other:?}"),
    }
}

fn date(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap().to_string()
}
