use std::collections::HashMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;

fn schema<T: JsonSchema>() -> Value {
    serde_json::from_str(json_schema::<T>().unwrap().get()).unwrap()
}

fn refusal<T: JsonSchema>() -> String {
    json_schema::<T>().unwrap_err().to_string()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Line {
    text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Open,
    /// Nothing is owed.
    Closed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by")]
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    let tree: Value = serde_json::from_str(of::<Tree>().unwrap().get()).unwrap();
    let leaf = Tree { leaves: Vec::new() };
    let twig = Tree { leaves: vec![leaf] };
    let given = serde_json::to_value(Tree { leaves: vec![twig] }).unwrap();
    assert!(admits(&tree, &tree, &given));
    assert!(!admits(
        &tree,
        &tree,
        &json!({"leaves": [{"leaves": [{}]}]})
    ));
}

/// Whether the schema, a part of `root`, lets the value pass: of JSON Schema, what schemas here are
/// made of.
fn admits(root: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(place) = schema["$ref"].as_str() {
        let referred = root.pointer(place.trim_start_matches('#'));
        return admits(root, referred.unwrap(), value);
    }
    let is_of = |kind: &Value| match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("no value here is a {other}"),
    };
    let kind = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(is_of),
        kind => is_of(kind),
    };
    let one_of = schema["enum"].as_array();
    let any_of = schema["anyOf"].as_array();
    kind && one_of.is_none_or(|values| values.contains(value))
        && schema.get("const").is_none_or(|only| only == value)
        && any_of.is_none_or(|parts| parts.iter().any(|part| admits(root, part, value)))
        && admits_inside(root, schema, value)
}

/// Whether it lets what is inside of the value pass.
fn admits_inside(root: &Value, schema: &Value, value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            let each = schema.get("items");
            each.is_none_or(|each| items.iter().all(|item| admits(root, each, item)))
        }
        Value::Object(fields) => {
            let mut required = schema["required"].as_array().into_iter().flatten();
            required.all(|name| fields.contains_key(name.as_str().unwrap()))
                && fields
                    .iter()
                    .all(|(name, field)| match &schema["properties"][name] {
                        Value::Null => schema["additionalProperties"] != false,
                        part => admits(root, part, field),
                    })
        }
        _ => true,
    }
}

fn any_invoice() -> impl Strategy<Value = Invoice> {
    let text = any::<String>().prop_map(|text| Line { text });
    let payment = prop_oneof![
        Just(Payment::Cash),
        any::<String>().prop_map(|digits| Payment::Card { digits }),
    ];
    let state = prop_oneof![Just(State::Open), Just(State::Closed)];
    let words = (any::<String>(), prop::option::of(any::<String>()));
    let counts = (0.0..1e9, any::<u8>());
    let parts = (prop::collection::vec(text, 0..4), state);
    let paid = prop::option::of(payment);
    (words, counts, parts, paid).prop_map(
        |((number, contact), (total, pages), (lines, state), paid)| Invoice {
            number,
            total,
            pages,
            lines,
            state,
            paid,
            contact,
        },
    )
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
    fn what_a_schema_lets_pass_is_what_its_type_reads_and_writes(invoice in any_invoice()) {
        let schema = schema::<Invoice>();
        let written = serde_json::to_value(&invoice).unwrap();
        prop_assert!(admits(&schema, &schema, &written), "{written}");
        prop_assert_eq!(serde_json::from_value::<Invoice>(written.clone()).unwrap(), invoice);
        for name in written.as_object().unwrap().keys() {
            let mut less = written.clone();
            less.as_object_mut().unwrap().remove(name);
            let is_read = serde_json::from_value::<Invoice>(less.clone()).is_ok();
            prop_assert_eq!(admits(&schema, &schema, &less), is_read, "without {}", name);
            let mut other = written.clone();
            other[name] = json!({"no": "such thing"});
            let is_read = serde_json::from_value::<Invoice>(other.clone()).is_ok();
            prop_assert_eq!(admits(&schema, &schema, &other), is_read, "with another {}", name);
        }
    }

    #[test]
    fn nothing_but_what_the_api_takes_is_left_and_once_more_changes_nothing(given in any_schema()) {
        let once = constrain(given).unwrap();
        check(&once)?;
        prop_assert_eq!(constrain(once.clone()).unwrap(), once);
    }
}
