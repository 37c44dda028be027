use evenkeel_error::Moment;

/// The present, and a random number for it: given, or found out when it is needed. Most calls
/// through a closed circuit need neither.
pub(crate) trait Present {
    fn now(&mut self) -> Moment;

    /// 64 uniform random bits.
    fn roll(&mut self) -> u64;
}

/// Given by the caller.
#[derive(Clone, Copy)]
pub(crate) struct Given {
    pub(crate) now: Moment,
    pub(crate) roll: u64,
}

impl Present for Given {
    #[inline]
    fn now(&mut self) -> Moment {
        self.now
    }

    #[inline]
    fn roll(&mut self) -> u64 {
        self.roll
    }
}
