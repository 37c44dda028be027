use serde_json::json;

use super::*;
use crate::batch::items;
use crate::dialect::Version;
use serde_json::Value;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u32) -> Moment {
    Moment {
        now: SECOND * seconds,
        wall: SystemTime::UNIX_EPOCH,
        item: SECOND,
    }
}

fn body(count: usize) -> Value {
    let params =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
    let items = (0..count).map(|n| json!({"custom_id": format!("c{n}"), "params": params.clone()}));
    json!({"requests": items.collect::<Vec<_>>()})
}

fn read(body: &Value) -> Vec<Item> {
    items(body, Version::Second).unwrap()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[test]
fn items_are_done_one_after_the_other_as_time_passes() {
    let mut batches = Batches::default();
    let mut body = body(3);
    body["requests"][1]["params"]["max_tokens"] = json!("many");
    let batch = parsed(&batches.create(read(&body), 0, at(0), "http://h"));
    let id = batch["id"].as_str().unwrap();
    assert_eq!(batch["processing_status"], "in_progress");
    let later = parsed(&batches.show(id, at(2), "").unwrap());
    assert_eq!(
        later["request_counts"],
        json!({"processing": 1, "succeeded": 1, "errored": 1, "canceled": 0, "expired": 0})
    );
    assert!(matches!(
        batches.results(id, &Answer::new().text("a"), 0, at(2)),
        Err(Fault::NotFound(_))
    ));
    let ended = parsed(&batches.show(id, at(3), "http://h").unwrap());
    assert_eq!(
        (&ended["processing_status"], &ended["ended_at"]),
        (&json!("ended"), &json!("1970-01-01T00:00:03Z"))
    );
    assert_eq!(
        ended["results_url"],
        format!("http://h/v1/messages/batches/{id}/results")
    );
    let results = batches
        .results(id, &Answer::new().text("a"), 0, at(3))
        .unwrap();
    let kinds: Vec<_> = results
        .lines()
        .map(|line| parsed(line)["result"]["type"].clone())
        .collect();
    assert_eq!(kinds, ["succeeded", "errored", "succeeded"]);
    assert_eq!(
        results,
        batches
            .results(id, &Answer::new().text("a"), 0, at(9))
            .unwrap()
    );
}

#[test]
fn an_item_meets_what_the_script_has_for_its_id_the_first_time() {
    let script = [
        ("c0".to_owned(), BatchResult::Errored("api_error".into())),
        ("c2".to_owned(), BatchResult::Expired),
    ];
    let script = script.into_iter().collect();
    let mut batches = Batches::default();
    let answer = Answer::new().text("a");
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let mut items = read(&body(3));
        batches.script(&mut items, &script);
        let batch = parsed(&batches.create(items, 0, at(0), ""));
        let id = batch["id"].as_str().unwrap();
        let ended = parsed(&batches.show(id, at(9), "").unwrap());
        let results = batches.results(id, &answer, 0, at(9)).unwrap();
        let lines = results
            .lines()
            .map(|line| parsed(line)["result"]["type"].clone());
        kinds.push(lines.collect::<Vec<_>>());
        let counts = ended["request_counts"].clone();
        let counted = |name: &str| counts[name].as_u64().unwrap();
        let said = ["succeeded", "errored", "expired"].map(counted);
        assert_eq!(
            said,
            if kinds.len() == 1 {
                [1, 1, 1]
            } else {
                [3, 0, 0]
            }
        );
    }
    assert_eq!(kinds[0], ["errored", "succeeded", "expired"]);
    assert_eq!(kinds[1], ["succeeded"; 3]);
}

#[test]
fn a_cancelled_batch_keeps_what_was_done() {
    let mut batches = Batches::default();
    let batch = parsed(&batches.create(read(&body(5)), 0, at(0), "http://h"));
    let id = batch["id"].as_str().unwrap().to_owned();
    let cancelled = parsed(&batches.cancel(&id, at(2), "").unwrap());
    assert_eq!(cancelled["processing_status"], "canceling");
    assert!(matches!(batches.delete(&id, at(2)), Err(Fault::Invalid(_))));
    let ended = parsed(&batches.show(&id, at(3), "").unwrap());
    assert_eq!(
        (
            &ended["request_counts"]["succeeded"],
            &ended["request_counts"]["canceled"]
        ),
        (&json!(2), &json!(3))
    );
    assert!(
        batches
            .delete(&id, at(3))
            .unwrap()
            .contains("message_batch_deleted")
    );
    assert!(matches!(
        batches.show(&id, at(3), ""),
        Err(Fault::NotFound(_))
    ));
}

#[test]
fn what_is_wrong_with_a_batch_is_said_at_once_and_with_its_items_later() {
    for (body, message) in [
        (json!({}), "requests: Field required"),
        (json!({"requests": []}), "requests: List should have"),
        (
            json!({"requests": [{"params": {}}]}),
            "requests.0.custom_id: Field required",
        ),
        (
            json!({"requests": [{"custom_id": "a b", "params": {}}]}),
            "requests.0.custom_id: String should match",
        ),
        (
            json!({"requests": [{"custom_id": "a", "params": {}}, {"custom_id": "a", "params": {}}]}),
            "must be unique",
        ),
        (
            json!({"requests": [{"custom_id": "a"}]}),
            "requests.0.params: Field required",
        ),
    ] {
        let said = items(&body, Version::Second).unwrap_err();
        assert!(said.contains(message), "{said}");
    }
}

#[test]
fn what_is_not_done_within_a_day_expires() {
    let mut batches = Batches::default();
    let slow = |seconds| Moment {
        item: SECOND * 50_000,
        ..at(seconds)
    };
    let batch = parsed(&batches.create(read(&body(3)), 0, slow(0), "http://h"));
    let id = batch["id"].as_str().unwrap();
    assert_eq!(
        (batches.waiting(slow(0)), batches.waiting(slow(60_000))),
        (3, 2)
    );
    let ended = parsed(&batches.show(id, slow(86_400), "").unwrap());
    assert_eq!(ended["processing_status"], "ended");
    assert_eq!(ended["ended_at"], ended["expires_at"]);
    let counts = &ended["request_counts"];
    assert_eq!(
        (&counts["succeeded"], &counts["expired"]),
        (&json!(1), &json!(2))
    );
    let answer = Answer::new().text("a");
    let results = batches.results(id, &answer, 0, slow(90_000)).unwrap();
    let kinds: Vec<_> = results
        .lines()
        .map(|line| parsed(line)["result"]["type"].clone())
        .collect();
    assert_eq!(kinds, ["succeeded", "expired", "expired"]);
    assert_eq!(batches.waiting(slow(90_000)), 0);
}

#[test]
fn a_batch_whose_items_take_longer_than_time_can_be_cancelled_and_shown() {
    let mut batches = Batches::default();
    let at = Moment {
        item: Duration::MAX,
        ..at(1_000)
    };
    let batch = parsed(&batches.create(read(&body(3)), 0, at, "http://h"));
    let id = batch["id"].as_str().unwrap();
    let cancelled = parsed(&batches.cancel(id, at, "http://h").unwrap());
    assert_eq!(cancelled["processing_status"], "canceling");
}

#[test]
fn a_batch_that_is_done_when_it_is_created_says_where_its_results_are() {
    let at = Moment {
        item: Duration::ZERO,
        ..at(0)
    };
    let batch = parsed(&Batches::default().create(read(&body(1)), 0, at, "http://h"));
    let url = batch["results_url"].as_str().unwrap();
    assert!(
        url.starts_with("http://h/v1/messages/batches/msgbatch_"),
        "{url}"
    );
}
