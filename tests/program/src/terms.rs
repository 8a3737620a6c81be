//! Jobs as they are posted, and results as they are committed.

use crate::scheduling_calls::scheduling;
use anchor_lang::prelude::Pubkey;
use assay::instructions::{CommitResultArgs, PostJobArgs};
use assay::market::OutputDescriptor;
use assay::state::{AuditParameters, DisputeParameters, Parameters};
use referee::commit::{ListRole, commitment, depth_for, list_root, merkle_path, merkle_root, sha256, tensor_hash};
use referee::graph::IR_VERSION;

/// The parameters of the network, with room on both sides of every bound.
pub fn parameters() -> Parameters {
    Parameters {
        minimum_stake: 10_000,
        unbonding_slots: 1_400,
        protocol_fee_bps: 250,
        miss_charge_bps: 500,
        minimum_bond_bps: 10_000,
        maximum_claim_slots: 500,
        maximum_run_slots: 400,
        maximum_window_slots: 300,
        minimum_window_slots: 10,
        maximum_open_jobs_per_node: 3,
        dispute: DisputeParameters {
            challenge_bond_bps: 1_000,
            reveal_slots: 20,
            challenger_clock_slots: 200,
            defender_clock_slots: 150,
            slash_bps: 2_500,
            bounty_bps: 5_000,
            opening_fee_lamports: 7_000,
        },
        audit: AuditParameters {
            epoch_slots: 20,
            audits_per_job: 2,
            attestation_bond_bps: 100_000,
            minimum_validator_stake: 10_000,
        },
        scheduling: scheduling(),
    }
}

/// Where the output lies in the boundary of the jobs of [`terms`].
pub fn output_descriptor() -> OutputDescriptor {
    OutputDescriptor { uid: *b"uid-of-y", leaves: 6, depth: 3, boundary_position: 2, boundary_count: 5 }
}

/// A job as a client posts it.
pub fn terms() -> PostJobArgs {
    PostJobArgs {
        job_id: 0,
        graph_root: [1; 32],
        params_root: [2; 32],
        inputs_root: [3; 32],
        ir_version: IR_VERSION,
        symbols: [8, 0, 0, 0],
        output: output_descriptor(),
        price_min: 1_001,
        price_max: 2_003,
        ramp_hold_slots: 10,
        ramp_slots: 20,
        claim_slots: 100,
        run_slots: 50,
        window_slots: 30,
        minimum_stake: 20_000,
        bond: 3_001,
        audit_pot: 0,
        audit_cap: 0,
        invited_node: None,
        cost_units: 0,
        filter: None,
        graph_uri: "http://store.example/graph".into(),
        params_uri: "http://store.example/params".into(),
        inputs_uri: "http://store.example/inputs".into(),
        store_uri: "http://store.example/results".into(),
    }
}

/// The result of a run: an output tensor in its place among the boundary tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedResult {
    /// Root of the output tensor.
    pub output_root: [u8; 32],
    /// Root over all boundary tensors.
    pub boundary_root: [u8; 32],
    /// From the output tensor up.
    pub output_path: Vec<[u8; 32]>,
    /// Hash of the manifest.
    pub result_manifest: [u8; 32],
}

impl ComputedResult {
    /// A result that `seed` tells apart from others. The boundary is hashed whole, as a node does.
    pub fn new(output: &OutputDescriptor, seed: &[u8]) -> Self {
        let output_root = sha256(&[b"output", seed]);
        let count = u32::from(output.boundary_count);
        let position = u32::from(output.boundary_position);
        let tensors: Vec<_> = (0..count)
            .map(|at| match at == position {
                true => tensor_hash(&output.uid, output.leaves, output.depth, &output_root),
                false => sha256(&[b"other", seed, &at.to_le_bytes()]),
            })
            .collect();
        let output_path = merkle_path(&tensors, position).expect("a position in the tree");
        assert_eq!(output_path.len(), usize::from(depth_for(count)));
        let boundary_root = list_root(ListRole::Boundary, count, &merkle_root(&tensors));
        Self { output_root, boundary_root, output_path, result_manifest: sha256(&[b"manifest", seed]) }
    }

    /// What binds the result to a job and a node.
    pub fn commitment(&self, job: Pubkey, node: Pubkey) -> [u8; 32] {
        commitment(&job.to_bytes(), &node.to_bytes(), &self.boundary_root)
    }

    /// As the arguments of `commit_result`.
    pub fn args(&self) -> CommitResultArgs {
        CommitResultArgs {
            boundary_root: self.boundary_root,
            output_root: self.output_root,
            result_manifest: self.result_manifest,
            output_path: self.output_path.clone(),
        }
    }
}
