//! README.md against the sources: its tools, options and codes are those that there are.

use std::collections::BTreeSet;
use std::path::Path;

const README: &str = include_str!("../README.md");
const COMMAND: &str = include_str!("../../cli/src/commands/mcp.rs");
const ERRORS: &str = include_str!("../src/error.rs");
const TOOLS: &str = include_str!("../src/tools/mod.rs");

/// First cells of the rows of a section's table.
fn rows(section: &str) -> BTreeSet<String> {
    let (_, after) = README.split_once(&format!("\n## {section}\n")).expect("the section");
    let text = after.split("\n## ").next().expect("a text");
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(cell, _)| cell.to_owned()).collect()
}

/// Codes in what is not a comment.
fn given(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            given(&path, codes);
            continue;
        }
        let source = std::fs::read_to_string(path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        let words = lines.flat_map(|line| line.split('"'));
        codes.extend(words.filter(|word| word.len() == 5 && word.starts_with("Y0")).map(str::to_owned));
    }
}

#[test]
fn the_tools_are_those_that_are_offered() {
    let (_, after) = TOOLS.split_once("const ALL:").expect("the list");
    let list = after.split("];").next().expect("its end");
    let tools: BTreeSet<String> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(\"")?.split_once('"'))
        .map(|(tool, needs)| {
            let row = match needs {
                needs if needs.contains("Budget") => format!("| `{tool}` | `--budget` |"),
                needs if needs.contains("Folder") => format!("| `{tool}` | `--folder` |"),
                _ => format!("| `{tool}` | nothing |"),
            };
            assert!(README.contains(&row), "{row}");
            tool.to_owned()
        })
        .collect();
    assert!(tools.len() >= 12, "{tools:?}");
    assert_eq!(rows("Tools"), tools);
}

#[test]
fn the_options_are_those_of_the_command() {
    let mut options = BTreeSet::new();
    let mut is_option = false;
    for line in COMMAND.lines().map(str::trim) {
        if line.starts_with("#[arg(long") {
            is_option = true;
        } else if is_option && let Some((name, _)) = line.split_once(':') {
            options.insert(format!("--{}", name.replace('_', "-")));
            is_option = false;
        }
    }
    assert!(options.len() >= 13, "{options:?}");
    assert_eq!(rows("Options"), options);
}

#[test]
fn the_codes_are_those_that_are_given_and_mean_what_the_sources_say() {
    let mut codes = BTreeSet::new();
    given(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    assert!(codes.len() > 25, "{codes:?}");
    assert_eq!(rows("Codes"), codes);
    for line in ERRORS.lines().filter_map(|line| line.strip_prefix("//! ")).filter(|line| line.starts_with("| `Y")) {
        assert!(README.contains(&format!("{line}\n")), "{line}");
    }
}
