//! What the clients did wrong, by what the journal shows. Pure: entries in, findings out.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::entry::Entry;

/// A retry this soon after a failure has not been waited for.
const AT_ONCE: Duration = Duration::from_millis(50);
/// So many of the same request within [`STORM_SPAN`] are a storm.
const STORM: usize = 10;
const STORM_SPAN: Duration = Duration::from_secs(10);
/// Findings of one kind beyond this many are not listed.
const LISTED: usize = 100;

/// What the clients did wrong; nothing, if all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Verdict {
    findings: Vec<Finding>,
}

/// One thing that a client did wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that was broken.
    pub rule: Rule,
    /// The number of the request that broke it, in the journal; for a leak, in that of the trap.
    pub request: u64,
    /// What happened, in one line.
    pub says: String,
}

/// What a client must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// Retry without a wait after a failure.
    RetriedEarly,
    /// Come back before the moment that `retry-after` named.
    IgnoredRetryAfter,
    /// Send again what cannot succeed.
    RetriedHopeless,
    /// Send the same request again and again within seconds.
    Storm,
    /// Go on with the beginning of a reply as if it were whole.
    AcceptedTruncated,
    /// Send a key to another origin.
    LeakedKey,
}

impl Verdict {
    /// Everything that was found, in the order of requests and rules.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// From the journal, and from that of the trap.
    pub(crate) fn on(entries: &[Entry], trapped: &[Entry]) -> Self {
        let mut findings = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let earlier = entries.get(..place).unwrap_or_default();
            findings.extend(judged(entry, earlier));
        }
        let leaks = trapped.iter().filter(|entry| entry.carried_key);
        findings.extend(leaks.map(|entry| Finding {
            rule: Rule::LeakedKey,
            request: entry.number,
            says: "a key was sent to another origin, where a redirect had led".into(),
        }));
        Self { findings }
    }

    /// `{"clean":…,"findings":[…]}`.
    pub(crate) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Whole<'a> {
            clean: bool,
            findings: &'a [Finding],
        }
        let whole = Whole {
            clean: self.is_clean(),
            findings: self.findings.get(..LISTED).unwrap_or(&self.findings),
        };
        serde_json::to_string(&whole).unwrap_or_default()
    }
}

/// One line a finding.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("nothing was found wrong");
        }
        for (place, finding) in self.findings.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "request {}: {}", finding.request, finding.says)?;
        }
        Ok(())
    }
}

/// What is wrong with a request, given those before it.
fn judged(entry: &Entry, earlier: &[Entry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |rule, says: String| {
        findings.push(Finding {
            rule,
            request: entry.number,
            says,
        });
    };
    if let Some(number) = entry.takes_for_whole {
        find(
            Rule::AcceptedTruncated,
            format!("it goes on with the reply to request {number} as if that had been whole"),
        );
    }
    // Requests without a body are reads, which may be repeated as one likes.
    let same = |other: &&Entry| {
        entry.body_bytes > 0 && other.body_hash == entry.body_hash && other.path == entry.path
    };
    // Far enough back for any retry, and few enough to look at.
    let last = earlier.iter().rev().take(1_000).find(same);
    if let Some((last, ended)) = last.and_then(|last| Some((last, last.ended_at?))) {
        let gap = entry.at.saturating_sub(ended);
        // What was under way side by side is no retry.
        let failed = last.failed() && entry.at >= ended;
        match last.retry_after {
            _ if failed && last.hopeless => find(
                Rule::RetriedHopeless,
                format!(
                    "request {} could not succeed, and it is the same",
                    last.number
                ),
            ),
            Some(wait) if failed && gap < wait => find(
                Rule::IgnoredRetryAfter,
                format!(
                    "it came {gap:.1?} after the refusal of request {}, which said {wait:.1?}",
                    last.number
                ),
            ),
            None if failed && gap < AT_ONCE => find(
                Rule::RetriedEarly,
                format!(
                    "it came {gap:.1?} after the failure of request {}",
                    last.number
                ),
            ),
            _ => {}
        }
    }
    let recent = earlier
        .iter()
        .rev()
        .take_while(|other| entry.at.saturating_sub(other.at) <= STORM_SPAN);
    // Said once, when it begins.
    if recent.filter(same).filter(|other| other.failed()).count() == STORM {
        find(
            Rule::Storm,
            format!("the same request failed {STORM} times within {STORM_SPAN:?} before it"),
        );
    }
    findings
}

#[cfg(test)]
mod tests;
