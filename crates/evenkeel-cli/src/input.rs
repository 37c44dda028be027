//! What the user gives: a prompt, a request, a body. Read once, bounded, and never lost silently.

use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::path::Path;

use evenkeel::MessageRequest;

use crate::command_line::Ask;
use crate::exit::Mistake;
use crate::terminal;

/// The API takes 32 MB; a file that is larger than twice that is not a request.
const LIMIT: u64 = 64 * 1024 * 1024;

const DEFAULT_MODEL: &str = "claude-sonnet-5-5";
const DEFAULT_MAX_TOKENS: u32 = 1_024;

/// The request that the options describe.
pub(crate) fn request(options: &Ask) -> Result<MessageRequest, Mistake> {
    if let Some(path) = &options.request {
        let what = "--request";
        let json = read(path, what)?;
        return MessageRequest::from_json(&json).map_err(|error| {
            let reason = error
                .message()
                .unwrap_or("request is not a Messages request")
                .to_owned();
            Mistake::usage(format!("{what} {}: {reason}", path.display()))
        });
    }
    let prompt = match &options.prompt {
        Some(prompt) if prompt != "-" => prompt.clone(),
        given => prompt_from_stdin(given.is_some())?,
    };
    if prompt.trim().is_empty() {
        return Err(Mistake::usage(
            "the prompt is empty: give one, or pipe one to standard input",
        ));
    }
    let model = options.model.as_deref().unwrap_or(DEFAULT_MODEL);
    let max_tokens = options.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let mut request = MessageRequest::new(model, max_tokens).user(prompt);
    if let Some(system) = &options.system {
        request = request.system(system);
    }
    Ok(request)
}

fn prompt_from_stdin(asked: bool) -> Result<String, Mistake> {
    if std::io::stdin().is_terminal() && !asked {
        return Err(Mistake::usage(
            "there is no prompt: give one, pipe one to standard input, or use --request FILE",
        ));
    }
    let bytes = read(Path::new("-"), "the prompt")?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Mistake::usage(format!(
            "the prompt on standard input is not UTF-8 at byte {at}; convert it"
        ))
    })
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path, what: &str) -> Result<Vec<u8>, Mistake> {
    let is_stdin = path == Path::new("-");
    let named = if is_stdin {
        format!("{what} on standard input")
    } else {
        format!("{what} {}", path.display())
    };
    let fail = |error: std::io::Error| Mistake::usage(format!("{named} cannot be read: {error}"));
    let mut bytes = Vec::new();
    let mut take = |source: &mut dyn Read| source.take(LIMIT + 1).read_to_end(&mut bytes);
    if is_stdin {
        if std::io::stdin().is_terminal() {
            terminal::tell(format_args!(
                "type {what}; Ctrl-D on a line of its own ends it"
            ));
        }
        take(&mut std::io::stdin().lock()).map_err(fail)?;
    } else {
        take(&mut File::open(path).map_err(fail)?).map_err(fail)?;
    }
    if bytes.len() as u64 > LIMIT {
        let mib = LIMIT / 1024 / 1024;
        return Err(Mistake::usage(format!(
            "{named} is larger than {mib} MiB, more than the API takes; make it smaller"
        )));
    }
    Ok(bytes)
}
