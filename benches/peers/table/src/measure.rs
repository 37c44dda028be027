//! Nanoseconds for one run.
//!
//! The machine's speed drifts, and others take it away for milliseconds. So a measurement is made of many short
//! stretches, what is compared takes turns, and of the stretches of each a low one counts: one that nobody disturbed
//! while the machine was at its fastest, which it was for all of them alike.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What one round of something slow cost, in nanoseconds of the wall clock.
pub type Sample = f64;

/// Long beside the clock's own price, short beside a time slice of the scheduler.
const STRETCH: Duration = Duration::from_micros(100);
const ROUNDS: usize = 601;
/// For what takes longer than a stretch in one run.
const ROUNDS_OF_THE_SLOW: usize = 31;
/// One of so many stretches is faster than what counts.
const LOW: usize = 20;

const ROUNDS_ON_TWO: usize = 151;
const STRETCH_ON_TWO: Duration = Duration::from_micros(200);
/// The part of a stretch that two threads must have had together.
const TOGETHER: f64 = 0.95;

/// Something to be measured.
pub struct Contender<'a> {
    /// Makes so many runs and says how long they took.
    stretch: Box<dyn FnMut(u32) -> Duration + 'a>,
    most: u32,
}

impl Contender<'_> {
    /// So many runs at most in a stretch, for what changes after more.
    pub fn at_most(mut self, runs: u32) -> Self {
        self.most = runs;
        self
    }
}

/// What each run of this costs.
pub fn contender<'a, T>(run: impl FnMut() -> T + 'a) -> Contender<'a> {
    prepared(|| (), run)
}

/// The same, with something to be done before each stretch that is not in the price.
pub fn prepared<'a, T>(
    mut prepare: impl FnMut() + 'a,
    mut run: impl FnMut() -> T + 'a,
) -> Contender<'a> {
    let stretch = Box::new(move |runs| {
        prepare();
        timed(runs, &mut run)
    });
    let most = u32::MAX;
    Contender { stretch, most }
}

/// Nanoseconds for one run of each, in the order given. They take turns, in stretches of a tenth of a millisecond; of
/// the stretches of each the lowest twentieth is passed over and the next one counts.
pub fn side_by_side(mut contenders: Vec<Contender<'_>>) -> Vec<f64> {
    let runs: Vec<u32> = contenders
        .iter_mut()
        .map(|contender| runs_for(STRETCH, &mut contender.stretch, contender.most))
        .collect();
    let slow = runs.contains(&1);
    let rounds = if slow { ROUNDS_OF_THE_SLOW } else { ROUNDS };
    let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        for ((contender, runs), samples) in contenders.iter_mut().zip(&runs).zip(&mut samples) {
            samples.push(nanos((contender.stretch)(*runs), *runs));
        }
    }
    samples.into_iter().map(low).collect()
}

/// [`side_by_side`] for one alone.
pub fn measure<T>(run: impl FnMut() -> T) -> f64 {
    side_by_side(vec![contender(run)])[0]
}

/// Something to be measured while two threads do it.
pub struct Contended<'a> {
    prepare: Box<dyn Fn() + Sync + 'a>,
    stretch: Box<dyn Fn(u32) -> (Instant, Instant) + Sync + 'a>,
    most: u32,
}

impl Contended<'_> {
    /// So many runs of each thread at most in a stretch, for what changes after more.
    pub fn at_most(mut self, runs: u32) -> Self {
        self.most = runs;
        self
    }
}

/// What each run of this costs a thread while another does the same.
pub fn contended<'a>(run: impl Fn() + Sync + 'a) -> Contended<'a> {
    contended_prepared(|| (), run)
}

/// The same, with something that one of the threads does before each stretch and that is not in the price.
pub fn contended_prepared<'a>(
    prepare: impl Fn() + Sync + 'a,
    run: impl Fn() + Sync + 'a,
) -> Contended<'a> {
    let stretch = Box::new(move |runs| {
        let start = Instant::now();
        for _ in 0..runs {
            run();
        }
        (start, Instant::now())
    });
    let prepare = Box::new(prepare);
    Contended {
        prepare,
        stretch,
        most: u32::MAX,
    }
}

