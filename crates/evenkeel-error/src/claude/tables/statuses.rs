//! HTTP statuses: those with a row of their own, and the classes of the others.

use crate::ErrorKind;
use crate::claude::body::Form;

/// The kind of a status that the taxonomy names. `form` matters above 500, where a gateway's page
/// says that the API itself did not answer.
pub(in crate::claude) const fn by_row(status: u16, form: Form) -> Option<ErrorKind> {
    Some(match status {
        400 | 422 => ErrorKind::InvalidRequest,
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Billing,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::ServerTimeout,
        409 | 412 => ErrorKind::Conflict,
        413 => ErrorKind::RequestTooLarge,
        429 => ErrorKind::RateLimited,
        529 => ErrorKind::Overloaded,
        // Cloudflare's own: the edge reached the origin badly or not at all.
        502 | 520..=526 => ErrorKind::BadGateway,
        500..=599 if form.is_gateway() => ErrorKind::BadGateway,
        500 | 503 => ErrorKind::ServerError,
        _ => return None,
    })
}

/// The kind of every other status.
pub(in crate::claude) const fn by_class(status: u16) -> ErrorKind {
    match status {
        100..=399 => ErrorKind::Protocol,
        400..=499 => ErrorKind::InvalidRequest,
        // A status outside 100 to 599 counts as a 5xx (RFC 9110 §15).
        _ => ErrorKind::ServerError,
    }
}
