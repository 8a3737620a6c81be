//! The limits of a budget as options.

use assay::budget::BudgetLimits;
use clap::{ArgGroup, Args};
use solana_sdk::pubkey::Pubkey;

/// The root of a graph.
type Root = [u8; 32];

/// All limits of a new budget.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("graphs").args(["graph", "any_graph"]).required(true))]
#[command(group = ArgGroup::new("nodes").args(["node", "any_node"]).required(true))]
pub(super) struct NewLimits {
    /// Most that one job escrows: maximum price and audit pot, in base units
    #[arg(long)]
    per_job: u64,
    /// Most that the jobs posted within one period escrow together; a refund gives nothing back within it
    #[arg(long)]
    per_period: u64,
    /// Length of a period
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    period_slots: u64,
    /// Highest maximum price of a job [default: that of --per-job]
    #[arg(long)]
    max_price: Option<u64>,
    /// Most jobs that are posted and not yet closed
    #[arg(long, default_value_t = 8)]
    open_jobs: u32,
    /// Slots from now on in which the agent may act
    #[arg(long)]
    for_slots: u64,
    /// Root of a graph that may be run, in hexadecimal; up to eight times
    #[arg(long, value_parser = root)]
    graph: Vec<Root>,
    /// Any graph may be run
    #[arg(long)]
    any_graph: bool,
    /// Address of a node that may be invited, one of which each job must invite; up to eight times
    #[arg(long)]
    node: Vec<Pubkey>,
    /// A job may be open to every node
    #[arg(long)]
    any_node: bool,
}

/// Some limits of a budget.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("graphs").args(["graph", "any_graph"]))]
#[command(group = ArgGroup::new("nodes").args(["node", "any_node"]))]
pub(super) struct ChangedLimits {
    /// Most that one job escrows: maximum price and audit pot, in base units
    #[arg(long)]
    per_job: Option<u64>,
    /// Most that the jobs posted within one period escrow together
    #[arg(long)]
    per_period: Option<u64>,
    /// Length of a period; another one than before begins a period now
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    period_slots: Option<u64>,
    /// Highest maximum price of a job
    #[arg(long)]
    max_price: Option<u64>,
    /// Most jobs that are posted and not yet closed
    #[arg(long)]
    open_jobs: Option<u32>,
    /// Slots from now on in which the agent may act
    #[arg(long)]
    for_slots: Option<u64>,
    /// Roots of the graphs that may be run, in place of those before
    #[arg(long, value_parser = root)]
    graph: Vec<Root>,
    /// Any graph may be run
    #[arg(long)]
    any_graph: bool,
    /// Nodes of which each job must invite one, in place of those before
    #[arg(long)]
    node: Vec<Pubkey>,
    /// A job may be open to every node
    #[arg(long)]
    any_node: bool,
}

impl NewLimits {
    /// The limits, counted from `slot` on.
    pub(super) fn limits(self, slot: u64) -> BudgetLimits {
        BudgetLimits {
            maximum_job_escrow: self.per_job,
            maximum_period_escrow: self.per_period,
            period_slots: self.period_slots,
            maximum_price: self.max_price.unwrap_or(self.per_job),
            maximum_open_jobs: self.open_jobs,
            last_slot: slot.saturating_add(self.for_slots),
            any_graph: self.any_graph,
            graphs: self.graph,
            any_node: self.any_node,
            nodes: self.node,
        }
    }
}

impl ChangedLimits {
    /// `before` with what is given, counted from `slot` on.
    pub(super) fn applied_to(self, before: BudgetLimits, slot: u64) -> BudgetLimits {
        let mut after = BudgetLimits {
            maximum_job_escrow: self.per_job.unwrap_or(before.maximum_job_escrow),
            maximum_period_escrow: self.per_period.unwrap_or(before.maximum_period_escrow),
            period_slots: self.period_slots.unwrap_or(before.period_slots),
            maximum_price: self.max_price.unwrap_or(before.maximum_price),
            maximum_open_jobs: self.open_jobs.unwrap_or(before.maximum_open_jobs),
            last_slot: self.for_slots.map_or(before.last_slot, |slots| slot.saturating_add(slots)),
            ..before
        };
        if self.any_graph || !self.graph.is_empty() {
            (after.any_graph, after.graphs) = (self.any_graph, self.graph);
        }
        if self.any_node || !self.node.is_empty() {
            (after.any_node, after.nodes) = (self.any_node, self.node);
        }
        after
    }
}

fn root(text: &str) -> Result<Root, String> {
    let mut root = Root::default();
    hex::decode_to_slice(text, &mut root)
        .map_err(|_| "a root is 64 hexadecimal digits, as `graph_root` of a job".to_owned())?;
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct New {
        #[command(flatten)]
        limits: NewLimits,
    }

    #[derive(Parser)]
    struct Changed {
        #[command(flatten)]
        limits: ChangedLimits,
    }

    fn parsed(lists: &[&str]) -> Result<BudgetLimits, clap::Error> {
        let numbers = ["x", "--per-job", "5", "--per-period", "50", "--period-slots", "9", "--for-slots", "100"];
        New::try_parse_from(numbers.iter().chain(lists)).map(|new| new.limits.limits(1_000))
    }

    #[test]
    fn everything_is_allowed_only_by_its_flag() {
        let root = "07".repeat(32);
        let limits = parsed(&["--graph", &root, "--any-node"]).unwrap();
        assert_eq!((limits.any_graph, limits.graphs.clone()), (false, vec![[7; 32]]));
        assert_eq!((limits.any_node, limits.nodes.len()), (true, 0));
        assert_eq!((limits.maximum_price, limits.last_slot, limits.maximum_open_jobs), (5, 1_100, 8));
        limits.validate().unwrap();
        for wrong in [
            &["--any-graph"][..],
            &["--any-node"],
            &["--any-node", "--any-graph", "--graph", &root],
            &["--any-node", "--graph", "07"],
        ] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let before = parsed(&["--graph", &"07".repeat(32), "--any-node"]).unwrap();
        let change = |given: &[&str]| {
            let all = ["x"].iter().chain(given);
            Changed::try_parse_from(all).unwrap().limits.applied_to(before.clone(), 2_000)
        };
        assert_eq!(change(&[]), before);
        assert_eq!(change(&["--max-price", "4"]), BudgetLimits { maximum_price: 4, ..before.clone() });
        assert_eq!(change(&["--for-slots", "7"]), BudgetLimits { last_slot: 2_007, ..before.clone() });
        let any = BudgetLimits { any_graph: true, graphs: vec![], ..before.clone() };
        assert_eq!(change(&["--any-graph"]), any);
        let node = Pubkey::new_unique();
        let invited = BudgetLimits { any_node: false, nodes: vec![node], ..before.clone() };
        assert_eq!(change(&["--node", &node.to_string()]), invited);
    }
}
