//! What an image is built from: the files that the Dockerfile's list of exceptions leaves are a workspace that Cargo reads, and every
//! file that a source takes in is among them. No engine builds the image here.

use super::skips::not_tested;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the root of the repository")
}

/// The files that git has or would take, relative to the root; nothing where this is no repository.
fn files_of_git(root: &Path) -> Option<Vec<String>> {
    let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(listing).current_dir(root).output();
    let listed = listed.ok().filter(|listed| listed.status.success())?;
    let names = String::from_utf8(listed.stdout).expect("names in UTF-8");
    Some(names.split_terminator('\0').filter(|name| root.join(name).is_file()).map(str::to_owned).collect())
}

/// One line of the list: what it is about, and whether it takes back what lines before it left out.
#[derive(Debug)]
struct Pattern {
    parts: Vec<String>,
    takes_back: bool,
}

impl Pattern {
    fn all(list: &str) -> Vec<Self> {
        let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let parts = |text: &str| text.split('/').map(str::to_owned).collect();
        lines
            .map(|line| match line.strip_prefix('!') {
                Some(rest) => Self { parts: parts(rest), takes_back: true },
                None => Self { parts: parts(line), takes_back: false },
            })
            .collect()
    }

    /// Whether it is about a file, or about a folder that the file lies in.
    fn matches(&self, file: &str) -> bool {
        let components: Vec<&str> = file.split('/').collect();
        (1..=components.len()).any(|length| matches(&self.parts, &components[..length]))
    }
}

/// `**` stands for any number of folders, `*` for one name.
fn matches(parts: &[String], components: &[&str]) -> bool {
    match (parts.split_first(), components.split_first()) {
        (None, None) => true,
        (Some((part, rest)), _) if part == "**" => {
            (0..=components.len()).any(|skipped| matches(rest, &components[skipped..]))
        }
        (Some((part, rest)), Some((component, further))) => {
            assert!(part == "*" || !part.contains(['*', '?', '[']), "this test does not know what {part} stands for");
            (part == "*" || part == component) && matches(rest, further)
        }
        _ => false,
    }
}

/// As the engine reads the list: the last line that is about a file decides.
fn is_left(patterns: &[Pattern], file: &str) -> bool {
    patterns.iter().rev().find(|pattern| pattern.matches(file)).is_none_or(|pattern| pattern.takes_back)
}

/// The names of files that a source takes in, as it writes them.
fn taken_in(source: &str) -> Vec<&str> {
    let calls = ["include_str!(", "include_bytes!(", "include!("];
    let after = calls.iter().flat_map(|call| source.split(*call).skip(1));
    after.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

#[test]
fn the_list_is_read_as_an_engine_reads_it() {
    let patterns = Pattern::all("# why\napp/*\n\n!app/verifier\n.git\n**/target\n");
    for file in ["app/verifier/src/lib.rs", "worker/targets/a.rs", ".gitignore", "worker/app/a.rs", "app"] {
        assert!(is_left(&patterns, file), "{file}");
    }
    for file in [".git/HEAD", "target/debug/assay", "app/verifier/target/a", "worker/fuzz/target/b/c", "app/web/a.ts"] {
        assert!(!is_left(&patterns, file), "{file}");
    }
    assert_eq!(taken_in("a(include_str!(\"b.rs\"), include_bytes!(\n  \"../c\"), include_str!(d))"), ["b.rs", "../c"]);
}

#[test]
fn what_the_image_is_built_from_is_a_whole_workspace() {
    let root = root();
    let Some(files) = files_of_git(&root) else {
        return not_tested("what an image is built from", "git does not know this folder");
    };
    let list = std::fs::read_to_string(root.join("worker/cli/packaging/Dockerfile.dockerignore")).expect("the list");
    let patterns = Pattern::all(&list);
    let left: BTreeSet<PathBuf> = files.iter().filter(|file| is_left(&patterns, file)).map(PathBuf::from).collect();
    assert!(left.len() < files.len(), "the list leaves nothing out");
    let source = tempfile::tempdir().expect("a folder");
    for file in &left {
        let copy = source.path().join(file);
        std::fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
        std::fs::copy(root.join(file), copy).expect("a copy");
    }

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let read = Command::new(cargo)
        .args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(source.path())
        .output()
        .expect("cargo runs");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let workspace: serde_json::Value = serde_json::from_slice(&read.stdout).expect("JSON");
    let packages = workspace["packages"].as_array().expect("packages");
    assert!(packages.iter().any(|package| package["name"] == "assay-cli"), "the package that the image builds");

    let mut count = 0;
    // What is not of the image's package: its tests may read what is left out.
    let sources =
        left.iter().filter(|file| file.extension().is_some_and(|end| end == "rs") && !file.starts_with("app"));
    for file in sources {
        let path = source.path().join(file);
        let text = std::fs::read_to_string(&path).expect("a source");
        for name in taken_in(&text).into_iter().filter(|_| !file.ends_with("command_line/image.rs")) {
            assert!(path.with_file_name(name).is_file(), "{} takes in {name}, which is left out", file.display());
            count += 1;
        }
    }
    assert!(count > 30, "{count} files are taken in by others");
}
