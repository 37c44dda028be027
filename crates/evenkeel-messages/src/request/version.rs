//! What the API versions take.

use evenkeel_error::InvalidConfig;

use super::MessageRequest;
use crate::{ApiVersion, Content, ContentBlock, MessageParam, Role};

const SAMPLING: &str = "is not a parameter of API version 2026-10-21";

pub(super) fn check(request: &MessageRequest, version: &ApiVersion) -> Result<(), InvalidConfig> {
    if *version != ApiVersion::V20261021 {
        return Ok(());
    }
    for name in ["temperature", "top_p", "top_k"] {
        if request.parameter(name).is_some() {
            return Err(InvalidConfig::new(name, SAMPLING));
        }
    }
    for MessageParam { role, content, .. } in request.messages() {
        let Content::Blocks(blocks) = content else {
            continue;
        };
        for block in blocks {
            match (role, block) {
                (Role::Assistant, ContentBlock::Document(_)) => {
                    let rule = "may not hold documents of the model under API version 2026-10-21";
                    return Err(InvalidConfig::new("messages", rule));
                }
                (Role::User, ContentBlock::Text(text))
                    if text.citations.as_ref().is_some_and(|all| !all.is_empty()) =>
                {
                    let rule = "may not hold citations of the user under API version 2026-10-21";
                    return Err(InvalidConfig::new("messages", rule));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
