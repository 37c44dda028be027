//! One run, two tables: what evenkeel-breaker costs in time and in memory, beside its rivals and the floor.

use std::collections::HashMap;
use std::future::Future;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use evenkeel_breaker::{Breaker, BreakerConfig, BreakerConfigBuilder, KeyedSet, Window};
use evenkeel_error::{ErrorKind, Moment};
use failsafe::StateMachine;
use failsafe::backoff::{Constant, EqualJittered, constant};
use failsafe::failure_policy::{
    ConsecutiveFailures, OrElse, SuccessRateOverTimeWindow, consecutive_failures,
};
use peers_table::{Aim, Row, Sample, Table, heap, interleaved};
use recloser::Recloser;
use tower::{Layer as _, Service as _, service_fn};
use tower_resilience_circuitbreaker::CircuitBreakerLayer;

/// tower-resilience's, over a service that is ready at once; its own call, clone included on two threads.
macro_rules! resilience {
    ($builder:expr) => {
        $builder
            .build()
            .expect("valid")
            .layer(service_fn(|_: ()| async { Ok::<u64, ()>(black_box(7)) }))
    };
}

mod memory;
mod stretches;

use stretches::{Stretch, alone, together, warm};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

const NOW: Moment = Moment::from_nanos(1_000_000_000_000);
const ROUNDS: usize = 101;
const FAR: Duration = Duration::from_secs(3_600);

fn breaker(with: impl FnOnce(BreakerConfigBuilder) -> BreakerConfigBuilder) -> Breaker {
    let config = with(BreakerConfig::builder()).build();
    Breaker::new(config.expect("valid"))
}

fn in_a_row() -> Breaker {
    breaker(|it| it.failure_ratio(None))
}

fn of_calls() -> Breaker {
    breaker(|it| it.window(Window::Calls(100)).consecutive_failures(None))
}

fn of_time() -> Breaker {
    breaker(|it| it.consecutive_failures(None))
}

#[inline]
fn well(breaker: &Breaker) -> bool {
    let now = black_box(NOW);
    match black_box(breaker).admit(now, 7) {
        Ok(permit) => permit.success(now, 7).is_none(),
        Err(_) => false,
    }
}

type InARow = StateMachine<ConsecutiveFailures<Constant>, ()>;
type Standard = StateMachine<
    OrElse<SuccessRateOverTimeWindow<EqualJittered>, ConsecutiveFailures<EqualJittered>>,
    (),
>;

fn failsafe_in_a_row() -> InARow {
    failsafe::Config::new()
        .failure_policy(consecutive_failures(5, constant(FAR)))
        .build()
}

fn failsafe_standard() -> Standard {
    failsafe::Config::new().build()
}

macro_rules! failsafe_well {
    ($breaker:expr) => {
        || {
            let breaker = black_box(&$breaker);
            let permitted = breaker.is_call_permitted();
            breaker.on_success();
            permitted
        }
    };
}

fn recloser() -> Recloser {
    Recloser::custom()
        .error_rate(0.5)
        .closed_len(100)
        .open_wait(FAR)
        .build()
}

fn recloser_well(breaker: &Recloser) -> bool {
    black_box(breaker)
        .call(|| Ok::<_, ()>(black_box(7)))
        .is_ok()
}

/// Polls until it is ready: its lock may be another thread's for a moment.
fn polled<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = polled {
            return output;
        }
        std::hint::spin_loop();
    }
}

type Named<'a> = (&'static str, Stretch<'a>);

/// All of a row take turns, round by round; the median of each.
fn row<'a>(
    what: &'static str,
    ours: Stretch<'a>,
    floor: Option<Named<'a>>,
    rivals: Vec<Named<'a>>,
    aims: Vec<Aim>,
) -> Row {
    let floor_name = floor.as_ref().map(|it| it.0);
    let names: Vec<_> = rivals.iter().map(|it| it.0).collect();
    let (floor, rivals) = (floor.map(|it| it.1), rivals.into_iter().map(|it| it.1));
    let mut contenders: Vec<_> = std::iter::once(ours).chain(floor).chain(rivals).collect();
    let mut turns: Vec<&mut dyn FnMut() -> Sample> =
        contenders.iter_mut().map(|it| it.as_mut() as _).collect();
    let mut medians = interleaved(ROUNDS, &mut turns).into_iter();
    let mut next = || medians.next().expect("one each");
    Row {
        what,
        ours: next(),
        floor: floor_name.map(|name| (name, next())),
        rivals: names.into_iter().map(|name| (name, next())).collect(),
        aims,
    }
}

