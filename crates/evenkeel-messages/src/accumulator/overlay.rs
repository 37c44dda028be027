use super::collect::Grown;
use crate::{Citation, ContentBlock, Extra, RawJson, UnknownObject};

/// What arrived for a block that is kept as raw JSON. Merged once, when the block stops: to write
/// it into the JSON at each delta would cost the square of its size.
#[derive(Clone, Default)]
pub(super) struct Overlay {
    pub(super) index: u32,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    citations: Vec<Citation>,
    fields: Extra,
}

impl Overlay {
    pub(super) fn new(index: u32) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, delta: Grown<'_>) {
        match delta {
            Grown::Text(more) => self.text.get_or_insert_default().push_str(more),
            Grown::Thinking(more) => self.thinking.get_or_insert_default().push_str(more),
            Grown::Signature(whole) => self.signature = Some(whole.to_owned()),
            Grown::Citation(citation) => self.citations.push(citation.clone()),
            Grown::Compaction(delta) => {
                for (name, value) in [
                    ("content", &delta.content),
                    ("encrypted_content", &delta.encrypted_content),
                ] {
                    if let Some(Ok(value)) = value.as_ref().map(RawJson::new) {
                        self.fields.set(name, value);
                    }
                }
            }
            Grown::InputJson(_) | Grown::Unknown => {}
        }
    }

    pub(super) fn merge(self, block: &mut ContentBlock) {
        let ContentBlock::Unknown(UnknownObject { raw, .. }) = block else {
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
            if let Some(more) = grown {
                let began: Option<String> = object.parse(name);
                changes.set(
                    name,
                    RawJson::new(&(began.unwrap_or_default() + &more)).ok()?,
                );
            }
        }
        if let Some(signature) = self.signature {
            changes.set("signature", RawJson::new(&signature).ok()?);
        }
        if !self.citations.is_empty() {
            let mut citations: Vec<RawJson> = object.parse("citations").unwrap_or_default();
            for citation in &self.citations {
                citations.push(RawJson::new(citation).ok()?);
            }
            changes.set("citations", RawJson::new(&citations).ok()?);
        }
        if changes.is_empty() {
            return None;
        }
        object.overwrite(&changes);
        RawJson::new(&object).ok()
    }
}

/// Sizes only: it is a reply.
impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = |text: &Option<String>| text.as_ref().map(String::len);
        f.debug_struct("Overlay")
            .field("index", &self.index)
            .field("text", &bytes(&self.text))
            .field("thinking", &bytes(&self.thinking))
            .field("citations", &self.citations.len())
            .finish_non_exhaustive()
    }
}
