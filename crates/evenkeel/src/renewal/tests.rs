//! Every order in which three callers can be polled and dropped while one of them renews.
//!
//! Tokio's lock, by which they take turns, is not one that loom can replace from outside. It need not:
//! between two polls a caller touches what is shared under one lock at a time, so the orders of polls
//! and drops are all the orders there are.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the parts that a test is made of fail as tests do"
)]

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use evenkeel_error::Delivery;

use super::*;

const CALLERS: usize = 3;

/// Steps after the first, which is that a caller asks.
const DEPTH: u32 = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    Poll(usize),
    Drop(usize),
    /// What is asked of the provider is answered.
    Give,
    /// What is asked of the provider fails.
    Fail,
}

const STEPS: [Step; 2 * CALLERS + 2] = [
    Step::Poll(0),
    Step::Poll(1),
    Step::Poll(2),
    Step::Drop(0),
    Step::Drop(1),
    Step::Drop(2),
    Step::Give,
    Step::Fail,
];

/// A provider that answers when it is told to.
#[derive(Default)]
struct Desk {
    life: Life,
    /// Of what is asked at the moment.
    answer: Mutex<Option<Answer>>,
    waker: Mutex<Option<Waker>>,
    asked: AtomicUsize,
    failed: AtomicUsize,
    /// Askers at the same time.
    present: AtomicUsize,
}

/// How long the tokens of a desk serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Long,
    /// Each is near its end when it is given.
    Short,
}

impl Life {
    fn token(self) -> Token {
        let token = Token::bearer("token");
        match self {
            Self::Long => token,
            Self::Short => token.valid_for(LEAST_LEFT),
        }
    }
}

#[derive(Clone, Copy)]
enum Answer {
    Given,
    Failed,
}

struct Asking(Arc<Desk>);

impl Asking {
    fn new(desk: &Arc<Desk>) -> Self {
        assert_eq!(desk.present.fetch_add(1, Ordering::SeqCst), 0, "two ask");
        desk.asked.fetch_add(1, Ordering::SeqCst);
        *desk.answer.lock().unwrap() = None;
        Self(Arc::clone(desk))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.present.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Future for Asking {
    type Output = Result<Token, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        *self.0.waker.lock().unwrap() = Some(cx.waker().clone());
        match self.0.answer.lock().unwrap().take() {
            None => Poll::Pending,
            Some(Answer::Given) => Poll::Ready(Ok(self.0.life.token())),
            Some(Answer::Failed) => {
                self.0.failed.fetch_add(1, Ordering::SeqCst);
                Poll::Ready(Err(Error::connection(Delivery::NotSent)))
            }
        }
    }
}

impl Desk {
    fn answers(&self, answer: Answer) {
        if self.present.load(Ordering::SeqCst) > 0 {
            *self.answer.lock().unwrap() = Some(answer);
            if let Some(waker) = self.waker.lock().unwrap().take() {
                waker.wake();
            }
        }
    }
}

/// Whether a caller was woken since it was polled last.
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

type Asks<'a> = Pin<Box<dyn Future<Output = Result<Current, Unrenewed>> + 'a>>;

struct Caller<'a> {
    asks: Option<Asks<'a>>,
    bell: Arc<Bell>,
    /// Renewals that had succeeded when it asked.
    asked_after: Option<usize>,
}

/// What became of the callers of one order.
#[derive(Default)]
struct Outcomes {
    renewed: Cell<usize>,
    failed_here: Cell<usize>,
    /// Who was answered with a token, and asked after so many renewals.
    served: RefCell<Vec<(usize, u64)>>,
}

impl Caller<'_> {
    fn poll(&mut self, outcomes: &Outcomes) {
        let Some(asks) = &mut self.asks else { return };
        let asked_after = *self.asked_after.get_or_insert(outcomes.renewed.get());
        self.bell.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.bell));
        let Poll::Ready(answer) = asks.as_mut().poll(&mut Context::from_waker(&waker)) else {
            return;
        };
        self.asks = None;
        match answer {
            Ok(current) => {
                if matches!(current.origin, Origin::Renewed(_)) {
                    outcomes.renewed.set(outcomes.renewed.get() + 1);
                }
                let served = (asked_after, current.generation);
                outcomes.served.borrow_mut().push(served);
            }
            Err(unrenewed) if unrenewed.elapsed.is_some() => {
                outcomes.failed_here.set(outcomes.failed_here.get() + 1);
            }
            Err(_) => {}
        }
    }
}

