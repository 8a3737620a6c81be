//! Static checks. A graph that passes can be run by every executor and judged by the referee, element by element.
//!
//! Three steps, each trusting those before it: [`structure`] needs no symbol values; [`sizes`] and [`economy`] run at
//! given ones. [`Graph::resolve`] runs all three at the values of a job; [`Graph::check`] runs them at every corner of
//! the symbols' bounds and adds the lints.

mod economy;
mod lints;
mod operands;
mod programs;
mod rules;
mod sizes;
mod structure;

use super::cost::Cost;
use super::error::{CheckError, Site};
use super::types::Graph;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub(super) use economy::economy;
pub use rules::{RULES, Rule};
pub(super) use rules::{SYMBOL_COUNT, SYMBOL_VALUE, TENSOR_SIZE};
pub(super) use sizes::sizes;
pub(super) use structure::structure;

/// Most instructions that run for one element, those of all reduction points and of all turns of loops together.
pub const MAX_STEPS: u32 = 8192;

/// Something that a graph may do but should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Stable code, `G0201` and on.
    pub code: &'static str,
    /// Where.
    pub site: Site,
    /// What was found, with the numbers.
    pub reason: String,
    /// What to change.
    pub fix: &'static str,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.code, self.site, self.reason, self.fix)
    }
}

/// What is known of a graph that passed all checks at the extremes of its symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What could be better; each (code, site) once.
    pub lints: Vec<Lint>,
    /// For each op, the greatest cost of refereeing one element at any corner of the symbols' bounds.
    pub costs: Vec<Cost>,
}

impl Graph {
    /// Runs every check at all corners of the symbols' bounds.
    ///
    /// Values in between are checked when a job gives them, by [`resolve`](Self::resolve): the layout in leaves does
    /// not cost the more the longer an axis is.
    ///
    /// # Errors
    /// The first broken rule, with where it lies and what to change.
    pub fn check(&self) -> Result<Report, CheckError> {
        structure(self)?;
        let mut report = Report { lints: Vec::new(), costs: Vec::new() };
        for corner in 0..1u32 << self.symbols.len() {
            // The greatest values come first, so that a lint names the greatest numbers.
            let pick =
                |(bit, symbol): (u32, &super::Symbol)| if corner >> bit & 1 == 0 { symbol.max } else { symbol.min };
            let symbols: Vec<u32> = (0u32..).zip(&self.symbols).map(pick).collect();
            let graph = self.resolve_structured(&symbols)?;
            lints::collect(&graph, &mut report.lints);
            let costs = graph.costs();
            report.costs.resize(costs.len(), Cost::default());
            for (most, cost) in report.costs.iter_mut().zip(costs) {
                *most = most.max(cost);
            }
        }
        Ok(report)
    }
}
