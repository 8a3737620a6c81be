//! `assay model`: graphs as files, and graphs from trained models.

mod build;
mod values;

use super::{read_file, write_file};
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, Table, fields};
use assay_models::artifact::{decode_bundle, encode_bundle};
use assay_models::digits::{self, Dataset};
use assay_store::LocalStore;
use clap::{Args, Subcommand};
use referee::graph::{Graph, ResolvedGraph, TensorKind};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a verifiable integer graph of a trained model: ONNX, or safetensors with a description
    Build(build::BuildArguments),
    /// Show what an import makes of a trained model, before any integer is chosen
    Inspect(build::SourceArguments),
    /// Turn an example of a built model's inputs into the inputs of a job
    Encode(values::EncodeArguments),
    /// Turn the output of a job of a built model into numbers
    Decode(values::DecodeArguments),
    /// Decode a graph and run every static check on it
    Check(GraphArguments),
    /// Show a graph's ops, shapes, segments and what refereeing them costs
    Show(GraphArguments),
    /// Check a graph with its params and put both into a store
    Add {
        #[command(flatten)]
        graph: GraphArguments,
        /// The params bundle
        #[arg(long)]
        params: PathBuf,
        /// The store's folder
        #[arg(long, default_value = "assay-store")]
        store: PathBuf,
    },
    /// Write the digits model and held-out images as files: digits.graph, digits.params, digits.inputs
    ExportDigits {
        /// The folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Images in digits.inputs
        #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=250))]
        images: u16,
    },
}

#[derive(Args, Debug)]
pub(crate) struct GraphArguments {
    /// The encoded graph
    graph: PathBuf,
    /// Symbol values [default: each symbol's minimum]
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<u32>,
}

pub(crate) async fn run(command: Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Build(arguments) => build::build(arguments, output).await,
        Command::Inspect(arguments) => build::inspect(&arguments, output),
        Command::Encode(arguments) => values::encode(&arguments, output),
        Command::Decode(arguments) => values::decode(&arguments, output),
        Command::Check(arguments) => check(&arguments, output),
        Command::Show(arguments) => show(&arguments, output),
        Command::Add { graph, params, store } => add(&graph, &params, &store, output).await,
        Command::ExportDigits { folder, images } => export_digits(&folder, usize::from(images), output),
    }
}

/// Decodes a graph and resolves it at `symbols`, or at each symbol's minimum.
pub(crate) fn load(path: &Path, symbols: &[u32]) -> Result<(Graph, ResolvedGraph), CliError> {
    let graph = Graph::decode(&read_file(path)?)?;
    let known = graph.symbols.len();
    if !symbols.is_empty() && symbols.len() != known {
        let given = symbols.len();
        return Err(CliError::new("A0102", format!("--symbols gives {given} values, the graph has {known} symbols"))
            .with_status(ExitStatus::Usage));
    }
    let least: Vec<u32> = graph.symbols.iter().map(|symbol| symbol.min).collect();
    let resolved = graph.resolve(if symbols.is_empty() { &least } else { symbols })?;
    Ok((graph, resolved))
}

fn check(arguments: &GraphArguments, output: Output) -> Result<(), CliError> {
    let (graph, resolved) = load(&arguments.graph, &arguments.symbols)?;
    let report = graph.check()?;
    let lints: Vec<String> = report.lints.iter().map(ToString::to_string).collect();
    let value = json!({
        "root": hex::encode(resolved.root),
        "ops": resolved.ops.len(),
        "segments": resolved.segments.len(),
        "boundary": resolved.boundary.len(),
        "lints": lints,
    });
    output.result(&value, || {
        let mut text = fields([
            ("sound", format!("{} ops in {} segments", resolved.ops.len(), resolved.segments.len())),
            ("boundary", format!("{} tensors are committed to", resolved.boundary.len())),
            ("root", hex::encode(resolved.root)),
        ]);
        for lint in &lints {
            text.push_str("\nnote: ");
            text.push_str(lint);
        }
        text
    })
}

