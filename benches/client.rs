//! What the whole client adds to a call that goes well, on a transport without a socket: beside
//! decoding the same bytes directly, measured in the same run.

use criterion::{Criterion, criterion_group, criterion_main};
use evenkeel::{Client, MessageRequest};
use evenkeel_benches::{Canned, head, short_message};
use evenkeel_messages::{Accumulator, Decoder, End};
use tokio::runtime::Builder;

fn create(c: &mut Criterion) {
    let canned = Canned::new(short_message());
    let mut group = c.benchmark_group("client/create");
    group.bench_function("floor_decode_only", |b| {
        b.iter(|| {
            let (facts, _) = head();
            let mut decoder = Decoder::new(facts.clone());
            let mut accumulator = Accumulator::new(facts);
            decoder.feed(canned.body());
            while let Some(Ok(event)) = decoder.next_event() {
                accumulator.push(&event);
            }
            accumulator.end(End::Eof).into_result().is_ok()
        });
    });
    let Ok(runtime) = Builder::new_current_thread().enable_time().build() else {
        return;
    };
    let Ok(client) = Client::with_transport(canned.clone()).build() else {
        return;
    };
    let request = MessageRequest::new("claude-sonnet-5-5", 64).user("Hello");
    group.bench_function("whole_client", |b| {
        b.iter(|| {
            let call = client.messages().create(request.clone());
            runtime.block_on(call).is_ok()
        });
    });
    group.finish();
}

criterion_group!(benches, create);
criterion_main!(benches);
