//! Why a service does not take work: each reason with a stable code.

use serde::{Deserialize, Serialize};

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code.
    pub code: String,
    /// What is so, and what to do about it.
    pub words: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: &str, words: impl Into<String>) -> Self {
        Self { code: code.to_owned(), words: words.into() }
    }
}

/// Whether a service takes work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether it does.
    pub ready: bool,
    /// Why not; all reasons, the gravest first.
    pub reasons: Vec<Reason>,
}

impl Readiness {
    /// Ready if nothing stands against it.
    pub fn of(reasons: Vec<Reason>) -> Self {
        Self { ready: reasons.is_empty(), reasons }
    }

    /// `ready`, or every reason.
    pub fn words(&self) -> String {
        if self.ready {
            return "ready".to_owned();
        }
        self.reasons.iter().map(|reason| format!("{} {}", reason.code, reason.words)).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_nothing_stands_against_it() {
        assert_eq!(Readiness::of(Vec::new()).words(), "ready");
        let not = Readiness::of(vec![Reason::new("N0521", "no slot"), Reason::new("N0406", "lamports")]);
        assert!(!not.ready);
        assert_eq!(not.words(), "N0521 no slot\nN0406 lamports");
        assert!(!Readiness::default().ready, "nobody is ready before somebody looked");
    }
}
