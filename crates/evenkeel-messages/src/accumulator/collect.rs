//! One event after the other, into the partial.

use super::overlay::Overlay;
use super::{Accumulator, ServerTools, Stage};
use crate::block::{TextBlock, ThinkingBlock};
use crate::{ContentBlock, Delta, MessageDelta, MessageHead, UnfinishedTool};

/// Blocks that may be open, or calls unfinished, at a time. The API has one block open; without a
/// limit a broken server could make each event cost more than the last.
const OPEN_LIMIT: usize = 1_000;

/// What an event contradicts.
pub(super) type Violation = &'static str;

impl Accumulator {
    pub(super) fn begun(&self) -> Result<(), Violation> {
        match self.stage {
            Stage::Waiting => Err("content before message_start"),
            Stage::Begun | Stage::Stopped => Ok(()),
        }
    }

    pub(super) fn begin(&mut self, head: &MessageHead) -> Result<(), Violation> {
        if self.stage != Stage::Waiting {
            return Err("a second message_start");
        }
        self.stage = Stage::Begun;
        self.partial.id = Some(head.id.clone());
        self.partial.model = Some(head.model.clone());
        self.partial.role = head.role.clone();
        self.partial.usage = head.usage.clone();
        self.partial.extra = head.extra.clone();
        Ok(())
    }

    pub(super) fn start(&mut self, index: u32, block: &ContentBlock) -> Result<(), Violation> {
        self.begun()?;
        let taken = self
            .partial
            .unfinished
            .iter()
            .any(|tool| tool.index == index)
            || self.indices.binary_search(&index).is_ok();
        if taken {
            return Err("a block began twice");
        }
        if self.open.len().max(self.partial.unfinished.len()) >= OPEN_LIMIT {
            return Err("more than 1,000 blocks are open");
        }
        // A block follows, so the calls that stopped before it are whole, those without input too.
        self.admit_closed();
        if block.runs_at_server() {
            self.server_tools = ServerTools::Began;
        }
        self.open.push(index);
        if block.is_call() {
            self.partial
                .unfinished
                .push(UnfinishedTool::open(index, block.clone()));
        } else {
            if matches!(block, ContentBlock::Unknown(_)) {
                self.overlays.push(Overlay::new(index));
            }
            self.insert(index, block.clone());
        }
        Ok(())
    }

    pub(super) fn grow(&mut self, index: u32, delta: &Delta) -> Result<(), Violation> {
        self.begun()?;
        if !self.open.contains(&index) {
            return Err("a delta for a block that is not open");
        }
        self.content_bytes += delta.content_bytes();
        if let Some(tool) = self
            .partial
            .unfinished
            .iter_mut()
            .find(|tool| tool.index == index)
        {
            return match delta {
                Delta::InputJson(json) => {
                    tool.input.push_str(json);
                    Ok(())
                }
                Delta::Unknown { .. } => Ok(()),
                _ => Err("a delta that is no input, for a tool call"),
            };
        }
        let place = self.indices.binary_search(&index).ok();
        let Some(block) = place.and_then(|place| self.partial.content.get_mut(place)) else {
            return Err("a delta for a block that is not open");
        };
        match (block, delta) {
            (ContentBlock::Text(TextBlock { text, .. }), Delta::Text(more)) => text.push_str(more),
            (ContentBlock::Text(TextBlock { citations, .. }), Delta::Citations(citation)) => {
                citations.get_or_insert_default().push(citation.clone());
            }
            (ContentBlock::Thinking(ThinkingBlock { thinking, .. }), Delta::Thinking(more)) => {
                thinking.push_str(more);
            }
            (ContentBlock::Thinking(ThinkingBlock { signature, .. }), Delta::Signature(whole)) => {
                *signature = Some(whole.clone());
            }
            (ContentBlock::Unknown(_), delta) => {
                if let Some(overlay) = self.overlays.iter_mut().find(|o| o.index == index) {
                    overlay.add(delta);
                }
            }
            (_, Delta::Unknown { .. }) => {}
            _ => return Err("a delta that does not fit its block"),
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, index: u32) -> Result<(), Violation> {
        self.begun()?;
        let Some(place) = self.open.iter().position(|open| *open == index) else {
            return Err("the end of a block that is not open");
        };
        self.open.swap_remove(place);
        if let Some(place) = self
            .overlays
            .iter()
            .position(|overlay| overlay.index == index)
        {
            let overlay = self.overlays.swap_remove(place);
            self.merge(overlay);
        }
        if let Some(tool) = self
            .partial
            .unfinished
            .iter_mut()
            .find(|tool| tool.index == index)
        {
            tool.closed = true;
            if let Some(block) = tool.whole() {
                self.partial.unfinished.retain(|tool| tool.index != index);
                self.insert(index, block);
            }
        }
        Ok(())
    }

    pub(super) fn conclude(&mut self, delta: &MessageDelta) -> Result<(), Violation> {
        self.begun()?;
        self.partial.usage.overwrite(&delta.usage);
        self.partial.extra.overwrite(&delta.extra);
        if let Some(sequence) = &delta.stop_sequence {
            self.partial.stop_sequence = Some(sequence.clone());
        }
        if let Some(reason) = &delta.stop_reason {
            self.partial.stop_reason = Some(reason.clone());
            if reason.closes_tool_calls() {
                self.admit_closed();
            }
        }
        Ok(())
    }

    /// Admits calls that stopped without any input, now that it is known that none was coming.
    fn admit_closed(&mut self) {
        let closed = self
            .partial
            .unfinished
            .extract_if(.., |tool| tool.is_closed_without_input());
        let closed: Vec<UnfinishedTool> = closed.collect();
        for tool in closed {
            self.insert(tool.index, tool.start);
        }
    }

    fn insert(&mut self, index: u32, block: ContentBlock) {
        let place = self.indices.partition_point(|other| *other < index);
        self.indices.insert(place, index);
        self.partial.content.insert(place, block);
    }

    pub(super) fn merge(&mut self, overlay: Overlay) {
        let place = self.indices.binary_search(&overlay.index).ok();
        if let Some(block) = place.and_then(|place| self.partial.content.get_mut(place)) {
            overlay.merge(block);
        }
    }
}
