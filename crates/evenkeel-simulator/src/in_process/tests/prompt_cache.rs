//! What the prompt cache has, for how long, and what it spares.

use super::*;

/// What a request with this body costs, by its own `message_start`.
async fn usage(simulator: &InProcess, body: &serde_json::Value) -> serde_json::Value {
    let request = Request::post("/v1/messages").header("anthropic-version", "2026-10-21");
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let (head, mut body) = simulator.send(request).await.unwrap().into_parts();
    assert_eq!(head.status, 200);
    let mut text = Vec::new();
    while let Some(chunk) = body.chunk().await {
        text.extend(chunk.unwrap());
    }
    let message: serde_json::Value = serde_json::from_slice(&text).unwrap();
    message["usage"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_written_to_the_cache_read_from_it_and_forgotten_in_time() {
    let simulator = of(Scenario::script(Vec::new()));
    let long = "word ".repeat(1_000);
    let body = |model: &str, ttl: &str| {
        serde_json::json!({
            "model": model, "max_tokens": 9,
            "system": [{"type": "text", "text": long, "cache_control": {"type": "ephemeral", "ttl": ttl}}],
            "messages": [{"role": "user", "content": "Hi"}],
        })
    };
    let counts = |usage: &serde_json::Value| {
        let count = |name: &str| usage[name].as_u64().unwrap();
        (
            count("input_tokens"),
            count("cache_creation_input_tokens"),
            count("cache_read_input_tokens"),
        )
    };
    let five = body("claude-sonnet-5-5", "5m");
    let written = usage(&simulator, &five).await;
    let (fresh, creation, read) = counts(&written);
    assert!(
        (1..10).contains(&fresh) && creation > 1_000 && read == 0,
        "{written}"
    );
    assert_eq!(
        written["cache_creation"]["ephemeral_5m_input_tokens"],
        creation
    );
    let again = usage(&simulator, &five).await;
    assert_eq!(counts(&again), (fresh, 0, creation));
    let other = usage(&simulator, &body("claude-opus-5-5", "5m")).await;
    assert_eq!(counts(&other), (fresh, creation, 0), "another model");
    clock::sleep(SECOND * 301).await;
    let late = usage(&simulator, &body("claude-sonnet-5-5", "1h")).await;
    assert_eq!(counts(&late), (fresh, creation, 0));
    assert_eq!(
        late["cache_creation"]["ephemeral_1h_input_tokens"],
        creation
    );
    clock::sleep(SECOND * 3_500).await;
    assert_eq!(
        counts(&usage(&simulator, &five).await),
        (fresh, 0, creation)
    );
    let old = usage(&simulator, &body("claude-haiku-4-5", "5m")).await;
    assert_eq!(counts(&old), (fresh + creation, 0, 0), "too short for it");
}

#[tokio::test(start_paused = true)]
async fn what_the_cache_has_does_not_count_against_the_limit_and_the_headers_say_so() {
    let limits = RateLimits::none().input_tokens_per_minute(limit(3_000));
    let simulator = of(Scenario::script(Vec::new()).limits(limits));
    let body = serde_json::json!({
        "model": "claude-sonnet-5-5", "max_tokens": 9,
        "system": [{"type": "text", "text": "word ".repeat(2_000), "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "Hi"}],
    });
    let first = usage(&simulator, &body).await;
    assert!(first["cache_creation_input_tokens"].as_u64().unwrap() > 2_000);
    clock::sleep(SECOND * 60).await;
    for _ in 0..20 {
        // Each is more than half of the limit before the cache is counted.
        let again = usage(&simulator, &body).await;
        assert!(again["cache_read_input_tokens"].as_u64().unwrap() > 2_000);
    }
}
