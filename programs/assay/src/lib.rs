//! Assay: a market for verifiable compute.
//!
//! A client escrows payment for a job; a staked node claims it, runs it, and commits to the result; after a challenge
//! window in which the result can be disputed, settlement records who is owed what, and each party withdraws its own.
//!
//! Read from the bottom up, every module depending only on those before it:
//!
//! * [`error`], [`units`], [`address`]: codes, typed units, seeds;
//! * [`market`], [`state_machine`]: the rules as pure functions and the life of a job as a table;
//! * [`state`], [`events`]: the accounts with their transitions and invariants, and what is announced;
//! * [`token_policy`], [`vault`]: which mints are accepted, and the only code that moves tokens;
//! * [`instructions`]: one a file: who may call, from which state, with which effects.
//!
//! `ATTACKS.md` lists for every instruction what was tried against it and the test that shows it refused.

// Anchor's macros write undocumented items next to ours: here and in `instructions` always, elsewhere for the IDL.
#![allow(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

use anchor_lang::prelude::*;

#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod address;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod error;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod events;
pub mod instructions;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod market;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod state;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod state_machine;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod token_policy;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod units;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod vault;

pub use error::AssayError;
pub use instructions::*;

// The development program: see migrations/keys/README.md.
declare_id!("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");

/// The instructions. Each is documented at the type of its accounts.
#[program]
pub mod assay {
    use super::*;

    /// See [`InitializeNetwork`].
    pub fn initialize_network(ctx: Context<InitializeNetwork>, args: InitializeNetworkArgs) -> Result<()> {
        InitializeNetwork::handle(ctx, args)
    }

    /// See [`SetParameters`].
    pub fn set_parameters(ctx: Context<SetParameters>, args: SetParametersArgs) -> Result<()> {
        SetParameters::handle(ctx, args)
    }

    /// See [`ProposeAuthority`].
    pub fn propose_authority(ctx: Context<ProposeAuthority>, args: ProposeAuthorityArgs) -> Result<()> {
        ProposeAuthority::handle(ctx, args)
    }

    /// See [`AcceptAuthority`].
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        AcceptAuthority::handle(ctx)
    }

    /// See [`AllowPaymentMint`].
    pub fn allow_payment_mint(ctx: Context<AllowPaymentMint>, args: AllowPaymentMintArgs) -> Result<()> {
        AllowPaymentMint::handle(ctx, args)
    }

    /// See [`SetPaymentMint`].
    pub fn set_payment_mint(ctx: Context<SetPaymentMint>, args: SetPaymentMintArgs) -> Result<()> {
        SetPaymentMint::handle(ctx, args)
    }

    /// See [`WithdrawFees`].
    pub fn withdraw_fees<'info>(ctx: Context<'info, WithdrawFees<'info>>, args: WithdrawFeesArgs) -> Result<()> {
        WithdrawFees::handle(ctx, args)
    }

    /// See [`RegisterNode`].
    pub fn register_node(ctx: Context<RegisterNode>, args: RegisterNodeArgs) -> Result<()> {
        RegisterNode::handle(ctx, args)
    }

    /// See [`UpdateNode`].
    pub fn update_node(ctx: Context<UpdateNode>, args: UpdateNodeArgs) -> Result<()> {
        UpdateNode::handle(ctx, args)
    }

    /// See [`Stake`].
    pub fn stake<'info>(ctx: Context<'info, Stake<'info>>, args: StakeArgs) -> Result<()> {
        Stake::handle(ctx, args)
    }

    /// See [`RequestWithdrawal`].
    pub fn request_withdrawal(ctx: Context<RequestWithdrawal>, args: RequestWithdrawalArgs) -> Result<()> {
        RequestWithdrawal::handle(ctx, args)
    }

    /// See [`CancelWithdrawal`].
    pub fn cancel_withdrawal(ctx: Context<CancelWithdrawal>, args: CancelWithdrawalArgs) -> Result<()> {
        CancelWithdrawal::handle(ctx, args)
    }

    /// See [`WithdrawStake`].
    pub fn withdraw_stake<'info>(ctx: Context<'info, WithdrawStake<'info>>) -> Result<()> {
        WithdrawStake::handle(ctx)
    }

    /// See [`DeregisterNode`].
    pub fn deregister_node(ctx: Context<DeregisterNode>) -> Result<()> {
        DeregisterNode::handle(ctx)
    }

    /// See [`PostJob`].
    pub fn post_job<'info>(ctx: Context<'info, PostJob<'info>>, args: PostJobArgs) -> Result<()> {
        PostJob::handle(ctx, args)
    }

    /// See [`ClaimJob`].
    pub fn claim_job(ctx: Context<ClaimJob>) -> Result<()> {
        ClaimJob::handle(ctx)
    }

    /// See [`CommitResult`].
    pub fn commit_result(ctx: Context<CommitResult>, args: CommitResultArgs) -> Result<()> {
        CommitResult::handle(ctx, args)
    }

    /// See [`FinaliseJob`].
    pub fn finalise_job(ctx: Context<FinaliseJob>) -> Result<()> {
        FinaliseJob::handle(ctx)
    }

    /// See [`CancelJob`].
    pub fn cancel_job(ctx: Context<CancelJob>) -> Result<()> {
        CancelJob::handle(ctx)
    }

    /// See [`ExpireJob`].
    pub fn expire_job(ctx: Context<ExpireJob>) -> Result<()> {
        ExpireJob::handle(ctx)
    }

    /// See [`ExpireClaim`].
    pub fn expire_claim(ctx: Context<ExpireClaim>) -> Result<()> {
        ExpireClaim::handle(ctx)
    }

    /// See [`WithdrawCredit`].
    pub fn withdraw_credit<'info>(ctx: Context<'info, WithdrawCredit<'info>>, args: WithdrawCreditArgs) -> Result<()> {
        WithdrawCredit::handle(ctx, args)
    }

    /// See [`WithdrawCharge`].
    pub fn withdraw_charge<'info>(ctx: Context<'info, WithdrawCharge<'info>>) -> Result<()> {
        WithdrawCharge::handle(ctx)
    }

    /// See [`SweepFee`].
    pub fn sweep_fee<'info>(ctx: Context<'info, SweepFee<'info>>) -> Result<()> {
        SweepFee::handle(ctx)
    }

    /// See [`CloseJob`].
    pub fn close_job<'info>(ctx: Context<'info, CloseJob<'info>>) -> Result<()> {
        CloseJob::handle(ctx)
    }
}
