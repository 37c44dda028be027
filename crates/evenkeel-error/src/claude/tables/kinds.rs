//! What helps against each kind, for machines and for people.

use crate::claude::Limit;
use crate::{ErrorKind, Recovery};

macro_rules! rows {
    ($($kind:ident => $recovery:ident, $advice:literal;)+) => {
        /// What helps against a kind, before the server or its code say otherwise.
        pub(in crate::claude) const fn recovery(kind: ErrorKind) -> Recovery {
            match kind {
                $(ErrorKind::$kind => Recovery::$recovery,)+
            }
        }

        /// What a person should check where nothing more specific is known.
        pub(in crate::claude) const fn advice(kind: ErrorKind) -> &'static str {
            match kind {
                $(ErrorKind::$kind => $advice,)+
            }
        }
    };
}

rows! {
    RateLimited => BackOffLong, "A rate limit of the account is used up. Waiting helps; \
        retrying earlier than the server says does not. If it recurs, spread the load, cache the \
        prompt's prefix, or ask for higher limits in the Console under Limits.";
    QuotaExhausted => Never, "A spend cap is reached. No retry helps before it resets: raise it in \
        the Console under Limits or Billing, or wait for the date that the message states.";
    Billing => Never, "Payment is the problem, not the request. Add credit or settle the invoice in \
        the Console under Billing; retries cannot help before that.";
    Authentication => Never, "The key or token is missing, wrong, revoked or expired. Check which \
        one is sent, and in the Console under API keys that it is active; the same credential will \
        be refused again. If every key fails at once, look at status.claude.com.";
    PermissionDenied => Never, "The credential is known but may not do this. Check the workspace, \
        the model access and the beta features of the account, and the region and network the \
        call comes from. A retry does not change it.";
    InvalidRequest => Never, "The request is refused as it stands, and will be each time. Read the \
        message: it names the field. Change the request before sending it again.";
    PromptTooLong => Never, "The input alone exceeds the model's context. Shorten or compact the \
        conversation, drop tools and documents that are not needed, or take a model with more \
        context; count_tokens tells the size beforehand.";
    RequestTooLarge => Never, "The request has more bytes than the endpoint takes (32 MB for \
        messages). Send large files through the Files API, scale images down, or split the work; \
        the same bytes will be refused again.";
    NotFound => Never, "Nothing is at this path, or no model, file or batch has this id. Check the \
        spelling and the base URL, whether the model is retired, and whether the id belongs to \
        this workspace. A retry does not help.";
    Conflict => Never, "The resource is not in the state that the request assumes. Read it again, \
        resolve the difference, and send a new request.";
    Overloaded => BackOffLong, "The API has no capacity for this model at the moment, for anybody; \
        it does not count against your limits. Retry with growing waits, or use another model. \
        status.claude.com tells of incidents.";
    ServerError => BackOff, "The API failed inside. A retry usually helps; if it persists, look at \
        status.claude.com and quote the request id to support.";
    BadGateway => BackOff, "The network edge answered for the API, which may or may not have \
        processed the request. A retry usually helps; if it persists, check the base URL and any proxy; \
        quote the cf-ray id if there is one.";
    ServerTimeout => BackOff, "The server gave up before it was done. Retry; for long answers use \
        streaming or a batch, and lower max_tokens or send less.";
    Connection => BackOff, "The API could not be reached, or the connection was lost. Check the base \
        URL, DNS, proxy and firewall; a retry helps if the network does.";
    TimedOut => BackOff, "One of this client's own limits passed while waiting. A retry can help; if \
        the work is just slow, use streaming or raise that limit.";
    Interrupted => BackOff, "The answer broke off before its end. What arrived is incomplete. A \
        retry starts over; if it recurs, look for a proxy that cuts long connections.";
    Protocol => BackOff, "The answer is not from the API, or not what it promises. Check the base URL \
        and any proxy in between; one retry is worth while, more are not.";
    CircuitOpen => BackOff, "Nothing was sent: recent calls failed, so this client waits before it \
        tries again. It recovers by itself; the fault that opened the circuit says what to check.";
    DeadlineExceeded => Never, "The deadline that the caller set had passed before the call could \
        finish. Give it more time; retrying within the same deadline cannot help.";
    InvalidConfig => Never, "The configuration breaks a rule, and nothing was sent. Correct the \
        named setting; retrying does not help.";
}

/// A certificate that is not accepted.
pub(in crate::claude) const UNTRUSTED: &str = "The certificate is not accepted. Check the clock, \
    the base URL, and a proxy that opens TLS: its root certificate must be trusted here. A retry \
    does not help.";

/// A page where the API would have sent JSON, with a 403: the network edge's.
pub(in crate::claude) const CHALLENGED: &str = "The network edge refused the call before the API \
    saw it, as it does with unsupported regions and suspicious networks. Check the proxy, VPN and \
    country that the call comes from; a retry does not help.";

/// What a person should do about one of the limits, where it differs from the others.
pub(in crate::claude) const fn limit_advice(limit: Limit) -> Option<&'static str> {
    match limit {
        Limit::Ramp => Some(
            "The load grew faster than the account may grow. Wait as long as the server says, then \
             raise the load slowly.",
        ),
        Limit::FastMode => Some(
            "The limits of fast mode are used up. Wait as the server says, or send the request \
             without `speed`, which loses the cached prompt.",
        ),
        Limit::Concurrency => {
            Some("Too many calls at the same time. Run fewer of them in parallel; waiting helps.")
        }
        _ => None,
    }
}
