//! Runs that are dropped or left, and gone on with.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use evenkeel_tests::{Server, now};

use super::*;

/// A server that lets two rounds of calls happen, with ids that are new each time it is asked.
fn two_rounds() -> Server {
    let asked = AtomicUsize::new(0);
    Server::new(move |sent| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        let body: Value = serde_json::from_str(&sent.body).unwrap();
        let messages = body["messages"].as_array().unwrap();
        let turns = messages
            .iter()
            .filter(|message| message["role"] == "assistant");
        let note = |place: &str| call(&format!("{place}{number}"), "slow", &json!({}));
        match turns.count() {
            0 => calls(&[note("a"), note("b"), note("c")]),
            1 => calls(&[note("d")]),
            _ => Reply::message("done"),
        }
        .pause_before_head(SECOND)
    })
}

/// Polls a future so many times, and drops it then.
async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_at_any_await_goes_on_later_and_runs_no_call_twice() {
    let mut finished_in = None;
    for polls in 0..200 {
        let server = two_rounds();
        let ran = Ran::default();
        let schema = RawJson::from_text(r#"{"type":"object"}"#).unwrap();
        let slow = FunctionTool::raw(CustomTool::new("slow", schema), {
            let ran = ran.clone();
            move |call: ToolUse| {
                ran.note(&call.id);
                async move {
                    // The second is the first to be done.
                    pause(SECOND * if call.id.starts_with('b') { 1 } else { 3 }).await;
                    "done"
                }
            }
        });
        let mut runner = runner(&server)
            .tool(slow)
            .concurrency(2)
            .approval(|_| async {
                pause(SECOND).await;
                Approval::Approve
            });
        let first = polled(polls, runner.run()).await;
        if first.is_some_and(|run| run.unwrap().ending == RunEnding::Answered) {
            finished_in = Some(polls);
            break;
        }
        let held = runner.conversation();
        assert!(held.to_body(Streaming::Off).is_ok());
        assert_eq!(roles(&held).last().unwrap(), "user", "after {polls} polls");
        let run = runner.run().await.unwrap();
        assert_eq!(run.ending, RunEnding::Answered, "after {polls} polls");
        let mut ids = ran.all();
        ids.sort_unstable();
        let begun = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), begun, "after {polls} polls: {ids:?}");
        assert_eq!(roles(&run.conversation).len(), 6, "after {polls} polls");
    }
    assert!(
        finished_in.is_some_and(|polls| polls > 10),
        "{finished_in:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn results_that_were_there_before_a_drop_are_kept_and_the_others_are_told_as_interrupted() {
    let script = Script::new([
        calls(&[
            call("a", "wait", &json!({"seconds": 1})),
            call("b", "wait", &json!({"seconds": 60})),
        ]),
        Reply::message("done"),
    ]);
    let mut runner = runner(&script).tool(wait());
    let dropped = evenkeel_tests::within(10 * SECOND, runner.run()).await;
    assert!(dropped.is_none());
    let begun = now();
    let run = runner.run().await.unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    assert_eq!(now(), begun, "nothing runs again");
    let results = last_message(&script.sent()[1].body);
    assert_eq!(results["content"][0]["content"], "waited 1");
    assert_eq!(
        results["content"][1]["content"],
        "This call was interrupted. What it had begun may be done, half done or not done."
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_said_before_the_calls_have_run_comes_after_their_refusal() {
    let script = Script::new([calls(&[note("a")]), Reply::message("done")]);
    let ran = Ran::default();
    let mut runner = runner(&script).tool(noted(&ran)).max_steps(1);
    assert_eq!(runner.run().await.unwrap().ending, RunEnding::StepLimit);
    runner.say(Content::from("Leave it."));
    assert_eq!(runner.run().await.unwrap().ending, RunEnding::Answered);
    assert!(ran.all().is_empty());
    assert_eq!(
        roles(&runner.conversation()),
        ["user", "assistant", "user", "user", "assistant"]
    );
}
