//! Files of many types, made here: the same bytes on every machine for one seed. They calibrate Magika's network, and a part of
//! what it is measured with.

mod binary;
mod code;
mod random;
mod template;
mod text;

use crate::error::PretrainedError;
use random::Random;
use std::path::{Path, PathBuf};

/// The seed of the files that calibrate.
pub const CALIBRATION_SEED: u64 = 1;
/// The seed of the files that measure.
pub const HELD_OUT_SEED: u64 = 2;
/// How many files of each type calibrate.
pub const CALIBRATION_VARIANTS: u32 = 4;

/// A file that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Name with the extension of its type.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Files of every type: so many of each, different from each other.
pub fn all(seed: u64, variants: u32) -> Vec<Sample> {
    let mut samples = Vec::new();
    for variant in 0..variants {
        for (index, template) in code::TYPES.iter().chain(text::TYPES).enumerate() {
            let mut random = Random::new(&[seed, u64::from(variant), index as u64]);
            let content = template.fill(&mut random).into_bytes();
            samples.push(Sample { name: format!("{variant}-{}", template.name), content });
        }
        for (index, (name, make)) in binary::TYPES.iter().enumerate() {
            let mut random = Random::new(&[seed, u64::from(variant), 1_000 + index as u64]);
            samples.push(Sample { name: format!("{variant}-{name}"), content: make(&mut random) });
        }
    }
    samples
}

/// All files below a folder, in an order that is the same everywhere. Links are not followed.
///
/// # Errors
/// `W0102` for a folder that cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, PretrainedError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error| PretrainedError::file("read", &folder, error);
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn files_are_the_same_for_one_seed_and_differ_otherwise() {
        let made = all(1, 2);
        assert_eq!(made, all(1, 2));
        assert!(made.len() >= 2 * 70, "{}", made.len());
        let contents: HashSet<&[u8]> = made.iter().map(|sample| &sample.content[..]).collect();
        assert_eq!(contents.len(), made.len(), "no two are alike");
        let names: HashSet<&str> = made.iter().map(|sample| &sample.name[..]).collect();
        assert_eq!(names.len(), made.len());
        assert!(all(2, 2).iter().all(|sample| !contents.contains(&sample.content[..])));
        assert!(made.iter().all(|sample| sample.content.len() >= 60), "long enough to judge");
    }

    #[test]
    fn files_are_found_in_folders_in_folders() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c", "b/x", "a"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let found = files_below(folder.path()).unwrap();
        assert_eq!(found, ["a", "b/x", "c"].map(|name| folder.path().join(name)));
        assert!(files_below(&folder.path().join("none")).unwrap_err().to_string().starts_with("W0102"));
    }
}
