use crate::address::{NETWORK, PROPOSAL_SEED};
use crate::error::AssayError;
use crate::events::ChangeProposed;
use crate::state::{Change, Network, PaymentMint, Proposal};
use crate::token_policy::check_payment_mint;
use crate::units::Slot;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::Mint;

/// Arguments of `propose_change`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct ProposeChangeArgs {
    /// The change.
    pub change: Change,
}

/// Proposes a change, which can be carried out when the network's timelock is over.
///
/// Who: the network's authority. What is checked here is checked again when the change is carried out, because bounds, mints and
/// vaults may be others then.
///
/// 1. Numbers the proposal and records it with its first and last slot.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeChange<'info> {
    /// The network's authority; pays.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The network.
    #[account(
        mut,
        address = NETWORK,
        has_one = authority @ AssayError::NotNetworkAuthority,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The proposal to create.
    #[account(
        init,
        payer = authority,
        space = Proposal::SPACE,
        seeds = [PROPOSAL_SEED, network.proposals.to_le_bytes().as_ref()],
        bump,
    )]
    pub proposal: Box<Account<'info, Proposal>>,
    /// The mint that is to be allowed; only for such a change.
    pub mint: Option<Box<InterfaceAccount<'info, Mint>>>,
    /// The record of the mint that the change is about; only for changes about a mint that is allowed.
    pub payment_mint: Option<Box<Account<'info, PaymentMint>>>,
    /// Creates the proposal.
    pub system_program: Program<'info, System>,
}

impl ProposeChange<'_> {
    fn validate(&self, change: &Change) -> Result<()> {
        change.validate(&self.network)?;
        let new_mint = self.mint.as_ref().map(|mint| mint.key());
        let recorded_mint = self.payment_mint.as_ref().map(|record| record.mint);
        let fits = new_mint == change.new_mint() && recorded_mint == change.recorded_mint();
        require!(fits, AssayError::ChangeSubjectWrong);
        if let Some(mint) = &self.mint {
            let mint: &AccountInfo<'_> = mint.as_ref().as_ref();
            check_payment_mint(&mint.try_borrow_data()?)?;
        }
        if let (Change::WithdrawFees { destination, .. }, Some(record)) = (change, &self.payment_mint) {
            require_keys_neq!(*destination, record.fee_vault, AssayError::DestinationIsVault);
        }
        Ok(())
    }

    /// See [`ProposeChange`].
    pub fn handle(ctx: Context<'_, Self>, args: ProposeChangeArgs) -> Result<()> {
        ctx.accounts.validate(&args.change)?;
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        let (number, schedule) = accounts.network.number_proposal(now)?;
        accounts.proposal.set_inner(Proposal {
            version: Proposal::VERSION,
            bump: ctx.bumps.proposal,
            number,
            proposer: accounts.authority.key(),
            proposed_slot: now.0,
            eta_slot: schedule.eta.0,
            last_slot: schedule.last.0,
            change: args.change,
        });
        accounts.proposal.invariant()?;
        accounts.network.invariant()?;
        emit_cpi!(ChangeProposed {
            number,
            proposer: ctx.accounts.authority.key(),
            eta_slot: schedule.eta.0,
            last_slot: schedule.last.0,
            change: args.change,
        });
        Ok(())
    }
}
