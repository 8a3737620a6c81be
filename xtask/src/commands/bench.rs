//! `cargo xtask bench`: the worker's benchmarks, optimised, and what the program and the market cost on a local chain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::arguments::{BenchOptions, BenchPart, Output, ProgramCompiler};
use crate::commands::{build, setup};
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::test_programs;
use crate::workspace::Workspace;

/// The profile that operators run too.
const PROFILE: &str = "fast";

/// The Python with ONNX Runtime in the cache, which comparing a real model with its package makes.
const PEER_PYTHON: &str = "peers/bin/python";

/// Sets up, builds and measures. The last line of the benchmark program has the numbers of all parts.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &BenchOptions) -> Result<(), Failure> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let toolchain = SbfToolchain::select(workspace, ProgramCompiler::Auto)?;
    setup::ensure(workspace, report, &toolchain, false)?;
    build::program(workspace, report, &toolchain)?;
    report.step("benchmark program", "optimised; the first time several minutes", |_| {
        let mut build = workspace.compiling_cargo("build");
        build.args(["--workspace", "--profile", PROFILE, "--bin", "assay-bench"]);
        process::run(&mut build, Code::Build, "mend what the compiler reports above")?;
        Ok(Ending::done())
    })?;

    let results = workspace.target.join("bench");
    fs::create_dir_all(&results).map_err(|e| Failure::file("create", &results, &e))?;
    let mut merged = Vec::new();
    if wanted(BenchPart::Program) {
        merged.push(program(workspace, report, &results)?);
    }
    if wanted(BenchPart::Market) {
        merged.push(market(workspace, report, &results)?);
    }
    if wanted(BenchPart::Disputes) {
        merged.push(disputes(workspace, report, &results)?);
    }
    if wanted(BenchPart::Sessions) {
        merged.push(sessions(workspace, report, &results)?);
    }
    if wanted(BenchPart::Soak) {
        merged.push(soak(workspace, report, &results, options.soak_minutes)?);
    }

    let mut bench = optimised(workspace, "assay-bench");
    let parts = [
        (BenchPart::Gemm, "gemm"),
        (BenchPart::Tree, "tree"),
        (BenchPart::Commitment, "commitment"),
        (BenchPart::Audit, "audit"),
        (BenchPart::Encoder, "encoder"),
        (BenchPart::Journal, "journal"),
    ];
    let named: Vec<&str> = parts.into_iter().filter(|(part, _)| wanted(*part)).map(|(_, name)| name).collect();
    for name in if named.is_empty() { vec!["none"] } else { named } {
        bench.args(["--only", name]);
    }
    let python = workspace.cache.join(PEER_PYTHON);
    if python.is_file() && std::env::var_os("ASSAY_PEER_PYTHON").is_none() {
        bench.env("ASSAY_PEER_PYTHON", python);
    }
    for file in &merged {
        bench.arg("--merge").arg(file);
    }
    if report.output() == Output::Json {
        bench.args(["--output", "json"]);
    }
    report.step("benchmarks", "keep the machine otherwise idle", |_| {
        process::run(&mut bench, Code::Child, "see what the benchmark says above")?;
        Ok(Ending::done())
    })?;
    report.leave_result_to_child();
    Ok(())
}

/// Compute units and rent of every instruction, as the program's tests measure them on the compiled program.
fn program(workspace: &Workspace, report: &mut Report, results: &Path) -> Result<PathBuf, Failure> {
    let file = results.join("program.json");
    report.step("compute units and rent", "", |_| {
        let programs = test_programs::compile(workspace, &["--test", "compute_units"])?;
        let mut measure = Command::new(test_programs::only(&programs)?);
        measure.arg("--nocapture").env("ASSAY_PROGRAM_SO", workspace.program());
        let output = process::run_for_output(&mut measure, Code::Child, "run: cargo xtask test --only program")?;
        let measured = Measured::from_lines(&output);
        print!("{}", measured.table());
        write(&file, &measured.json())?;
        Ok(Ending::Done(format!("{} measurements", measured.compute_units.len())))
    })?;
    Ok(file)
}

/// How long a job takes and how many a market takes, on a local chain with two nodes.
fn market(workspace: &Workspace, report: &mut Report, results: &Path) -> Result<PathBuf, Failure> {
    let about = ("the market on a local chain", "two nodes and several clients as separate processes");
    measure(workspace, report, about, &["measure"], &results.join("market.json"))
}

/// What it takes to prove a lie, on a local chain with nodes that lie and a validator.
fn disputes(workspace: &Workspace, report: &mut Report, results: &Path) -> Result<PathBuf, Failure> {
    let about = ("disputes on a local chain", "nodes that lie and a validator as separate processes");
    measure(workspace, report, about, &["measure", "--disputes"], &results.join("disputes.json"))
}

