//! Dates in the three spellings the API uses.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;

/// `Sun, 22 Nov 2026 10:11:12 GMT`, for the header `date`.
pub(crate) fn http_date(wall: SystemTime) -> String {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&timestamp(wall))
        .unwrap_or_default()
}

/// `2026-11-22T10:11:12Z`, for `…-reset` headers; a part of a second counts as a whole one, so
/// that the moment is never too early.
pub(crate) fn rfc3339_rounded_up(wall: SystemTime, ahead: Duration) -> String {
    let moment = timestamp(wall.checked_add(ahead).unwrap_or(wall));
    let whole = moment.as_second() + i64::from(moment.subsec_nanosecond() > 0);
    Timestamp::from_second(whole).unwrap_or(moment).to_string()
}

/// `2026-12-01`, the first day of the next month (UTC): when a monthly cap is lifted.
pub(crate) fn first_of_next_month(wall: SystemTime) -> String {
    let date = timestamp(wall).to_zoned(TimeZone::UTC).date();
    let (year, month) = match date.month() {
        12 => (date.year() + 1, 1),
        month => (date.year(), month + 1),
    };
    format!("{year:04}-{month:02}-01")
}

/// Moments outside jiff's years (−9999 to 9999) become 1970: a test's wall clock may be anything.
fn timestamp(wall: SystemTime) -> Timestamp {
    Timestamp::try_from(wall).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, nanos: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
    }

    #[test]
    fn dates_are_spelled_as_the_headers_want_them() {
        let wall = at(1_795_342_272, 0);
        assert_eq!(http_date(wall), "Sun, 22 Nov 2026 10:11:12 GMT");
        assert_eq!(
            rfc3339_rounded_up(wall, Duration::ZERO),
            "2026-11-22T10:11:12Z"
        );
        assert_eq!(
            rfc3339_rounded_up(wall, Duration::from_millis(1)),
            "2026-11-22T10:11:13Z"
        );
        assert_eq!(first_of_next_month(wall), "2026-12-01");
    }

    #[test]
    fn december_is_followed_by_january() {
        assert_eq!(first_of_next_month(at(1_798_416_000, 0)), "2027-01-01");
    }
}
