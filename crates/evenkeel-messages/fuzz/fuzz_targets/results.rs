//! Any bytes in any chunks: no panic, the same items, the limit held, one verdict a line.
#![no_main]

use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_error::Facts;
use evenkeel_messages::{BatchOutcome, BatchResults};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 400;

fn items<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let facts = Facts::read(200, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let mut results = BatchResults::new(facts).line_limit(LIMIT);
    let mut items = vec![];
    let mut take = |results: &mut BatchResults| {
        while let Some(item) = results.next_item() {
            items.push(match item {
                Err(error) => error.message().unwrap_or_default().to_owned(),
                Ok(item) => {
                    let outcome = match item.outcome {
                        BatchOutcome::Succeeded(message) => message.text(),
                        BatchOutcome::Errored(error) => error.to_string(),
                        other => format!("{other:?}"),
                    };
                    format!("{} {outcome}", item.custom_id)
                }
            });
        }
    };
    for chunk in chunks {
        results.feed(Bytes::copy_from_slice(chunk));
        take(&mut results);
    }
    results.finish();
    take(&mut results);
    items
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let size = usize::from(size).max(1);
    let whole = items(std::iter::once(bytes));
    assert_eq!(items(bytes.chunks(size)), whole);
    let lines = bytes.split(|byte| *byte == b'\n');
    assert!(whole.len() <= lines.filter(|line| !line.trim_ascii().is_empty()).count());
});
