//! `explain`: what became of a job and why.

use super::{Call, Effect, tool};
use crate::error::Refusal;
use crate::offer::address;
use crate::untrusted::Untrusted;
use crate::view::{JobView, Said};
use assay_client::explain::{explain_job, explain_node};
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

/// What is to be explained.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Address of the job
    job: String,
    /// Address of a node: why it may claim the job or not, and what became of it there [default: the one that claimed it, or is invited]
    #[serde(default)]
    node: Option<String>,
}

/// What became of a job.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Explained {
    /// The job
    job: JobView,
    /// The slot as of which this is said
    slot: u64,
    /// What happened, in order, and what comes next
    findings: Vec<Said>,
    /// The node that is spoken of, if there is one
    node: Option<NodeExplained>,
}

/// What the program's rules say about a node and a job.
#[derive(Debug, JsonSchema, Serialize)]
struct NodeExplained {
    /// Address of the node
    node: String,
    /// Where its operator says that it can be reached
    endpoint: Option<Untrusted>,
    /// What the rules say
    findings: Vec<Said>,
}

pub(super) fn definition() -> Tool {
    tool::<Arguments, Explained>(
        "explain",
        "Explain a job",
        Effect::Reads,
        "What became of a job and why, what comes next and until when, and by which rules a node may claim it or not: from the chain's \
         own account of it, with the program's codes.",
    )
}

pub(super) async fn explain(call: &Call, arguments: Arguments) -> Result<Explained, Refusal> {
    let chain = &call.context.chain;
    let job_address = address("job", &arguments.job)?;
    let job = call.context.job(&job_address).await?;
    let slot = chain.slot().await?;
    let asked = arguments.node.as_deref().map(|node| address("node", node)).transpose()?;
    let node = asked.or_else(|| [job.node, job.invited_node].into_iter().find(|node| *node != Pubkey::default()));
    // A node that has left is only an error where it was asked for.
    let node = match (node, asked) {
        (None, _) => None,
        (Some(node), None) if chain.find_node(&node).await?.is_none() => None,
        (Some(node), _) => {
            let explained = explain_node(chain, &node, &job_address).await?;
            Some(NodeExplained {
                node: node.to_string(),
                endpoint: Untrusted::address(&chain.node(&node).await?.endpoint),
                findings: explained.findings.into_iter().map(Said::from).collect(),
            })
        }
    };
    let findings = explain_job(&job, slot).into_iter().map(Said::from).collect();
    Ok(Explained { job: JobView::of(&job_address, &job), slot, findings, node })
}
