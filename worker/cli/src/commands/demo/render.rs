//! `assay demo render`: a frame from a kernel in WGSL, rendered in tiles by several nodes.

use super::farm::{Farm, alone};
use super::supervised;
use crate::commands::job::describe_map;
use crate::commands::write_file;
use crate::error::CliError;
use crate::frame;
use crate::local_market::Processes;
use crate::output::{Output, Table};
use assay_client::split::works;
use assay_compiler::{compile, examples};
use assay_models::TensorSet;
use assay_models::cut::{Cut, cut};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Pixels a row
    #[arg(long, default_value_t = 640, value_parser = clap::value_parser!(u32).range(16..=4096))]
    width: u32,
    /// Rows
    #[arg(long, default_value_t = 360, value_parser = clap::value_parser!(u32).range(12..=1024))]
    height: u32,
    /// Jobs: each renders some of the rows
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=12))]
    tiles: u32,
    /// The picture
    #[arg(long, default_value = "frame.png")]
    png: PathBuf,
    /// Milliseconds a slot
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(50..=10_000))]
    slot_ms: u64,
    /// Keep the folder with keys, journals, artifacts and logs
    #[arg(long)]
    keep: bool,
}

/// One unit of the kernel's coordinates is 2^-24.
const ONE: i64 = 1 << 24;

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let processes = Processes::new(arguments.keep)?;
    supervised(&processes, output, render(&processes, &arguments, output)).await
}

async fn render(processes: &Processes, arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let started = Instant::now();
    output.heading("A kernel in WGSL");
    let kernel = compile(examples::MANDELBROT)?;
    output.say(format!(
        "  models/kernels/mandelbrot.wgsl: {} instructions, up to {} steps a pixel",
        kernel.program.code.len(),
        kernel.steps
    ));
    let model = kernel.model(&BTreeMap::new())?;
    let slot = |name: &str| model.slot(name).ok_or_else(|| CliError::new("A0308", format!("the kernel has no {name}")));
    let symbols = [arguments.height, arguments.width];
    let step = 3 * ONE / i64::from(arguments.width);
    let mut inputs = TensorSet::new();
    for (name, value) in [("left", -ONE * 9 / 4), ("top", step * i64::from(arguments.height) / 2), ("step", step)] {
        inputs.insert(slot(name)?, Arc::from((value as i32).to_le_bytes()));
    }
    let whole = Cut { symbol: 0, total: arguments.height, parts: 1, first: Some(slot("first_y")?) };
    let (graph, params) = (Arc::new(model.graph.clone()), Arc::new(model.params.clone()));
    let tiles = works(&graph, &params, &cut(&graph, &symbols, &inputs, &Cut { parts: arguments.tiles, ..whole })?)?;
    let frame = works(&graph, &params, &cut(&graph, &symbols, &inputs, &whole)?)?;

    let farm = Farm::open(processes, arguments.slot_ms, output).await?;
    output.heading(&format!("{} jobs, one for each tile", tiles.len()));
    let (mapped, pixels) = farm.map(&tiles, output).await?;
    let expected = tokio::task::spawn_blocking(move || -> Result<Vec<u8>, CliError> {
        let parts: Result<Vec<_>, _> = frame.iter().map(alone).collect();
        Ok(parts?.concat())
    });
    let expected = expected.await??;
    let picture = frame::png(arguments.width, arguments.height, &pixels, &frame::embers())?;
    write_file(&arguments.png, &picture)?;
    let mut table = Table::new(&["tile", "rows", "node", "price", "jobs"]);
    let mut computed: BTreeMap<&str, usize> = BTreeMap::new();
    for (tile, (report, work)) in mapped.parts.iter().zip(&tiles).enumerate() {
        let last = report.attempts.last();
        let node = farm.name(last.and_then(|attempt| attempt.node));
        *computed.entry(node).or_default() += 1;
        table.row([
            tile.to_string(),
            work.resolved.symbols[0].to_string(),
            node.to_owned(),
            last.map_or(0, |attempt| attempt.paid).to_string(),
            report.attempts.len().to_string(),
        ]);
    }
    output.say(table.render());
    let mut value = describe_map(&mapped);
    value["frame"] = json!(arguments.png);
    value["width"] = json!(arguments.width);
    value["height"] = json!(arguments.height);
    value["tiles_by_node"] = json!(computed);
    value["bit_exact"] = json!(pixels == expected);
    value["total_seconds"] = json!((started.elapsed().as_secs_f64() * 10.0).round() / 10.0);
    output.result(&value, || {
        let exact = if pixels == expected { "bit for bit" } else { "NOT" };
        format!(
            "\n{}: {} x {} pixels from {} jobs, {} tried again, {} base units paid, {exact} what one machine renders alone; {:.1} s",
            arguments.png.display(),
            arguments.width,
            arguments.height,
            mapped.jobs(),
            mapped.retried(),
            mapped.paid(),
            started.elapsed().as_secs_f64()
        )
    })?;
    if pixels == expected {
        return Ok(());
    }
    Err(CliError::new(
        "A0302",
        "the frame differs from what this machine renders alone; run again with --keep and report the folder",
    ))
}
