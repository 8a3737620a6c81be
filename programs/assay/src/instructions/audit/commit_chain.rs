use crate::address::NETWORK;
use crate::audit::{Epoch, SeedChain};
use crate::error::AssayError;
use crate::events::ChainCommitted;
use crate::state::{Network, Validator};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `commit_chain`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CommitChainArgs {
    /// The end of the chain: what its first seed becomes after as many steps as the chain has seeds.
    pub end: [u8; 32],
}

/// Commits to a chain of seeds, in place of the one before.
///
/// Who: the auditor, at any time. A validator without a chain that counts is not drawn, so one that replaces its chain gives
/// up the draws of two epochs and cannot choose between the two.
///
/// 1. Records the end of the chain, which counts for jobs posted two epochs from now or later.
#[event_cpi]
#[derive(Accounts)]
pub struct CommitChain<'info> {
    /// The hot key.
    pub auditor: Signer<'info>,
    /// The network, for the length of epochs.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The validator.
    #[account(mut, has_one = auditor @ AssayError::NotAuditor)]
    pub validator: Box<Account<'info, Validator>>,
}

impl CommitChain<'_> {
    /// See [`CommitChain`].
    pub fn handle(ctx: Context<'_, Self>, args: CommitChainArgs) -> Result<()> {
        let epoch_slots = ctx.accounts.network.parameters.audit.epoch_slots;
        let now = Epoch::of(Slot(Clock::get()?.slot), epoch_slots)?;
        let validator = &mut ctx.accounts.validator;
        validator.chain = SeedChain::commit(args.end, now, epoch_slots)?;
        validator.invariant()?;
        emit_cpi!(ChainCommitted {
            validator: ctx.accounts.validator.key(),
            end: args.end,
            first_epoch: ctx.accounts.validator.chain.first_epoch,
            epoch_slots,
        });
        Ok(())
    }
}
