//! Validators: their keys, their chains of seeds, and the calls that they make.

use crate::calls::{Call, SYSTEM};
use crate::terms::terms;
use crate::tokens::{associated, associated_with_bump};
use crate::world::{Job, World};
use assay::address;
use assay::audit::seed_after;
use assay::instructions::{
    AttestArgs, CollectAttestationArgs, CommitChainArgs, PostJobArgs, RegisterValidatorArgs,
    RequestValidatorWithdrawalArgs, RevealSeedArgs, StakeValidatorArgs, UpdateValidatorArgs,
};
use assay::state::{Attestation, Validator as ValidatorAccount};
use assay::{accounts, instruction};
use referee::commit::sha256;
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::slot_hashes::SlotHashes;

/// Seeds in every chain of these tests.
pub const CHAIN_LENGTH: u64 = 400;
/// What each validator of a new world has staked.
pub const VALIDATOR_STAKE: u64 = 50_000;

/// A validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Its account.
    pub address: Pubkey,
    /// Its cold key.
    pub authority: Pubkey,
    /// Its hot key.
    pub auditor: Pubkey,
    /// What its chain begins with.
    pub secret: [u8; 32],
}

impl Validator {
    /// The end of its chain.
    pub fn chain_end(&self) -> [u8; 32] {
        seed_after(self.secret, CHAIN_LENGTH)
    }

    /// Its seed of an epoch, in a chain that counts from `first_epoch` on.
    pub fn seed(&self, first_epoch: u64, epoch: u64) -> [u8; 32] {
        seed_after(self.secret, CHAIN_LENGTH - (epoch + 1 - first_epoch))
    }
}

/// A job with a pot of which one attestation earns at most 300, with a window in which it can be attested.
pub fn audited_terms() -> PostJobArgs {
    PostJobArgs { audit_pot: 1_000, audit_cap: 300, window_slots: 100, ..terms() }
}

/// What an attestation of a job of [`audited_terms`] locks.
pub const ATTESTATION_BOND: u64 = 3_000;

impl World {
    /// A world with two validators, each with the stake and a chain that counts; drawn for every job.
    pub fn with_validators() -> (Self, [Validator; 2]) {
        let mut world = Self::new();
        let validators = ["validator", "other validator"].map(|name| world.registered_validator(name, VALIDATOR_STAKE));
        for validator in &validators {
            let commit = world.commit_chain(validator, validator.chain_end());
            world.accepts(&commit);
        }
        world.advance_epochs(2);
        (world, validators)
    }

    /// A validator that is registered and has `stake`, without a chain.
    pub fn registered_validator(&mut self, name: &str, stake: u64) -> Validator {
        let validator = self.validator(name);
        let register = self.register_validator(&validator);
        self.accepts(&register);
        if stake > 0 {
            let stake = self.stake_validator(&validator, stake);
            self.accepts(&stake);
        }
        validator
    }

    /// The keys of a validator with tokens, which is not registered.
    pub fn validator(&mut self, name: &str) -> Validator {
        let authority = self.rich_key(&format!("{name} authority"));
        let auditor = self.rich_key(&format!("{name} auditor"));
        self.fund(authority, &self.stake_mint.clone(), crate::world::POCKET);
        for mint in [self.mint, self.mint_2022] {
            self.fund(authority, &mint, 0);
        }
        let secret = sha256(&[b"secret", name.as_bytes()]);
        Validator { address: address::validator(&authority), authority, auditor, secret }
    }

    /// Goes to the first slot of the epoch that comes `count` later.
    pub fn advance_epochs(&mut self, count: u64) {
        let length = u64::from(self.network().parameters.audit.epoch_slots);
        self.warp_to((self.slot() / length + count) * length);
    }

    /// Sets what the chain gives as its newest slot hash.
    pub fn set_newest_slot_hash(&mut self, hash: [u8; 32]) {
        let slot = self.slot().saturating_sub(1);
        self.svm.set_sysvar(&SlotHashes::new(&[(slot, Hash::new_from_array(hash))]));
    }

    /// The epoch of a slot.
    pub fn epoch_of(&self, slot: u64) -> u64 {
        slot / u64::from(self.network().parameters.audit.epoch_slots)
    }

    /// Reads a validator.
    pub fn read_validator(&self, validator: &Validator) -> ValidatorAccount {
        self.read(validator.address)
    }

    /// Reads an attestation, if it exists.
    pub fn attestation(&self, job: &Job, validator: &Validator) -> Option<Attestation> {
        self.find(address::attestation(&job.address, &validator.address))
    }

    /// A job with an audit pot and a result, in a later epoch than that of its commit.
    pub fn audited(&mut self) -> Job {
        let job = self.post(self.client, &self.mint.clone(), audited_terms());
        self.claim(&job);
        self.commit(&job);
        self.advance_epochs(1);
        job
    }

    /// The seed by which a validator is drawn for a committed job.
    pub fn seed_for(&self, validator: &Validator, job: &Job) -> [u8; 32] {
        let first = self.read_validator(validator).chain.first_epoch;
        validator.seed(first, self.epoch_of(self.read_job(job).committed_slot))
    }

