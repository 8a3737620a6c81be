//! `assay validator check`: one job replayed, and what is wrong with it in one line.

use super::{Folder, Settings};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields_of};
use assay_validator::evidence::claims::JobRef;
use assay_validator::evidence::{Comparison, Replay, Sources};
use assay_validator::journal::FindingRecord;
use assay_validator::start;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::Instant;

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Address of the job
    job: Pubkey,
    /// How deep to look
    #[arg(long, value_enum, default_value_t = Depth::Output)]
    depth: Depth,
    /// The segment to look into, for depths below the output [default: every one in turn]
    #[arg(long)]
    segment: Option<u16>,
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    settings: Settings,
}

/// How deep a check looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Depth {
    /// Replay the whole job and compare what it committed to
    Output,
    /// Replay, and compare every tensor of the segments with the traces that the node signs
    Segment,
    /// Check the signed traces by the sums that the node serves beside them, and replay only what is suspect
    Freivalds,
}

pub(super) async fn check(context: &Context, arguments: Check, output: Output) -> Result<(), CliError> {
    let mut config = arguments.folder.config()?;
    arguments.settings.apply(&mut config);
    let chain = context.chain();
    let (job, network) = (chain.job(&arguments.job).await?, chain.network().await?);
    if job.committed_slot == 0 {
        let state = format!("{:?}", job.state).to_lowercase();
        let text = format!("job {} has no result: it is {state}; wait until a node has committed", arguments.job);
        return Err(CliError::new("A0401", text));
    }
    let sources = start::sources(&config, chain, &arguments.folder.data)?;
    let started = Instant::now();
    let reference =
        JobRef { address: arguments.job, account: Box::new(job.clone()), genesis_hash: network.genesis_hash };
    let (comparison, replayed) = if arguments.depth == Depth::Freivalds {
        let wanted = arguments.segment.map(|segment| segment..segment.saturating_add(1));
        let checked = sources.check_by_sums(&reference, wanted).await?;
        (checked.comparison, Some(checked.replayed))
    } else {
        let replay = Arc::new(sources.replay(&job, config.selection.max_operations).await?);
        (compare(&sources, &replay, &reference, &arguments).await?, None)
    };
    let mut value = describe(&arguments, &comparison, started.elapsed().as_millis());
    if let Some(replayed) = replayed {
        value["replayed_segments"] = json!(replayed);
    }
    output.result(&value, || words(&value))?;
    match comparison {
        Comparison::Agrees => Ok(()),
        _ => Err(CliError::new("V0208", "the committed result is not what the job's graph computes")
            .with_status(ExitStatus::WrongResult)),
    }
}

async fn compare(
    sources: &Sources,
    replay: &Arc<Replay>,
    job: &JobRef,
    arguments: &Check,
) -> Result<Comparison, CliError> {
    let outside = sources.compare(replay, job).await?;
    if arguments.depth == Depth::Output || !matches!(outside, Comparison::Agrees) {
        return Ok(outside);
    }
    let segments = u16::try_from(replay.work.resolved.segments.len()).unwrap_or(u16::MAX);
    let wanted = match arguments.segment {
        Some(segment) if segment >= segments => {
            let text = format!("there is no segment {segment}, the graph has {segments}; segments count from 0");
            return Err(CliError::new("A0402", text));
        }
        Some(segment) => segment..segment.saturating_add(1),
        None => 0..segments,
    };
    for segment in wanted {
        let inside = sources.compare_segment(replay, job, segment).await?;
        if !matches!(inside, Comparison::Agrees) {
            return Ok(inside);
        }
    }
    Ok(Comparison::Agrees)
}

fn describe(arguments: &Check, comparison: &Comparison, millis: u128) -> Value {
    let (verdict, finding, withheld) = match comparison {
        Comparison::Agrees => ("right", None, None),
        Comparison::Found { finding, .. } => ("wrong", Some(FindingRecord::of(finding)), None),
        Comparison::Withheld { difference, withheld, .. } => {
            let seen = difference
                .map(|difference| format!("tensor {} of segment {} differs", difference.slot, difference.segment));
            ("wrong", None, Some(format!("{}; {withheld}", seen.unwrap_or_else(|| "the roots differ".to_owned()))))
        }
    };
    let field = |of: &dyn Fn(&FindingRecord) -> Value| finding.as_ref().map_or(Value::Null, of);
    json!({
        "job": arguments.job.to_string(),
        "depth": format!("{:?}", arguments.depth).to_lowercase(),
        "verdict": verdict,
        "segment": field(&|finding| json!(finding.segment)),
        "op": field(&|finding| json!(finding.op)),
        "kind": field(&|finding| json!(finding.kind)),
        "tensor": field(&|finding| json!(finding.tensor)),
        "element": field(&|finding| json!(finding.element)),
        "coordinates": field(&|finding| json!(finding.coordinates)),
        "claimed": field(&|finding| json!(finding.claimed)),
        "computed": field(&|finding| json!(finding.computed)),
        "withheld": withheld,
        "milliseconds": u64::try_from(millis).unwrap_or(u64::MAX),
    })
}

fn words(value: &Value) -> String {
    let names = [
        "job",
        "depth",
        "verdict",
        "segment",
        "op",
        "kind",
        "tensor",
        "element",
        "coordinates",
        "claimed",
        "computed",
        "withheld",
        "replayed_segments",
        "milliseconds",
    ];
    fields_of(value, &names)
}
