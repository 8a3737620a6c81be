//! Places at which a test can make the process die, as a power cut would. Compiled into development builds only.
//!
//! Every promise has three: `…_signed` (written down, not sent), `…_unrecorded` (its fate is known, the journal does not
//! know it yet), `…_landed` (written down).

/// All places, in the order in which a job reaches them; the last three are those of a missed deadline.
pub const NAMES: &[&str] = &[
    "after_admit",
    "after_claim_signed",
    "after_claim_unrecorded",
    "after_claim_landed",
    "after_run",
    "after_publish",
    "after_execute",
    "after_commit_signed",
    "after_commit_unrecorded",
    "after_commit_landed",
    "after_finalise_signed",
    "after_finalise_unrecorded",
    "after_finalise_landed",
    "after_withdraw_signed",
    "after_withdraw_unrecorded",
    "after_withdraw_landed",
    "after_expire_signed",
    "after_expire_unrecorded",
    "after_expire_landed",
];

/// The places of a segment that is computed again and signed, in order.
pub const SEGMENT_NAMES: &[&str] =
    &["after_segment_run", "after_segment_promised", "after_segment_stored", "after_segment_noted"];

/// The places of an answer in a dispute, in order.
pub const ANSWER_NAMES: &[&str] = &[
    "before_root_recorded",
    "after_root_recorded",
    "after_buffer_opened",
    "after_buffer_written",
    "after_answer",
    "after_buffer_closed",
];

/// The places of a session, in the order in which it reaches them.
pub const SESSION_NAMES: &[&str] = &[
    "after_session_admit",
    "after_accept_signed",
    "after_accept_unrecorded",
    "after_accept_landed",
    "after_receipt_run",
    "after_receipt_promised",
    "after_receipt_signed",
    "after_record_signed",
    "after_record_unrecorded",
    "after_record_landed",
    "after_session_finalise_signed",
    "after_session_finalise_unrecorded",
    "after_session_finalise_landed",
    "after_session_withdraw_signed",
    "after_session_withdraw_unrecorded",
    "after_session_withdraw_landed",
];

/// The places of a receipt that is called in, in order, up to where the job is one like any other.
pub const RECEIPT_NAMES: &[&str] = &["after_adopt_run", "after_adopt_stored", "after_adopt"];

/// Ends the process with what SIGKILL would do if the environment variable `ASSAY_FAILPOINT` names this place.
#[cfg(debug_assertions)]
pub(crate) fn reach(place: &str) {
    debug_assert!(
        [NAMES, SEGMENT_NAMES, ANSWER_NAMES, SESSION_NAMES, RECEIPT_NAMES].concat().contains(&place),
        "{place} is not listed"
    );
    if std::env::var("ASSAY_FAILPOINT").is_ok_and(|wanted| wanted == place) {
        tracing::error!(place, "failpoint: the process dies here");
        // Neither destructors nor atexit handlers run: nothing is flushed that was not already durable.
        std::process::abort();
    }
}

/// Nothing in release builds.
#[cfg(not(debug_assertions))]
pub(crate) fn reach(_place: &str) {}
