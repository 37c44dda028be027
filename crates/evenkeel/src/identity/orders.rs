//! Every order in which threads can meet at a latch: `cargo xtask loom`.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use evenkeel_error::{Delivery, Error, Moment};
use loom::sync::Arc;
use loom::thread;

use super::{Identity, Leave};
use crate::latch::Refusal;

fn identity() -> Arc<Identity> {
    Arc::new(Identity::new(None, NonZeroU32::MIN))
}

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

fn refuse(identity: &Identity, seconds: u64) -> Refusal {
    let error = Error::connection(Delivery::NotSent);
    let now = (at(seconds), SystemTime::UNIX_EPOCH);
    identity.refused(&error, at(seconds), None, now, 0)
}

/// Refused at 100 s; a probe is due from 130 s on.
fn latched() -> Arc<Identity> {
    let identity = identity();
    assert_eq!(refuse(&identity, 100), Refusal::Sets);
    identity
}

/// Whether the word that is read without the lock agrees with what the lock guards.
fn agree(identity: &Identity) -> bool {
    !identity.is_idle() == identity.with_latch(|latch| latch.is_set())
}

/// What another thread does meanwhile.
fn beside<T: 'static>(
    identity: &Arc<Identity>,
    action: impl FnOnce(&Identity) -> T + 'static,
) -> thread::JoinHandle<T> {
    let identity = Arc::clone(identity);
    thread::spawn(move || action(&identity))
}

#[test]
fn of_two_refusals_one_sets_the_latch() {
    loom::model(|| {
        let identity = identity();
        let other = beside(&identity, |identity| refuse(identity, 100));
        let here = refuse(&identity, 100);
        let mut found = [here, other.join().unwrap()];
        found.sort_by_key(|refusal| *refusal != Refusal::Sets);
        assert_eq!(found, [Refusal::Sets, Refusal::Confirms]);
        assert!(agree(&identity) && !identity.is_idle());
    });
}

#[test]
fn of_two_calls_at_a_due_probe_one_goes() {
    loom::model(|| {
        let identity = latched();
        let is_probe = |identity: &Identity| match identity.pass(at(130), || 0) {
            Leave::Probe(_) => true,
            Leave::Refused(_) => false,
            Leave::Free => panic!("it is refused"),
        };
        let other = beside(&identity, is_probe);
        let here = is_probe(&identity);
        assert!(here ^ other.join().unwrap());
    });
}

#[test]
fn a_refusal_and_a_success_leave_the_word_and_the_latch_of_one_mind() {
    loom::model(|| {
        let identity = identity();
        let other = beside(&identity, |identity| refuse(identity, 100));
        let held = identity.accepted(at(100), at(100));
        let refusal = other.join().unwrap();
        assert!(agree(&identity));
        // Whoever came last decides; the success says that it lifted what the refusal had set.
        assert_eq!(refusal, Refusal::Sets);
        assert_eq!(held.is_some(), identity.is_idle());
    });
}

#[test]
fn a_call_beside_the_success_that_lifts_the_latch_is_free_or_refused_and_the_next_is_free() {
    loom::model(|| {
        let identity = latched();
        let other = beside(&identity, |identity| {
            matches!(identity.pass(at(110), || 0), Leave::Probe(_))
        });
        assert!(identity.accepted(at(110), at(110)).is_some());
        assert!(!other.join().unwrap(), "no probe is due");
        assert!(matches!(identity.pass(at(110), || 0), Leave::Free));
        assert!(agree(&identity));
    });
}

#[test]
fn a_probe_that_is_given_back_goes_to_one_other_call() {
    loom::model(|| {
        let identity = latched();
        let Leave::Probe(probe) = identity.pass(at(130), || 0) else {
            panic!("a probe is due");
        };
        let asks = |identity: &Identity| matches!(identity.pass(at(131), || 0), Leave::Probe(_));
        let other = beside(&identity, asks);
        identity.returned(probe, at(131));
        let here = asks(&identity);
        assert!(here ^ other.join().unwrap());
    });
}
