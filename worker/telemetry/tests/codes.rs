//! The tables of codes that the node and the validator have in their READMEs against the codes that the sources give.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Letters of the codes of other parts that a table may explain.
const OF_OTHERS: [char; 4] = ['S', 'C', 'A', 'K'];

fn worker() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What the sources of the worker say: their lines without comments, tests and lists of codes. Crates that fuzz are left out: there
/// codes are inputs.
fn sources() -> Vec<String> {
    let folders = std::fs::read_dir(worker()).unwrap().map(|entry| entry.unwrap().path());
    let crates = folders.filter(|folder| folder.join("src").is_dir() && !folder.ends_with("fuzz"));
    let mut open: Vec<PathBuf> = crates.map(|folder| folder.join("src")).collect();
    let mut lines = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if ["doctor/codes.rs", "tests", "tests.rs"].iter().any(|end| path.ends_with(end)) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                lines.extend(body.lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned));
            }
        }
    }
    lines
}

/// Words of this letter and four digits.
fn codes_in(text: &str, letter: char) -> impl Iterator<Item = &str> {
    text.split(|next: char| !next.is_ascii_alphanumeric()).filter(move |word| {
        let digits = word.strip_prefix(letter);
        digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

fn given(sources: &[String], letter: char) -> BTreeSet<&str> {
    sources.iter().flat_map(|line| codes_in(line, letter)).collect()
}

/// The codes of this letter in each table, in the order of its rows. A row may explain several.
fn tables(readme: &str, letter: char) -> Vec<Vec<&str>> {
    let mut tables: Vec<Vec<&str>> = Vec::new();
    for line in readme.lines() {
        if line.starts_with("| code |") {
            tables.push(Vec::new());
        } else if let (Some(table), Some((codes, _))) =
            (tables.last_mut(), line.strip_prefix("| `").and_then(|row| row.split_once(" | ")))
        {
            table.extend(codes_in(codes, letter));
        }
    }
    tables
}

/// Codes without a row, those with two, those that no source gives, and tables that are out of order, in words.
fn faults(readme: &str, letter: char, given: &BTreeSet<&str>) -> Vec<String> {
    let (mut explained, mut found) = (BTreeSet::new(), Vec::new());
    for table in tables(readme, letter) {
        if let Some(pair) = table.windows(2).find(|pair| pair[0] > pair[1]) {
            found.push(format!("{} stands behind {}: rows are in the order of their codes", pair[1], pair[0]));
        }
        found.extend(table.iter().filter(|code| !explained.insert(**code)).map(|code| format!("{code} has two rows")));
    }
    found.extend(
        given.difference(&explained).map(|code| format!("{code} has no row: say what it means and what to do")),
    );
    found.extend(explained.difference(given).map(|code| format!("{code} has a row, and no source gives it")));
    found
}

#[test]
fn every_code_of_node_and_validator_has_one_row_and_every_row_a_code() {
    let sources = sources();
    for (service, letter, least) in [("node", 'N', 140), ("validator", 'V', 60)] {
        let path = worker().join(service).join("README.md");
        let (readme, given) = (std::fs::read_to_string(path).unwrap(), given(&sources, letter));
        assert!(given.len() > least, "the sources were not found: {given:?}");
        let found = faults(&readme, letter, &given);
        assert!(found.is_empty(), "in the tables of worker/{service}/README.md:\n{}", found.join("\n"));
    }
}

#[test]
fn codes_of_other_parts_that_are_explained_are_given_by_some_source() {
    let (sources, readme) = (sources(), std::fs::read_to_string(worker().join("node/README.md")).unwrap());
    for letter in OF_OTHERS {
        let given = given(&sources, letter);
        for code in tables(&readme, letter).concat() {
            assert!(given.contains(code), "{code} has a row in worker/node/README.md, and no source gives it");
        }
    }
}

#[test]
fn what_is_wrong_with_a_table_is_named_with_its_code() {
    let readme = "| code | what |\n|---|---|\n| `N0002` | x |\n| `N0001`, `S0001` | x |\n\n| code | what |\n| `N0001` | x |\n| `N0004` | x |\n";
    let found = faults(readme, 'N', &BTreeSet::from(["N0001", "N0002", "N0003"]));
    let expected = [
        "N0001 stands behind N0002: rows are in the order of their codes",
        "N0001 has two rows",
        "N0003 has no row: say what it means and what to do",
        "N0004 has a row, and no source gives it",
    ];
    assert_eq!(found, expected);
    assert_eq!(tables(readme, 'S').concat(), ["S0001"]);
}
