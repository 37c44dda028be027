//! The circuit breaker: what every call pays while all is well, and what a refusal costs.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use evenkeel_breaker::{Breaker, BreakerConfig, BreakerConfigBuilder, KeyedSet, Window};
use evenkeel_error::{ErrorKind, Moment};

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "breaker/closed_consecutive",
        runs: 2_000,
        run: |runs| closed(runs, |it| it.failure_ratio(None)),
    },
    Case {
        name: "breaker/closed_default",
        runs: 2_000,
        run: |runs| closed(runs, |it| it),
    },
    Case {
        name: "breaker/closed_time_window",
        runs: 2_000,
        run: |runs| closed(runs, |it| it.consecutive_failures(None)),
    },
    Case {
        name: "breaker/closed_window_of_calls",
        runs: 2_000,
        run: |runs| {
            closed(runs, |it| {
                it.consecutive_failures(None).window(Window::Calls(100))
            });
        },
    },
    Case {
        name: "breaker/closed_owned_permit",
        runs: 2_000,
        run: closed_owned,
    },
    Case {
        name: "breaker/open_reject",
        runs: 2_000,
        run: open_reject,
    },
    Case {
        name: "breaker/keyed_64",
        runs: 2_000,
        run: keyed,
    },
];

const NOW: Moment = Moment::from_nanos(1_000_000_000_000);

fn closed(runs: u32, with: impl FnOnce(BreakerConfigBuilder) -> BreakerConfigBuilder) {
    let Ok(config) = with(BreakerConfig::builder()).build() else {
        return;
    };
    let breaker = Breaker::new(config);
    for _ in 0..runs {
        let now = black_box(NOW);
        if let Ok(permit) = black_box(&breaker).admit(now, 7) {
            black_box(permit.success(now, 7).is_some());
        }
    }
}

fn closed_owned(runs: u32) {
    let breaker = Breaker::default();
    for _ in 0..runs {
        let now = black_box(NOW);
        if let Ok(permit) = black_box(&breaker).admit_owned(now, 7) {
            black_box(permit.success(now, 7).is_some());
        }
    }
}

fn open_reject(runs: u32) {
    let breaker = Breaker::default();
    let hint = Some(Duration::from_secs(30));
    for _ in 0..5 {
        if let Ok(permit) = breaker.admit(NOW, 7) {
            permit.failure(ErrorKind::Overloaded, hint, NOW, 7);
        }
    }
    for _ in 0..runs {
        black_box(black_box(&breaker).admit(black_box(NOW), 7).is_ok());
    }
}

fn keyed(runs: u32) {
    let set = KeyedSet::new(BreakerConfig::default()).capacity(NonZeroUsize::MAX);
    for n in 0..runs {
        let now = black_box(NOW);
        if let Ok(permit) = set.admit(&(n % 64), now, 7) {
            black_box(permit.success(now, 7).is_some());
        }
    }
}
