//! Look-ups that are written out: products with one-hot rows, rows 0 to n of a table, rows of constant ids.

use super::links::{Links, essential, replace, unshaped};
use crate::float::{Comparison, ElementType, Extent, FloatGraph, FloatNode, FloatOp, Tensor, ValueId};

/// The product of `ids == 0, 1, 2, ..` with a matrix is a look-up of its rows.
pub(super) fn one_hot(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    if node.op != FloatOp::Linear {
        return false;
    }
    let Some(ids) = hot_ids(graph, links, node.inputs[0]) else { return false };
    let inputs = node.inputs.clone();
    let Some(table) = graph.constant(inputs[1]).cloned() else { return false };
    let Some(bias) =
        inputs.get(2).map(|&bias| graph.constant_floats(bias).map(<[f32]>::to_vec)).unwrap_or(Some(Vec::new()))
    else {
        return false;
    };
    let (name, out) = (node.name.clone(), node.outputs[0]);
    let mut shape = graph.value(out).shape.clone();
    shape.pop();
    let mut nodes = Vec::new();
    let mut source = ids;
    if graph.value(ids).shape != shape {
        source = graph.add_computed(format!("{name}~ids"), &shape, ElementType::Integer);
        nodes.push(FloatNode { name: name.clone(), op: FloatOp::Reshape, inputs: vec![ids], outputs: vec![source] });
    }
    let rows = match (bias.is_empty(), table.as_floats()) {
        (false, Some(values)) => {
            let sums = values.iter().enumerate().map(|(at, &value)| value + bias[at % bias.len()]).collect();
            let label = graph.value(inputs[1]).name.clone();
            graph.add_constant(label, Tensor::floats(&table.shape, sums))
        }
        _ => inputs[1],
    };
    nodes.push(FloatNode { name, op: FloatOp::Embedding, inputs: vec![source, rows], outputs: vec![out] });
    replace(graph, index, nodes)
}

/// The ids of a one-hot tensor: `Cast(ids[.., 1] == [0, 1, 2, ..])`.
fn hot_ids(graph: &FloatGraph, links: &Links, id: ValueId) -> Option<ValueId> {
    let cast = links.producer(graph, id)?;
    let compare = links.producer(graph, *cast.inputs.first()?)?;
    if cast.op != FloatOp::Cast || compare.op != FloatOp::Compare(Comparison::Equal) {
        return None;
    }
    let [a, b] = compare.inputs[..] else { return None };
    let (ids, steps) = if graph.constant(b).is_some() { (a, b) } else { (b, a) };
    let tensor = graph.constant(steps)?;
    let counted = tensor.as_integers()?.iter().copied().eq(0..tensor.elements() as i64);
    let last =
        graph.value(ids).shape.last() == Some(&Extent::Known(1)) && tensor.shape.last() == Some(&tensor.elements());
    let full = graph.value(id).shape.len() == graph.value(ids).shape.len();
    (counted && last && full && graph.value(ids).element_type == ElementType::Integer)
        .then(|| unshaped(graph, links, ids))
}

/// Rows 0 to n of a constant, n a symbol.
pub(super) fn position(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    match node.op {
        FloatOp::Slice { .. } => {
            let Some((rows, _)) = first_rows(graph, node) else { return false };
            let Some(tensor) = graph.constant(node.inputs[0]).cloned() else { return false };
            if tensor.as_floats().is_none() {
                return false;
            }
            let (length, columns) = (rows, tensor.elements() / rows.max(1));
            let shape = graph.value(node.outputs[0]).shape.clone();
            let Some(&extent) = shape.iter().find(|extent| matches!(extent, Extent::Symbol(_))) else { return false };
            let table = (*tensor).clone().reshaped(&[length, columns]);
            look_up(graph, index, table, extent, columns)
        }
        FloatOp::Embedding => {
            let ids = unshaped(graph, links, node.inputs[0]);
            let Some(slice) = links.producer(graph, ids) else { return false };
            let Some((length, extent)) = first_rows(graph, slice) else { return false };
            let counted = graph.constant(slice.inputs[0]).and_then(|tensor| tensor.as_integers()).map(<[i64]>::to_vec);
            let Some(counted) = counted.filter(|counted| counted.len() == length) else { return false };
            let Some(table) = graph.constant(node.inputs[1]).cloned() else { return false };
            let ids = Tensor::integers(&[length], counted);
            let columns = table.shape.get(1).copied().unwrap_or(0);
            let rows = crate::float::execute::compute(&FloatOp::Embedding, &[&ids, &*table], &[vec![length, columns]]);
            let Some(rows) = rows.ok().and_then(|rows| rows.into_iter().next()) else { return false };
            look_up(graph, index, rows, extent, columns)
        }
        _ => false,
    }
}

