//! Activations that are written out: a part of the graph that is a function of one value, element by element, is compared
//! with the functions that have names.

use super::links::{Links, become_op, uniform};
use crate::float::{Activation, ElementType, FloatGraph, FloatOp, ValueId};

/// How many nodes such a part may have.
const MAXIMUM_NODES: usize = 16;

const NAMED: &[Activation] = &[
    Activation::GeluErf,
    Activation::GeluTanh,
    Activation::QuickGelu,
    Activation::Silu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::HardSwish,
    Activation::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
    Activation::Softplus,
    Activation::Mish,
    Activation::Relu,
    Activation::Clip { low: 0.0, high: 6.0 },
];

pub(super) fn activation(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Some(&out) = node.outputs.first() else { return false };
    if matches!(node.op, FloatOp::Activation(_)) && !is_product_of_parts(graph, links, index)
        || !elementwise(graph, index)
    {
        return false;
    }
    let shape = &graph.value(out).shape;
    let mut inside = vec![index];
    loop {
        // what the part reads from outside of it
        let mut outside: Vec<ValueId> = Vec::new();
        for &at in &inside {
            for &id in &graph.nodes[at].inputs {
                let own = links.place(id).is_some_and(|place| inside.contains(&place));
                if !own && uniform(graph, id).is_none() && !outside.contains(&id) {
                    outside.push(id);
                }
            }
        }
        if let ([x], true) = (&outside[..], inside.len() > 1) {
            let x = *x;
            if graph.value(x).shape == *shape && graph.value(x).element_type == ElementType::Float {
                let values = |input: f32| evaluate(graph, links, out, x, input);
                if let Some(found) = NAMED.iter().find(|named| agrees(**named, &values)) {
                    return become_op(graph, index, FloatOp::Activation(*found), vec![x]);
                }
            }
        }
        // the one that comes last cannot be what the others are functions of
        let next = outside.iter().filter_map(|&id| links.place(id)).filter(|&place| elementwise(graph, place)).max();
        match next {
            Some(place) if inside.len() < MAXIMUM_NODES => inside.push(place),
            _ => return false,
        }
    }
}

/// Whether an activation may be the last step of one that is written out, as in `1 / (1 + exp(-x))` or `log(1 + exp(x))`.
fn is_product_of_parts(graph: &FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    matches!(
        node.op,
        FloatOp::Activation(
            Activation::Reciprocal | Activation::Log | Activation::Clip { .. } | Activation::Power { .. }
        )
    ) && links.place(node.inputs[0]).is_some_and(|place| elementwise(graph, place))
}

fn elementwise(graph: &FloatGraph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let shape = |id: ValueId| &graph.value(id).shape;
    matches!(
        node.op,
        FloatOp::Activation(_)
            | FloatOp::Add
            | FloatOp::Sub
            | FloatOp::Mul
            | FloatOp::Div
            | FloatOp::Min
            | FloatOp::Max
    ) && graph.value(node.outputs[0]).element_type == ElementType::Float
        && node.inputs.iter().all(|&id| uniform(graph, id).is_some() || shape(id) == shape(node.outputs[0]))
}

/// The value of `id` where `x` is `input`.
fn evaluate(graph: &FloatGraph, links: &Links, id: ValueId, x: ValueId, input: f32) -> Option<f32> {
    if id == x {
        return Some(input);
    }
    if let Some(value) = uniform(graph, id) {
        return Some(value);
    }
    let node = links.producer(graph, id)?;
    let operand = |index: usize| evaluate(graph, links, *node.inputs.get(index)?, x, input);
    Some(match node.op {
        FloatOp::Activation(activation) => activation.apply(operand(0)?),
        FloatOp::Add => operand(0)? + operand(1)?,
        FloatOp::Sub => operand(0)? - operand(1)?,
        FloatOp::Mul => operand(0)? * operand(1)?,
        FloatOp::Div => operand(0)? / operand(1)?,
        FloatOp::Min => operand(0)?.min(operand(1)?),
        FloatOp::Max => operand(0)?.max(operand(1)?),
        _ => return None,
    })
}

fn agrees(named: Activation, values: &dyn Fn(f32) -> Option<f32>) -> bool {
    (-60..=60).map(|step| step as f32 * 0.15).all(|input| {
        values(input).is_some_and(|value| (value - named.apply(input)).abs() <= 2e-5 * (1.0 + input.abs()))
    })
}
