//! Which models go on from a message of their own.

/// How a model is told to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continues {
    FromPrefill,
    FromQuote,
}

/// Models up to 4.5 take a last message of the model's own; from 4.6 on, and for every name that
/// is not understood, a quote, which no model refuses. Names may have a provider's prefix, a date
/// and a suffix: `us.anthropic.claude-sonnet-4-5-20250929-v1:0`.
pub(super) fn continues(model: &str) -> Continues {
    let Some(at) = model.find("claude-") else {
        return Continues::FromQuote;
    };
    let name = model.get(at + "claude-".len()..).unwrap_or_default();
    let mut numbers = name
        .split(['-', '@', '.', ':'])
        .map(str::parse::<u32>)
        .skip_while(Result::is_err)
        .map_while(Result::ok)
        // Longer ones are dates.
        .take_while(|number| *number < 1_000);
    let (major, minor) = (numbers.next(), numbers.next().unwrap_or(0));
    match major {
        Some(major) if (major, minor) <= (4, 5) => Continues::FromPrefill,
        _ => Continues::FromQuote,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_up_to_4_5_go_on_from_a_prefill_and_all_others_from_a_quote() {
        let prefill = [
            "claude-3-haiku-20240307",
            "claude-3-5-sonnet-latest",
            "claude-3-7-sonnet-20250219",
            "claude-opus-4-20250514",
            "claude-sonnet-4-0",
            "claude-opus-4-1-20250805",
            "claude-opus-4-5",
            "claude-sonnet-4-5-20250929",
            "claude-haiku-4-5@20251001",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-2.1",
        ];
        let quote = [
            "claude-opus-4-6",
            "claude-sonnet-4-6",
            "claude-opus-4-7",
            "claude-opus-4-8-20260401",
            "claude-opus-5",
            "claude-sonnet-5-5",
            "claude-haiku-5-5",
            "claude-fable-5-2",
            "claude-mythos-preview",
            "claude-10-1",
            "my-router/best",
            "",
        ];
        for model in prefill {
            assert_eq!(continues(model), Continues::FromPrefill, "{model}");
        }
        for model in quote {
            assert_eq!(continues(model), Continues::FromQuote, "{model}");
        }
    }
}
