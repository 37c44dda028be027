use std::time::Duration;

use evenkeel_error::ErrorKind;

use super::*;

const ROLL: u64 = 1 << 63;
const START: Moment = Moment::from_nanos(1_000_000_000_000);

fn set(capacity: usize) -> KeyedSet<u32> {
    let capacity = NonZeroUsize::new(capacity).expect("over zero");
    KeyedSet::new(BreakerConfig::default()).capacity(capacity)
}

fn open(set: &KeyedSet<u32>, key: u32, now: Moment) {
    for _ in 0..5 {
        if let Ok(permit) = set.admit(&key, now, ROLL) {
            let _ = permit.failure(ErrorKind::Overloaded, None, now, ROLL);
        }
    }
    assert_eq!(set.get(&key, now).state(now), State::Open);
}

fn keys(set: &KeyedSet<u32>) -> Vec<u32> {
    let mut keys: Vec<_> = set
        .snapshot(START)
        .breakers
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn one_key_is_one_circuit() {
    let set = set(8);
    open(&set, 1, START);
    assert!(set.get(&1, START).admit(START, ROLL).is_err());
    assert!(set.get(&2, START).admit(START, ROLL).is_ok());
}

#[test]
fn a_model_in_trouble_takes_no_call_from_the_models_beside_it() {
    for seed in 1..=100_u64 {
        let set = set(8);
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut refused = [0, 0, 0];
        for n in 0..12_000_u64 {
            // 100 calls a second, to each model in turn: of the first nine in ten fail, of the others
            // two in a hundred.
            let now = START + Duration::from_millis(10 * n);
            let model = u32::try_from(n % 3).expect("small");
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let failing = if model == 0 { 90 } else { 2 };
            match set.admit(&model, now, dice) {
                Ok(permit) if (dice >> 33) % 100 < failing => {
                    let _ = permit.failure(ErrorKind::Overloaded, None, now, dice);
                }
                Ok(permit) => {
                    let _ = permit.success(now, dice);
                }
                Err(_) => refused[model as usize] += 1,
            }
        }
        assert!(refused[0] > 1_000, "{refused:?}");
        assert_eq!(refused[1..], [0, 0], "seed {seed}");
    }
}

#[test]
fn a_full_set_forgets_the_closed_breaker_that_was_asked_for_longest_ago() {
    let set = set(3);
    for (seconds, key) in [1, 2, 3, 1, 4].into_iter().enumerate() {
        let _ = set.get(&key, START + Duration::from_secs(seconds as u64));
    }
    assert_eq!(keys(&set), [1, 3, 4]);
    assert_eq!(set.snapshot(START).evicted, 1);
}

#[test]
fn no_number_of_new_keys_evicts_an_open_breaker() {
    let set = set(3);
    open(&set, 1, START);
    for key in 2..1_000 {
        let _ = set.get(&key, START);
    }
    assert_eq!(set.get(&1, START).state(START), State::Open);
    assert_eq!(keys(&set).len(), 3, "bounded");
}

#[test]
fn when_every_breaker_is_open_a_new_key_goes_without_and_is_counted() {
    let set = set(2);
    open(&set, 1, START);
    open(&set, 2, START);
    assert!(set.get(&3, START).admit(START, ROLL).is_ok());
    assert_eq!(keys(&set), [1, 2]);
    let snapshot = set.snapshot(START);
    assert_eq!(
        (snapshot.unkept, snapshot.evicted, snapshot.abandoned),
        (1, 0, 0)
    );
}

#[test]
fn an_open_breaker_that_nobody_asks_for_any_more_makes_room_in_the_end() {
    let set = set(1);
    open(&set, 1, START);
    let soon = START + Duration::from_secs(59);
    let _ = set.get(&2, soon);
    assert_eq!(
        keys(&set),
        [1],
        "its delay is over, but it may yet be asked for"
    );
    let _ = set.get(&2, START + Duration::from_secs(61));
    assert_eq!(keys(&set), [2]);
    assert_eq!(set.snapshot(soon).abandoned, 1);
}

#[test]
fn an_open_breaker_that_is_asked_for_now_and_then_keeps_its_place() {
    let set = set(1);
    open(&set, 1, START);
    let later = START + Duration::from_secs(50);
    let _ = set.get(&1, later);
    let _ = set.get(&2, later + Duration::from_secs(59));
    assert_eq!(keys(&set), [1]);
}

#[test]
fn a_breaker_in_use_is_not_forgotten() {
    let set = set(1);
    let permit = set.get(&1, START).admit_owned(START, ROLL).expect("closed");
    let _ = set.get(&2, START);
    assert_eq!(keys(&set), [1], "a call is in flight");
    permit.neutral();
    let _ = set.get(&2, START + Duration::from_secs(1));
    assert_eq!(keys(&set), [2]);
}

#[test]
fn an_operators_order_is_not_forgotten() {
    let set = set(1);
    set.get(&1, START).switch(crate::Mode::ForcedClosed);
    let _ = set.get(&2, START + Duration::from_secs(10_000));
    assert_eq!(keys(&set), [1]);
}

#[test]
fn a_set_keeps_1_024_keys_unless_told_otherwise() {
    let set = KeyedSet::new(BreakerConfig::default());
    for key in 0..3_000 {
        let _ = set.get(&key, START);
    }
    assert_eq!(set.snapshot(START).breakers.len(), 1_024);
}

#[test]
fn a_listener_hears_of_each_transition_with_its_key() {
    use std::sync::{Arc, Mutex};

    let heard = Arc::new(Mutex::new(Vec::new()));
    let set = {
        let heard = Arc::clone(&heard);
        set(8).listener(move |key, transition| {
            heard.lock().unwrap().push((*key, transition.to));
        })
    };
    open(&set, 1, START);
    open(&set, 2, START);
    let later = START + Duration::from_secs(1);
    let _ = set
        .admit(&1, later, ROLL)
        .expect("the probe")
        .success(later, ROLL);
    let expected = [
        (1, State::Open),
        (2, State::Open),
        (1, State::HalfOpen),
        (1, State::Recovering),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn a_borrowed_key_finds_the_owned_one() {
    let set: KeyedSet<String> = KeyedSet::new(BreakerConfig::default());
    let here = set.get("claude-sonnet-5-5", START);
    let there = set.get("claude-sonnet-5-5", START);
    here.switch(crate::Mode::ForcedOpen);
    assert_eq!(there.mode(), crate::Mode::ForcedOpen);
    assert_eq!(
        format!("{set:?}"),
        r#"KeyedSet { capacity: 1024, keys: ["claude-sonnet-5-5"], .. }"#
    );
}

#[test]
fn two_threads_that_bring_a_new_key_get_one_breaker() {
    for _ in 0..50 {
        let set = set(8);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| set.get(&1, START));
            set.get(&1, START).switch(crate::Mode::ForcedOpen);
            assert_eq!(other.join().unwrap().mode(), crate::Mode::ForcedOpen);
        });
        assert_eq!(set.snapshot(START).breakers.len(), 1);
    }
}

