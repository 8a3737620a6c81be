//! What an agent may post.

use crate::error::{AssayError, Checked};
use crate::units::TokenAmount;
use anchor_lang::prelude::*;

/// Most graphs, and most nodes, that a budget lists. With this many of both the limits still fit a transaction.
pub const MAXIMUM_LISTED: usize = 8;

/// The limits of a budget. Amounts are base units of its payment mint.
///
/// They hold for whoever posts out of the budget; the owner, who can change them, changes them first.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Most that one job escrows: its maximum price and its audit pot together.
    pub maximum_job_escrow: u64,
    /// Most that the jobs posted within one period escrow together. What a job escrows counts when it is posted, and a refund
    /// gives nothing back: see [`Period`](super::Period).
    pub maximum_period_escrow: u64,
    /// Length of a period; at least 1.
    pub period_slots: u64,
    /// Highest maximum price of a job.
    pub maximum_price: u64,
    /// Most jobs that are posted and not yet closed. What they hold of the budget's lamports as rent is bounded by it.
    pub maximum_open_jobs: u32,
    /// The last slot in which the agent may do anything.
    pub last_slot: u64,
    /// Whether any graph may be run. Then `graphs` is empty.
    pub any_graph: bool,
    /// Roots of the graphs that may be run, if not any.
    #[max_len(MAXIMUM_LISTED)]
    pub graphs: Vec<[u8; 32]>,
    /// Whether a job may be open to every node. Then `nodes` is empty.
    pub any_node: bool,
    /// The nodes of which each job must invite one, if it may not be open to every node.
    #[max_len(MAXIMUM_LISTED)]
    pub nodes: Vec<Pubkey>,
}

/// What is to be posted, as far as limits ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Highest price of the job.
    pub price_max: TokenAmount,
    /// All that it escrows.
    pub escrow: TokenAmount,
    /// Root of its graph.
    pub graph_root: [u8; 32],
    /// The only node that may claim it, if it is an invitation.
    pub invited_node: Option<Pubkey>,
    /// Jobs of the budget that are open already.
    pub open_jobs: u32,
}

impl BudgetLimits {
    /// `BudgetPeriodInvalid` or `BudgetListInvalid` unless the limits say what they mean.
    pub fn validate(&self) -> Checked {
        if self.period_slots == 0 {
            return Err(AssayError::BudgetPeriodInvalid);
        }
        let graphs_fit = self.graphs.len() <= MAXIMUM_LISTED && (!self.any_graph || self.graphs.is_empty());
        let nodes_fit = self.nodes.len() <= MAXIMUM_LISTED && (!self.any_node || self.nodes.is_empty());
        // The zero key stands for every node in a job.
        if graphs_fit && nodes_fit && !self.nodes.contains(&Pubkey::default()) {
            Ok(())
        } else {
            Err(AssayError::BudgetListInvalid)
        }
    }

    /// Checks a job against every limit but that of the period; the error names the limit.
    pub fn check(&self, request: &Request) -> Checked {
        if request.price_max.0 > self.maximum_price {
            return Err(AssayError::BudgetPriceTooHigh);
        }
        if request.escrow.0 > self.maximum_job_escrow {
            return Err(AssayError::BudgetJobTooLarge);
        }
        if request.open_jobs >= self.maximum_open_jobs {
            return Err(AssayError::BudgetTooManyOpenJobs);
        }
        if !self.any_graph && !self.graphs.contains(&request.graph_root) {
            return Err(AssayError::BudgetGraphNotAllowed);
        }
        let invites = request.invited_node.is_some_and(|node| self.nodes.contains(&node));
        if !self.any_node && !invites {
            return Err(AssayError::BudgetNodeNotAllowed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPH: [u8; 32] = [1; 32];
    const NODE: Pubkey = Pubkey::new_from_array([2; 32]);

    fn limits() -> BudgetLimits {
        BudgetLimits {
            maximum_job_escrow: 120,
            maximum_period_escrow: 300,
            period_slots: 50,
            maximum_price: 100,
            maximum_open_jobs: 3,
            last_slot: 1_000,
            any_graph: false,
            graphs: vec![[9; 32], GRAPH],
            any_node: false,
            nodes: vec![NODE],
        }
    }

    fn request() -> Request {
        Request {
            price_max: TokenAmount(100),
            escrow: TokenAmount(120),
            graph_root: GRAPH,
            invited_node: Some(NODE),
            open_jobs: 2,
        }
    }

    #[test]
    fn each_limit_is_exact_and_has_its_error() {
        assert_eq!(limits().check(&request()), Ok(()));
        let table = [
            (Request { price_max: TokenAmount(101), ..request() }, AssayError::BudgetPriceTooHigh),
            (Request { escrow: TokenAmount(121), ..request() }, AssayError::BudgetJobTooLarge),
            (Request { open_jobs: 3, ..request() }, AssayError::BudgetTooManyOpenJobs),
            (Request { graph_root: [3; 32], ..request() }, AssayError::BudgetGraphNotAllowed),
            (Request { invited_node: None, ..request() }, AssayError::BudgetNodeNotAllowed),
            (Request { invited_node: Some(Pubkey::default()), ..request() }, AssayError::BudgetNodeNotAllowed),
            (
                Request { invited_node: Some(Pubkey::new_from_array([3; 32])), ..request() },
                AssayError::BudgetNodeNotAllowed,
            ),
        ];
        for (request, error) in table {
            assert_eq!(limits().check(&request), Err(error), "{request:?}");
        }
    }

    /// An empty list allows nothing; only the flag allows everything.
    #[test]
    fn an_empty_list_is_not_everything() {
        let no_graph = BudgetLimits { graphs: vec![], ..limits() };
        no_graph.validate().unwrap();
        assert_eq!(no_graph.check(&request()), Err(AssayError::BudgetGraphNotAllowed));
        let no_node = BudgetLimits { nodes: vec![], ..limits() };
        no_node.validate().unwrap();
        assert_eq!(no_node.check(&request()), Err(AssayError::BudgetNodeNotAllowed));
        let anything = BudgetLimits { any_graph: true, graphs: vec![], any_node: true, nodes: vec![], ..limits() };
        anything.validate().unwrap();
        assert_eq!(anything.check(&Request { graph_root: [7; 32], invited_node: None, ..request() }), Ok(()));
        assert_eq!(anything.check(&request()), Ok(()), "an invitation is no wider than an open job");
    }

    #[test]
    fn limits_that_contradict_themselves_are_refused() {
        limits().validate().unwrap();
        let table = [
            (BudgetLimits { period_slots: 0, ..limits() }, AssayError::BudgetPeriodInvalid),
            (BudgetLimits { any_graph: true, ..limits() }, AssayError::BudgetListInvalid),
            (BudgetLimits { any_node: true, ..limits() }, AssayError::BudgetListInvalid),
            (BudgetLimits { graphs: vec![GRAPH; MAXIMUM_LISTED + 1], ..limits() }, AssayError::BudgetListInvalid),
            (BudgetLimits { nodes: vec![NODE; MAXIMUM_LISTED + 1], ..limits() }, AssayError::BudgetListInvalid),
            (BudgetLimits { nodes: vec![NODE, Pubkey::default()], ..limits() }, AssayError::BudgetListInvalid),
        ];
        for (limits, error) in table {
            assert_eq!(limits.validate(), Err(error), "{limits:?}");
        }
        let full = BudgetLimits { graphs: vec![GRAPH; MAXIMUM_LISTED], nodes: vec![NODE; MAXIMUM_LISTED], ..limits() };
        full.validate().unwrap();
    }
}
