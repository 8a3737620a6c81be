//! All contractions of a graph that are worth checking rather than computing again.

use super::bilinear::Bilinear;
use super::secret::{Secret, Weights};
use crate::cpu::Available;
use crate::{Isa, KernelError, TensorSet};
use referee::graph::{OpKind, ResolvedGraph, Slot, TensorKind};
use std::collections::BTreeMap;

/// Which contractions are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// Those that are dearer to compute again.
    #[default]
    Worthwhile,
    /// All of them.
    Every,
}

/// Checks contractions against their sums, by an auditor's secret.
#[derive(Debug)]
pub struct Checker {
    contractions: BTreeMap<u16, Bilinear>,
    weights: [Weights; 2],
    isa: Available,
}

impl Checker {
    /// Prepares a graph with its params, which contribute the same to every audit.
    ///
    /// # Errors
    /// A param that is missing or has the wrong size.
    pub fn new(
        graph: &ResolvedGraph,
        params: &TensorSet,
        secret: &Secret,
        coverage: Coverage,
    ) -> Result<Self, KernelError> {
        let is_param = |slot: Slot| graph.tensors[usize::from(slot)].kind == TensorKind::Param;
        let mut contractions = BTreeMap::new();
        for (index, op) in (0u16..).zip(&graph.ops).filter(|(_, op)| op.kind == OpKind::Contract) {
            let [left, right, ..] = &op.operands[..] else { continue };
            let known = [is_param(left.slot), is_param(right.slot)];
            let worthwhile = |bilinear: &Bilinear| coverage == Coverage::Every || bilinear.is_worthwhile(known);
            if let Some(bilinear) = Bilinear::new(op).filter(worthwhile) {
                contractions.insert(index, bilinear);
            }
        }
        let rows = |side: usize| contractions.values().map(|bilinear| bilinear.rows(side)).max().unwrap_or(0);
        let weights = [secret.weights(0, rows(0)), secret.weights(1, rows(1))];
        let isa = Isa::ALL.into_iter().find_map(Available::new).ok_or_else(|| KernelError::Device {
            device: "cpu".into(),
            reason: "the processor has no instruction set that kernels are written for".into(),
        })?;
        for (index, bilinear) in &mut contractions {
            for (side, weights) in weights.iter().enumerate() {
                let slot = graph.ops[usize::from(*index)].operands[side].slot;
                if is_param(slot) {
                    let data = params.get(&slot).ok_or(KernelError::Missing { slot })?;
                    check_size(graph, slot, data)?;
                    bilinear.prepare(side, data, weights, isa);
                }
            }
        }
        Ok(Self { contractions, weights, isa })
    }

    /// The contractions that are checked.
    pub fn ops(&self) -> impl Iterator<Item = u16> + '_ {
        self.contractions.keys().copied()
    }

    /// Whether these are the sums of a contraction over these operands. A lie passes with a chance of at most 2^-71.
    ///
    /// # Errors
    /// A tensor of the wrong size, or an op that is not one of [`ops`](Self::ops).
    pub fn check(
        &self,
        graph: &ResolvedGraph,
        op: u16,
        operands: [&[u8]; 2],
        sums: &[u8],
    ) -> Result<bool, KernelError> {
        let (Some(bilinear), Some(body)) = (self.contractions.get(&op), graph.ops.get(usize::from(op))) else {
            return Err(KernelError::Device { device: "checker".into(), reason: format!("op {op} is not checked") });
        };
        for (view, data) in body.operands.iter().zip(operands) {
            check_size(graph, view.slot, data)?;
        }
        let expected = 4 * body.output_elements() as usize;
        if sums.len() != expected {
            return Err(KernelError::Size { slot: body.outputs[0], expected, given: sums.len() });
        }
        Ok(bilinear.check(operands, sums, &self.weights, self.isa))
    }
}

fn check_size(graph: &ResolvedGraph, slot: Slot, data: &[u8]) -> Result<(), KernelError> {
    let expected = graph.tensors[usize::from(slot)].bytes();
    if data.len() == expected { Ok(()) } else { Err(KernelError::Size { slot, expected, given: data.len() }) }
}
