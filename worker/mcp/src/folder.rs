//! The folder that an agent may read and write. Every access goes through a capability to it, so that no name and no link leads out.

use crate::error::Refusal;
use crate::untrusted::is_plain;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{ErrorKind, Read, Write};
use std::path::{Component, Path};

/// Most files that a listing names.
const MOST_LISTED: usize = 500;
/// How many folders deep a listing looks.
const DEEPEST: usize = 4;

/// A folder, and nothing outside it.
#[derive(Debug)]
pub struct Folder {
    directory: Dir,
}

/// One file of the folder.
#[derive(Clone, Debug, JsonSchema, PartialEq, Eq, Serialize)]
pub struct FileEntry {
    /// Its name relative to the folder, as other tools take it
    pub file: String,
    /// Its length
    pub bytes: u64,
}

/// What is in the folder.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The files, by name
    pub files: Vec<FileEntry>,
    /// Entries left out: links, folders nested too deep, names with invisible characters, and what is beyond the first 500 files
    pub left_out: usize,
}

impl Folder {
    /// Opens a folder that exists.
    ///
    /// # Errors
    /// `Y0203`: there is none at this path, or it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let directory = Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
            Refusal::new(
                "Y0203",
                format!("the folder {} cannot be opened: {error}; create it, or check the path", path.display()),
            )
        })?;
        Ok(Self { directory })
    }

    /// Reads a file of at most so many bytes.
    ///
    /// # Errors
    /// `Y0202` for a name that could lead out, `Y0203` for what is no readable file inside, `Y0204` for one that is too large.
    pub fn read(&self, name: &str, most_bytes: u64) -> Result<Vec<u8>, Refusal> {
        let path = relative(name)?;
        // Looked at before it is opened: opening a pipe would wait for somebody to write into it.
        let metadata = self.directory.metadata(path).map_err(|error| unreadable(name, &error))?;
        if !metadata.is_file() {
            return Err(Refusal::new("Y0203", format!("{name:?} is no file; `files` lists those that there are")));
        }
        let file = self.directory.open(path).map_err(|error| unreadable(name, &error))?;
        let mut bytes = Vec::new();
        file.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
        if bytes.len() as u64 > most_bytes {
            return Err(Refusal::new(
                "Y0204",
                format!("{name:?} has more than the {most_bytes} bytes that this server reads"),
            ));
        }
        Ok(bytes)
    }

    /// Writes a new file, whole or not at all, making folders on the way. Nothing is overwritten: a file with these very bytes is left as it is.
    ///
    /// # Errors
    /// `Y0202` for a name that could lead out, `Y0205` where a file holds something else, `Y0203` where it cannot be written.
    pub fn write_new(&self, name: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let path = relative(name)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.directory.create_dir_all(parent).map_err(|error| unwritable(name, &error))?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = match self.directory.open_with(path, &options) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return match self.read(name, bytes.len() as u64) {
                    Ok(held) if held == bytes => Ok(()),
                    _ => Err(Refusal::new(
                        "Y0205",
                        format!("{name:?} exists and holds something else; give another name"),
                    )),
                };
            }
            Err(error) => return Err(unwritable(name, &error)),
        };
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
            // Half a result must not pass for one.
            let _ = self.directory.remove_file(path);
            unwritable(name, &error)
        })
    }

    /// Lists the files in it and in the folders below.
    ///
    /// # Errors
    /// `Y0203`: it cannot be read.
    pub fn list(&self) -> Result<Listing, Refusal> {
        let mut listing = Listing::default();
        self.list_into(&mut listing, &self.directory, "", DEEPEST).map_err(|error| unreadable(".", &error))?;
        listing.files.sort_by(|one, other| one.file.cmp(&other.file));
        Ok(listing)
    }

    fn list_into(&self, listing: &mut Listing, directory: &Dir, prefix: &str, depth: usize) -> std::io::Result<()> {
        for entry in directory.entries()? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| is_plain(name)) else {
                listing.left_out += 1;
                continue;
            };
            let name = format!("{prefix}{name}");
            if kind.is_dir() && depth > 0 {
                self.list_into(listing, &entry.open_dir()?, &format!("{name}/"), depth - 1)?;
            } else if kind.is_file() && listing.files.len() < MOST_LISTED {
                listing.files.push(FileEntry { file: name, bytes: entry.metadata()?.len() });
            } else {
                listing.left_out += 1;
            }
        }
        Ok(())
    }
}

