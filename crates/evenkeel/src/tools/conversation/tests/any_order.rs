//! Whatever comes in whatever order.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    Reply(&'static str, Vec<u8>),
    Begin,
    Finish(usize),
    Refuse(u8),
    Interrupt,
    Settle,
    Say,
}

fn event() -> impl Strategy<Value = Event> {
    let stop_reasons = prop::sample::select(vec![
        "tool_use",
        "tool_use",
        "tool_use",
        "pause_turn",
        "end_turn",
        "max_tokens",
        "refusal",
        "a_new_reason",
    ]);
    prop_oneof![
        3 => (stop_reasons, prop::collection::vec(0..12u8, 0..4))
            .prop_map(|(reason, ids)| Event::Reply(reason, ids)),
        4 => Just(Event::Begin),
        4 => (0..5usize).prop_map(Event::Finish),
        1 => (0..12u8).prop_map(Event::Refuse),
        1 => Just(Event::Interrupt),
        2 => Just(Event::Settle),
        1 => Just(Event::Say),
    ]
}

/// Calls and the results right behind them, turn by turn.
fn turns(request: &MessageRequest) -> Vec<(Vec<String>, Vec<String>)> {
    let body = body(request);
    let mut turns = Vec::new();
    let mut calls: Vec<String> = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        let ids = |kind: &str, name: &str| -> Vec<String> {
            let of_kind = blocks.iter().filter(|block| block["type"] == kind);
            of_kind
                .map(|block| block[name].as_str().unwrap().to_owned())
                .collect()
        };
        if message["role"] == "assistant" {
            calls.extend(ids("tool_use", "id"));
        } else {
            turns.push((
                std::mem::take(&mut calls),
                ids("tool_result", "tool_use_id"),
            ));
        }
    }
    turns.push((calls, Vec::new()));
    turns
}

proptest! {
    #[test]
    fn each_call_runs_at_most_once_and_each_has_exactly_one_result_in_its_place(
        events in prop::collection::vec(event(), 0..40)
    ) {
        let mut conversation = begun();
        let mut begun_ids = HashSet::new();
        for event in events {
            match event {
                Event::Reply(stop_reason, ids) if conversation.stage() == Stage::Ask => {
                    let calls: Vec<_> = ids.iter().map(|id| call(&format!("c{id}"))).collect();
                    conversation.take(&reply(stop_reason, &Value::Array(calls)));
                }
                Event::Begin => {
                    if let Some((_, call)) = conversation.begin() {
                        prop_assert!(begun_ids.insert(call.id.clone()), "{} ran twice", call.id);
                    }
                }
                Event::Finish(place) => conversation.finish(place, Ok("ok".into())),
                Event::Refuse(id) => conversation.refuse(&format!("c{id}"), "no"),
                Event::Interrupt => conversation.interrupt(),
                Event::Settle if conversation.stage() == Stage::Work => conversation.settle(),
                // Only whose turn it is speaks.
                Event::Reply(..) | Event::Settle => {}
                Event::Say => conversation.say("more".into()),
            }
            for (calls, results) in turns(&conversation.so_far()) {
                prop_assert_eq!(calls, results);
            }
        }
    }
}
