use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// A window with its width, for verdicts by their moments.
struct Window {
    width: Width,
    counts: TimeWindow,
}

impl Window {
    fn new(span: Duration) -> Self {
        let (width, counts) = (Width::of(span), TimeWindow::default());
        Self { width, counts }
    }

    fn record(&mut self, sample: Sample, now: Moment) {
        self.counts.record(sample, self.width.bucket(now));
    }

    fn totals(&self, now: Moment) -> Totals {
        self.counts.totals(self.width.bucket(now))
    }
}

const SUCCESS: Sample = Sample::success(false);
const FAILURE: Sample = Sample::failure(false);

const SPAN: Duration = Duration::from_secs(30);

fn at(millis: u64) -> Moment {
    Moment::ORIGIN + Duration::from_millis(millis)
}

#[test]
fn a_verdict_is_forgotten_between_29_and_30_seconds_after_it() {
    for offset in [0, 1, 500, 999] {
        let mut window = Window::new(SPAN);
        window.record(FAILURE, at(5_000 + offset));
        assert_eq!(
            window.totals(at(5_000 + offset + 29_000)).samples,
            1,
            "{offset}"
        );
        assert_eq!(
            window.totals(at(5_000 + offset + 30_000)).samples,
            0,
            "{offset}"
        );
    }
}

#[test]
fn looking_does_not_slide_the_window() {
    let mut window = Window::new(SPAN);
    window.record(SUCCESS, at(0));
    assert_eq!(window.totals(Moment::MAX).samples, 0);
    assert_eq!(window.totals(at(0)).samples, 1);
}

#[test]
fn time_that_runs_backwards_neither_forgets_nor_remembers() {
    let mut window = Window::new(SPAN);
    window.record(FAILURE, at(0));
    window.record(FAILURE, at(40_000));
    window.record(FAILURE, at(0));
    assert_eq!(window.totals(at(0)).failures, 2);
    assert_eq!(window.totals(at(69_999)).failures, 2);
    assert_eq!(window.totals(at(70_000)).failures, 0);
}

#[test]
fn the_ends_of_time_are_as_good_as_any() {
    for span in [Duration::from_nanos(1), SPAN, Duration::MAX] {
        let mut window = Window::new(span);
        window.record(FAILURE, Moment::MAX);
        window.record(SUCCESS, Moment::ORIGIN);
        assert_eq!(window.totals(Moment::MAX).samples, 2, "{span:?}");
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
            window.record(if failed { FAILURE } else { SUCCESS }, at(now));
            queue.push_back((now, failed));
            let within = |millis: u64| {
                queue.iter().filter(|(then, _)| now - then < millis).copied().collect::<Vec<_>>()
            };
            let totals = window.totals(at(now));
            let (least, most) = (within(29_000), within(30_000));
            prop_assert!((least.len()..=most.len()).contains(&usize::try_from(totals.samples).unwrap()));
            let failures = |held: &[(u64, bool)]| held.iter().filter(|(_, failed)| *failed).count();
            prop_assert!(
                (failures(&least)..=failures(&most))
                    .contains(&usize::try_from(totals.failures).unwrap())
            );
        }
    }
}
