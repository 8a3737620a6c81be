use super::support::{progress, tensor_facts};
use crate::address::DEMAND_SEED;
use crate::dispute::clocks::{MAXIMUM_DEMANDS, MAXIMUM_OUTPUT_DEMANDS};
use crate::dispute::openings::{check_below, facts_of, place_of, rejected, tree_of};
use crate::dispute::{TargetKind, Wait};
use crate::error::AssayError;
use crate::events::OpeningDemanded;
use crate::state::{Buffer, Challenge, Demand, DemandKey, DemandTree, Job, SegmentClaim, TreeFacts};
use crate::units::Slot;
use anchor_lang::prelude::*;
use anchor_lang::system_program::{transfer, Transfer};
use referee::commit::{tensor_hash, Hash};
use referee::opening::{Place, Tree};

/// Arguments of `demand_opening`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct DemandOpeningArgs {
    /// What is demanded; `origin` as [`DemandKey::origin`] gives it.
    pub key: DemandKey,
    /// Where a segment's tree is entered: any tensor that the segment produces, of which the witness is the descriptor.
    pub witness_slot: u16,
    /// The hash at the demanded place. Ignored, as is the path, where the demand exists.
    pub bound: [u8; 32],
    /// From the demanded place up to the hash that binds it: the siblings, one a level; empty at the top of the boundary's or
    /// a segment's tree and for the job's output.
    pub path: Vec<[u8; 32]>,
}

/// Demands that something below a bound hash is opened.
///
/// Who: the challenger, in its turn. What is bound: the tree of the boundary, by the job; the tree of a segment, by a root that
/// is signed or posted and stands; a tensor, as a leaf of one of these trees; a place below one that was demanded before. The
/// static facts of a segment's or tensor's tree are proved by a witness, the first time.
///
/// 1. Creates the demand with its fee, or joins the one that is open. One that is answered is refused: read the answer.
/// 2. From now on the clock of who answers for it runs: the node's, or below a posted root that of its poster.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: DemandOpeningArgs)]
pub struct DemandOpening<'info> {
    /// Who committed the challenge; pays.
    #[account(mut)]
    pub challenger: Signer<'info>,
    /// The job.
    pub job: Box<Account<'info, Job>>,
    /// The challenge.
    #[account(
        mut,
        has_one = challenger @ AssayError::NotChallenger,
        has_one = job @ AssayError::WrongJob,
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// The demand.
    #[account(
        init_if_needed,
        payer = challenger,
        space = Demand::SPACE,
        seeds = [
            DEMAND_SEED,
            job.key().as_ref(),
            args.key.origin.as_ref(),
            &[args.key.tree as u8],
            args.key.slot.to_le_bytes().as_ref(),
            &[args.key.height],
            args.key.index.to_le_bytes().as_ref(),
        ],
        bump,
    )]
    pub demand: Box<Account<'info, Demand>>,
    /// What the challenge waited for, if it did.
    pub waiting: Option<Box<Account<'info, Demand>>>,
    /// A demand of the same tree above this one, where the tree was entered before.
    #[account(has_one = job @ AssayError::WrongJob)]
    pub parent: Option<Box<Account<'info, Demand>>>,
    /// The segment root below which it lies, if it lies below one.
    #[account(mut, has_one = job @ AssayError::WrongJob)]
    pub claim: Option<Box<Account<'info, SegmentClaim>>>,
    /// Holds the witness; needed where a segment's or tensor's tree is entered.
    pub witness: Option<Box<Account<'info, Buffer>>>,
    /// Creates the demand.
    pub system_program: Program<'info, System>,
}

