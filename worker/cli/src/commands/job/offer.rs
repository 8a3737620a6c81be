//! What a job offers: prices, deadlines, bond.

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use assay_chain::instructions::TokenMint;
use assay_client::Terms;
use clap::Args;
use solana_sdk::pubkey::Pubkey;

#[derive(Args, Debug)]
pub(crate) struct Offer {
    /// Payment mint [default: the network's, if it has enabled one only]
    #[arg(long)]
    mint: Option<Pubkey>,
    /// Price while the hold lasts, in base units
    #[arg(long)]
    price_min: u64,
    /// Price at the end of the ramp, in base units: escrowed
    #[arg(long)]
    price_max: u64,
    /// Slots for which the price stays at its minimum
    #[arg(long, default_value_t = 10)]
    hold_slots: u64,
    /// Slots within which it then rises to its maximum
    #[arg(long, default_value_t = 50)]
    ramp_slots: u64,
    /// Slots for which the job can be claimed
    #[arg(long, default_value_t = 150)]
    claim_slots: u64,
    /// Slots that the node gets to compute
    #[arg(long, default_value_t = 750)]
    run_slots: u64,
    /// Slots of the challenge window [default: the network's shortest]
    #[arg(long)]
    window_slots: Option<u64>,
    /// What the node locks, in base units of the stake mint [default: the network's least]
    #[arg(long)]
    bond: Option<u64>,
    /// For validators that attest the result, in base units of the payment mint; what they do not earn returns
    #[arg(long, default_value_t = 0)]
    audit_pot: u64,
    /// Most that one attestation earns [default: half of the pot]
    #[arg(long)]
    audit_cap: Option<u64>,
    /// Least stake of the node [default: the network's]
    #[arg(long)]
    minimum_stake: Option<u64>,
    /// Address of the only node that may claim the job [default: every node may]
    #[arg(long)]
    invite: Option<Pubkey>,
    /// Base URL of a store to which the node uploads the result [default: the node serves it]
    #[arg(long)]
    result_store: Option<String>,
}

impl Offer {
    /// Refuses prices that fall.
    pub(super) fn check(&self) -> Result<(), CliError> {
        if self.price_min <= self.price_max {
            return Ok(());
        }
        Err(CliError::new("A0602", "--price-min is above --price-max; the price only rises")
            .with_status(ExitStatus::Usage))
    }

    /// The terms, in the network's only mint if none is given.
    pub(super) async fn terms(&self, context: &Context) -> Result<Terms, CliError> {
        match self.mint {
            Some(mint) => Ok(self.terms_in(mint)),
            None => Ok(self.terms_in(only_mint(context).await?)),
        }
    }

    /// The terms of a job of a budget, in its mint if none is given.
    pub(super) async fn terms_out_of(&self, context: &Context, budget: &Pubkey) -> Result<Terms, CliError> {
        let account = context.chain().budget(budget).await?;
        Ok(self.terms_in(self.mint.unwrap_or(account.payment_mint)))
    }

    fn terms_in(&self, mint: Pubkey) -> Terms {
        Terms {
            ramp_hold_slots: self.hold_slots,
            ramp_slots: self.ramp_slots,
            claim_slots: self.claim_slots,
            run_slots: self.run_slots,
            window_slots: self.window_slots,
            minimum_stake: self.minimum_stake,
            bond: self.bond,
            audit_pot: self.audit_pot,
            audit_cap: self.audit_cap.unwrap_or(self.audit_pot.div_ceil(2)),
            invited_node: self.invite,
            store_uri: self.result_store.clone(),
            ..Terms::new(mint, self.price_min, self.price_max)
        }
    }
}

/// The payment mint, where there is no choice.
pub(crate) async fn only_mint(context: &Context) -> Result<Pubkey, CliError> {
    let mints = context.chain().payment_mints().await?;
    let enabled: Vec<Pubkey> = mints.iter().filter(|mint| mint.enabled).map(|mint| mint.mint).collect();
    match enabled[..] {
        [only] => Ok(only),
        [] => Err(CliError::new("A0604", "the network has enabled no payment mint; its authority has to")),
        _ => {
            let names: Vec<String> = enabled.iter().map(ToString::to_string).collect();
            let text =
                format!("the network has enabled several payment mints; give --mint, one of {}", names.join(", "));
            Err(CliError::new("A0604", text).with_status(ExitStatus::Usage))
        }
    }
}

/// Refuses what the token program would refuse for so many open jobs, with the numbers.
pub(super) async fn can_pay(context: &Context, payer: &Pubkey, terms: &Terms, jobs: usize) -> Result<(), CliError> {
    let mint = &terms.payment_mint;
    let escrow = terms.price_max.saturating_add(terms.audit_pot).saturating_mul(jobs as u64);
    let Some(account) = context.chain().find_payment_mint(mint).await? else {
        // The client explains which mints there are.
        return Ok(());
    };
    let token = TokenMint { address: account.mint, token_program: account.token_program };
    let held = context.chain().token_balance(&token.associated_account(payer)).await?.unwrap_or(0);
    if held >= escrow {
        return Ok(());
    }
    let text =
        format!("{payer} holds {held} base units of {mint} and {escrow} are escrowed; send it more, or offer less");
    Err(CliError::new("A0603", text))
}
