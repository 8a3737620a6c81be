//! Movements of elements: merged, moved out of the way, or absorbed by who reads them.

use super::links::{Links, become_op, essential, replace};
use crate::float::{Extent, FloatGraph, FloatNode, FloatOp, ValueId, Window};

/// What broadcasts by itself reads what was broadcast for it.
pub(super) fn absorb_broadcast(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let broadcasting = matches!(
        node.op,
        FloatOp::Add
            | FloatOp::Sub
            | FloatOp::Mul
            | FloatOp::Div
            | FloatOp::Min
            | FloatOp::Max
            | FloatOp::Where
            | FloatOp::Compare(_)
    );
    if !broadcasting {
        return false;
    }
    let shape = graph.value(node.outputs[0]).shape.clone();
    for position in 0..node.inputs.len() {
        let Some(FloatNode { op: FloatOp::Broadcast, inputs: source, .. }) =
            links.producer(graph, node.inputs[position])
        else {
            continue;
        };
        // the other operands must give the result its shape without it
        let mut inputs = node.inputs.clone();
        inputs[position] = source[0];
        let reached = inputs.iter().try_fold(Vec::new(), |reached, &id| together(&reached, &graph.value(id).shape));
        if reached.as_ref() == Some(&shape) {
            graph.nodes[index].inputs = inputs;
            return true;
        }
    }
    false
}

fn together(a: &[Extent], b: &[Extent]) -> Option<Vec<Extent>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[Extent], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(Extent::Known(1), |own| shape[own])
    };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y => Some(x),
            (Extent::Known(1), other) | (other, Extent::Known(1)) => Some(other),
            _ => None,
        })
        .collect()
}

/// Two reshapings are one, two transpositions are one; what drops axes of length 1 goes before a transposition.
pub(super) fn merge_movements(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Some(&x) = node.inputs.first() else { return false };
    match (&node.op, links.producer(graph, x)) {
        (FloatOp::Reshape, Some(FloatNode { op: FloatOp::Reshape, inputs, .. })) => {
            let source = inputs[0];
            become_op(graph, index, FloatOp::Reshape, vec![source])
        }
        (
            FloatOp::Transpose { permutation },
            Some(FloatNode { op: FloatOp::Transpose { permutation: first }, inputs, .. }),
        ) => {
            let permutation = permutation.iter().map(|&axis| first[axis]).collect();
            let source = inputs[0];
            become_op(graph, index, FloatOp::Transpose { permutation }, vec![source])
        }
        (FloatOp::Transpose { permutation }, _) => {
            // moving axes of length 1 moves no element
            let shape = &graph.value(x).shape;
            let order: Vec<usize> =
                permutation.iter().copied().filter(|&axis| shape[axis] != Extent::Known(1)).collect();
            order.is_sorted() && become_op(graph, index, FloatOp::Reshape, vec![x])
        }
        (FloatOp::Reshape, Some(FloatNode { op: FloatOp::Transpose { permutation }, inputs, .. })) => {
            let (permutation, source) = (permutation.clone(), inputs[0]);
            drop_before_transpose(graph, index, x, &permutation, source)
        }
        _ => false,
    }
}

/// `Reshape(Transpose(source))`, where the reshaping only drops axes of length 1.
fn drop_before_transpose(
    graph: &mut FloatGraph,
    index: usize,
    x: ValueId,
    permutation: &[usize],
    source: ValueId,
) -> bool {
    let out = graph.nodes[index].outputs[0];
    let (middle, target) = (graph.value(x).shape.clone(), graph.value(out).shape.clone());
    let mut kept = Vec::new();
    for (axis, extent) in middle.iter().enumerate() {
        if kept.len() < target.len() && target[kept.len()] == *extent {
            kept.push(axis);
        } else if *extent != Extent::Known(1) {
            return false;
        }
    }
    if kept.len() != target.len() || kept.len() == middle.len() {
        return false;
    }
    let mut sources: Vec<usize> = kept.iter().map(|&axis| permutation[axis]).collect();
    let order = sources.clone();
    sources.sort_unstable();
    let shape: Vec<Extent> = sources.iter().map(|&axis| graph.value(source).shape[axis]).collect();
    let permutation = order.iter().filter_map(|axis| sources.iter().position(|other| other == axis)).collect();
    let (name, label) = (graph.nodes[index].name.clone(), graph.value(source).name.clone());
    let element_type = graph.value(source).element_type;
    let dropped = graph.add_computed(format!("{label}~dropped"), &shape, element_type);
    let nodes = vec![
        FloatNode { name: name.clone(), op: FloatOp::Reshape, inputs: vec![source], outputs: vec![dropped] },
        FloatNode { name, op: FloatOp::Transpose { permutation }, inputs: vec![dropped], outputs: vec![out] },
    ];
    replace(graph, index, nodes)
}

