//! Finding attention in a float graph.

use crate::float::{Extent, FloatGraph, FloatOp, ValueId};

/// Softmax attention: everything from the projected queries, keys and values to the joined heads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttentionGroup {
    /// `[batch, tokens, heads * width]`
    pub query: ValueId,
    /// `[batch, keys, heads * width]`
    pub key: ValueId,
    /// `[batch, keys, heads * width]`
    pub values: ValueId,
    /// `[batch, keys]`, 0 for what is masked out.
    pub mask: Option<ValueId>,
    /// How many heads.
    pub heads: u32,
    /// What scores are multiplied with.
    pub scale: f32,
    /// The scores before the softmax, for their range.
    pub scores: ValueId,
    /// `[batch, tokens, heads * width]`
    pub output: ValueId,
    /// Nodes that the group stands for, ascending; the last one computes the output.
    pub nodes: Vec<usize>,
}

/// What a graph's values are made by and read by.
pub(crate) struct Wiring {
    /// The node that computes each value.
    pub producer: Vec<Option<usize>>,
    /// The nodes that read each value; an output of the graph counts as a reader without node.
    pub readers: Vec<Vec<Option<usize>>>,
}

impl Wiring {
    /// Of a graph.
    pub(crate) fn of(graph: &FloatGraph) -> Self {
        let mut readers = vec![Vec::new(); graph.values.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                readers[input.index()].push(Some(index));
            }
        }
        for output in &graph.outputs {
            readers[output.index()].push(None);
        }
        Self { producer: graph.producers(), readers }
    }

    /// The only node that reads a value; none if there are more, or if it is an output.
    pub(crate) fn only_reader(&self, value: ValueId) -> Option<usize> {
        match self.readers[value.index()][..] {
            [reader] => reader,
            _ => None,
        }
    }
}

/// The attention around a softmax node, if it has the form that is known.
pub(crate) fn find(graph: &FloatGraph, wiring: &Wiring, softmax: usize) -> Option<AttentionGroup> {
    let node = &graph.nodes[softmax];
    let FloatOp::Softmax { axis: 3, mask_axes } = &node.op else { return None };
    let mask = match mask_axes {
        None => None,
        Some(axes) if axes[..] == [0, 3] => Some(*node.inputs.get(1)?),
        Some(_) => return None,
    };
    let scores = node.inputs[0];
    let scoring = wiring.producer[scores.index()]?;
    wiring.only_reader(scores)?;
    let FloatOp::MatMul { transpose_a: false, transpose_b, scale } = graph.nodes[scoring].op else { return None };
    let weights = node.outputs[0];
    let mixing = wiring.only_reader(weights)?;
    let FloatOp::MatMul { transpose_a: false, transpose_b: mixed_transposed, scale: mixed_scale } =
        graph.nodes[mixing].op
    else {
        return None;
    };
    if graph.nodes[mixing].inputs[0] != weights || mixed_scale != 1.0 {
        return None;
    }
    let [first, second] = graph.nodes[scoring].inputs[..] else { return None };
    let by_head = [0, 2, 1, 3];
    let columns = [0, 2, 3, 1];
    let mut nodes = vec![scoring, softmax, mixing];
    let (query, heads) = split(graph, wiring, first, by_head, &mut nodes).filter(|(_, heads)| *heads > 1)?;
    let (key, _) = split(graph, wiring, second, if transpose_b { by_head } else { columns }, &mut nodes)?;
    let mixed = graph.nodes[mixing].inputs[1];
    let (values, _) = split(graph, wiring, mixed, if mixed_transposed { columns } else { by_head }, &mut nodes)?;

    let transposing = wiring.only_reader(graph.nodes[mixing].outputs[0])?;
    let FloatOp::Transpose { permutation } = &graph.nodes[transposing].op else { return None };
    if permutation[..] != by_head {
        return None;
    }
    let joining = wiring.only_reader(graph.nodes[transposing].outputs[0])?;
    let output = *graph.nodes[joining].outputs.first()?;
    if graph.nodes[joining].op != FloatOp::Reshape || graph.value(output).shape != graph.value(query).shape {
        return None;
    }
    nodes.extend([transposing, joining]);
    nodes.sort_unstable();
    nodes.dedup();
    Some(AttentionGroup { query, key, values, mask, heads, scale, scores, output, nodes })
}

/// From a value split into heads back to the `[batch, tokens, heads * width]` that it came from.
fn split(
    graph: &FloatGraph,
    wiring: &Wiring,
    value: ValueId,
    order: [usize; 4],
    nodes: &mut Vec<usize>,
) -> Option<(ValueId, u32)> {
    let transposing = wiring.producer[value.index()]?;
    let FloatOp::Transpose { permutation } = &graph.nodes[transposing].op else { return None };
    if permutation[..] != order {
        return None;
    }
    let parted = graph.nodes[transposing].inputs[0];
    let parting = wiring.producer[parted.index()]?;
    if graph.nodes[parting].op != FloatOp::Reshape {
        return None;
    }
    let whole = graph.nodes[parting].inputs[0];
    let (
        [batch, tokens, Extent::Known(heads), Extent::Known(width)],
        [whole_batch, whole_tokens, Extent::Known(channels)],
    ) = (&graph.value(parted).shape[..], &graph.value(whole).shape[..])
    else {
        return None;
    };
    if batch != whole_batch || tokens != whole_tokens || heads * width != *channels {
        return None;
    }
    wiring.only_reader(value)?;
    wiring.only_reader(parted)?;
    nodes.extend([parting, transposing]);
    Some((whole, *heads))
}
