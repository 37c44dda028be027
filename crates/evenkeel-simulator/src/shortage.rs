//! What a caller can run out of, and how the API says so.

use std::time::Duration;

use crate::calendar::{first_of_next_month, rfc3339_rounded_up};
use crate::plan::Circumstances;

/// What a scripted refusal says that the limits are.
const REQUESTS: u32 = 50;
const INPUT_TOKENS: &str = "30,000";
const OUTPUT_TOKENS: &str = "8,000";

/// What an empty bucket takes to be full again, which is what `…-reset` tells.
const MINUTE: Duration = Duration::from_secs(60);

/// What a caller has run out of: each has its own refusal, and only some are helped by waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Shortage {
    /// 429: requests per minute.
    Requests,
    /// 429: input tokens per minute.
    InputTokens,
    /// 429: output tokens per minute.
    OutputTokens,
    /// 429 `ramp_limit_exceeded`: usage grew too fast.
    Ramp,
    /// 429: too many requests at once.
    Concurrency,
    /// 429: the limits of fast mode, with their own headers.
    FastMode,
    /// 429 without a word about which limit.
    Throttle,
    /// 429 `enforced_spend_limit_reached`: the monthly cap of the tier. Waiting does not help.
    SpendCap,
    /// 429 `contract_spend_limit_reached`. Waiting does not help.
    ContractSpendCap,
    /// 400: the limit that the organization has set itself.
    OwnSpendLimit,
    /// 400: prepaid credit is used up.
    Credit,
}

/// A refusal as the API words it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error_type: &'static str,
    pub(crate) message: String,
    pub(crate) code: Option<&'static str>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Shortage {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::OwnSpendLimit | Self::Credit => 400,
            _ => 429,
        }
    }

    /// Whether a retry can never succeed.
    pub(crate) fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::SpendCap | Self::ContractSpendCap | Self::OwnSpendLimit | Self::Credit
        )
    }

    pub(crate) fn refused(self, given: &Circumstances<'_>, wait: Option<Duration>) -> Refused {
        let month = || first_of_next_month(given.wall);
        let (code, message) = match self {
            Self::Requests => (None, over_the_limit(&format!("{REQUESTS} requests per minute"), given)),
            Self::InputTokens => (
                None,
                over_the_limit(&format!("{INPUT_TOKENS} input tokens per minute"), given),
            ),
            Self::OutputTokens => (
                None,
                over_the_limit(&format!("{OUTPUT_TOKENS} output tokens per minute"), given),
            ),
            Self::Ramp => (
                Some("ramp_limit_exceeded"),
                "This request would exceed your organization's maximum usage increase rate for tokens per minute. Please scale up your usage gradually.".to_owned(),
            ),
            Self::Concurrency => (
                None,
                "Number of concurrent connections has exceeded your rate limit. Please try again later or contact sales to discuss your options for a rate limit increase.".to_owned(),
            ),
            Self::FastMode => (
                None,
                over_the_limit(&format!("{OUTPUT_TOKENS} fast mode output tokens per minute"), given),
            ),
            Self::Throttle => (None, "Rate limited".to_owned()),
            Self::SpendCap => (
                Some("enforced_spend_limit_reached"),
                format!(
                    "You have reached your API usage limits. You will regain access on {} at 00:00 UTC.",
                    month()
                ),
            ),
            Self::ContractSpendCap => (
                Some("contract_spend_limit_reached"),
                "Your organization has reached the spend limit of its contract.".to_owned(),
            ),
            Self::OwnSpendLimit => (
                None,
                format!(
                    "You have reached your specified API usage limits. You will regain access on {} at 00:00 UTC.",
                    month()
                ),
            ),
            Self::Credit => (
                None,
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.".to_owned(),
            ),
        };
        let error_type = match self.status() {
            429 => "rate_limit_error",
            _ => "invalid_request_error",
        };
        Refused {
            error_type,
            message,
            code,
            headers: self.headers(given, wait.unwrap_or_default()),
        }
    }

    fn headers(self, given: &Circumstances<'_>, wait: Duration) -> Vec<(String, String)> {
        let (name, limit) = match self {
            Self::Requests => ("anthropic-ratelimit-requests", REQUESTS.to_string()),
            Self::InputTokens => (
                "anthropic-ratelimit-input-tokens",
                INPUT_TOKENS.replace(',', ""),
            ),
            Self::OutputTokens => (
                "anthropic-ratelimit-output-tokens",
                OUTPUT_TOKENS.replace(',', ""),
            ),
            Self::FastMode => (
                "anthropic-fast-output-tokens",
                OUTPUT_TOKENS.replace(',', ""),
            ),
            _ => return Vec::new(),
        };
        vec![
            (format!("{name}-limit"), limit),
            (format!("{name}-remaining"), "0".into()),
            (
                format!("{name}-reset"),
                rfc3339_rounded_up(given.wall, wait.max(MINUTE)),
            ),
        ]
    }
}

/// The API's sentence for a request over a limit.
pub(crate) fn over_the_limit(limit: &str, given: &Circumstances<'_>) -> String {
    // Batches are of no model, nor are their limits.
    let model = given
        .request
        .map_or_else(String::new, |request| format!(", model: {}", request.model));
    format!(
        "This request would exceed your organization's rate limit of {limit} (org: {}{model}).",
        given.organization
    )
}
