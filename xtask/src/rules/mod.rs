//! Rules of the workspace that no compiler checks.

pub(crate) mod dependencies;
pub(crate) mod printing;
