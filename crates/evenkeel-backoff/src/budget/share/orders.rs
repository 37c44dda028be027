//! Every order in which threads can meet: `cargo xtask loom`.

use evenkeel_error::Moment;
use loom::sync::Arc;
use loom::thread;

use super::Share;
use crate::Ratio;

const WINDOW: u64 = 10_000_000_000;

/// A tenth of the calls of ten seconds, and so many retries for nothing.
fn share(free: u16) -> Arc<Share> {
    Arc::new(Share::new(Ratio::TENTH, WINDOW, free))
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

/// What another thread does meanwhile.
fn beside<T: 'static>(
    share: &Arc<Share>,
    action: impl FnOnce(&Share) -> T + 'static,
) -> thread::JoinHandle<T> {
    let share = Arc::clone(share);
    thread::spawn(move || action(&share))
}

#[test]
fn two_threads_never_take_the_same_place_of_a_share() {
    loom::model(|| {
        let share = share(1);
        let other = beside(&share, |share| share.withdraw(at(0)).is_ok());
        let here = share.withdraw(at(0)).is_ok();
        assert!(here ^ other.join().unwrap());
        assert_eq!(share.tokens(at(0)), 0);
    });
}

#[test]
fn no_call_of_a_share_is_lost_not_even_at_the_end_of_a_span() {
    loom::model(|| {
        let share = share(0);
        (0..8).for_each(|_| share.earn(at(9)));
        let other = beside(&share, |share| share.earn(at(9)));
        share.earn(at(10));
        other.join().unwrap();
        assert_eq!(share.tokens(at(10)), 1);
    });
}

#[test]
fn a_place_given_back_beside_a_withdrawal_is_counted_once() {
    loom::model(|| {
        let share = share(2);
        let place = share.withdraw(at(0)).unwrap();
        let other = beside(&share, move |share| share.put_back(place));
        share.withdraw(at(0)).unwrap();
        other.join().unwrap();
        assert_eq!(share.tokens(at(0)), 1);
    });
}
