//! Keys and the folder that holds them: whoever else can read or change them can lose the node its stake.

use super::finding::{Finding, Grade};
use super::machine::{FileFacts, Machine};
use std::io;
use std::path::{Path, PathBuf};

/// What was seen of the keys.
#[derive(Debug)]
pub(super) struct KeyFacts {
    pub(super) operator_path: PathBuf,
    pub(super) operator: io::Result<Option<FileFacts>>,
    pub(super) folder_path: PathBuf,
    pub(super) folder: io::Result<Option<FileFacts>>,
    /// Whether the node can write into its folder.
    pub(super) trial: io::Result<()>,
    /// The file of the withdraw authority's key, if it lies on this machine.
    pub(super) cold_at_hand: Option<PathBuf>,
}

impl KeyFacts {
    pub(super) fn of(
        machine: &impl Machine,
        operator_path: &Path,
        folder_path: &Path,
        cold_at_hand: Option<&Path>,
    ) -> Self {
        Self {
            operator_path: operator_path.to_owned(),
            operator: machine.file(operator_path),
            folder_path: folder_path.to_owned(),
            folder: machine.file(folder_path),
            trial: machine.try_writing(folder_path),
            cold_at_hand: cold_at_hand.map(Path::to_owned),
        }
    }

    /// `is_development` tells whether nothing on the network is worth anything.
    pub(super) fn grade(&self, is_development: bool) -> Vec<Finding> {
        let mut findings = vec![self.operator_key(), self.data_folder()];
        if let Some(path) = &self.cold_at_hand {
            let grade = if is_development { Grade::Note } else { Grade::Warning };
            findings.push(Finding::ill(
                grade,
                "withdraw key",
                "N0902",
                format!("the withdraw authority's key lies on this machine, in {}", path.display()),
                "a running node never needs it: keep it on a machine that is not on the network, and sign there \
                 (`assay transaction sign`)",
            ));
        }
        findings
    }

    fn operator_key(&self) -> Finding {
        const CHECK: &str = "operator key";
        let path = self.operator_path.display();
        match &self.operator {
            Ok(Some(FileFacts { mode: Some(mode), .. })) if mode & 0o077 != 0 => Finding::ill(
                Grade::Error,
                CHECK,
                "N0901",
                format!(
                    "others on this machine can get at {path} (mode {mode:03o}): who has the key can lose the stake"
                ),
                format!(
                    "chmod 600 {path}; if anybody may have read it, make another key and name it with `assay node init`"
                ),
            ),
            Ok(Some(_)) => Finding::well(CHECK, format!("{path} is its owner's alone")),
            Ok(None) => Finding::ill(
                Grade::Error,
                CHECK,
                "C0103",
                format!("{path} does not exist"),
                "bring it back from its copy, or run `assay node init` with the withdraw authority's key for another one",
            ),
            Err(error) => Finding::ill(
                Grade::Error,
                CHECK,
                "C0103",
                format!("{path} cannot be looked at: {error}"),
                "check the permissions of the folders above it",
            ),
        }
    }

    fn data_folder(&self) -> Finding {
        const CHECK: &str = "data folder";
        let path = self.folder_path.display();
        if let Err(error) = &self.trial {
            return Finding::ill(
                Grade::Error,
                CHECK,
                "N0904",
                format!("the node cannot write into {path}: {error}"),
                "give the folder to the user that runs the node, on a disk that is not full",
            );
        }
        match &self.folder {
            Ok(Some(FileFacts { mode: Some(mode), .. })) if mode & 0o022 != 0 => Finding::ill(
                Grade::Error,
                CHECK,
                "N0903",
                format!("others on this machine can write into {path} (mode {mode:03o}): its journal holds promises"),
                format!("chmod 700 {path}"),
            ),
            _ => Finding::well(CHECK, format!("{path} is its owner's to write")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(operator: u32, folder: u32) -> KeyFacts {
        let of = |mode, is_folder| Ok(Some(FileFacts { mode: Some(mode), is_folder }));
        KeyFacts {
            operator_path: "operator.json".into(),
            operator: of(operator, false),
            folder_path: "folder".into(),
            folder: of(folder, true),
            trial: Ok(()),
            cold_at_hand: None,
        }
    }

    fn codes(facts: &KeyFacts) -> Vec<(Grade, Option<String>)> {
        facts.grade(false).into_iter().map(|finding| (finding.grade, finding.code)).collect()
    }

    fn error(code: &str) -> (Grade, Option<String>) {
        (Grade::Error, Some(code.to_owned()))
    }

    #[test]
    fn a_key_that_anybody_else_can_get_at_is_an_error() {
        let well = (Grade::Well, None);
        assert_eq!(codes(&facts(0o600, 0o755)), [well.clone(), well.clone()]);
        assert_eq!(codes(&facts(0o400, 0o700)), [well.clone(), well.clone()]);
        for mode in [0o640, 0o604, 0o620, 0o601, 0o666] {
            assert_eq!(codes(&facts(mode, 0o755)), [error("N0901"), well.clone()], "{mode:o}");
        }
        for mode in [0o775, 0o757, 0o777] {
            assert_eq!(codes(&facts(0o600, mode)), [well.clone(), error("N0903")], "{mode:o}");
        }
    }

    #[test]
    fn a_missing_key_and_a_folder_that_cannot_be_written_are_errors() {
        let missing = KeyFacts { operator: Ok(None), ..facts(0, 0o700) };
        assert_eq!(codes(&missing)[0], error("C0103"));
        let hidden = KeyFacts { operator: Err(io::ErrorKind::PermissionDenied.into()), ..facts(0, 0o700) };
        assert_eq!(codes(&hidden)[0], error("C0103"));
        let full = KeyFacts { trial: Err(io::ErrorKind::StorageFull.into()), ..facts(0o600, 0o777) };
        assert_eq!(codes(&full)[1], error("N0904"));
    }

    #[test]
    fn a_cold_key_at_hand_is_named_and_matters_where_tokens_have_value() {
        let facts = KeyFacts { cold_at_hand: Some("id.json".into()), ..facts(0o600, 0o700) };
        let grade = |is_development| {
            let finding = facts.grade(is_development).pop().unwrap();
            assert!(finding.code.as_deref() == Some("N0902") && finding.found.contains("id.json"), "{finding:?}");
            finding.grade
        };
        assert_eq!((grade(false), grade(true)), (Grade::Warning, Grade::Note));
    }
}
