//! Where packages and what is made of them are kept between runs: the folder that `cargo xtask` keeps its tools in, too.

use crate::error::PretrainedError;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The folder of everything that is fetched once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
}

/// A folder that is filled and then renamed into place; removed if it never is.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
}

impl Cache {
    /// `ASSAY_CACHE`, else `assay` in the user's cache folder.
    ///
    /// # Errors
    /// `W0101` where no variable names a folder.
    pub fn standard() -> Result<Self, PretrainedError> {
        Self::from_variables(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
    }

    fn from_variables(set: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, PretrainedError> {
        set("ASSAY_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("assay")))
            .or_else(|| set("HOME").map(|folder| folder.join(".cache/assay")))
            .map(Self::at)
            .ok_or(PretrainedError::NoCache)
    }

    /// A cache in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder of wheels.
    pub fn packages(&self) -> PathBuf {
        self.folder.join("packages")
    }

    /// The folder of unpacked packages and of models built from them.
    pub fn models(&self) -> PathBuf {
        self.folder.join("models")
    }

    /// The Python environment of the peers.
    pub(crate) fn peers(&self) -> PathBuf {
        self.folder.join("peers")
    }
}

impl Staging {
    /// An empty folder beside what it becomes, of this process alone.
    pub(crate) fn beside(target: &Path) -> Result<Self, PretrainedError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = target.parent().unwrap_or(target);
        let unique = format!(".staging-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = parent.join(unique);
        std::fs::create_dir_all(&path).map_err(|error| PretrainedError::file("create", &path, error))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder visible under its final name. Somebody else may have done the same a moment earlier: theirs stays.
    pub(crate) fn become_folder(self, target: &Path) -> Result<(), PretrainedError> {
        match std::fs::rename(&self.path, target) {
            Err(error) if !target.is_dir() => Err(PretrainedError::file("create", target, error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Where it was renamed there is nothing left to remove.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_named_by_the_first_variable_that_is_set() {
        let of = |pairs: &'static [(&str, &str)]| {
            Cache::from_variables(|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| PathBuf::from(pair.1)))
        };
        let all = of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("ASSAY_CACHE", "/a")]).unwrap();
        assert_eq!(all.packages(), Path::new("/a/packages"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]).unwrap(), Cache::at("/x/assay"));
        assert_eq!(of(&[("HOME", "/h")]).unwrap().models(), Path::new("/h/.cache/assay/models"));
        assert!(of(&[]).unwrap_err().to_string().starts_with("W0101"));
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model");
        let abandoned = Staging::beside(&target).unwrap();
        std::fs::write(abandoned.path().join("half"), "x").unwrap();
        drop(abandoned);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
        for content in ["first", "second"] {
            let staging = Staging::beside(&target).unwrap();
            std::fs::write(staging.path().join("file"), content).unwrap();
            staging.become_folder(&target).unwrap();
        }
        assert_eq!(std::fs::read_to_string(target.join("file")).unwrap(), "first", "who came first stays");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
