//! Content blocks as they are generated: whole, and in the pieces that a stream sends.

use serde_json::{Value, json};

use crate::answer::Part;
use crate::dice::Dice;
use crate::ids;
use crate::model::Model;
use crate::prose;
use crate::request::{MessagesRequest, Thinking};
use crate::tokens;

/// One block of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// As in `content_block_start`.
    pub(crate) start: String,
    pub(crate) deltas: Vec<Delta>,
    /// As in a plain message.
    pub(crate) whole: String,
}

/// One delta, and the output tokens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) json: String,
    pub(crate) tokens: u64,
}

/// How far an answer has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Room {
    Left,
    /// There was no room for all of the answer; the stop reason says of what.
    Exhausted(&'static str),
    /// A stop sequence of the request came up.
    Stopped(String),
}

/// Generates blocks until there are no more, or no room, or a stop sequence comes up.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    request: &'a MessagesRequest,
    dice: &'a mut Dice,
    left: u64,
    /// What is exhausted when nothing is left.
    bound: &'static str,
    pub(crate) blocks: Vec<Block>,
    pub(crate) room: Room,
    pub(crate) searches: u32,
    pub(crate) calls: u32,
    pub(crate) thinking_tokens: u64,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(request: &'a MessagesRequest, dice: &'a mut Dice) -> Self {
        let context = Model::named(&request.model).map_or(u64::MAX, |model| {
            model.max_input_tokens.saturating_sub(request.input_tokens)
        });
        let bound = if context < request.max_tokens {
            "model_context_window_exceeded"
        } else {
            "max_tokens"
        };
        Self {
            request,
            dice,
            left: request.max_tokens.min(context),
            bound,
            blocks: Vec::new(),
            room: Room::Left,
            searches: 0,
            calls: 0,
            thinking_tokens: 0,
        }
    }

    pub(crate) fn write(&mut self, part: &Part) {
        if self.room != Room::Left {
            return;
        }
        match part {
            Part::Text(text) => self.text(text, None),
            Part::Tokens(count) => {
                // One more than there is room for is enough to be cut off.
                let room = u32::try_from(self.left)
                    .unwrap_or(u32::MAX)
                    .saturating_add(1);
                let text = prose::text(room.min(*count), self.dice);
                self.text(&text, None);
            }
            Part::Cited { text, quote } => self.text(text, Some(quote)),
            Part::Thinking(text) => self.thinking(text),
            Part::HiddenThinking => self.thinking(""),
            Part::RedactedThinking => {
                let data = ids::opaque(160, self.dice);
                self.fixed(format!(
                    r#"{{"type":"redacted_thinking","data":{}}}"#,
                    quoted(&data)
                ));
            }
            Part::ToolUse { name, input } => self.tool_use(name, input),
            Part::ToolCall => {
                if let Some(tool) = &self.request.tool {
                    self.tool_use(&tool.name, &tool.input);
                }
            }
            Part::WebSearch { query } => self.web_search(query),
            Part::Compaction(summary) => self.compaction(summary),
            Part::Verbatim(json) => self.fixed(json.clone()),
            Part::Lifelike(text) => self.lifelike(text),
        }
    }

    fn lifelike(&mut self, text: &str) {
        match self.request.thinking {
            Thinking::Off => {}
            Thinking::Shown => {
                self.thinking("Let me think about what is asked, and answer as simply as I can.");
            }
            Thinking::Hidden => self.thinking(""),
        }
        if self.room != Room::Left {
            return;
        }
        match &self.request.tool {
            Some(tool) if !self.request.brings_results => self.tool_use(&tool.name, &tool.input),
            _ => self.text(text, None),
        }
    }

    fn text(&mut self, text: &str, quote: Option<&str>) {
        let stop = stop(text, &self.request.stop_sequences);
        let text = stop.map_or(text, |(place, _)| text.get(..place).unwrap_or(text));
        let pieces = self.pieces(text);
        if let (Some((_, sequence)), Room::Left) = (stop, &self.room) {
            self.room = Room::Stopped(sequence.to_owned());
        }
        if pieces.is_empty() {
            return;
        }
        let said = joined(&pieces);
        let mut deltas = deltas("text_delta", "text", pieces);
        let citation = quote.map(|quote| {
            let end = quote.chars().count();
            json!({
                "type": "char_location", "cited_text": quote, "document_index": 0,
                "document_title": null, "start_char_index": 0, "end_char_index": end,
                "file_id": null,
            })
        });
        let (start, whole) = match citation {
            None => (
                r#"{"type":"text","text":""}"#.to_owned(),
                format!(r#"{{"type":"text","text":{}}}"#, quoted(&said)),
            ),
            Some(citation) => {
                deltas.push(Delta {
                    json: format!(r#"{{"type":"citations_delta","citation":{citation}}}"#),
                    tokens: 0,
                });
                (
                    r#"{"type":"text","text":"","citations":[]}"#.to_owned(),
                    format!(
                        r#"{{"type":"text","text":{},"citations":[{citation}]}}"#,
                        quoted(&said)
                    ),
                )
            }
        };
        self.blocks.push(Block {
            start,
            deltas,
            whole,
        });
    }

    fn thinking(&mut self, text: &str) {
        let pieces = self.pieces(text);
        let said = joined(&pieces);
        self.thinking_tokens += pieces.iter().map(|(_, tokens)| tokens).sum::<u64>();
        let mut deltas = deltas("thinking_delta", "thinking", pieces);
        let signature = match self.room {
            Room::Left => ids::opaque(120, self.dice),
            // A block that is not whole is not signed.
            _ => String::new(),
        };
        if !signature.is_empty() {
            deltas.push(Delta {
                json: format!(
                    r#"{{"type":"signature_delta","signature":{}}}"#,
                    quoted(&signature)
                ),
                tokens: 0,
            });
        }
        self.blocks.push(Block {
            start: r#"{"type":"thinking","thinking":"","signature":""}"#.to_owned(),
            deltas,
            whole: format!(
                r#"{{"type":"thinking","thinking":{},"signature":{}}}"#,
                quoted(&said),
                quoted(&signature)
            ),
        });
    }

    fn tool_use(&mut self, name: &str, input: &str) {
        self.calls += 1;
        let id = ids::tool_use_id(self.dice);
        self.call("tool_use", &id, name, input);
    }

    fn call(&mut self, kind: &str, id: &str, name: &str, input: &str) {
        let pieces = self.pieces(input);
        let said = joined(&pieces);
        // Cut off, it is not JSON; a plain message then has what could be saved of it: nothing.
        let input = match self.room {
            Room::Left => said.as_str(),
            _ => "{}",
        };
        let head = format!(
            r#"{{"type":"{kind}","id":{},"name":{},"input":"#,
            quoted(id),
            quoted(name)
        );
        let mut all = vec![Delta {
            json: r#"{"type":"input_json_delta","partial_json":""}"#.to_owned(),
            tokens: 0,
        }];
        let block_start = format!("{head}{{}}}}");
        let whole = format!("{head}{input}}}");
        all.extend(deltas("input_json_delta", "partial_json", pieces));
        self.blocks.push(Block {
            start: block_start,
            deltas: all,
            whole,
        });
    }

    fn web_search(&mut self, query: &str) {
        self.searches += 1;
        let id = ids::server_tool_use_id(self.dice);
        let input = format!(r#"{{"query":{}}}"#, quoted(query));
        self.call("server_tool_use", &id, "web_search", &input);
        if self.room != Room::Left {
            return;
        }
        let content = ids::opaque(80, self.dice);
        self.fixed(format!(
            r#"{{"type":"web_search_tool_result","tool_use_id":{},"content":[{{"type":"web_search_result","title":{},"url":"https://example.com/","encrypted_content":{},"page_age":null}}]}}"#,
            quoted(&id),
            quoted(query),
            quoted(&content)
        ));
    }

    fn compaction(&mut self, summary: &str) {
        let content = quoted(summary);
        let encrypted = quoted(&ids::opaque(80, self.dice));
        let tokens = tokens::tokens(summary).len() as u64;
        self.blocks.push(Block {
            start: r#"{"type":"compaction","content":null,"encrypted_content":null}"#.to_owned(),
            deltas: vec![Delta {
                json: format!(
                    r#"{{"type":"compaction_delta","content":{content},"encrypted_content":{encrypted}}}"#
                ),
                tokens,
            }],
            whole: format!(
                r#"{{"type":"compaction","content":{content},"encrypted_content":{encrypted}}}"#
            ),
        });
    }

    /// A block that comes whole in its start.
    fn fixed(&mut self, json: String) {
        self.blocks.push(Block {
            start: json.clone(),
            deltas: Vec::new(),
            whole: json,
        });
    }

    /// As much of a text as there is room for, in the pieces of a stream.
    fn pieces(&mut self, text: &str) -> Vec<(String, u64)> {
        let all = tokens::tokens(text);
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let said = match all.get(..most) {
            Some(said) if said.len() < all.len() => {
                self.room = Room::Exhausted(self.bound);
                said
            }
            _ => all.as_slice(),
        };
        self.left = self.left.saturating_sub(said.len() as u64);
        tokens::deltas(said, self.dice)
    }
}

/// Where the first stop sequence of a text begins, and which it is.
fn stop<'a>(text: &str, sequences: &'a [String]) -> Option<(usize, &'a str)> {
    let found = sequences
        .iter()
        .filter_map(|sequence| Some((text.find(sequence.as_str())?, sequence.as_str())));
    found.min_by_key(|(place, _)| *place)
}

fn joined(pieces: &[(String, u64)]) -> String {
    pieces.iter().map(|(piece, _)| piece.as_str()).collect()
}

fn deltas(kind: &str, field: &str, pieces: Vec<(String, u64)>) -> Vec<Delta> {
    let delta = |(piece, tokens): (String, u64)| Delta {
        json: format!(r#"{{"type":"{kind}","{field}":{}}}"#, quoted(&piece)),
        tokens,
    };
    pieces.into_iter().map(delta).collect()
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
