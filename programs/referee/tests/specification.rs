//! The words of SPECIFICATION.md and the code say the same.

mod common;

use common::linear;
use referee::graph::{
    MAGIC, MAX_AXES, MAX_COMPUTE_UNITS, MAX_CONSTANTS, MAX_CUTS, MAX_GRAPH_BYTES, MAX_OP_OUTPUTS, MAX_OPERANDS,
    MAX_OPS, MAX_OUTPUT_AXES, MAX_OUTPUTS, MAX_PROGRAMS, MAX_REDUCTION_AXES, MAX_STEPS, MAX_SYMBOLS, MAX_TENSORS,
    MAX_TERMS, MAX_UPLOAD_BYTES, MAX_WORDS, RULES, opcode_name,
};
use std::collections::BTreeSet;

const TEXT: &str = include_str!("../SPECIFICATION.md");

/// Rows of all tables, as trimmed cells.
fn rows() -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    TEXT.lines().filter(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn every_rule_is_listed_word_for_word_and_no_other_code() {
    let listed: Vec<Vec<&str>> = rows().into_iter().filter(|row| row[0].starts_with("G0")).collect();
    let rules: Vec<Vec<&str>> = RULES.iter().map(|rule| vec![rule.code, rule.title, rule.fix]).collect();
    assert_eq!(listed, rules);
    let mut known: BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
    known.insert("G0001");
    for (at, _) in TEXT.match_indices("G0") {
        assert!(known.contains(&TEXT[at..at + 5]), "{}", &TEXT[at..at + 5]);
    }
}

#[test]
fn every_opcode_is_listed() {
    let listed: Vec<(u8, &str)> = rows()
        .into_iter()
        .filter(|row| row.len() == 4 && row[0].starts_with("0x"))
        .map(|row| (u8::from_str_radix(&row[0][2..], 16).unwrap(), row[1]))
        .collect();
    let known: Vec<(u8, &str)> = (0..=u8::MAX).filter_map(|code| Some((code, opcode_name(code)?))).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_bounds_are_the_constants() {
    let row = |part: &str| rows().into_iter().find(|row| row[0] == part).unwrap()[2];
    let numbers = |text: &str| -> Vec<usize> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
    };
    assert_eq!(numbers(row("symbol")), [MAX_SYMBOLS]);
    assert_eq!(numbers(row("tensor")), [MAX_TENSORS, 1, MAX_AXES, 2, 31]);
    assert_eq!(numbers(row("program")), [MAX_PROGRAMS, MAX_CONSTANTS, MAX_WORDS]);
    let op = [MAX_OPS, MAX_OP_OUTPUTS, MAX_OUTPUT_AXES, MAX_REDUCTION_AXES, MAX_OPERANDS, MAX_OPERANDS + 1];
    assert_eq!(numbers(row("op")), op);
    assert_eq!(numbers(row("cut")), [MAX_CUTS, 1]);
    assert_eq!(numbers(row("output")), [MAX_OUTPUTS]);
    assert!(TEXT.contains(&format!("i32 coefficient (at most {MAX_TERMS},")));
    assert!(TEXT.contains(&format!("the four bytes `{}`", std::str::from_utf8(&MAGIC).unwrap())));
    assert_eq!((MAX_GRAPH_BYTES, MAX_UPLOAD_BYTES, MAX_COMPUTE_UNITS, MAX_STEPS), (4 << 20, 16 << 10, 400_000, 8192));
}

#[test]
fn the_cost_figures_are_those_of_the_code() {
    for row in rows().into_iter().filter(|row| row.len() == 4) {
        let Ok(length) = row[0].parse() else { continue };
        let resolve = |length: u32| linear(128, 512, length).resolve(&[]);
        match row[1].parse() {
            Ok(leaves) => {
                let cost = resolve(length).unwrap().costs()[0];
                assert_eq!(cost.leaves, leaves, "K = {length}");
                assert_eq!(
                    (format!("{} B", cost.upload_bytes), cost.compute_units.to_string()),
                    (row[2].into(), row[3].into())
                );
            }
            Err(_) => assert!(resolve(length).is_ok() && resolve(length + 16).is_err(), "the last length is {length}"),
        }
    }
}
