use crate::{ContentBlock, Delta, Extra, RawJson, UnknownBlock};

/// What arrived for a block that is kept as raw JSON. Merged once, when the block stops: to write
/// it into the JSON at each delta would cost the square of its size.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    pub(super) index: u32,
    text: Option<Grown>,
    thinking: Option<Grown>,
    signature: Option<Grown>,
    citations: Vec<RawJson>,
    fields: Extra,
}

/// Text that `Debug` does not show.
#[derive(Default)]
struct Grown(String);

impl std::fmt::Debug for Grown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Overlay {
    pub(super) fn new(index: u32) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, delta: &Delta) {
        match delta {
            Delta::Text(more) => self.text.get_or_insert_default().0.push_str(more),
            Delta::Thinking(more) => self.thinking.get_or_insert_default().0.push_str(more),
            Delta::Signature(whole) => self.signature = Some(Grown(whole.clone())),
            Delta::Citations(citation) => self.citations.push(citation.clone()),
            // The one delta of a block we do not model whose rule is known: it brings whole fields.
            Delta::Unknown { kind, raw } if kind == "compaction_delta" => {
                let fields: Extra = serde_json::from_str(raw.get()).unwrap_or_default();
                for (name, value) in fields.iter().filter(|(name, _)| *name != "type") {
                    self.fields.set(name, value.clone());
                }
            }
            Delta::InputJson(_) | Delta::Unknown { .. } => {}
        }
    }

    pub(super) fn merge(self, block: &mut ContentBlock) {
        let ContentBlock::Unknown(UnknownBlock { raw, .. }) = block else {
            return;
        };
        if let Some(merged) = self.merged(raw) {
            *block = ContentBlock::from_raw(merged);
        }
    }

    fn merged(self, raw: &RawJson) -> Option<RawJson> {
        let mut object: Extra = serde_json::from_str(raw.get()).ok()?;
        let mut changes = self.fields;
        for (name, grown) in [("text", self.text), ("thinking", self.thinking)] {
            if let Some(Grown(more)) = grown {
                let began: Option<String> = object.parse(name);
                changes.set(
                    name,
                    RawJson::new(&(began.unwrap_or_default() + &more)).ok()?,
                );
            }
        }
        if let Some(Grown(signature)) = self.signature {
            changes.set("signature", RawJson::new(&signature).ok()?);
        }
        if !self.citations.is_empty() {
            let mut citations: Vec<RawJson> = object.parse("citations").unwrap_or_default();
            citations.extend(self.citations);
            changes.set("citations", RawJson::new(&citations).ok()?);
        }
        if changes.is_empty() {
            return None;
        }
        object.overwrite(&changes);
        RawJson::new(&object).ok()
    }
}
