use std::collections::HashMap;

use proptest::prelude::*;
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
    insta::assert_snapshot!(refusal::<Tree>(), @"schema must not contain itself: structured outputs have no recursive types");
    insta::assert_snapshot!(refusal::<HashMap<String, u8>>(), @"schema must not have a map: structured outputs only have fields that are known, so use a list of pairs");
    insta::assert_snapshot!(refusal::<Vec<Value>>(), @"schema must give each value a type: structured outputs have no place for any JSON");
}

#[test]
fn a_tuple_is_a_list_of_what_it_may_hold() {
    assert_eq!(
        schema::<(String, f64)>()["items"],
        json!({"anyOf": [{"type": "string"}, {"type": "number"}]})
    );
}

#[test]
fn of_two_sets_of_alternatives_both_hold() {
    let text = json!({"type": "string"});
    let number = json!({"type": "number"});
    let nothing = json!({"type": "null"});
    for (given, taken) in [
        (
            json!({"anyOf": [text, nothing], "oneOf": [text, number]}),
            json!({"allOf": [{"anyOf": [text, nothing]}, {"anyOf": [text, number]}]}),
        ),
        (
            json!({"anyOf": [text], "oneOf": [number], "allOf": [nothing]}),
            json!({"allOf": [nothing, {"anyOf": [text]}, {"anyOf": [number]}]}),
        ),
        (json!({"oneOf": [text]}), json!({"anyOf": [text]})),
        (json!({"anyOf": [text]}), json!({"anyOf": [text]})),
    ] {
        assert_eq!(constrain(given).unwrap(), taken);
    }
}

#[test]
fn a_tool_that_is_not_strict_keeps_every_keyword_and_may_contain_itself() {
    let schema: Value = serde_json::from_str(of::<Invoice>().unwrap().get()).unwrap();
    assert_eq!(schema["properties"]["number"]["minLength"], 3);
    assert!(schema.get("title").is_none() && schema.get("$schema").is_none());
    assert!(of::<Tree>().unwrap().get().contains("$ref"));
}

/// Any schema made of words that JSON Schema has, of a few levels.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string", "maxLength": 9, "format": "uuid"})),
        Just(json!({"type": "string", "pattern": "a+", "format": "card"})),
        Just(json!({"type": "integer", "format": "uint8", "minimum": 0})),
        Just(json!({"type": ["number", "null"], "multipleOf": 0.5})),
        Just(json!({"type": "string", "enum": ["a", "b"], "description": "planted"})),
        Just(json!({"const": 3, "default": 3})),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(
                |items| json!({"type": "array", "items": items, "minItems": 2, "uniqueItems": true})
            ),
            prop::collection::vec(inner.clone(), 1..3)
                .prop_map(|places| json!({"type": "array", "prefixItems": places})),
            prop::collection::vec(inner.clone(), 1..3)
                .prop_map(|variants| json!({"oneOf": variants, "title": "T"})),
            (inner, any::<bool>()).prop_map(|(field, open)| json!({
                "type": "object", "properties": {"minimum": field}, "required": ["minimum"],
                "additionalProperties": open, "maxProperties": 4,
            })),
        ]
    })
}

fn check(schema: &Value) -> Result<(), TestCaseError> {
    const TAKEN: [&str; 13] = [
        "type",
        "enum",
        "const",
        "anyOf",
        "allOf",
        "description",
        "title",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "format",
    ];
    let schema = schema.as_object().unwrap();
    for name in schema.keys() {
        prop_assert!(TAKEN.contains(&name.as_str()), "{name}");
    }
    if is(schema, "object") {
        prop_assert_eq!(&schema["additionalProperties"], false);
    }
    let fields = schema.get("properties").and_then(Value::as_object);
    let inside = fields.into_iter().flat_map(Map::values);
    let variants = schema.get("anyOf").and_then(Value::as_array);
    for schema in inside
        .chain(variants.into_iter().flatten())
        .chain(schema.get("items"))
    {
        check(schema)?;
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_but_what_the_api_takes_is_left_and_once_more_changes_nothing(given in any_schema()) {
        let once = constrain(given).unwrap();
        check(&once)?;
        prop_assert_eq!(constrain(once.clone()).unwrap(), once);
    }
}
