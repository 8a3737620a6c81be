//! What the openings of a result can cost whoever has to answer for it: a pure function of the graph.
//!
//! An answer locks the rent of a buffer until the dispute is over, and its transactions cost fees. What can be demanded
//! follows from the static shapes of the graph's trees: only the places that answers open one after the other, each of
//! them once for a job, because an answer serves every challenge. What challengers prepay is not counted: it comes after.

use assay::dispute::clocks::{MAXIMUM_DEMANDS, MAXIMUM_OUTPUT_DEMANDS};
use assay::state::{Buffer, SegmentClaim};
use assay_audit::answer::{boundary_tree, segment_tree, tensor_tree};
use referee::graph::ResolvedGraph;
use referee::opening::{Form, MAX_ANSWER_BYTES, Place, Tree};
use serde::{Deserialize, Serialize};
use solana_sdk::rent::Rent;

/// Bytes of one write: with its transaction they fill a packet.
pub const WRITE_BYTES: usize = 880;

/// What an account of so many bytes holds, on clusters with the usual rent.
pub fn rent_lamports(bytes: usize) -> u64 {
    Rent::default().minimum_balance(bytes)
}

/// What openings of one job can cost at most: rents, which come back when its disputes are over, and fees, which do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefenceCost {
    /// The dearest opening.
    pub opening_lamports: u64,
    /// All that one challenge can demand, if it demands the dearest each time.
    pub challenge_lamports: u64,
    /// The same for one that was filed because the output cannot be had: it can demand more.
    pub filing_lamports: u64,
    /// Every opening that there is: more is not lent however many challengers there are.
    pub everything_lamports: u64,
    /// Ending a challenge whose challenger gave up, which nobody else may care to do.
    pub end_lamports: u64,
}

/// Openings of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Openings {
    /// What one of them costs at most.
    lamports: u64,
    count: u64,
}

impl DefenceCost {
    /// For a result of `graph`, where a transaction costs `fee_lamports` at most.
    pub fn of(graph: &ResolvedGraph, fee_lamports: u64) -> Self {
        let segments = (0u16..).take(graph.segments.len());
        let lists = segments.map(|segment| segment_tree(graph, segment)).chain([boundary_tree(graph)]);
        // Slots are numbers of 16 bits.
        let produced = (0u16..).zip(&graph.tensors).filter(|(_, tensor)| tensor.producer.is_some());
        let tensors = produced.filter_map(|(slot, _)| tensor_tree(graph, slot));
        let mut all: Vec<Openings> = lists.chain(tensors).flat_map(|tree| openings_of(&tree, fee_lamports)).collect();
        all.push(Openings { lamports: root_lamports(fee_lamports), count: graph.segments.len() as u64 });
        Self::of_all(all, fee_lamports)
    }

    /// For a result whose graph is not known: no graph costs more in one challenge.
    pub fn of_any_graph(fee_lamports: u64) -> Self {
        Self::of_all(
            vec![Openings { lamports: answer_lamports(MAX_ANSWER_BYTES, fee_lamports), count: u64::MAX }],
            fee_lamports,
        )
    }

    /// What the same openings cost at most where a transaction costs up to `fee_lamports`, if that is more than when this was counted:
    /// the cap of the fees may have been raised since.
    pub fn at_fee(self, fee_lamports: u64) -> Self {
        // It was counted with the fee of the one transaction that ends a challenge.
        let more = fee_lamports.saturating_sub(self.end_lamports).saturating_mul(answer_transactions(MAX_ANSWER_BYTES));
        let with = |lamports: u64, openings: u64| lamports.saturating_add(more.saturating_mul(openings));
        Self {
            opening_lamports: with(self.opening_lamports, 1),
            challenge_lamports: with(self.challenge_lamports, u64::from(MAXIMUM_DEMANDS)),
            filing_lamports: with(self.filing_lamports, u64::from(MAXIMUM_OUTPUT_DEMANDS)),
            // How many openings there are is not known any more.
            everything_lamports: if more == 0 { self.everything_lamports } else { u64::MAX },
            end_lamports: self.end_lamports.max(fee_lamports),
        }
    }

    fn of_all(mut all: Vec<Openings>, fee_lamports: u64) -> Self {
        all.sort_unstable_by_key(|openings| std::cmp::Reverse(openings.lamports));
        let dearest = |most: u64| {
            let mut left = most;
            all.iter().fold(0u64, |sum, openings| {
                let taken = openings.count.min(left);
                left -= taken;
                sum.saturating_add(openings.lamports.saturating_mul(taken))
            })
        };
        Self {
            opening_lamports: dearest(1),
            challenge_lamports: dearest(u64::from(MAXIMUM_DEMANDS)),
            filing_lamports: dearest(u64::from(MAXIMUM_OUTPUT_DEMANDS)),
            everything_lamports: dearest(u64::MAX),
            end_lamports: fee_lamports,
        }
    }
}

