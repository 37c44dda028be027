//! The models of the API, and what each allows.

use serde_json::{Value, json};

/// One model of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    name: &'static str,
    line: &'static str,
    created: &'static str,
    pub(crate) generation: (u32, u32),
    pub(crate) max_input_tokens: u64,
    pub(crate) max_tokens: u64,
    pub(crate) retires: Option<&'static str>,
}

const LONG: (u64, u64) = (1_000_000, 128_000);
const SHORT: (u64, u64) = (200_000, 64_000);

/// Newest first, as the API lists them.
pub(crate) const MODELS: &[Model] = &[
    model(
        "claude-fable-5-2",
        "Claude Fable 5.2",
        "fable",
        "2026-11-02",
        (5, 2),
        LONG,
    ),
    model(
        "claude-mythos-5-2",
        "Claude Mythos 5.2",
        "mythos",
        "2026-11-02",
        (5, 2),
        LONG,
    ),
    model(
        "claude-haiku-5-5",
        "Claude Haiku 5.5",
        "haiku",
        "2026-10-15",
        (5, 5),
        LONG,
    ),
    model(
        "claude-sonnet-5-5",
        "Claude Sonnet 5.5",
        "sonnet",
        "2026-10-01",
        (5, 5),
        LONG,
    ),
    model(
        "claude-opus-5-5",
        "Claude Opus 5.5",
        "opus",
        "2026-09-22",
        (5, 5),
        LONG,
    ),
    model(
        "claude-fable-5-1",
        "Claude Fable 5.1",
        "fable",
        "2026-08-31",
        (5, 1),
        LONG,
    ),
    model(
        "claude-mythos-5-1",
        "Claude Mythos 5.1",
        "mythos",
        "2026-08-31",
        (5, 1),
        LONG,
    ),
    model(
        "claude-fable-5",
        "Claude Fable 5",
        "fable",
        "2026-07-08",
        (5, 0),
        LONG,
    ),
    model(
        "claude-mythos-5",
        "Claude Mythos 5",
        "mythos",
        "2026-07-08",
        (5, 0),
        LONG,
    ),
    model(
        "claude-opus-5",
        "Claude Opus 5",
        "opus",
        "2026-06-24",
        (5, 0),
        LONG,
    ),
    model(
        "claude-sonnet-5",
        "Claude Sonnet 5",
        "sonnet",
        "2026-05-28",
        (5, 0),
        LONG,
    ),
    model(
        "claude-opus-4-8",
        "Claude Opus 4.8",
        "opus",
        "2026-04-30",
        (4, 8),
        LONG,
    ),
    model(
        "claude-opus-4-7",
        "Claude Opus 4.7",
        "opus",
        "2026-04-14",
        (4, 7),
        LONG,
    ),
    model(
        "claude-sonnet-4-6",
        "Claude Sonnet 4.6",
        "sonnet",
        "2026-02-17",
        (4, 6),
        LONG,
    ),
    model(
        "claude-opus-4-6",
        "Claude Opus 4.6",
        "opus",
        "2026-02-04",
        (4, 6),
        LONG,
    ),
    model(
        "claude-opus-4-5",
        "Claude Opus 4.5",
        "opus",
        "2025-11-24",
        (4, 5),
        SHORT,
    ),
    model(
        "claude-haiku-4-5",
        "Claude Haiku 4.5",
        "haiku",
        "2025-10-15",
        (4, 5),
        SHORT,
    ),
    Model {
        retires: Some("2026-11-30T00:00:00Z"),
        ..model(
            "claude-sonnet-4-5",
            "Claude Sonnet 4.5",
            "sonnet",
            "2025-09-29",
            (4, 5),
            SHORT,
        )
    },
];

/// When what is deprecated was.
const DEPRECATED: &str = "2026-05-31T00:00:00Z";

/// Beginnings of ids that once were models.
const RETIRED: [&str; 4] = ["claude-1", "claude-2", "claude-3-", "claude-instant"];

const fn model(
    id: &'static str,
    name: &'static str,
    line: &'static str,
    created: &'static str,
    generation: (u32, u32),
    (max_input_tokens, max_tokens): (u64, u64),
) -> Model {
    Model {
        id,
        name,
        line,
        created,
        generation,
        max_input_tokens,
        max_tokens,
        retires: None,
    }
}

/// Whether a model was one once. What never was is let through: tests have names of their own.
pub(crate) fn is_retired(id: &str) -> bool {
    RETIRED.iter().any(|start| id.starts_with(start))
}

/// The pool of rate limits that a model draws on.
pub(crate) fn class(id: &str) -> &str {
    match Model::named(id) {
        Some(model) if model.line == "opus" && model.generation.0 == 4 => "opus-4",
        Some(model) if model.line == "sonnet" && model.generation.0 == 4 => "sonnet-4",
        Some(model) if model.line == "fable" || model.line == "mythos" => "fable-5",
        Some(model) => model.id,
        None => id,
    }
}