impl DemandOpening<'_> {
    fn validate(&self, args: &DemandOpeningArgs) -> Result<()> {
        require!(self.job.state.can_be_challenged(), AssayError::JobNotChallengeable);
        self.challenge.check_revealed()?;
        if let Some(claim) = &self.claim {
            claim.check_stands()?;
        }
        if !self.demand.is_new() {
            self.demand.check_open()?;
            require_keys_eq!(self.poster(), self.demand.claim, AssayError::WrongSegmentClaim);
        }
        require!(args.key.tree != DemandTree::SegmentRoot, AssayError::PlaceNotBound);
        Ok(())
    }

    /// The unsigned root whose poster has to answer; the zero key if the node has to.
    fn poster(&self) -> Pubkey {
        self.claim.as_ref().filter(|claim| !claim.signed).map_or(Pubkey::default(), |claim| claim.key())
    }

    /// Proves that the demanded place is bound, and gives the facts about its tree.
    fn prove_bound(&self, args: &DemandOpeningArgs) -> Result<TreeFacts> {
        if let Some(parent) = &self.parent {
            let same_tree = (parent.key.origin, parent.key.tree, parent.key.slot)
                == (args.key.origin, args.key.tree, args.key.slot);
            require!(same_tree, AssayError::PlaceNotBound);
            require_keys_eq!(self.poster(), parent.claim, AssayError::WrongSegmentClaim);
            let tree = tree_of(&parent.key, &parent.facts)?;
            check_below(&tree, place_of(&parent.key), &parent.bound, place_of(&args.key), &args.bound, &args.path)?;
            return Ok(parent.facts);
        }
        let (top, facts) = match args.key.tree {
            DemandTree::Boundary => {
                require!(self.claim.is_none() && args.key.slot == 0, AssayError::PlaceNotBound);
                let facts = TreeFacts { count: self.job.output.boundary_count, ..TreeFacts::default() };
                (self.job.boundary_root, facts)
            }
            DemandTree::Segment => {
                let claim = self.claim.as_ref().ok_or(AssayError::PlaceNotBound)?;
                require!(claim.segment == args.key.slot, AssayError::WrongSegmentClaim);
                let witness = tensor_facts(&self.job, self.witness.as_deref(), args.witness_slot)?;
                require!(witness.placement.segment == claim.segment, AssayError::WitnessRejected);
                (claim.root, TreeFacts { count: witness.placement.count, ..TreeFacts::default() })
            }
            DemandTree::Tensor => return self.prove_tensor(args),
            DemandTree::SegmentRoot => return err!(AssayError::PlaceNotBound),
        };
        self.check_origin(args, &top)?;
        let tree = tree_of(&args.key, &facts)?;
        check_below(&tree, tree.top(), &top, place_of(&args.key), &args.bound, &args.path)?;
        Ok(facts)
    }

    /// A tensor's tree is entered at its top, whose hash is a leaf of the boundary's tree or of the segment's.
    fn prove_tensor(&self, args: &DemandOpeningArgs) -> Result<TreeFacts> {
        let witness = tensor_facts(&self.job, self.witness.as_deref(), args.key.slot)?;
        let facts = facts_of(&witness.layout);
        require!(tree_of(&args.key, &facts)?.top() == place_of(&args.key), AssayError::PlaceNotBound);
        self.check_origin(args, &args.bound)?;
        let placement = witness.placement;
        let (tree, root, position) = match &self.claim {
            Some(claim) => {
                require!(placement.segment == claim.segment, AssayError::WitnessRejected);
                (Tree::Segment { index: claim.segment, count: placement.count }, claim.root, placement.position)
            }
            None => {
                let count = self.job.output.boundary_count;
                (Tree::Boundary { count }, self.job.boundary_root, placement.boundary)
            }
        };
        if self.claim.is_none() && args.path.is_empty() && self.is_output(&args.bound, position) {
            return Ok(facts);
        }
        let leaf = Place { height: 0, index: u32::from(position) };
        if leaf == tree.top() {
            // A list of one: its root is that of its only leaf.
            let alone = args.path.is_empty() && tree.bound_hash(leaf, &args.bound) == root;
            require!(alone, AssayError::PlaceNotBound);
        } else {
            check_below(&tree, tree.top(), &root, leaf, &args.bound, &args.path)?;
        }
        Ok(facts)
    }

    /// Whether `hash` is that of the job's output, which the commit opened.
    fn is_output(&self, hash: &Hash, position: u16) -> bool {
        let output = &self.job.output;
        let committed = tensor_hash(&output.uid, output.leaves, output.depth, &self.job.output_root);
        position == output.boundary_position && *hash == committed
    }

    fn check_origin(&self, args: &DemandOpeningArgs, top: &Hash) -> Result<()> {
        let poster = Some(self.poster()).filter(|poster| *poster != Pubkey::default());
        require!(args.key.origin == DemandKey::origin(top, poster.as_ref()), AssayError::PlaceNotBound);
        Ok(())
    }

    fn open(&mut self, args: &DemandOpeningArgs, bump: u8, now: Slot) -> Result<()> {
        if self.demand.is_new() {
            let facts = self.prove_bound(args)?;
            // A place without anything below it has no answer: nobody may be asked for one.
            tree_of(&args.key, &facts)?.form(place_of(&args.key)).map_err(rejected(AssayError::PlaceNotBound))?;
            let fee_lamports = self.job.dispute.opening_fee_lamports;
            self.demand.set_inner(Demand {
                version: Demand::VERSION,
                bump,
                job: self.job.key(),
                key: args.key,
                bound: args.bound,
                facts,
                claim: self.poster(),
                payer: self.challenger.key(),
                fee_lamports,
                opened_slot: now.0,
                ..Demand::default()
            });
            let route = Transfer { from: self.challenger.to_account_info(), to: self.demand.to_account_info() };
            transfer(CpiContext::new(self.system_program.key(), route), fee_lamports)?;
            if let Some(claim) = self.claim.as_mut().filter(|claim| !claim.signed) {
                claim.clock.start(now)?;
            }
        }
        self.demand.requested_slot = now.0;
        Ok(())
    }

    /// See [`DemandOpening`].
    pub fn handle(ctx: Context<'_, Self>, args: DemandOpeningArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        let progress = progress(&accounts.challenge, accounts.waiting.as_deref())?;
        accounts.open(&args, ctx.bumps.demand, now)?;
        let wait = Wait {
            demand: accounts.demand.key(),
            poster_answers: accounts.demand.claim != Pubkey::default(),
            most: match accounts.challenge.target.kind {
                TargetKind::Output => MAXIMUM_OUTPUT_DEMANDS,
                TargetKind::Boundary | TargetKind::Segment => MAXIMUM_DEMANDS,
            },
        };
        let clock_slots = accounts.job.dispute.challenger_clock_slots;
        accounts.challenge.clocks.wait_for(wait, progress, now, clock_slots)?;
        accounts.demand.invariant()?;
        accounts.challenge.invariant()?;
        if let Some(claim) = &accounts.claim {
            claim.invariant()?;
        }
        emit_cpi!(OpeningDemanded {
            job: ctx.accounts.job.key(),
            challenge: ctx.accounts.challenge.key(),
            demand: wait.demand,
            key: args.key,
            claim: ctx.accounts.demand.claim,
        });
        Ok(())
    }
}
