//! Accounts as rows of lists; pure.

use crate::fold::{snake, somebody};
use crate::shape::{Amount, JobRow, NodeRow};
use assay::state::{Job, Node};
use solana_sdk::pubkey::Pubkey;

/// A job as a row.
pub fn job_row(address: &Pubkey, job: &Job, ended_slot: u64, closed_slot: u64) -> JobRow {
    JobRow {
        address: address.to_string(),
        state: snake(&job.state),
        client: job.client.to_string(),
        node: somebody(&job.node),
        mint: job.payment_mint.to_string(),
        price_min: Amount(job.price_min),
        price_max: Amount(job.price_max),
        price: Amount(job.price),
        bond: Amount(job.bond),
        posted_slot: job.posted_slot,
        claimed_slot: job.claimed_slot,
        committed_slot: job.committed_slot,
        ended_slot,
        closed_slot,
        reason: snake(&job.reason),
        fault_side: snake(&job.fault_side),
        fault: snake(&job.record.fault),
        challenges_open: job.record.challenges_open,
        graph_root: hex::encode(job.graph_root),
        session: somebody(&job.session),
    }
}

/// A node as a row.
pub fn node_row(address: &Pubkey, node: &Node, closed_slot: u64) -> NodeRow {
    NodeRow {
        address: address.to_string(),
        withdraw_authority: node.withdraw_authority.to_string(),
        operator: node.operator.to_string(),
        stake: Amount(node.stake),
        locked: Amount(node.locked),
        open_jobs: node.open_jobs,
        jobs_settled: node.jobs_settled,
        jobs_missed: node.jobs_missed,
        convictions: node.fraud_convictions,
        score: node.score.0,
        units_per_slot: Amount(node.profile.units_per_slot),
        price_floor: Amount(node.profile.price_floor),
        region: node.profile.region,
        capabilities: Amount(node.profile.capabilities),
        registered_slot: node.registered_slot,
        seen_slot: node.standing.seen_slot,
        jailed_until_slot: node.standing.jailed_until_slot,
        endpoint: node.endpoint.clone(),
        closed_slot,
    }
}
