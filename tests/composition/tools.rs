//! The loop of tools: what runs, what goes back, how each run ends, in how many requests.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel::messages::{
    Content, CustomTool, MessageRequest, RawJson, Streaming, Tool, ToolChoice, ToolUse,
};
use evenkeel::schemars::{self, JsonSchema};
use evenkeel::transport::Transport;
use evenkeel::{Approval, Client, FunctionTool, Json, RunEnding, ToolRunner};
use evenkeel_simulator::{Scenario, Simulator};
use evenkeel_tests::{Ending, Reply, Script, Server, client, events, now, pause, request};
use serde::Deserialize;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// Which calls were begun, in order.
#[derive(Clone, Default)]
struct Ran(Arc<Mutex<Vec<String>>>);

impl Ran {
    fn note(&self, call: &str) {
        self.0.lock().unwrap().push(call.to_owned());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Wait {
    /// How many seconds.
    seconds: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// Waits as long as it is told, and says so.
fn wait() -> FunctionTool {
    FunctionTool::new("wait", "Waits.", |wait: Wait| async move {
        pause(wait.seconds * SECOND).await;
        format!("waited {}", wait.seconds)
    })
}

/// Notes the ids of its calls.
fn noted(ran: &Ran) -> FunctionTool {
    let ran = ran.clone();
    let schema = RawJson::from_text(r#"{"type":"object"}"#).unwrap();
    FunctionTool::raw(CustomTool::new("note", schema), move |call: ToolUse| {
        ran.note(&call.id);
        async { "noted" }
    })
}

fn call(id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}

fn note(id: &str) -> Value {
    call(id, "note", &json!({}))
}

fn text(words: &str) -> Value {
    json!({"type": "text", "text": words})
}

fn calls(blocks: &[Value]) -> Reply {
    Reply::turn("tool_use", &Value::Array(blocks.to_vec()))
}

fn runner(transport: &(impl Transport + Clone + 'static)) -> ToolRunner {
    let (client, _) = client(transport, |builder| builder);
    client.messages().tool_runner(request())
}

fn last_message(body: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap();
    body["messages"].as_array().unwrap().last().unwrap().clone()
}

/// Who speaks in a conversation, in order.
fn roles(request: &MessageRequest) -> Vec<String> {
    let messages = request.messages().iter();
    messages
        .map(|message| message.role.as_str().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_reply_run_side_by_side_and_their_results_are_one_message_in_order() {
    for (concurrency, seconds) in [(8, 3), (2, 4), (1, 6)] {
        let waits = [2, 1, 3].map(|s| call(&format!("c{s}"), "wait", &json!({"seconds": s})));
        let script = Script::new([calls(&waits), Reply::message("done")]);
        let begun = now();
        let run = runner(&script)
            .tool(wait())
            .concurrency(concurrency)
            .run()
            .await
            .unwrap();
        assert_eq!((run.ending, run.steps), (RunEnding::Answered, 2));
        assert_eq!(run.reply.text(), "done");
        assert_eq!(now() - begun, seconds * SECOND, "{concurrency} at a time");
        let sent = script.sent();
        assert_eq!(sent.len(), 2);
        assert_eq!(
            last_message(&sent[1].body),
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c2", "content": "waited 2"},
                {"type": "tool_result", "tool_use_id": "c1", "content": "waited 1"},
                {"type": "tool_result", "tool_use_id": "c3", "content": "waited 3"},
            ]})
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_model_is_told_of_a_call_that_brought_nothing() {
    let script = Script::new([
        calls(&[
            call("a", "lost", &json!({})),
            call("b", "wait", &json!({"seconds": "two"})),
            call("c", "fails", &json!({})),
            call("d", "panics", &json!({})),
            call("e", "panics_at_once", &json!({})),
            call("f", "wait", &json!("{\"seconds\": ")),
            call("g", "counts", &json!({})),
        ]),
        Reply::message("sorry"),
    ]);
    let fails = |_: Nothing| async { Err::<String, _>("the disk is full") };
    let panics = |_: Nothing| async {
        pause(SECOND).await;
        "planted".parse::<u8>().unwrap().to_string()
    };
    let at_once = |_: Nothing| {
        let number = "planted".parse::<u8>().unwrap();
        async move { number.to_string() }
    };
    let counts = |_: Nothing| async { Json(json!({"count": 3})) };
    let runner = runner(&script)
        .tool(wait())
        .tool(FunctionTool::new("fails", "", fails))
        .tool(FunctionTool::new("panics", "", panics))
        .tool(FunctionTool::new("panics_at_once", "", at_once))
        .tool(FunctionTool::new("counts", "", counts));
    let mut runner = runner;
    let run = runner.run().await.unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    let results = last_message(&script.sent()[1].body);
    let told: Vec<_> = results["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            (
                result["is_error"] == true,
                result["content"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                true,
                "This call was not run: there is no tool `lost` here. The tools are: wait, fails, panics, panics_at_once, counts."
            ),
            (
                true,
                "This call was not run: its input does not match the schema: invalid type: string \"two\", expected u32 at line 1 column 16."
            ),
            (true, "the disk is full"),
            (
                true,
                "The tool broke down. What it had begun may be half done."
            ),
            (
                true,
                "The tool broke down. What it had begun may be half done."
            ),
            (false, "{\"count\":3}"),
            (
                true,
                "This call was not run: its input is no JSON object. Call again."
            ),
        ]
    );
    let said = &run.conversation.messages()[1];
    let said = RawJson::new(said).unwrap();
    assert!(
        said.get()
            .contains(r#""input":{"INVALID_JSON":"{\"seconds\": "}"#),
        "{}",
        said.get()
    );
}

/// A tool's future that panics as it is dropped: when it is done, or in the middle of its work.
struct Brittle(Poll<&'static str>);

impl Future for Brittle {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<&'static str> {
        self.0
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a tool's own fault");
    }
}

fn brittle(work: Poll<&'static str>) -> FunctionTool {
    let schema = RawJson::from_text(r#"{"type":"object"}"#).unwrap();
    FunctionTool::raw(CustomTool::new("brittle", schema), move |_: ToolUse| {
        Brittle(work)
    })
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_panics_as_it_is_dropped_ends_nothing_but_its_own_call() {
    let broken = |id: &str| call(id, "brittle", &json!({}));
    let script = Script::new([calls(&[broken("a"), note("b")]), Reply::message("done")]);
    let ran = Ran::default();
    let run = runner(&script)
        .tool(brittle(Poll::Ready("whole")))
        .tool(noted(&ran))
        .run()
        .await
        .unwrap();
    assert_eq!(run.reply.text(), "done");
    let results = last_message(&script.sent()[1].body);
    assert_eq!(results["content"][0]["is_error"], true);
    assert_eq!(results["content"][1]["content"], "noted");

    // Two at work when the run is dropped: a panic inside another would end the process.
    let script = Script::new([calls(&[broken("a"), broken("b")]), Reply::message("done")]);
    let mut runner = runner(&script).tool(brittle(Poll::Pending));
    let dropped = evenkeel_tests::within(SECOND, runner.run()).await;
    assert!(dropped.is_none());
    assert_eq!(runner.run().await.unwrap().reply.text(), "done");
}

#[tokio::test(start_paused = true)]
async fn an_overload_between_steps_is_waited_out_and_no_tool_runs_twice() {
    let overloaded = || Reply::error(529, "overloaded_error", "Overloaded");
    let script = Script::new([
        overloaded(),
        calls(&[note("a")]),
        overloaded(),
        overloaded(),
        Reply::message("done"),
    ]);
    let ran = Ran::default();
    let run = runner(&script).tool(noted(&ran)).run().await.unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    assert_eq!((ran.all(), script.sent().len()), (vec!["a".to_owned()], 5));
    assert_eq!(run.ledger.output_tokens, Some(10), "of the two replies");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_stream_that_is_cut_never_runs() {
    let cut = |ids: &[&str]| {
        let whole = ids
            .iter()
            .enumerate()
            .map(|(index, id)| events::block(index, &note(id)));
        let open = r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"half","name":"note","input":{}}}"#;
        let body = events::start()
            + &whole.collect::<String>()
            + &evenkeel_tests::sse("content_block_start", open);
        Reply::stream().body(&body).ending(Ending::Cut)
    };
    // Collected: asked for again, once.
    let script = Script::new([cut(&["lost"]), calls(&[note("a")]), Reply::message("done")]);
    let ran = Ran::default();
    let run = runner(&script).tool(noted(&ran)).run().await.unwrap();
    assert_eq!((run.ending, run.steps), (RunEnding::Answered, 2));
    assert_eq!((ran.all(), script.sent().len()), (vec!["a".to_owned()], 3));
    // Shown: the run fails, nothing has run, and another run asks again.
    let script = Script::new([cut(&["lost"]), calls(&[note("a")]), Reply::message("done")]);
    let ran = Ran::default();
    let mut runner = runner(&script).tool(noted(&ran)).on_event(|_| ());
    let error = runner.run().await.unwrap_err();
    assert_eq!(error.label(), "interrupted");
    assert!(ran.all().is_empty());
    assert_eq!(roles(&runner.conversation()), ["user"]);
    let run = runner.run().await.unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    assert_eq!((ran.all(), script.sent().len()), (vec!["a".to_owned()], 3));
}

#[tokio::test(start_paused = true)]
async fn text_is_shown_as_it_arrives() {
    let script = Script::new([
        calls(&[text("I note it. "), note("a")]),
        Reply::message("Noted."),
    ]);
    let shown = Arc::new(Mutex::new(String::new()));
    let screen = Arc::clone(&shown);
    let mut runner = runner(&script)
        .tool(noted(&Ran::default()))
        .on_event(move |event| {
            let text = event.text().unwrap_or_default();
            screen.lock().unwrap().push_str(text);
        });
    let run = runner.run().await.unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    assert_eq!(*shown.lock().unwrap(), "I note it. Noted.");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_restarted_is_taken_back_and_no_call_of_it_runs() {
    let cut = events::start() + &events::text("I no");
    let script = Script::new([
        Reply::stream().body(&cut).ending(Ending::Cut),
        calls(&[text("I note it. "), note("a")]),
        Reply::message("Noted."),
    ]);
    let (client, _) = client(&script, |builder| {
        builder.restart(evenkeel::Restart::AtMost(1))
    });
    let ran = Ran::default();
    let shown = Arc::new(Mutex::new(String::new()));
    let screen = Arc::clone(&shown);
    let mut runner = client
        .messages()
        .tool_runner(request())
        .tool(noted(&ran))
        .on_event(move |event| {
            let mut screen = screen.lock().unwrap();
            match event.event() {
                Some(event) => screen.push_str(event.text().unwrap_or_default()),
                None => screen.clear(),
            }
        });
    let run = runner.run().await.unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    assert_eq!(*shown.lock().unwrap(), "I note it. Noted.");
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_limit_ends_the_run_before_the_calls_and_another_run_goes_on_with_them() {
    for limit in [RunEnding::StepLimit, RunEnding::TokenLimit] {
        let script = Script::new([
            calls(&[note("a")]),
            calls(&[note("b")]),
            Reply::message("done"),
        ]);
        let ran = Ran::default();
        let runner = runner(&script).tool(noted(&ran));
        // A reply is 10 tokens in and 5 out.
        let mut runner = match limit {
            RunEnding::StepLimit => runner.max_steps(2),
            _ => runner.token_limit(16),
        };
        let run = runner.run().await.unwrap();
        assert_eq!((run.ending, run.steps), (limit, 2));
        assert_eq!(run.ledger.tokens(), 30);
        assert_eq!((ran.all(), script.sent().len()), (vec!["a".to_owned()], 2));
        let waiting: Vec<_> = runner.waiting_calls().map(|call| call.id.clone()).collect();
        assert_eq!(waiting, ["b"]);
        let last = run.conversation.messages().last().unwrap();
        assert!(
            RawJson::new(last)
                .unwrap()
                .get()
                .contains("This call was not run.")
        );
        let run = runner.run().await.unwrap();
        assert_eq!((run.ending, run.steps), (RunEnding::Answered, 1));
        assert_eq!(ran.all(), ["a", "b"]);
        assert_eq!(runner.ledger().tokens(), 45);
        assert_eq!(script.sent().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn who_approves_may_refuse_one_call_or_stop_them_all() {
    let script = Script::new([
        calls(&[note("a"), note("b"), note("c")]),
        Reply::message("done"),
    ]);
    let (ran, asked) = (Ran::default(), Ran::default());
    let stopped = Arc::new(AtomicUsize::new(0));
    let ask = {
        let (asked, stopped) = (asked.clone(), Arc::clone(&stopped));
        move |call: ToolUse| {
            asked.note(&call.id);
            let first = stopped.load(Ordering::SeqCst) == 0;
            let stopped = Arc::clone(&stopped);
            async move {
                pause(SECOND).await;
                match call.id.as_str() {
                    "a" => Approval::refuse("It costs too much."),
                    "c" if first => {
                        stopped.fetch_add(1, Ordering::SeqCst);
                        Approval::Stop
                    }
                    _ => Approval::Approve,
                }
            }
        }
    };
    let mut runner = runner(&script).tool(noted(&ran)).approval(ask);
    let run = runner.run().await.unwrap();
    assert_eq!((run.ending, run.steps), (RunEnding::Stopped, 1));
    assert!(ran.all().is_empty(), "none of the reply's calls has run");
    assert_eq!(runner.waiting_calls().count(), 3);
    let run = runner.run().await.unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    assert_eq!(asked.all(), ["a", "b", "c", "a", "b", "c"]);
    assert_eq!(ran.all(), ["b", "c"]);
    let results = last_message(&script.sent()[1].body);
    assert_eq!(
        results["content"][0],
        json!({"type": "tool_result", "tool_use_id": "a", "is_error": true,
            "content": "This call was not run: it was not approved. It costs too much."})
    );
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_paused_turn_goes_back_as_it_came_and_not_for_ever() {
    let search =
        json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": "x"}});
    let thinking = json!({"type": "thinking", "thinking": "", "signature": "planted=="});
    let paused = || Reply::turn("pause_turn", &json!([thinking, search]));
    let script = Script::new([paused(), Reply::message("found")]);
    let run = runner(&script).run().await.unwrap();
    assert_eq!((run.ending, run.steps), (RunEnding::Answered, 2));
    assert_eq!(
        last_message(&script.sent()[1].body),
        json!({"role": "assistant", "content": [thinking, search]})
    );
    let script = Script::new([paused()]);
    let run = runner(&script).max_steps(4).run().await.unwrap();
    assert_eq!((run.ending, script.sent().len()), (RunEnding::StepLimit, 4));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_forced_to_call_a_tool_may_answer_once_it_has_called_one() {
    // As the API does: who must call a tool never answers.
    let server = || {
        Server::new(|sent| {
            let body: Value = serde_json::from_str(&sent.body).unwrap();
            match body["tool_choice"]["type"].as_str() {
                Some("any" | "tool") => {
                    let messages = body["messages"].as_array().unwrap();
                    calls(&[note(&format!("a{}", messages.len()))])
                }
                _ => Reply::message("done"),
            }
        })
    };
    for choice in [ToolChoice::any(), ToolChoice::tool("note")] {
        let (client, _) = client(&server(), |builder| builder);
        let forced = request().tool_choice(choice.clone());
        let ran = Ran::default();
        let mut runner = client.messages().tool_runner(forced).tool(noted(&ran));
        let run = runner.run().await.unwrap();
        assert_eq!((run.ending, run.steps), (RunEnding::Answered, 2));
        assert_eq!(ran.all().len(), 1);
        // Forced again, it calls again.
        runner.say("Once more.");
        runner.update(|request| request.tool_choice(choice));
        let run = runner.run().await.unwrap();
        assert_eq!((run.ending, run.steps), (RunEnding::Answered, 2));
        assert_eq!(ran.all().len(), 2);
    }
    // A call that cannot be run is not the one that was asked for.
    let broken = call("a", "note", &json!("{\"n\": "));
    let script = Script::new([
        calls(&[broken]),
        calls(&[note("b")]),
        Reply::message("done"),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let forced = request().tool_choice(ToolChoice::any());
    let runner = client.messages().tool_runner(forced);
    let run = runner.tool(noted(&Ran::default())).run().await.unwrap();
    assert_eq!(run.steps, 3);
    let choices = script.sent().into_iter().map(|sent| {
        let body: Value = serde_json::from_str(&sent.body).unwrap();
        body["tool_choice"]["type"].as_str().unwrap().to_owned()
    });
    assert_eq!(choices.collect::<Vec<_>>(), ["any", "any", "auto"]);
}

#[tokio::test(start_paused = true)]
async fn a_deferred_tool_of_the_servers_gets_the_results_and_nothing_beside_them() {
    let search = json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}});
    let script = Script::new([calls(&[search.clone(), note("a")]), Reply::message("found")]);
    let ran = Ran::default();
    let run = runner(&script).tool(noted(&ran)).run().await.unwrap();
    assert_eq!(
        (run.ending, ran.all()),
        (RunEnding::Answered, vec!["a".to_owned()])
    );
    let bodies: Vec<Value> = script
        .sent()
        .iter()
        .map(|sent| serde_json::from_str(&sent.body).unwrap())
        .collect();
    assert_eq!(bodies[0]["tools"], bodies[1]["tools"]);
    assert_eq!(
        bodies[1]["messages"][2]["content"],
        json!([{"type": "tool_result", "tool_use_id": "a", "content": "noted"}])
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_was_cut_off_or_refused_runs_nothing_and_leaves_the_conversation_as_it_was() {
    for (stop_reason, ending) in [
        ("max_tokens", RunEnding::MaxTokens),
        ("model_context_window_exceeded", RunEnding::ContextWindow),
        ("refusal", RunEnding::Refused),
    ] {
        let half = call("half", "note", &json!("{\"a\": "));
        let cut = Reply::turn(stop_reason, &json!([text("so"), note("whole"), half]));
        let script = Script::new([calls(&[note("a")]), cut, Reply::message("done")]);
        let ran = Ran::default();
        let mut runner = runner(&script).tool(noted(&ran));
        let run = runner.run().await.unwrap();
        assert_eq!((run.ending, run.steps), (ending, 2));
        assert_eq!(run.reply.text(), "so", "the reply is handed over");
        assert_eq!(ran.all(), ["a"], "{stop_reason}");
        assert_eq!(roles(&run.conversation), ["user", "assistant", "user"]);
        runner.update(|request| request.with_max_tokens(4096));
        let run = runner.run().await.unwrap();
        assert_eq!(run.ending, RunEnding::Answered);
        let sent = script.sent();
        assert!(sent[2].body.contains(r#""max_tokens":4096"#));
        assert_eq!(last_message(&sent[1].body), last_message(&sent[2].body));
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_turn_is_no_answer_and_is_not_asked_for_again_unchanged() {
    let script = Script::new([
        calls(&[note("a")]),
        Reply::turn("end_turn", &json!([])),
        Reply::message("done"),
    ]);
    let mut runner = runner(&script).tool(noted(&Ran::default()));
    assert_eq!(runner.run().await.unwrap().ending, RunEnding::Empty);
    let error = runner.run().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid_config: conversation has come to an end: say something before it is run again"
    );
    assert_eq!(script.sent().len(), 2);
    runner.say("Please continue.");
    assert_eq!(runner.run().await.unwrap().ending, RunEnding::Answered);
    assert_eq!(
        last_message(&script.sent()[2].body),
        json!({"role": "user", "content": "Please continue."})
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_loses_nothing() {
    let script = Script::new([
        calls(&[note("a")]),
        Reply::error(400, "invalid_request_error", "x"),
        Reply::message("done"),
    ]);
    let ran = Ran::default();
    let mut runner = runner(&script).tool(noted(&ran));
    assert_eq!(runner.run().await.unwrap_err().status(), Some(400));
    assert_eq!(roles(&runner.conversation()), ["user", "assistant", "user"]);
    let run = runner.run().await.unwrap();
    assert_eq!((run.ending, run.steps), (RunEnding::Answered, 1));
    assert_eq!((ran.all(), script.sent().len()), (vec!["a".to_owned()], 3));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_named_and_nothing_is_sent() {
    let script = Script::new([Reply::message("never")]);
    let named = |name: &str| {
        let schema = RawJson::from_text(r#"{"type":"object"}"#).unwrap();
        FunctionTool::raw(CustomTool::new(name, schema), |_: ToolUse| async { "" })
    };
    for (mut wrong, words) in [
        (runner(&script).max_steps(0), "max_steps must be 1 or more"),
        (
            runner(&script).token_limit(0),
            "token_limit must be 1 or more",
        ),
        (
            runner(&script).concurrency(0),
            "concurrency must be 1 or more",
        ),
        (
            runner(&script).tool(named("a b")),
            "tool must have a name of 1 to 64 letters, digits, underscores and hyphens",
        ),
        (
            runner(&script).tool(named("a")).tool(named("a")),
            "tool must have a name of its own",
        ),
    ] {
        let error = wrong.run().await.unwrap_err();
        assert_eq!(error.to_string(), format!("invalid_config: {words}"));
    }
    assert!(script.sent().is_empty());
}

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

#[tokio::test(start_paused = true)]
async fn every_request_of_a_run_is_one_that_the_simulator_takes() {
    let scenario = Scenario::from_toml(
        r#"
        [[reply]]
        answer = [{ thinking = "Hm." }, { text = "I look." }, { tool_use = { name = "wait", input = '{"seconds":2}' } }]

        [[reply]]
        error = { status = 529, type = "overloaded_error", message = "Overloaded" }

        [[reply]]
        answer = [{ text = "And on the web." }, { web_search = "rain" }]
        stop_reason = "pause_turn"

        [[reply]]
        answer = [{ tool_use = { name = "wait", input = '{"seconds":1}' } }, { tool_use = { name = "lost", input = '{}' } }]

        [[reply]]
        message = "It rains."
        "#,
    )
    .unwrap();
    let simulator = Simulator::builder()
        .scenario(scenario)
        .seed(7)
        .in_process()
        .unwrap();
    let (client, _): (Client, _) = client(&simulator, |builder| builder);
    let request = request().tool(Tool::web_search()).with_max_tokens(2048);
    let mut runner = client.messages().tool_runner(request).tool(wait());
    let run = runner.run().await.unwrap();
    assert_eq!((run.ending, run.steps), (RunEnding::Answered, 4));
    assert_eq!(run.reply.text(), "It rains.");
    let statuses: Vec<_> = simulator
        .journal()
        .iter()
        .map(|entry| entry.status)
        .collect();
    assert_eq!(statuses, [200, 529, 200, 200, 200].map(Some));
    runner.say("And tomorrow?");
    assert_eq!(runner.run().await.unwrap().reply.text(), "It rains.");
    assert!(simulator.verdict().is_clean(), "{}", simulator.verdict());
}

#[test]
fn a_run_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let script = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(async { Script::new([Reply::message("x")]) });
    let mut runner = runner(&script)
        .on_event(|_| ())
        .approval(|_| async { Approval::Approve });
    is_send(&runner.run());
}
