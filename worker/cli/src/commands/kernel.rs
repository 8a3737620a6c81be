//! `assay kernel`: custom kernels in WGSL.

use super::{read_file, write_file};
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay_compiler::{CompileError, Kernel, compile};
use assay_models::TensorSet;
use assay_models::artifact::encode_bundle;
use assay_models::builder::Model;
use clap::Subcommand;
use referee::graph::TensorKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compile a kernel and say what it takes; errors point at line and column
    Check {
        /// The source
        file: PathBuf,
        /// Values of a param, as for `build`: without it, zeros
        #[arg(long, value_name = "NAME=VALUES")]
        param: Vec<String>,
    },
    /// Compile a kernel and write its graph, its params and, if they are given, its inputs as files
    Build {
        /// The source
        file: PathBuf,
        /// Folder for NAME.graph, NAME.params and NAME.inputs
        #[arg(long, default_value = ".")]
        folder: PathBuf,
        /// Values of a param: numbers with commas, or @FILE with its bytes, row-major and little endian
        #[arg(long, value_name = "NAME=VALUES")]
        param: Vec<String>,
        /// Values of an input, likewise; if one is given, all are needed
        #[arg(long, value_name = "NAME=VALUES")]
        input: Vec<String>,
    },
}

pub(crate) fn run(command: Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Check { file, param } => {
            let (kernel, model) = built(&file, &param, true)?;
            let value = describe(&kernel, &model);
            output.result(&value, || words(&kernel, &model))
        }
        Command::Build { file, folder, param, input } => {
            let (kernel, model) = built(&file, &param, false)?;
            build(&file, &folder, &kernel, &model, &input, output)
        }
    }
}

/// Compiles a file and builds the graph of its kernel.
fn built(file: &Path, params: &[String], zeros: bool) -> Result<(Kernel, Model), CliError> {
    let source = String::from_utf8(read_file(file)?).map_err(|error| {
        CliError::new("A0615", format!("{} is no text: {error}; a kernel is a file of WGSL", file.display()))
    })?;
    let kernel = compile(&source).map_err(|error| explain(file, &source, &error))?;
    let mut values = BTreeMap::new();
    for source in kernel.interface.sources.iter().filter(|source| source.kind == TensorKind::Param) {
        match given(params, &source.name) {
            Some(text) => {
                values.insert(source.name.clone(), bytes_of(&source.name, text, source.dtype)?);
            }
            None if zeros => {
                let elements = source.shape.iter().map(|length| match length {
                    assay_compiler::Length::Fixed(length) => u64::from(*length),
                    assay_compiler::Length::Axis(axis) => u64::from(kernel.interface.axes[*axis].low),
                });
                let bytes = elements.product::<u64>() * u64::from(source.dtype.bytes());
                values.insert(source.name.clone(), vec![0; bytes as usize]);
            }
            None => {}
        }
    }
    let known = |name: &str| values.contains_key(name);
    expect_known(params, known, "param")?;
    let model = kernel.model(&values)?;
    Ok((kernel, model))
}

/// The error as one sentence, with its place for people and programs.
fn explain(file: &Path, source: &str, error: &CompileError) -> CliError {
    let sentence = match error.location {
        Some(place) => format!("{}:{}:{}: {}; {}", file.display(), place.line, place.column, error.message, error.help),
        None => format!("{}: {}; {}", file.display(), error.message, error.help),
    };
    let shown = format!("{}\n{}", error.message, error.excerpt(&file.display().to_string(), source));
    let place = error.location.map_or(Value::Null, |place| {
        json!({ "file": file, "line": place.line, "column": place.column, "length": place.length, "help": error.help })
    });
    CliError::new(error.code, sentence).with_place(shown, place)
}

/// The text behind `NAME=`.
fn given<'a>(values: &'a [String], name: &str) -> Option<&'a str> {
    values.iter().find_map(|value| value.split_once('=').filter(|(given, _)| *given == name).map(|(_, text)| text))
}

fn expect_known(values: &[String], known: impl Fn(&str) -> bool, what: &str) -> Result<(), CliError> {
    for value in values {
        let name = value.split_once('=').map_or(value.as_str(), |(name, _)| name);
        if !known(name) || !value.contains('=') {
            return Err(CliError::new(
                "A0607",
                format!(
                    "--{what} {value}: the kernel has no {what} `{name}`, or there is no `=`; write NAME=1,2,3 or NAME=@FILE"
                ),
            ));
        }
    }
    Ok(())
}

