//! JSON Schemas of Rust types, in the words that the API takes.
//!
//! Structured outputs and strict tools take a part of JSON Schema only: every object is closed, and
//! bounds, lengths and patterns are no keywords. What is not taken moves into the description, where
//! the model may heed it, as in the official SDKs.

use evenkeel_error::InvalidConfig;
use evenkeel_messages::RawJson;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The formats of strings that the API knows.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// Keywords that are kept as they are.
const KEPT: [&str; 4] = ["description", "title", "type", "required"];

/// Words about the schema, not about what it describes.
const DROPPED: [&str; 3] = ["$schema", "$id", "$comment"];

/// The JSON Schema of `T` for [`MessageRequest::json_schema`](crate::MessageRequest::json_schema): of
/// what is read (`Deserialize`), within the limits of structured outputs. Objects are closed
/// (`additionalProperties: false`); bounds, lengths, patterns and unknown formats move into the
/// description; `oneOf` becomes `anyOf`. [`Messages::create_as`](crate::Messages::create_as) uses it.
///
/// The fields of an object are in alphabetical order, unless some crate of the program turns on
/// `preserve_order` of `schemars` or `serde_json`: then they are in the order of the type, which is
/// the order in which the model writes them.
///
/// # Errors
///
/// `invalid_config` for what structured outputs cannot say: a type that contains itself, a map with
/// keys of any name, a field that takes any JSON value.
#[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
pub fn json_schema<T: JsonSchema>() -> Result<RawJson, InvalidConfig> {
    RawJson::new(&constrain(generate::<T>())?)
}

/// The schema of `T` with all that JSON Schema can say, for a tool that is not strict.
pub(crate) fn of<T: JsonSchema>() -> Result<RawJson, InvalidConfig> {
    let mut schema = generate::<T>();
    if let Value::Object(schema) = &mut schema {
        // The name of a Rust type tells the model nothing that the tool's own does not.
        schema.remove("title");
        schema.remove("$schema");
    }
    RawJson::new(&schema)
}

/// A schema within the limits of strict tools.
pub(crate) fn constrained(schema: &RawJson) -> Result<RawJson, InvalidConfig> {
    // A text that is JSON can be read; were it not so, it would have no type either.
    let value = serde_json::from_str(schema.get()).unwrap_or_default();
    RawJson::new(&constrain(value)?)
}

/// Without references, so that one that is left is a type within itself.
fn generate<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

fn constrain(schema: Value) -> Result<Value, InvalidConfig> {
    let Value::Object(mut given) = schema else {
        let rule = "must give each value a type: structured outputs have no place for any JSON";
        return Err(InvalidConfig::new("schema", rule));
    };
    if given.contains_key("$ref") {
        let rule = "must not contain itself: structured outputs have no recursive types";
        return Err(InvalidConfig::new("schema", rule));
    }
    given.remove("$defs");
    let mut taken = Map::new();
    for name in DROPPED {
        given.remove(name);
    }
    alternatives(&mut given, &mut taken)?;
    let is_literal = literals(&mut given, &mut taken);
    for name in KEPT {
        if let Some(value) = given.remove(name) {
            taken.insert(name.to_owned(), value);
        }
    }
    if is_literal {
        // A literal says what it is; a type beside it is one constraint too many.
        taken.remove("type");
    } else if is(&taken, "object") {
        object(&mut given, &mut taken)?;
    } else if is(&taken, "array") {
        array(&mut given, &mut taken)?;
    } else if taken.get("type").is_none() && taken.keys().all(|name| !name.ends_with("Of")) {
        let rule = "must give each value a type: structured outputs have no place for any JSON";
        return Err(InvalidConfig::new("schema", rule));
    }
    format(&mut given, &mut taken);
    describe(&given, &mut taken);
    Ok(Value::Object(taken))
}

