//! Nanoseconds for one run.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// What one round of something slow cost, in nanoseconds of the wall clock.
pub type Sample = f64;

const SAMPLES: usize = 31;
const SAMPLE: Duration = Duration::from_millis(2);
const ROUNDS_ON_TWO: usize = 9;
const RUNS_ON_TWO: u32 = 2_000_000;

/// Median of 31 samples of 2 ms or more each, in nanoseconds for one run: for what takes up to microseconds.
pub fn measure<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut runs = 16_u32;
    while timed(runs, &mut run) < SAMPLE {
        runs *= 2;
    }
    let samples = (0..SAMPLES).map(|_| timed(runs, &mut run).as_secs_f64() * 1e9 / f64::from(runs));
    median(&samples.collect::<Vec<_>>())
}

/// Each of two threads, pinned to a core of its own, does this; median of nanoseconds for one run on one of them.
pub fn on_two_threads(run: impl Fn() + Sync) -> f64 {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let samples = (0..ROUNDS_ON_TWO).map(|_| {
        let barrier = Barrier::new(2);
        let time = |thread: usize| {
            if let Some(core) = cores.get(thread) {
                core_affinity::set_for_current(*core);
            }
            barrier.wait();
            timed(RUNS_ON_TWO, &mut || run()).as_secs_f64() * 1e9 / f64::from(RUNS_ON_TWO)
        };
        std::thread::scope(|scope| {
            // Neither is the thread that called: its affinity stays as it was.
            let threads = [scope.spawn(|| time(0)), scope.spawn(|| time(1))];
            let times = threads.map(|thread| thread.join().expect("a measured thread"));
            times.iter().sum::<f64>() / 2.0
        })
    });
    median(&samples.collect::<Vec<_>>())
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

fn timed<T>(runs: u32, run: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..runs {
        drop(black_box(run()));
    }
    start.elapsed()
}

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
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = statistics.split(' ').next().expect("three numbers");
    nanos.parse().expect("a number")
}
