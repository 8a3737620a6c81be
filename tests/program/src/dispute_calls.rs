//! The accounts of every instruction of disputes, as a well-behaved caller passes them.

use crate::calls::{Call, SYSTEM};
use crate::tokens::{associated, associated_with_bump};
use crate::world::{Job, World};
use assay::dispute::Target;
use assay::dispute::signature::{INSTRUCTIONS_SYSVAR, SLOT_HASHES_SYSVAR};
use assay::instructions::{
    CloseChallengeArgs, CloseSegmentClaimArgs, CommitChallengeArgs, DemandOpeningArgs, DemandSegmentRootArgs,
    GrowBufferArgs, OpenBufferArgs, PostSegmentRootArgs, ProveEquivocationArgs, RecordSegmentRootArgs,
    RevealChallengeArgs, WriteBufferArgs,
};
use assay::state::{Challenge, Demand, DemandKey, SegmentClaim};
use assay::state_machine::JobState;
use assay::{accounts, address, instruction};
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;

fn some(key: Pubkey) -> Option<Pubkey> {
    (key != Pubkey::default()).then_some(key)
}

impl World {
    /// Reads the challenge of a job by a key.
    pub fn read_challenge(&self, job: &Job, challenger: Pubkey) -> Challenge {
        self.read(address::challenge(&job.address, &challenger))
    }

    fn waiting(&self, job: &Job, challenger: Pubkey) -> Option<Pubkey> {
        let challenge: Option<Challenge> = self.find(address::challenge(&job.address, &challenger));
        challenge.and_then(|challenge| some(challenge.clocks.demand))
    }

    /// The session of a receipt that is not convicted.
    fn session_of(&self, job: &Job) -> Option<Pubkey> {
        let state = self.read_job(job);
        some(state.session).filter(|_| state.state != JobState::Convicted)
    }

    /// By the challenger, from its associated token account.
    pub fn commit_challenge(&self, job: &Job, challenger: Pubkey, sealed: [u8; 32]) -> Call<accounts::CommitChallenge> {
        let accounts = accounts::CommitChallenge {
            challenger,
            network: address::NETWORK,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            source: associated(challenger, &self.stake_mint),
            token_program: self.stake_mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CommitChallenge { args: CommitChallengeArgs { sealed } })
    }

    /// By the challenger.
    pub fn reveal_challenge(
        &self,
        job: &Job,
        challenger: Pubkey,
        target: Target,
        own_hash: [u8; 32],
        salt: [u8; 32],
    ) -> Call<accounts::RevealChallenge> {
        let accounts = accounts::RevealChallenge {
            challenger,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::RevealChallenge { args: RevealChallengeArgs { target, own_hash, salt } })
    }

    /// By the owner.
    pub fn open_buffer(&self, owner: Pubkey, id: u64, bytes: u32) -> Call<accounts::OpenBuffer> {
        let accounts = accounts::OpenBuffer { owner, buffer: address::buffer(&owner, id), system_program: SYSTEM };
        Call::new(accounts, instruction::OpenBuffer { args: OpenBufferArgs { id, bytes } })
    }

    /// By the owner.
    pub fn grow_buffer(&self, owner: Pubkey, id: u64, bytes: u32) -> Call<accounts::GrowBuffer> {
        let accounts = accounts::GrowBuffer { owner, buffer: address::buffer(&owner, id), system_program: SYSTEM };
        Call::new(accounts, instruction::GrowBuffer { args: GrowBufferArgs { bytes } })
    }

    /// By the owner.
    pub fn write_buffer(&self, owner: Pubkey, id: u64, offset: u32, bytes: &[u8]) -> Call<accounts::WriteBuffer> {
        let accounts = accounts::WriteBuffer { owner, buffer: address::buffer(&owner, id) };
        Call::new(accounts, instruction::WriteBuffer { args: WriteBufferArgs { offset, bytes: bytes.to_vec() } })
    }

    /// By the owner.
    pub fn close_buffer(&self, owner: Pubkey, id: u64) -> Call<accounts::CloseBuffer> {
        let accounts = accounts::CloseBuffer { owner, buffer: address::buffer(&owner, id) };
        Call::new(accounts, instruction::CloseBuffer {})
    }

