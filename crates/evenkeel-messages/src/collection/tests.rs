use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_error::{ErrorKind, Facts};
use proptest::prelude::*;

use super::*;
use crate::MessageRequest;

fn facts() -> Facts {
    Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH)
}

const RESULTS: &str = concat!(
    r#"{"custom_id":"a","result":{"type":"succeeded","message":{"id":"m","type":"message","role":"assistant","#,
    r#""model":"x","content":[{"type":"text","text":"Grüße 🗼"}],"stop_reason":"end_turn","usage":{}}}}"#,
    "\n",
    r#"{"custom_id":"b","result":{"type":"errored","error":{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}}}"#,
    "\r\n\n",
    r#"{"custom_id":"c","result":{"type":"canceled"},"mood":"fine"}"#,
    "\n",
    r#"{"custom_id":"d","result":{"type":"expired"}}"#,
    "\n",
    r#"{"custom_id":"e","result":{"type":"vanished","x":1}}"#,
    "\n",
    r#"{"custom_id":"f","result":{"type":"succeeded","message":{"type":"message","content":[]}}}"#,
    "\nno result\n",
    r#"{"custom_id":"g","result":{"type":"canceled"}}"#,
);

fn read<C: AsRef<[u8]>>(chunks: impl IntoIterator<Item = C>) -> Vec<String> {
    let mut results = BatchResults::new(facts());
    let mut found = Vec::new();
    let mut take = |results: &mut BatchResults| {
        while let Some(item) = results.next_item() {
            found.push(match item {
                Ok(item) => format!(
                    "{} {}",
                    item.custom_id,
                    match item.outcome {
                        BatchOutcome::Succeeded(message) => message.text(),
                        BatchOutcome::Errored(error) => error.kind().label().to_owned(),
                        BatchOutcome::Canceled => "canceled".to_owned(),
                        BatchOutcome::Expired => "expired".to_owned(),
                        BatchOutcome::Unknown(raw) => raw.get().to_owned(),
                    }
                ),
                Err(error) => error.message().expect("ours").to_owned(),
            });
        }
    };
    for chunk in chunks {
        results.feed(Bytes::copy_from_slice(chunk.as_ref()));
        take(&mut results);
    }
    results.finish();
    take(&mut results);
    found
}

#[test]
fn each_result_of_a_batch_is_read_and_a_bad_line_harms_no_other() {
    let bad = RESULTS.find("no result").expect("there");
    assert_eq!(
        read([RESULTS.as_bytes()]),
        [
            "a Grüße 🗼".to_owned(),
            "b overloaded".to_owned(),
            "c canceled".to_owned(),
            "d expired".to_owned(),
            r#"e {"type":"vanished","x":1}"#.to_owned(),
            "f protocol".to_owned(),
            format!("the line at byte {bad} is no result"),
            "g canceled".to_owned(),
        ]
    );
}

#[test]
fn every_split_in_two_gives_the_same_results() {
    let whole = read([RESULTS.as_bytes()]);
    for cut in 0..=RESULTS.len() {
        let (left, right) = RESULTS.as_bytes().split_at(cut);
        assert_eq!(read([left, right]), whole, "split at {cut}");
    }
}

#[test]
fn a_line_over_the_limit_is_refused_at_the_limit_and_the_next_one_is_read() {
    let mut results = BatchResults::new(facts()).line_limit(100);
    let refused = (1..50).find_map(|chunks| {
        results.feed(Bytes::from_static(b"0123456789"));
        Some((chunks, results.next_item()?))
    });
    let (chunks, error) = refused.expect("refused");
    assert_eq!(chunks, 11, "the first chunk over the limit");
    assert_eq!(error.expect_err("too large").kind(), ErrorKind::Protocol);
    results.feed(Bytes::from_static(
        b"x\n{\"custom_id\":\"a\",\"result\":{\"type\":\"expired\"}}\n",
    ));
    let item = results.next_item().expect("an item").expect("readable");
    assert!(matches!(item.outcome, BatchOutcome::Expired));
    assert!(results.next_item().is_none());
}

#[test]
fn a_last_line_that_is_cut_is_an_error_and_no_item() {
    let cut = &RESULTS.as_bytes()[..RESULTS.len() - 3];
    let last = read([cut]).pop().expect("a line");
    assert!(last.ends_with("is no result"), "{last}");
}

