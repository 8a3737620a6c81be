//! Values that are other values seen differently: transposed, or with axes of length 1 more or less.

use crate::float::{Extent, FloatGraph, FloatOp, ValueId};

/// A value as a computed (or given) value with its axes in another order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The value whose elements these are.
    pub root: ValueId,
    /// For each axis, the root's axis; none for an axis of length 1 that the root does not have.
    pub axes: Vec<Option<usize>>,
}

impl Seen {
    /// The axis that is the root's axis `root_axis`.
    pub(crate) fn axis_of(&self, root_axis: usize) -> Option<usize> {
        self.axes.iter().position(|axis| *axis == Some(root_axis))
    }
}

/// Every value as its root sees it; a value that is no view of another is its own root.
pub(crate) fn resolve(graph: &FloatGraph) -> Vec<Seen> {
    let mut seen: Vec<Seen> = (0..graph.values.len())
        .map(|index| Seen {
            root: ValueId(index as u32),
            axes: (0..graph.values[index].shape.len()).map(Some).collect(),
        })
        .collect();
    for node in &graph.nodes {
        let (Some(input), Some(output)) = (node.inputs.first(), node.outputs.first()) else { continue };
        if graph.constant(*input).is_some() {
            continue;
        }
        let Some(axes) = step(graph, &node.op, *input, *output) else { continue };
        let before = seen[input.index()].clone();
        let axes = axes.into_iter().map(|axis| axis.and_then(|axis| before.axes[axis])).collect();
        seen[output.index()] = Seen { root: before.root, axes };
    }
    seen
}

/// For each axis of the output, the input's axis; none if the node is no view.
fn step(graph: &FloatGraph, op: &FloatOp, input: ValueId, output: ValueId) -> Option<Vec<Option<usize>>> {
    match op {
        FloatOp::Transpose { permutation } => Some(permutation.iter().copied().map(Some).collect()),
        FloatOp::Cast => Some((0..graph.value(output).shape.len()).map(Some).collect()),
        FloatOp::Reshape => unit_axes(&graph.value(input).shape, &graph.value(output).shape),
        _ => None,
    }
}

/// If the shapes differ in axes of length 1 only: for each axis of `to`, the axis of `from`.
fn unit_axes(from: &[Extent], to: &[Extent]) -> Option<Vec<Option<usize>>> {
    let long =
        |shape: &[Extent]| -> Vec<usize> { (0..shape.len()).filter(|axis| shape[*axis] != Extent::Known(1)).collect() };
    let (long_from, long_to) = (long(from), long(to));
    let same = long_from.len() == long_to.len()
        && long_from.iter().zip(&long_to).all(|(from_axis, to_axis)| from[*from_axis] == to[*to_axis]);
    if !same {
        return None;
    }
    let mut axes = vec![None; to.len()];
    for (from_axis, to_axis) in long_from.into_iter().zip(long_to) {
        axes[to_axis] = Some(from_axis);
    }
    Some(axes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::{ElementType, FloatNode};

    #[test]
    fn transpositions_and_unit_axes_lead_to_the_root() {
        let mut graph = FloatGraph::default();
        let known = |lengths: &[u32]| lengths.iter().copied().map(Extent::Known).collect::<Vec<_>>();
        let a = graph.add_computed("a", &known(&[2, 3, 5]), ElementType::Float);
        let b = graph.add_computed("b", &known(&[2, 5, 3]), ElementType::Float);
        let c = graph.add_computed("c", &known(&[2, 5, 1, 3]), ElementType::Float);
        let d = graph.add_computed("d", &known(&[10, 3]), ElementType::Float);
        let mut node = |op, input, output| {
            graph.nodes.push(FloatNode { name: String::new(), op, inputs: vec![input], outputs: vec![output] });
        };
        node(FloatOp::Transpose { permutation: vec![0, 2, 1] }, a, b);
        node(FloatOp::Reshape, b, c);
        node(FloatOp::Reshape, c, d);
        let seen = resolve(&graph);
        assert_eq!(seen[c.index()], Seen { root: a, axes: vec![Some(0), Some(2), None, Some(1)] });
        assert_eq!(seen[c.index()].axis_of(2), Some(1));
        assert_eq!(seen[d.index()].root, d, "a reshape that merges axes is no view");
    }
}
