use crate::address::{CHALLENGE_SEED, NETWORK};
use crate::dispute::{ChallengeState, Clocks, Target};
use crate::error::AssayError;
use crate::events::UnavailableFiled;
use crate::state::{Budget, Challenge, Job, Network, Validator};
use crate::state_machine::JobState;
use crate::units::Slot;
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `file_unavailable`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct FileUnavailableArgs {
    /// By a validator's auditor: the seed by which the validator is drawn. The client gives none.
    pub seed: Option<[u8; 32]>,
}

/// Files under a bond that the output of a job is not to be had: a challenge that begins revealed.
///
/// Who: the client, or the auditor of a validator that is drawn for the job; from `Committed`, until the last challenge slot.
/// For a budget its agent or its owner files, with a bond of its own, which returns to it: a lost bond is burned, and nothing
/// that an agent does may cost the budget more than its limits.
///
/// Whoever files then demands the output (`demand_opening`), leaf by leaf if need be, and prepays for each opening. When
/// everything that was demanded is answered, the filing ends with its bond kept (`end_filing`); when the clock of the filer
/// runs out, with its bond lost; when an answer does not come in time, the job is convicted.
///
/// 1. Creates the challenge and counts it: the job cannot end before it has, and the client does not accept meanwhile.
/// 2. Moves the challenge bond that the job pinned into the stake vault.
#[event_cpi]
#[derive(Accounts)]
pub struct FileUnavailable<'info> {
    /// Who files; pays.
    #[account(mut)]
    pub challenger: Signer<'info>,
    /// The network.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The validator for which an auditor files. The client passes none.
    #[account(mut)]
    pub validator: Option<Box<Account<'info, Validator>>>,
    /// The budget that is the job's client, if it is one and its agent or owner files.
    pub budget: Option<Box<Account<'info, Budget>>>,
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

impl<'info> FileUnavailable<'info> {
    fn validate(&mut self, args: FileUnavailableArgs, now: Slot) -> Result<()> {
        let job = &self.job;
        job.check_ordinary()?;
        require!(job.state == JobState::Committed, AssayError::IllegalTransition);
        match (&mut self.validator, &self.budget, args.seed) {
            (None, None, None) => require_keys_eq!(self.challenger.key(), job.client, AssayError::NotClient),
            (None, Some(budget), None) => {
                require_keys_eq!(budget.key(), job.client, AssayError::WrongBudget);
                budget.check_actor(self.challenger.key, now)?;
                budget.invariant()?;
            }
            (Some(validator), None, Some(seed)) => {
                require_keys_eq!(self.challenger.key(), validator.auditor, AssayError::NotAuditor);
                let (posted, committed) = (Slot(job.posted_slot), Slot(job.committed_slot));
                job.audit.check_drawn(&job.key(), posted, committed, validator, seed, now)?;
            }
            _ => return err!(AssayError::FilerUnclear),
        }
        Ok(())
    }

    /// See [`FileUnavailable`].
    pub fn handle(ctx: Context<'info, Self>, args: FileUnavailableArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        accounts.validate(args, now)?;
        accounts.job.open_filing(now)?;
        let bond = accounts.job.dispute.challenge_bond;
        accounts.challenge.set_inner(Challenge {
            version: Challenge::VERSION,
            bump: ctx.bumps.challenge,
            state: ChallengeState::Revealed,
            job: accounts.job.key(),
            challenger: accounts.challenger.key(),
            target: Target::OUTPUT,
            bond,
            committed_slot: now.0,
            revealed_slot: now.0,
            clocks: Clocks::started(now, false),
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
        if let Some(validator) = &accounts.validator {
            validator.invariant()?;
        }
        emit_cpi!(UnavailableFiled {
            job: ctx.accounts.job.key(),
            node: ctx.accounts.job.node,
            challenger: ctx.accounts.challenger.key(),
            bond,
        });
        Ok(())
    }
}