/// All openings of a tree, by the heights at which answers begin.
fn openings_of(tree: &Tree, fee_lamports: u64) -> Vec<Openings> {
    let mut all = Vec::new();
    let mut height = tree.top().height;
    loop {
        // Padding lies on the right: no answer of this height is longer than the leftmost.
        let first = Place { height, index: 0 };
        let (Ok(form), Ok(bytes)) = (tree.form(first), tree.answer_bytes(first)) else { return all };
        all.push(Openings { lamports: answer_lamports(bytes, fee_lamports), count: places(tree, height) });
        match form {
            // The data of a tensor, or all that a list consists of.
            Form::Data | Form::Hashes { height: 0 } => return all,
            Form::Hashes { height: below } => height = below,
        }
    }
}

/// Places of a tree at a height, those of padding left out.
fn places(tree: &Tree, height: u8) -> u64 {
    let (groups, leaves_in_a_group, group_depth) = match tree {
        Tree::Boundary { count } | Tree::Segment { count, .. } => (u32::from(*count), 1, 0),
        Tree::Tensor { layout } => (layout.row_groups(), layout.leaves_per_row, layout.row_depth()),
    };
    let at = |count: u32, levels: u8| u64::from(count).div_ceil(1 << levels.min(63));
    match height.checked_sub(group_depth) {
        Some(above) => at(groups, above),
        None => u64::from(groups).saturating_mul(at(leaves_in_a_group, height)),
    }
}

/// An answer: its buffer, the transactions that open and write it, the one that gives it, and the one that closes it.
fn answer_lamports(bytes: usize, fee_lamports: u64) -> u64 {
    let transactions = answer_transactions(bytes);
    let space = u32::try_from(bytes).map_or(usize::MAX, Buffer::space);
    rent_lamports(space).saturating_add(fee_lamports.saturating_mul(transactions))
}

/// Those that open and write the buffer of an answer, the one that gives it, and the one that closes it.
fn answer_transactions(bytes: usize) -> u64 {
    bytes.div_ceil(WRITE_BYTES).max(1).saturating_add(2) as u64
}