#[test]
fn a_full_set_forgets_a_breaker_that_opened_a_while_ago_only_after_one_that_did_not() {
    let set = set(2);
    open(&set, 1, START);
    let mut now = START + Duration::from_secs(1);
    let _ = set
        .admit(&1, now, ROLL)
        .expect("the probe")
        .success(now, ROLL);
    now = now + Duration::from_secs(6);
    set.admit(&1, now, ROLL).expect("closed").neutral();
    let later = now + Duration::from_secs(2);
    let _ = set.get(&2, later);
    let _ = set.get(&3, later);
    assert_eq!(keys(&set), [1, 3]);
}

#[test]
fn the_listener_hears_that_what_was_not_closed_is_forgotten() {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let set = set(1).listener(move |key, it| ears.lock().unwrap().push((*key, it.from, it.to)));
    open(&set, 1, START);
    let _ = set.get(&2, START + Duration::from_secs(61));
    let expected = [
        (1, State::Closed, State::Open),
        (1, State::Open, State::Closed),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
    assert_eq!(
        crate::Reason::Forgotten.to_string(),
        "nobody asks for it any more"
    );
}

#[test]
fn a_full_set_looks_for_room_once_a_second_and_not_at_each_call() {
    let set = set(1);
    open(&set, 1, START);
    let forgettable = START + Duration::from_secs(62);
    assert!(set.get(&2, START).admit(START, ROLL).is_ok());
    // Time that runs backwards is no reason to look no more.
    for now in [START + Duration::from_millis(999), START] {
        let held = set.shelf.read().unwrap();
        let _ = set.get(&2, now);
        drop(held);
    }
    assert_eq!(set.snapshot(START).unkept, 3);
    let _ = set.get(&2, forgettable);
    assert_eq!(keys(&set), [2]);
}
