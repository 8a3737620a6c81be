//! What must hold at given symbol values, for every executor.

use super::rules::{CONTRACT_LENGTH, REDUCTION_SIZE, UIDS, VIEW_REACH};
use crate::commit::Uid;
use crate::graph::error::{CheckError, Site};
use crate::graph::resolve::{ResolvedGraph, ResolvedOp};
use crate::graph::types::{Dtype, OpKind, Slot};
use alloc::format;
use alloc::vec::Vec;

/// Most products of i8 x i8 in one Contract: the greatest is (-128)^2 = 2^14, and 131,071 x 2^14 = 2^31 - 2^14 fits 32
/// bits where 131,072 x 2^14 = 2^31 does not. (The least product, -128 x 127, is smaller in size.)
pub(super) const MAX_LENGTH_I8_I8: u64 = 131_071;
/// Most products of u8 x i8: the least is 255 x -128 = -32,640, and 65,793 x -32,640 = -2,147,483,520 fits 32 bits where
/// one more does not. (The greatest product, 255 x 127, is smaller in size.)
pub(super) const MAX_LENGTH_U8_I8: u64 = 65_793;

pub(in crate::graph) fn sizes(graph: &ResolvedGraph) -> Result<(), CheckError> {
    uids(graph)?;
    for (index, op) in (0..).zip(&graph.ops) {
        let points = op.reduction_dims.iter().fold(1u64, |points, dim| points.saturating_mul(u64::from(*dim)));
        if points >= 1 << 31 {
            return Err(REDUCTION_SIZE.broken(Site::Op(index), format!("{points} reduction points")));
        }
        if op.kind == OpKind::Contract {
            contract_length(index, op, points)?;
        }
        views(index, op)?;
    }
    Ok(())
}

/// Two tensors of one uid could stand for one another in a proof: whoever wrote such a graph could frame an honest node.
fn uids(graph: &ResolvedGraph) -> Result<(), CheckError> {
    let mut uids: Vec<(Uid, Slot)> =
        graph.tensors.iter().enumerate().map(|(slot, tensor)| (tensor.layout.uid, slot as Slot)).collect();
    uids.sort_unstable();
    for pair in uids.windows(2) {
        if let [(one, first), (other, second)] = pair
            && one == other
        {
            return Err(UIDS.broken(Site::Tensor(*second), format!("its uid is that of tensor {first}")));
        }
    }
    Ok(())
}

fn contract_length(index: u16, op: &ResolvedOp, points: u64) -> Result<(), CheckError> {
    let unsigned = op.operands.iter().take(2).any(|view| view.dtype == Dtype::U8);
    let (pair, most) = if unsigned { ("u8 x i8", MAX_LENGTH_U8_I8) } else { ("i8 x i8", MAX_LENGTH_I8_I8) };
    if points > most {
        let reason = format!("{points} products of {pair}, more than {most}");
        return Err(CONTRACT_LENGTH.broken(Site::Op(index), reason));
    }
    Ok(())
}

fn views(index: u16, op: &ResolvedOp) -> Result<(), CheckError> {
    for (operand, view) in (0..).zip(&op.operands) {
        for axis in 0..view.dims.len() {
            let (low, high) = view.coordinate_range(axis, op);
            if low < -(1 << 61) || high >= 1 << 61 {
                let site = Site::OperandAxis(index, operand, axis as u8);
                return Err(VIEW_REACH.broken(site, format!("coordinates run from {low} to {high}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dim, Graph, Instruction, Op, Program, Tensor, TensorKind};

    /// A collision of 64 bits costs its finder 2^32 hashes and a test too many: it is put in place by hand.
    #[test]
    fn two_tensors_of_one_uid_are_refused() {
        let tensor = |kind| Tensor { dtype: Dtype::I8, kind, shape: vec![Dim::Const(3)] };
        let op = Op {
            kind: OpKind::Map,
            outputs: vec![2],
            output_axes: vec![Dim::Const(3)],
            reduction_axes: vec![],
            operands: vec![],
            prologue: None,
            program: 0,
        };
        let graph = Graph {
            symbols: vec![],
            tensors: vec![tensor(TensorKind::Input), tensor(TensorKind::Param), tensor(TensorKind::Temp)],
            programs: vec![Program { constants: vec![], code: vec![Instruction::Store { output: 0, a: 0 }] }],
            ops: vec![op],
            cuts: vec![],
            outputs: vec![2],
        };
        let mut resolved = graph.resolve(&[]).unwrap();
        sizes(&resolved).unwrap();
        resolved.tensors[2].layout.uid = resolved.tensors[0].layout.uid;
        let error = sizes(&resolved).unwrap_err();
        assert_eq!((error.code, error.site), ("G0154", Site::Tensor(2)));
        assert!(error.reason.contains("tensor 0"), "{error}");
    }
}
