//! What migrations share.

use anchor_lang::prelude::*;
use anchor_lang::system_program::{transfer, Transfer};

/// Makes an account `space` bytes long, lets `payer` top its rent up, and writes `data` into it.
pub(super) fn rewrite<'info>(
    account: &AccountInfo<'info>,
    payer: &Signer<'info>,
    system_program: &Program<'info, System>,
    data: &[u8],
    space: usize,
) -> Result<()> {
    let lacking = Rent::get()?.minimum_balance(space).saturating_sub(account.lamports());
    if lacking > 0 {
        let route = Transfer { from: payer.to_account_info(), to: account.clone() };
        transfer(CpiContext::new(system_program.key(), route), lacking)?;
    }
    account.resize(space)?;
    let mut place = account.try_borrow_mut_data()?;
    let place = place.get_mut(..data.len()).ok_or(ErrorCode::AccountDidNotSerialize)?;
    place.copy_from_slice(data);
    Ok(())
}
