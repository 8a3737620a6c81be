//! Single ops that read tensors of many leaves.

use super::{Draw, along, single, tensor};
use referee::graph::{Dtype, Graph, Instruction as I, OpKind, OutOfBounds, TensorKind, Term};

/// One reading op over a tensor large enough to have many leaves, with a random view.
pub fn random_reader(draw: &mut Draw) -> Graph {
    let dtype = *draw.pick(&Dtype::ALL);
    let source: Vec<u32> = match draw.below(4) {
        0 => vec![*draw.pick(&[3, 5, 9]), *draw.pick(&[600, 700, 1024, 1537])],
        1 => vec![*draw.pick(&[40, 64, 100]), *draw.pick(&[16, 24, 60, 64, 128])],
        2 => vec![*draw.pick(&[3, 8]), *draw.pick(&[9, 12, 16]), *draw.pick(&[8, 20, 32, 48])],
        3 if draw.once_in(2) => vec![*draw.pick(&[30, 64]), *draw.pick(&[260, 520])],
        _ => vec![2, *draw.pick(&[5, 6]), *draw.pick(&[6, 8]), *draw.pick(&[16, 31, 512])],
    };
    // Half of the views see the tensor in rows of another length.
    let elements: u32 = source.iter().product();
    let others: Vec<u32> =
        [8, 16, 20, 24, 32, 40, 60, 64, 100].into_iter().filter(|row| elements.is_multiple_of(*row)).collect();
    let shape = match others.is_empty() || draw.once_in(2) {
        true => source.clone(),
        false => {
            let row = *draw.pick(&others);
            vec![elements / row, row]
        }
    };
    let rank = shape.len();
    let output: Vec<u32> = (0..1 + draw.below(3)).map(|_| *draw.pick(&[1, 2, 3, 5])).collect();
    let reduce: Vec<u32> = (0..draw.below(4)).map(|_| *draw.pick(&[1, 2, 3, 4, 16])).collect();
    let kinds = [OpKind::Sum, OpKind::ArgMax, OpKind::Map];
    let kind = *draw.pick(&kinds);
    let reduce = if kind == OpKind::Map { vec![] } else { reduce };
    let mut graph = single(kind, vec![tensor(dtype, TensorKind::Input, &source)], &[Dtype::I32], &output, &reduce);
    let axes = output.len() + reduce.len();
    let mut first = along(0, &shape, &vec![None; rank]);
    for source_axis in 0..rank as u8 {
        for iteration_axis in 0..axes as u8 {
            if draw.once_in(2) && first.terms.len() < 10 {
                let coefficient = *draw.pick(&[1, 1, 1, 2, 4, 16, 31, 64, -1, -1, -3]);
                first.terms.push(Term { source_axis, iteration_axis, coefficient });
            }
        }
        first.offsets[usize::from(source_axis)] = draw.between(-2, 20) as i32;
    }
    if draw.once_in(3) {
        first.out_of_bounds = OutOfBounds::Pad(7);
    }
    let operands = 1 + draw.below(3);
    for operand in 0..operands {
        let mut view = first.clone();
        for offset in &mut view.offsets {
            *offset += if operand > 0 { draw.between(0, 2) as i32 } else { 0 };
        }
        if draw.once_in(5) {
            let axis = draw.below(rank as u64) as u8;
            view.indirect = Some(axis);
            view.offsets[usize::from(axis)] = 0;
            view.terms.retain(|term| term.source_axis != axis);
        }
        graph.ops[0].operands.push(view);
    }
    let indirect: Vec<bool> = graph.ops[0].operands.iter().map(|view| view.indirect.is_some()).collect();
    let loads = (0..operands as u8).map(|operand| match indirect[usize::from(operand)] {
        false => I::Load { d: operand, operand },
        // The register is what an earlier operand gave, or 0.
        true => I::Gather { d: operand, operand, a: operand.saturating_sub(1) },
    });
    match graph.ops[0].prologue {
        Some(_) => graph.programs[1].code = loads.collect(),
        None => {
            let stores = std::mem::take(&mut graph.programs[0].code);
            graph.programs[0].code = loads.chain(stores).collect();
        }
    }
    graph
}
