//! One event after the other, into the partial.

use super::overlay::Overlay;
use super::{Accumulator, ServerTools, Stage};
use crate::{
    Citation, CompactionDelta, ContentBlock, Delta, Extra, MessageDelta, MessageHead, StopReason,
    Strictness, UnfinishedTool, UnmergedDelta,
};

/// Blocks that may be open, or calls unfinished, or stand behind one that begins, at a time. The
/// API has one block open, and begins them in order; without a limit a broken server could make
/// each event cost more than the last.
const OPEN_LIMIT: usize = 1_000;

/// What an event contradicts.
pub(super) type Violation = &'static str;

/// What a block grows by, wherever it is kept.
#[derive(Clone, Copy)]
pub(super) enum Grown<'a> {
    Text(&'a str),
    InputJson(&'a str),
    Thinking(&'a str),
    Signature(&'a str),
    Citation(&'a Citation),
    Compaction(&'a CompactionDelta),
    Unknown,
}

impl Accumulator {
    fn is_relaxed(&self) -> bool {
        self.strictness == Strictness::Relaxed
    }

    fn begun(&mut self) -> Result<(), Violation> {
        match self.stage {
            Stage::Waiting if self.is_relaxed() => {
                self.stage = Stage::Begun;
                Ok(())
            }
            Stage::Waiting => Err("content before message_start"),
            Stage::Begun | Stage::Stopped => Ok(()),
        }
    }

    pub(super) fn begin(&mut self, head: &MessageHead) -> Result<(), Violation> {
        if self.stage != Stage::Waiting {
            return if self.is_relaxed() {
                Ok(())
            } else {
                Err("a second message_start")
            };
        }
        self.stage = Stage::Begun;
        self.partial.id = Some(head.id.clone());
        self.partial.model = Some(head.model.clone());
        self.partial.role = head.role.clone();
        self.partial.usage = head.usage.clone();
        self.partial.details = head.details.clone();
        Ok(())
    }

    pub(super) fn start(&mut self, index: u32, block: &ContentBlock) -> Result<(), Violation> {
        self.begun()?;
        let taken = self.unfinished(index).is_some() || self.indices.binary_search(&index).is_ok();
        if taken {
            return Err("a block began twice");
        }
        if self.open.len().max(self.partial.unfinished.len()) >= OPEN_LIMIT {
            return Err("more than 1,000 blocks are open");
        }
        if self.indices.len() - self.place_of(index) > OPEN_LIMIT {
            return Err("a block began behind 1,000 that follow it");
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
        self.grow_with(
            index,
            match delta {
                Delta::Text(delta) => Grown::Text(&delta.text),
                Delta::InputJson(delta) => Grown::InputJson(&delta.partial_json),
                Delta::Thinking(delta) => Grown::Thinking(&delta.thinking),
                Delta::Signature(delta) => Grown::Signature(&delta.signature),
                Delta::Citations(delta) => Grown::Citation(&delta.citation),
                Delta::Compaction(delta) => Grown::Compaction(delta),
                Delta::Unknown(_) => Grown::Unknown,
            },
        )?;
        if let Delta::Unknown(delta) = delta {
            let delta = delta.clone();
            self.partial.unmerged.push(UnmergedDelta { index, delta });
        }
        Ok(())
    }

    pub(super) fn grow_with(&mut self, index: u32, delta: Grown<'_>) -> Result<(), Violation> {
        self.begun()?;
        if !self.open.contains(&index) {
            self.open_for(index, delta)?;
        }
        if let Grown::Text(more) | Grown::InputJson(more) | Grown::Thinking(more) = delta {
            self.content_bytes += more.len() as u64;
        }
        if let Some(tool) = self.unfinished(index) {
            return match delta {
                Grown::InputJson(json) => {
                    tool.input.push_str(json);
                    Ok(())
                }
                Grown::Unknown => {
                    tool.unmerged = true;
                    Ok(())
                }
                _ => Err("a delta that is no input, for a tool call"),
            };
        }
        let place = self.indices.binary_search(&index).ok();
        let Some(block) = place.and_then(|place| self.partial.content.get_mut(place)) else {
            return Err("a delta for a block that is not open");
        };
        // What began as `null` is among the fields that are not modelled, until it is there.
        match (block, delta) {
            (ContentBlock::Text(block), Grown::Text(more)) => block.text.push_str(more),
            (ContentBlock::Text(block), Grown::Citation(citation)) => {
                if block.citations.is_none() {
                    block.extra.retain(|name| name != "citations");
                }
                block
                    .citations
                    .get_or_insert_default()
                    .push(citation.clone());
            }
            (ContentBlock::Thinking(block), Grown::Thinking(more)) => block.thinking.push_str(more),
            (ContentBlock::Thinking(block), Grown::Signature(whole)) => {
                if block.signature.is_none() {
                    block.extra.retain(|name| name != "signature");
                }
                block.signature = Some(whole.to_owned());
            }
            (ContentBlock::Compaction(block), Grown::Compaction(delta)) => {
                if delta.content.is_some() {
                    if block.content.is_none() {
                        block.extra.retain(|name| name != "content");
                    }
                    block.content.clone_from(&delta.content);
                }
                if delta.encrypted_content.is_some() {
                    if block.encrypted_content.is_none() {
                        block.extra.retain(|name| name != "encrypted_content");
                    }
                    block.encrypted_content.clone_from(&delta.encrypted_content);
                }
            }
            (ContentBlock::Unknown(_), delta) => {
                if let Some(overlay) = self.overlays.iter_mut().find(|o| o.index == index) {
                    overlay.add(delta);
                }
            }
            (_, Grown::Unknown) => {}
            _ => return Err("a delta that does not fit its block"),
        }
        Ok(())
    }

    /// Opens the block that a delta belongs to, where the server may leave its start out.
    fn open_for(&mut self, index: u32, delta: Grown<'_>) -> Result<(), Violation> {
        let is_new = self.indices.binary_search(&index).is_err() && self.is_relaxed();
        match delta {
            Grown::Text(_) if is_new => self.start(index, &ContentBlock::text("")),
            Grown::Thinking(_) if is_new => {
                self.start(index, &crate::ThinkingBlock::new("").into())
            }
            _ => Err("a delta for a block that is not open"),
        }
    }

    pub(super) fn stop(&mut self, index: u32) -> Result<(), Violation> {
        self.begun()?;
        let Some(place) = self.open.iter().position(|open| *open == index) else {
            return Err("the end of a block that is not open");
        };
        self.open.swap_remove(place);
        self.close(index);
        Ok(())
    }

    fn close(&mut self, index: u32) {
        let overlay = self.overlays.iter().position(|o| o.index == index);
        if let Some(place) = overlay {
            let overlay = self.overlays.swap_remove(place);
            self.merge(overlay);
        }
        let place = self.indices.binary_search(&index).ok();
        if let Some(whole) = place.and_then(|place| self.partial.whole.get_mut(place)) {
            *whole = true;
        }
        if let Some(tool) = self.unfinished(index) {
            tool.closed = true;
            if let Some(block) = tool.whole() {
                self.partial.unfinished.retain(|tool| tool.index != index);
                self.insert_whole(index, block);
            }
        }
    }

    pub(super) fn conclude(&mut self, delta: &MessageDelta) -> Result<(), Violation> {
        self.begun()?;
        // Before they are merged: the cost of each merge grows with what is there.
        let fields = [
            &self.partial.usage.extra,
            &self.partial.details.extra,
            &delta.usage.extra,
            &delta.details.extra,
            &delta.outer.extra,
        ];
        if fields.map(Extra::len).iter().sum::<usize>() > FIELD_LIMIT {
            return Err("more than 10,000 fields that are not modelled");
        }
        self.partial.usage.overwrite(&delta.usage);
        self.partial.details.overwrite(&delta.details);
        self.partial.details.overwrite(&delta.outer);
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

    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        if self.is_relaxed() && self.stage == Stage::Waiting {
            return Ok(());
        }
        self.begun()?;
        self.stage = Stage::Stopped;
        self.settle();
        Ok(())
    }

    /// At the end of a complete reply: closes what a server that looks alike left open. A call
    /// without input, of which neither the end nor a stop reason was seen, stays unfinished.
    pub(super) fn settle(&mut self) {
        if !self.is_relaxed() {
            return;
        }
        let reason = self.partial.stop_reason.as_ref();
        let is_said = reason.is_some_and(StopReason::closes_tool_calls);
        if reason.is_none() {
            self.admit_closed();
        }
        for index in std::mem::take(&mut self.open) {
            self.close(index);
        }
        if is_said {
            self.admit_closed();
        }
    }

    /// At the end marker of a server that looks alike.
    pub(super) fn finish_relaxed(&mut self) -> Result<(), Violation> {
        if self.is_relaxed() && self.stage == Stage::Begun {
            return self.finish();
        }
        Ok(())
    }

    /// Admits calls that stopped without any input, now that it is known that none was coming.
    fn admit_closed(&mut self) {
        if self.partial.unfinished.is_empty() {
            return;
        }
        let closed = self
            .partial
            .unfinished
            .extract_if(.., |tool| tool.is_closed_without_input());
        let closed: Vec<UnfinishedTool> = closed.collect();
        for tool in closed {
            self.insert_whole(tool.index, tool.start);
        }
    }

    fn unfinished(&mut self, index: u32) -> Option<&mut UnfinishedTool> {
        self.partial
            .unfinished
            .iter_mut()
            .find(|tool| tool.index == index)
    }

    /// Where a block belongs; blocks begin in order, so at the end.
    fn place_of(&self, index: u32) -> usize {
        match self.indices.last() {
            Some(last) if *last >= index => self.indices.partition_point(|other| *other < index),
            _ => self.indices.len(),
        }
    }

    fn insert(&mut self, index: u32, block: ContentBlock) {
        let place = self.place_of(index);
        self.indices.insert(place, index);
        self.partial.content.insert(place, block);
        self.partial.whole.insert(place, false);
    }

    fn insert_whole(&mut self, index: u32, block: ContentBlock) {
        let place = self.place_of(index);
        self.insert(index, block);
        if let Some(whole) = self.partial.whole.get_mut(place) {
            *whole = true;
        }
    }

    pub(super) fn merge(&mut self, overlay: Overlay) {
        let place = self.indices.binary_search(&overlay.index).ok();
        if let Some(block) = place.and_then(|place| self.partial.content.get_mut(place)) {
            overlay.merge(block);
        }
    }
}

/// More fields than this, which no version of the API will have, are an attack on memory.
const FIELD_LIMIT: usize = 10_000;
