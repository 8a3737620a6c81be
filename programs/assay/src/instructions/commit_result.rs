use crate::error::AssayError;
use crate::events::ResultCommitted;
use crate::state::{CommittedResult, Job};
use crate::state_machine::JobEvent;
use crate::units::Slot;
use anchor_lang::prelude::*;
use referee::commit::{commitment, Hash};

/// Arguments of `commit_result`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CommitResultArgs {
    /// Root over the boundary tensors.
    pub boundary_root: [u8; 32],
    /// Root of the output tensor.
    pub output_root: [u8; 32],
    /// SHA-256 of the manifest that lists where the result's bytes are: a hint for clients, which check the bytes against
    /// the roots. Nothing on-chain depends on it.
    pub result_manifest: [u8; 32],
    /// From the output tensor up the boundary tree: one hash a level.
    pub output_path: Vec<[u8; 32]>,
}

/// Commits to the result of a claimed job and opens its output.
///
/// Who: the operator that was pinned at the claim, from `Claimed`, until the last run slot.
///
/// 1. Recomputes the boundary root from output root and path; another one is refused.
/// 2. Records both roots, the manifest and the commitment, which binds them to this job and node, and starts the challenge window.
#[event_cpi]
#[derive(Accounts)]
pub struct CommitResult<'info> {
    /// The key that claimed.
    pub operator: Signer<'info>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl CommitResult<'_> {
    fn validate(&self, args: &CommitResultArgs, now: Slot) -> Result<()> {
        let job = &self.job;
        job.state.after(JobEvent::Commit)?;
        require_keys_eq!(self.operator.key(), job.operator, AssayError::NotJobOperator);
        require!(!job.run_deadline()?.has_passed(now), AssayError::RunDeadlinePassed);
        let path: &[Hash] = &args.output_path;
        let boundary_root = job.output.boundary_root(&args.output_root, path)?;
        require!(boundary_root == args.boundary_root, AssayError::BoundaryRootMismatch);
        Ok(())
    }

    /// See [`CommitResult`].
    pub fn handle(ctx: Context<'_, Self>, args: CommitResultArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(&args, now)?;
        let job = &mut ctx.accounts.job;
        let commitment = commitment(&job.key().to_bytes(), &job.node.to_bytes(), &args.boundary_root);
        job.commit(
            CommittedResult {
                commitment,
                boundary_root: args.boundary_root,
                output_root: args.output_root,
                result_manifest: args.result_manifest,
            },
            now,
        )?;
        job.invariant()?;

        let job = &ctx.accounts.job;
        emit_cpi!(ResultCommitted {
            job: job.key(),
            node: job.node,
            commitment: job.commitment,
            boundary_root: job.boundary_root,
            output_root: job.output_root,
            result_manifest: job.result_manifest,
            last_challenge_slot: job.challenge_deadline()?.last().0,
        });
        Ok(())
    }
}
