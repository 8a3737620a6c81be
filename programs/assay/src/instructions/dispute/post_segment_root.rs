use crate::address::{NETWORK, SEGMENT_CLAIM_SEED};
use crate::error::AssayError;
use crate::events::SegmentRootPosted;
use crate::market::Deadline;
use crate::state::{Demand, DemandTree, Job, Network, Node, SegmentClaim};
use crate::units::{Slot, Slots};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `post_segment_root`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct PostSegmentRootArgs {
    /// The outer hash of the segment's tree.
    pub root: [u8; 32],
}

/// Posts a segment root for a node that is silent, under a bond.
///
/// Who: anyone but the operator, while the root is demanded, not signed, and the time for it runs. A false root costs its
/// poster the bond and convicts nobody; a right one saves the node.
///
/// 1. Creates the unsigned segment claim. While one stands, the node is not out of time.
/// 2. Moves a challenge bond into the stake vault.
/// 3. Keeps the node's stake in place for as long as another dispute may take.
#[event_cpi]
#[derive(Accounts)]
pub struct PostSegmentRoot<'info> {
    /// Who stands for the root; pays.
    #[account(mut)]
    pub poster: Signer<'info>,
    /// The network.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The job.
    pub job: Box<Account<'info, Job>>,
    /// The node that claimed.
    #[account(mut, address = job.node @ AssayError::WrongNode)]
    pub node: Box<Account<'info, Node>>,
    /// The demand for the root.
    #[account(
        mut,
        has_one = job @ AssayError::WrongJob,
        constraint = demand.key.tree == DemandTree::SegmentRoot @ AssayError::WrongDemand,
    )]
    pub demand: Box<Account<'info, Demand>>,
    /// The segment claim to create.
    #[account(
        init,
        payer = poster,
        space = SegmentClaim::SPACE,
        seeds = [
            SEGMENT_CLAIM_SEED,
            job.key().as_ref(),
            demand.key.slot.to_le_bytes().as_ref(),
            poster.key().as_ref(),
        ],
        bump,
        constraint = poster.key() != job.operator @ AssayError::OperatorMustSign,
    )]
    pub claim: Box<Account<'info, SegmentClaim>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Where the bond comes from.
    #[account(mut, token::mint = stake_mint, token::authority = poster, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the claim.
    pub system_program: Program<'info, System>,
}

impl<'info> PostSegmentRoot<'info> {
    fn validate(&self, now: Slot) -> Result<()> {
        require!(self.job.state.can_be_challenged(), AssayError::JobNotChallengeable);
        require!(!self.demand.signed, AssayError::SegmentRootSigned);
        let length = Slots(u64::from(self.job.dispute.defender_clock_slots));
        let deadline = Deadline::new(Slot(self.demand.requested_slot), length)?;
        require!(!deadline.has_passed(now), AssayError::PostTimeOver);
        Ok(())
    }

    /// See [`PostSegmentRoot`].
    pub fn handle(ctx: Context<'info, Self>, args: PostSegmentRootArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        let bond = accounts.job.dispute.challenge_bond;
        accounts.claim.set_inner(SegmentClaim {
            version: SegmentClaim::VERSION,
            bump: ctx.bumps.claim,
            signed: false,
            job: accounts.job.key(),
            segment: accounts.demand.key.slot,
            author: accounts.poster.key(),
            root: args.root,
            payer: accounts.poster.key(),
            posted_slot: now.0,
            bond,
            demand: accounts.demand.key(),
            ..SegmentClaim::default()
        });
        accounts.demand.post(now)?;
        accounts.node.freeze(now.plus(accounts.job.dispute.longest_slots())?);
        Route {
            token_program: &accounts.token_program,
            mint: &accounts.stake_mint,
            from: &accounts.source,
            to: &accounts.stake_vault,
            authority: accounts.poster.to_account_info(),
        }
        .deposit(bond)?;
        accounts.claim.invariant()?;
        accounts.demand.invariant()?;
        accounts.node.invariant()?;
        emit_cpi!(SegmentRootPosted {
            job: ctx.accounts.job.key(),
            segment: ctx.accounts.claim.segment,
            root: args.root,
            claim: ctx.accounts.claim.key(),
            poster: ctx.accounts.poster.key(),
            bond,
        });
        Ok(())
    }
}
