//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Chores of this workspace. Each does the set-up it needs first and can be run again.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How to report: text for people, or a last line of JSON for programs.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// How a command reports its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Progress and results as text.
    Text,
    /// The same, and one line of JSON at the end of the standard output.
    Json,
}

/// The chores.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Install what building needs: Debian packages, and an SBF toolchain where `cargo build-sbf` is not installed; fetch trained models.
    Setup(SetupOptions),
    /// Build the on-chain program (deploy/assay.so in the target folder) and the `assay` command.
    Build(BuildOptions),
    /// Build everything and run the market on this machine; further arguments go to `assay demo`.
    Demo(Forwarded),
    /// Build everything and run the web app over a market on this machine, until Ctrl-C.
    App,
    /// Lints, dependency rules, IDL drift and all tests.
    Test(TestOptions),
    /// Formatting, clippy, documentation, licences, dependency and printing rules.
    Lint,
    /// Generate the program's interface description, app/idl/assay.json.
    Idl(IdlOptions),
    /// Run the benchmarks (optimised build): tables, then one line of JSON with the same numbers.
    Bench(BenchOptions),
    /// Run a market of many nodes in slots (optimised build); further arguments go to `assay-simulator`.
    Simulate(Forwarded),
    /// Fuzz whatever reads bytes of strangers; worker/FUZZING.md lists it.
    Fuzz(FuzzOptions),
    /// Build the verifier for WebAssembly, app/packages/verifier/wasm/assay_verifier.wasm.
    Wasm(WasmOptions),
}

impl Command {
    /// The name as typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Setup(_) => "setup",
            Self::Build(_) => "build",
            Self::Demo(_) => "demo",
            Self::App => "app",
            Self::Test(_) => "test",
            Self::Lint => "lint",
            Self::Idl(_) => "idl",
            Self::Bench(_) => "bench",
            Self::Simulate(_) => "simulate",
            Self::Fuzz(_) => "fuzz",
            Self::Wasm(_) => "wasm",
        }
    }
}

/// Options of `setup`.
#[derive(Args, Debug)]
pub(crate) struct SetupOptions {
    /// Report what is missing, change nothing, and fail if something is.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Options of `build`.
#[derive(Args, Debug)]
pub(crate) struct BuildOptions {
    /// Build only the on-chain program.
    #[arg(long)]
    pub(crate) program_only: bool,
    /// The cargo profile of the `assay` command: `fast` for operators, `dev` builds quicker.
    #[arg(long, default_value = "dev")]
    pub(crate) profile: String,
    /// What compiles the program.
    #[arg(long, value_enum, default_value_t = ProgramCompiler::Auto)]
    pub(crate) compiler: ProgramCompiler,
}

/// What compiles the on-chain program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgramCompiler {
    /// `cargo build-sbf` where it is installed, else the workspace's toolchain.
    Auto,
    /// Anza's `cargo build-sbf`.
    Anza,
    /// The toolchain of xtask/sbf-toolchain.
    Workspace,
}

/// Options of `test`.
#[derive(Args, Debug)]
pub(crate) struct TestOptions {
    /// Run only these parts (several: `--only lint,unit`).
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<TestPart>,
}

/// The parts of `test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestPart {
    /// What `cargo xtask lint` does, and IDL drift.
    Lint,
    /// Tests of each crate.
    Unit,
    /// What is claimed of the trained models, measured: Magika beside its official package, MiniLM beside its float network.
    Models,
    /// Tests of the compiled program, and of the toolchain that compiled it.
    Program,
    /// Whole stories over RPC with separate processes.
    Stories,
    /// TypeScript packages and pages, on the verifier for WebAssembly.
    App,
}

/// Options of `idl`.
#[derive(Args, Debug)]
pub(crate) struct IdlOptions {
    /// Write nothing; fail if the committed file differs from the program.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Options of `bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchOptions {
    /// Run only these (several: `--only gemm,tree`).
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<BenchPart>,
    /// How long the soak lasts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=10_080))]
    pub(crate) soak_minutes: u64,
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchPart {
    /// int8 matrix products on every backend, beside rten-gemm.
    Gemm,
    /// SHA-256 trees.
    Tree,
    /// What committing costs a job.
    Commitment,
    /// What auditing costs beside computing.
    Audit,
    /// An encoder of MiniLM's size beside ONNX Runtime.
    Encoder,
    /// A look at a journal that keeps a day of records.
    Journal,
    /// Compute units and rent of every instruction.
    Program,
    /// The whole market on a local chain.
    Market,
    /// Lies proved on a local chain.
    Disputes,
    /// Requests of a warm session, beside the same work as jobs.
    Sessions,
    /// A node and a validator at work for minutes or hours: jobs an hour, memory and open files, which have to stay flat.
    Soak,
}

/// Options of `fuzz`.
#[derive(Args, Debug)]
pub(crate) struct FuzzOptions {
    /// How long each target looks for inputs.
    #[arg(long, default_value_t = 600)]
    pub(crate) seconds: u64,
    /// Run only these targets (several: `--target onnx_model,payment`).
    #[arg(long, value_delimiter = ',')]
    pub(crate) target: Vec<String>,
}

/// Options of `wasm`.
#[derive(Args, Debug)]
pub(crate) struct WasmOptions {
    /// Build a second time from a copy of the source in another folder, and fail if the bytes differ.
    #[arg(long)]
    pub(crate) twice: bool,
    /// Verify the job of the demo's model in Node and natively, and print sizes and times.
    #[arg(long)]
    pub(crate) measure: bool,
}

/// Arguments for another program.
#[derive(Args, Debug)]
pub(crate) struct Forwarded {
    /// Passed on as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

impl Forwarded {
    /// The arguments for the other program, with our `--output` among them, so that its last line is the result.
    pub(crate) fn with_output(&self, output: Output) -> Vec<String> {
        let mut arguments = self.arguments.clone();
        let given = arguments.iter().any(|a| a == "--output" || a.starts_with("--output="));
        if output == Output::Json && !given {
            arguments.extend(["--output".to_owned(), "json".to_owned()]);
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn output_reaches_the_program_that_prints_the_result_exactly_once() {
        let json = ["--output", "json"];
        let cases: [&[&str]; 3] = [
            &["cargo xtask", "demo", "--output", "json"],
            &["cargo xtask", "--output", "json", "demo"],
            &["cargo xtask", "demo", "--jobs", "3", "--output", "json"],
        ];
        for case in cases {
            let parsed = Arguments::parse_from(case);
            let Command::Demo(forwarded) = &parsed.command else {
                panic!("{case:?} is not a demo");
            };
            let arguments = forwarded.with_output(parsed.output);
            assert!(arguments.ends_with(&json.map(String::from)), "{case:?} gave {arguments:?}");
            assert_eq!(arguments.iter().filter(|a| *a == "--output").count(), 1, "{case:?}");
        }
    }

    #[test]
    fn unknown_test_parts_are_refused() {
        assert!(Arguments::try_parse_from(["cargo xtask", "test", "--only", "unit,program"]).is_ok());
        assert!(Arguments::try_parse_from(["cargo xtask", "test", "--only", "units"]).is_err());
    }
}
