//! Softmax that is written out, masks, and products of computed matrices.

use super::layout::is_bare;
use super::links::{Links, become_op, replace, unshaped, with_uniform};
use crate::float::{
    Activation, Comparison, ElementType, Extent, FloatGraph, FloatNode, FloatOp, ReduceKind, Tensor, ValueId,
};

/// What is added to a score so that it does not count is at most this.
const MASKED: f32 = -1000.0;

/// `exp(x - max(x)) / sum(exp(x - max(x)))`, with or without the maximum.
pub(super) fn softmax(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let (numerator, divisor) = match (&node.op, &node.inputs[..]) {
        (FloatOp::Div, [a, b]) => (*a, *b),
        (FloatOp::Mul, [a, b]) => {
            let reciprocal = |id: ValueId| match links.producer(graph, id) {
                Some(FloatNode { op: FloatOp::Activation(Activation::Reciprocal), inputs, .. }) => Some(inputs[0]),
                _ => None,
            };
            match (reciprocal(*b), reciprocal(*a)) {
                (Some(divisor), _) => (*a, divisor),
                (None, Some(divisor)) => (*b, divisor),
                (None, None) => return false,
            }
        }
        _ => return false,
    };
    let Some((summed, axis)) = reduced(graph, links, divisor, ReduceKind::Sum) else { return false };
    let Some(FloatNode { op: FloatOp::Activation(Activation::Exp), inputs, .. }) = links.producer(graph, numerator)
    else {
        return false;
    };
    if summed != numerator || !keeps(graph, divisor, numerator, axis) {
        return false;
    }
    let exponent = inputs[0];
    let mut x = exponent;
    if let Some(FloatNode { op: FloatOp::Sub, inputs, .. }) = links.producer(graph, exponent)
        && reduced(graph, links, inputs[1], ReduceKind::Max) == Some((inputs[0], axis))
        && keeps(graph, inputs[1], inputs[0], axis)
    {
        x = inputs[0];
    }
    become_op(graph, index, FloatOp::Softmax { axis, mask_axes: None }, vec![x])
}

/// The value and the one axis that a value is a reduction over.
fn reduced(graph: &FloatGraph, links: &Links, id: ValueId, wanted: ReduceKind) -> Option<(ValueId, usize)> {
    let node = links.producer(graph, unshaped(graph, links, id))?;
    match &node.op {
        FloatOp::Reduce { kind, axes, mask_axes: None, .. } if *kind == wanted && axes.len() == 1 => {
            Some((node.inputs[0], axes[0]))
        }
        _ => None,
    }
}

fn keeps(graph: &FloatGraph, id: ValueId, x: ValueId, axis: usize) -> bool {
    let mut shape = graph.value(x).shape.clone();
    shape[axis] = Extent::Known(1);
    graph.value(id).shape == shape
}

/// A value that is a function of a mask, element by element.
struct Masked {
    /// The mask: integers or booleans.
    source: ValueId,
    /// For each axis of the mask, the axis of the value.
    axes: Vec<usize>,
    /// The value where the mask is 0.
    at_zero: f32,
    /// The value where the mask is 1.
    at_one: f32,
}

