//! Text of a chosen length, and values that fit a schema: for answers that nobody wrote.

use serde_json::{Map, Value};

use crate::dice::Dice;

/// Words of at most four characters, so that each is one token.
const WORDS: [&str; 24] = [
    "the", "ship", "is", "on", "an", "even", "keel", "and", "wind", "may", "turn", "but", "crew",
    "hold", "it", "so", "far", "from", "port", "at", "sea", "all", "is", "well",
];

/// A text of this many tokens.
pub(crate) fn text(count: u32, dice: &mut Dice) -> String {
    let mut text = String::new();
    for place in 0..count {
        if place > 0 {
            text.push(' ');
        }
        let pick = usize::try_from(dice.throw(WORDS.len() as u64) - 1).unwrap_or(0);
        text.push_str(WORDS.get(pick).copied().unwrap_or("sea"));
    }
    text
}

/// A value that fits a JSON schema as tools have them: required properties only.
pub(crate) fn value(schema: &Value) -> Value {
    // A schema nested deeper than this is not one of a tool.
    value_within(schema, 8)
}

fn value_within(schema: &Value, depth: u32) -> Value {
    for fixed in ["const", "default"] {
        if let Some(value) = schema.get(fixed) {
            return value.clone();
        }
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("object") if depth > 0 => {
            let mut object = Map::new();
            let required = schema.get("required").and_then(Value::as_array);
            for name in required.into_iter().flatten().filter_map(Value::as_str) {
                let property = schema.get("properties").and_then(|all| all.get(name));
                let property =
                    property.map_or(Value::Null, |schema| value_within(schema, depth - 1));
                object.insert(name.to_owned(), property);
            }
            Value::Object(object)
        }
        Some("object") => Value::Object(Map::new()),
        Some("array") => Value::Array(Vec::new()),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(Value::from(1)),
        Some("boolean") => Value::Bool(true),
        Some("null") => Value::Null,
        _ => Value::from("example"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tokens;

    #[test]
    fn a_text_has_the_length_that_was_chosen_and_is_the_same_for_the_same_seed() {
        for count in [0, 1, 7, 500] {
            let text = text(count, &mut Dice::new(3, 1));
            assert_eq!(tokens::tokens(&text).len(), count as usize, "{text}");
        }
        assert_eq!(text(9, &mut Dice::new(3, 1)), text(9, &mut Dice::new(3, 1)));
    }

    #[test]
    fn a_value_fits_its_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]},
                "days": {"type": "integer", "minimum": 3}, "left_out": {"type": "string"},
            },
            "required": ["city", "unit", "days"],
        });
        assert_eq!(
            value(&schema),
            json!({"city": "example", "unit": "celsius", "days": 3})
        );
        assert_eq!(value(&json!({})), json!("example"));
    }
}
