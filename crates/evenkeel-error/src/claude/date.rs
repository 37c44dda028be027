//! Dates as servers write them.

use std::time::{Duration, SystemTime};

/// Reads an HTTP date in any of the three forms a recipient must accept (RFC 9110 §5.6.7), and in
/// RFC 3339, which some proxies write.
pub(super) fn http_date(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    fixdate(text)
        .or_else(|| rfc3339(text))
        .or_else(|| httpdate::parse_http_date(text).ok())
        .or_else(|| nearly_fixdate(text))
}

/// The same as some write it: without a day of the week, with a day of one digit, or with `+0000`.
fn nearly_fixdate(text: &str) -> Option<SystemTime> {
    let date = match text.split_once(", ") {
        Some((_, date)) => date,
        None => text,
    };
    let mut words = date.split_ascii_whitespace();
    let mut word = || words.next();
    let (day, month, year, clock) = (word()?, word()?, word()?, word()?);
    if !matches!(word()?, "GMT" | "UTC" | "+0000" | "-0000") || word().is_some() {
        return None;
    }
    fixdate(&format!("Mon, {day:0>2} {month} {year} {clock} GMT"))
}

/// The form that servers write, `Sun, 06 Nov 1994 08:49:37 GMT`. A day of the week that is not that
/// of the date is let pass: the date says enough, and a wait that the server asked for must not be
/// lost over it.
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
    let [o1, o2] = match &[m1, m2, m3] {
        b"Jan" => *b"01",
        b"Feb" => *b"02",
        b"Mar" => *b"03",
        b"Apr" => *b"04",
        b"May" => *b"05",
        b"Jun" => *b"06",
        b"Jul" => *b"07",
        b"Aug" => *b"08",
        b"Sep" => *b"09",
        b"Oct" => *b"10",
        b"Nov" => *b"11",
        b"Dec" => *b"12",
        _ => return None,
    };
    let digits = [
        y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2,
    ];
    humantime::parse_rfc3339_weak(std::str::from_utf8(&digits).ok()?).ok()
}

/// Reads an RFC 3339 time, the form of the rate-limit resets.
pub(super) fn rfc3339(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    humantime::parse_rfc3339(text)
        .ok()
        .or_else(|| away_from_utc(text))
}

/// RFC 3339 with an offset such as `+01:00`, or with small letters.
fn away_from_utc(text: &str) -> Option<SystemTime> {
    let text = text.to_ascii_uppercase();
    if text.ends_with('Z') {
        return humantime::parse_rfc3339(&text.replace(' ', "T")).ok();
    }
    let (moment, offset) = text.split_at_checked(text.len().checked_sub("+01:00".len())?)?;
    let moment = humantime::parse_rfc3339_weak(moment).ok()?;
    let ahead = offset.starts_with('+');
    let (hours, minutes) = clock(offset.strip_prefix(['+', '-'])?)?;
    let offset = Duration::from_secs(60 * (60 * hours + minutes));
    let utc = if ahead {
        moment.checked_sub(offset)?
    } else {
        moment.checked_add(offset)?
    };
    (utc >= SystemTime::UNIX_EPOCH).then_some(utc)
}

/// Writes RFC 3339 in UTC, to the millisecond at most.
pub(super) fn to_rfc3339(time: SystemTime) -> Option<String> {
    /// Of the last second that has a year of four digits.
    const LAST: u64 = 253_402_300_799;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    // Up: a moment that is a little early is known to fail.
    let millis = u64::try_from(since.as_nanos().div_ceil(1_000_000)).ok()?;
    if millis > LAST * 1_000 {
        return None;
    }
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))?;
    Some(if millis.is_multiple_of(1_000) {
        humantime::format_rfc3339_seconds(time).to_string()
    } else {
        humantime::format_rfc3339_millis(time).to_string()
    })
}

