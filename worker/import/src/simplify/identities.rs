//! Nodes that change nothing, and one way to write what can be written in several.

use super::links::{Links, become_op, redirect, uniform, with_uniform};
use crate::float::{Activation, ElementType, FloatGraph, FloatOp};

/// Removes a node that gives its input.
pub(super) fn identity(graph: &mut FloatGraph, _links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let (Some(&x), Some(&out)) = (node.inputs.first(), node.outputs.first()) else { return false };
    let same_shape = graph.value(x).shape == graph.value(out).shape;
    let removed = match &node.op {
        FloatOp::Reshape | FloatOp::Broadcast => same_shape.then_some(x),
        FloatOp::Transpose { permutation } => permutation.iter().copied().eq(0..permutation.len()).then_some(x),
        FloatOp::Cast => (graph.value(x).element_type == graph.value(out).element_type).then_some(x),
        FloatOp::Slice { starts, steps } => {
            (same_shape && starts.iter().all(|&start| start == 0) && steps.iter().all(|&step| step == 1)).then_some(x)
        }
        FloatOp::Add => with_uniform(graph, node).filter(|&(_, value)| value == 0.0).map(|(x, _)| x),
        FloatOp::Mul => with_uniform(graph, node).filter(|&(_, value)| value == 1.0).map(|(x, _)| x),
        FloatOp::Max => with_uniform(graph, node).filter(|&(_, value)| value == f32::NEG_INFINITY).map(|(x, _)| x),
        FloatOp::Min => with_uniform(graph, node).filter(|&(_, value)| value == f32::INFINITY).map(|(x, _)| x),
        FloatOp::Activation(Activation::Power { exponent: 1.0 }) => Some(x),
        FloatOp::Activation(Activation::Clip { low: f32::NEG_INFINITY, high: f32::INFINITY }) => Some(x),
        _ => None,
    };
    removed.is_some_and(|x| redirect(graph, out, x))
}

/// Constants come second, squares are powers, bounds are clips, quotients by 1 are reciprocals.
pub(super) fn canonical(graph: &mut FloatGraph, _links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Some(&out) = node.outputs.first() else { return false };
    if graph.value(out).element_type != ElementType::Float {
        return false;
    }
    let inputs = node.inputs.clone();
    match (&node.op, &inputs[..]) {
        (FloatOp::Mul, [a, b]) if a == b => {
            let op = FloatOp::Activation(Activation::Power { exponent: 2.0 });
            become_op(graph, index, op, vec![*a])
        }
        (FloatOp::Add | FloatOp::Mul | FloatOp::Min | FloatOp::Max, [a, b])
            if graph.constant(*a).is_some() && graph.constant(*b).is_none() =>
        {
            graph.nodes[index].inputs = vec![*b, *a];
            true
        }
        (FloatOp::Max, [_, _]) => match with_uniform(graph, node) {
            Some((x, low)) => {
                become_op(graph, index, FloatOp::Activation(Activation::Clip { low, high: f32::INFINITY }), vec![x])
            }
            None => false,
        },
        (FloatOp::Min, [_, _]) => match with_uniform(graph, node) {
            Some((x, high)) => {
                become_op(graph, index, FloatOp::Activation(Activation::Clip { low: f32::NEG_INFINITY, high }), vec![x])
            }
            None => false,
        },
        (FloatOp::Div, [a, b])
            if uniform(graph, *a) == Some(1.0) && graph.value(*b).shape == graph.value(out).shape =>
        {
            become_op(graph, index, FloatOp::Activation(Activation::Reciprocal), vec![*b])
        }
        (FloatOp::Activation(Activation::Power { exponent: 0.5 }), [x]) => {
            become_op(graph, index, FloatOp::Activation(Activation::Sqrt), vec![*x])
        }
        (FloatOp::Activation(Activation::Power { exponent: -1.0 }), [x]) => {
            become_op(graph, index, FloatOp::Activation(Activation::Reciprocal), vec![*x])
        }
        _ => false,
    }
}
