//! Places at which a test can make the process die, as a power cut would. Compiled into development builds only.

/// Kills the process with SIGKILL's effect if the environment variable `ASSAY_FAILPOINT` names this place.
#[cfg(debug_assertions)]
pub(crate) fn reach(place: &str) {
    if std::env::var("ASSAY_FAILPOINT").is_ok_and(|wanted| wanted == place) {
        tracing::error!(place, "failpoint: the process dies here");
        // Neither destructors nor atexit handlers run: nothing is flushed that was not already durable.
        std::process::abort();
    }
}

/// Nothing in release builds.
#[cfg(not(debug_assertions))]
pub(crate) fn reach(_place: &str) {}
