use core::time::Duration;

/// Nanoseconds as the machines count them. A duration beyond 584 years counts as 584 years.
pub(crate) const fn of(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos >= u64::MAX as u128 {
        return u64::MAX;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "compared with u64::MAX above"
    )]
    {
        nanos as u64
    }
}
