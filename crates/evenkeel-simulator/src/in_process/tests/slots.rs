//! Who gets a slot, and when it is free again.

use super::*;
use crate::{Abandoned, Capacity};

/// One slot of ten seconds, and room for one to wait.
fn busy() -> Capacity {
    Capacity::slots(1).queue(1).first_token(SECOND * 10)
}

async fn began(simulator: &InProcess) -> Option<Duration> {
    let began = clock::Clock::start(clock::Calendar::System);
    let reply = simulator.send(request()).await.unwrap();
    (reply.status() == 200).then(|| began.now())
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_slot_gets_it_when_its_holder_is_done_and_the_third_is_overloaded() {
    let simulator = of(Scenario::script(Vec::new()).capacity(busy()));
    let (first, second, third) =
        tokio::join!(heard(&simulator), began(&simulator), began(&simulator),);
    assert_eq!((first.0, third), (200, None));
    let waited = second.unwrap();
    assert!(waited >= SECOND * 20 && waited < SECOND * 21, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slot_whose_holder_leaves_is_free_at_once_unless_told_otherwise() {
    for (abandoned, waited) in [
        (Abandoned::Freed, SECOND * 11),
        (Abandoned::Finished, SECOND * 20),
    ] {
        let scenario = Scenario::script(Vec::new()).capacity(busy().abandoned(abandoned));
        let simulator = of(scenario);
        let leaves = clock::within(SECOND, heard(&simulator));
        let (left, second) = tokio::join!(leaves, began(&simulator));
        assert!(left.is_none(), "it leaves after a second");
        let second = second.unwrap();
        assert!(
            second >= waited && second < waited + SECOND,
            "{abandoned:?}: {second:?}"
        );
        assert_eq!(simulator.journal()[0].ending, Ending::Abandoned);
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_queue_makes_room_in_it() {
    let simulator = of(Scenario::script(Vec::new()).capacity(busy()));
    let first = heard(&simulator);
    let others = async {
        clock::sleep(SECOND).await;
        assert!(clock::within(SECOND, heard(&simulator)).await.is_none());
        began(&simulator).await
    };
    let (first, third) = tokio::join!(first, others);
    assert_eq!((first.0, third.is_some()), (200, true));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_takes_no_slot() {
    let script = vec![
        Reply::raw(500).pause_before_head(SECOND * 100),
        Reply::message("Hi"),
    ];
    let simulator = of(Scenario::script(script).capacity(busy()));
    let (failed, second, third) =
        tokio::join!(heard(&simulator), began(&simulator), began(&simulator),);
    assert_eq!(
        (failed.0, second.is_some(), third.is_some()),
        (500, true, true)
    );
}
