//! `assay model`: graphs as files.

use crate::error::CliError;
use crate::output::{Output, Table};
use assay_models::artifact::decode_bundle;
use assay_models::digits;
use assay_store::LocalStore;
use clap::{Args, Subcommand};
use referee::graph::{Graph, ResolvedGraph, TensorKind};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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
    /// Write the digits model as files: digits.graph, digits.params
    ExportDigits {
        /// The folder
        #[arg(default_value = ".")]
        folder: PathBuf,
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
        Command::Check(arguments) => check(&arguments, output),
        Command::Show(arguments) => show(&arguments, output),
        Command::Add { graph, params, store } => add(&graph, &params, &store, output).await,
        Command::ExportDigits { folder } => export_digits(&folder, output),
    }
}

/// Reads a file, naming it in the error.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|error| CliError::new("A0101", format!("cannot read {}: {error}", path.display())))
}

/// Decodes a graph and resolves it at `symbols`, or at each symbol's minimum.
pub(crate) fn load(path: &Path, symbols: &[u32]) -> Result<(Graph, ResolvedGraph), CliError> {
    let graph = Graph::decode(&read(path)?)?;
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
        let mut text = format!(
            "sound: {} ops, {} segments, {} boundary tensors\nroot {}",
            resolved.ops.len(),
            resolved.segments.len(),
            resolved.boundary.len(),
            hex::encode(resolved.root)
        );
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
    let mut table = Table::new(&["op", "segment", "kind", "output", "over", "leaves", "upload bytes", "compute units"]);
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
            "root {}\nparams {params} bytes, all temporaries {temps} bytes\n\n{}",
            hex::encode(resolved.root),
            table.render()
        )
    })
}

async fn add(graph: &GraphArguments, params: &Path, store: &Path, output: Output) -> Result<(), CliError> {
    let (encoded, resolved) = load(&graph.graph, &graph.symbols)?;
    encoded.check()?;
    let params_bytes = read(params)?;
    decode_bundle(&params_bytes, &resolved, TensorKind::Param)?;
    let store = LocalStore::open(store)?;
    let graph_id = store.put_bytes(encoded.encode()).await?;
    let params_id = store.put_bytes(params_bytes).await?;
    let value =
        json!({ "graph": graph_id.to_string(), "params": params_id.to_string(), "root": hex::encode(resolved.root) });
    output.result(&value, || format!("graph  {graph_id}\nparams {params_id}"))
}

fn export_digits(folder: &Path, output: Output) -> Result<(), CliError> {
    let model = digits::model()?;
    std::fs::create_dir_all(folder)?;
    let (graph, params) = (folder.join("digits.graph"), folder.join("digits.params"));
    std::fs::write(&graph, model.graph.encode())?;
    std::fs::write(&params, assay_models::artifact::encode_bundle(&model.params))?;
    output.result(&json!({ "graph": graph, "params": params }), || {
        format!("wrote {} and {}", graph.display(), params.display())
    })
}
