//! One call by hand.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Asked {
    model: &'static str,
    max_tokens: u32,
    messages: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    role: &'static str,
    content: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    content: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    text: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (role, content) = ("user", "Hello");
    let asked = Asked {
        model: "claude-sonnet-5-5",
        max_tokens: 1024,
        messages: vec![Said { role, content }],
    };
    let response = reqwest::Client::new()
        .post("https://api.anthropic.com/v1/messages")
        .header("x-api-key", std::env::var("ANTHROPIC_API_KEY")?)
        .header("anthropic-version", "2026-10-21")
        .json(&asked)
        .send()
        .await?;
    let answer: Answer = serde_json::from_slice(&response.error_for_status()?.bytes().await?)?;
    let text = answer
        .content
        .iter()
        .find_map(|block| block.text.as_deref());
    println!("{}", text.unwrap_or_default());
    Ok(())
}