    /// Opens a buffer and fills it.
    pub fn upload(&mut self, owner: Pubkey, id: u64, bytes: &[u8]) -> Pubkey {
        let first = (bytes.len() as u32).min(10_000);
        let open = self.open_buffer(owner, id, first);
        self.accepts(&open);
        let mut length = first;
        while (length as usize) < bytes.len() {
            length = (bytes.len() as u32).min(length + 10_240);
            let grow = self.grow_buffer(owner, id, length);
            self.accepts(&grow);
        }
        for (at, piece) in bytes.chunks(900).enumerate() {
            let write = self.write_buffer(owner, id, at as u32 * 900, piece);
            self.accepts(&write);
        }
        address::buffer(&owner, id)
    }

    /// By anyone, with the operator's signature, which the caller puts before it.
    pub fn record_segment_root(
        &self,
        payer: Pubkey,
        job: &Job,
        segment: u16,
        root: [u8; 32],
    ) -> Call<accounts::RecordSegmentRoot> {
        let operator = self.read_job(job).operator;
        let accounts = accounts::RecordSegmentRoot {
            payer,
            network: address::NETWORK,
            job: job.address,
            claim: address::segment_claim(&job.address, segment, &operator),
            demand: address::demand(&job.address, &DemandKey::segment_root(segment)),
            instructions: INSTRUCTIONS_SYSVAR,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::RecordSegmentRoot { args: RecordSegmentRootArgs { segment, root } })
    }

    /// By the poster, from its associated token account.
    pub fn post_segment_root(
        &self,
        poster: Pubkey,
        job: &Job,
        segment: u16,
        root: [u8; 32],
    ) -> Call<accounts::PostSegmentRoot> {
        let accounts = accounts::PostSegmentRoot {
            poster,
            network: address::NETWORK,
            job: job.address,
            node: self.read_job(job).node,
            demand: address::demand(&job.address, &DemandKey::segment_root(segment)),
            claim: address::segment_claim(&job.address, segment, &poster),
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            source: associated(poster, &self.stake_mint),
            token_program: self.stake_mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::PostSegmentRoot { args: PostSegmentRootArgs { root } })
    }

    /// By the challenger, with a witness of the tensor `slot`.
    pub fn demand_segment_root(
        &self,
        challenger: Pubkey,
        job: &Job,
        segment: u16,
        slot: u16,
        witness: Option<Pubkey>,
    ) -> Call<accounts::DemandSegmentRoot> {
        let operator = self.read_job(job).operator;
        let accounts = accounts::DemandSegmentRoot {
            challenger,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            demand: address::demand(&job.address, &DemandKey::segment_root(segment)),
            waiting: self.waiting(job, challenger),
            signed_claim: address::segment_claim(&job.address, segment, &operator),
            witness,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::DemandSegmentRoot { args: DemandSegmentRootArgs { segment, slot } })
    }

    /// By the challenger.
    pub fn demand_opening(
        &self,
        challenger: Pubkey,
        job: &Job,
        args: DemandOpeningArgs,
        claim: Option<Pubkey>,
        witness: Option<Pubkey>,
        parent: Option<Pubkey>,
    ) -> Call<accounts::DemandOpening> {
        let accounts = accounts::DemandOpening {
            challenger,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            demand: address::demand(&job.address, &args.key),
            waiting: self.waiting(job, challenger),
            parent,
            claim,
            witness,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::DemandOpening { args })
    }

    /// By the owner of the buffer.
    pub fn answer_opening(&self, owner: Pubkey, demand: Pubkey, buffer: Pubkey) -> Call<accounts::AnswerOpening> {
        let claim = some(self.read::<Demand>(demand).claim);
        let accounts = accounts::AnswerOpening {
            owner,
            demand,
            claim,
            buffer,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::AnswerOpening {})
    }

    fn demand_of(&self, claim: Option<Pubkey>) -> Option<Pubkey> {
        claim.and_then(|claim| some(self.read::<SegmentClaim>(claim).demand))
    }

    /// By the challenger, with a buffer of its own.
    pub fn prove(&self, challenger: Pubkey, job: &Job, buffer: Pubkey, claim: Option<Pubkey>) -> Call<accounts::Prove> {
        let accounts = accounts::Prove {
            challenger,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: self.read_job(job).node,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            buffer,
            waiting: self.waiting(job, challenger),
            claim,
            segment_demand: self.demand_of(claim),
            session: self.session_of(job),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::Prove {})
    }

