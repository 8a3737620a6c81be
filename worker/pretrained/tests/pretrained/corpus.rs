//! Files of many types that are on every machine which runs this: made ones (with another seed than those that calibrate), those of
//! this repository, and those of the crates that it is built from.

use assay_pretrained::samples;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How many made files of each type.
const VARIANTS: u32 = 3;
/// At most so many files with one extension, of the repository and of all crates …
const PER_EXTENSION: usize = 5;
/// … and of one crate.
const PER_EXTENSION_AND_CRATE: usize = 2;
/// Extensions with fewer letters say what a file is; longer ones are parts of its name.
const MAX_EXTENSION: usize = 10;

/// Where the files are, and how many of them come from where.
pub(crate) struct Corpus {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) made: usize,
    pub(crate) found: usize,
    _folder: tempfile::TempDir,
}

pub(crate) fn held_out() -> Corpus {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for sample in samples::all(samples::HELD_OUT_SEED, VARIANTS) {
        let path = folder.path().join(&sample.name);
        std::fs::write(&path, &sample.content).expect("a file can be written");
        files.push(path);
    }
    let made = files.len();
    let mut of_extension: HashMap<String, usize> = HashMap::new();
    for folder in folders() {
        let mut of_crate: HashMap<String, usize> = HashMap::new();
        for path in samples::files_below(&folder).expect("sources can be read") {
            let Some(extension) = extension(&path) else { continue };
            let (here, all) =
                (of_crate.entry(extension.clone()).or_default(), of_extension.entry(extension).or_default());
            if *here < PER_EXTENSION_AND_CRATE && *all < PER_EXTENSION {
                *here += 1;
                *all += 1;
                files.push(path);
            }
        }
    }
    let found = files.len() - made;
    Corpus { files, made, found, _folder: folder }
}

/// The extension in small letters, or the whole name where there is none.
fn extension(path: &Path) -> Option<String> {
    let name = path.extension().or_else(|| path.file_name())?.to_string_lossy().to_lowercase();
    (name.len() <= MAX_EXTENSION).then_some(name)
}

/// The folders of the repository's own crates, then those of all others, in the order of their names.
fn folders() -> Vec<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    metadata.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = metadata.output().expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut packages: Vec<(bool, String, PathBuf)> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let manifest = PathBuf::from(package["manifest_path"].as_str().expect("a manifest"));
            let name = format!("{} {}", package["name"], package["version"]);
            (!package["source"].is_null(), name, manifest.parent().expect("a folder").to_owned())
        })
        .collect();
    packages.sort();
    packages.into_iter().map(|(_, _, folder)| folder).collect()
}
