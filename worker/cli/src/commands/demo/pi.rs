//! `assay demo pi`: a Monte-Carlo estimate from a kernel in WGSL, each part of the random numbers on another node.

use super::farm::{Farm, alone};
use super::supervised;
use crate::commands::job::describe_map;
use crate::error::CliError;
use crate::local_market::Processes;
use crate::output::{Output, Table};
use assay_client::split::works;
use assay_compiler::{compile, examples};
use assay_models::TensorSet;
use assay_models::cut::{Cut, cut};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Blocks of 4,096 random points
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(12..=786_432))]
    blocks: u32,
    /// Jobs: each draws some of the blocks
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=12))]
    parts: u32,
    /// What the generator begins with
    #[arg(long, default_value_t = 314)]
    seed: i32,
    /// Milliseconds a slot
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(50..=10_000))]
    slot_ms: u64,
    /// Keep the folder with keys, journals, artifacts and logs
    #[arg(long)]
    keep: bool,
}

/// Elements of a block, and random points of each: what the kernel says.
const LANES: u64 = 64;
const POINTS_PER_ELEMENT: u64 = 64;

/// Hits among random points of a square that lie within its inscribed circle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    hits: u64,
    points: u64,
}

impl Tally {
    /// Of the output of a job: a byte of hits for each element.
    fn of(output: &[u8]) -> Self {
        let hits = output.iter().map(|hits| u64::from(*hits)).sum();
        Self { hits, points: output.len() as u64 * POINTS_PER_ELEMENT }
    }

    /// Four times the share of the hits.
    fn estimate(self) -> f64 {
        4.0 * self.hits as f64 / self.points.max(1) as f64
    }

    /// The standard error of the estimate: each point is a hit or none.
    fn standard_error(self) -> f64 {
        let share = self.hits as f64 / self.points.max(1) as f64;
        4.0 * (share * (1.0 - share) / self.points.max(1) as f64).sqrt()
    }
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let processes = Processes::new(arguments.keep)?;
    supervised(&processes, output, estimate(&processes, &arguments, output)).await
}

async fn estimate(processes: &Processes, arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let started = Instant::now();
    output.heading("A kernel in WGSL");
    let kernel = compile(examples::PI)?;
    output.say(format!(
        "  models/kernels/pi.wgsl: {} instructions, up to {} steps an element of {POINTS_PER_ELEMENT} points",
        kernel.program.code.len(),
        kernel.steps
    ));
    let model = kernel.model(&BTreeMap::new())?;
    let slot = |name: &str| model.slot(name).ok_or_else(|| CliError::new("A0308", format!("the kernel has no {name}")));
    let inputs = TensorSet::from([(slot("seed")?, Arc::from(arguments.seed.to_le_bytes()))]);
    let wanted = Cut { symbol: 0, total: arguments.blocks, parts: arguments.parts, first: Some(slot("first_block")?) };
    let cuts = cut(&model.graph, &[arguments.blocks], &inputs, &wanted)?;
    let parts = works(&Arc::new(model.graph), &Arc::new(model.params), &cuts)?;

    let farm = Farm::open(processes, arguments.slot_ms, output).await?;
    output.heading(&format!("{} jobs, each with counters of its own", parts.len()));
    let (mapped, _) = farm.map(&parts, output).await?;
    let outputs: Vec<Arc<[u8]>> = mapped.parts.iter().filter_map(|report| report.output.clone()).collect();
    let expected = tokio::task::spawn_blocking(move || parts.iter().map(alone).collect::<Result<Vec<_>, _>>());
    let bit_exact = expected.await??.iter().map(|bytes| &bytes[..]).eq(outputs.iter().map(|bytes| &bytes[..]));

    let mut table = Table::new(&["part", "counters", "node", "points", "hits", "estimate", "jobs"]);
    let mut rows: Vec<Value> = Vec::new();
    for (part, (report, (cut, bytes))) in mapped.parts.iter().zip(cuts.iter().zip(&outputs)).enumerate() {
        let tally = Tally::of(bytes);
        let counters = [u64::from(cut.first) * LANES, u64::from(cut.first + cut.length) * LANES];
        let node = farm.name(report.attempts.last().and_then(|attempt| attempt.node));
        table.row([
            part.to_string(),
            format!("{}..{}", counters[0], counters[1]),
            node.to_owned(),
            tally.points.to_string(),
            tally.hits.to_string(),
            format!("{:.5}", tally.estimate()),
            report.attempts.len().to_string(),
        ]);
        rows.push(json!({
            "part": part,
            "counters": counters,
            "node": node,
            "points": tally.points,
            "hits": tally.hits,
        }));
    }
    output.say(table.render());
    let whole = Tally::of(&outputs.concat());
    let mut value = describe_map(&mapped);
    value["estimate"] = json!(whole.estimate());
    value["standard_error"] = json!(whole.standard_error());
    value["error"] = json!(whole.estimate() - std::f64::consts::PI);
    value["points"] = json!(whole.points);
    value["hits"] = json!(whole.hits);
    value["tallies"] = json!(rows);
    value["bit_exact"] = json!(bit_exact);
    value["total_seconds"] = json!((started.elapsed().as_secs_f64() * 10.0).round() / 10.0);
    output.result(&value, || {
        let exact = if bit_exact { "bit for bit" } else { "NOT" };
        format!(
            "\npi is about {:.6} ± {:.6} (off by {:+.6}): {} hits among {} points of {} jobs, {} tried again, {} base units paid, \
             {exact} what one machine draws alone; {:.1} s",
            whole.estimate(),
            whole.standard_error(),
            whole.estimate() - std::f64::consts::PI,
            whole.hits,
            whole.points,
            mapped.jobs(),
            mapped.retried(),
            mapped.paid(),
            started.elapsed().as_secs_f64()
        )
    })?;
    if bit_exact {
        return Ok(());
    }
    Err(CliError::new(
        "A0302",
        "a part differs from what this machine draws alone; run again with --keep and report the folder",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up_and_know_how_far_they_may_be_off() {
        // 50 of 64 points of each element.
        let tally = Tally::of(&[50; 128]);
        assert_eq!(tally, Tally { hits: 6_400, points: 8_192 });
        assert_eq!(tally.estimate(), 3.125);
        assert!((tally.standard_error() - 4.0 * (0.78125f64 * 0.21875 / 8_192.0).sqrt()).abs() < 1e-12);
        assert_eq!(Tally::of(&[]).estimate(), 0.0);
        assert_eq!(Tally::of(&[64, 64]).standard_error(), 0.0);
    }
}
