//! Messages that say more than their type and status do.

use crate::ErrorKind;

/// A beginning of a message that decides the kind.
pub(in crate::claude) struct Prefix {
    /// How the message begins, whatever its case.
    pub(in crate::claude) starts: &'static str,
    /// What it also holds; empty where the beginning is enough.
    pub(in crate::claude) holds: &'static str,
    /// The kinds, by type and status, inside which it counts; empty for all.
    pub(in crate::claude) within: &'static [ErrorKind],
    /// What it is.
    pub(in crate::claude) kind: ErrorKind,
    /// What to do, where the kind's advice is not enough.
    pub(in crate::claude) advice: Option<&'static str>,
}

pub(in crate::claude) const PREFIXES: &[Prefix] = &[
    // Limits that the organization or a workspace set for itself come as 400, the tier's as 429.
    Prefix {
        starts: "you have reached your ",
        holds: "api usage limits",
        within: &[],
        kind: ErrorKind::QuotaExhausted,
        advice: None,
    },
    // Prepaid credit that is gone comes as 400, on free endpoints too.
    Prefix {
        starts: "your credit balance is too low",
        holds: "",
        within: &[ErrorKind::InvalidRequest],
        kind: ErrorKind::Billing,
        advice: Some(
            "The prepaid credit is used up. Buy credit in the Console under Billing, or turn on \
             auto-reload; retries cannot help before that.",
        ),
    },
    Prefix {
        starts: "prompt is too long",
        holds: "",
        within: &[ErrorKind::InvalidRequest],
        kind: ErrorKind::PromptTooLong,
        advice: None,
    },
    // Overload has been seen as a 500 with the generic type.
    Prefix {
        starts: "overloaded",
        holds: "",
        within: &[ErrorKind::ServerError],
        kind: ErrorKind::Overloaded,
        advice: None,
    },
    Prefix {
        starts: "this organization has been disabled",
        holds: "",
        within: &[ErrorKind::InvalidRequest],
        kind: ErrorKind::PermissionDenied,
        advice: Some(
            "The organization is disabled. An owner must settle it with Anthropic's support; no \
             request of it will be served before that.",
        ),
    },
    Prefix {
        starts: "cors requests are not allowed",
        holds: "",
        within: &[ErrorKind::Authentication],
        kind: ErrorKind::Authentication,
        advice: Some(
            "The request carried a browser's Origin header, which this organization does not \
             allow. The key may be fine: call the API from a server, without that header.",
        ),
    },
];

/// Parts of messages about a request, in lower case, and what to do about it: advice only.
#[rustfmt::skip]
pub(in crate::claude) const FRAGMENTS: &[(&str, &str)] = &[
    ("assistant message prefill", "This model does not continue an assistant message. End the conversation with a user message that quotes what there is and asks to go on."),
    (r#""thinking.type.enabled" is not supported"#, "This model has no manual thinking budget. Use adaptive thinking, and effort to steer it."),
    (r#""thinking.type.disabled" is not supported"#, "This model always thinks, at this effort at least. Leave thinking adaptive, whatever the message suggests."),
    ("adaptive thinking is not supported", "This model is too old for adaptive thinking. Use thinking of type enabled with a budget."),
    (r#"type "tool" and "any" are not supported"#, "This model cannot be forced to call a tool. Use tool_choice auto, and ask for the tool in the prompt."),
    ("thinking may not be enabled when tool_choice forces", "A forced tool and manual thinking exclude each other. Drop one."),
    ("bound to a different conversation", "The thinking block belongs to another history: system, tools or earlier messages were changed. Remove the thinking blocks and retry once, or set the block binding to drop them."),
    ("cannot be modified", "The thinking blocks of the latest assistant message must be sent back exactly as they came, in their order. Do not filter or rebuild them."),
    ("extra inputs are not permitted", "The named field does not exist for this API version, model or set of beta headers. Drop it, or send the beta header that it needs."),
    ("for the `anthropic-beta` header", "A beta name is misspelt, retired or not open to this account. Take it out of the anthropic-beta header."),
    ("for the anthropic-beta header", "A beta name is misspelt, retired or not open to this account. Take it out of the anthropic-beta header."),
    ("without tool_result blocks immediately after", "Each tool_use must be answered by a tool_result at the beginning of the next user message, before any other content."),
    ("was found without a corresponding", "A server tool's call is in the history without its result. Send the assistant's content back whole, and only tool results after it."),
    ("but no web_search tool was provided", "The history holds calls of a server tool that the request no longer offers. Offer the tool again."),
    ("exceed context limit", "Input and max_tokens together are over the model's context. Lower max_tokens by the excess, or shorten the input."),
    ("schema is too complex", "The JSON schema is too large to compile. Split it, and make fewer fields optional."),
    ("unsupported regex feature", "The pattern uses look-around or back references, which the schema compiler does not have. Simplify it."),
    ("circular $ref", "The JSON schema refers to itself, which the schema compiler does not have. Unroll it."),
    ("many-image requests", "Requests with many images take smaller ones. Scale them down to 2000 pixels a side."),
    ("image dimensions exceed", "Scale the image down to what the message states."),
    ("image exceeds", "Scale the image down or compress it until it has no more bytes than the message states."),
];
