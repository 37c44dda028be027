//! `error.details.error_code`: every code that the API documents, by status.

use crate::{ErrorKind, Recovery};

/// What a code means.
pub(in crate::claude) struct Code {
    /// The status it is documented with.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the table reads like its source")
    )]
    pub(in crate::claude) status: u16,
    pub(in crate::claude) name: &'static str,
    pub(in crate::claude) kind: ErrorKind,
    /// What helps, where it is not what helps against the kind.
    pub(in crate::claude) recovery: Option<Recovery>,
    pub(in crate::claude) advice: &'static str,
}

macro_rules! codes {
    (@recovery) => { None };
    (@recovery $recovery:ident) => { Some(Recovery::$recovery) };
    ($($status:literal $name:ident $kind:ident $($recovery:ident)?, $advice:literal;)+) => {
        pub(in crate::claude) const CODES: &[Code] = &[$(Code {
            status: $status,
            name: stringify!($name),
            kind: ErrorKind::$kind,
            recovery: codes!(@recovery $($recovery)?),
            advice: $advice,
        },)+];
    };
}

codes! {
    // 400: the request.
    400 available_tools_limit_exceeded InvalidRequest, "Too many tools, or too large ones, are available after a message. Offer fewer, or shorten their schemas.";
    400 file_not_downloadable InvalidRequest, "Only files that a tool generated can be downloaded; this one was uploaded. Use your own copy.";
    400 image_dimensions_too_large InvalidRequest, "Scale the images at the listed paths down to the stated side, or leave them out; then the same request goes through.";
    400 invalid_config_type_change InvalidRequest, "The type of an environment's configuration cannot change. Create another environment.";
    400 invalid_metadata InvalidRequest, "The metadata has too many keys, too long ones, or a reserved one. The message names each.";
    400 request_body_encoding_invalid InvalidRequest, "The body is not what its Content-Encoding says. Check what compresses it, or send it uncompressed.";
    400 request_body_encoding_unsupported InvalidRequest, "The API does not take this Content-Encoding. Send the body uncompressed.";
    400 request_body_timeout ServerTimeout, "The request's body did not arrive in time, and nothing was done. Send less, or over a faster connection, and retry.";
    400 tool_name_conflict InvalidRequest, "Two tools, or two MCP servers, give the same name to a tool. Rename one.";
    400 tool_reference_unresolved InvalidRequest, "The conversation refers to a tool or MCP server that is not defined at that point. Define it, or drop the reference.";
    400 unsupported_charset InvalidRequest, "The Content-Type names a charset that the API does not take. Send UTF-8.";
    400 user_profile_not_found InvalidRequest, "The user profile does not exist in this organization, or is no longer active. Check its id.";
    400 user_profile_required InvalidRequest, "The request is to be billed to a user profile but names none. Set the anthropic-user-profile-id header.";
    400 storage_quota_exceeded InvalidRequest, "The organization's file storage is full. Delete files, then upload again.";
    // 400: compaction. The block must come back exactly as it was returned.
    400 compaction_block_ambiguous InvalidRequest, "The messages hold more than one compaction block with content. Send only the last one.";
    400 compaction_block_misplaced InvalidRequest, "The compaction block must be the first block of the conversation, and not in a system message.";
    400 compaction_content_mismatch InvalidRequest, "The compaction block's content was changed. Send the block back as it was returned.";
    400 compaction_incomplete_turn InvalidRequest, "The conversation ends in the middle of an assistant turn. Finish the turn, then compact.";
    400 compaction_nothing_to_summarize InvalidRequest, "There is no user or assistant content to summarize. Compact later.";
    400 compaction_signature_invalid InvalidRequest, "The compaction block's signature does not verify. Send the block back as it was returned.";
    400 compaction_too_many_tool_references InvalidRequest, "The conversation refers to more tools than a compaction block records. Use fewer, or start over.";
    400 compaction_tool_changes_mismatch InvalidRequest, "The compaction block's tool_changes were changed. Send the block back as it was returned.";
    // 400 and 404: threads. The conversation can always be replayed whole, as a new request.
    400 thread_already_continued InvalidRequest, "Each response of a thread can be continued once. Continue from the latest one, or replay the whole conversation as a new thread.";
    400 thread_continue_in_flight InvalidRequest, "Another request is continuing this thread. Wait for its response and continue from it, or replay the whole conversation as a new thread.";
    400 thread_fingerprint_mismatch InvalidRequest, "A field that a thread fixes has changed; the message names it. Send its first value, or replay the whole conversation as a new thread.";
    400 thread_unsupported_request InvalidRequest, "A thread cannot do what the request asks. Send the whole conversation without a thread, or drop that feature.";
    404 thread_not_found NotFound, "The thread has expired: they live for minutes. Replay the whole conversation as a new thread.";
    // 400: the account. A person must act.
    400 organization_on_hold PermissionDenied, "The organization is on hold for trust and safety reasons. An owner must appeal, where the server gives a link for it; no request is served before.";
    400 claude_code_key_creator_not_member PermissionDenied, "Whoever created this key has left the organization or the workspace. Create a key of a present member.";
    400 claude_code_version_too_old InvalidRequest, "This version of Claude Code is too old for the model or the organization. Update it.";
    400 cmek_key_disabled PermissionDenied, "The workspace's own encryption key is disabled or revoked. Enable it in the key management service, then send again.";
    400 cmek_key_network_blocked PermissionDenied, "The key management service's network rules keep Anthropic from the workspace's encryption key. Allow it there.";
    400 cmek_feature_unsupported InvalidRequest, "This settings document cannot be read or replaced at present. Contact support, or delete it if it is not needed.";
    400 organization_not_enrolled_in_beta InvalidRequest, "The beta that the endpoint needs is not enabled for the organization; the message names it.";
    400 organization_type_not_supported InvalidRequest, "The endpoint does not serve this type of organization.";
    400 parent_organization_required InvalidRequest, "The endpoint serves only organizations that belong to a parent organization.";
    // 400: administration.
    400 already_member InvalidRequest, "This address already belongs to a member.";
    400 bundle_attachment_not_supported InvalidRequest, "The bundle has an attachment that the API cannot edit. Change it in claude.ai.";
    400 bundle_on_call InvalidRequest, "The bundle's instructions are managed in claude.ai. Change them there.";
    400 cannot_invite_emails_with_unverified_domains InvalidRequest, "The address is not in a verified domain of the parent organization. Verify the domain first.";
    400 cannot_remove_last_member InvalidRequest, "This is the only member. Add another one first.";
    400 cannot_sign_out_primary_owner InvalidRequest, "The primary owner cannot be signed out by a key or token.";
    400 cannot_sign_out_self InvalidRequest, "A key or token cannot sign out the person it belongs to.";
    400 email_domain_not_allowed InvalidRequest, "The organization does not invite addresses of this domain. Change its list of domains first.";
    400 environment_archived InvalidRequest, "The environment is archived and cannot be changed. Create another one.";
    400 external_key_in_workspace_policy InvalidRequest, "The workspace policy lists this external key. Take it off the list first.";
    400 external_key_validation_failed InvalidRequest, "The external key did not pass validation; the message says why. Correct it in the key management service.";
    400 external_key_validation_timed_out ServerTimeout, "The external key was not validated in time. Wait a moment and send again.";
    400 invite_already_exists InvalidRequest, "An invite to this address is pending; the message names it.";
    400 key_profile_mismatch InvalidRequest, "The external key and the workspace must have the same user profile, or both none.";
    400 org_api_key_limit_exceeded InvalidRequest, "The organization has as many active API keys as it may. Deactivate one first.";
    400 org_member_limit_exceeded InvalidRequest, "The organization has as many members and invites as it may. Remove one, or ask for a higher limit.";
    400 rbac_group_grants_owner_access InvalidRequest, "A role of this group grants owner access, which the API does not change. Use the admin settings.";
    400 rbac_group_order_limit_exceeded InvalidRequest, "The order has as many groups as it may. Delete another group's settings first.";
    400 rbac_group_owner_access_unconfirmed InvalidRequest, "It could not be told whether a group grants owner access; nothing changed, and a retry does not help. Use the admin settings.";
    400 scan_failed InvalidRequest, "The plugin version did not pass its content scan. Publish another version.";
    400 settings_document_limit_exceeded InvalidRequest, "The organization has as many settings documents as it may. Remove unused ones.";
    400 settings_history_limit_exceeded InvalidRequest, "The organization's settings history is full, which only support can change.";
    400 slack_channel_set_up_settings_refused InvalidRequest, "The channel is set up, but its settings were refused. Correct them and send them alone.";
    400 workspace_api_key_limit_exceeded InvalidRequest, "The workspace has as many active API keys as it may. Deactivate one first.";
    400 workspace_member_limit_exceeded InvalidRequest, "The workspace has as many members as it may. Remove one, or ask for a higher limit.";
    400 workspace_policy_violation InvalidRequest, "The workspace policy forbids this; the message names the rule. An admin can change it in the Console.";
    // 402: somebody else's bill.
    402 linked_organization_billing_unavailable Billing, "The organization behind the user profile cannot be billed at present, for reasons of its own account. Its owner must act.";
    402 linked_organization_spend_limit_reached QuotaExhausted, "The organization behind the user profile has reached its spend limit or has no credit. Its owner must act.";
    // 403: not with this credential.
    403 api_key_scope_missing PermissionDenied, "The key lacks the scope that this needs. Create a key that has it.";
    403 cannot_sign_out_managed_member PermissionDenied, "This credential cannot sign out a managed member; the message says which can.";
    403 cannot_sign_out_membership_admin PermissionDenied, "This credential cannot sign out a membership admin.";
    403 cannot_sign_out_owner PermissionDenied, "This credential cannot sign out an owner. In an Enterprise organization a key with the scope write:members can.";
    403 cannot_sign_out_privileged_member PermissionDenied, "An OAuth token cannot sign out a member with these roles.";
    403 claude_tag_writes_not_enabled PermissionDenied, "The organization may not change anything through this API. Have it enabled.";
    403 compliance_configuration_restricted PermissionDenied, "The organization's compliance configuration forbids storing anything new.";
    403 environment_create_disabled PermissionDenied, "Creating environments is turned off for this organization. Use an existing one.";
    403 environment_update_disabled PermissionDenied, "Changing environments is turned off for this organization.";
    403 organization_level_scoped_api_key_required PermissionDenied, "This needs a scoped API key that is bound to the organization.";
    403 sandbox_egress_restricted PermissionDenied, "The call comes from a sandbox with restricted network access. Make it from outside, or lift the restriction.";
    403 spend_limits_admin_api_writes_not_enabled PermissionDenied, "The organization cannot manage spend limits with an Admin API key. Use the Console.";
    403 user_profile_billing_not_authorized PermissionDenied, "The customer behind the user profile has not, or no longer, authorized billing. Have it authorized.";
    403 user_profile_not_billable PermissionDenied, "The user profile cannot be billed; the server does not say why. Bill another one, or ask support.";
    // 404: gone or never there.
    404 environment_not_found NotFound, "No environment of this organization has this id.";
    404 file_expired NotFound, "The file has expired and its content is gone. Upload it again.";
    404 rbac_group_managed_settings_not_found NotFound, "This group has no managed settings.";
    404 rbac_group_not_found NotFound, "No group of this organization has this id.";
    404 rbac_role_not_found NotFound, "No role has this id.";
    404 slack_channel_set_up_environment_not_found NotFound, "No environment has this id; the channel is set up without settings. Send the settings again with another one.";
    // 409 and 412: the state is another one. Concurrent changes pass, the rest does not.
    409 concurrent_membership_change Conflict BackOff, "Another change to the members is in progress. The same request goes through once it is done.";
    409 external_key_changed Conflict BackOff, "The external key changed while it was being validated. Send the request again.";
    409 plugin_name_taken Conflict, "The marketplace already holds this name. Choose another one.";
    409 scan_pending Conflict BackOff, "The content scan is still running. The same request goes through once it is done.";
    409 skill_name_taken Conflict, "An organization skill has this name. Choose another one.";
    409 skill_read_blocked_undecryptable Conflict, "A skill is stored under an encryption key that cannot be used now. Make the key available again.";
    409 slack_channel_set_up_settings_conflict Conflict, "The channel was changed or removed meanwhile, and no setting was stored. Read it again first.";
    412 heartbeat_precondition_failed Conflict, "The heartbeat is not the stored one: another worker may hold the lease. Stop this one.";
    // 413: large in disguise.
    413 request_body_too_large_after_decoding RequestTooLarge, "The compressed body is too large once decoded. The limit counts decoded bytes: send less.";
    // 429: only one of these lifts by itself within minutes.
    429 contract_spend_limit_reached QuotaExhausted, "The spend limit of the organization's contract is reached. No retry helps: talk to Anthropic's sales.";
    429 enforced_spend_limit_reached QuotaExhausted, "The monthly spend cap of the account's tier is reached. No retry helps before the stated date: raise the tier in the Console under Limits.";
    429 ramp_limit_exceeded RateLimited, "The load grew faster than the account may grow. Wait as long as the server says, then raise the load slowly.";
    // 503 and 529: transient.
    503 cmek_context_unavailable ServerError, "The workspace's encryption settings could not be read. This passes in minutes; retry.";
    503 cmek_key_unreachable ServerError, "The workspace's encryption key could not be reached. Retry; if it persists, check the key management service.";
    503 registration_pending ServerError, "The plugin version is stored but not usable yet. It will be in minutes.";
    529 compaction_unavailable Overloaded, "The compaction could not be done for a passing reason. Retry it, or go on without.";
}
