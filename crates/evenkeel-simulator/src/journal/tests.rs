use hyper::Request;

use super::*;

fn journal(limit: usize) -> Arc<Journal> {
    Arc::new(Journal::new(
        Clock::start(crate::clock::Calendar::System),
        NonZeroUsize::new(limit).unwrap(),
    ))
}

fn head(path: &str) -> Parts {
    let request = Request::post(path)
        .header("x-api-key", "sk-secret")
        .header("Authorization", "Bearer sk-secret")
        .header("accept", "a")
        .header("accept", "b");
    request.body(()).unwrap().into_parts().0
}

#[test]
fn keys_and_prompts_are_not_shown() {
    let journal = journal(5);
    let ticket = journal.open(&head("/v1/messages"), 1, 0);
    ticket.body(b"a prompt", 8);
    let [entry] = journal.entries().try_into().unwrap();
    assert_eq!(entry.header("X-Api-Key"), Some("[redacted]"));
    assert_eq!(entry.body, "a prompt");
    let shown = format!("{entry:?}{}", journal.json());
    assert!(
        !shown.contains("secret") && !shown.contains("prompt"),
        "{shown}"
    );
}

#[test]
fn the_oldest_entries_are_dropped_and_counted() {
    let journal = journal(2);
    let first = journal.open(&head("/1"), 1, 0);
    for path in ["/2", "/3"] {
        journal.open(&head(path), 1, 0).close(Ending::Complete, 3);
    }
    first.close(Ending::Complete, 1);
    let entries = journal.entries();
    assert_eq!(
        entries.iter().map(|entry| entry.number).collect::<Vec<_>>(),
        [2, 3]
    );
    assert!(
        entries.iter().all(|entry| entry.reply_bytes == 3),
        "{entries:?}"
    );
    assert_eq!(journal.dropped(), 1);
}

#[test]
fn a_ticket_that_is_dropped_says_the_client_went_away() {
    let journal = journal(2);
    let ticket = journal.open(&head("/"), 1, 0);
    assert_eq!(journal.entries()[0].ending, Ending::Pending);
    drop(ticket);
    assert_eq!(journal.entries()[0].ending, Ending::Abandoned);
}

#[test]
fn long_lines_and_bodies_are_kept_in_part() {
    let journal = journal(1);
    let ticket = journal.open(&head(&format!("/{}", "x".repeat(5_000))), 1, 0);
    ticket.body("x".repeat(20_000).as_bytes(), 20_000);
    let entries = journal.entries();
    assert_eq!(entries[0].path.len(), LINE_KEPT);
    assert_eq!(
        (entries[0].body.len(), entries[0].body_bytes),
        (BODY_KEPT, 20_000)
    );
}

#[test]
fn json_names_each_header_once() {
    let journal = journal(1);
    let _ticket = journal.open(&head("/v1/messages"), 1, 0);
    let json: serde_json::Value = serde_json::from_str(&journal.json()).unwrap();
    let entry = &json["entries"][0];
    assert_eq!(entry["headers"]["accept"], "a, b");
    assert_eq!(entry["ending"], "pending");
    assert_eq!(entry["status"], serde_json::Value::Null);
    assert_eq!(entry["body_hash"].as_str().unwrap().len(), 16);
}