/// Bytes of numbers, or of a file.
fn bytes_of(name: &str, text: &str, dtype: referee::graph::Dtype) -> Result<Vec<u8>, CliError> {
    if let Some(path) = text.strip_prefix('@') {
        return read_file(Path::new(path));
    }
    let mut bytes = Vec::new();
    for number in text.split(',') {
        let value = number.trim().parse::<i64>().ok().filter(|value| dtype.saturate(*value) == *value);
        let value = value.ok_or_else(|| {
            CliError::new("A0608", format!("{name}: `{number}` is no {}; give whole numbers with commas", dtype.name()))
        })?;
        bytes.extend_from_slice(&value.to_le_bytes()[..dtype.bytes() as usize]);
    }
    Ok(bytes)
}

fn build(
    file: &Path,
    folder: &Path,
    kernel: &Kernel,
    model: &Model,
    inputs: &[String],
    output: Output,
) -> Result<(), CliError> {
    let name = file.file_stem().map_or_else(|| "kernel".into(), |stem| stem.to_string_lossy().into_owned());
    std::fs::create_dir_all(folder).map_err(|error| CliError::file("create", folder, &error))?;
    let path = |extension: &str| folder.join(format!("{name}.{extension}"));
    write_file(&path("graph"), model.graph.encode())?;
    write_file(&path("params"), encode_bundle(&model.params))?;
    let mut value = describe(kernel, model);
    value["graph"] = json!(path("graph"));
    value["params"] = json!(path("params"));
    if !inputs.is_empty() {
        let sources = || kernel.interface.sources.iter().filter(|source| source.kind == TensorKind::Input);
        expect_known(inputs, |name| sources().any(|source| source.name == name), "input")?;
        let mut bundle = TensorSet::new();
        for source in sources() {
            let text = given(inputs, &source.name).ok_or_else(|| {
                CliError::new("A0614", format!("input `{}` is not given; give all of them, or none", source.name))
            })?;
            let slot = model.slot(&source.name).unwrap_or_default();
            bundle.insert(slot, Arc::from(bytes_of(&source.name, text, source.dtype)?));
        }
        write_file(&path("inputs"), encode_bundle(&bundle))?;
        value["inputs"] = json!(path("inputs"));
    }
    output.result(&value, || {
        let mut lines = vec![("graph", path("graph").display().to_string())];
        lines.push(("params", path("params").display().to_string()));
        if !inputs.is_empty() {
            lines.push(("inputs", path("inputs").display().to_string()));
        }
        format!("{}\n{}", fields(lines), words(kernel, model))
    })
}

fn describe(kernel: &Kernel, model: &Model) -> Value {
    let cost = model.report.costs.first();
    let slots = |wanted: TensorKind| -> BTreeMap<&str, usize> {
        let tensors = model.graph.tensors.iter().enumerate().filter(|(_, tensor)| tensor.kind == wanted);
        tensors.map(|(slot, _)| (model.tensor_names[slot].as_str(), slot)).collect()
    };
    json!({
        "instructions": kernel.program.code.len(),
        "constants": kernel.program.constants.len(),
        "registers": kernel.registers,
        "steps": kernel.steps,
        "symbols": model.symbol_names,
        "input_slots": slots(TensorKind::Input),
        "param_slots": slots(TensorKind::Param),
        "upload_bytes": cost.map(|cost| cost.upload_bytes),
        "compute_units": cost.map(|cost| cost.compute_units),
    })
}

fn words(kernel: &Kernel, model: &Model) -> String {
    let mut text = fields([
        (
            "program",
            format!(
                "{} instructions, {} constants, {} registers",
                kernel.program.code.len(),
                kernel.program.constants.len(),
                kernel.registers
            ),
        ),
        ("steps", format!("at most {} for one element", kernel.steps)),
        (
            "to prove one wrong",
            model.report.costs.first().map_or_else(String::new, |cost| {
                format!("{} bytes, {} compute units as modelled", cost.upload_bytes, cost.compute_units)
            }),
        ),
    ]);
    let mut table = Table::new(&["slot", "name", "kind", "type"]);
    for (slot, tensor) in model.graph.tensors.iter().enumerate() {
        table.row([
            slot.to_string(),
            model.tensor_names[slot].clone(),
            format!("{:?}", tensor.kind).to_lowercase(),
            tensor.dtype.name().to_owned(),
        ]);
    }
    text.push_str("\n\n");
    text.push_str(&table.render());
    if !model.symbol_names.is_empty() {
        text.push_str(&format!("\nsymbols, in their order: {}", model.symbol_names.join(", ")));
    }
    text
}
