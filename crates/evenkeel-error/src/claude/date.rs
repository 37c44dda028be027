//! Dates as servers write them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// Day and month names, two-digit years: the form of RFC 850.
const RFC_850: &str = "%A, %d-%b-%y %H:%M:%S GMT";
/// The form of C's `asctime`.
const ASCTIME: &str = "%a %b %e %H:%M:%S %Y";

/// Reads an HTTP date in any of the three forms a recipient must accept (RFC 9110 §5.6.7), and in
/// RFC 3339, which some proxies write.
pub(super) fn http_date(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    if let Some(date) = fixdate(text) {
        return Some(date);
    }
    let fixdate = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    fixdate
        .parse_timestamp(text)
        .or_else(|_| text.parse())
        .or_else(|_| obsolete(text, RFC_850))
        .or_else(|_| obsolete(text, ASCTIME))
        .ok()
        .and_then(wall)
}

/// The form that servers write, `Sun, 06 Nov 1994 08:49:37 GMT`, which every response has: read by hand,
/// as the parsers of all the forms cost more than all else that is read of a head.
fn fixdate(text: &str) -> Option<SystemTime> {
    let bytes: &[u8; 29] = text.as_bytes().try_into().ok()?;
    let [
        w1,
        w2,
        w3,
        b',',
        b' ',
        d1,
        d2,
        b' ',
        m1,
        m2,
        m3,
        b' ',
        y1,
        y2,
        y3,
        y4,
        b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b' ',
        b'G',
        b'M',
        b'T',
    ] = *bytes
    else {
        return None;
    };
    let weekdays = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    if !weekdays.contains(&&[w1, w2, w3]) {
        return None;
    }
    let month = match &[m1, m2, m3] {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i16::from(byte - b'0'));
    let two = |tens: u8, ones: u8| Some(digit(tens)? * 10 + digit(ones)?);
    let in_time = |tens: u8, ones: u8, below: i16| {
        let value = two(tens, ones).filter(|value| *value < below)?;
        u64::try_from(value).ok()
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let day = i8::try_from(two(d1, d2)?).ok()?;
    let date = Date::new(year, month, day).ok()?;
    let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
    let days = u64::try_from(days).ok()?;
    let hours = days * 24 + in_time(h1, h2, 24)?;
    let minutes = hours * 60 + in_time(n1, n2, 60)?;
    let seconds = minutes * 60 + in_time(s1, s2, 60)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Reads an RFC 3339 time, the form of the rate-limit resets.
pub(super) fn rfc3339(text: &str) -> Option<SystemTime> {
    text.trim().parse().ok().and_then(wall)
}

/// Writes RFC 3339 in UTC, to the millisecond at most.
pub(super) fn to_rfc3339(time: SystemTime) -> Option<String> {
    let stamp = Timestamp::try_from(time).ok()?;
    // Up: a moment that is a little early is known to fail.
    let up = jiff::TimestampRound::new()
        .smallest(jiff::Unit::Millisecond)
        .mode(jiff::RoundMode::Ceil);
    Some(stamp.round(up).ok()?.to_string())
}

/// The first `YYYY-MM-DD` in a text, with the ` at HH:MM UTC` behind it if there is one: how a
/// spend-cap message states when access comes back (the API's rate-limits page).
pub(super) fn stated(text: &str) -> Option<SystemTime> {
    let start = text.match_indices("20").map(|(at, _)| at).find(|&at| {
        let alone = !text
            .get(..at)
            .is_some_and(|before| before.ends_with(char::is_alphanumeric));
        alone
            && text
                .get(at..at + 10)
                .is_some_and(|day| day.parse::<Date>().is_ok())
    })?;
    let word = text.get(start..)?.split_whitespace().next()?;
    if let Ok(stamp) = word
        .trim_end_matches(['.', ',', ';', ')', '"'])
        .parse::<Timestamp>()
    {
        return wall(stamp);
    }
    let day: Date = text.get(start..start + 10)?.parse().ok()?;
    let clock = text
        .get(start + 10..)
        .and_then(clock_after)
        .unwrap_or((0, 0));
    let stamp = day
        .at(clock.0, clock.1, 0, 0)
        .to_zoned(TimeZone::UTC)
        .ok()?
        .timestamp();
    wall(stamp)
}

fn clock_after(rest: &str) -> Option<(i8, i8)> {
    let rest = rest.strip_prefix(" at ")?;
    let (hour, minute) = rest.get(..5)?.split_once(':')?;
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute))
}

fn obsolete(text: &str, form: &str) -> Result<Timestamp, jiff::Error> {
    Ok(DateTime::strptime(form, text)?
        .to_zoned(TimeZone::UTC)?
        .timestamp())
}

/// Nothing on this wire happened before 1970, and not every platform can say such a time.
fn wall(stamp: Timestamp) -> Option<SystemTime> {
    let since = Duration::try_from(stamp.as_duration()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(seconds: u64) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    #[test]
    fn all_forms_of_an_http_date_name_the_same_second() {
        let expected = unix(784_111_777);
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
        assert_eq!(http_date("Sun Nov  6 08:49:37 1994"), expected);
        assert_eq!(http_date("1994-11-06T08:49:37Z"), expected);
    }

    proptest::proptest! {
        #[test]
        fn a_date_read_by_hand_is_the_one_that_the_parser_reads(
            seconds in 0..=253_402_300_799_u64,
            spoilt in proptest::option::of((0..29_usize, "[ -~]")),
        ) {
            let stamp = Timestamp::new(i64::try_from(seconds).unwrap(), 0).unwrap();
            let mut text = stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let is_spoilt = spoilt.is_some();
            if let Some((at, with)) = spoilt {
                text.replace_range(at..=at, &with);
            }
            let by_hand = fixdate(&text);
            if !is_spoilt {
                proptest::prop_assert_eq!(by_hand, unix(seconds));
            }
            if by_hand.is_some() {
                let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
                let parsed = parser.parse_timestamp(&text).ok().and_then(wall);
                proptest::prop_assert_eq!(by_hand, parsed, "{}", text);
            }
        }
    }

    #[test]
    fn what_is_no_date_is_no_date() {
        for text in [
            "",
            "soon",
            "20",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "1950-01-01T00:00:00Z",
        ] {
            assert_eq!(http_date(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_message_states_its_date_with_or_without_a_clock() {
        let first = unix(1_796_083_200);
        assert_eq!(
            stated("You will regain access on 2026-12-01 at 00:00 UTC."),
            first
        );
        assert_eq!(stated("Access resumes 2026-12-01."), first);
        assert_eq!(stated("at 2026-12-01 at 00:30 UTC"), unix(1_796_085_000));
        assert_eq!(
            stated("limit of 20 requests, 2026-13-01, 12026-12-01"),
            None
        );
        assert_eq!(stated("20é 2020"), None);
    }
}
