use crate::error::AssayError;
use crate::state::Buffer;
use anchor_lang::prelude::*;
use anchor_lang::system_program::{transfer, Transfer};

/// Arguments of `grow_buffer`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct GrowBufferArgs {
    /// Bytes that the buffer can hold from now on.
    pub bytes: u32,
}

/// Makes a buffer longer, by at most 10,240 bytes and to at most 32,768.
///
/// Who: its owner, unless a demand holds it.
///
/// 1. Pays the rent that the account lacks.
/// 2. Grows it; new bytes are zero.
#[derive(Accounts)]
pub struct GrowBuffer<'info> {
    /// Who opened it; pays.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The buffer.
    #[account(mut, has_one = owner @ AssayError::NotBufferOwner)]
    pub buffer: Box<Account<'info, Buffer>>,
    /// Moves the rent.
    pub system_program: Program<'info, System>,
}

impl GrowBuffer<'_> {
    fn validate(&self, args: GrowBufferArgs) -> Result<()> {
        self.buffer.check_free()?;
        let info: &AccountInfo<'_> = self.buffer.as_ref().as_ref();
        Buffer::check_growth(info.data_len(), args.bytes)?;
        Ok(())
    }

    /// See [`GrowBuffer`].
    pub fn handle(ctx: Context<'_, Self>, args: GrowBufferArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let accounts = &*ctx.accounts;
        let (info, space) = (accounts.buffer.to_account_info(), Buffer::space(args.bytes));
        let lacking = Rent::get()?.minimum_balance(space).saturating_sub(info.lamports());
        if lacking > 0 {
            let route = Transfer { from: accounts.owner.to_account_info(), to: info.clone() };
            transfer(CpiContext::new(accounts.system_program.key(), route), lacking)?;
        }
        info.resize(space)?;
        accounts.buffer.invariant()?;
        Ok(())
    }
}
