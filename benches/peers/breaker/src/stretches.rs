//! Stretches of runs, for contenders that take turns: what they have to be compared by is the same moment of the
//! machine, whose speed drifts.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use peers_table::Sample;

/// Long beside the clock's own price, short beside a time slice of the scheduler.
const ALONE: Duration = Duration::from_micros(500);
/// Long beside the time that two threads need to meet.
const TOGETHER: Duration = Duration::from_millis(1);
/// So long that a map of ten thousand keys is in the cache again, which the others have had in between.
const WARM: Duration = Duration::from_millis(20);
/// How often two threads try to have a stretch to themselves.
const TRIES: usize = 20;

/// What makes a stretch and says what a run of it cost.
pub type Stretch<'a> = Box<dyn FnMut() -> Sample + 'a>;

/// On one thread.
pub fn alone<'a, T>(run: impl FnMut() -> T + 'a) -> Stretch<'a> {
    of(ALONE, run)
}

/// The same for what fills the cache.
pub fn warm<'a, T>(run: impl FnMut() -> T + 'a) -> Stretch<'a> {
    of(WARM, run)
}

fn of<'a, T>(stretch: Duration, mut run: impl FnMut() -> T + 'a) -> Stretch<'a> {
    let runs = runs_in(stretch, &mut run);
    Box::new(move || {
        let (start, end) = timed(runs, &mut run);
        nanos(end - start, runs)
    })
}

/// On each of two threads, pinned to a core of its own; the mean of both, of a stretch that they had together from
/// beginning to end, if there is one.
pub fn together<'a>(run: impl Fn() + Sync + 'a) -> Stretch<'a> {
    let runs = runs_in(TOGETHER, &mut || run());
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    Box::new(move || {
        let here = AtomicUsize::new(0);
        let time = |thread: usize| {
            if let Some(core) = cores.get(thread) {
                core_affinity::set_for_current(*core);
            }
            here.fetch_add(1, Ordering::AcqRel);
            while here.load(Ordering::Acquire) < 2 {
                std::hint::spin_loop();
            }
            timed(runs, &mut || run())
        };
        let both = || {
            here.store(0, Ordering::Release);
            std::thread::scope(|scope| {
                // Neither is the thread that called: its affinity stays as it was.
                let threads = [scope.spawn(|| time(0)), scope.spawn(|| time(1))];
                threads.map(|thread| thread.join().expect("a measured thread"))
            })
        };
        let mut last = both();
        for _ in 0..TRIES {
            if were_together(last) {
                break;
            }
            last = both();
        }
        let [(one, one_end), (other, other_end)] = last;
        nanos((one_end - one + (other_end - other)) / 2, runs)
    })
}

fn were_together([one, other]: [(Instant, Instant); 2]) -> bool {
    let all = one.1.max(other.1) - one.0.min(other.0);
    let both = one
        .1
        .min(other.1)
        .saturating_duration_since(one.0.max(other.0));
    both.as_secs_f64() >= 0.9 * all.as_secs_f64()
}

fn nanos(time: Duration, runs: u32) -> Sample {
    time.as_secs_f64() * 1e9 / f64::from(runs)
}

fn runs_in<T>(stretch: Duration, run: &mut impl FnMut() -> T) -> u32 {
    let mut runs = 1;
    loop {
        let (start, end) = timed(runs, run);
        if end - start >= stretch {
            return runs;
        }
        runs *= 2;
    }
}

fn timed<T>(runs: u32, run: &mut impl FnMut() -> T) -> (Instant, Instant) {
    let start = Instant::now();
    for _ in 0..runs {
        drop(black_box(run()));
    }
    (start, Instant::now())
}