/// A recorded root: its account, the transaction that records it, and the one that closes it.
fn root_lamports(fee_lamports: u64) -> u64 {
    rent_lamports(SegmentClaim::SPACE).saturating_add(fee_lamports.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_fee_was_raised_since_nothing_costs_less_than_counted_with_the_new_one() {
        let graph = mlp::model(&mlp::Shape { inputs: 64, hidden: vec![64], outputs: 64, max_batch: 8 }, 1).unwrap();
        let graph = graph.resolve(&[8]).unwrap();
        let (before, after) = (DefenceCost::of(&graph, 10_000), DefenceCost::of(&graph, 60_000));
        assert_eq!(before.at_fee(10_000), before);
        assert_eq!(before.at_fee(5_000), before, "a lower fee leaves what was counted");
        let raised = before.at_fee(60_000);
        for (raised, after) in [
            (raised.opening_lamports, after.opening_lamports),
            (raised.challenge_lamports, after.challenge_lamports),
            (raised.filing_lamports, after.filing_lamports),
            (raised.everything_lamports, after.everything_lamports),
            (raised.end_lamports, after.end_lamports),
        ] {
            assert!(raised >= after, "{raised} {after}");
        }
        assert!(raised.challenge_lamports < 3 * after.challenge_lamports, "and not out of all proportion");
    }
    use assay_models::{encoder, mlp};
    use proptest::prelude::*;
    use referee::commit::TensorLayout;
    use referee::graph::{Dtype, TensorKind};

    const FEE: u64 = 10_000;

    /// Every answer that a tree has, found by opening it from its top.
    fn answers(tree: &Tree) -> Vec<usize> {
        let (mut bytes, mut open) = (Vec::new(), vec![tree.top()]);
        while let Some(place) = open.pop() {
            bytes.push(tree.answer_bytes(place).unwrap());
            if !matches!(tree.form(place).unwrap(), Form::Data | Form::Hashes { height: 0 }) {
                open.extend(tree.children(place).unwrap());
            }
        }
        bytes
    }

    fn check(tree: &Tree) -> Result<(), TestCaseError> {
        let exact: Vec<u64> = answers(tree).into_iter().map(|bytes| answer_lamports(bytes, FEE)).collect();
        let all = openings_of(tree, FEE);
        prop_assert_eq!(all.iter().map(|openings| openings.count).sum::<u64>(), exact.len() as u64, "{:?}", tree);
        // Whatever is demanded, and how many of it: the rule says no less.
        let mut dearest = exact;
        dearest.sort_unstable_by_key(|lamports| std::cmp::Reverse(*lamports));
        let of = |most: usize| dearest.iter().take(most).sum::<u64>();
        let cost = DefenceCost::of_all(all, FEE);
        prop_assert!(cost.opening_lamports >= of(1));
        prop_assert!(cost.challenge_lamports >= of(usize::from(MAXIMUM_DEMANDS)));
        prop_assert!(cost.filing_lamports >= of(usize::from(MAXIMUM_OUTPUT_DEMANDS)));
        prop_assert!(cost.everything_lamports >= of(usize::MAX));
        // It is the dearest itself, not something above it.
        prop_assert_eq!(cost.opening_lamports, of(1));
        Ok(())
    }

    proptest! {
        #[test]
        fn no_tensor_costs_more_than_the_rule_says(
            dims in prop::collection::vec(1u32..700, 1..4),
            dtype in prop::sample::select(Dtype::ALL.to_vec()),
        ) {
            let elements = dims.iter().map(|dim| u64::from(*dim)).product::<u64>();
            prop_assume!(elements < 3_000_000);
            check(&Tree::Tensor { layout: TensorLayout::new(3, dtype, TensorKind::Temp, &dims) })?;
        }

        #[test]
        fn no_list_costs_more_than_the_rule_says(count in 1u16..5_000, index in 0u16..9) {
            check(&Tree::Boundary { count })?;
            check(&Tree::Segment { index, count })?;
        }
    }

    #[test]
    fn a_graph_costs_what_its_trees_and_roots_cost() {
        let shape = mlp::Shape { hidden: vec![400], ..mlp::Shape::tiny() };
        let graph = mlp::model(&shape, 5).unwrap().resolve(&[3]).unwrap();
        let mut exact = vec![root_lamports(FEE); graph.segments.len()];
        let segments = 0..graph.segments.len() as u16;
        let tensors = segments.clone().flat_map(|segment| graph.segment_slots(segment));
        let mut trees: Vec<Tree> = tensors.map(|slot| tensor_tree(&graph, slot).unwrap()).collect();
        trees.extend(segments.map(|segment| segment_tree(&graph, segment)));
        trees.push(boundary_tree(&graph));
        exact.extend(trees.iter().flat_map(answers).map(|bytes| answer_lamports(bytes, FEE)));
        exact.sort_unstable_by_key(|lamports| std::cmp::Reverse(*lamports));
        let cost = DefenceCost::of(&graph, FEE);
        assert_eq!(cost.opening_lamports, exact[0]);
        assert_eq!(cost.everything_lamports, exact.iter().sum::<u64>());
        let of = |most: usize| exact.iter().take(most).sum::<u64>();
        assert_eq!((cost.challenge_lamports, cost.filing_lamports), (of(24), of(64)));
        let any = DefenceCost::of_any_graph(FEE);
        assert!(any.challenge_lamports > cost.challenge_lamports && any.everything_lamports == u64::MAX);
    }

    #[test]
    fn the_dearest_answer_locks_six_hundredths_of_a_sol() {
        let any = DefenceCost::of_any_graph(5_000);
        assert!((58_000_000..60_000_000).contains(&any.opening_lamports), "{any:?}");
        assert_eq!(any.challenge_lamports, 24 * any.opening_lamports);
    }

    /// The figures of docs/DISPUTES.md.
    #[test]
    fn small_models_are_cheap_to_defend() {
        const HUNDREDTH_OF_A_SOL: u64 = 10_000_000;
        let digits = assay_models::digits::model().unwrap().resolve(&[16]).unwrap();
        let encoder = encoder::model(&encoder::Shape::mini_lm(), 1).unwrap().resolve(&[1, 128]).unwrap();
        let (digits, encoder) = (DefenceCost::of(&digits, 5_000), DefenceCost::of(&encoder, 5_000));
        let hundredths = |lamports: u64| lamports / HUNDREDTH_OF_A_SOL;
        assert_eq!((hundredths(digits.challenge_lamports), hundredths(digits.everything_lamports)), (43, 43));
        assert_eq!((hundredths(encoder.challenge_lamports), hundredths(encoder.filing_lamports)), (140, 374));
        assert!(encoder.everything_lamports > 40 * 100 * HUNDREDTH_OF_A_SOL, "{encoder:?}");
    }
}