/// The first `YYYY-MM-DD` in a text, with the ` at HH:MM UTC` behind it if there is one: how a
/// spend-cap message states when access comes back (the API's rate-limits page).
pub(super) fn stated(text: &str) -> Option<SystemTime> {
    let (start, midnight) = text.match_indices("20").find_map(|(at, _)| {
        let alone = !text
            .get(..at)
            .is_some_and(|before| before.ends_with(char::is_alphanumeric));
        let day = text.get(at..at + "2026-12-01".len()).filter(|_| alone)?;
        let midnight = humantime::parse_rfc3339_weak(&format!("{day}T00:00:00")).ok()?;
        Some((at, midnight))
    })?;
    let word = text.get(start..)?.split_whitespace().next()?;
    if let Some(moment) = rfc3339(word.trim_end_matches(['.', ',', ';', ')', '"'])) {
        return Some(moment);
    }
    let behind = text.get(start + "2026-12-01".len()..)?;
    let clock = behind.strip_prefix(" at ").and_then(|rest| rest.get(..5));
    let (hours, minutes) = clock.and_then(self::clock).unwrap_or((0, 0));
    midnight.checked_add(Duration::from_secs(60 * (60 * hours + minutes)))
}

/// `HH:MM`.
fn clock(text: &str) -> Option<(u64, u64)> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str, below: u64| {
        let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|value| is_two && *value < below)
    };
    Some((two(hours, 24)?, two(minutes, 60)?))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::fmt::rfc2822;

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
                let parsed = parser.parse_timestamp(&text).ok().map(SystemTime::from);
                proptest::prop_assert_eq!(by_hand, parsed, "{}", text);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_time_of_rfc_3339_is_the_one_that_another_parser_reads(
            seconds in 86_400..=253_402_214_399_i64,
            nanos in 0..1_000_000_000_i32,
            offset in -1_439..=1_439_i32,
            spoilt in proptest::option::of((0..30_usize, "[ -~]")),
        ) {
            let stamp = Timestamp::new(seconds, nanos).unwrap();
            let offset = jiff::tz::Offset::from_seconds(offset * 60).unwrap();
            let mut text = stamp.display_with_offset(offset).to_string();
            let is_spoilt = spoilt.is_some();
            if let Some((at, with)) = spoilt.filter(|(at, _)| *at < text.len()) {
                text.replace_range(at..=at, &with);
            }
            let read = rfc3339(&text);
            if !is_spoilt {
                proptest::prop_assert_eq!(read, Some(SystemTime::from(stamp)));
            }
            if let (Some(read), Ok(parsed)) = (read, text.parse::<Timestamp>()) {
                proptest::prop_assert_eq!(read, SystemTime::from(parsed), "{}", text);
            }
        }

        #[test]
        fn a_time_is_written_to_the_millisecond_and_never_earlier(
            seconds in 0..=253_402_300_798_u64,
            nanos in 0..1_000_000_000_u32,
        ) {
            let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
            let written = to_rfc3339(time).unwrap();
            let read: Timestamp = written.parse().unwrap();
            let read = SystemTime::from(read);
            let later = read.duration_since(time).unwrap();
            proptest::prop_assert!(later < Duration::from_millis(1), "{}", written);
        }
    }

    #[test]
    fn a_time_without_a_year_of_four_digits_is_not_written() {
        let last = unix(253_402_300_799).unwrap();
        assert_eq!(to_rfc3339(last).unwrap(), "9999-12-31T23:59:59Z");
        assert_eq!(to_rfc3339(last + Duration::from_nanos(1)), None);
        assert_eq!(
            to_rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
            None
        );
    }

    #[test]
    fn what_others_write_for_a_date_is_read() {
        for text in [
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "6 Nov 1994 08:49:37 UTC",
        ] {
            assert_eq!(http_date(text), unix(784_111_777), "{text}");
        }
    }

    #[test]
    fn a_wrong_day_of_the_week_is_let_pass() {
        assert_eq!(
            http_date("Mon, 06 Nov 1994 08:49:37 GMT"),
            unix(784_111_777)
        );
    }

    #[test]
    fn what_is_no_date_is_no_date() {
        for text in [
            "",
            "soon",
            "20",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "1950-01-01T00:00:00Z",
            "1970-01-01T00:30:00+01:00",
            "2026-12-01T00:00:00+0é:00",
            "é+01:00",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "006 Nov 1994 08:49:37 GMT",
            "06 Nov 1994 08:49:37 GMT GMT",
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