/// Follows a value back to the mask that it is computed from.
fn trace(graph: &FloatGraph, links: &Links, id: ValueId, depth: usize) -> Option<Masked> {
    let value = graph.value(id);
    let leaf = || {
        let is_mask = value.element_type != ElementType::Float && graph.constant(id).is_none();
        is_mask.then(|| Masked { source: id, axes: (0..value.shape.len()).collect(), at_zero: 0.0, at_one: 1.0 })
    };
    let (Some(node), true) = (links.producer(graph, id), depth > 0) else { return leaf() };
    let follow = |input: ValueId| trace(graph, links, input, depth - 1);
    let constant = |input: ValueId| graph.constant(input).and_then(|tensor| tensor.scalar());
    match (&node.op, &node.inputs[..]) {
        (FloatOp::Cast, [x]) => follow(*x),
        (FloatOp::Activation(activation), [x]) => {
            let inner = follow(*x)?;
            Some(Masked { at_zero: activation.apply(inner.at_zero), at_one: activation.apply(inner.at_one), ..inner })
        }
        (FloatOp::Reshape, [x]) if is_bare(graph, node) => {
            let inner = follow(*x)?;
            let moved = bare_axes(&graph.value(*x).shape, &value.shape)?;
            let axes = inner.axes.iter().map(|&axis| moved[axis]).collect::<Option<Vec<usize>>>()?;
            Some(Masked { axes, ..inner })
        }
        (FloatOp::Broadcast, [x]) => shifted(graph, follow(*x)?, *x, id),
        (FloatOp::Where, [condition, a, b]) => {
            let chosen = follow(*condition)?;
            let pick = |flag: f32| {
                let branch = if flag != 0.0 { *a } else { *b };
                constant(branch)
            };
            let (at_zero, at_one) = (pick(chosen.at_zero)?, pick(chosen.at_one)?);
            shifted(graph, Masked { at_zero, at_one, ..chosen }, *condition, id)
        }
        (op, [a, b]) => {
            let (inner, from, constant, first) = match (constant(*a), constant(*b)) {
                (None, Some(value)) => (follow(*a)?, *a, value, true),
                (Some(value), None) => (follow(*b)?, *b, value, false),
                _ => return leaf(),
            };
            let apply = |x: f32| {
                let (x, y) = if first { (x, constant) } else { (constant, x) };
                Some(match op {
                    FloatOp::Add => x + y,
                    FloatOp::Sub => x - y,
                    FloatOp::Mul => x * y,
                    FloatOp::Div => x / y,
                    FloatOp::Min => x.min(y),
                    FloatOp::Max => x.max(y),
                    FloatOp::Compare(comparison) => f32::from(u8::from(match comparison {
                        Comparison::Equal => x == y,
                        Comparison::Less => x < y,
                        Comparison::LessOrEqual => x <= y,
                        Comparison::Greater => x > y,
                        Comparison::GreaterOrEqual => x >= y,
                    })),
                    _ => return None,
                })
            };
            let (at_zero, at_one) = (apply(inner.at_zero)?, apply(inner.at_one)?);
            shifted(graph, Masked { at_zero, at_one, ..inner }, from, id)
        }
        _ => leaf(),
    }
}

/// Axes of a value of lower rank, broadcast from the right.
fn shifted(graph: &FloatGraph, inner: Masked, from: ValueId, to: ValueId) -> Option<Masked> {
    let more = graph.value(to).shape.len().checked_sub(graph.value(from).shape.len())?;
    Some(Masked { axes: inner.axes.iter().map(|axis| axis + more).collect(), ..inner })
}

/// Where each axis of a shape stands in another that has other axes of length 1.
fn bare_axes(from: &[Extent], to: &[Extent]) -> Option<Vec<Option<usize>>> {
    let mut next = 0;
    let mut places = Vec::new();
    for extent in from {
        if *extent == Extent::Known(1) {
            places.push(None);
            continue;
        }
        let place = (next..to.len()).find(|&axis| to[axis] == *extent)?;
        places.push(Some(place));
        next = place + 1;
    }
    Some(places)
}

/// The mask itself where it says what counts; otherwise a comparison that does.
fn counting(
    graph: &mut FloatGraph,
    name: &str,
    masked: &Masked,
    nodes: &mut Vec<FloatNode>,
    inverted: bool,
) -> ValueId {
    if !inverted {
        return masked.source;
    }
    let shape = graph.value(masked.source).shape.clone();
    let zero = graph.add_constant(format!("{name}~zero"), Tensor::integers(&[], vec![0]));
    let mask = graph.add_computed(format!("{name}~mask"), &shape, ElementType::Boolean);
    nodes.push(FloatNode {
        name: name.to_owned(),
        op: FloatOp::Compare(Comparison::Equal),
        inputs: vec![masked.source, zero],
        outputs: vec![mask],
    });
    mask
}