fn play(steps: &[Step], life: Life) {
    let desk = Arc::new(Desk {
        life,
        ..Desk::default()
    });
    let of_provider = Arc::clone(&desk);
    let renewable = Renewable::new(Box::new(move || Asking::new(&of_provider)));
    let outcomes = Outcomes::default();
    let mut callers: Vec<Caller<'_>> = (0..CALLERS)
        .map(|_| Caller {
            asks: Some(Box::pin(renewable.current(LIMIT))),
            // As an executor does, each is polled once without being woken.
            bell: Arc::new(Bell(AtomicBool::new(true))),
            asked_after: None,
        })
        .collect();
    let mut dropped_while_asking = 0;
    for step in steps {
        match *step {
            Step::Poll(caller) => callers[caller].poll(&outcomes),
            Step::Drop(caller) => {
                let before = desk.present.load(Ordering::SeqCst);
                callers[caller].asks = None;
                dropped_while_asking += before - desk.present.load(Ordering::SeqCst);
            }
            Step::Give => desk.answers(Answer::Given),
            Step::Fail => desk.answers(Answer::Failed),
        }
    }
    // From here on as an executor would: only who was woken is polled.
    for _ in 0..4 * CALLERS {
        for caller in &mut callers {
            if caller.bell.0.load(Ordering::SeqCst) {
                caller.poll(&outcomes);
            }
        }
        desk.answers(Answer::Given);
    }
    let stuck = callers
        .iter()
        .filter(|caller| caller.asks.is_some())
        .count();
    assert_eq!(stuck, 0, "{steps:?}: nobody wakes them");
    let (asked, failed) = (
        desk.asked.load(Ordering::SeqCst),
        desk.failed.load(Ordering::SeqCst),
    );
    let (renewed, failed_here) = (outcomes.renewed.get(), outcomes.failed_here.get());
    if life == Life::Long {
        assert!(renewed <= 1, "{steps:?}: one renewal serves all");
    }
    for (asked_after, generation) in outcomes.served.into_inner() {
        // The first that succeeds after it asked, or the one before where that serves on.
        let first = if life == Life::Long {
            1
        } else {
            asked_after as u64 + 1
        };
        assert_eq!(
            generation, first,
            "{steps:?}: who waited for a renewal takes what it brought"
        );
    }
    assert_eq!(
        failed, failed_here,
        "{steps:?}: each failure is told by who met it"
    );
    // Another asks only where one failed, or went away in the middle.
    assert_eq!(asked, renewed + failed + dropped_while_asking, "{steps:?}");
}

#[test]
fn in_every_order_one_renews_each_is_answered_and_who_leaves_hands_the_turn_on() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _time = runtime.enter();
    let all = STEPS.len().pow(DEPTH);
    for order in 0..all {
        let mut steps = vec![Step::Poll(0)];
        let mut rest = order;
        for _ in 0..DEPTH {
            steps.push(STEPS[rest % STEPS.len()]);
            rest /= STEPS.len();
        }
        for life in [Life::Long, Life::Short] {
            play(&steps, life);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_serves_on_who_holds_it_as_the_table_says() {
    const SECOND: Duration = Duration::from_secs(1);
    // Lifetime and age in seconds; whether it serves its holder on, and another.
    for (lifetime, age, holder, other) in [
        (None, 1_000_000, true, true),
        (Some(60), 29, true, true),
        (Some(60), 30, false, false),
        (Some(30), 0, true, false),
        (Some(30), 29, true, false),
        (Some(30), 30, false, false),
        (Some(0), 0, false, false),
    ] {
        let renewable = Renewable::new(Box::new(move || async move {
            let token = Token::bearer("token");
            Ok(match lifetime {
                Some(seconds) => token.valid_for(Duration::from_secs(seconds)),
                None => token,
            })
        }));
        let held = renewable.current(LIMIT).await;
        let generation = held.ok().unwrap().generation;
        let _ = Clock::within(Some(age * SECOND), std::future::pending::<()>()).await;
        let case = (lifetime, age);
        assert_eq!(
            renewable.kept(Some(generation)).is_some(),
            holder,
            "{case:?}"
        );
        assert_eq!(renewable.kept(None).is_some(), other, "{case:?}");
        assert_eq!(
            renewable.kept(Some(generation + 1)).is_some(),
            other,
            "{case:?}"
        );
        // What the server refused serves nobody.
        renewable.refused(generation);
        assert!(renewable.kept(Some(generation)).is_none(), "{case:?}");
    }
}