/// Of a slice that takes a symbol's number of the first elements along the first axis of a constant that is not of length
/// 1: the length of that axis and the symbol.
fn first_rows(graph: &FloatGraph, node: &FloatNode) -> Option<(usize, Extent)> {
    let FloatOp::Slice { starts, steps } = &node.op else { return None };
    let source = graph.constant(*node.inputs.first()?)?;
    let shape = &graph.value(node.outputs[0]).shape;
    let axis = shape.iter().position(|extent| matches!(extent, Extent::Symbol(_)))?;
    let before = source.shape[..axis].iter().all(|&length| length == 1);
    let whole = (0..shape.len()).all(|at| {
        starts[at] == 0 && steps[at] == 1 && (at == axis || shape[at] == Extent::Known(source.shape[at] as u32))
    });
    (before && whole).then(|| (source.shape[axis], shape[axis]))
}

/// The first rows of a table in place of a node, with the node's shape.
fn look_up(graph: &mut FloatGraph, index: usize, table: Tensor, extent: Extent, columns: usize) -> bool {
    let (name, out) = (graph.nodes[index].name.clone(), graph.nodes[index].outputs[0]);
    let target = graph.value(out).shape.clone();
    let flat = [extent, Extent::Known(columns as u32)];
    let table = graph.add_constant(format!("{name}~positions"), table);
    if target == flat {
        return replace(
            graph,
            index,
            vec![FloatNode { name, op: FloatOp::Position, inputs: vec![table], outputs: vec![out] }],
        );
    }
    let rows = graph.add_computed(format!("{name}~rows"), &flat, ElementType::Float);
    let mut nodes =
        vec![FloatNode { name: name.clone(), op: FloatOp::Position, inputs: vec![table], outputs: vec![rows] }];
    if essential(&target) != essential(&flat) {
        return false;
    }
    nodes.push(FloatNode { name, op: FloatOp::Reshape, inputs: vec![rows], outputs: vec![out] });
    replace(graph, index, nodes)
}

/// Ids that are one constant, repeated: one row of the table, repeated.
pub(super) fn constant_row(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    if node.op != FloatOp::Embedding {
        return false;
    }
    let Some(FloatNode { op: FloatOp::Broadcast, inputs, .. }) = links.producer(graph, node.inputs[0]) else {
        return false;
    };
    let ids = graph.constant(inputs[0]).and_then(|tensor| tensor.as_integers());
    let Some((&id, true)) = ids.and_then(|ids| Some((ids.first()?, ids.iter().all(|id| Some(id) == ids.first()))))
    else {
        return false;
    };
    let Some(table) = graph.constant(node.inputs[1]).cloned() else { return false };
    let columns = table.shape.get(1).copied().unwrap_or(0);
    let ids = Tensor::integers(&[1], vec![id]);
    let row = crate::float::execute::compute(&FloatOp::Embedding, &[&ids, &*table], &[vec![1, columns]]);
    let Some(row) = row.ok().and_then(|row| row.into_iter().next()) else { return false };
    let (name, out) = (node.name.clone(), node.outputs[0]);
    let row = graph.add_constant(format!("{name}~row"), row.reshaped(&[columns]));
    replace(graph, index, vec![FloatNode { name, op: FloatOp::Broadcast, inputs: vec![row], outputs: vec![out] }])
}
