//! What is not tested is said.

use std::io::Write;

/// Says that `what` was not tested on this machine, and why: past what holds back the output of tests that pass.
pub(super) fn not_tested(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "NOT TESTED: {what}, because {why}");
}
