use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ParametersChanged;
use crate::state::{Network, Parameters};
use anchor_lang::prelude::*;

/// Arguments of `set_parameters`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SetParametersArgs {
    /// All parameters from now on.
    pub parameters: Parameters,
}

/// Replaces the parameters, within their hard bounds.
///
/// Who: the network's authority.
///
/// 1. Writes the parameters. Jobs that were posted keep the fee and the charge that they pinned.
#[event_cpi]
#[derive(Accounts)]
pub struct SetParameters<'info> {
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

impl SetParameters<'_> {
    fn validate(&self, args: &SetParametersArgs) -> Result<()> {
        args.parameters.validate(self.network.development)?;
        args.parameters.check_follows(&self.network.parameters)?;
        Ok(())
    }

    /// See [`SetParameters`].
    pub fn handle(ctx: Context<'_, Self>, args: SetParametersArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        ctx.accounts.network.parameters = args.parameters;
        ctx.accounts.network.invariant()?;
        emit_cpi!(ParametersChanged { parameters: args.parameters });
        Ok(())
    }
}
