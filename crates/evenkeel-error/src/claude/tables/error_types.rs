//! `error.type`, as the API's errors page and the official SDKs name them.

use crate::ErrorKind;

/// What a type means.
pub(in crate::claude) struct Type {
    pub(in crate::claude) name: &'static str,
    pub(in crate::claude) kind: ErrorKind,
    /// The API uses it for more than its name says: a status with a row of its own knows better.
    pub(in crate::claude) generic: bool,
}

const fn plain(name: &'static str, kind: ErrorKind) -> Type {
    Type {
        name,
        kind,
        generic: false,
    }
}

const fn generic(name: &'static str, kind: ErrorKind) -> Type {
    Type {
        name,
        kind,
        generic: true,
    }
}

pub(in crate::claude) const TYPES: &[Type] = &[
    generic("invalid_request_error", ErrorKind::InvalidRequest),
    plain("authentication_error", ErrorKind::Authentication),
    plain("billing_error", ErrorKind::Billing),
    plain("permission_error", ErrorKind::PermissionDenied),
    plain("not_found_error", ErrorKind::NotFound),
    plain("request_too_large", ErrorKind::RequestTooLarge),
    plain("rate_limit_error", ErrorKind::RateLimited),
    plain("timeout_error", ErrorKind::ServerTimeout),
    generic("api_error", ErrorKind::ServerError),
    plain("overloaded_error", ErrorKind::Overloaded),
    plain("conflict_error", ErrorKind::Conflict),
    plain("memory_path_conflict_error", ErrorKind::Conflict),
    plain("memory_precondition_failed_error", ErrorKind::Conflict),
    // The network edge's, seen for unsupported regions.
    plain("forbidden", ErrorKind::PermissionDenied),
    // The token endpoint speaks OAuth (RFC 6749 §5.2).
    plain("invalid_client", ErrorKind::Authentication),
    plain("invalid_grant", ErrorKind::Authentication),
    plain("unauthorized_client", ErrorKind::Authentication),
];