/// Whether one of the types is `kind`.
fn is(schema: &Map<String, Value>, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

fn alternatives(
    given: &mut Map<String, Value>,
    taken: &mut Map<String, Value>,
) -> Result<(), InvalidConfig> {
    let constrained = |given: &mut Map<String, Value>, name: &str| match given.remove(name) {
        Some(Value::Array(variants)) => {
            let variants = variants.into_iter().map(constrain);
            variants.collect::<Result<Vec<_>, _>>().map(Some)
        }
        _ => Ok(None),
    };
    let any = constrained(given, "anyOf")?;
    let one = constrained(given, "oneOf")?;
    let mut all = constrained(given, "allOf")?;
    let any = match (any, one) {
        // Both hold, and there is one place for them.
        (Some(any), Some(one)) => {
            let both = [any, one].map(|variants| Value::from_iter([("anyOf", variants)]));
            all.get_or_insert_default().extend(both);
            None
        }
        (any, one) => any.or(one),
    };
    for (name, variants) in [("anyOf", any), ("allOf", all)] {
        if let Some(variants) = variants {
            taken.insert(name.to_owned(), Value::Array(variants));
        }
    }
    Ok(())
}

fn literals(given: &mut Map<String, Value>, taken: &mut Map<String, Value>) -> bool {
    let is_plain = |value: &Value| !value.is_object() && !value.is_array();
    let values = given.get("enum").and_then(Value::as_array);
    let mut names = Vec::new();
    if values.is_some_and(|values| !values.is_empty() && values.iter().all(is_plain)) {
        names.push("enum");
    }
    if given.get("const").is_some_and(is_plain) {
        names.push("const");
    }
    for name in &names {
        if let Some(value) = given.remove(*name) {
            taken.insert((*name).to_owned(), value);
        }
    }
    !names.is_empty()
}

fn object(
    given: &mut Map<String, Value>,
    taken: &mut Map<String, Value>,
) -> Result<(), InvalidConfig> {
    let others = given.remove("additionalProperties");
    if given.contains_key("patternProperties")
        || others.is_some_and(|others| !matches!(others, Value::Bool(_)))
    {
        let rule = "must not have a map: structured outputs only have fields that are known, so use \
                    a list of pairs";
        return Err(InvalidConfig::new("schema", rule));
    }
    let mut fields = Map::new();
    if let Some(Value::Object(properties)) = given.remove("properties") {
        for (name, schema) in properties {
            fields.insert(name, constrain(schema)?);
        }
    }
    taken.insert("properties".to_owned(), Value::Object(fields));
    taken.insert("additionalProperties".to_owned(), json!(false));
    Ok(())
}

fn array(
    given: &mut Map<String, Value>,
    taken: &mut Map<String, Value>,
) -> Result<(), InvalidConfig> {
    let items = match (given.remove("items"), given.remove("prefixItems")) {
        // A tuple: how many there are and in which order is for the description.
        (_, Some(Value::Array(places))) => {
            given.insert("order".to_owned(), in_order(&places));
            json!({ "anyOf": places })
        }
        (Some(items), _) => items,
        (None, _) => Value::Bool(true),
    };
    taken.insert("items".to_owned(), constrain(items)?);
    if let Some(least) = given.remove("minItems") {
        let place = if matches!(least.as_u64(), Some(0 | 1)) {
            taken
        } else {
            given
        };
        place.insert("minItems".to_owned(), least);
    }
    Ok(())
}

/// The types of a tuple's places.
fn in_order(places: &[Value]) -> Value {
    let kind = |place: &Value| place.get("type").cloned().unwrap_or(Value::Null);
    places.iter().map(kind).collect()
}

/// Keeps a format that is known. How wide a number is in Rust tells the model nothing.
fn format(given: &mut Map<String, Value>, taken: &mut Map<String, Value>) {
    let Some(format) = given.remove("format") else {
        return;
    };
    if is(taken, "string") {
        let is_known = format.as_str().is_some_and(|name| FORMATS.contains(&name));
        let place = if is_known { taken } else { given };
        place.insert("format".to_owned(), format);
    }
}

/// What is left is no keyword for the API: words for the model.
fn describe(left: &Map<String, Value>, taken: &mut Map<String, Value>) {
    if left.is_empty() {
        return;
    }
    let words = left.iter().map(|(name, value)| format!("{name}: {value}"));
    let words = format!("{{{}}}", words.collect::<Vec<_>>().join(", "));
    let words = match taken.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description}\n\n{words}"),
        None => words,
    };
    taken.insert("description".to_owned(), words.into());
}

#[cfg(test)]
mod tests;
