use std::collections::HashMap;

use serde::Deserialize;

use super::*;

fn schema<T: JsonSchema>() -> Value {
    serde_json::from_str(json_schema::<T>().unwrap().get()).unwrap()
}

fn refusal<T: JsonSchema>() -> String {
    json_schema::<T>().unwrap_err().to_string()
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "read for its schema only")]
struct Invoice {
    /// As printed, without spaces.
    #[schemars(length(min = 3), regex(pattern = "^[A-Z]"))]
    number: String,
    #[schemars(range(min = 0.0))]
    total: f64,
    pages: u8,
    lines: Vec<Line>,
    state: State,
    paid: Option<Payment>,
    #[schemars(email)]
    contact: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "read for its schema only")]
struct Line {
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "read for its schema only")]
enum State {
    Open,
    /// Nothing is owed.
    Closed,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "by")]
#[allow(dead_code, reason = "read for its schema only")]
enum Payment {
    Cash,
    Card { digits: String },
}

#[test]
fn objects_are_closed_and_what_is_no_keyword_moves_into_the_description() {
    assert_eq!(
        schema::<Invoice>(),
        json!({
            "title": "Invoice",
            "type": "object",
            "additionalProperties": false,
            "required": ["number", "total", "pages", "lines", "state"],
            "properties": {
                "number": {
                    "type": "string",
                    "description": "As printed, without spaces.\n\n{minLength: 3, pattern: \"^[A-Z]\"}",
                },
                "total": {"type": "number", "description": "{minimum: 0.0}"},
                "pages": {"type": "integer", "description": "{maximum: 255, minimum: 0}"},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["text"],
                        "properties": {"text": {"type": "string"}},
                    },
                },
                "state": {"anyOf": [
                    {"enum": ["open"]},
                    {"const": "closed", "description": "Nothing is owed."},
                ]},
                "paid": {"anyOf": [
                    {"anyOf": [
                        {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["by"],
                            "properties": {"by": {"const": "Cash"}},
                        },
                        {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["by", "digits"],
                            "properties": {"by": {"const": "Card"}, "digits": {"type": "string"}},
                        },
                    ]},
                    {"type": "null"},
                ]},
                "contact": {"type": ["string", "null"], "format": "email"},
            },
        })
    );
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "read for its schema only")]
struct Tree {
    leaves: Vec<Tree>,
}

#[test]
fn what_structured_outputs_cannot_say_is_refused_before_anything_is_sent() {
    insta::assert_snapshot!(refusal::<Tree>(), @r"
    schema must not contain itself: structured outputs have no recursive types
    ");
    insta::assert_snapshot!(refusal::<HashMap<String, u8>>(), @r"
    schema must not have a map: structured outputs only have fields that are known, so use a list of pairs
    ");
    insta::assert_snapshot!(refusal::<Vec<Value>>(), @r"
    schema must give each value a type: structured outputs have no place for any JSON
    ");
}

#[test]
fn a_tuple_is_a_list_of_what_it_may_hold() {
    assert_eq!(
        schema::<(String, f64)>()["items"],
        json!({"anyOf": [{"type": "string"}, {"type": "number"}]})
    );
}

#[test]
fn a_tool_that_is_not_strict_keeps_every_keyword_and_may_contain_itself() {
    let schema: Value = serde_json::from_str(of::<Invoice>().unwrap().get()).unwrap();
    assert_eq!(schema["properties"]["number"]["minLength"], 3);
    assert!(schema.get("title").is_none() && schema.get("$schema").is_none());
    assert!(of::<Tree>().unwrap().get().contains("$ref"));
}
