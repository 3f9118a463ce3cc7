//! Durations as .NET writes a TimeSpan: `d.hh:mm:ss`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration in whole seconds: `00:30:00`, `1.12:00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(u64);

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a duration; expected d.hh:mm:ss, such as 00:30:00")]
pub struct TimeSpanError(String);

/// .NET's largest TimeSpan, in days.
const MOST_DAYS: u64 = 10_675_199;
const DAY: u64 = 24 * 60 * 60;

impl TimeSpan {
    /// From seconds, at most as many as .NET's TimeSpan holds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(if seconds > MOST_DAYS * DAY { MOST_DAYS * DAY } else { seconds })
    }

    /// From minutes.
    pub const fn from_minutes(minutes: u64) -> Self {
        Self::from_seconds(minutes.saturating_mul(60))
    }

    /// In seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// As the standard library has it.
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / DAY, self.0 % DAY);
        if days > 0 {
            write!(f, "{days}.")?;
        }
        write!(f, "{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
    }
}

impl FromStr for TimeSpan {
    type Err = TimeSpanError;

    /// As .NET reads it: `d`, `hh:mm`, `hh:mm:ss`, `d.hh:mm`, `d.hh:mm:ss`. A fraction of zero is accepted.
    fn from_str(text: &str) -> Result<Self, TimeSpanError> {
        let error = || TimeSpanError(text.chars().take(64).collect());
        let number = |text: &str, most: u64| {
            let digits =
                !text.is_empty() && text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|number| digits && *number <= most).ok_or_else(error)
        };
        let text = text.trim();
        let Some((first, rest)) = text.split_once(':') else {
            return Ok(Self(number(text, MOST_DAYS)? * DAY));
        };
        let (days, hours) = match first.split_once('.') {
            Some((days, hours)) => (number(days, MOST_DAYS - 1)?, hours),
            None => (0, first),
        };
        let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
        let seconds = match seconds.split_once('.') {
            Some((seconds, fraction)) if fraction.bytes().all(|byte| byte == b'0') => seconds,
            _ => seconds,
        };
        let clock = number(hours, 23)? * 3_600 + number(minutes, 59)? * 60 + number(seconds, 59)?;
        Ok(Self(days * DAY + clock))
    }
}

impl Serialize for TimeSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    /// Text, or a number of seconds as documents of 0.1 have it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = TimeSpan;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration written d.hh:mm:ss, such as 00:30:00")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TimeSpan, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<TimeSpan, E> {
                Ok(TimeSpan::from_seconds(seconds))
            }
        }

        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for TimeSpan {
    fn schema_name() -> Cow<'static, str> {
        "TimeSpan".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "timespan"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_and_read_as_dot_net_does() {
        for (text, seconds) in [
            ("00:30:00", 1_800),
            ("00:00:01", 1),
            ("23:59:59", DAY - 1),
            ("1.00:00:00", DAY),
            ("10675198.23:59:59", MOST_DAYS * DAY - 1),
        ] {
            assert_eq!(text.parse::<TimeSpan>().unwrap().as_seconds(), seconds, "{text}");
            assert_eq!(TimeSpan::from_seconds(seconds).to_string(), text);
        }
        for (text, seconds) in
            [("0:30", 1_800), ("2", 2 * DAY), ("1.02:03", DAY + 7_380), ("00:30:00.000", 1_800)]
        {
            assert_eq!(text.parse::<TimeSpan>().unwrap().as_seconds(), seconds, "{text}");
        }
        for text in [
            "",
            "x",
            "24:00:00",
            "00:60",
            "-1",
            "1.5",
            "00:00:00.5",
            "99999999",
            "1:2:3:4",
            "+1:00",
            "10675199.00:00:01",
        ] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
    }

    #[test]
    fn documents_of_the_first_version_hold_seconds() {
        assert_eq!(serde_json::from_str::<TimeSpan>("1800").unwrap(), TimeSpan::from_minutes(30));
        assert_eq!(serde_json::to_string(&TimeSpan::from_minutes(30)).unwrap(), "\"00:30:00\"");
    }
}
