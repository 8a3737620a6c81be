//! Simplification: what exporters wrote out with many small operators becomes the few that a float graph has.
//!
//! Each pass looks at one node at a time and replaces it, in place, by nodes that compute the same value. Passes are
//! repeated until none finds anything.

mod attention;
mod fold;
mod identities;
mod layout;
mod links;
mod lookup;
mod norms;
mod univariate;

use crate::error::ImportError;
use crate::float::{FloatGraph, FloatNode, FloatOp, ValueId, ValueKind};
use links::Links;

/// Looks at the node of an index, rewrites it, and says whether it did.
type Pass = fn(&mut FloatGraph, &Links, usize) -> bool;

const PASSES: &[Pass] = &[
    identities::identity,
    identities::canonical,
    layout::absorb_broadcast,
    layout::merge_movements,
    layout::keep_reduced_axes,
    layout::flat_convolution,
    lookup::one_hot,
    lookup::position,
    lookup::constant_row,
    univariate::activation,
    norms::mean,
    norms::layer_norm,
    norms::rms_norm,
    norms::l2_normalise,
    attention::softmax,
    attention::mask,
    attention::masked_reduction,
    attention::matmul,
    fold::factor,
    fold::addend,
    fold::into_table,
];

/// Rewrites a graph until nothing is left to do, and refuses what is not supported.
pub(crate) fn simplify(graph: &mut FloatGraph) -> Result<(), ImportError> {
    // every rewriting brings a graph nearer to its form; the bound is only there for a pair of passes that undo each other
    let mut rewritings = 64 * graph.nodes.len() + 4096;
    loop {
        let mut changed = false;
        for pass in PASSES {
            let mut links = Links::of(graph);
            let mut index = 0;
            while index < graph.nodes.len() && rewritings > 0 {
                if links.is_live(index) && pass(graph, &links, index) {
                    links = Links::of(graph);
                    changed = true;
                    rewritings -= 1;
                } else {
                    index += 1;
                }
            }
        }
        prune(graph);
        if !changed || rewritings == 0 {
            break;
        }
    }
    compact(graph);
    check(graph)
}

/// Makes the input of a final softmax over an output the output: the same order of classes, and finer once quantised.
pub(crate) fn drop_final_softmax(graph: &mut FloatGraph) {
    let producers = graph.producers();
    for index in 0..graph.outputs.len() {
        let producer = producers[graph.outputs[index].index()];
        if let Some(FloatNode { op: FloatOp::Softmax { .. }, inputs, .. }) = producer.map(|at| &graph.nodes[at]) {
            graph.outputs[index] = inputs[0];
        }
    }
    prune(graph);
    compact(graph);
}

/// Removes nodes whose results nothing reads.
fn prune(graph: &mut FloatGraph) {
    let links = Links::of(graph);
    let mut index = 0;
    graph.nodes.retain(|_| {
        index += 1;
        links.is_live(index - 1)
    });
}

/// Drops values that nothing names any more, and numbers the others anew.
fn compact(graph: &mut FloatGraph) {
    let mut used = vec![false; graph.values.len()];
    for node in &graph.nodes {
        for id in node.inputs.iter().chain(&node.outputs) {
            used[id.index()] = true;
        }
    }
    for id in graph.inputs.iter().chain(&graph.outputs) {
        used[id.index()] = true;
    }
    let mut numbers = Vec::with_capacity(used.len());
    let mut next = 0;
    for &used in &used {
        numbers.push(ValueId(next));
        next += u32::from(used);
    }
    let mut index = 0;
    graph.values.retain(|_| {
        index += 1;
        used[index - 1]
    });
    let renumber = |id: &mut ValueId| *id = numbers[id.index()];
    for node in &mut graph.nodes {
        node.inputs.iter_mut().chain(&mut node.outputs).for_each(renumber);
    }
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(renumber);
}

/// What is left must be what a float graph may hold.
fn check(graph: &FloatGraph) -> Result<(), ImportError> {
    let producers = graph.producers();
    for node in &graph.nodes {
        let refuse = |remedy: &str| {
            let (node, operator) = (node.name.clone(), node.op.name().to_owned());
            Err(ImportError::Unsupported { node, operator, remedy: remedy.to_owned() })
        };
        if node.op == FloatOp::Cast {
            return refuse(
                "integers become floats as ids of a look-up or as masks only; take floats as inputs instead",
            );
        }
        for id in &node.inputs {
            if matches!(graph.value(*id).kind, ValueKind::Computed) && producers[id.index()].is_none() {
                return refuse("it computes with the shape of a value as data; export with fixed shapes");
            }
        }
    }
    for id in &graph.outputs {
        let value = graph.value(*id);
        if matches!(value.kind, ValueKind::Computed) && producers[id.index()].is_none() {
            let (node, operator) = (value.name.clone(), String::from("Shape"));
            let remedy = String::from("an output is the shape of a value; leave it out");
            return Err(ImportError::Unsupported { node, operator, remedy });
        }
    }
    Ok(())
}
