use crate::error::AssayError;
use crate::state::Buffer;
use anchor_lang::prelude::*;

/// Arguments of `write_buffer`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct WriteBufferArgs {
    /// Where the bytes go, counted from the first byte of the buffer.
    pub offset: u32,
    /// The bytes; about 900 fit a transaction.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_bytes"))]
    pub bytes: Vec<u8>,
}

/// Writes bytes into a buffer, in any order and as often as wanted.
///
/// Who: its owner, unless a demand holds it.
///
/// 1. Writes the bytes.
#[derive(Accounts)]
pub struct WriteBuffer<'info> {
    /// Who opened it.
    pub owner: Signer<'info>,
    /// The buffer.
    #[account(mut, has_one = owner @ AssayError::NotBufferOwner)]
    pub buffer: Box<Account<'info, Buffer>>,
}

impl WriteBuffer<'_> {
    fn validate(&self) -> Result<()> {
        self.buffer.check_free()?;
        Ok(())
    }

    /// See [`WriteBuffer`].
    pub fn handle(ctx: Context<'_, Self>, args: WriteBufferArgs) -> Result<()> {
        ctx.accounts.validate()?;
        let info = ctx.accounts.buffer.to_account_info();
        let mut data = info.try_borrow_mut_data()?;
        let range = Buffer::range(data.len(), args.offset, args.bytes.len())?;
        data.get_mut(range).ok_or(AssayError::BufferRangeInvalid)?.copy_from_slice(&args.bytes);
        ctx.accounts.buffer.invariant()?;
        Ok(())
    }
}
