use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::AuthorityProposed;
use crate::state::Network;
use anchor_lang::prelude::*;

/// Arguments of `propose_authority`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ProposeAuthorityArgs {
    /// Who may accept; the zero key withdraws the proposal.
    pub pending_authority: Pubkey,
}

/// Proposes a new authority. Nothing changes until that key accepts, so a mistyped key loses nothing.
///
/// Who: the network's authority.
///
/// 1. Records the proposal in place of any earlier one.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeAuthority<'info> {
    /// The network's authority.
    pub authority: Signer<'info>,
    /// The network.
    #[account(
        mut,
        address = NETWORK,
        has_one = authority @ AssayError::NotNetworkAuthority,
    )]
    pub network: Box<Account<'info, Network>>,
}

impl ProposeAuthority<'_> {
    /// See [`ProposeAuthority`].
    pub fn handle(ctx: Context<'_, Self>, args: ProposeAuthorityArgs) -> Result<()> {
        let network = &mut ctx.accounts.network;
        network.pending_authority = args.pending_authority;
        network.invariant()?;
        emit_cpi!(AuthorityProposed {
            authority: ctx.accounts.network.authority,
            pending_authority: args.pending_authority,
        });
        Ok(())
    }
}
