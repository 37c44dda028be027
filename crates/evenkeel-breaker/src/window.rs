use core::time::Duration;

/// How far back the [failure ratio](crate::BreakerConfigBuilder::failure_ratio) and the
/// [slow ratio](crate::BreakerConfigBuilder::slow_ratio) look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Window {
    /// Verdicts of so long, the default with [30 s](crate::defaults::WINDOW). Over zero. It slides:
    /// a verdict is forgotten when it is between 29/30 and 30/30 of this old.
    ///
    /// For traffic that comes and goes: an outage is not hidden behind successes of long ago.
    Time(Duration),
    /// So many verdicts, whenever they came. 1 to [65,536](Self::MOST_CALLS).
    ///
    /// For steady traffic, or where there is no clock worth asking: a verdict needs none.
    Calls(u32),
}

impl Window {
    /// The most calls that a window counts: 65,536. A success takes no memory; a failure or slow call takes 16 bytes
    /// for as long as it lies in the window, 1 MiB at the very most.
    ///
    /// Beyond that, the share of failures is the same to a hundredth of a percent, and only slower to
    /// change.
    pub const MOST_CALLS: u32 = 1 << 16;
}

impl From<Duration> for Window {
    fn from(span: Duration) -> Self {
        Self::Time(span)
    }
}