/// A softmax of scores to which a mask was added, or among which it chose.
pub(super) fn mask(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let FloatOp::Softmax { axis, mask_axes: None } = node.op else { return false };
    let Some(source) = links.producer(graph, node.inputs[0]) else { return false };
    let found = match (&source.op, &source.inputs[..]) {
        (FloatOp::Add, [a, b]) => [(*a, *b), (*b, *a)].into_iter().find_map(|(scores, bias)| {
            let masked = shifted(graph, trace(graph, links, bias, 12)?, bias, source.outputs[0])?;
            match (masked.at_zero, masked.at_one) {
                (low, kept) if low <= MASKED && kept.abs() < 1e-6 => Some((scores, masked, false)),
                (kept, low) if low <= MASKED && kept.abs() < 1e-6 => Some((scores, masked, true)),
                _ => None,
            }
        }),
        (FloatOp::Where, [condition, a, b]) => {
            let low = |id: ValueId| super::links::uniform(graph, id).is_some_and(|value| value <= MASKED);
            let scores = match (low(*a), low(*b)) {
                (false, true) => Some((*a, false)),
                (true, false) => Some((*b, true)),
                _ => None,
            };
            scores.and_then(|(scores, when_set)| {
                let masked = shifted(graph, trace(graph, links, *condition, 12)?, *condition, source.outputs[0])?;
                let set_at_one = masked.at_one != 0.0;
                (set_at_one != (masked.at_zero != 0.0)).then_some(())?;
                Some((scores, masked, set_at_one == when_set))
            })
        }
        _ => None,
    };
    let Some((scores, masked, inverted)) = found else { return false };
    if graph.value(scores).shape != graph.value(node.outputs[0]).shape {
        return false;
    }
    let (name, out) = (node.name.clone(), node.outputs[0]);
    let mut nodes = Vec::new();
    let mask = counting(graph, &name, &masked, &mut nodes, inverted);
    let op = FloatOp::Softmax { axis, mask_axes: Some(masked.axes) };
    nodes.push(FloatNode { name, op, inputs: vec![scores, mask], outputs: vec![out] });
    replace(graph, index, nodes)
}

/// A sum of what a mask multiplies, and that divided by the sum of the mask.
pub(super) fn masked_reduction(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let masked_sum = |id: ValueId| -> Option<(ValueId, Masked, Vec<usize>, bool)> {
        let sum = links.producer(graph, id)?;
        let FloatOp::Reduce { kind: ReduceKind::Sum, axes, keep_axes, mask_axes: None } = &sum.op else { return None };
        let product = links.producer(graph, sum.inputs[0])?;
        let (FloatOp::Mul, [a, b]) = (&product.op, &product.inputs[..]) else { return None };
        [(*a, *b), (*b, *a)].into_iter().find_map(|(x, factor)| {
            let masked = shifted(graph, trace(graph, links, factor, 12)?, factor, product.outputs[0])?;
            let fits = (masked.at_zero, masked.at_one) == (0.0, 1.0)
                && graph.value(x).shape == graph.value(product.outputs[0]).shape
                && graph.value(x).element_type == ElementType::Float;
            fits.then(|| (x, masked, axes.clone(), *keep_axes))
        })
    };
    let (name, out) = (node.name.clone(), node.outputs[0]);
    let (kind, (x, masked, axes, keep_axes)) = match (&node.op, &node.inputs[..]) {
        (FloatOp::Div, [sum, count]) => {
            let Some(found) = masked_sum(*sum) else { return false };
            if !counts(graph, links, *count, &found.1, &found.2) {
                return false;
            }
            (ReduceKind::Mean, found)
        }
        _ => return false,
    };
    let op = FloatOp::Reduce { kind, axes, keep_axes, mask_axes: Some(masked.axes) };
    replace(graph, index, vec![FloatNode { name, op, inputs: vec![x, masked.source], outputs: vec![out] }])
}

/// Whether a value is the number of elements that a mask counts along axes (or a little number where that is 0).
fn counts(graph: &FloatGraph, links: &Links, id: ValueId, mask: &Masked, axes: &[usize]) -> bool {
    let mut id = unshaped(graph, links, id);
    if let Some(FloatNode { op: FloatOp::Activation(Activation::Clip { low, .. }), inputs, .. }) =
        links.producer(graph, id)
    {
        if *low > 1.0 {
            return false;
        }
        id = unshaped(graph, links, inputs[0]);
    }
    let Some(sum) = links.producer(graph, id) else { return false };
    let FloatOp::Reduce { kind: ReduceKind::Sum, axes: summed, .. } = &sum.op else { return false };
    let Some(masked) = trace(graph, links, sum.inputs[0], 12) else { return false };
    summed == axes
        && masked.source == mask.source
        && (masked.at_zero, masked.at_one) == (0.0, 1.0)
        && masked.axes == mask.axes
}

