//! Where in the folder everything is. Paths are made of hashes only, never of text that somebody sent.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::StoredArtifact;
use crate::error::{Result, StoreError};
use crate::id::ArtifactId;

/// Hexadecimal digits of an id that name its sub-folder: 256 of them keep each small.
const SHARD_DIGITS: usize = 2;

/// The paths of a store.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the folders below `root` that are not there.
    pub(super) fn create(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root).map_err(|error| StoreError::io("find the folder", root, error))?;
        let layout = Self { root };
        for folder in [layout.objects(), layout.partials(), layout.temporary()] {
            fs::create_dir_all(&folder).map_err(|error| StoreError::io("make the folder", &folder, error))?;
        }
        sync_folder(&layout.root)?;
        Ok(layout)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    pub(super) fn partials(&self) -> PathBuf {
        self.root.join("partial")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.root.join("temporary")
    }

    pub(super) fn object(&self, id: &ArtifactId) -> PathBuf {
        let digits = id.to_string();
        let (shard, rest) = digits.split_at(SHARD_DIGITS);
        self.objects().join(shard).join(rest)
    }

    pub(super) fn partial(&self, id: &ArtifactId) -> PathBuf {
        self.partials().join(id.to_string())
    }

    /// Renames the finished file `from` to the artifact's path, durably.
    pub(super) fn adopt(&self, from: &Path, id: &ArtifactId) -> Result<()> {
        let path = self.object(id);
        let shard = path.parent().unwrap_or(&self.root);
        match fs::create_dir(shard) {
            Ok(()) => sync_folder(&self.objects())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io("make the folder", shard, error)),
        }
        fs::rename(from, &path).map_err(|error| StoreError::io("move into place", &path, error))?;
        sync_folder(shard)
    }

    /// Length and age of an artifact, if it is there.
    pub(super) fn stored(&self, id: &ArtifactId) -> Result<Option<StoredArtifact>> {
        let path = self.object(id);
        match fs::metadata(&path) {
            Ok(metadata) => described(*id, &path, &metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("look at", &path, error)),
        }
    }

    /// All artifacts, in order of their ids.
    pub(super) fn list(&self) -> Result<Vec<StoredArtifact>> {
        let mut artifacts = Vec::new();
        for (shard, shard_path) in entries(&self.objects())? {
            if !shard_path.is_dir() {
                continue;
            }
            for (rest, path) in entries(&shard_path)? {
                let Ok(id) = format!("{shard}{rest}").parse::<ArtifactId>() else { continue };
                if path == self.object(&id) {
                    artifacts.extend(self.stored(&id)?);
                }
            }
        }
        artifacts.sort_by_key(|artifact| artifact.id);
        Ok(artifacts)
    }
}

fn described(id: ArtifactId, path: &Path, metadata: &fs::Metadata) -> Result<Option<StoredArtifact>> {
    if !metadata.is_file() {
        return Ok(None);
    }
    let modified = metadata.modified().map_err(|error| StoreError::io("look at", path, error))?;
    Ok(Some(StoredArtifact { id, bytes: metadata.len(), modified }))
}

/// Names and paths of what is in a folder; names that are not UTF-8 are not ours.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let failed = |error| StoreError::io("list the folder", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// Makes a rename in `folder` survive a power cut. Only Unix lets a folder be flushed; elsewhere the file system does it.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| StoreError::io("flush the folder", folder, error))?;
    }
    Ok(())
}