impl Model {
    /// The model with this id, with or without a date at its end.
    pub(crate) fn named(id: &str) -> Option<&'static Self> {
        let undated = id.rsplit_once('-').filter(|(_, date)| {
            date.len() == 8 && date.bytes().all(|digit| digit.is_ascii_digit())
        });
        let id = undated.map_or(id, |(id, _)| id);
        MODELS.iter().find(|model| model.id == id)
    }

    /// Prefixes with fewer tokens are silently not cached.
    pub(crate) fn least_cached(&self) -> u64 {
        match (self.line, self.generation) {
            ("sonnet", generation) if generation <= (5, 0) => 1_024,
            (_, (5.., _)) => 512,
            _ => 4_096,
        }
    }

    /// Whether assistant prefill is refused.
    pub(crate) fn refuses_prefill(&self) -> bool {
        self.generation >= (4, 6)
    }

    /// Whether `thinking.type` `enabled` is known, with its budget.
    pub(crate) fn thinks_by_budget(&self) -> bool {
        self.generation <= (4, 6)
    }

    /// Whether `thinking.type` `adaptive` is known.
    pub(crate) fn thinks_adaptively(&self) -> bool {
        self.generation >= (4, 6)
    }

    /// Whether thinking can be turned off.
    pub(crate) fn can_stop_thinking(&self) -> bool {
        let always = matches!(self.line, "fable" | "mythos")
            || matches!(self.id, "claude-opus-5-5" | "claude-sonnet-5-5");
        !always
    }

    /// Whether `thinking.type` `between_tools` is known.
    pub(crate) fn thinks_between_tools(&self) -> bool {
        self.id == "claude-sonnet-5-5"
    }

    /// Whether thinking can be turned off at the highest efforts too.
    pub(crate) fn strains_without_thinking(&self) -> bool {
        !matches!(self.id, "claude-opus-5" | "claude-haiku-5-5")
    }

    /// Whether `tool_choice` may force a tool.
    pub(crate) fn can_be_forced(&self) -> bool {
        let newer = matches!(self.line, "fable" | "mythos") && self.generation >= (5, 1);
        !newer && !matches!(self.id, "claude-opus-5-5" | "claude-sonnet-5-5")
    }

    /// Which efforts it knows beside `low`, `medium` and `high`.
    fn strains(&self) -> bool {
        self.generation >= (4, 6)
    }

    /// As the Models API shows it. The day of a deprecation is not known; half a year before the end
    /// is near enough.
    pub(crate) fn json(&self) -> String {
        let (lifecycle, retires) = match self.retires {
            Some(date) => ("deprecated", json!(date)),
            None => ("active", Value::Null),
        };
        let deprecated = self.retires.map(|_| DEPRECATED);
        let can = |supported: bool| json!({"supported": supported});
        let capabilities = json!({
            "batch": can(true), "citations": can(true), "code_execution": can(true),
            "context_management": {
                "supported": true, "clear_thinking_20251015": can(true),
                "clear_tool_uses_20250919": can(true), "compact_20260112": can(self.strains()),
            },
            "effort": {
                "supported": true, "low": can(true), "medium": can(true), "high": can(true),
                "xhigh": can(self.strains()), "max": can(self.strains()),
            },
            "image_input": can(true), "pdf_input": can(true),
            "server_tools": {"supported": true, "code_execution": can(true), "web_search": can(true)},
            "structured_outputs": can(true),
            "thinking": {"supported": true, "types": {
                "adaptive": can(self.thinks_adaptively()),
                "between_tools": can(self.thinks_between_tools()),
                "disabled": can(self.can_stop_thinking()),
                "enabled": can(self.thinks_by_budget()),
            }},
        });
        let model = json!({
            "type": "model", "id": self.id, "display_name": self.name,
            "created_at": format!("{}T00:00:00Z", self.created),
            "max_input_tokens": self.max_input_tokens, "max_tokens": self.max_tokens,
            "lifecycle": lifecycle, "deprecated_at": deprecated, "retires_at": retires,
            "line": self.line, "capabilities": capabilities,
        });
        model.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_with_and_without_its_date() {
        assert_eq!(
            Model::named("claude-haiku-4-5-20251001").unwrap().id,
            "claude-haiku-4-5"
        );
        assert_eq!(Model::named("claude-opus-5").unwrap().generation, (5, 0));
        assert_eq!(Model::named("m"), None);
    }

    #[test]
    fn models_of_one_class_share_their_limits() {
        assert_eq!(class("claude-opus-4-5"), class("claude-opus-4-8"));
        assert_eq!(
            class("claude-sonnet-4-5-20250929"),
            class("claude-sonnet-4-6")
        );
        assert_ne!(class("claude-opus-5"), class("claude-opus-5-5"));
        assert_eq!(class("m"), "m");
    }

    #[test]
    fn every_model_is_json() {
        for model in MODELS {
            let json: Value = serde_json::from_str(&model.json()).unwrap();
            assert_eq!(json["id"], model.id);
            let thinking = &json["capabilities"]["thinking"]["types"];
            assert_eq!(thinking["enabled"]["supported"], model.thinks_by_budget());
            assert_eq!(
                json["deprecated_at"].is_null(),
                json["lifecycle"] == "active"
            );
        }
    }
}