fn show(arguments: &GraphArguments, output: Output) -> Result<(), CliError> {
    let (_, resolved) = load(&arguments.graph, &arguments.symbols)?;
    let costs = resolved.costs();
    let mut table = Table::new(&["op", "segment", "kind", "output", "over", "leaves", "proof bytes", "compute units"]);
    let mut ops = Vec::new();
    for (index, (op, cost)) in resolved.ops.iter().zip(&costs).enumerate() {
        let segment = resolved.segment_of(index as u16);
        table.row([
            index.to_string(),
            segment.to_string(),
            format!("{:?}", op.kind),
            format!("{:?}", op.output_dims),
            format!("{:?}", op.reduction_dims),
            cost.leaves.to_string(),
            cost.upload_bytes.to_string(),
            cost.compute_units.to_string(),
        ]);
        ops.push(json!({
            "op": index,
            "segment": segment,
            "kind": format!("{:?}", op.kind),
            "output": op.output_dims,
            "over": op.reduction_dims,
            "leaves": cost.leaves,
            "upload_bytes": cost.upload_bytes,
            "compute_units": cost.compute_units,
        }));
    }
    let bytes_of = |kind| resolved.tensors.iter().filter(|t| t.kind == kind).map(|t| t.bytes() as u64).sum::<u64>();
    let (params, temps) = (bytes_of(TensorKind::Param), bytes_of(TensorKind::Temp));
    let value = json!({
        "root": hex::encode(resolved.root),
        "symbols": resolved.symbols,
        "ops": ops,
        "param_bytes": params,
        "temp_bytes": temps,
    });
    output.result(&value, || {
        format!(
            "{}\n\n{}",
            fields([
                ("root", hex::encode(resolved.root)),
                ("params", format!("{params} bytes")),
                ("temporaries", format!("{temps} bytes")),
            ]),
            table.render()
        )
    })
}

async fn add(graph: &GraphArguments, params: &Path, folder: &Path, output: Output) -> Result<(), CliError> {
    let (encoded, resolved) = load(&graph.graph, &graph.symbols)?;
    encoded.check()?;
    let params_bytes = read_file(params)?;
    decode_bundle(&params_bytes, &resolved, TensorKind::Param)?;
    let store = LocalStore::open(folder)?;
    let graph_id = store.put_bytes(encoded.encode()).await?;
    let params_id = store.put_bytes(params_bytes).await?;
    let value =
        json!({ "graph": graph_id.to_string(), "params": params_id.to_string(), "root": hex::encode(resolved.root) });
    output.result(&value, || {
        fields([
            ("graph", graph_id.to_string()),
            ("params", params_id.to_string()),
            ("root", hex::encode(resolved.root)),
            ("store", folder.display().to_string()),
        ])
    })
}

fn export_digits(folder: &Path, count: usize, output: Output) -> Result<(), CliError> {
    let model = digits::model()?;
    let dataset = Dataset::embedded();
    let images = dataset.held_out.get(..count).unwrap_or(&dataset.held_out);
    std::fs::create_dir_all(folder).map_err(|error| CliError::file("create", folder, &error))?;
    let file = |name: &str| folder.join(name);
    let (graph, params, inputs) = (file("digits.graph"), file("digits.params"), file("digits.inputs"));
    write_file(&graph, model.graph.encode())?;
    write_file(&params, encode_bundle(&model.params))?;
    write_file(&inputs, encode_bundle(&digits::inputs(images)))?;
    let labels: Vec<u8> = images.iter().map(|image| image.label).collect();
    let symbols = digits::symbols(images);
    let value = json!({ "graph": graph, "params": params, "inputs": inputs, "symbols": symbols, "labels": labels });
    output.result(&value, || {
        let words = |values: &[String], between| values.join(between);
        let symbols: Vec<String> = symbols.iter().map(ToString::to_string).collect();
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        fields([
            ("graph", graph.display().to_string()),
            ("params", params.display().to_string()),
            ("inputs", format!("{} ({count} held-out images)", inputs.display())),
            ("symbols", words(&symbols, ",")),
            ("labels", words(&labels, " ")),
        ])
    })
}
