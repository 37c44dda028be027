use evenkeel_error::Moment;
use proptest::prelude::*;

use super::{MOST_CALLS, Place, Share};
use crate::Ratio;

const WINDOW: u64 = 10_000_000_000;
const FREE: u16 = 2;

fn at(tenths: u64) -> Moment {
    Moment::from_nanos(tenths * 100_000_000)
}

/// The law in its plainest form: when each call and each retry was counted.
#[derive(Debug, Default)]
struct Ledger {
    calls: Vec<u64>,
    retries: Vec<u64>,
}

impl Ledger {
    /// All of this span, and of the last one as much as the window overlaps.
    fn weighed(spans: &[u64], now: Moment) -> u64 {
        let (span, into) = (now.as_nanos() / WINDOW, now.as_nanos() % WINDOW);
        let count = |wanted: Option<u64>| -> u64 {
            let counted = spans.iter().filter(|span| Some(**span) == wanted);
            counted.map(|_| 1).sum()
        };
        count(Some(span)) + count(span.checked_sub(1)) * (WINDOW - into) / WINDOW
    }

    fn allowed(&self, now: Moment) -> u64 {
        Self::weighed(&self.calls, now) / 10 + u64::from(FREE)
    }

    fn left(&self, now: Moment) -> u64 {
        self.allowed(now)
            .saturating_sub(Self::weighed(&self.retries, now))
    }
}

proptest! {
    #[test]
    fn a_share_follows_the_law_to_the_place(
        steps in proptest::collection::vec((0..6_u8, 0..60_u64, 1..40_u8), 0..80),
    ) {
        let (share, mut ledger) = (Share::new(Ratio::TENTH, WINDOW, FREE), Ledger::default());
        let mut out: Vec<Place> = vec![];
        let mut now = 0;
        for (action, tenths, times) in steps {
            now += tenths;
            let (now, span) = (at(now), at(now).as_nanos() / WINDOW);
            match action {
                0..3 => for _ in 0..times {
                    share.earn(now);
                    ledger.calls.push(span);
                },
                3 if !out.is_empty() => {
                    let place = out.swap_remove(usize::from(times) % out.len());
                    share.put_back(place);
                    let its = ledger.retries.iter().position(|span| *span == u64::from(place.0));
                    ledger.retries.remove(its.unwrap());
                }
                _ => {
                    let taken = share.withdraw(now);
                    prop_assert_eq!(taken.is_ok(), ledger.left(now) > 0);
                    if let Ok(place) = taken {
                        ledger.retries.push(span);
                        out.push(place);
                    }
                }
            }
            prop_assert_eq!(u64::from(share.tokens(now)), ledger.left(now));
        }
    }

    #[test]
    fn a_share_makes_no_room_before_the_moment_it_names_and_names_few_before_it_does(
        steps in proptest::collection::vec((0..3_u8, 0..30_u64), 0..60), percent in 0..=100_u32, free in 0..4_u16,
    ) {
        let share = Share::new(Ratio::percent(percent).unwrap(), WINDOW, free);
        let mut now = 0;
        for (action, tenths) in steps {
            now += tenths;
            if action < 2 {
                share.earn(at(now));
                continue;
            }
            let mut taken = 0;
            let mut next = loop {
                match share.withdraw(at(now)) {
                    Ok(_) => taken += 1,
                    Err(next) => break next,
                }
            };
            // Looking changes nothing, so the future can be looked at.
            let (mut asked, mut told) = (at(now), 1);
            while next < Moment::MAX && share.tokens(next) == 0 {
                prop_assert!(next > asked);
                (asked, next, told) = (next, share.next(next), told + 1);
            }
            prop_assert!(told <= 2 + 60 + taken, "told {told} times");
            let last = next.as_nanos().min(at(now + 300).as_nanos()) - 1;
            for part in 0..200 {
                let moment = at(now).as_nanos() + (last - at(now).as_nanos()) * part / 199;
                prop_assert_eq!(share.tokens(Moment::from_nanos(moment)), 0, "before {:?}", next);
            }
        }
    }
}

#[test]
fn calls_beyond_what_is_counted_change_nothing_until_the_span_ends() {
    let share = Share::new(Ratio::TENTH, WINDOW, 0);
    let most = u32::try_from(MOST_CALLS / 10).unwrap();
    for _ in 0..2 * MOST_CALLS {
        share.earn(at(0));
    }
    assert_eq!(share.tokens(at(0)), most);
    share.earn(at(100));
    assert_eq!(share.tokens(at(100)), most);
    assert_eq!(share.tokens(at(150)), most / 2);
    share.earn(at(200));
    assert_eq!(share.tokens(at(200)), 0);
}