/// The name as a path, if it consists of names alone.
fn relative(name: &str) -> Result<&Path, Refusal> {
    let path = Path::new(name);
    let only_names = path.components().all(|component| matches!(component, Component::Normal(_)));
    // A backslash separates names on some systems.
    if name.is_empty() || !only_names || !is_plain(name) || name.contains('\\') {
        return Err(Refusal::new(
            "Y0202",
            "a file is named relative to the server's folder: no absolute path, no `..` or `.`, no backslash, no invisible character",
        ));
    }
    Ok(path)
}

fn unreadable(name: &str, error: &std::io::Error) -> Refusal {
    let what = match error.kind() {
        ErrorKind::NotFound => "is not in the folder; `files` lists what is",
        ErrorKind::PermissionDenied => "may not be read, or leads out of the folder",
        _ => "cannot be read",
    };
    Refusal::new("Y0203", format!("{name:?} {what}")).with_detail(error.to_string())
}

fn unwritable(name: &str, error: &std::io::Error) -> Refusal {
    let text = format!("{name:?} cannot be written into the folder; give another name, or check the disk");
    Refusal::new("Y0203", text).with_detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A folder inside of another one, beside a secret.
    fn fenced() -> (TempDir, Folder) {
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir_all(outside.path().join("inside/model")).unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        fs::write(outside.path().join("inside/model/graph"), "graph").unwrap();
        let folder = Folder::open(&outside.path().join("inside")).unwrap();
        (outside, folder)
    }

    #[test]
    fn files_inside_are_read_written_and_listed() {
        let (_outside, folder) = fenced();
        assert_eq!(folder.read("model/graph", 5).unwrap(), b"graph");
        assert_eq!(folder.read("model/graph", 4).unwrap_err().code, "Y0204");
        folder.write_new("results/one", b"1").unwrap();
        folder.write_new("results/one", b"1").unwrap();
        assert_eq!(folder.write_new("results/one", b"2").unwrap_err().code, "Y0205");
        assert_eq!(folder.write_new("results/one", b"12").unwrap_err().code, "Y0205");
        assert_eq!(folder.read("results/one", 9).unwrap(), b"1", "nothing was overwritten");
        let names: Vec<String> = folder.list().unwrap().files.into_iter().map(|entry| entry.file).collect();
        assert_eq!(names, ["model/graph", "results/one"]);
        for missing in ["nothing", "model", "model/graph/deeper"] {
            assert_eq!(folder.read(missing, 9).unwrap_err().code, "Y0203", "{missing}");
        }
    }

    #[test]
    fn names_that_could_lead_out_are_refused() {
        let (outside, folder) = fenced();
        let absolute = outside.path().join("secret").display().to_string();
        for name in [
            absolute.as_str(),
            "../secret",
            "model/../../secret",
            "model/../model/graph",
            "./model/graph",
            "..",
            ".",
            "",
            "/",
            "C:\\secret",
            "..\\secret",
            "model/gr\u{202e}aph",
            "model\n",
        ] {
            assert_eq!(folder.read(name, 99).unwrap_err().code, "Y0202", "{name:?}");
            assert_eq!(folder.write_new(name, b"x").unwrap_err().code, "Y0202", "{name:?}");
        }
        assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    }

    #[cfg(unix)]
    #[test]
    fn links_out_are_not_followed_and_links_inside_are() {
        use std::os::unix::fs::symlink;
        let (outside, folder) = fenced();
        let inside = outside.path().join("inside");
        symlink("../secret", inside.join("relative")).unwrap();
        symlink(outside.path().join("secret"), inside.join("absolute")).unwrap();
        symlink("..", inside.join("up")).unwrap();
        symlink("model/graph", inside.join("same")).unwrap();
        for name in ["relative", "absolute", "up/secret"] {
            assert_eq!(folder.read(name, 99).unwrap_err().code, "Y0203", "{name}");
        }
        for name in ["up/new", "up/deeper/new"] {
            assert_eq!(folder.write_new(name, b"x").unwrap_err().code, "Y0203", "{name}");
        }
        symlink("../planted", inside.join("dangling")).unwrap();
        assert!(folder.write_new("dangling", b"x").is_err());
        for planted in ["new", "deeper", "planted"] {
            assert!(!outside.path().join(planted).exists(), "{planted}");
        }
        assert_eq!(folder.read("same", 9).unwrap(), b"graph");
        let listing = folder.list().unwrap();
        assert_eq!((listing.files.len(), listing.left_out), (1, 5), "links are not listed: {listing:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_file_and_is_not_waited_for() {
        let (outside, folder) = fenced();
        let made = std::process::Command::new("mkfifo").arg(outside.path().join("inside/pipe")).status().unwrap();
        assert!(made.success());
        assert_eq!(folder.read("pipe", 9).unwrap_err().code, "Y0203");
    }
}
