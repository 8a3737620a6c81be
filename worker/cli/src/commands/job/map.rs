//! `assay job map`: one piece of work as many jobs.

use super::offer::{Offer, can_pay};
use super::{Local, ModelFiles, client};
use crate::commands::store::remote::Remote;
use crate::commands::{read_file, write_file};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::frame;
use crate::output::{Output, fields_of};
use assay_client::split::{MapEvent, MapOptions, Mapped, map as map_jobs, works};
use assay_models::artifact::decode_bundle;
use assay_models::cut::{Cut, cut};
use assay_store::LocalStore;
use clap::Args;
use referee::graph::{Dtype, Graph, TensorKind};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Args, Debug)]
pub(crate) struct Map {
    #[command(flatten)]
    model: ModelFiles,
    /// The inputs bundle of the whole
    #[arg(long)]
    inputs: PathBuf,
    /// The symbol to cut along: the length of the output's outermost axis
    #[arg(long, default_value_t = 0)]
    cut: u8,
    /// Length of the whole along it
    #[arg(long)]
    total: u32,
    /// Jobs
    #[arg(long)]
    parts: u32,
    /// Slot of the input that gets each part's first coordinate, for kernels that compute with it
    #[arg(long, value_name = "SLOT")]
    first_slot: Option<u16>,
    /// Base URL at which nodes reach the store's folder, or what is in --remote
    #[arg(long)]
    store_url: String,
    #[command(flatten)]
    offer: Offer,
    /// Jobs that one part may cost at most
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    attempts: u32,
    /// Jobs that are open at once; the maximum price of each is escrowed
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    at_once: u16,
    /// File for the whole output: row-major, little endian
    #[arg(long)]
    out: PathBuf,
    /// File for the output as a picture in grey, if its elements are bytes: one row for each coordinate that is cut
    #[arg(long)]
    png: Option<PathBuf>,
    /// Add up all elements of the output, as a Monte-Carlo count needs
    #[arg(long)]
    sum: bool,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    local: Local,
}

pub(super) async fn map(context: &Context, arguments: Map, output: Output) -> Result<(), CliError> {
    arguments.offer.check()?;
    let graph = Graph::decode(&read_file(&arguments.model.pair.graph)?)?;
    let symbols = values(&graph, &arguments)?;
    let resolved = graph.resolve(&symbols)?;
    let params = decode_bundle(&read_file(&arguments.model.pair.params)?, &resolved, TensorKind::Param)?;
    let inputs = decode_bundle(&read_file(&arguments.inputs)?, &resolved, TensorKind::Input)?;
    let wanted =
        Cut { symbol: arguments.cut, total: arguments.total, parts: arguments.parts, first: arguments.first_slot };
    let parts = cut(&graph, &symbols, &inputs, &wanted)?;
    let row = match (
        &arguments.png,
        resolved.outputs[..].first().and_then(|slot| resolved.tensors.get(usize::from(*slot))),
    ) {
        (Some(_), Some(tensor)) if matches!(tensor.dtype, Dtype::U8 | Dtype::I8) => {
            Some(tensor.layout.elements() / symbols[usize::from(arguments.cut)].max(1))
        }
        (Some(_), _) => {
            return Err(CliError::new(
                "A0609",
                "--png needs an output of bytes; leave it out and make a picture of --out",
            )
            .with_status(ExitStatus::Usage));
        }
        (None, _) => None,
    };
    let dtype = resolved.outputs.first().and_then(|slot| resolved.tensors.get(usize::from(*slot))).map(|out| out.dtype);
    let works = works(&Arc::new(graph), &Arc::new(params), &parts)?;
    let client = client(context, &arguments.local)?;
    let store = LocalStore::open(&arguments.local.store)?;
    if arguments.remote.is_named() {
        // All parts before the first is posted: nothing is escrowed for what nobody could fetch.
        let mut uris = Vec::new();
        for work in &works {
            let artifacts = work.store(&store, &arguments.store_url).await?;
            uris.extend([artifacts.graph, artifacts.params, artifacts.inputs]);
        }
        arguments.remote.publish(&store, uris.iter().map(String::as_str), arguments.local.allow_private).await?;
    }
    let terms = arguments.offer.terms(context).await?;
    let options = MapOptions { attempts: arguments.attempts, at_once: arguments.at_once.into() };
    can_pay(context, &client.address(), &terms, works.len().min(options.at_once)).await?;
    let mapped = follow(&works, output, async |observe| {
        map_jobs(&client, &store, &arguments.store_url, &works, &terms, options, observe).await
    })
    .await;
    let mut value = describe(&mapped);
    value["file"] = json!(arguments.out);
    let Some(bytes) = mapped.output() else {
        return Err(missing(&mapped));
    };
    write_file(&arguments.out, &bytes)?;
    if let (Some(path), Some(width)) = (&arguments.png, row) {
        write_file(path, frame::png(width, arguments.total, &bytes, &frame::grey())?)?;
        value["png"] = json!(path);
    }
    if let (true, Some(dtype)) = (arguments.sum, dtype) {
        value["elements"] = json!(bytes.len() as u64 / u64::from(dtype.bytes()));
        value["sum"] = json!(sum(dtype, &bytes)?);
    }
    output.result(&value, || {
        fields_of(
            &value,
            &["file", "png", "elements", "sum", "parts", "jobs", "retried", "paid", "refunded", "charged", "seconds"],
        )
    })
}

