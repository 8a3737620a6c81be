//! The instructions of validators and of delivery.

use super::{TokenMint, build};
use assay::address;
use assay::instruction as data;
use assay::state::Attestation;
use assay::{
    AttestArgs, CollectAttestationArgs, CommitChainArgs, FileUnavailableArgs, RegisterValidatorArgs,
    RequestValidatorWithdrawalArgs, RevealSeedArgs, StakeValidatorArgs, UpdateValidatorArgs, accounts,
};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use spl_associated_token_account_interface::address::get_associated_token_address_and_bump_seed;

const SYSTEM: Pubkey = solana_system_interface::program::ID;

/// Registers a validator; the cold key signs and pays.
pub fn register_validator(authority: &Pubkey, auditor: &Pubkey) -> Instruction {
    build(
        accounts::RegisterValidator {
            authority: *authority,
            network: address::network(),
            validator: address::validator(authority),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RegisterValidator { args: RegisterValidatorArgs { auditor: *auditor } },
    )
}

/// Changes a validator's hot key.
pub fn update_validator(authority: &Pubkey, auditor: &Pubkey) -> Instruction {
    build(
        accounts::UpdateValidator {
            authority: *authority,
            validator: address::validator(authority),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::UpdateValidator { args: UpdateValidatorArgs { auditor: *auditor } },
    )
}

/// Adds stake to the signer's validator out of `source`, a token account of the signer.
pub fn stake_validator(authority: &Pubkey, stake_mint: TokenMint, source: &Pubkey, amount: u64) -> Instruction {
    build(
        accounts::StakeValidator {
            authority: *authority,
            network: address::network(),
            validator: address::validator(authority),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            source: *source,
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::StakeValidator { args: StakeValidatorArgs { amount } },
    )
}

/// Begins to withdraw free stake of the signer's validator.
pub fn request_validator_withdrawal(authority: &Pubkey, amount: u64) -> Instruction {
    build(
        accounts::RequestValidatorWithdrawal {
            authority: *authority,
            network: address::network(),
            validator: address::validator(authority),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RequestValidatorWithdrawal { args: RequestValidatorWithdrawalArgs { amount } },
    )
}

/// Pays the released withdrawal of the signer's validator out to `destination`.
pub fn withdraw_validator_stake(authority: &Pubkey, stake_mint: TokenMint, destination: &Pubkey) -> Instruction {
    build(
        accounts::WithdrawValidatorStake {
            authority: *authority,
            network: address::network(),
            validator: address::validator(authority),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: *destination,
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawValidatorStake {},
    )
}

/// Removes the signer's validator, which owns and owes nothing; its rent returns to the signer.
pub fn deregister_validator(authority: &Pubkey) -> Instruction {
    build(
        accounts::DeregisterValidator {
            authority: *authority,
            validator: address::validator(authority),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::DeregisterValidator {},
    )
}

/// Commits to a chain of seeds. `end` is [`assay::audit::seed_after`] of its last seed, as many steps as it has seeds: the
/// seed of the first epoch that counts is one step before it.
pub fn commit_chain(auditor: &Pubkey, validator: &Pubkey, end: [u8; 32]) -> Instruction {
    build(
        accounts::CommitChain {
            auditor: *auditor,
            network: address::network(),
            validator: *validator,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CommitChain { args: CommitChainArgs { end } },
    )
}

/// Shows the seed of an epoch that is over.
pub fn reveal_seed(auditor: &Pubkey, validator: &Pubkey, epoch: u64, seed: [u8; 32]) -> Instruction {
    build(
        accounts::RevealSeed {
            auditor: *auditor,
            validator: *validator,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RevealSeed { args: RevealSeedArgs { epoch, seed } },
    )
}

/// Attests the result of a job; `seed` is that of the epoch in which it was committed. The auditor pays the rent.
pub fn attest(auditor: &Pubkey, validator: &Pubkey, job: &Pubkey, seed: [u8; 32]) -> Instruction {
    build(
        accounts::Attest {
            auditor: *auditor,
            network: address::network(),
            validator: *validator,
            job: *job,
            attestation: address::attestation(job, validator),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::Attest { args: AttestArgs { seed } },
    )
}

/// Frees or slashes the bond of an attestation of a job that has its verdict. Nobody signs.
pub fn settle_attestation(attestation: &Attestation) -> Instruction {
    build(
        accounts::SettleAttestation {
            network: address::network(),
            validator: attestation.validator,
            job: attestation.job,
            attestation: address::attestation(&attestation.job, &attestation.validator),
            payer: attestation.payer,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::SettleAttestation {},
    )
}

/// Pays the fee of a settled attestation to `destination`. `authority` is the payee, or anyone if `destination` is the
/// payee's associated token account.
pub fn collect_attestation(
    authority: &Pubkey,
    attestation: &Attestation,
    mint: TokenMint,
    destination: &Pubkey,
) -> Instruction {
    collect(authority, attestation, mint, destination, None)
}

/// Pays the fee of a settled attestation to the associated token account of its payee, at anybody's cost.
pub fn help_collect_attestation(helper: &Pubkey, attestation: &Attestation, mint: TokenMint) -> Instruction {
    let (destination, bump) = get_associated_token_address_and_bump_seed(
        &attestation.payee,
        &mint.address,
        &spl_associated_token_account_interface::program::ID,
        &mint.token_program,
    );
    collect(helper, attestation, mint, &destination, Some(bump))
}

fn collect(
    authority: &Pubkey,
    attestation: &Attestation,
    mint: TokenMint,
    destination: &Pubkey,
    associated_bump: Option<u8>,
) -> Instruction {
    build(
        accounts::CollectAttestation {
            authority: *authority,
            job: attestation.job,
            attestation: address::attestation(&attestation.job, &attestation.validator),
            payer: attestation.payer,
            vault: address::vault(&attestation.job),
            mint: mint.address,
            destination: *destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CollectAttestation { args: CollectAttestationArgs { associated_bump } },
    )
}

/// Accepts a result early: the node is paid now.
pub fn accept_result(client: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::AcceptResult {
            client: *client,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AcceptResult {},
    )
}

/// Files that the output of a job is not to be had. The client passes no validator; an auditor its validator and the seed by
/// which that is drawn. `budget` is the job's client where that is a budget, and its agent or owner files. The bond comes out
/// of `source`, a token account of the signer.
pub fn file_unavailable(
    challenger: &Pubkey,
    job: &Pubkey,
    stake_mint: TokenMint,
    source: &Pubkey,
    drawn: Option<(Pubkey, [u8; 32])>,
    budget: Option<Pubkey>,
) -> Instruction {
    build(
        accounts::FileUnavailable {
            challenger: *challenger,
            network: address::network(),
            job: *job,
            validator: drawn.map(|(validator, _)| validator),
            budget,
            challenge: address::challenge(job, challenger),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            source: *source,
            token_program: stake_mint.token_program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::FileUnavailable { args: FileUnavailableArgs { seed: drawn.map(|(_, seed)| seed) } },
    )
}

/// Ends a filing whose demands are all answered; `waiting` is the last of them.
pub fn end_filing(challenger: &Pubkey, job: &Pubkey, waiting: &Pubkey) -> Instruction {
    build(
        accounts::EndFiling {
            challenger: *challenger,
            job: *job,
            challenge: address::challenge(job, challenger),
            waiting: *waiting,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::EndFiling {},
    )
}
