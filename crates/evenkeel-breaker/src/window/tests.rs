use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const SPAN: Duration = Duration::from_secs(30);

fn at(millis: u64) -> Moment {
    Moment::ORIGIN + Duration::from_millis(millis)
}

#[test]
fn a_verdict_is_forgotten_between_29_and_30_seconds_after_it() {
    for offset in [0, 1, 500, 999] {
        let mut window = Window::new(SPAN);
        window.record(Verdict::Failure, at(5_000 + offset));
        assert_eq!(
            window.totals(at(5_000 + offset + 29_000)).samples(),
            1,
            "{offset}"
        );
        assert_eq!(
            window.totals(at(5_000 + offset + 30_000)).samples(),
            0,
            "{offset}"
        );
    }
}

#[test]
fn looking_does_not_slide_the_window() {
    let mut window = Window::new(SPAN);
    window.record(Verdict::Success, at(0));
    assert_eq!(window.totals(Moment::MAX).samples(), 0);
    assert_eq!(window.totals(at(0)).samples(), 1);
}

#[test]
fn time_that_runs_backwards_neither_forgets_nor_remembers() {
    let mut window = Window::new(SPAN);
    window.record(Verdict::Failure, at(0));
    window.record(Verdict::Failure, at(40_000));
    window.record(Verdict::Failure, at(0));
    assert_eq!(window.totals(at(0)).failures, 2);
    assert_eq!(window.totals(at(69_999)).failures, 2);
    assert_eq!(window.totals(at(70_000)).failures, 0);
}

#[test]
fn the_ends_of_time_are_as_good_as_any() {
    for span in [Duration::from_nanos(1), SPAN, Duration::MAX] {
        let mut window = Window::new(span);
        window.record(Verdict::Failure, Moment::MAX);
        window.record(Verdict::Success, Moment::ORIGIN);
        assert_eq!(window.totals(Moment::MAX).samples(), 2, "{span:?}");
    }
}

proptest! {
    /// Against a queue of all verdicts: exact but for the one bucket at the far end.
    #[test]
    fn the_window_holds_what_a_queue_of_every_verdict_would_hold(
        steps in prop::collection::vec((0..4_000_u64, any::<bool>()), 0..300),
    ) {
        let mut window = Window::new(SPAN);
        let mut queue = VecDeque::new();
        let mut now = 0;
        for (pause, failed) in steps {
            now += pause;
            window.record(if failed { Verdict::Failure } else { Verdict::Success }, at(now));
            queue.push_back((now, failed));
            let within = |millis: u64| {
                queue.iter().filter(|(then, _)| now - then < millis).copied().collect::<Vec<_>>()
            };
            let totals = window.totals(at(now));
            let (least, most) = (within(29_000), within(30_000));
            prop_assert!((least.len()..=most.len()).contains(&usize::try_from(totals.samples()).unwrap()));
            let failures = |held: &[(u64, bool)]| held.iter().filter(|(_, failed)| *failed).count();
            prop_assert!(
                (failures(&least)..=failures(&most))
                    .contains(&usize::try_from(totals.failures).unwrap())
            );
        }
    }
}