/// A reduction that drops its axes, which are then put back, keeps them.
pub(super) fn keep_reduced_axes(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    if node.op != FloatOp::Reshape {
        return false;
    }
    let Some(FloatNode { op: FloatOp::Reduce { kind, axes, keep_axes: false, mask_axes }, inputs, .. }) =
        links.producer(graph, node.inputs[0])
    else {
        return false;
    };
    let mut shape = graph.value(inputs[0]).shape.clone();
    for &axis in axes {
        shape[axis] = Extent::Known(1);
    }
    if graph.value(node.outputs[0]).shape != shape {
        return false;
    }
    let op = FloatOp::Reduce { kind: *kind, axes: axes.clone(), keep_axes: true, mask_axes: mask_axes.clone() };
    let inputs = inputs.clone();
    become_op(graph, index, op, inputs)
}

/// A convolution or pool over two axes, one of which has length 1 and is not widened, is one over the other.
pub(super) fn flat_convolution(graph: &mut FloatGraph, _links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let window = match &node.op {
        FloatOp::Convolution { window, .. } | FloatOp::Pool { window, .. } => window.clone(),
        _ => return false,
    };
    let x = node.inputs[0];
    let shape = graph.value(x).shape.clone();
    if shape.len() != 4 {
        return false;
    }
    let flat = |axis: usize| {
        shape[axis + 2] == Extent::Known(1)
            && window.kernel[axis] == 1
            && window.strides[axis] == 1
            && window.padding_before[axis] == 0
            && window.padding_after[axis] == 0
    };
    let Some(gone) = (0..2).find(|&axis| flat(axis)) else { return false };
    let pick = |values: &[u32]| vec![values[1 - gone]];
    let window = Window {
        kernel: pick(&window.kernel),
        strides: pick(&window.strides),
        dilations: pick(&window.dilations),
        padding_before: pick(&window.padding_before),
        padding_after: pick(&window.padding_after),
    };
    let without = |shape: &[Extent]| {
        let mut shape = shape.to_vec();
        shape.remove(gone + 2);
        shape
    };
    let (name, out) = (node.name.clone(), node.outputs[0]);
    let mut inputs = node.inputs.clone();
    let op = match &node.op {
        FloatOp::Convolution { groups, .. } => {
            let weight = inputs[1];
            let Some(tensor) = graph.constant(weight).cloned() else { return false };
            let mut lengths = tensor.shape.clone();
            lengths.remove(gone + 2);
            let own_scale = graph.value(weight).own_scale.clone();
            let op = FloatOp::Convolution { window, groups: *groups };
            let label = graph.value(weight).name.clone();
            inputs[1] = graph.add_constant(label, (*tensor).clone().reshaped(&lengths));
            graph.values[inputs[1].index()].own_scale = own_scale;
            op
        }
        FloatOp::Pool { kind, .. } => FloatOp::Pool { kind: *kind, window },
        _ => return false,
    };
    let (element_type, label) = (graph.value(x).element_type, graph.value(x).name.clone());
    let flat_input = graph.add_computed(format!("{label}~flat"), &without(&shape), element_type);
    let flat_shape = without(&graph.value(out).shape.clone());
    let flat_output = graph.add_computed(format!("{name}~flat"), &flat_shape, element_type);
    inputs[0] = flat_input;
    let nodes = vec![
        FloatNode { name: name.clone(), op: FloatOp::Reshape, inputs: vec![x], outputs: vec![flat_input] },
        FloatNode { name: name.clone(), op, inputs, outputs: vec![flat_output] },
        FloatNode { name, op: FloatOp::Reshape, inputs: vec![flat_output], outputs: vec![out] },
    ];
    replace(graph, index, nodes)
}

/// Whether a reshaping only adds or drops axes of length 1.
pub(super) fn is_bare(graph: &FloatGraph, node: &FloatNode) -> bool {
    node.op == FloatOp::Reshape
        && essential(&graph.value(node.inputs[0]).shape) == essential(&graph.value(node.outputs[0]).shape)
}
