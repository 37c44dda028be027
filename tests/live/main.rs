//! A dozen cheap calls, against the real API with the key of whoever runs `cargo xtask live`, and in
//! every run of the tests against the simulated one, so that they are right when somebody pays.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test panics to fail, and so do the functions it is made of; it says what it has done"
)]

use evenkeel::messages::{CustomTool, RawJson, StopReason, ToolChoice};
use evenkeel::schemars::{self, JsonSchema};
use evenkeel::{
    Category, Client, Credential, ErrorKind, Fetch, FunctionTool, MessageRequest, RunEnding,
};
use evenkeel_simulator::{Answer, Reply, Scenario, Simulator};

/// The cheapest there is.
const MODEL: &str = "claude-haiku-5-5";

fn short(words: &str) -> MessageRequest {
    MessageRequest::new(MODEL, 64).user(words)
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
struct Capital {
    /// In English, without the country.
    name: String,
}

/// Each call once, in this order; its name is printed when it has passed.
async fn dozen(client: &Client) {
    let passed = |number: u32, what: &str| println!("{number:>2} of 12: {what}");

    let mut models = client.models().list();
    let first = models.next().await.unwrap().unwrap();
    passed(1, "models are listed");

    let model = client.models().retrieve(&first.id).await.unwrap();
    assert_eq!(model.id, first.id);
    passed(2, "a model is described");

    let counted = client
        .messages()
        .count_tokens(short("Hello"))
        .await
        .unwrap();
    assert!(counted.input_tokens > 0);
    passed(3, "tokens are counted");

    let reply = client.messages().create(short("Say hello.")).await.unwrap();
    assert!(!reply.text().is_empty());
    assert!(reply.meta.facts.request_id().is_some() && reply.usage.output_tokens > Some(0));
    passed(4, "a reply is streamed and collected");

    let calls = client.messages().fetch(Fetch::Plain);
    let reply = calls.create(short("Say hello.")).await.unwrap();
    assert!(!reply.text().is_empty());
    passed(5, "a reply comes in one piece");

    let mut stream = client
        .messages()
        .stream(short("Count to three."))
        .await
        .unwrap();
    let mut shown = String::new();
    while let Some(event) = stream.next().await {
        shown.push_str(event.unwrap().text().unwrap_or_default());
    }
    assert_eq!(shown, stream.finish().await.unwrap().text());
    passed(6, "a stream shows what it becomes");

    let little = MessageRequest::new(MODEL, 1).user("Count to a hundred.");
    let reply = client.messages().create(little).await.unwrap();
    assert_eq!(reply.stop_reason, Some(StopReason::MaxTokens));
    passed(7, "a limit of tokens is a stop reason");

    let schema = RawJson::from_text(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#);
    let tool = CustomTool::new("weather", schema.unwrap()).description("The weather in a city.");
    let asked = short("The weather in Oslo?")
        .tool(tool)
        .tool_choice(ToolChoice::tool("weather"));
    let reply = client.messages().create(asked).await.unwrap();
    assert_eq!(reply.tool_calls().count(), 1);
    passed(8, "a tool is called");

    let capital = client
        .messages()
        .create_as::<Capital>(short("The capital of Norway?"))
        .await;
    assert!(!capital.unwrap().name.is_empty());
    passed(9, "a reply is a type");

    let add = FunctionTool::new(
        "capital_code",
        "The code word of a capital.",
        |_: Capital| async { "The code word is heron." },
    );
    let question = short("Call the tool for Oslo, then tell me the code word.");
    let run = client
        .messages()
        .tool_runner(question)
        .tool(add)
        .max_steps(4)
        .run()
        .await
        .unwrap();
    assert_eq!(run.ending, RunEnding::Answered);
    passed(10, "a tool runs, and the model goes on");

    let unknown = MessageRequest::new("claude-does-not-exist", 1).user("Hello");
    let error = client.messages().create(unknown).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (ErrorKind::NotFound, 1)
    );
    passed(11, "an unknown model is told at once");

    let stranger = client
        .messages()
        .credential(Credential::api_key("sk-ant-api03-nobodys"));
    let error = stranger.create(short("Hello")).await.unwrap_err();
    assert_eq!(
        (error.category(), error.attempts().len()),
        (Category::Authentication, 1)
    );
    passed(
        12,
        "a wrong key is told at once, and latched for its owner alone",
    );
}

#[tokio::test]
#[ignore = "asks the real API with your key and pays: cargo xtask live"]
async fn a_dozen_calls_pass_against_the_real_api() {
    Box::pin(dozen(&Client::from_env().unwrap())).await;
}

#[tokio::test]
async fn the_same_dozen_passes_against_the_simulated_api() {
    let hello = || Reply::message("Hello.");
    let called = |name: &str| Reply::answer(Answer::new().tool_use(name, r#"{"name":"Oslo"}"#));
    let script = vec![
        hello(),
        hello(),
        hello(),
        Reply::answer(Answer::new().text("1").stop_reason("max_tokens")),
        called("weather"),
        Reply::message(r#"{"name":"Oslo"}"#),
        called("capital_code"),
        hello(),
        Reply::error(404, "not_found_error", "model: claude-does-not-exist"),
        Reply::error(401, "authentication_error", "invalid x-api-key"),
    ];
    let scenario = Scenario::script(script).key_required();
    let api = Simulator::start(scenario).await.unwrap();
    let client = Client::builder()
        .base_url(api.base_url())
        .api_key("sk-ant-api03-simulated");
    Box::pin(dozen(&client.build().unwrap())).await;
    assert!(api.verdict().is_clean(), "{:?}", api.verdict());
}
