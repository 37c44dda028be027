//! Every default, with the reason for it.
//!
//! All of them are settable on [`BreakerConfig::builder`](crate::BreakerConfig::builder); the
//! setter has the name of the constant.

use core::num::NonZeroUsize;
use core::time::Duration;

use crate::{Mode, Ratio};

/// How far back the failure ratio looks: 30 s.
///
/// Long enough that a client with ten calls a minute reaches [`MINIMUM_SAMPLES`], short enough
/// that an outage which began a moment ago is not hidden behind a good quarter of an hour.
pub const WINDOW: Duration = Duration::from_secs(30);

/// Verdicts that must lie in the window before the ratio means anything: 5.
///
/// At a healthy failure rate of 5 %, half of five samples fail in 0.12 % of windows. The hundred
/// that services with thousands of calls a second ask for is never reached at the rates of one
/// client of a language model.
pub const MINIMUM_SAMPLES: u32 = 5;

/// The share of failures in the window that opens the circuit: 50 %.
///
/// A lower share turns a partial outage into a whole one: at 20 % failures, a breaker that opens
/// at 10 % throws away four fifths of what would have succeeded.
pub const FAILURE_RATIO: Ratio = Ratio::HALF;

/// From when on a call counts as slow, where [slow calls](crate::BreakerConfigBuilder::slow_ratio)
/// count at all, which they do not by default: 60 s.
///
/// A model that thinks, or a schema that is compiled, may take minutes to its first content and be
/// in the best of health; whoever knows better for their calls sets both.
pub const SLOW_CALL: Duration = Duration::from_secs(60);

/// Failures in a row that open the circuit, whatever the window says: 5.
///
/// Finds an outage within seconds even if the window still holds half a minute's successes,
/// and in clients too slow to fill a window. By chance, at 5 % failures, it is one run in three
/// million.
pub const CONSECUTIVE_FAILURES: u32 = 5;

/// How far the first and the last of those failures must lie apart: 2 s.
///
/// Five calls that were in flight together when one connection broke are one event, not five.
pub const CONSECUTIVE_SPAN: Duration = Duration::from_secs(2);

/// How long the circuit stays open the first time, before jitter: 1 s.
///
/// Most faults are over within seconds; a first wait of a minute, as breakers for web services
/// use, costs more than it saves.
pub const OPEN_DELAY: Duration = Duration::from_secs(1);

/// What the open delay grows to by doubling, before jitter: 15 s.
///
/// Four probes a minute from each process are no load for the server, and a quarter of a minute
/// is the most that a recovery goes unnoticed.
pub const OPEN_DELAY_CAP: Duration = Duration::from_secs(15);

/// How much the open delay varies to either side: 50 %, that is U(0.5, 1.5) times the delay.
///
/// The clients of one outage open together; without spread they also probe together.
pub const OPEN_DELAY_SPREAD: Ratio = Ratio::HALF;

/// The longest the circuit stays open, whatever the server asked for: 60 s.
///
/// A hint is obeyed because earlier calls are known to fail; but a mistaken hint of an hour must
/// not take a process out of service for an hour.
pub const OPEN_DELAY_LIMIT: Duration = Duration::from_secs(60);

/// How long a probe keeps the only place before another call may probe: 20 s.
///
/// Longer than the first content of an ordinary reply takes, so that a healthy server is probed
/// once; short enough that a probe which hangs delays the recovery by no more than this.
pub const PROBE_LEASE: Duration = Duration::from_secs(20);

/// Steps of the slow start: 5, which let 1, 2, 4, 8 and 16 calls begin.
///
/// A server that has just come back is met by a rising load instead of by everything that
/// waited for it.
pub const RAMP_STEPS: u32 = 5;

/// How long each step of the slow start lasts: 1 s.
///
/// Short enough that full speed is back five seconds after the probe, long enough that an
/// overload shows before the next doubling.
pub const RAMP_INTERVAL: Duration = Duration::from_secs(1);

/// Failures that reopen the circuit during the slow start: 1.
///
/// The calls that waited for the end of an outage come back with the last step, all at once: a server
/// that can serve some of them and not all must be found out before. Where a server fails one call in
/// twenty in good health, one in the 31 of the slow start fails four times out of five, and the circuit
/// stays open for minutes; 3 are right there.
pub const RAMP_FAILURES: u32 = 1;

/// How long the circuit must stay closed before the open delay starts at its first value again:
/// 20 s.
///
/// More than one round of the slow start and of the window's rules, so a server that comes and
/// goes every few seconds meets growing delays.
pub const CLEAN_TIME: Duration = Duration::from_secs(20);

/// The mode a breaker starts in: [`Mode::On`].
pub const MODE: Mode = Mode::On;

/// How many breakers a [`KeyedSet`](crate::KeyedSet) keeps: 1,024.
///
/// Far more than the pairs of endpoint and model that one process talks to, at about a
/// third of a kibibyte each in good health; a set whose keys come from requests needs a bound of some kind.
// Unwrapped by the compiler: there is nothing left to fail at run time.
pub const KEYS: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
