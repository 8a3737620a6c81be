//! Differential test: what the toolchain compiles to SBPF gives bit for bit what the host's compiler makes of the same source.

use toolchain_program::{Section, run};
use toolchain_tests::Machine;

/// Different seeds a section.
const SEEDS: u64 = 200;

/// As many rounds as stay well within a transaction's compute units.
fn rounds(section: Section) -> u32 {
    match section {
        Section::Integers => 20,
        Section::Floats => 12,
        Section::Calls => 200,
        Section::Memory => 60,
        Section::Collections => 8,
    }
}

fn compare(section: Section) {
    let mut machine = Machine::load();
    let mut most_compute_units = 0;
    for index in 1..=SEEDS {
        let seed = index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let expected = run(section, seed, rounds(section));
        let (got, compute_units) = machine
            .run(section, seed, rounds(section))
            .unwrap_or_else(|e| panic!("{section:?}, seed {seed:#x}: the program failed: {e}"));
        assert_eq!(got, expected, "{section:?}, seed {seed:#x}: SBPF and native differ");
        most_compute_units = most_compute_units.max(compute_units);
    }
    assert!(most_compute_units > 100_000, "{section:?} does too little to test anything: {most_compute_units} units");
}

#[test]
fn integers_agree_with_native_code() {
    compare(Section::Integers);
}

#[test]
fn floats_agree_with_native_code() {
    compare(Section::Floats);
}

#[test]
fn calls_agree_with_native_code() {
    compare(Section::Calls);
}

#[test]
fn memory_agrees_with_native_code() {
    compare(Section::Memory);
}

#[test]
fn collections_agree_with_native_code() {
    compare(Section::Collections);
}

#[test]
fn the_result_depends_on_the_seed_and_on_every_round() {
    for section in Section::ALL {
        assert_ne!(run(section, 1, 4), run(section, 3, 4), "{section:?}");
        assert_ne!(run(section, 1, 4), run(section, 1, 5), "{section:?}");
    }
}

#[test]
fn a_malformed_instruction_is_refused() {
    let mut machine = Machine::load();
    let refusal = machine.run_raw(&[0; 15]).expect_err("15 bytes are not an instruction");
    assert!(refusal.contains("Custom(2)"), "{refusal}");
    let refusal = machine.run_raw(&[9; 16]).expect_err("there is no such section");
    assert!(refusal.contains("Custom(3)"), "{refusal}");
}