/// The sum of all elements.
///
/// # Errors
/// `A0611` if it does not fit 64 bits.
fn sum(dtype: Dtype, bytes: &[u8]) -> Result<i64, CliError> {
    let elements = (0..bytes.len() / dtype.bytes() as usize).filter_map(|element| dtype.read(bytes, element));
    elements.into_iter().try_fold(0i64, i64::checked_add).ok_or_else(|| {
        CliError::new(
            "A0611",
            "the sum of the output's elements does not fit 64 bits; leave --sum out and add --out up",
        )
    })
}

/// Runs a map with a bar that grows with every part.
pub(crate) async fn follow<F>(works: &[assay_client::Work], output: Output, run: F) -> Mapped
where
    F: AsyncFnOnce(&(dyn Fn(MapEvent) + Send + Sync)) -> Mapped,
{
    let progress = output.progress("parts", works.len() as u64);
    let (done, retried) = (AtomicU64::new(0), AtomicU64::new(0));
    let observe = |event: MapEvent| match event {
        MapEvent::Posted { .. } => {}
        MapEvent::Done { .. } => progress.set(done.fetch_add(1, Ordering::Relaxed) + 1),
        MapEvent::Failed { part, why, again } => {
            tracing::warn!(part, again, "{why}");
            if again {
                progress.message(format!("parts, {} tried again", retried.fetch_add(1, Ordering::Relaxed) + 1));
            }
        }
    };
    let mapped = run(&observe).await;
    progress.done();
    mapped
}

/// Values of all symbols for reading the files: that of the cut one is the whole's, or its least where the whole is longer.
fn values(graph: &Graph, arguments: &Map) -> Result<Vec<u32>, CliError> {
    let mut values: Vec<u32> = match &arguments.model.symbols[..] {
        [] => graph.symbols.iter().map(|symbol| symbol.min).collect(),
        given if given.len() == graph.symbols.len() => given.to_vec(),
        given => {
            let text = format!("--symbols gives {} values, the graph has {} symbols", given.len(), graph.symbols.len());
            return Err(CliError::new("A0102", text).with_status(ExitStatus::Usage));
        }
    };
    if let (Some(value), Some(symbol)) =
        (values.get_mut(usize::from(arguments.cut)), graph.symbols.get(usize::from(arguments.cut)))
    {
        *value = if arguments.total <= symbol.max { arguments.total.max(symbol.min) } else { symbol.min };
    }
    Ok(values)
}

/// What a map came to, for programs.
pub(crate) fn describe(mapped: &Mapped) -> Value {
    let jobs: Vec<Value> = mapped
        .parts
        .iter()
        .enumerate()
        .flat_map(|(part, report)| {
            report.attempts.iter().map(move |attempt| {
                json!({
                    "part": part,
                    "job": attempt.job.map(|job| job.to_string()),
                    "node": attempt.node.map(|node| node.to_string()),
                    "state": attempt.state.map(|state| format!("{state:?}").to_lowercase()),
                    "paid": attempt.paid,
                    "refund": attempt.refund,
                    "charge": attempt.charge,
                    "closed": attempt.closed,
                    "failure": attempt.failure,
                })
            })
        })
        .collect();
    json!({
        "parts": mapped.parts.len(),
        "jobs": mapped.jobs(),
        "retried": mapped.retried(),
        "paid": mapped.paid(),
        "refunded": mapped.refunded(),
        "charged": mapped.charged(),
        "seconds": (mapped.elapsed.as_secs_f64() * 10.0).round() / 10.0,
        "attempts": jobs,
    })
}

/// `A0610`: which parts have no output, and why the first of them has none.
pub(crate) fn missing(mapped: &Mapped) -> CliError {
    let parts = mapped.missing();
    let why = parts
        .first()
        .and_then(|part| mapped.parts[*part].attempts.last())
        .and_then(|attempt| attempt.failure.clone())
        .unwrap_or_else(|| "it was not tried".to_owned());
    let text = format!(
        "{} of {} parts have no output, the first of them part {}: {why}; {} base units were paid, {} came back; offer more, or more time, and run again",
        parts.len(),
        mapped.parts.len(),
        parts.first().copied().unwrap_or_default(),
        mapped.paid(),
        mapped.refunded(),
    );
    CliError::new("A0610", text).with_status(ExitStatus::NoResult)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_of_elements_as_they_are_stored() {
        assert_eq!(sum(Dtype::U8, &[255, 255, 1]).unwrap(), 511);
        assert_eq!(sum(Dtype::I8, &[255, 255, 1]).unwrap(), -1);
        let words: Vec<u8> = [i32::MIN, 7, i32::MIN].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(sum(Dtype::I32, &words).unwrap(), 2 * i64::from(i32::MIN) + 7);
        assert_eq!(sum(Dtype::I16, &[]).unwrap(), 0);
    }
}
