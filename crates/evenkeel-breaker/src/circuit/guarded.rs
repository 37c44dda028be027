use crate::BreakerConfig;
use crate::audience::Audience;
use crate::course::Course;
use crate::gate::{Gate, Tag};
use crate::tallies::{Past, Troubles};

/// What the lock of a circuit guards.
#[derive(Debug)]
pub(super) struct Guarded {
    /// Successes of a window of time, but for its newest bucket; none without one.
    pub(super) past: Option<Box<Past>>,
    /// None as long as nothing happened but successes: most breakers of a process stay like that.
    pub(super) cold: Option<Box<Cold>>,
}

/// What a circuit in good health never needs.
#[derive(Debug)]
pub(super) struct Cold {
    pub(super) course: Course,
    pub(super) troubles: Troubles,
    pub(super) audience: Option<Audience>,
}

impl Cold {
    pub(super) fn new(config: &BreakerConfig, audience: Option<Audience>) -> Box<Self> {
        Box::new(Self {
            course: Course::new(config.clone()),
            troubles: Troubles::default(),
            audience,
        })
    }
}

impl Cold {
    /// Outside of the lock, successes end the failures in a row in the gate alone.
    pub(super) fn catch_up(&mut self, gate: Gate) {
        if gate.tag() == Tag::Closed && !gate.is_troubled() {
            self.troubles.streak.end();
        }
    }
}

impl Guarded {
    pub(super) fn audience(&mut self) -> Option<&mut Audience> {
        self.cold.as_mut()?.audience.as_mut()
    }
}
