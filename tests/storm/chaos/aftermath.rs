//! Once the storm is over, nothing of it is left in the client.

use evenkeel::{Client, Credential, MessageRequest, Messages, Patience, Stopped};
use evenkeel_tests::pause;

use super::weather::Weather;
use super::{IN_ARREARS, MODELS};
use crate::{MINUTE, SECOND};

/// Retries that a budget allows which is full.
const CAP: u32 = 10;
/// The seconds in which one more comes by itself.
const FLOOR: u32 = 20;

fn request(model: &str) -> MessageRequest {
    MessageRequest::new(model, 64).user("call-aftermath")
}

pub(super) async fn check(client: &Client, weather: &Weather) {
    let calls = client.messages().patience(Patience::Interactive);
    weather.settle(["well"]);
    // The longest that a circuit is open, and every hint is over by then.
    pause(61 * SECOND).await;
    for model in MODELS {
        goes_through(&calls, model, weather).await;
        // The slow start of the way to them all.
        pause(6 * SECOND).await;
    }
    // The longest that an account is not tried.
    pause(6 * MINUTE).await;
    let arrears = calls.clone().credential(Credential::api_key(IN_ARREARS));
    for model in MODELS {
        goes_through(&arrears, model, weather).await;
    }
    for model in MODELS {
        the_budget_is_whole(&calls, model, weather).await;
    }
}

/// No place with the circuits, of a latch or at a gate is missing.
async fn goes_through(calls: &Messages, model: &str, weather: &Weather) {
    let before = weather.served().len();
    let reply = calls.create(request(model)).await.unwrap();
    assert!(reply.meta.elapsed.is_zero(), "{:?}", reply.meta.elapsed);
    assert_eq!(weather.served().len(), before + 1);
}

/// No token is lost, and there are not more than fit.
async fn the_budget_is_whole(calls: &Messages, model: &str, weather: &Weather) {
    // No circuit minds this, and the budget does.
    weather.settle(["late"]);
    pause(CAP * FLOOR * SECOND).await;
    let (began, before) = (weather.now(), weather.served().len());
    let mut stopped = Vec::new();
    for _ in 0..CAP {
        stopped.push(calls.create(request(model)).await.unwrap_err().stopped());
    }
    let requests = u32::try_from(weather.served().len() - before).unwrap();
    let (retries, took) = (requests - CAP, weather.now().saturating_sub(began));
    let refilled = 1 + u32::try_from(took.as_secs()).unwrap() / FLOOR;
    assert!(retries >= CAP, "{retries} retries of {model}: {stopped:?}");
    assert!(retries <= CAP + refilled, "{retries} retries in {took:?}");
    assert_eq!(stopped.last(), Some(&Stopped::Budget));
    pause(21 * SECOND).await;
    weather.settle(["late", "well"]);
    let reply = calls.create(request(model)).await.unwrap();
    assert_eq!(reply.meta.attempts.len(), 2);
}
