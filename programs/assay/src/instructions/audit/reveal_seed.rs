use crate::audit::Epoch;
use crate::error::AssayError;
use crate::events::SeedRevealed;
use crate::state::Validator;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `reveal_seed`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RevealSeedArgs {
    /// The epoch of the seed.
    pub epoch: u64,
    /// The seed.
    pub seed: [u8; 32],
}

/// Shows a seed of a validator's chain, so that later ones stay within reach: a seed is checked against the last one shown,
/// at most 64 epochs away.
///
/// Who: the auditor, once the epoch is over. Whoever is drawn at least every 64 epochs shows its seeds by attesting.
///
/// 1. Checks the seed and remembers it.
#[event_cpi]
#[derive(Accounts)]
pub struct RevealSeed<'info> {
    /// The hot key.
    pub auditor: Signer<'info>,
    /// The validator.
    #[account(mut, has_one = auditor @ AssayError::NotAuditor)]
    pub validator: Box<Account<'info, Validator>>,
}

impl RevealSeed<'_> {
    /// See [`RevealSeed`].
    pub fn handle(ctx: Context<'_, Self>, args: RevealSeedArgs) -> Result<()> {
        let chain = &mut ctx.accounts.validator.chain;
        // The length of epochs is the chain's own; without a chain it is none.
        require!(chain.epoch_slots != 0, AssayError::ChainMissing);
        let now = Epoch::of(Slot(Clock::get()?.slot), chain.epoch_slots)?;
        chain.show(Epoch(args.epoch), args.seed, now)?;
        ctx.accounts.validator.invariant()?;
        emit_cpi!(SeedRevealed { validator: ctx.accounts.validator.key(), epoch: args.epoch, seed: args.seed });
        Ok(())
    }
}
