use crate::address::NETWORK;
use crate::dispute::signature::{check_signed, INSTRUCTIONS_SYSVAR};
use crate::events::VoucherRecorded;
use crate::session::Voucher;
use crate::state::{Network, Session};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Arguments of `record_voucher`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct RecordVoucherArgs {
    /// Of all requests so far together, in base units of the payment mint.
    pub amount: u64,
}

/// Records a voucher: from now on the session pays so much, unless a receipt of it is convicted.
///
/// Who: anyone, from `Active`, until the window after the session's end is over, with an instruction of the ed25519 program
/// right before this one that verifies the voucher key's signature over the [`Voucher`]. Vouchers are cumulative: the last one
/// is enough, for any number of requests.
///
/// 1. Records the amount, which must be greater than the one on record and within the balance.
#[event_cpi]
#[derive(Accounts)]
pub struct RecordVoucher<'info> {
    /// The network, for the genesis hash.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The session.
    #[account(mut)]
    pub session: Box<Account<'info, Session>>,
    /// CHECK: the sysvar that shows this transaction.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl RecordVoucher<'_> {
    fn validate(&self, args: RecordVoucherArgs) -> Result<()> {
        let voucher =
            Voucher { genesis_hash: self.network.genesis_hash, session: self.session.key(), amount: args.amount };
        check_signed(&self.instructions.try_borrow_data()?, &self.session.voucher_key, &voucher.message())?;
        Ok(())
    }

    /// See [`RecordVoucher`].
    pub fn handle(ctx: Context<'_, Self>, args: RecordVoucherArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let session = &mut ctx.accounts.session;
        session.record_voucher(TokenAmount(args.amount), Slot(Clock::get()?.slot))?;
        session.invariant()?;
        emit_cpi!(VoucherRecorded { session: ctx.accounts.session.key(), paid: args.amount });
        Ok(())
    }
}
