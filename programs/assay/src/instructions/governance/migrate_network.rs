use crate::address::NETWORK;
use crate::events::NetworkMigrated;
use crate::state::{FirstNetwork, Network};
use anchor_lang::prelude::*;
use anchor_lang::system_program::{transfer, Transfer};

/// Brings the network to the layout of this program.
///
/// Who: anyone; who does it pays the rent of what is added. Until then every instruction that reads the network is refused. A
/// network that has this layout already, and one that no program before this wrote, are refused.
///
/// 1. Makes the account longer and tops its rent up.
/// 2. Writes what it held in its new places, and what is new as for a network that never decided about it.
#[event_cpi]
#[derive(Accounts)]
pub struct MigrateNetwork<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// CHECK: the network in an earlier layout; address and owner are checked here, its contents when it is read.
    #[account(mut, address = NETWORK, owner = crate::ID)]
    pub network: UncheckedAccount<'info>,
    /// Moves the rent.
    pub system_program: Program<'info, System>,
}

impl MigrateNetwork<'_> {
    fn validate(&self) -> Result<FirstNetwork> {
        Ok(FirstNetwork::read(&self.network.try_borrow_data()?)?)
    }

    fn top_up(&self) -> Result<()> {
        let needed = Rent::get()?.minimum_balance(Network::SPACE).saturating_sub(self.network.lamports());
        if needed == 0 {
            return Ok(());
        }
        let accounts = Transfer { from: self.payer.to_account_info(), to: self.network.to_account_info() };
        transfer(CpiContext::new(self.system_program.key(), accounts), needed)
    }

    /// See [`MigrateNetwork`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let network = ctx.accounts.validate()?.migrated();
        network.invariant()?;
        ctx.accounts.top_up()?;
        let account = &ctx.accounts.network;
        account.resize(Network::SPACE)?;
        network.try_serialize(&mut &mut account.try_borrow_mut_data()?[..])?;
        emit_cpi!(NetworkMigrated { from_version: FirstNetwork::VERSION, to_version: Network::VERSION });
        Ok(())
    }
}

const _: () = assert!(Network::SPACE >= FirstNetwork::SPACE, "a migration only ever makes the account longer");
