//! What a breaker and a key hold.

use std::collections::HashMap;
use std::hint::black_box;

use evenkeel_breaker::{Breaker, BreakerConfig, KeyedSet, Window};
use peers_table::{Aim, Row, heap};
use tower::{Layer as _, service_fn};
use tower_resilience_circuitbreaker::CircuitBreakerLayer;

use crate::{NOW, failsafe_in_a_row, failsafe_standard, many, recloser};

/// Bytes on the heap for one, and for its handle.
fn bytes<T>(make: impl FnOnce() -> T) -> f64 {
    let (made, used) = heap::counted(make);
    let bytes = used.kept as f64 + size_of::<T>() as f64;
    drop(made);
    bytes
}

/// The same for one key of a thousand.
fn bytes_a_key<T>(make: impl FnOnce() -> T) -> f64 {
    let (made, used) = heap::counted(make);
    drop(made);
    used.kept as f64 / 1_000.0
}

pub fn rows() -> Vec<Row> {
    let (standard, row) = (
        BreakerConfig::default(),
        BreakerConfig::builder()
            .failure_ratio(None)
            .build()
            .expect("valid"),
    );
    let calls = BreakerConfig::builder()
        .window(Window::Calls(100))
        .build()
        .expect("valid");
    vec![
        Row {
            what: "a breaker, consecutive failures",
            ours: bytes(|| Breaker::new(row.clone())),
            rivals: vec![("failsafe", bytes(failsafe_in_a_row))],
            floor: None,
            aims: vec![Aim::TimesRival(1.0)],
        },
        Row {
            what: "a breaker, the default rules",
            ours: bytes(|| Breaker::new(standard.clone())),
            rivals: vec![("failsafe, its default", bytes(failsafe_standard))],
            floor: None,
            aims: vec![Aim::TimesRival(1.0)],
        },
        Row {
            what: "a breaker, a window of 100 calls",
            ours: bytes(|| Breaker::new(calls.clone())),
            rivals: vec![
                ("recloser", bytes(recloser)),
                (
                    "tower-resilience",
                    bytes(|| resilience!(CircuitBreakerLayer::builder().sliding_window_size(100))),
                ),
            ],
            floor: None,
            aims: vec![Aim::TimesRival(1.0)],
        },
        Row {
            what: "a key of a thousand, the default rules",
            ours: bytes_a_key(|| {
                let set = KeyedSet::new(standard.clone()).capacity(many(1_000));
                (0..1_000_u32).for_each(|key| drop(set.get(&key, NOW)));
                set
            }),
            rivals: vec![(
                "failsafe's default in a map",
                bytes_a_key(|| {
                    let make = |key| (key, failsafe_standard());
                    (0..1_000_u32).map(make).collect::<HashMap<_, _>>()
                }),
            )],
            floor: None,
            aims: vec![Aim::TimesRival(1.0)],
        },
    ]
}
