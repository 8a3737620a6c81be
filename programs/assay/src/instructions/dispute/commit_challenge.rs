use crate::address::{CHALLENGE_SEED, NETWORK};
use crate::dispute::ChallengeState;
use crate::error::AssayError;
use crate::events::ChallengeCommitted;
use crate::state::{Challenge, Job, Network};
use crate::units::Slot;
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `commit_challenge`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct CommitChallengeArgs {
    /// What [`seal`](crate::dispute::seal) gives for challenger, job, target, own hash and salt.
    pub sealed: [u8; 32],
}

/// Says under a bond that a result is wrong, without yet saying where.
///
/// Who: anyone, from `Committed` or `Accepted`, until the last challenge slot; one challenge of a job at a time.
///
/// 1. Creates the challenge and counts it: the job cannot end before it has.
/// 2. Moves the challenge bond that the job pinned into the stake vault.
#[event_cpi]
#[derive(Accounts)]
pub struct CommitChallenge<'info> {
    /// Who challenges; pays.
    #[account(mut)]
    pub challenger: Signer<'info>,
    /// The network.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The challenge to create.
    #[account(
        init,
        payer = challenger,
        space = Challenge::SPACE,
        seeds = [CHALLENGE_SEED, job.key().as_ref(), challenger.key().as_ref()],
        bump,
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Where the bond comes from.
    #[account(mut, token::mint = stake_mint, token::authority = challenger, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the challenge.
    pub system_program: Program<'info, System>,
}

impl<'info> CommitChallenge<'info> {
    /// See [`CommitChallenge`].
    pub fn handle(ctx: Context<'info, Self>, args: CommitChallengeArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        accounts.job.open_challenge(now)?;
        let bond = accounts.job.dispute.challenge_bond;
        accounts.challenge.set_inner(Challenge {
            version: Challenge::VERSION,
            bump: ctx.bumps.challenge,
            state: ChallengeState::Sealed,
            job: accounts.job.key(),
            challenger: accounts.challenger.key(),
            sealed: args.sealed,
            bond,
            committed_slot: now.0,
            ..Challenge::default()
        });
        Route {
            token_program: &accounts.token_program,
            mint: &accounts.stake_mint,
            from: &accounts.source,
            to: &accounts.stake_vault,
            authority: accounts.challenger.to_account_info(),
        }
        .deposit(bond)?;
        accounts.challenge.invariant()?;
        accounts.job.invariant()?;
        let last_reveal_slot = accounts.challenge.reveal_deadline(&accounts.job.dispute)?.last().0;
        emit_cpi!(ChallengeCommitted {
            job: ctx.accounts.job.key(),
            challenge: ctx.accounts.challenge.key(),
            challenger: ctx.accounts.challenger.key(),
            bond,
            last_reveal_slot,
        });
        Ok(())
    }
}
