use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::AuthorityAccepted;
use crate::state::Network;
use anchor_lang::prelude::*;

/// Takes over the authority.
///
/// Who: the key that the present authority proposed. The zero key, which says that nobody is proposed, cannot sign.
///
/// 1. Makes the signer the authority.
/// 2. Ends the proposal.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptAuthority<'info> {
    /// The proposed authority.
    pub pending_authority: Signer<'info>,
    /// The network.
    #[account(
        mut,
        address = NETWORK,
        has_one = pending_authority @ AssayError::NotPendingAuthority,
    )]
    pub network: Box<Account<'info, Network>>,
}

impl AcceptAuthority<'_> {
    /// See [`AcceptAuthority`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let network = &mut ctx.accounts.network;
        let previous_authority = network.authority;
        network.authority = network.pending_authority;
        network.pending_authority = Pubkey::default();
        network.invariant()?;
        emit_cpi!(AuthorityAccepted { previous_authority, authority: ctx.accounts.network.authority });
        Ok(())
    }
}
