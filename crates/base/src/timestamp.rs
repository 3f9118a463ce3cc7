//! Instants, and the spellings of them that AD FS uses.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant in UTC with microseconds, counted from 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// The text is not an XML date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a UTC date and time; expected a value like 2017-10-11T00:20:06.447Z")]
pub struct TimestampError(String);

/// 0001-01-01 and 9999-12-31T23:59:59: outside of this no calendar date can be written.
const EARLIEST: i64 = -62_135_596_800_000_000;
const LATEST: i64 = 253_402_300_799_000_000;

impl Timestamp {
    /// From microseconds since 1970; held within the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(EARLIEST, LATEST))
    }

    /// From milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1_000))
    }

    /// From seconds since 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Later by `by`; stops at the year 9999.
    pub fn plus(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Earlier by `by`; stops at the year 1.
    pub fn minus(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Time passed since `earlier`; zero when `earlier` lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// XML form with milliseconds: `2017-10-11T00:20:06.447Z`.
    pub fn to_xml(self) -> String {
        let (t, mut text) = (self.calendar(), String::with_capacity(24));
        date_and_time(&mut text, &t, 'T');
        text.push('.');
        digits(&mut text, u32::from(t.millisecond()), 100);
        text.push('Z');
        text
    }

    /// Reads the XML form with any number of decimals. A zone is required: an instant without one means
    /// another moment on every machine.
    pub fn parse_xml(text: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError(text.chars().take(64).collect());
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| error())?;
        let micros = i64::try_from(parsed.unix_timestamp_nanos().div_euclid(1_000)).map_err(|_| error())?;
        Ok(Self::from_micros(micros))
    }

    /// As audits write it: `2017-09-19 20:50:43`.
    pub fn to_audit(self) -> String {
        let mut text = String::with_capacity(19);
        date_and_time(&mut text, &self.calendar(), ' ');
        text
    }

    /// As error pages and HTTP headers write it (RFC 9110 5.6.7): `Tue, 24 Nov 2026 08:00:00 GMT`.
    pub fn to_http(self) -> String {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let t = self.calendar();
        let day = DAYS.get(usize::from(t.weekday().number_days_from_monday())).unwrap_or(&"");
        let month = MONTHS.get(usize::from(u8::from(t.month())).saturating_sub(1)).unwrap_or(&"");
        format!(
            "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
            t.day(),
            t.year(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// As the `MSISAuthenticated` cookie holds it: `6/7/2020 8:27:59 AM`.
    pub fn to_us(self) -> String {
        let t = self.calendar();
        let (hour, half) = match t.hour() {
            0 => (12, "AM"),
            h @ 1..=11 => (h, "AM"),
            12 => (12, "PM"),
            h => (h.saturating_sub(12), "PM"),
        };
        format!(
            "{}/{}/{} {hour}:{:02}:{:02} {half}",
            u8::from(t.month()),
            t.day(),
            t.year(),
            t.minute(),
            t.second()
        )
    }

    fn calendar(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Appends `2017-10-11T00:20:06`. Every token has some; the formatting machinery takes ten times as long.
fn date_and_time(text: &mut String, t: &OffsetDateTime, between: char) {
    digits(text, t.year().unsigned_abs(), 1_000);
    text.push('-');
    digits(text, u32::from(u8::from(t.month())), 10);
    text.push('-');
    digits(text, u32::from(t.day()), 10);
    text.push(between);
    digits(text, u32::from(t.hour()), 10);
    text.push(':');
    digits(text, u32::from(t.minute()), 10);
    text.push(':');
    digits(text, u32::from(t.second()), 10);
}

/// Appends the digits of a number below ten times `highest`, a power of ten, with leading zeros.
fn digits(text: &mut String, number: u32, highest: u32) {
    let mut place = highest;
    while place > 0 {
        text.extend(char::from_digit(number / place % 10, 10));
        place /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_xml())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_xml())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_times_are_read_with_and_without_decimals_and_written_with_three() {
        for (text, written) in [
            ("2017-10-11T00:20:06.447Z", "2017-10-11T00:20:06.447Z"),
            ("2017-10-11T00:20:06Z", "2017-10-11T00:20:06.000Z"),
            ("2017-10-11T00:20:06.4471239Z", "2017-10-11T00:20:06.447Z"),
            ("2017-10-11T09:20:06+09:00", "2017-10-11T00:20:06.000Z"),
        ] {
            assert_eq!(Timestamp::parse_xml(text).unwrap().to_xml(), written, "{text}");
        }
    }

    #[test]
    fn a_time_without_zone_or_out_of_the_calendar_is_refused() {
        for text in ["2017-10-11T00:20:06", "2017-13-11T00:20:06Z", "", "now", "99999-01-01T00:00:00Z"] {
            assert!(Timestamp::parse_xml(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_spellings_of_cookies_pages_and_audits() {
        let time = Timestamp::parse_xml("2020-06-07T20:27:59Z").unwrap();
        assert_eq!(time.to_us(), "6/7/2020 8:27:59 PM");
        assert_eq!(time.to_http(), "Sun, 07 Jun 2020 20:27:59 GMT");
        assert_eq!(time.to_audit(), "2020-06-07 20:27:59");
    }

    #[test]
    fn sums_stop_at_the_ends_of_the_calendar() {
        assert_eq!(Timestamp::from_micros(i64::MAX).to_xml(), "9999-12-31T23:59:59.000Z");
        assert_eq!(Timestamp::from_seconds(0).minus(Duration::MAX).to_xml(), "0001-01-01T00:00:00.000Z");
    }
}
