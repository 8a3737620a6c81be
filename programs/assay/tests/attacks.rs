//! Keeps `ATTACKS.md` honest: every test that it names exists, and every instruction is spoken of.

use std::fs;
use std::path::{Path, PathBuf};

const ATTACKS: &str = include_str!("../ATTACKS.md");

/// The file that holds the test at `path`, a path as `cargo test` prints it.
fn file_of(path: &str) -> PathBuf {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match path.split_once("::tests::") {
        None => {
            let file = path.split("::").next().unwrap();
            crate_root.join(format!("../../tests/program/tests/instructions/{file}.rs"))
        }
        Some((module, _)) => {
            let module = crate_root.join("src").join(module.replace("::", "/"));
            let own_file = module.join("tests.rs");
            if own_file.exists() {
                own_file
            } else {
                module.with_extension("rs")
            }
        }
    }
}

#[test]
fn every_named_test_exists() {
    let named = ATTACKS.split('`').skip(1).step_by(2).filter(|code| code.contains("::"));
    let mut count = 0;
    for path in named {
        let file = file_of(path);
        let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {}: {error}", file.display()));
        let function = path.rsplit("::").next().unwrap();
        assert!(source.contains(&format!("fn {function}(")), "{path} is not in {}", file.display());
        count += 1;
    }
    assert!(count > 50, "found only {count} names: has the notation changed?");
}

#[test]
fn every_instruction_is_spoken_of() {
    let library = include_str!("../src/lib.rs");
    let (_, program) = library.split_once("#[program]").unwrap();
    let instructions = program.split("pub fn ").skip(1).map(|rest| rest.split(['(', '<']).next().unwrap());
    let mut count = 0;
    for instruction in instructions {
        let row = ATTACKS
            .lines()
            .any(|line| line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{instruction}`"))));
        assert!(row, "{instruction} has no row in ATTACKS.md");
        count += 1;
    }
    assert!(count >= 25, "found only {count} instructions: has lib.rs changed its shape?");
}