/// Transpositions of the last two axes and factors go into the product; movements of scaled values move before scaling.
pub(super) fn matmul(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    match &node.op {
        FloatOp::MatMul { transpose_a, transpose_b, scale } => {
            let (flags, scale, inputs) = ([*transpose_a, *transpose_b], *scale, node.inputs.clone());
            (0..2).any(|side| matmul_operand(graph, links, index, side, flags, scale, &inputs))
        }
        FloatOp::Mul => {
            let Some((x, factor)) = with_uniform(graph, node) else { return false };
            let Some(FloatNode { op: FloatOp::MatMul { transpose_a, transpose_b, scale }, inputs, .. }) =
                links.producer(graph, x)
            else {
                return false;
            };
            let op = FloatOp::MatMul { transpose_a: *transpose_a, transpose_b: *transpose_b, scale: scale * factor };
            let inputs = inputs.clone();
            links.is_single(x) && become_op(graph, index, op, inputs)
        }
        FloatOp::Transpose { .. } | FloatOp::Reshape => {
            let x = node.inputs[0];
            let Some(scaled) = links.producer(graph, x) else { return false };
            let Some((inner, _)) =
                with_uniform(graph, scaled).filter(|_| scaled.op == FloatOp::Mul && links.is_single(x))
            else {
                return false;
            };
            let (name, out, op) = (node.name.clone(), node.outputs[0], node.op.clone());
            let factor = scaled.inputs.iter().copied().find(|&id| id != inner);
            let Some(factor) = factor.and_then(|id| super::links::uniform(graph, id)) else { return false };
            let shape = graph.value(out).shape.clone();
            let moved = graph.add_computed(format!("{name}~moved"), &shape, ElementType::Float);
            let factor = graph.add_constant(format!("{name}~factor"), Tensor::floats(&[], vec![factor]));
            let nodes = vec![
                FloatNode { name: name.clone(), op, inputs: vec![inner], outputs: vec![moved] },
                FloatNode { name, op: FloatOp::Mul, inputs: vec![moved, factor], outputs: vec![out] },
            ];
            replace(graph, index, nodes)
        }
        _ => false,
    }
}

fn matmul_operand(
    graph: &mut FloatGraph,
    links: &Links,
    index: usize,
    side: usize,
    mut flags: [bool; 2],
    scale: f32,
    inputs: &[ValueId],
) -> bool {
    let Some(source) = links.producer(graph, inputs[side]) else { return false };
    let mut inputs = inputs.to_vec();
    match &source.op {
        FloatOp::Transpose { permutation } => {
            // the axis that was last in memory becomes the last again
            let rank = permutation.len();
            if rank < 2 || permutation[rank - 2] != rank - 1 {
                return false;
            }
            let mut permutation = permutation.clone();
            permutation.swap(rank - 2, rank - 1);
            let inner = source.inputs[0];
            let shape: Vec<Extent> = permutation.iter().map(|&axis| graph.value(inner).shape[axis]).collect();
            let (name, outputs) = (graph.nodes[index].name.clone(), graph.nodes[index].outputs.clone());
            let label = source.name.clone();
            let turned = graph.add_computed(format!("{name}~turned"), &shape, ElementType::Float);
            flags[side] = !flags[side];
            inputs[side] = turned;
            let op = FloatOp::MatMul { transpose_a: flags[0], transpose_b: flags[1], scale };
            let transpose = FloatOp::Transpose { permutation };
            let nodes = vec![
                FloatNode { name: label, op: transpose, inputs: vec![inner], outputs: vec![turned] },
                FloatNode { name, op, inputs, outputs },
            ];
            replace(graph, index, nodes)
        }
        FloatOp::Mul => {
            let Some((inner, factor)) = with_uniform(graph, source) else { return false };
            inputs[side] = inner;
            let op = FloatOp::MatMul { transpose_a: flags[0], transpose_b: flags[1], scale: scale * factor };
            become_op(graph, index, op, inputs)
        }
        _ => false,
    }
}
