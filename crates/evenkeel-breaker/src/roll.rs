//! Chance comes in as a number of 64 random bits, a *roll*; this turns it into time.

use core::time::Duration;

/// U(0, `nanos`) for a uniform `roll`, in integers.
pub(crate) const fn share(nanos: u64, roll: u64) -> Duration {
    let product = nanos as u128 * roll as u128;
    // The upper half of a 128-bit product: it fits, and is less than `nanos`.
    let nanos = (product >> 64) as u64;
    Duration::from_nanos(nanos)
}

/// The duration in nanoseconds; 584 years for anything longer.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        return u64::MAX;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "compared with u64::MAX above"
    )]
    let nanos = nanos as u64;
    nanos
}
