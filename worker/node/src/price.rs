//! What a job has to pay here, and whose graphs are taken; pure.

use crate::config::{NodeConfig, Prices};
use crate::refusal::Refusal;
use assay::state::Job;
use std::time::Duration;

/// A thousand million.
const GIGA: u128 = 1_000_000_000;
const HOUR: Duration = Duration::from_secs(3_600);
/// Parts of a whole.
const WHOLE_BPS: u128 = 10_000;

/// The least price of a job, and which rule asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) price: u64,
    operations: u64,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Floor,
    PerGigaOperation,
    Cost,
}

/// What the settings ask of a job of so many operations, which is thought to run for so long here; nothing is asked for a time that
/// is not known.
pub(crate) fn least_price(config: &NodeConfig, operations: u64, run: Option<Duration>) -> Asked {
    let Prices { floor_per_giga_operation, cost_per_hour, margin_bps, .. } = config.prices;
    let by_operations = u128::from(operations).saturating_mul(floor_per_giga_operation.into()).div_ceil(GIGA);
    let nanoseconds = run.map_or(0, |run| run.as_nanos());
    let with_margin = WHOLE_BPS.saturating_add(margin_bps.into());
    let by_cost = nanoseconds
        .saturating_mul(cost_per_hour.into())
        .saturating_mul(with_margin)
        .div_ceil(HOUR.as_nanos().saturating_mul(WHOLE_BPS));
    let whole = |price: u128| u64::try_from(price).unwrap_or(u64::MAX);
    [
        Asked { price: config.price_floor, operations, rule: Rule::Floor },
        Asked { price: whole(by_operations), operations, rule: Rule::PerGigaOperation },
        Asked { price: whole(by_cost), operations, rule: Rule::Cost },
    ]
    .into_iter()
    // Of rules that ask for the same, the plainest is named.
    .rev()
    .max_by_key(|asked| asked.price)
    .unwrap_or(Asked { price: u64::MAX, operations, rule: Rule::Floor })
}

impl Asked {
    /// Why the job is left to others, if its price never gets there.
    pub(crate) fn refuse(self, job: &Job) -> Option<Refusal> {
        let (given, least) = (job.price_max, self.price);
        if given >= least {
            return None;
        }
        Some(match self.rule {
            Rule::Floor => Refusal::new(
                "N0206",
                format!("the price ends at {given}, the floor is {least}"),
                "raise the maximum price of the job, or lower price_floor",
            ),
            Rule::PerGigaOperation => Refusal::new(
                "N0233",
                format!("the price ends at {given}, {least} is asked for {} operations", self.operations),
                "raise the maximum price of the job, or lower prices.floor_per_giga_operation",
            ),
            Rule::Cost => Refusal::new(
                "N0234",
                format!("the price ends at {given}, {least} is what the run would cost here, with the margin"),
                "raise the maximum price of the job, or lower prices.cost_per_hour or prices.margin_bps",
            ),
        })
    }
}

/// Why graphs with this root are left to others, if they are.
pub(crate) fn refuse_graph(prices: &Prices, root: &[u8; 32]) -> Option<Refusal> {
    let root = hex::encode(root);
    let is_listed = |list: &[String]| list.iter().any(|listed| listed.eq_ignore_ascii_case(&root));
    if is_listed(&prices.denied_graphs) {
        let remedy = "take it out of prices.denied_graphs to take such jobs";
        return Some(Refusal::new("N0236", format!("the graph {root} is one that this node does not take"), remedy));
    }
    (!prices.allowed_graphs.is_empty() && !is_listed(&prices.allowed_graphs)).then(|| {
        Refusal::new(
            "N0235",
            format!("the graph {root} is none of those that this node takes"),
            "add it to prices.allowed_graphs to take such jobs",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(price_floor: u64, prices: Prices) -> NodeConfig {
        NodeConfig { price_floor, prices, ..NodeConfig::default() }
    }

    #[test]
    fn the_dearest_rule_asks_and_is_named() {
        let prices =
            Prices { floor_per_giga_operation: 50, cost_per_hour: 36_000, margin_bps: 2_500, ..Prices::default() };
        let config = config(10, prices);
        let code = |operations, run, price_max| {
            let job = Job { price_max, cost_units: operations, ..Job::default() };
            least_price(&config, operations, run).refuse(&job).map(|refusal| refusal.code)
        };
        let named = |code: &str| Some(code.to_owned());
        assert_eq!(code(0, None, 9), named("N0206"));
        assert_eq!(code(0, None, 10), None);
        // Two thousand million operations, and a bit.
        assert_eq!(code(2_000_000_000, None, 99), named("N0233"));
        assert_eq!(code(2_000_000_000, None, 100), None);
        assert_eq!(code(2_000_000_001, None, 100), named("N0233"), "rounded up");
        // Ten units a second and a quarter more: 125 in ten seconds.
        let ten = Some(Duration::from_secs(10));
        assert_eq!(code(2_000_000_000, ten, 124), named("N0234"));
        assert_eq!(code(2_000_000_000, ten, 125), None);
        assert_eq!(code(0, Some(Duration::from_secs(1)), 12), named("N0234"), "12.5 rounded up");
        assert_eq!(code(0, Some(Duration::from_secs(1)), 13), None);
    }

    proptest! {
        #[test]
        fn nothing_overflows_and_no_rule_asks_for_less_than_the_floor(
            floor: u64, per_giga: u64, cost: u64, margin in 0u32..=1_000_000, operations: u64, seconds: u64,
        ) {
            let prices = Prices {
                floor_per_giga_operation: per_giga, cost_per_hour: cost, margin_bps: margin, ..Prices::default()
            };
            let asked = least_price(&config(floor, prices), operations, Some(Duration::from_secs(seconds)));
            prop_assert!(asked.price >= floor);
            prop_assert!(u128::from(asked.price) * GIGA >= u128::from(operations) * u128::from(per_giga) || asked.price == u64::MAX);
        }
    }

    #[test]
    fn graphs_are_taken_by_lists_and_a_denied_one_never() {
        let (one, other) = ([1; 32], [2; 32]);
        let code = |prices: &Prices, root| refuse_graph(prices, root).map(|refusal| refusal.code);
        let mut prices = Prices::default();
        assert_eq!(code(&prices, &one), None);
        prices.allowed_graphs = vec![hex::encode(one).to_uppercase()];
        assert_eq!((code(&prices, &one), code(&prices, &other)), (None, Some("N0235".to_owned())));
        prices.denied_graphs = vec![hex::encode(one)];
        assert_eq!(code(&prices, &one), Some("N0236".to_owned()));
    }
}
