use std::fmt;

use http::{HeaderMap, Method};

use crate::credential::Principal;
use crate::pipeline::Plan;
use crate::shared::Shared;

/// A call as it would be sent: a `curl` command for a shell of the POSIX family.
///
/// `Display` shows no secret: the credential is a variable that the shell puts in, other headers of
/// the caller's are left out by value, and of the body there is only the length.
/// [`with_body`](Self::with_body) shows the body, prompt and all.
#[derive(Clone)]
pub struct DryRun {
    method: Method,
    uri: String,
    headers: Vec<(String, Shown)>,
    body: bytes::Bytes,
}

#[derive(Clone)]
enum Shown {
    Text(String),
    /// The name of the variable that holds it, and what goes before it.
    Variable(&'static str, &'static str),
    Hidden,
}

impl DryRun {
    pub(crate) fn of(plan: &Plan, shared: &Shared) -> Self {
        let request = plan.request(shared);
        let credential = plan
            .credential()
            .map(|credential| match credential.principal() {
                Principal::ApiKey(_) => ("x-api-key", Shown::Variable("", "ANTHROPIC_API_KEY")),
                Principal::Bearer(_) | Principal::Provider(_) => (
                    "authorization",
                    Shown::Variable("Bearer ", "ANTHROPIC_AUTH_TOKEN"),
                ),
            });
        Self {
            method: request.method,
            uri: request.uri.to_string(),
            headers: shown(&request.headers, credential),
            body: request.body,
        }
    }

    /// The command with the whole body, which holds the prompt.
    #[must_use]
    pub fn with_body(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        self.command(&body)
    }

    fn command(&self, body: &str) -> String {
        let mut command = format!("curl --request {} {}", self.method, quoted(&self.uri));
        for (name, value) in &self.headers {
            let line = match value {
                Shown::Text(text) => quoted(&format!("{name}: {text}")),
                Shown::Variable(prefix, variable) => format!("\"{name}: {prefix}${variable}\""),
                Shown::Hidden => quoted(&format!("{name}: …")),
            };
            command.push_str(" \\\n  --header ");
            command.push_str(&line);
        }
        if !self.body.is_empty() {
            command.push_str(" \\\n  --data-raw ");
            command.push_str(&quoted(body));
        }
        command
    }
}

fn shown(headers: &HeaderMap, credential: Option<(&'static str, Shown)>) -> Vec<(String, Shown)> {
    let text = |name: &str, value: &http::HeaderValue| {
        // What a caller's header holds is not known; a beta is a name.
        let hidden = value.is_sensitive() && name != "anthropic-beta";
        match value.to_str() {
            Ok(text) if !hidden => Shown::Text(text.to_owned()),
            _ => Shown::Hidden,
        }
    };
    let credential = credential.map(|(name, shown)| (name.to_owned(), shown));
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(name.as_str(), value)))
        .chain(credential)
        .collect()
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("… {} bytes, not shown", self.body.len());
        f.write_str(&self.command(&body))
    }
}

impl fmt::Debug for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, Credential, MessageRequest};

    #[test]
    fn a_call_prints_as_a_command_without_a_secret() {
        let client = Client::with_transport(crate::nowhere::Nowhere)
            .api_key("planted")
            .header("x-team", "planted")
            .build()
            .unwrap();
        let calls = client.messages().beta("files-2026").query("a", "b c");
        let request = MessageRequest::new("m", 1).user("it's a planted prompt");
        let dry = calls.dry_run(request).unwrap();
        insta::assert_snapshot!(dry, @r#"
        curl --request POST 'https://api.anthropic.com/v1/messages?a=b%20c' \
          --header 'x-team: …' \
          --header 'anthropic-version: 2026-10-21' \
          --header 'content-type: application/json' \
          --header 'anthropic-beta: files-2026' \
          --header "x-api-key: $ANTHROPIC_API_KEY" \
          --data-raw '… 105 bytes, not shown'
        "#);
        assert_eq!(format!("{dry:?}"), dry.to_string());
        let whole = dry.with_body();
        assert!(whole.contains(r"it'\''s a planted prompt"), "{whole}");
        assert!(!whole.contains("x-team: planted"), "{whole}");
    }

    #[test]
    fn a_token_prints_as_the_variable_that_would_hold_it() {
        let client = Client::with_transport(crate::nowhere::Nowhere)
            .build()
            .unwrap();
        let raw = client.raw().credential(Credential::bearer("planted"));
        let dry = raw
            .dry_run(Method::GET, "/v1/files", bytes::Bytes::new())
            .unwrap();
        insta::assert_snapshot!(dry, @r#"
        curl --request GET 'https://api.anthropic.com/v1/files' \
          --header 'anthropic-version: 2026-10-21' \
          --header 'content-type: application/json' \
          --header "authorization: Bearer $ANTHROPIC_AUTH_TOKEN"
        "#);
    }
}