    /// By the challenger, with the operator's second signature, which the caller puts before it.
    pub fn prove_equivocation(
        &self,
        challenger: Pubkey,
        job: &Job,
        segment: u16,
        root: [u8; 32],
    ) -> Call<accounts::ProveEquivocation> {
        let state = self.read_job(job);
        let accounts = accounts::ProveEquivocation {
            challenger,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: state.node,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            waiting: self.waiting(job, challenger),
            claim: address::segment_claim(&job.address, segment, &state.operator),
            session: self.session_of(job),
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ProveEquivocation { args: ProveEquivocationArgs { root } })
    }

    /// By nobody in particular.
    pub fn time_out_defender(&self, job: &Job, challenger: Pubkey) -> Call<accounts::TimeOutDefender> {
        let waiting = self.waiting(job, challenger).unwrap_or_default();
        let claim = self.find::<Demand>(waiting).and_then(|demand| some(demand.claim));
        let accounts = accounts::TimeOutDefender {
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: self.read_job(job).node,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            waiting,
            claim,
            segment_demand: self.demand_of(claim),
            session: self.session_of(job),
            slot_hashes: SLOT_HASHES_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::TimeOutDefender {})
    }

    /// By nobody in particular.
    pub fn time_out_challenger(&self, job: &Job, challenger: Pubkey) -> Call<accounts::TimeOutChallenger> {
        let accounts = accounts::TimeOutChallenger {
            node: self.read_job(job).node,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            waiting: self.waiting(job, challenger),
            slot_hashes: SLOT_HASHES_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::TimeOutChallenger {})
    }

    /// By the challenger.
    pub fn withdraw_challenge(&self, job: &Job, challenger: Pubkey) -> Call<accounts::WithdrawChallenge> {
        let accounts = accounts::WithdrawChallenge {
            challenger,
            node: self.read_job(job).node,
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawChallenge {})
    }

    /// By nobody in particular.
    pub fn resolve_challenge(&self, job: &Job, challenger: Pubkey) -> Call<accounts::ResolveChallenge> {
        let accounts = accounts::ResolveChallenge {
            job: job.address,
            challenge: address::challenge(&job.address, &challenger),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ResolveChallenge {})
    }

    /// By nobody in particular; `won` in the order given.
    pub fn settle_dispute(&self, job: &Job, won: &[Pubkey]) -> Instruction {
        let accounts =
            accounts::SettleDispute { job: job.address, event_authority: address::EVENT_AUTHORITY, program: assay::ID };
        let mut instruction = Call::new(accounts, instruction::SettleDispute {}).instruction();
        instruction.accounts.extend(won.iter().map(|challenge| AccountMeta::new(*challenge, false)));
        instruction
    }

    /// By anyone, to the challenger's associated token account.
    pub fn close_challenge(&self, caller: Pubkey, job: &Job, challenger: Pubkey) -> Call<accounts::CloseChallenge> {
        let (destination, bump) = associated_with_bump(challenger, &self.stake_mint);
        let accounts = accounts::CloseChallenge {
            authority: caller,
            network: address::NETWORK,
            challenge: address::challenge(&job.address, &challenger),
            challenger,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            destination,
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseChallenge { args: CloseChallengeArgs { associated_bump: Some(bump) } })
    }

    /// By nobody in particular.
    pub fn burn_slash(&self, job: &Job) -> Call<accounts::BurnSlash> {
        let accounts = accounts::BurnSlash {
            network: address::NETWORK,
            job: job.address,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::BurnSlash {})
    }

    /// By nobody in particular.
    pub fn close_demand(&self, demand: Pubkey) -> Call<accounts::CloseDemand> {
        let state: Demand = self.read(demand);
        let accounts = accounts::CloseDemand {
            job: state.job,
            demand,
            payer: state.payer,
            answer: some(state.answer),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseDemand {})
    }

    /// By anyone; a bond goes to the author's associated token account.
    pub fn close_segment_claim(&self, caller: Pubkey, claim: Pubkey) -> Call<accounts::CloseSegmentClaim> {
        let state: SegmentClaim = self.read(claim);
        let (destination, bump) = associated_with_bump(state.author, &self.stake_mint);
        let accounts = accounts::CloseSegmentClaim {
            authority: caller,
            network: address::NETWORK,
            job: state.job,
            claim,
            payer: state.payer,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: (state.bond > 0).then_some(destination),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = CloseSegmentClaimArgs { associated_bump: Some(bump) };
        Call::new(accounts, instruction::CloseSegmentClaim { args })
    }
}
