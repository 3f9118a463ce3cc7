//! Dates and spans of time, as people write them.

use base::Timestamp;

/// A date as XML, ISO 8601 or in the American form that PowerShell reads in every culture. Without a zone it is UTC.
pub(crate) fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = Timestamp::parse_xml(text) {
        return Some(time);
    }
    let mut words = text.split([' ', 'T']).filter(|word| !word.is_empty());
    let date = words.next()?;
    let (year, month, day) = match date.contains('/') {
        true => {
            let mut parts = date.splitn(3, '/');
            let (month, day) = (parts.next()?, parts.next()?);
            (parts.next()?, month, day)
        }
        false => {
            let mut parts = date.splitn(3, '-');
            (parts.next()?, parts.next()?, parts.next()?)
        }
    };
    let mut clock = words.next().unwrap_or("0:00").splitn(3, ':');
    let hour: u8 = clock.next()?.parse().ok()?;
    let minute: u8 = clock.next().unwrap_or("0").parse().ok()?;
    let second: u8 = clock.next().unwrap_or("0").parse().ok()?;
    let hour = match (words.next().map(str::to_ascii_uppercase).as_deref(), hour) {
        (None, hour) => hour,
        (Some("AM"), 12) => 0,
        (Some("PM"), 12) => 12,
        (Some("AM"), hour) if hour < 12 => hour,
        (Some("PM"), hour) if hour < 12 => hour.checked_add(12)?,
        _ => return None,
    };
    if words.next().is_some() || year.len() > 4 {
        return None;
    }
    let (year, month, day): (u16, u8, u8) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    Timestamp::parse_xml(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")).ok()
}

/// Seconds of a span of time: `00:30:00`, `1.12:00:00`, `7` (days).
pub(crate) fn parse_span(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(days) = text.parse::<u64>() {
        return days.checked_mul(86_400);
    }
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) if !days.contains(':') => (days.parse::<u64>().ok()?, clock),
        _ => (0, text),
    };
    let mut parts = clock.splitn(3, ':');
    let hours: u64 = parts.next()?.parse().ok().filter(|hours| *hours < 24)?;
    let minutes: u64 = parts.next()?.parse().ok().filter(|minutes| *minutes < 60)?;
    let seconds: u64 = parts.next().unwrap_or("0").parse().ok().filter(|seconds| *seconds < 60)?;
    let in_day = hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?;
    days.checked_mul(86_400)?.checked_add(in_day)
}

/// A span as the product prints it: `00:30:00`, `1.12:00:00`.
pub(crate) fn span_text(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest % 3_600 / 60, rest % 60);
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_people_write() {
        for (text, xml) in [
            ("2026-11-24", "2026-11-24T00:00:00.000Z"),
            ("11/24/2026 3:04:05 PM", "2026-11-24T15:04:05.000Z"),
            ("1/1/0001 12:00:00 AM", "0001-01-01T00:00:00.000Z"),
            ("2026-11-24T08:00:00+09:00", "2026-11-23T23:00:00.000Z"),
            ("2026-11-24 08:15", "2026-11-24T08:15:00.000Z"),
        ] {
            assert_eq!(parse_date(text).map(Timestamp::to_xml).as_deref(), Some(xml), "{text}");
        }
        for text in ["", "now", "13/13/2026", "24.11.2026", "1/1/2026 13:00 PM", "1/1/2026 1:00 PM x"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_read_and_written() {
        for (text, seconds, written) in [
            ("00:30:00", 1_800, "00:30:00"),
            ("1.12:00:01", 129_601, "1.12:00:01"),
            ("7", 604_800, "7.00:00:00"),
        ] {
            assert_eq!(parse_span(text), Some(seconds), "{text}");
            assert_eq!(span_text(seconds), written);
        }
        for text in ["", "24:00:00", "0:60:00", "-1", "x", "99999999999999999999"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
