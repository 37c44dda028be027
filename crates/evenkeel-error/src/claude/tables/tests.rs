use std::collections::BTreeSet;

use super::*;
use crate::{ErrorKind, Recovery};

const README: &str = include_str!("../../../README.md");

/// Every code that the API's documentation gives a reaction for on a Messages call.
const ON_MESSAGES: &str = "available_tools_limit_exceeded tool_name_conflict \
    tool_reference_unresolved image_dimensions_too_large request_body_encoding_invalid \
    request_body_encoding_unsupported user_profile_required compaction_block_ambiguous \
    compaction_block_misplaced compaction_content_mismatch compaction_incomplete_turn \
    compaction_nothing_to_summarize compaction_signature_invalid \
    compaction_too_many_tool_references compaction_tool_changes_mismatch organization_on_hold \
    claude_code_key_creator_not_member claude_code_version_too_old cmek_key_disabled \
    cmek_key_network_blocked thread_already_continued thread_continue_in_flight \
    thread_fingerprint_mismatch thread_unsupported_request thread_not_found \
    linked_organization_billing_unavailable linked_organization_spend_limit_reached \
    user_profile_billing_not_authorized user_profile_not_billable \
    skill_read_blocked_undecryptable request_body_too_large_after_decoding ramp_limit_exceeded \
    enforced_spend_limit_reached contract_spend_limit_reached cmek_key_unreachable \
    compaction_unavailable file_expired file_not_downloadable storage_quota_exceeded \
    user_profile_not_found organization_type_not_supported request_body_timeout \
    sandbox_egress_restricted concurrent_membership_change heartbeat_precondition_failed \
    cmek_context_unavailable registration_pending unsupported_charset scan_pending";

#[test]
fn every_documented_code_is_in_the_table() {
    for code in ON_MESSAGES.split_whitespace() {
        assert!(CODES.iter().any(|known| known.name == code), "{code}");
    }
    assert!(
        CODES.len() >= 100,
        "the official SDKs know 100 pairs of status and code"
    );
}

#[test]
fn a_code_stands_once_and_with_advice_of_its_own() {
    let names: BTreeSet<_> = CODES.iter().map(|code| code.name).collect();
    assert_eq!(names.len(), CODES.len());
    for code in CODES {
        assert!((400..600).contains(&code.status), "{}", code.name);
        assert!(code.advice.ends_with('.'), "{}", code.name);
        assert!(
            code.name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        );
    }
}

#[test]
fn only_concurrent_changes_outweigh_what_helps_against_their_kind() {
    for code in CODES.iter().filter(|code| code.recovery.is_some()) {
        assert_eq!(code.kind, ErrorKind::Conflict, "{}", code.name);
        assert_eq!(code.recovery, Some(Recovery::BackOff), "{}", code.name);
    }
}

#[test]
fn messages_are_looked_for_in_lower_case() {
    let prefixes = PREFIXES
        .iter()
        .flat_map(|prefix| [prefix.starts, prefix.holds]);
    for text in prefixes.chain(FRAGMENTS.iter().map(|(part, _)| *part)) {
        assert_eq!(text, text.to_ascii_lowercase());
        assert!(text.is_ascii());
    }
}

#[test]
fn every_kind_has_a_label_advice_and_a_row_in_the_readme() {
    let labels: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.label()).collect();
    assert_eq!(labels.len(), ErrorKind::ALL.len());
    for &kind in ErrorKind::ALL {
        assert!(advice(kind).ends_with('.'), "{kind}");
        let recovery = match kind {
            ErrorKind::CircuitOpen => "after",
            _ => recovery(kind).label(),
        };
        let row = format!("| `{kind}` | `{}` | `{recovery}` |", kind.category());
        assert!(
            README.contains(&row),
            "the README has no row that begins with {row}"
        );
    }
}

#[test]
fn the_readme_has_no_row_of_a_kind_that_is_not_there() {
    let rows = README
        .lines()
        .filter(|line| line.matches("` | `").count() == 2);
    for row in rows {
        let label = row.split('`').nth(1).unwrap();
        assert!(
            ErrorKind::ALL.iter().any(|kind| kind.label() == label),
            "{row}"
        );
    }
}
