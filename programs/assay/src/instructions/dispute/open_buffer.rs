use crate::address::BUFFER_SEED;
use crate::state::Buffer;
use anchor_lang::prelude::*;

/// Arguments of `open_buffer`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct OpenBufferArgs {
    /// The owner's number for the buffer.
    pub id: u64,
    /// Bytes that it can hold at first: the whole account at most 10,240 bytes.
    pub bytes: u32,
}

/// Opens a buffer for a proof, a witness or an answer.
///
/// Who: anyone, for itself.
///
/// 1. Creates the buffer, filled with zeros.
#[derive(Accounts)]
#[instruction(args: OpenBufferArgs)]
pub struct OpenBuffer<'info> {
    /// Who will write it; pays.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The buffer to create.
    #[account(
        init,
        payer = owner,
        space = Buffer::first_space(args.bytes)?,
        seeds = [BUFFER_SEED, owner.key().as_ref(), args.id.to_le_bytes().as_ref()],
        bump,
    )]
    pub buffer: Box<Account<'info, Buffer>>,
    /// Creates the buffer.
    pub system_program: Program<'info, System>,
}

impl OpenBuffer<'_> {
    /// See [`OpenBuffer`].
    pub fn handle(ctx: Context<'_, Self>, args: OpenBufferArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.buffer.set_inner(Buffer {
            version: Buffer::VERSION,
            bump: ctx.bumps.buffer,
            owner: accounts.owner.key(),
            id: args.id,
            held_by: Pubkey::default(),
        });
        accounts.buffer.invariant()?;
        Ok(())
    }
}
