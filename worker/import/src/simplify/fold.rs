//! Factors and addends go into the constants of the node before them.

use super::links::{Links, along_axis, replace, with_uniform};
use crate::float::{FloatGraph, FloatNode, FloatOp, Tensor, ValueId};
use std::sync::Arc;

/// The axis along which a node has numbers of its own for each element: the last of a linear layer, the channels of a
/// convolution, the axis of a norm.
fn own_axis(graph: &FloatGraph, node: &FloatNode) -> Option<(usize, usize, usize)> {
    let shape = &graph.value(node.outputs[0]).shape;
    let axis = match node.op {
        FloatOp::Linear | FloatOp::Embedding | FloatOp::Position => shape.len().checked_sub(1)?,
        FloatOp::Convolution { .. } => 1,
        FloatOp::LayerNorm { axis, .. } | FloatOp::RmsNorm { axis, .. } => axis,
        _ => return None,
    };
    Some((shape.len(), axis, shape[axis].known()? as usize))
}

/// The node whose only reader is the node of `index`, a constant along its own axis, and what it reads.
fn before(graph: &FloatGraph, links: &Links, index: usize) -> Option<(FloatNode, Vec<f32>)> {
    let node = &graph.nodes[index];
    let [x, constant] = node.inputs[..] else { return None };
    let producer = links.producer(graph, x)?;
    let (rank, axis, length) = own_axis(graph, producer)?;
    let same_shape = graph.value(x).shape == graph.value(node.outputs[0]).shape;
    let values = along_axis(graph, constant, rank, axis, length)?;
    (links.is_single(x) && same_shape).then(|| (producer.clone(), values))
}

/// A constant made anew; none if the source gives it a scale of its own, which would no longer be true.
fn rewritten(graph: &mut FloatGraph, id: ValueId, function: impl Fn(usize, f32) -> f32) -> Option<ValueId> {
    if graph.value(id).own_scale.is_some() {
        return None;
    }
    let tensor: Arc<Tensor> = graph.constant(id)?.clone();
    let values = tensor.as_floats()?.iter().enumerate().map(|(index, &value)| function(index, value)).collect();
    let name = graph.value(id).name.clone();
    Some(graph.add_constant(name, Tensor::floats(&tensor.shape, values)))
}

/// Puts a node with other inputs in the place of its reader.
fn put(graph: &mut FloatGraph, index: usize, node: FloatNode, inputs: Vec<ValueId>) -> bool {
    let outputs = graph.nodes[index].outputs.clone();
    let name = graph.nodes[index].name.clone();
    replace(graph, index, vec![FloatNode { name, op: node.op, inputs, outputs }])
}

/// `Mul` behind a linear layer, a convolution or a norm: into weights and bias.
pub(super) fn factor(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    if graph.nodes[index].op != FloatOp::Mul {
        return false;
    }
    let Some((node, factors)) = before(graph, links, index) else { return false };
    if matches!(node.op, FloatOp::Embedding | FloatOp::Position) {
        return false;
    }
    let columns = factors.len();
    let inner = match node.op {
        FloatOp::Convolution { .. } => {
            graph.constant(node.inputs[1]).map_or(1, |tensor| tensor.elements() / columns.max(1))
        }
        _ => 1,
    };
    let mut inputs = node.inputs.clone();
    for (position, input) in inputs.iter_mut().enumerate().skip(1) {
        let width = if position == 1 { inner.max(1) } else { 1 };
        let Some(id) = rewritten(graph, *input, |at, value| value * factors[at / width % columns]) else {
            return false;
        };
        *input = id;
    }
    put(graph, index, node, inputs)
}

/// `Add` behind a linear layer, a convolution or a layer norm: into the bias.
pub(super) fn addend(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    if graph.nodes[index].op != FloatOp::Add {
        return false;
    }
    let Some((node, addends)) = before(graph, links, index) else { return false };
    if !matches!(node.op, FloatOp::Linear | FloatOp::Convolution { .. } | FloatOp::LayerNorm { .. }) {
        return false;
    }
    let mut inputs = node.inputs.clone();
    let id = match inputs.get(2) {
        Some(&bias) => match rewritten(graph, bias, |at, value| value + addends[at]) {
            Some(id) => id,
            None => return false,
        },
        None => {
            let name = graph.value(graph.nodes[index].inputs[1]).name.clone();
            graph.add_constant(name, Tensor::floats(&[addends.len()], addends))
        }
    };
    inputs.truncate(2);
    inputs.push(id);
    put(graph, index, node, inputs)
}

/// What is done to each row that is looked up is done to the table.
pub(super) fn into_table(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let x = match node.inputs.first() {
        Some(&x) if links.is_single(x) => x,
        _ => return false,
    };
    let Some(source) = links.producer(graph, x).cloned() else { return false };
    let position = match source.op {
        FloatOp::Embedding => 1,
        FloatOp::Position => 0,
        _ => return false,
    };
    let table = source.inputs[position];
    let changed = match node.op {
        FloatOp::Activation(activation) => rewritten(graph, table, |_, value| activation.apply(value)),
        FloatOp::Add | FloatOp::Mul => {
            let adds = node.op == FloatOp::Add;
            let uniform = with_uniform(graph, node).map(|(_, value)| value);
            let values = match (before(graph, links, index), uniform) {
                (Some((_, values)), _) => values,
                (None, Some(value)) => vec![value],
                (None, None) => return false,
            };
            let at = |index: usize| values[index % values.len()];
            rewritten(graph, table, |index, value| if adds { value + at(index) } else { value * at(index) })
        }
        _ => return false,
    };
    let Some(changed) = changed else { return false };
    let mut inputs = source.inputs.clone();
    inputs[position] = changed;
    put(graph, index, source, inputs)
}
