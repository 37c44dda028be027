//! What the clients did wrong, by what the journal shows. Pure: entries in, findings out.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::entry::Entry;

mod pools;

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
    /// The number of the request that broke it.
    pub request: u64,
    /// Which journal has that request.
    pub journal: Ledger,
    /// What happened, in one line.
    pub says: String,
}

/// A list of requests that a finding points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ledger {
    /// The journal of the simulator.
    Journal,
    /// That of the trap, which counts by itself.
    Trap,
}

/// What a client must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// Retry without a wait after a failure. Not meant: what was handed back unread, and a connection
    /// that was closed without a reply after it had served one, which may have been stale.
    RetriedEarly,
    /// Come back before the moment that `retry-after` named.
    IgnoredRetryAfter,
    /// Send again what cannot succeed.
    RetriedHopeless,
    /// Send more requests of the same key and class of models, one after the other, within a wait that
    /// a refusal named.
    HammeredLimit,
    /// Send the same request again and again within seconds, or new ones while all fail.
    Storm,
    /// Go on with the beginning of a reply as if it were whole. Not meant: to tell the model in the next
    /// message that it was interrupted.
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
        findings.extend(pools::judged(entries));
        findings.sort_by_key(|finding| finding.request);
        let leaks = trapped.iter().filter(|entry| entry.carried_key);
        findings.extend(leaks.map(|leak| leaked(leak, entries)));
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
            let place = match finding.journal {
                Ledger::Journal => "",
                Ledger::Trap => " in the trap",
            };
            write!(f, "request {}{place}: {}", finding.request, finding.says)?;
        }
        Ok(())
    }
}

/// A key that came to the trap.
fn leaked(leak: &Entry, entries: &[Entry]) -> Finding {
    let redirected = entries.iter().rev().find(|entry| {
        entry.at <= leak.at
            && entry
                .status
                .is_some_and(|status| (300..400).contains(&status))
    });
    let redirected = redirected.map_or_else(String::new, |entry| {
        let status = entry.status.unwrap_or_default();
        format!(", where the {status} of request {} had led", entry.number)
    });
    Finding {
        rule: Rule::LeakedKey,
        request: leak.number,
        journal: Ledger::Trap,
        says: format!("a key was sent to another origin{redirected}"),
    }
}

/// What is wrong with a request, given those before it.
fn judged(entry: &Entry, earlier: &[Entry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |rule, says: String| {
        findings.push(Finding {
            rule,
            request: entry.number,
            journal: Ledger::Journal,
            says,
        });
    };
    if let Some(number) = entry.takes_for_whole {
        find(
            Rule::AcceptedTruncated,
            format!("it goes on with the reply to request {number} as if that had been whole"),
        );
    }
    // Far enough back for any retry, and few enough to look at.
    let near = || earlier.iter().rev().take(1_000);
    if let Some(last) = near().find(|last| is_uncured(entry, last))
        && last.hopeless
        && fails_before(last, entry).is_some()
    {
        let (number, fate) = (last.number, last.fate());
        find(
            Rule::RetriedHopeless,
            format!(
                "request {number} {fate}, which the same request gets again, and it is the same"
            ),
        );
    } else if let Some(last) = near().find(|last| is_same(entry, last))
        && let Some(gap) = fails_before(last, entry)
        && !last.hopeless
        && !last.was_stale()
        && !may_be_cured(entry, last)
    {
        let (number, fate) = (last.number, last.fate());
        match last.retry_after {
            Some(wait) if gap < wait => find(
                Rule::IgnoredRetryAfter,
                format!("it came {gap:.1?} after request {number} {fate}, which said {wait:.1?}"),
            ),
            None if gap < AT_ONCE => find(
                Rule::RetriedEarly,
                format!("it came {gap:.1?} after request {number} {fate}"),
            ),
            _ => {}
        }
    }
    let recent = earlier
        .iter()
        .rev()
        .take_while(|other| entry.at.saturating_sub(other.at) <= STORM_SPAN);
    let failed =
        recent.filter(|other| is_same(entry, other) && other.failed() && !other.was_stale());
    // Said once, when it begins.
    if failed.count() == STORM {
        find(
            Rule::Storm,
            format!("the same request failed {STORM} times within {STORM_SPAN:?} before it"),
        );
    }
    findings
}

/// How long after the failure of `last` the other came; none if it did not fail, or was still under way
/// then: what is side by side is no retry.
fn fails_before(last: &Entry, entry: &Entry) -> Option<Duration> {
    let ended = last.ended_at.filter(|_| last.failed())?;
    entry.at.checked_sub(ended)
}

/// Whether two requests ask for the same. Those without a body are reads, which may be repeated as one
/// likes.
fn is_same(one: &Entry, other: &Entry) -> bool {
    one.body_bytes > 0 && one.gist == other.gist && one.path == other.path
}

/// Whether nothing of a request is different that might have been the reason for a refusal.
fn is_uncured(one: &Entry, other: &Entry) -> bool {
    is_same(one, other) && one.body_hash == other.body_hash && one.bearing == other.bearing
}

/// Whether a refusal of `last` may not be one of `entry`: another key has other limits.
fn may_be_cured(entry: &Entry, last: &Entry) -> bool {
    let is_refusal = last
        .status
        .is_some_and(|status| (400..500).contains(&status));
    is_refusal && entry.bearing != last.bearing
}

#[cfg(test)]
mod fairness;
#[cfg(test)]
mod tests;
