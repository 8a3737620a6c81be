//! Vouchers of strangers.

use super::refused::Refused;
use super::served::Served;
use crate::journal::HeldVoucher;
use assay::session::Voucher;
use assay_session::SignedVoucher;
use solana_sdk::signature::Signature;

/// A voucher that the session's key has signed, and that its balance covers.
pub(super) fn checked(
    voucher: &SignedVoucher,
    served: &Served,
    genesis_hash: &[u8; 32],
) -> Result<HeldVoucher, Refused> {
    let SignedVoucher { amount, signature } = *voucher;
    let message = Voucher { genesis_hash: *genesis_hash, session: served.address, amount }.message();
    if !Signature::from(signature).verify(served.account.voucher_key.as_ref(), &message) {
        return Err(Refused::Voucher);
    }
    if amount > served.account.balance {
        return Err(Refused::Exhausted);
    }
    Ok(HeldVoucher { amount, signature })
}
