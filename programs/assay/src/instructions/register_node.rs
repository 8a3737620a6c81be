use crate::address::{NETWORK, NODE_SEED};
use crate::events::NodeRegistered;
use crate::state::{Network, Node};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `register_node`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RegisterNodeArgs {
    /// Tells the nodes of one withdraw authority apart.
    pub index: u16,
    /// The hot key, which will claim and commit.
    pub operator: Pubkey,
    /// Where the node serves artifacts; may be empty.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub endpoint: String,
}

/// Registers a node without stake.
///
/// Who: the withdraw authority, the cold key of the node, which pays the rent and gets it back.
///
/// 1. Creates the node.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: RegisterNodeArgs)]
pub struct RegisterNode<'info> {
    /// The cold key; pays.
    #[account(mut)]
    pub withdraw_authority: Signer<'info>,
    /// The network that the node joins.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The node to create.
    #[account(
        init,
        payer = withdraw_authority,
        space = Node::SPACE,
        seeds = [NODE_SEED, withdraw_authority.key().as_ref(), args.index.to_le_bytes().as_ref()],
        bump,
    )]
    pub node: Box<Account<'info, Node>>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

impl RegisterNode<'_> {
    /// See [`RegisterNode`].
    pub fn handle(ctx: Context<'_, Self>, args: RegisterNodeArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let node = &mut accounts.node;
        node.version = Node::VERSION;
        node.bump = ctx.bumps.node;
        node.index = args.index;
        node.withdraw_authority = accounts.withdraw_authority.key();
        node.begin(Slot(Clock::get()?.slot), accounts.network.parameters.scheduling.epoch_slots)?;
        node.set_contact(args.operator, args.endpoint)?;
        node.invariant()?;
        emit_cpi!(NodeRegistered {
            node: ctx.accounts.node.key(),
            withdraw_authority: ctx.accounts.node.withdraw_authority,
            operator: ctx.accounts.node.operator,
            index: ctx.accounts.node.index,
        });
        Ok(())
    }
}
