#[cfg(feature = "retry")]
use evenkeel_error::{Delivery, Error};
use evenkeel_messages::MessageRequest;
use http::Method;

#[cfg(feature = "retry")]
use crate::Ambiguous;

/// What carrying a request out twice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing: it only asks, or what it does can be done once only.
    Safe,
    /// It costs money and nothing else.
    Costly,
    /// It does something somewhere, twice.
    Unsafe,
}

impl Repeat {
    /// Of a Messages request: what MCP servers do for it is done outside.
    pub(crate) fn of_message(request: &MessageRequest) -> Self {
        match request.mcp_servers() {
            Some(_) => Self::Unsafe,
            None => Self::Costly,
        }
    }

    /// Of any other request, by what HTTP says of its method (RFC 9110 §9.2.2).
    pub(crate) fn of_method(method: &Method) -> Self {
        if method.is_idempotent() {
            Self::Safe
        } else {
            Self::Unsafe
        }
    }

    /// Whether it may be sent again after `error`.
    #[cfg(feature = "retry")]
    pub(crate) fn may_follow(self, error: &Error, ambiguous: Option<Ambiguous>) -> bool {
        let refused = error.delivery() == Delivery::NotSent
            // Limits and overload are found out before anything is done.
            || matches!(error.status(), Some(429 | 529));
        if refused || ambiguous == Some(Ambiguous::Resend) {
            return true;
        }
        match self {
            Self::Unsafe => false,
            Self::Safe | Self::Costly => {
                ambiguous.is_none() || error.delivery() != Delivery::Unknown
            }
        }
    }
}

#[cfg(all(test, feature = "retry"))]
mod tests {
    use std::time::SystemTime;

    use evenkeel_error::Facts;
    use http::HeaderMap;

    use super::*;

    fn status(status: u16) -> Error {
        let facts = Facts::read(status, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
        Error::from_response(&facts, b"")
    }

    #[test]
    fn what_may_follow_a_failure_is_as_the_table_says() {
        use Ambiguous::{Resend, Surface};
        use Repeat::{Costly, Safe, Unsafe};

        let not_sent = || Error::connection(Delivery::NotSent);
        let lost = || Error::connection(Delivery::Unknown);
        let cut = Error::interrupted;
        for (repeat, ambiguous, expected) in [
            //                        unsent lost  429   529   500   cut
            (Safe, None, [true, true, true, true, true, true]),
            (Safe, Some(Surface), [true, false, true, true, true, true]),
            (Costly, None, [true, true, true, true, true, true]),
            (Costly, Some(Surface), [true, false, true, true, true, true]),
            (Unsafe, None, [true, false, true, true, false, false]),
            (
                Unsafe,
                Some(Surface),
                [true, false, true, true, false, false],
            ),
            (Unsafe, Some(Resend), [true, true, true, true, true, true]),
        ] {
            let errors = [
                not_sent(),
                lost(),
                status(429),
                status(529),
                status(500),
                cut(),
            ];
            let found = errors.map(|error| repeat.may_follow(&error, ambiguous));
            assert_eq!(found, expected, "{repeat:?} {ambiguous:?}");
        }
    }

    #[test]
    fn a_method_says_what_repeating_it_does() {
        for method in [Method::GET, Method::DELETE, Method::PUT, Method::HEAD] {
            assert_eq!(Repeat::of_method(&method), Repeat::Safe);
        }
        for method in [Method::POST, Method::PATCH] {
            assert_eq!(Repeat::of_method(&method), Repeat::Unsafe);
        }
    }
}
