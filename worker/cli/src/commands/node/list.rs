//! `assay node list`: the nodes of the network, and what clients choose by.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table};
use assay::fairness::filter::JobFilter;
use assay::fairness::reputation::{Score, score_in_basis_points};
use assay::state::{Node, Parameters};
use assay::units::Slot;
use assay_chain::accounts::NodeFilter;
use assay_chain::program_error;
use clap::Args;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only nodes with all these capabilities, as a number whose bits say which
    #[arg(long, default_value_t = 0)]
    capabilities: u64,
    /// Only nodes of this region, 0 to 63; may be given again
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..64))]
    region: Vec<u8>,
    /// Only nodes of this hardware tier or a higher one
    #[arg(long, default_value_t = 0)]
    minimum_tier: u8,
    /// Only nodes whose score is at least this, in hundredths of a percent
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    minimum_score_bps: u16,
    /// Only nodes with at least this active stake, in base units of the stake mint
    #[arg(long, default_value_t = 0)]
    minimum_stake: u64,
    /// Only nodes that ask for no more than this price
    #[arg(long)]
    maximum_price_floor: Option<u64>,
    /// Only nodes that may claim a job now
    #[arg(long)]
    able: bool,
}

impl List {
    /// The filter that a job would carry: nodes are chosen here by the very function that the program uses.
    fn filter(&self) -> JobFilter {
        let score = u32::from(self.minimum_score_bps) * 65_536 / 10_000;
        JobFilter {
            capabilities: self.capabilities,
            regions: self.region.iter().fold(0, |regions, region| regions | 1 << region),
            minimum_score: Score(u16::try_from(score).unwrap_or(u16::MAX)),
            minimum_tier: self.minimum_tier,
        }
    }

    fn takes(&self, node: &Node, slot: u64, parameters: &Parameters) -> bool {
        let shown = node.shown_profile(Slot(slot), &parameters.scheduling);
        self.filter().check(&shown).is_ok()
            && node.stake >= self.minimum_stake
            && self.maximum_price_floor.is_none_or(|most| node.profile.price_floor <= most)
            && (!self.able || node.check_may_take(Slot(slot), parameters).is_ok())
    }
}

pub(super) async fn list(context: &Context, arguments: &List, output: Output) -> Result<(), CliError> {
    let chain = context.chain();
    let (parameters, slot) = (chain.network().await?.parameters, chain.slot().await?);
    let total = chain.find_stake_register().await?.map_or(0, |register| register.weights.present());
    let mut nodes = chain.nodes(NodeFilter::default()).await?;
    nodes.retain(|(_, node)| arguments.takes(node, slot, &parameters));
    nodes.sort_by_key(|(address, node)| (std::cmp::Reverse(node.weights.present()), *address));
    let rows: Vec<Value> = nodes.iter().map(|(address, node)| row(address, node, slot, &parameters, total)).collect();
    output.result(&rows, || {
        if rows.is_empty() {
            return "no node fits".to_owned();
        }
        let mut table = Table::new(&[
            "node",
            "stake",
            "share",
            "score",
            "tier",
            "region",
            "open",
            "floor",
            "may claim",
            "endpoint",
        ]);
        for row in &rows {
            let text = |name: &str| match &row[name] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let percent = |name: &str| format!("{:.2} %", row[name].as_u64().unwrap_or(0) as f64 / 100.0);
            table.row([
                text("node"),
                text("stake"),
                percent("weight_share_bps"),
                percent("score_bps"),
                text("tier"),
                text("region"),
                text("open_jobs"),
                text("price_floor"),
                text("may_claim"),
                text("endpoint"),
            ]);
        }
        table.render()
    })
}

fn row(address: &Pubkey, node: &Node, slot: u64, parameters: &Parameters, total: u64) -> Value {
    let shown = node.shown_profile(Slot(slot), &parameters.scheduling);
    let weight = node.weights.present();
    let share = u128::from(weight).saturating_mul(10_000).checked_div(u128::from(total)).unwrap_or(0);
    let may_claim = match node.check_may_take(Slot(slot), parameters) {
        Ok(()) => "yes".to_owned(),
        Err(error) => program_error::code(error),
    };
    json!({
        "node": address.to_string(),
        "stake": node.stake,
        "weight": weight,
        "weight_share_bps": u64::try_from(share).unwrap_or(10_000),
        "score_bps": score_in_basis_points(node.score).0,
        "capabilities": node.profile.capabilities,
        "tier": shown.tier,
        "region": shown.region,
        "units_per_slot": node.profile.units_per_slot,
        "price_floor": node.profile.price_floor,
        "open_jobs": node.open_jobs,
        "heartbeat_epoch": node.standing.heartbeat_epoch,
        "jailed_until_slot": node.standing.jailed_until_slot,
        "unresolved_misses": node.standing.unresolved,
        "may_claim": may_claim,
        "endpoint": node.endpoint,
    })
}
