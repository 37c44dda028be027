//! One call through the facade.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = evenkeel::Client::from_env()?;
    let request = evenkeel::MessageRequest::new("claude-sonnet-5-5", 1024).user("Hello");
    let reply = client.messages().create(request).await?;
    println!("{}", reply.text());
    Ok(())
}
