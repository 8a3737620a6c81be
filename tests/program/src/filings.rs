//! Filings that an output is unavailable: who files, what is demanded, and how it ends.

use crate::audits::{Validator, audited_terms};
use crate::calls::{Call, SYSTEM};
use crate::tokens::associated;
use crate::trial::{Case, Trial, Y};
use crate::world::{Job, POCKET, World};
use assay::instructions::{CommitResultArgs, DemandOpeningArgs, FileUnavailableArgs, PostJobArgs};
use assay::state::{DemandKey, DemandTree};
use assay::{accounts, address, instruction};
use solana_sdk::pubkey::Pubkey;

/// The number of the buffer that holds the witness of the output.
const WITNESS: u64 = 77;

impl World {
    /// By the client (`drawn` is nothing), or by an auditor for its validator with a seed.
    pub fn file_unavailable(
        &self,
        job: &Job,
        challenger: Pubkey,
        drawn: Option<(Pubkey, [u8; 32])>,
    ) -> Call<accounts::FileUnavailable> {
        let accounts = accounts::FileUnavailable {
            challenger,
            network: address::NETWORK,
            job: job.address,
            validator: drawn.map(|(validator, _)| validator),
            budget: None,
            challenge: address::challenge(&job.address, &challenger),
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            source: associated(challenger, &self.stake_mint),
            token_program: self.stake_mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = FileUnavailableArgs { seed: drawn.map(|(_, seed)| seed) };
        Call::new(accounts, instruction::FileUnavailable { args })
    }

    /// By whoever filed.
    pub fn end_filing(&self, job: &Job, challenger: Pubkey) -> Call<accounts::EndFiling> {
        let accounts = accounts::EndFiling {
            challenger,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            waiting: self.read_challenge(job, challenger).clocks.demand,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::EndFiling {})
    }
}

impl Trial {
    /// A job with a right result and an audit pot, in a world with two validators that are drawn for it; the epoch of its
    /// commit is over. The client and the auditors have stake tokens.
    pub fn audited(case: Case) -> (Self, [Validator; 2]) {
        let (mut world, validators) = World::with_validators();
        let stake_mint = world.stake_mint;
        for party in [world.client, validators[0].auditor, validators[1].auditor] {
            world.fund(party, &stake_mint, POCKET);
        }
        let PostJobArgs { audit_pot, audit_cap, window_slots, .. } = audited_terms();
        let terms = PostJobArgs { audit_pot, audit_cap, window_slots, ..case.terms() };
        let job = world.post(world.client, &world.mint.clone(), terms);
        world.claim(&job);
        let result: CommitResultArgs = case.result();
        world.accepts(&world.commit_result(&world.node, &job, result));
        world.advance_epochs(1);
        let challenger = world.rich_key("challenger");
        world.fund(challenger, &stake_mint, POCKET);
        (Self { world, case, job, challenger }, validators)
    }

    /// The client files.
    pub fn file(&mut self) -> Pubkey {
        let client = self.world.client;
        let file = self.world.file_unavailable(&self.job, client, None);
        self.world.accepts(&file);
        client
    }

    /// A call that demands a place of the output. The top is entered with a witness; other places lie below `parent`.
    pub fn output_demand(&mut self, filer: Pubkey, height: u8, index: u32) -> Call<accounts::DemandOpening> {
        let top = self.case.hash(Y);
        let key = |height, index| DemandKey {
            origin: DemandKey::origin(&top, None),
            tree: DemandTree::Tensor,
            slot: Y,
            height,
            index,
        };
        let depth = self.case.resolved.tensors[usize::from(Y)].layout.depth();
        if height == depth {
            let witness = address::buffer(&filer, WITNESS);
            if !self.world.exists(witness) {
                let bytes = self.case.witness(Y);
                self.world.upload(filer, WITNESS, &bytes);
            }
            let args = DemandOpeningArgs { key: key(depth, 0), witness_slot: 0, bound: top, path: vec![] };
            return self.world.demand_opening(filer, &self.job, args, None, Some(witness), None);
        }
        let hashes: Vec<[u8; 32]> = self.case.answer(Y, depth, 0, false).as_chunks::<32>().0.to_vec();
        let bound = hashes[index as usize];
        let path = referee::commit::merkle_path(&hashes, index).expect("a path");
        let parent = address::demand(&self.job.address, &key(depth, 0));
        let args = DemandOpeningArgs { key: key(height, index), witness_slot: 0, bound, path };
        self.world.demand_opening(filer, &self.job, args, None, None, Some(parent))
    }

    /// Demands the top of the output.
    pub fn demand_output(&mut self, filer: Pubkey) -> Pubkey {
        let depth = self.case.resolved.tensors[usize::from(Y)].layout.depth();
        let call = self.output_demand(filer, depth, 0);
        self.world.accepts(&call);
        call.accounts.demand
    }

    /// The client files and demands, nobody answers, and somebody ends it: the job is convicted.
    pub fn withhold(&mut self) -> Pubkey {
        let filer = self.file();
        self.demand_output(filer);
        let clock = u64::from(self.world.read_job(&self.job).dispute.defender_clock_slots);
        self.world.advance(clock + 1);
        let time_out = self.world.time_out_defender(&self.job, filer);
        self.world.accepts(&time_out);
        filer
    }
}
