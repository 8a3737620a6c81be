//! `verify`: a result, replayed on this machine.

use super::{Call, Effect, tool};
use crate::context::{Context, blocking};
use crate::error::Refusal;
use crate::offer::address;
use crate::scratch::Scratch;
use crate::view::state;
use assay::state::Job;
use assay_client::{Client, ClientError, Work};
use assay_kernels::{Backend, CpuBackend, CpuOptions};
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

/// What is to be verified.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Address of the job
    job: String,
}

/// Whether a result is what the job's graph computes.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// Every boundary tensor, and with them the output, is what the graph computes.
    Right,
    /// What the node committed to is not what the graph computes.
    Wrong,
}

/// What was checked, and what came of it.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Verified {
    /// Address of the job
    job: String,
    /// Its state on-chain
    state: String,
    /// Whether the committed result is right
    verdict: Verdict,
    /// What was checked, step by step; all that the verdict rests on
    checked: Vec<String>,
    /// Root over the boundary tensors that the node committed to
    committed_boundary_root: String,
    /// The same of the replay
    computed_boundary_root: String,
    /// What replayed it
    backend: String,
    /// Operations that were replayed
    cost_units: u64,
    /// How long it took, with fetching
    took_milliseconds: u64,
    /// What can be done about it
    advice: &'static str,
}

pub(super) fn definition() -> Tool {
    tool::<Arguments, Verified>(
        "verify",
        "Verify a result",
        Effect::Reads,
        "Replays a job on this machine: fetches its graph, params and inputs, checks them against the roots that the job pins, computes \
         all of it again in exact integers and compares it, bit for bit, with what the node committed to. Trusts neither the node nor \
         the client, only the chain's own account of the job. Says what was checked.",
    )
}

pub(super) async fn verify(call: &Call, arguments: Arguments) -> Result<Verified, Refusal> {
    let context = &call.context;
    let begun = Instant::now();
    let address = address("job", &arguments.job)?;
    let job = context.job(&address).await?;
    if job.committed_slot == 0 {
        return Err(no_result(&job));
    }
    // Gone from the disk before the replay: it is in memory now.
    let work = fetched(context, &job, &context.scratch()?).await?;
    let cost_units = work.cost_units();
    if cost_units > context.limits.max_operations {
        let text = format!(
            "a replay takes {cost_units} operations, this server replays up to {}; the person who starts it can raise --max-operations, \
             and `assay validator check` has other depths",
            context.limits.max_operations
        );
        return Err(Refusal::new("Y0401", text));
    }
    let permit = Arc::clone(&context.replaying).acquire_owned().await;
    let (segments, boundary) = (work.resolved.segments.len(), work.resolved.boundary.len());
    let pinned = job.clone();
    let (description, outcome) = blocking(move || {
        // Held until the replay is over, whether or not anybody still waits for it.
        let _permit = permit;
        let backend = CpuBackend::new(CpuOptions::default()).map_err(ClientError::from)?;
        let description = format!("{} ({})", backend.name(), backend.description());
        let outcome = match Client::verify(&work, &pinned, &backend) {
            Ok(()) => None,
            Err(ClientError::Refuted { computed, .. }) => Some(computed),
            Err(other) => return Err(other.into()),
        };
        Ok((description, outcome))
    })
    .await?;
    let committed = hex::encode(job.boundary_root);
    let mut checked = vec![
        "graph, params and inputs: their roots are those that the job pins on-chain".to_owned(),
        format!("{segments} segments, {cost_units} operations: computed again on this machine in exact integers"),
    ];
    checked.push(match &outcome {
        None => format!(
            "{boundary} boundary tensors, the output among them: their root is the one that the node committed to"
        ),
        Some(_) => format!(
            "{boundary} boundary tensors, the output among them: their root is NOT the one that the node committed to"
        ),
    });
    Ok(Verified {
        job: address.to_string(),
        state: state(&job),
        verdict: if outcome.is_none() { Verdict::Right } else { Verdict::Wrong },
        checked,
        computed_boundary_root: outcome.clone().unwrap_or_else(|| committed.clone()),
        committed_boundary_root: committed,
        backend: description,
        cost_units,
        took_milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        advice: match outcome {
            None => "the result can be used",
            Some(_) => {
                "do not use the result. A validator can prove it wrong while the window is open: `assay validator check` names the element"
            }
        },
    })
}

/// A job without a result.
pub(super) fn no_result(job: &Job) -> Refusal {
    Refusal::new("Y0402", format!("the job has no result: it is {}; watch it until one is committed", state(job)))
}

/// A job's work from where the job itself says it is, checked against everything that it pins.
pub(super) async fn fetched(context: &Context, job: &Job, scratch: &Scratch) -> Result<Work, Refusal> {
    Ok(Work::fetch(job, &context.fetcher, scratch, &context.limits.fetch).await?)
}
