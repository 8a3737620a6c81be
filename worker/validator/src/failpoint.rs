//! Places at which a test can make the process die, as a power cut would. Compiled into development builds only.

/// All places, in the order in which a dispute reaches them.
pub const NAMES: &[&str] = &[
    "after_audit",
    "after_seal",
    "after_commit_signed",
    "after_commit_landed",
    "after_reveal_signed",
    "after_reveal_landed",
    "after_upload_part",
    "after_upload",
    "after_prove_signed",
    "after_prove_landed",
    "after_settle_landed",
    "after_close_landed",
];

/// Ends the process with what SIGKILL would do if the environment variable `ASSAY_VALIDATOR_FAILPOINT` names this place.
#[cfg(debug_assertions)]
pub(crate) fn reach(place: &str) {
    if std::env::var("ASSAY_VALIDATOR_FAILPOINT").is_ok_and(|wanted| wanted == place) {
        tracing::error!(place, "failpoint: the process dies here");
        // Neither destructors nor atexit handlers run: nothing is flushed that was not already durable.
        std::process::abort();
    }
}

/// Nothing in release builds.
#[cfg(not(debug_assertions))]
pub(crate) fn reach(_place: &str) {}
