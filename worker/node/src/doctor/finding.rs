//! What an examination found, and how grave it is.

use serde::Serialize;

/// How grave a finding is; graver ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Well,
    /// Worth knowing; nothing has to be done.
    Note,
    /// The node works, but earns less than it could or will be in trouble later.
    Warning,
    /// The node cannot do its work, or its stake is at risk.
    Error,
}

impl Grade {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How grave it is.
    pub grade: Grade,
    /// What was looked at.
    pub check: &'static str,
    /// Stable code of what is wrong; nothing if all is well.
    pub code: Option<String>,
    /// What was found, with the numbers.
    pub found: String,
    /// What to do about it; nothing if all is well.
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn well(check: &'static str, found: impl Into<String>) -> Self {
        Self { grade: Grade::Well, check, code: None, found: found.into(), remedy: None }
    }

    /// Something is not as it should be.
    pub fn ill(
        grade: Grade,
        check: &'static str,
        code: &str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { grade, check, code: Some(code.to_owned()), found: found.into(), remedy: Some(remedy.into()) }
    }

    /// What a library reports with its own code in front or beside it. Not every text of a library says what to do.
    pub fn of_error(
        grade: Grade,
        check: &'static str,
        code: &str,
        error: &dyn std::fmt::Display,
        remedy: impl Into<String>,
    ) -> Self {
        let text = error.to_string();
        let found = text.strip_prefix(code).map_or(text.as_str(), |rest| rest.trim_start_matches([':', ' ']));
        Self::ill(grade, check, code, found, remedy)
    }

    /// The same, at most as grave as `grade`.
    #[must_use]
    pub fn at_most(self, grade: Grade) -> Self {
        Self { grade: self.grade.min(grade), ..self }
    }
}

/// The gravest of all; well where nothing was looked at.
pub fn gravest<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Grade {
    findings.into_iter().map(|finding| finding.grade).max().unwrap_or(Grade::Well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_decides_and_a_cap_lowers_but_never_raises() {
        let error = Finding::ill(Grade::Error, "disk", "N0910", "full", "empty it");
        let note = Finding::ill(Grade::Note, "disk", "N0910", "fuller", "nothing");
        assert_eq!(gravest([]), Grade::Well);
        assert_eq!(gravest([&note, &error, &Finding::well("clock", "right")]), Grade::Error);
        assert_eq!(error.at_most(Grade::Warning).grade, Grade::Warning);
        assert_eq!(note.at_most(Grade::Warning).grade, Grade::Note);
    }

    #[test]
    fn a_code_in_front_of_an_errors_text_is_not_said_twice() {
        let finding = Finding::of_error(Grade::Error, "journal", "N0101", &"N0101 it is in use", "end it");
        assert_eq!((finding.code.as_deref(), finding.found.as_str()), (Some("N0101"), "it is in use"));
        assert_eq!(finding.remedy.as_deref(), Some("end it"));
    }
}
