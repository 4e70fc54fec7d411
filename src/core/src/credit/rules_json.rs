//! The JSON form of a bucket: `past_due.penalty`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::rules::{Bucket, PARTS, Part, TIMINGS, Timing};

const fn timing_name(timing: Timing) -> &'static str {
    match timing {
        Timing::PastDue => "past_due",
        Timing::Due => "due",
        Timing::InAdvance => "in_advance",
    }
}

const fn part_name(part: Part) -> &'static str {
    match part {
        Part::Penalty => "penalty",
        Part::Fee => "fee",
        Part::Interest => "interest",
        Part::Principal => "principal",
    }
}

impl Bucket {
    fn parse(text: &str) -> Result<Self, String> {
        let named = || {
            let (timing, part) = text.split_once('.')?;
            Some(Self {
                timing: TIMINGS.into_iter().find(|one| timing_name(*one) == timing)?,
                part: PARTS.into_iter().find(|one| part_name(*one) == part)?,
            })
        };
        named().ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            format!(
                "`{shown}` is not a bucket: `past_due`, `due` or `in_advance`, a point, and `penalty`, `fee`, \
                 `interest` or `principal`"
            )
        })
    }
}

impl Serialize for Bucket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}.{}", timing_name(self.timing), part_name(self.part)))
    }
}

impl<'de> Deserialize<'de> for Bucket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

crate::json::read_text!(Bucket, "a text", Self::parse, Self { timing: Timing::PastDue, part: Part::Penalty });
