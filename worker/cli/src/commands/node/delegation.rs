//! `assay node delegation`: whether others may delegate to the node, and for which part of their share.

use super::Folder;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields};
use assay::state::REWARD_PLACES;
use assay_chain::instructions;
use clap::Subcommand;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let others delegate, and share fees in up to four payment mints
    Open {
        /// What the node keeps of its delegators' share, in hundredths of a percent
        #[arg(long, value_parser = clap::value_parser!(u16).range(0..=10_000))]
        commission_bps: u16,
        /// A mint in which fees are shared; up to four times [default: the network's payment mints, if they are no more]
        #[arg(long)]
        mint: Vec<Pubkey>,
        #[command(flatten)]
        folder: Folder,
    },
    /// Decide another commission; a fall holds at once, a raise after the unbonding time
    Commission {
        /// What the node keeps of its delegators' share, in hundredths of a percent
        #[arg(value_parser = clap::value_parser!(u16).range(0..=10_000))]
        commission_bps: u16,
        #[command(flatten)]
        folder: Folder,
    },
    /// Take no delegations any more; once all delegators have closed theirs
    Close {
        #[command(flatten)]
        folder: Folder,
    },
}

pub(super) async fn run(context: &Context, command: Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Open { commission_bps, mint, folder } => {
            open(context, &folder.node()?, commission_bps, mint, output).await
        }
        Command::Commission { commission_bps, folder } => {
            let (authority, node) = (context.keypair()?, folder.node()?);
            let decide = instructions::set_commission(&authority.pubkey(), &node, commission_bps);
            context.sender.execute(&[decide], &[&authority]).await?;
            show(context, &node, output).await
        }
        Command::Close { folder } => close(context, &folder.node()?, output).await,
    }
}

async fn open(
    context: &Context,
    node: &Pubkey,
    commission_bps: u16,
    chosen: Vec<Pubkey>,
    output: Output,
) -> Result<(), CliError> {
    let mints = match chosen.is_empty() {
        false => chosen,
        true => {
            let all = context.chain().payment_mints().await?;
            all.into_iter().filter(|record| record.enabled).map(|record| record.mint).collect()
        }
    };
    if mints.len() > REWARD_PLACES {
        let text = format!("{} mints are too many; choose up to four with --mint", mints.len());
        return Err(CliError::new("A0212", text).with_status(ExitStatus::Usage));
    }
    let authority = context.keypair()?;
    let me = authority.pubkey();
    if context.chain().find_delegation_pool(node).await?.is_none() {
        let open = instructions::open_delegation_pool(&me, node, commission_bps);
        context.sender.execute(&[open], &[&authority]).await?;
    }
    for address in mints {
        let pool = context.chain().find_delegation_pool(node).await?;
        if pool.is_some_and(|pool| pool.place_of(&address).is_some()) {
            continue;
        }
        let mint = context.chain().token_mint(&address).await?;
        context.sender.execute(&[instructions::add_reward_mint(&me, node, mint, None)], &[&authority]).await?;
    }
    show(context, node, output).await
}

async fn close(context: &Context, node: &Pubkey, output: Output) -> Result<(), CliError> {
    let authority = context.keypair()?;
    let me = authority.pubkey();
    let pool = context.chain().find_delegation_pool(node).await?;
    let pool =
        pool.ok_or_else(|| CliError::new("A0213", format!("{node} takes no delegations; nothing is to be closed")))?;
    if pool.delegations > 0 {
        let text = format!(
            "{} delegations to {node} are open; `assay delegation list --node {node}` says whose, and they close them",
            pool.delegations
        );
        return Err(CliError::new("A0214", text));
    }
    for place in pool.rewards.iter().filter(|place| place.mint != Pubkey::default()) {
        let mint = context.chain().token_mint(&place.mint).await?;
        let destination = mint.associated_account(&me);
        let steps =
            [mint.create_associated_account(&me, &me), instructions::remove_reward_mint(&me, node, mint, &destination)];
        context.sender.execute(&steps, &[&authority]).await?;
    }
    context.sender.execute(&[instructions::close_delegation_pool(&me, node)], &[&authority]).await?;
    let value = json!({ "node": node.to_string(), "open": false });
    output.result(&value, || format!("{node} takes no delegations any more"))
}

async fn show(context: &Context, node: &Pubkey, output: Output) -> Result<(), CliError> {
    let delegation = context.chain().node(node).await?.delegation;
    let commission = delegation.commission;
    let value = json!({
        "node": node.to_string(),
        "open": delegation.open,
        "commission_bps": commission.present_bps,
        "next_commission_bps": (commission.next_slot > 0).then_some(commission.next_bps),
        "next_commission_slot": (commission.next_slot > 0).then_some(commission.next_slot),
        "delegated": delegation.stake,
    });
    output.result(&value, || {
        let mut rows = vec![
            ("node", node.to_string()),
            ("commission", format!("{} bps", commission.present_bps)),
            ("delegated", delegation.stake.to_string()),
        ];
        if commission.next_slot > 0 {
            rows.push(("announced", format!("{} bps from slot {} on", commission.next_bps, commission.next_slot)));
        }
        fields(rows)
    })
}
