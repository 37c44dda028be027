use super::MessageRequest;
use crate::{Content, ContentBlock, Role};

/// Parameters that mean something to one model, or to one conversation with it, only.
const BOUND: [&str; 4] = ["fallbacks", "fallback_credit_token", "speed", "thread"];

/// Asking another model.
impl MessageRequest {
    /// The same request for another model, without what that one must not see: the thinking of the
    /// first, which is bound to it, and the parameters `fallbacks`, `fallback_credit_token`, `speed`
    /// and `thread`. A message of the model's that held nothing but thinking is left out. Everything
    /// else goes out with the bytes that it came with.
    pub fn for_model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self.parameters.retain(|name| !BOUND.contains(&name));
        self.messages.retain_mut(|message| {
            let Content::Blocks(blocks) = &mut message.content else {
                return true;
            };
            if message.role != Role::Assistant || blocks.is_empty() {
                return true;
            }
            blocks.retain(|block| {
                !matches!(
                    block,
                    ContentBlock::Thinking(_) | ContentBlock::RedactedThinking(_)
                )
            });
            !blocks.is_empty()
        });
        self
    }

    /// Replaces the most that the reply may cost.
    pub fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    /// Leaves a top-level parameter out.
    pub fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|given| given != name);
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::Streaming;

    use super::*;

    #[test]
    fn another_model_sees_no_thinking_and_the_rest_byte_for_byte() {
        let json = br#"{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"planted","signature":"s"},{"type":"text","text":"yes",  "new":1.50}]},{"role":"user","content":[{"type":"text","text":"go on"}]},{"role":"assistant","content":[{"type":"redacted_thinking","data":"planted"}]}],"speed":"fast","metadata":{"user_id" : "u"}}"#;
        let request = MessageRequest::from_json(json).unwrap().for_model("b");
        let body = request
            .with_max_tokens(5)
            .without("absent")
            .to_body(Streaming::Off)
            .unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.starts_with(r#"{"model":"b","max_tokens":5,"#),
            "{body}"
        );
        assert!(
            !body.contains("planted") && !body.contains("speed"),
            "{body}"
        );
        assert!(
            body.contains("1.50") && body.contains(r#"{"user_id" : "u"}"#),
            "{body}"
        );
        assert_eq!(body.matches(r#""role":"assistant""#).count(), 1, "{body}");
    }
}
