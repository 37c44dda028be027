//! The scenarios that have a name.

use std::error::Error;
use std::fmt;

use crate::nearest::nearest;
use crate::scenario::Scenario;

mod scenarios;

pub(crate) use scenarios::{CATALOGUE, answer};

/// What a simulator says in good health.
pub(crate) const GREETING: &str = "Hello from the simulator: all is well.";

/// A named scenario: what it does, and how a call through a patient client should end.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ScenarioInfo {
    /// The name, as [`Scenario::named`] takes it.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// How a call should end.
    pub expected: Expected,
    build: fn() -> Scenario,
}

impl ScenarioInfo {
    /// The scenario itself.
    pub fn scenario(&self) -> Scenario {
        (self.build)()
    }
}

/// How a call through a client with ten minutes of patience should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expected {
    /// With a whole answer, maybe after retries.
    Complete,
    /// With part of an answer, and an error that says so.
    Truncated,
    /// With an error.
    Failed,
}

/// There is no scenario with that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownScenario {
    name: String,
}

impl fmt::Display for UnknownScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no scenario `{}`", self.name.escape_debug())?;
        if let Some(near) = nearest(&self.name, CATALOGUE.iter().map(|info| info.name)) {
            write!(f, "; did you mean `{near}`?")?;
        }
        f.write_str(" (scenarios: ")?;
        for (index, info) in CATALOGUE.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            f.write_str(info.name)?;
        }
        f.write_str(")")
    }
}

impl Error for UnknownScenario {}

/// The scenario with this name.
pub(crate) fn named(name: &str) -> Result<Scenario, UnknownScenario> {
    let found = CATALOGUE.iter().find(|info| info.name == name);
    found
        .map(ScenarioInfo::scenario)
        .ok_or_else(|| UnknownScenario {
            name: name.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_and_its_replies_can_be_sent() {
        for info in CATALOGUE {
            let scenario = named(info.name).unwrap();
            assert_eq!(scenario.check(), Ok(()), "{}", info.name);
            assert!(!info.summary.is_empty() && !info.summary.contains('\n'));
        }
        assert_eq!(CATALOGUE.len(), 36);
    }

    #[test]
    fn a_slip_of_the_finger_is_put_right() {
        for (slip, meant) in [
            ("overloded", "overloaded"),
            ("overloaded-twise", "overloaded-twice"),
            ("Healthy", "healthy"),
            ("cut_mid_stream", "cut-mid-stream"),
        ] {
            let error = named(slip).unwrap_err().to_string();
            assert!(
                error.contains(&format!("did you mean `{meant}`?")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_name_like_none_is_answered_with_all() {
        let error = named("quite\nanother thing").unwrap_err().to_string();
        assert!(
            !error.contains("did you mean") && !error.contains('\n'),
            "{error}"
        );
        assert!(
            CATALOGUE.iter().all(|info| error.contains(info.name)),
            "{error}"
        );
    }
}
