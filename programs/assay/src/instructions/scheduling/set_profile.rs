use crate::error::AssayError;
use crate::events::ProfileSet;
use crate::state::{Node, Profile};
use anchor_lang::prelude::*;

/// Arguments of `set_profile`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SetProfileArgs {
    /// The whole profile from now on.
    pub profile: Profile,
}

/// Says what the node can do, how fast, where, and for how much.
///
/// Who: the node's operator, whose benchmark knows.
///
/// 1. Writes the profile. Jobs that the node claimed keep the speed that it promised.
#[event_cpi]
#[derive(Accounts)]
pub struct SetProfile<'info> {
    /// The hot key of the node.
    pub operator: Signer<'info>,
    /// The node.
    #[account(mut, has_one = operator @ AssayError::NotOperator)]
    pub node: Box<Account<'info, Node>>,
}

impl SetProfile<'_> {
    /// See [`SetProfile`].
    pub fn handle(ctx: Context<'_, Self>, args: SetProfileArgs) -> Result<()> {
        let node = &mut ctx.accounts.node;
        node.set_profile(args.profile)?;
        node.invariant()?;
        emit_cpi!(ProfileSet { node: ctx.accounts.node.key(), profile: args.profile });
        Ok(())
    }
}
