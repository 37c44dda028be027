//! Every order in which threads can meet: `cargo xtask loom`.

use core::time::Duration;

use evenkeel_error::Moment;
use loom::sync::Arc;
use loom::thread;

use super::Bucket;
use crate::Floor;
use crate::sync::Ordering;

fn bucket(cap: u32) -> Arc<Bucket> {
    Arc::new(Bucket::new(cap, 1_000, Duration::from_secs(20)))
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

/// What another thread does meanwhile.
fn beside<T: 'static>(
    bucket: &Arc<Bucket>,
    action: impl FnOnce(&Bucket) -> T + 'static,
) -> thread::JoinHandle<T> {
    let bucket = Arc::clone(bucket);
    thread::spawn(move || action(&bucket))
}

#[test]
fn two_threads_never_take_the_same_token() {
    loom::model(|| {
        let bucket = bucket(1);
        let other = beside(&bucket, |bucket| bucket.withdraw(at(0)).is_ok());
        let here = bucket.withdraw(at(0)).is_ok();
        assert!(here ^ other.join().unwrap());
        assert_eq!(bucket.tokens(at(0)), 0);
    });
}

#[test]
fn no_deposit_and_no_token_given_back_is_lost() {
    loom::model(|| {
        let bucket = bucket(3);
        for _ in 0..3 {
            bucket.withdraw(at(0)).unwrap();
        }
        let other = beside(&bucket, |bucket| bucket.earn(at(0)));
        bucket.put_back();
        other.join().unwrap();
        assert_eq!(bucket.tokens(at(0)), 2);
    });
}

#[test]
fn two_deposits_at_the_cap_do_not_pass_it() {
    loom::model(|| {
        let bucket = bucket(2);
        bucket.withdraw(at(0)).unwrap();
        let other = beside(&bucket, |bucket| bucket.earn(at(0)));
        bucket.earn(at(0));
        other.join().unwrap();
        assert_eq!(bucket.tokens(at(0)), 2);
        // What came on top is gone, not kept for later.
        bucket.withdraw(at(0)).unwrap();
        bucket.withdraw(at(0)).unwrap();
        assert_eq!(bucket.withdraw(at(0)), Err(at(20)));
    });
}

#[test]
fn a_deposit_beside_a_withdrawal_from_a_full_bucket_is_kept_or_came_too_early() {
    loom::model(|| {
        let bucket = bucket(2);
        let other = beside(&bucket, |bucket| bucket.earn(at(0)));
        bucket.withdraw(at(0)).unwrap();
        other.join().unwrap();
        assert!((1..=2).contains(&bucket.tokens(at(0))));
    });
}

#[test]
fn a_pause_between_a_withdrawal_and_a_deposit_keeps_the_count() {
    loom::model(|| {
        let bucket = bucket(2);
        let other = beside(&bucket, |bucket| bucket.set_floor(Floor::Paused, at(0)));
        bucket.withdraw(at(0)).unwrap();
        other.join().unwrap();
        assert_eq!(bucket.tokens(at(1_000)), 1);
        bucket.set_floor(Floor::Running, at(1_000));
        assert_eq!(bucket.tokens(at(1_000)), 1);
        assert_eq!(bucket.tokens(at(1_020)), 2);
    });
}

#[test]
fn a_deposit_that_meets_a_pause_is_booked() {
    loom::model(|| {
        let bucket = bucket(2);
        bucket.withdraw(at(0)).unwrap();
        bucket.withdraw(at(0)).unwrap();
        let other = beside(&bucket, |bucket| bucket.set_floor(Floor::Paused, at(0)));
        bucket.earn(at(0));
        other.join().unwrap();
        assert_eq!(bucket.tokens(at(1_000)), 1);
    });
}

/// Full, in a span that has seen enough calls to be counted no more.
fn quiet() -> Arc<Bucket> {
    let bucket = bucket(100);
    bucket.written.calls.settle();
    bucket.earn(at(0));
    bucket
}

#[test]
fn a_bucket_that_is_filled_and_emptied_at_one_time_does_not_stay_quiet() {
    loom::model(|| {
        let bucket = quiet();
        bucket.withdraw(at(0)).unwrap();
        let other = beside(&bucket, |bucket| bucket.earn(at(0)));
        bucket.withdraw(at(0)).unwrap();
        other.join().unwrap();
        (0..3).for_each(|_| bucket.withdraw(at(0)).unwrap());
        let before = bucket.tokens(at(0));
        (0..2).for_each(|_| bucket.earn(at(0)));
        assert_eq!(bucket.tokens(at(0)), before + 2);
    });
}

#[test]
fn a_full_bucket_that_is_told_so_again_beside_a_withdrawal_does_not_stay_quiet() {
    loom::model(|| {
        let bucket = quiet();
        // As by somebody who found it emptied, before it was filled again.
        bucket.full_until.store(0, Ordering::Relaxed);
        let other = beside(&bucket, |bucket| bucket.earn(at(0)));
        bucket.withdraw(at(0)).unwrap();
        other.join().unwrap();
        bucket.withdraw(at(0)).unwrap();
        let before = bucket.tokens(at(0));
        bucket.earn(at(0));
        assert_eq!(bucket.tokens(at(0)), before + 1);
    });
}

#[test]
fn a_deposit_that_is_not_counted_is_kept_beside_a_withdrawal() {
    loom::model(|| {
        let bucket = quiet();
        (0..3).for_each(|_| bucket.withdraw(at(0)).unwrap());
        let other = beside(&bucket, |bucket| bucket.earn(at(0)));
        bucket.withdraw(at(0)).unwrap();
        other.join().unwrap();
        assert_eq!(bucket.tokens(at(0)), 97);
    });
}
