use crate::error::AssayError;
use crate::events::NodeUpdated;
use crate::state::Node;
use anchor_lang::prelude::*;

/// Arguments of `update_node`: both are replaced.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct UpdateNodeArgs {
    /// The hot key from now on.
    pub operator: Pubkey,
    /// Where the node serves artifacts from now on; may be empty.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub endpoint: String,
}

/// Changes operator and endpoint of a node.
///
/// Who: the withdraw authority.
///
/// 1. Writes both. Claimed jobs keep the operator that claimed them; a leaked operator key loses new claims at once.
#[event_cpi]
#[derive(Accounts)]
pub struct UpdateNode<'info> {
    /// The cold key.
    pub withdraw_authority: Signer<'info>,
    /// The node.
    #[account(
        mut,
        has_one = withdraw_authority @ AssayError::NotWithdrawAuthority,
    )]
    pub node: Box<Account<'info, Node>>,
}

impl UpdateNode<'_> {
    /// See [`UpdateNode`].
    pub fn handle(ctx: Context<'_, Self>, args: UpdateNodeArgs) -> Result<()> {
        let node = &mut ctx.accounts.node;
        node.set_contact(args.operator, args.endpoint)?;
        node.invariant()?;
        emit_cpi!(NodeUpdated { node: ctx.accounts.node.key(), operator: args.operator });
        Ok(())
    }
}
