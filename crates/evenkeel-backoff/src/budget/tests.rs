use super::*;

fn at(seconds: u32) -> Moment {
    Moment::ORIGIN + Duration::from_secs(1) * seconds
}

fn spend(budget: &RetryBudget, now: Moment) -> Receipt {
    match budget.withdraw(now) {
        Withdrawal::Granted(token) => token.sent(),
        Withdrawal::Empty { .. } => panic!("empty"),
    }
}

#[test]
fn a_token_dropped_before_its_retry_went_out_is_given_back() {
    let budget = RetryBudget::new();
    for _ in 0..100 {
        assert!(matches!(budget.withdraw(at(0)), Withdrawal::Granted(_)));
    }
    assert_eq!(budget.tokens(at(0)), 10);
}

#[test]
fn clones_share_the_tokens() {
    let budget = RetryBudget::new();
    for _ in 0..10 {
        drop(spend(&budget.clone(), at(0)));
    }
    let Withdrawal::Empty { next } = budget.withdraw(at(5)) else {
        panic!("not empty")
    };
    assert_eq!(next, at(20));
}

#[test]
fn a_retry_that_succeeds_gets_its_token_back() {
    let budget = RetryBudget::new();
    for _ in 0..50 {
        spend(&budget, at(0)).refund();
    }
    assert_eq!(budget.tokens(at(0)), 10);
}

#[test]
fn a_paused_floor_brings_nothing_and_owes_nothing_afterwards() {
    let budget = RetryBudget::new();
    for _ in 0..10 {
        drop(spend(&budget, at(0)));
    }
    budget.floor(Floor::Paused, at(0));
    let Withdrawal::Empty { next } = budget.withdraw(at(1_000)) else {
        panic!("not empty")
    };
    assert_eq!(next, Moment::MAX);
    budget.floor(Floor::Running, at(1_000));
    assert_eq!(budget.tokens(at(1_019)), 0);
    assert_eq!(budget.tokens(at(1_020)), 1);
}

fn shared(percent: u32, free: u16) -> RetryBudget {
    let share = RetryBudget::share(Ratio::percent(percent).unwrap());
    share.free(free).build().unwrap()
}

#[test]
fn a_share_of_seven_in_ten_is_not_rounded_to_the_whole() {
    let budget = shared(70, 0);
    for _ in 0..100 {
        budget.earn(at(1));
    }
    let granted = (0..100).filter(|_| budget.take(at(1)).is_ok()).count();
    assert_eq!(granted, 70);
}

#[test]
fn a_share_forgets_calls_and_retries_with_its_window() {
    let budget = shared(10, 2);
    for _ in 0..100 {
        budget.earn(at(5));
    }
    assert_eq!(budget.tokens(at(5)), 12);
    assert_eq!(budget.tokens(at(15)), 7);
    assert_eq!(budget.tokens(at(25)), 2);
    let place = budget.take(at(25)).unwrap();
    while budget.take(at(25)).is_ok() {}
    // Two of the span before, of which less than the whole counts from then on.
    let next = at(30) + Duration::from_nanos(1);
    assert_eq!(budget.take(at(25)), Err(next));
    assert!(budget.take(at(30)).is_err());
    budget.put_back(place);
    budget.floor(Floor::Paused, at(25));
    assert_eq!(budget.tokens(at(25)), 0);
}

#[test]
fn a_token_given_back_after_its_window_makes_no_room_in_another() {
    let budget = shared(0, 2);
    let Withdrawal::Granted(early) = budget.withdraw(at(5)) else {
        panic!("empty")
    };
    let late = (spend(&budget, at(30)), spend(&budget, at(30)));
    drop(early);
    assert!(matches!(budget.withdraw(at(30)), Withdrawal::Empty { .. }));
    late.0.refund();
    assert_eq!(budget.tokens(at(30)), 1);
    // As the next span begins, what was taken in this one still counts whole.
    let next = spend(&budget, at(40));
    assert_eq!(budget.tokens(at(40)), 0);
    late.1.refund();
    assert_eq!(budget.tokens(at(40)), 1);
    next.refund();
    assert_eq!(budget.tokens(at(40)), 2);
}

#[test]
fn a_share_that_nothing_pays_for_says_that_time_brings_none() {
    let budget = shared(10, 2);
    while budget.take(at(5)).is_ok() {}
    budget.floor(Floor::Paused, at(5));
    assert_eq!(budget.take(at(5)), Err(Moment::MAX));
    (0..100).for_each(|_| budget.earn(at(5)));
    while budget.take(at(5)).is_ok() {}
    assert_ne!(budget.take(at(5)), Err(Moment::MAX), "calls may");
    assert_eq!(shared(10, 0).take(at(5)), Err(Moment::MAX));
}

#[test]
fn the_shortest_window_of_a_share_moves_on_after_ten_years() {
    let share = RetryBudget::share(Ratio::TENTH).window(Duration::from_millis(100));
    let (budget, year) = (share.free(1).build().unwrap(), 365 * 86_400);
    for seconds in 0..3 {
        assert!(budget.take(at(10 * year + seconds)).is_ok());
        assert!(budget.take(at(10 * year + seconds)).is_err());
    }
}

#[test]
fn builders_name_the_field_and_the_rule() {
    let message = |built: Result<RetryBudget, _>| {
        let error: evenkeel_error::InvalidConfig = built.unwrap_err();
        error.to_string()
    };
    let builder = RetryBudget::builder;
    assert_eq!(message(builder().cap(0).build()), "cap must be 1 to 100");
    assert_eq!(message(builder().cap(101).build()), "cap must be 1 to 100");
    assert_eq!(
        message(builder().floor(Duration::ZERO).build()),
        "floor must be longer than zero and at most 30 days"
    );
    let share = RetryBudget::share(Ratio::TENTH);
    assert_eq!(
        message(share.window(Duration::from_millis(99)).build()),
        "window must be 0.1 s or more"
    );
}

#[test]
fn threads_never_take_more_than_there_is() {
    for budget in [RetryBudget::new(), shared(0, 10)] {
        let granted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..50).filter(|_| budget.take(at(1)).is_ok()).count()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(granted, 10);
    }
}

proptest::proptest! {
    #[test]
    fn retries_never_exceed_a_share_of_the_calls_and_the_free_ones_of_each_window(
        steps in proptest::collection::vec((0..3_u8, 0..5_u32), 0..300), percent in 0..=100_u32,
    ) {
        let (budget, mut now, mut calls, mut retries) = (shared(percent, 3), 0, 0, 0);
        for (action, seconds) in steps {
            now += seconds;
            if action == 0 {
                budget.earn(at(now));
                calls += 1;
            } else if budget.take(at(now)).is_ok() {
                retries += 1;
            }
        }
        // A call counts in the span it is made in and in the next, as do retries and free places.
        proptest::prop_assert!(retries * 100 <= 2 * calls * percent + 300 * (now / 10 + 1));
    }
}