/// Whatever a line of results may hold.
fn line() -> impl Strategy<Value = String> {
    let outcome = prop_oneof![
        Just(r#"{"type":"canceled"}"#.to_owned()),
        Just(r#"{"type":"expired"}"#.to_owned()),
        Just(r#"{"type":"vanished"}"#.to_owned()),
        Just(r#"{"type":"errored","error":{"type":"error","error":{"type":"api_error","message":"x"}}}"#.to_owned()),
        "[a-zé🗼]{0,20}".prop_map(|text| format!(
            r#"{{"type":"succeeded","message":{{"id":"m","type":"message","role":"assistant","model":"x","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","usage":{{}}}}}}"#
        )),
    ];
    let item = ("[a-z]{1,3}", outcome)
        .prop_map(|(id, outcome)| format!(r#"{{"custom_id":"{id}","result":{outcome}}}"#));
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n"), Just("\n \r\n")];
    let text = prop_oneof![8 => item, 1 => Just("no result".to_owned()), 1 => "x{90,200}"];
    (text, end).prop_map(|(text, end)| text + end)
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_items(
        lines in prop::collection::vec(line(), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = lines.concat().into_bytes();
        let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        places.sort_unstable();
        let mut chunks = Vec::new();
        let mut rest = &whole[..];
        let mut before = 0;
        for place in places {
            let (left, right) = rest.split_at(place - before);
            chunks.push(left);
            (rest, before) = (right, place);
        }
        chunks.push(rest);
        prop_assert_eq!(read(chunks), read([whole.as_slice()]));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
    ) {
        let found = read(&chunks);
        let lines = chunks.concat();
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        prop_assert_eq!(found.len(), lines.count());
    }
}

#[test]
fn what_is_not_wanted_is_passed_over_unread() {
    let mut results = BatchResults::new(facts());
    results.feed(Bytes::from_static(RESULTS.as_bytes()));
    results.feed(Bytes::from_static(
        b"\n{\"custom_id\":\"h\",\"result\":7}\n{\"custom_id\":\"i\",\"result\":{\"type\":\"expired\"}}\n",
    ));
    let mut found = Vec::new();
    while let Some(item) = results.next_item_if(|id| matches!(id, "c" | "i")) {
        found.push(item.map_or_else(|_| "unreadable".to_owned(), |item| item.custom_id));
    }
    assert_eq!(found, ["c", "unreadable", "i"]);
}

#[test]
fn what_was_paid_for_is_never_repeated_even_if_it_cannot_be_read() {
    let mut follow_up = FollowUp::new();
    let mut results = BatchResults::new(facts());
    results.feed(Bytes::from_static(RESULTS.as_bytes()));
    let error = |id: &str, kind: &str| {
        format!(
            "\n{{\"custom_id\":\"{id}\",\"result\":{{\"type\":\"errored\",\"error\":{{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"x\"}}}}}}}}"
        )
    };
    for (id, kind) in [
        ("invalid", "invalid_request_error"),
        ("key", "authentication_error"),
        ("bill", "billing_error"),
        ("gone", "not_found_error"),
        ("limit", "rate_limit_error"),
        ("server", "api_error"),
        ("slow", "timeout_error"),
    ] {
        results.feed(error(id, kind).into());
    }
    results.finish();
    while let Some(item) = results.next_item() {
        if let Ok(item) = item {
            follow_up.note(&item);
        }
    }
    assert_eq!(follow_up.ids(), ["b", "d", "limit", "server", "slow"]);
}

#[test]
fn a_follow_up_has_the_requests_of_the_original_under_their_ids() {
    let request = |text: &str| MessageRequest::new("m", 5).user(text);
    let all = ["a", "b", "c", "d"].map(|id| BatchRequest::new(id, request(id)));
    let original = CreateBatch::new(all.to_vec());
    let mut follow_up = FollowUp::new();
    assert!(follow_up.of(&original).expect("nothing missing").is_none());
    let mut results = BatchResults::new(facts());
    results.feed(Bytes::from_static(RESULTS.as_bytes()));
    while let Some(item) = results.next_item() {
        if let Ok(item) = item {
            follow_up.note(&item);
        }
    }
    let next = follow_up.of(&original).expect("known").expect("some");
    assert_eq!(next.requests, [all[1].clone(), all[3].clone()]);
    let changed = follow_up.with(|id| (id == "b").then(|| request("x")));
    let error = changed.expect_err("d is missing");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    let changed = follow_up
        .with(|_| Some(request("x")))
        .expect("all")
        .expect("some");
    assert_eq!(changed.requests[1], BatchRequest::new("d", request("x")));
}

#[test]
fn results_that_are_shown_twice_ask_for_each_request_once() {
    let mut follow_up = FollowUp::new();
    for _ in 0..2 {
        let mut results = BatchResults::new(facts());
        results.feed(Bytes::from_static(RESULTS.as_bytes()));
        while let Some(item) = results.next_item() {
            if let Ok(item) = item {
                follow_up.note(&item);
            }
        }
    }
    assert_eq!(follow_up.ids(), ["b", "d"]);
    let request = MessageRequest::new("m", 5).user("x");
    let next = follow_up.with(|_| Some(request.clone()));
    assert!(next.expect("all").expect("some").to_body().is_ok());
}

#[test]
fn what_the_api_would_refuse_of_a_batch_is_refused_by_its_place() {
    let request = || MessageRequest::new("m", 5).user("Hi");
    let batch = |ids: &[&str]| {
        let requests = ids.iter().map(|id| BatchRequest::new(*id, request()));
        CreateBatch::new(requests.collect::<Vec<_>>())
    };
    let long = "x".repeat(65);
    for (ids, place) in [
        (&[][..], "requests must be 1 to 100,000"),
        (&["a", ""], "requests.1.custom_id must be 1 to 64"),
        (&["a b"], "requests.0.custom_id must be 1 to 64"),
        (&["ü"], "requests.0.custom_id must be 1 to 64"),
        (&[long.as_str()], "requests.0.custom_id must be 1 to 64"),
        (&["a", "b", "a"], "requests.2.custom_id must be there once"),
    ] {
        let error = batch(ids).to_body().expect_err("refused");
        let message = error.message().expect("ours");
        assert!(message.starts_with(place), "{message}");
    }
    let longest = "x".repeat(64);
    assert!(batch(&["a", "A_-9", &longest]).to_body().is_ok());
}

#[test]
fn both_ways_of_paging_are_followed() {
    let page = |json: &str| serde_json::from_str::<Page<Model>>(json).expect("a page");
    let by_id = page(
        r#"{"data":[{"type":"model","id":"m","lifecycle":"active","max_tokens":128000,
        "capabilities":{"thinking":{"supported":true,"types":{"adaptive":{"supported":true}}},"new":{}}}],
        "has_more":true,"first_id":"m","last_id":"m","new":1}"#,
    );
    assert_eq!(by_id.next(), Some(NextPage::AfterId("m")));
    assert_eq!(by_id.extra.len(), 1);
    let model = &by_id.data[0];
    assert_eq!(model.lifecycle, Some(Lifecycle::Active));
    assert_eq!(model.max_tokens, Some(128_000));
    let thinking = model
        .capabilities
        .as_ref()
        .and_then(|all| all.thinking.as_ref());
    let adaptive = thinking.and_then(|thinking| thinking.types.as_ref()?.adaptive.as_ref());
    assert!(adaptive.is_some_and(Support::is_supported));
    let by_token = page(r#"{"data":[],"next_page":"p2"}"#);
    assert_eq!(by_token.next(), Some(NextPage::Page("p2")));
    let last = page(r#"{"data":[],"has_more":false,"last_id":"z","next_page":null}"#);
    assert_eq!(last.next(), None);
}

#[test]
fn a_batch_is_created_and_read() {
    let request = MessageRequest::new("m", 5).user("Hi");
    let create = CreateBatch::new(vec![BatchRequest::new("one", request)]);
    assert_eq!(
        create.to_body().expect("valid"),
        r#"{"requests":[{"custom_id":"one","params":{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}}]}"#
    );
    let json = r#"{"type":"message_batch","id":"msgbatch_1","processing_status":"paused","request_counts":{"processing":2},"results_url":null}"#;
    let batch: Batch = serde_json::from_str(json).expect("a batch");
    assert_eq!(batch.processing_status.as_str(), "paused");
    assert_eq!(batch.request_counts.processing, Some(2));
    assert_eq!(batch.results_url, None);
    let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
    let back = serde_json::to_string(&batch).expect("JSON");
    assert_eq!(value(&back), value(json));
}

#[test]
fn counting_asks_for_what_is_counted_and_nothing_else() {
    let request = MessageRequest::new("m", 5)
        .system("S")
        .user("Hi")
        .temperature(0.5)
        .effort("high")
        .user_id("u");
    assert_eq!(
        request.to_count_body().expect("valid"),
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"system":"S","output_config":{"effort":"high"}}"#
    );
    let count: TokenCount = serde_json::from_str(r#"{"input_tokens":12}"#).expect("a count");
    assert_eq!(count.input_tokens, 12);
}

#[test]
fn files_are_read() {
    let json = r#"{"type":"file","id":"file_1","filename":"a.pdf","mime_type":"application/pdf","size_bytes":12,"created_at":"2026-11-22T00:00:00Z","downloadable":false}"#;
    let file: File = serde_json::from_str(json).expect("a file");
    assert_eq!(
        (file.size_bytes, file.downloadable),
        (Some(12), Some(false))
    );
    let deleted: Deleted =
        serde_json::from_str(r#"{"id":"file_1","type":"file_deleted"}"#).expect("deleted");
    assert_eq!(deleted.id, "file_1");
}
