//! What stops claims, with a stable code each.

use serde::{Deserialize, Serialize};

/// Why a node claims nothing for now. The gravest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A backend computed something else than the scalar reference.
    Mismatch,
    /// The RPC endpoints contradict each other.
    Disagreement,
    /// Promises failed, one after the other.
    Failures,
    /// Runs are much slower than the same runs were.
    Slowdown,
    /// The operator key holds few lamports.
    Balance,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Mismatch, Self::Disagreement, Self::Failures, Self::Slowdown, Self::Balance];

    /// Its code as the reason why a job is not taken and why the node is not ready.
    pub fn code(self) -> &'static str {
        match self {
            Self::Failures => "N0241",
            Self::Mismatch => "N0242",
            Self::Slowdown => "N0243",
            Self::Balance => "N0244",
            Self::Disagreement => "N0245",
        }
    }

    /// Its name in records, metrics and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Disagreement => "disagreement",
            Self::Failures => "failures",
            Self::Slowdown => "slowdown",
            Self::Balance => "balance",
        }
    }

    /// The cause of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_cause_has_a_name_and_a_code_of_its_own() {
        let codes: BTreeSet<_> = Cause::ALL.map(Cause::code).into();
        assert_eq!(codes.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            assert_eq!(Cause::of_name(cause.name()), Some(cause));
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
        assert_eq!(Cause::of_name("weather"), None);
    }
}
