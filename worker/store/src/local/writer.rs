//! One artifact being written: a locked file outside `objects`, hashed as it grows.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::CHUNK_BYTES;
use super::layout::{self, Layout};
use crate::error::{Result, StoreError};
use crate::id::{ArtifactHasher, ArtifactId};

/// What becomes of the file when its writer is dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    /// It goes away.
    Remove,
    /// It stays, to be resumed, unless there is nothing in it.
    Keep,
    /// It has become an artifact; its path here is no longer ours.
    Nothing,
}

/// Writes and hashes one artifact. Blocks on the disk.
pub(crate) struct ObjectWriter {
    file: File,
    path: PathBuf,
    hasher: ArtifactHasher,
    bytes: u64,
    on_drop: OnDrop,
}

/// The outcome of taking up an unfinished download.
pub(crate) enum Resumed {
    /// Ours to go on with; what had arrived before is hashed again.
    Writer(ObjectWriter),
    /// Another task or process is downloading it.
    Busy,
}

impl ObjectWriter {
    /// A new file that goes away unless it is committed.
    pub(super) fn create_temporary(layout: &Layout) -> Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = layout.temporary().join(format!("{}-{number}", std::process::id()));
            let failed = |error| StoreError::io("write", &path, error);
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failed(error)),
            };
            if owns(&file, &path).map_err(failed)? {
                return Ok(Self::at_start(file, path, OnDrop::Remove));
            }
        }
    }

    /// Writes an artifact that is at hand whole and whose hash the caller has computed to be `id`: not hashed again.
    pub(super) fn write_whole(layout: &Layout, bytes: &[u8], id: ArtifactId) -> Result<()> {
        let mut writer = Self::create_temporary(layout)?;
        writer.file.write_all(bytes).map_err(|error| StoreError::io("write", &writer.path, error))?;
        writer.commit(layout, id)
    }

    /// The unfinished download of `id`, or a new one; it is kept when the writer is dropped, to be resumed.
    ///
    /// One that is longer than `max_bytes` is begun anew.
    pub(super) fn resume(layout: &Layout, id: &ArtifactId, max_bytes: u64) -> Result<Resumed> {
        let path = layout.partial(id);
        let failed = |error| StoreError::io("resume", &path, error);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        // Not ours also where its last owner finished or gave up, and so renamed or removed it, after we opened it.
        if !owns(&file, &path).map_err(failed)? {
            return Ok(Resumed::Busy);
        }
        let mut writer = Self::at_start(file, path.clone(), OnDrop::Keep);
        if writer.file.metadata().map_err(failed)?.len() > max_bytes {
            writer.restart()?;
        } else {
            writer.hash_existing().map_err(failed)?;
        }
        Ok(Resumed::Writer(writer))
    }

    fn at_start(file: File, path: PathBuf, on_drop: OnDrop) -> Self {
        Self { file, path, hasher: ArtifactHasher::new(), bytes: 0, on_drop }
    }

    fn hash_existing(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = self.file.read(&mut chunk)?;
            if length == 0 {
                return Ok(());
            }
            self.hasher.update(&chunk[..length]);
            self.bytes += length as u64;
        }
    }

    /// Adds the next bytes.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| StoreError::io("write", &self.path, error))?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what was written.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map_err(|error| StoreError::io("empty", &self.path, error))?;
        self.hasher = ArtifactHasher::new();
        self.bytes = 0;
        Ok(())
    }

    /// How much was written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hash of what was written.
    pub(crate) fn id(&self) -> ArtifactId {
        self.hasher.clone().finish()
    }

    /// Flushes to the disk and becomes artifact `id`, which the caller has checked to be [`ObjectWriter::id`].
    pub(super) fn commit(mut self, layout: &Layout, id: ArtifactId) -> Result<()> {
        self.file.sync_all().map_err(|error| StoreError::io("flush", &self.path, error))?;
        layout.adopt(&self.path, &id)?;
        self.on_drop = OnDrop::Nothing;
        Ok(())
    }

    /// Removes the file now, even where it would be kept to be resumed.
    pub(crate) fn discard(mut self) {
        self.on_drop = OnDrop::Remove;
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        // Still under the lock, so the path is still ours. A file that cannot be removed is found by the next `open`.
        let worthless = match self.on_drop {
            OnDrop::Remove => true,
            OnDrop::Keep => self.bytes == 0,
            OnDrop::Nothing => false,
        };
        if worthless && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "cannot remove an unfinished artifact");
        }
    }
}

/// Takes the lock on `file` without waiting; whether it was free and `path` still names this file. Between the opening
/// and the locking another process may have finished with the file and renamed or removed it.
fn owns(file: &File, path: &Path) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let ours = same_file::Handle::from_file(file.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Ok(named) => Ok(ours == named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes the files of a folder that nobody holds and that were not written for `unused_for`; which they were.
pub(super) fn remove_leftovers(folder: &Path, unused_for: Duration) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for (_, path) in layout::entries(folder)? {
        match remove_if_left(&path, unused_for) {
            Ok(true) => removed.push(path),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("remove the unfinished file", &path, error)),
        }
    }
    Ok(removed)
}

fn remove_if_left(path: &Path, unused_for: Duration) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    let age = SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default();
    if !metadata.is_file() || age < unused_for {
        return Ok(false);
    }
    let file = File::open(path)?;
    if !owns(&file, path)? {
        return Ok(false);
    }
    fs::remove_file(path)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_finished_or_replaced_after_it_was_opened_is_not_owned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partial");
        let open = || File::create(&path).unwrap();

        assert!(owns(&open(), &path).unwrap());

        let finished = open();
        fs::rename(&path, folder.path().join("object")).unwrap();
        assert!(!owns(&finished, &path).unwrap(), "nothing has the name any more");
        drop(finished);

        let replaced = open();
        fs::rename(&path, folder.path().join("object")).unwrap();
        let new = open();
        assert!(!owns(&replaced, &path).unwrap(), "another file has the name");
        assert!(owns(&new, &path).unwrap());
        assert!(!owns(&open(), &path).unwrap(), "somebody holds it");
    }

    #[test]
    fn a_committed_file_is_not_removed_when_its_writer_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let mut writer = ObjectWriter::create_temporary(&layout).unwrap();
        let path = writer.path.clone();
        writer.append(b"bytes").unwrap();
        let id = writer.id();
        writer.commit(&layout, id).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read(layout.object(&id)).unwrap(), b"bytes");
    }

    #[test]
    fn an_empty_download_leaves_nothing_to_resume_and_another_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let id = ArtifactId::of(b"bytes");
        let resume = || match ObjectWriter::resume(&layout, &id, 100).unwrap() {
            Resumed::Writer(writer) => writer,
            Resumed::Busy => panic!("nobody holds it"),
        };
        drop(resume());
        assert!(!layout.partial(&id).exists());
        let mut writer = resume();
        writer.append(b"by").unwrap();
        assert!(matches!(ObjectWriter::resume(&layout, &id, 100).unwrap(), Resumed::Busy));
        drop(writer);
        let mut writer = resume();
        assert_eq!(writer.bytes(), 2);
        writer.append(b"tes").unwrap();
        assert_eq!(writer.id(), id);
    }
}
