//! How a run ends, and what another one then goes on from.

use super::*;

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
