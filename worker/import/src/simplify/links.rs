//! Who computes and who reads a value.

use crate::float::{Extent, FloatGraph, FloatNode, FloatOp, ValueId};

/// Longer rows than this get no numbers of their own that the file does not hold: a shape costs a file nothing.
pub(super) const MAXIMUM_ROW: usize = 1 << 20;

/// Of a graph as it is now; made anew after each rewriting.
pub(super) struct Links {
    producers: Vec<Option<usize>>,
    uses: Vec<u32>,
    live: Vec<bool>,
}

impl Links {
    pub(super) fn of(graph: &FloatGraph) -> Self {
        let producers = graph.producers();
        let mut uses = vec![0; graph.values.len()];
        let mut live = vec![false; graph.nodes.len()];
        for id in &graph.outputs {
            uses[id.index()] += 1;
        }
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            if node.outputs.iter().any(|id| uses[id.index()] > 0) {
                live[index] = true;
                for id in &node.inputs {
                    uses[id.index()] += 1;
                }
            }
        }
        Self { producers, uses, live }
    }

    /// Whether anything comes of a node.
    pub(super) fn is_live(&self, index: usize) -> bool {
        self.live.get(index).copied().unwrap_or(false)
    }

    /// The node that computes a value.
    pub(super) fn producer<'a>(&self, graph: &'a FloatGraph, id: ValueId) -> Option<&'a FloatNode> {
        self.producers[id.index()].map(|index| &graph.nodes[index])
    }

    /// The place of the node that computes a value.
    pub(super) fn place(&self, id: ValueId) -> Option<usize> {
        self.producers[id.index()]
    }

    /// Whether exactly one node, or output of the graph, reads a value.
    pub(super) fn is_single(&self, id: ValueId) -> bool {
        self.uses[id.index()] == 1
    }
}

/// The only element of a constant, or the element that all of its elements are.
pub(super) fn uniform(graph: &FloatGraph, id: ValueId) -> Option<f32> {
    let tensor = graph.constant(id)?;
    if let Some(value) = tensor.scalar() {
        return Some(value);
    }
    let (first, rest) = tensor.as_floats()?.split_first()?;
    rest.iter().all(|value| value == first).then_some(*first)
}

/// The other operand and the constant of a node with two operands, one of which is the same constant everywhere and does
/// not change the shape.
pub(super) fn with_uniform(graph: &FloatGraph, node: &FloatNode) -> Option<(ValueId, f32)> {
    let [a, b] = node.inputs[..] else { return None };
    let shape = &graph.value(node.outputs[0]).shape;
    match (uniform(graph, a), uniform(graph, b)) {
        (None, Some(value)) if graph.value(a).shape == *shape => Some((a, value)),
        (Some(value), None) if graph.value(b).shape == *shape => Some((b, value)),
        _ => None,
    }
}

/// The elements of a constant that differs along one axis (of a tensor of that many axes and that length) only.
pub(super) fn along_axis(graph: &FloatGraph, id: ValueId, rank: usize, axis: usize, length: usize) -> Option<Vec<f32>> {
    let tensor = graph.constant(id)?;
    let values = tensor.as_floats()?;
    if values.len() == 1 && tensor.shape.len() <= rank {
        if length > MAXIMUM_ROW {
            return None;
        }
        return Some(vec![values[0]; length]);
    }
    let missing = rank.checked_sub(tensor.shape.len())?;
    let fits = tensor.shape.iter().enumerate().all(|(at, &own)| own == if at + missing == axis { length } else { 1 });
    (fits && axis >= missing).then(|| values.to_vec())
}

/// A shape without its axes of length 1.
pub(super) fn essential(shape: &[Extent]) -> Vec<Extent> {
    shape.iter().copied().filter(|&extent| extent != Extent::Known(1)).collect()
}

/// The value before reshapings that only add or drop axes of length 1.
pub(super) fn unshaped(graph: &FloatGraph, links: &Links, mut id: ValueId) -> ValueId {
    while let Some(FloatNode { op: FloatOp::Reshape, inputs, .. }) = links.producer(graph, id) {
        if essential(&graph.value(inputs[0]).shape) != essential(&graph.value(id).shape) {
            break;
        }
        id = inputs[0];
    }
    id
}

/// Replaces the node of an index by others, the last of which gives its outputs.
pub(super) fn replace(graph: &mut FloatGraph, index: usize, nodes: Vec<FloatNode>) -> bool {
    graph.nodes.splice(index..=index, nodes);
    true
}

/// Replaces a node's operation and inputs.
pub(super) fn become_op(graph: &mut FloatGraph, index: usize, op: FloatOp, inputs: Vec<ValueId>) -> bool {
    let node = &mut graph.nodes[index];
    node.op = op;
    node.inputs = inputs;
    true
}

/// Lets everybody who reads `old` read `new`.
pub(super) fn redirect(graph: &mut FloatGraph, old: ValueId, new: ValueId) -> bool {
    for node in &mut graph.nodes {
        for input in &mut node.inputs {
            if *input == old {
                *input = new;
            }
        }
    }
    for output in &mut graph.outputs {
        if *output == old {
            *output = new;
        }
    }
    true
}