/// How long requests of a warm session take, on a local chain with one node.
fn sessions(workspace: &Workspace, report: &mut Report, results: &Path) -> Result<PathBuf, Failure> {
    let about = ("sessions on a local chain", "one node and a client as separate processes");
    measure(workspace, report, about, &["measure", "--sessions"], &results.join("sessions.json"))
}

/// Whether a market that works for long takes ever more, on a local chain with one node and a validator.
fn soak(workspace: &Workspace, report: &mut Report, results: &Path, minutes: u64) -> Result<PathBuf, Failure> {
    let about = format!("{minutes} minutes: a node, a validator and clients that post one job after another");
    let minutes = minutes.to_string();
    let words = ["measure", "--soak-minutes", &minutes, "--slot-ms", "200"];
    measure(workspace, report, ("a market that works on", &about), &words, &results.join("soak.json"))
}

/// Runs one of the measurements of the `assay` command.
fn measure(
    workspace: &Workspace,
    report: &mut Report,
    (name, about): (&str, &str),
    words: &[&str],
    file: &Path,
) -> Result<PathBuf, Failure> {
    // Slots, not the client's code, decide how long a job takes: the command that the demo and the tests run will do, and an
    // optimised local chain takes far longer to compile than to measure. Nodes lie in development builds alone.
    let binary = build::command(workspace, report, "dev")?;
    report.step(name, about, |_| {
        let mut measure = Command::new(&binary);
        measure.current_dir(&workspace.root);
        measure.args(words).args(["--output", "json"]).env("ASSAY_PROGRAM_SO", workspace.program());
        let advice = format!("run: target/debug/assay {}", words.join(" "));
        let output = process::run_for_output(&mut measure, Code::Child, &advice)?;
        let last = output.lines().last().unwrap_or_default();
        let result: Value = serde_json::from_str(last).map_err(|_| {
            Failure::new(Code::Child, format!("the last line of its output is not JSON: {last}"), &advice)
        })?;
        println!("\n{result}");
        write(file, &result)?;
        Ok(Ending::done())
    })?;
    Ok(file.to_path_buf())
}

fn optimised(workspace: &Workspace, name: &str) -> Command {
    let mut command = Command::new(workspace.target.join(PROFILE).join(name));
    command.current_dir(&workspace.root);
    command
}

fn write(file: &Path, value: &Value) -> Result<(), Failure> {
    fs::write(file, format!("{value}\n")).map_err(|e| Failure::file("write", file, &e))
}

/// What the program's tests measured, in their order.
#[derive(Debug, Default)]
struct Measured {
    /// Instruction (a special case in brackets), compute units.
    compute_units: Vec<(String, u64)>,
    /// Account, bytes, lamports.
    rent: Vec<(String, u64, u64)>,
}

impl Measured {
    /// Reads lines `CU instruction units` and `RENT account bytes lamports`; others are of no interest.
    fn from_lines(text: &str) -> Self {
        let mut measured = Self::default();
        for line in text.lines() {
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["CU", name, units] => {
                    measured.compute_units.extend(units.parse().ok().map(|units| ((*name).to_owned(), units)));
                }
                ["RENT", name, bytes, lamports] => {
                    let numbers = bytes.parse().ok().zip(lamports.parse().ok());
                    measured.rent.extend(numbers.map(|(bytes, lamports)| ((*name).to_owned(), bytes, lamports)));
                }
                _ => {}
            }
        }
        measured
    }

    fn json(&self) -> Value {
        let units: Map<String, Value> =
            self.compute_units.iter().map(|(name, units)| (name.clone(), json!(units))).collect();
        let rent: Map<String, Value> =
            self.rent.iter().map(|(name, _, lamports)| (name.clone(), json!(lamports))).collect();
        json!({ "compute_units": units, "rent_lamports": rent })
    }

    fn table(&self) -> String {
        let mut text = format!("\n{:<44} {:>13}\n", "instruction", "compute units");
        for (name, units) in &self.compute_units {
            text += &format!("{name:<44} {units:>13}\n");
        }
        text += &format!("\n{:<30} {:>13} {:>13}\n", "account", "bytes", "lamports");
        for (name, bytes, lamports) in &self.rent {
            text += &format!("{name:<30} {bytes:>13} {lamports:>13}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_read_from_the_tests_output() {
        let output = "running 1 test\n\nCU claim_job 5321\nCU post_job[worst] 31000\nRENT job 512 4454400\nCU broken x\ntest a ... ok\n";
        let measured = Measured::from_lines(output);
        assert_eq!(
            measured.json(),
            json!({ "compute_units": { "claim_job": 5321, "post_job[worst]": 31000 }, "rent_lamports": { "job": 4454400 } })
        );
        let table = measured.table();
        assert!(table.contains("claim_job") && table.contains("5321") && table.contains("4454400"), "{table}");
    }
}