    /// By its authority.
    pub fn register_validator(&self, validator: &Validator) -> Call<accounts::RegisterValidator> {
        let accounts = accounts::RegisterValidator {
            authority: validator.authority,
            network: address::NETWORK,
            validator: validator.address,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = RegisterValidatorArgs { auditor: validator.auditor };
        Call::new(accounts, instruction::RegisterValidator { args })
    }

    /// By its authority.
    pub fn update_validator(&self, validator: &Validator, auditor: Pubkey) -> Call<accounts::UpdateValidator> {
        let accounts = accounts::UpdateValidator {
            authority: validator.authority,
            validator: validator.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::UpdateValidator { args: UpdateValidatorArgs { auditor } })
    }

    /// By its authority, from its associated token account.
    pub fn stake_validator(&self, validator: &Validator, amount: u64) -> Call<accounts::StakeValidator> {
        let accounts = accounts::StakeValidator {
            authority: validator.authority,
            network: address::NETWORK,
            validator: validator.address,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            source: associated(validator.authority, &self.stake_mint),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::StakeValidator { args: StakeValidatorArgs { amount } })
    }

    /// By its authority.
    pub fn request_validator_withdrawal(
        &self,
        validator: &Validator,
        amount: u64,
    ) -> Call<accounts::RequestValidatorWithdrawal> {
        let accounts = accounts::RequestValidatorWithdrawal {
            authority: validator.authority,
            network: address::NETWORK,
            validator: validator.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = RequestValidatorWithdrawalArgs { amount };
        Call::new(accounts, instruction::RequestValidatorWithdrawal { args })
    }

    /// By its authority, to its associated token account.
    pub fn withdraw_validator_stake(&self, validator: &Validator) -> Call<accounts::WithdrawValidatorStake> {
        let accounts = accounts::WithdrawValidatorStake {
            authority: validator.authority,
            network: address::NETWORK,
            validator: validator.address,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: associated(validator.authority, &self.stake_mint),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawValidatorStake {})
    }

    /// By its authority.
    pub fn deregister_validator(&self, validator: &Validator) -> Call<accounts::DeregisterValidator> {
        let accounts = accounts::DeregisterValidator {
            authority: validator.authority,
            validator: validator.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::DeregisterValidator {})
    }

    /// By the auditor.
    pub fn commit_chain(&self, validator: &Validator, end: [u8; 32]) -> Call<accounts::CommitChain> {
        let accounts = accounts::CommitChain {
            auditor: validator.auditor,
            network: address::NETWORK,
            validator: validator.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CommitChain { args: CommitChainArgs { end } })
    }

    /// By the auditor.
    pub fn reveal_seed(&self, validator: &Validator, epoch: u64, seed: [u8; 32]) -> Call<accounts::RevealSeed> {
        let accounts = accounts::RevealSeed {
            auditor: validator.auditor,
            validator: validator.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::RevealSeed { args: RevealSeedArgs { epoch, seed } })
    }

    /// By the auditor, with the right seed.
    pub fn attest(&self, validator: &Validator, job: &Job) -> Call<accounts::Attest> {
        self.attest_with(validator, job, self.seed_for(validator, job))
    }

    /// By the auditor, with any seed.
    pub fn attest_with(&self, validator: &Validator, job: &Job, seed: [u8; 32]) -> Call<accounts::Attest> {
        let accounts = accounts::Attest {
            auditor: validator.auditor,
            network: address::NETWORK,
            validator: validator.address,
            job: job.address,
            attestation: address::attestation(&job.address, &validator.address),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::Attest { args: AttestArgs { seed } })
    }

    /// By nobody in particular.
    pub fn settle_attestation(&self, validator: &Validator, job: &Job) -> Call<accounts::SettleAttestation> {
        let accounts = accounts::SettleAttestation {
            network: address::NETWORK,
            validator: validator.address,
            job: job.address,
            attestation: address::attestation(&job.address, &validator.address),
            payer: validator.auditor,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::SettleAttestation {})
    }

    /// By anyone, to the associated token account of the validator's authority, whose bump is given.
    pub fn collect_attestation(
        &self,
        caller: Pubkey,
        validator: &Validator,
        job: &Job,
    ) -> Call<accounts::CollectAttestation> {
        let (destination, bump) = associated_with_bump(validator.authority, &job.mint);
        self.collect_attestation_with(caller, validator, job, destination, Some(bump))
    }

    /// By anyone, to any token account, with any bump.
    pub fn collect_attestation_with(
        &self,
        caller: Pubkey,
        validator: &Validator,
        job: &Job,
        destination: Pubkey,
        associated_bump: Option<u8>,
    ) -> Call<accounts::CollectAttestation> {
        let accounts = accounts::CollectAttestation {
            authority: caller,
            job: job.address,
            attestation: address::attestation(&job.address, &validator.address),
            payer: validator.auditor,
            vault: job.vault,
            mint: job.mint.address,
            destination,
            token_program: job.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CollectAttestation { args: CollectAttestationArgs { associated_bump } })
    }

    /// By the client.
    pub fn accept_result(&self, job: &Job) -> Call<accounts::AcceptResult> {
        let accounts = accounts::AcceptResult {
            client: job.client,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::AcceptResult {})
    }
}
