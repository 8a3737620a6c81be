use super::support::rewrite;
use crate::address::NETWORK;
use crate::events::NodeMigrated;
use crate::state::{FirstNode, Network, Node};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Brings a node to the layout of this program.
///
/// Who: anyone; who does it pays the rent of what is added, which the withdraw authority gets when the node deregisters. Until
/// then every instruction that reads the node is refused: it claims nothing, its stake stays where it is, and its jobs wait. A
/// node that has this layout already, and an account that no program before this wrote, are refused.
///
/// 1. Makes the account longer and tops its rent up.
/// 2. Writes what it held in its new places. It says nothing of itself, weighs nothing until it is weighed, and its record
///    begins now; who was convicted stays so.
#[event_cpi]
#[derive(Accounts)]
pub struct MigrateNode<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The network, for the length of epochs; migrated first.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: a node in an earlier layout; the owner is checked here, its contents when it is read.
    #[account(mut, owner = crate::ID)]
    pub node: UncheckedAccount<'info>,
    /// Moves the rent.
    pub system_program: Program<'info, System>,
}

impl MigrateNode<'_> {
    fn validate(&self) -> Result<FirstNode> {
        Ok(FirstNode::read(&self.node.try_borrow_data()?)?)
    }

    /// See [`MigrateNode`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        let epoch_slots = ctx.accounts.network.parameters.scheduling.epoch_slots;
        let migrated = ctx.accounts.validate()?.migrated(now, epoch_slots)?;
        migrated.invariant()?;
        let mut data = Vec::with_capacity(Node::SPACE);
        migrated.try_serialize(&mut data)?;
        let MigrateNode { payer, node, system_program, .. } = &*ctx.accounts;
        rewrite(node, payer, system_program, &data, Node::SPACE)?;
        emit_cpi!(NodeMigrated {
            node: ctx.accounts.node.key(),
            from_version: FirstNode::VERSION,
            to_version: Node::VERSION,
        });
        Ok(())
    }
}

const _: () = assert!(Node::SPACE >= FirstNode::SPACE, "a migration only ever makes the account longer");