fn closed() -> Vec<Row> {
    // The floors get what a breaker gets, a reference and a moment that the compiler cannot see through.
    let counter = AtomicU64::new(0);
    let load = || black_box(&counter).load(Relaxed) + black_box(NOW).as_nanos();
    let add = || black_box(&counter).fetch_add(1, Relaxed) + black_box(NOW).as_nanos();
    let (in_a_row, standard, calls, time) = (in_a_row(), Breaker::default(), of_calls(), of_time());
    let (their_row, their_standard, their_calls) =
        (failsafe_in_a_row(), failsafe_standard(), recloser());
    let mut counting = resilience!(CircuitBreakerLayer::builder().sliding_window_size(100));
    let shared_counting = counting.clone();
    let mut timed = resilience!(
        CircuitBreakerLayer::builder()
            .sliding_window_type(tower_resilience_circuitbreaker::SlidingWindowType::TimeBased)
            .sliding_window_duration(Duration::from_millis(1))
    );
    let their_row = failsafe_well!(their_row);
    let their_standard = failsafe_well!(their_standard);
    let aims = |most| vec![Aim::AtMost(most), Aim::TimesRival(1.0)];
    vec![
        row(
            "closed, consecutive failures",
            alone(|| well(&in_a_row)),
            Some(("load", alone(load))),
            vec![("failsafe", alone(their_row))],
            aims(2.0),
        ),
        row(
            "the same, two threads",
            together(|| _ = well(&in_a_row)),
            Some(("load", together(|| _ = black_box(load())))),
            vec![("failsafe", together(|| _ = their_row()))],
            aims(2.0),
        ),
        row(
            "closed, the default rules",
            alone(|| well(&standard)),
            Some(("atomic add", alone(add))),
            vec![("failsafe, its default", alone(their_standard))],
            aims(15.0),
        ),
        row(
            "the same, two threads",
            together(|| _ = well(&standard)),
            Some(("atomic add, shared", together(|| _ = add()))),
            vec![("failsafe, its default", together(|| _ = their_standard()))],
            aims(40.0),
        ),
        row(
            "closed, a window of 100 calls",
            alone(|| well(&calls)),
            Some(("atomic add", alone(add))),
            vec![
                ("recloser", alone(|| recloser_well(&their_calls))),
                ("tower-resilience", alone(|| polled(counting.call(())))),
            ],
            aims(6.0),
        ),
        row(
            "the same, two threads",
            together(|| _ = well(&calls)),
            Some(("atomic add, shared", together(|| _ = add()))),
            vec![
                ("recloser", together(|| _ = recloser_well(&their_calls))),
                (
                    "tower-resilience",
                    together(|| _ = polled(shared_counting.clone().call(()))),
                ),
            ],
            aims(30.0),
        ),
        row(
            "closed, a window of 30 s",
            alone(|| well(&time)),
            Some(("atomic add", alone(add))),
            vec![
                ("failsafe, its default", alone(their_standard)),
                ("tower-resilience, 1 ms", alone(|| polled(timed.call(())))),
            ],
            aims(12.0),
        ),
    ]
}

fn opened() -> Row {
    let origin = Instant::now();
    let clock = || Moment::ORIGIN + origin.elapsed();
    let ours = Breaker::default();
    let hint = Some(Duration::from_secs(60));
    for _ in 0..5 {
        if let Ok(permit) = ours.admit(clock(), 7) {
            permit.failure(ErrorKind::Overloaded, hint, clock(), 7);
        }
    }
    assert!(ours.admit(clock(), 7).is_err(), "open");
    let theirs = failsafe_in_a_row();
    (0..5).for_each(|_| theirs.on_error());
    assert!(!theirs.is_call_permitted(), "open");
    let other = recloser();
    (0..200).for_each(|_| _ = other.call(|| Err::<(), _>(())));
    assert!(!recloser_well(&other), "open");
    row(
        "open, reject, with a clock read",
        alone(|| black_box(&ours).admit(clock(), 7).is_ok()),
        Some(("the clock read", alone(clock))),
        vec![
            ("failsafe", alone(|| black_box(&theirs).is_call_permitted())),
            ("recloser", alone(|| recloser_well(&other))),
        ],
        vec![Aim::OverFloor(5.0), Aim::TimesRival(1.0)],
    )
}

fn many(keys: u32) -> NonZeroUsize {
    NonZeroUsize::new(keys as usize).expect("over zero")
}

fn keyed(what: &'static str, keys: u32) -> Row {
    let ours = KeyedSet::new(BreakerConfig::default()).capacity(many(keys));
    (0..keys).for_each(|key| drop(ours.get(&key, NOW)));
    let standard: RwLock<HashMap<u32, Standard>> =
        RwLock::new((0..keys).map(|key| (key, failsafe_standard())).collect());
    let calls: RwLock<HashMap<u32, Recloser>> =
        RwLock::new((0..keys).map(|key| (key, recloser())).collect());
    let next = |last: &mut u32| {
        *last = last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*last >> 8) % keys
    };
    let (mut a, mut b, mut c) = (1, 1, 1);
    row(
        what,
        warm(|| match ours.admit(&next(&mut a), NOW, 7) {
            Ok(permit) => permit.success(NOW, 7).is_none(),
            Err(_) => false,
        }),
        None,
        vec![
            (
                "failsafe's default in a locked map",
                warm(|| {
                    let map = standard.read().expect("no panic");
                    failsafe_well!(map[&next(&mut b)])()
                }),
            ),
            (
                "recloser in a locked map",
                warm(|| {
                    let map = calls.read().expect("no panic");
                    recloser_well(&map[&next(&mut c)])
                }),
            ),
        ],
        vec![Aim::TimesRival(1.0)],
    )
}

fn main() {
    let mut table = Table::new("ns");
    for row in closed() {
        table = table.row(row);
    }
    table = table
        .row(opened())
        .row(keyed("keyed, 1 key", 1))
        .row(keyed("keyed, 64 keys", 64))
        .row(keyed("keyed, 10,000 keys", 10_000));
    table.print();
    let mut table = Table::new("bytes");
    for row in memory::rows() {
        table = table.row(row);
    }
    table.print();
    let breaker = Breaker::default();
    let (_, used) = heap::counted(|| (0..1_000).for_each(|_| _ = well(&breaker)));
    println!(
        "A thousand calls through a closed circuit allocate {} times.",
        used.calls
    );
}