/// Nanoseconds for one run of each on one of two threads, in the order given. Each thread is pinned to a core of its
/// own; they take turns with the contenders, and a stretch counts if both had it together from beginning to end. The
/// median of those: how often two cores meet at a word is part of what is measured.
pub fn side_by_side_on_two_threads(contenders: &[Contended<'_>]) -> Vec<f64> {
    let runs: Vec<u32> = contenders
        .iter()
        .map(|contender| {
            let mut alone = |runs| {
                (contender.prepare)();
                let (start, end) = (contender.stretch)(runs);
                end - start
            };
            runs_for(STRETCH_ON_TWO, &mut alone, contender.most)
        })
        .collect();
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let meeting = AtomicUsize::new(0);
    let work = |thread: usize| {
        if let Some(core) = cores.get(thread) {
            core_affinity::set_for_current(*core);
        }
        let mut met = 0;
        let mut meet = || {
            met += 2;
            meeting.fetch_add(1, Ordering::AcqRel);
            while meeting.load(Ordering::Acquire) < met {
                std::hint::spin_loop();
            }
        };
        let mut stretches = vec![];
        for _ in 0..ROUNDS_ON_TWO {
            for (contender, runs) in contenders.iter().zip(&runs) {
                if thread == 0 {
                    (contender.prepare)();
                }
                meet();
                stretches.push((contender.stretch)(*runs));
                meet();
            }
        }
        stretches
    };
    let [ours, theirs] = std::thread::scope(|scope| {
        // Neither is the thread that called: its affinity stays as it was.
        let threads = [scope.spawn(|| work(0)), scope.spawn(|| work(1))];
        threads.map(|thread| thread.join().expect("a measured thread"))
    });
    let mut samples = vec![vec![]; contenders.len()];
    let mut disturbed = samples.clone();
    for (at, (one, other)) in ours.iter().zip(&theirs).enumerate() {
        let contender = at % contenders.len();
        let sample = nanos((one.1 - one.0 + (other.1 - other.0)) / 2, runs[contender]);
        let all = (one.1.max(other.1) - one.0.min(other.0)).as_secs_f64();
        let both = one
            .1
            .min(other.1)
            .saturating_duration_since(one.0.max(other.0));
        if both.as_secs_f64() >= TOGETHER * all {
            samples[contender].push(sample);
        } else {
            disturbed[contender].push(sample);
        }
    }
    let fallen_back = samples.into_iter().zip(disturbed);
    fallen_back
        .map(|(samples, disturbed)| {
            median(&if samples.is_empty() {
                disturbed
            } else {
                samples
            })
        })
        .collect()
}

/// [`side_by_side_on_two_threads`] for one alone.
pub fn on_two_threads(run: impl Fn() + Sync) -> f64 {
    side_by_side_on_two_threads(&[contended(run)])[0]
}

/// For what takes milliseconds: every contender once a round, `rounds` rounds, so that a slow moment of the machine
/// hits all of them; the median of each, in the order given.
pub fn interleaved(rounds: usize, contenders: &mut [&mut dyn FnMut() -> Sample]) -> Vec<Sample> {
    let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
            samples.push(contender());
        }
    }
    samples.iter().map(|samples| median(samples)).collect()
}

/// How many runs last so long, undisturbed.
fn runs_for(stretch: Duration, run: &mut dyn FnMut(u32) -> Duration, most: u32) -> u32 {
    let mut runs = 1_u32;
    while runs < most && (0..3).any(|_| run(runs) < stretch) {
        runs = runs.saturating_mul(2);
    }
    runs.min(most)
}

fn timed<T>(runs: u32, run: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..runs {
        drop(black_box(run()));
    }
    start.elapsed()
}

fn nanos(time: Duration, runs: u32) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(runs)
}

fn low(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / LOW]
}

/// The middle one.
pub fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The median of what each round's sample is to the base's of the same round.
pub fn ratio(samples: &[f64], base: &[f64]) -> f64 {
    let ratios: Vec<f64> = samples
        .iter()
        .zip(base)
        .map(|(ours, base)| ours / base)
        .collect();
    median(&ratios)
}

/// Nanoseconds that this thread has run.
pub fn on_cpu() -> f64 {
    // Without it a thread that never waits is booked at the clock's tick.
    std::thread::yield_now();
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = statistics.split(' ').next().expect("three numbers");
    nanos.parse().expect("a number")
}
