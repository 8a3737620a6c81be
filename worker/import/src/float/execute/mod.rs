//! Running a float graph: for constants that are folded, for calibration, and for comparison with what was made of it.
//!
//! Nothing that a commitment covers is computed here.

mod elementwise;
mod movement;
mod products;
mod reduction;
mod walk;

use super::graph::{FloatGraph, FloatNode, ValueId, ValueKind};
use super::op::{FloatOp, ReduceKind};
use super::tensor::{ElementType, Tensor};
use crate::error::ImportError;
use std::borrow::Cow;

/// Runs a graph on one tensor for each of its inputs, in their order, and gives its outputs.
///
/// `observe` sees each input and each computed value once, in the order in which they come to be. A value is dropped
/// after its last use.
///
/// # Errors
/// [`ImportError::Input`] if an input has another type or shape than the graph says; [`ImportError::Execution`] if a node
/// cannot be computed.
pub fn execute(
    graph: &FloatGraph,
    inputs: &[Tensor],
    observe: &mut dyn FnMut(ValueId, &Tensor),
) -> Result<Vec<Tensor>, ImportError> {
    let symbols = symbol_values(graph, inputs)?;
    let mut last_use = vec![usize::MAX; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for input in &node.inputs {
            last_use[input.index()] = index;
        }
    }
    for output in &graph.outputs {
        last_use[output.index()] = usize::MAX;
    }
    let mut values: Vec<Option<Cow<'_, Tensor>>> = graph
        .values
        .iter()
        .map(|value| match &value.kind {
            ValueKind::Constant(tensor) => Some(Cow::Borrowed(&**tensor)),
            ValueKind::Input | ValueKind::Computed => None,
        })
        .collect();
    for (&id, tensor) in graph.inputs.iter().zip(inputs) {
        observe(id, tensor);
        values[id.index()] = Some(Cow::Borrowed(tensor));
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let failed = |reason: String| ImportError::Execution { node: node.name.clone(), reason };
        let read: Vec<&Tensor> = node
            .inputs
            .iter()
            .map(|id| values[id.index()].as_deref().ok_or_else(|| failed(format!("%{} is not computed yet", id.0))))
            .collect::<Result<_, _>>()?;
        let shapes: Vec<Vec<usize>> = node.outputs.iter().map(|&id| graph.shape_at(id, &symbols)).collect();
        let computed = compute(&node.op, &read, &shapes).map_err(failed)?;
        for (&id, tensor) in node.outputs.iter().zip(computed) {
            // what is computed of integers alone stays so until it is cast
            let tensor = match (graph.value(id).element_type, tensor.as_integers()) {
                (ElementType::Float, Some(integers)) => {
                    Tensor::floats(&tensor.shape, integers.iter().map(|&value| value as f32).collect())
                }
                _ => tensor,
            };
            observe(id, &tensor);
            values[id.index()] = Some(Cow::Owned(tensor));
        }
        release(node, index, &last_use, &mut values);
    }
    let taken = graph.outputs.iter().map(|id| match &values[id.index()] {
        Some(tensor) => Ok(tensor.clone().into_owned()),
        None => {
            Err(ImportError::Execution { node: String::new(), reason: format!("nothing computes output %{}", id.0) })
        }
    });
    taken.collect()
}

/// Drops what no later node reads.
fn release(node: &FloatNode, index: usize, last_use: &[usize], values: &mut [Option<Cow<'_, Tensor>>]) {
    for input in &node.inputs {
        if last_use[input.index()] == index && matches!(values[input.index()], Some(Cow::Owned(_))) {
            values[input.index()] = None;
        }
    }
}

/// The symbols' values that the inputs' shapes give.
///
/// # Errors
/// [`ImportError::Input`] if an input does not fit the graph, or two disagree.
pub fn symbol_values(graph: &FloatGraph, inputs: &[Tensor]) -> Result<Vec<u32>, ImportError> {
    if inputs.len() != graph.inputs.len() {
        let reason = format!("{} tensors were given, the graph has {} inputs", inputs.len(), graph.inputs.len());
        return Err(ImportError::Input { input: String::from("all"), reason });
    }
    let mut found = vec![None; graph.symbols.len()];
    for (&id, tensor) in graph.inputs.iter().zip(inputs) {
        let value = graph.value(id);
        let refuse = |reason: String| ImportError::Input { input: value.name.clone(), reason };
        let floats = tensor.as_floats().is_some();
        if floats != (value.element_type == ElementType::Float) {
            return Err(refuse(format!("the elements are to be {:?}", value.element_type)));
        }
        let declared = graph.shape_text(&value.shape);
        if tensor.shape.len() != value.shape.len() {
            return Err(refuse(format!("the shape is {:?}, declared is {declared}", tensor.shape)));
        }
        for (&length, extent) in tensor.shape.iter().zip(&value.shape) {
            let fits = match *extent {
                super::Extent::Known(known) => known as usize == length,
                super::Extent::Symbol(symbol) => {
                    let bounds = &graph.symbols[usize::from(symbol)];
                    let known = found[usize::from(symbol)].get_or_insert(length as u32);
                    *known as usize == length && (bounds.min..=bounds.max).contains(known)
                }
            };
            if !fits {
                return Err(refuse(format!(
                    "the shape is {:?}, declared is {declared} within the symbols' bounds",
                    tensor.shape
                )));
            }
        }
    }
    let values = found.iter().zip(&graph.symbols).map(|(value, symbol)| value.unwrap_or(symbol.min));
    Ok(values.collect())
}

/// Computes one operation, given its inputs and the shapes of its outputs.
///
/// # Errors
/// What does not fit, in words.
pub(crate) fn compute(op: &FloatOp, inputs: &[&Tensor], shapes: &[Vec<usize>]) -> Result<Vec<Tensor>, String> {
    let input = |index: usize| inputs.get(index).copied().ok_or_else(|| format!("input {index} is missing"));
    let x = input(0)?;
    let shape = shapes.first().ok_or("there is no output")?;
    let one = |tensor: Tensor| -> Result<Vec<Tensor>, String> {
        if tensor.shape == *shape {
            Ok(vec![tensor])
        } else {
            Err(format!("the result has shape {:?} instead of {shape:?}", tensor.shape))
        }
    };
    match op {
        FloatOp::Linear => one(products::linear(x, input(1)?, inputs.get(2).copied())?),
        FloatOp::Convolution { window, groups } => {
            one(products::convolution(x, input(1)?, inputs.get(2).copied(), window, *groups as usize, shape)?)
        }
        FloatOp::MatMul { transpose_a, transpose_b, scale } => {
            one(products::matmul(x, input(1)?, *transpose_a, *transpose_b, *scale)?)
        }
        FloatOp::Activation(activation) => one(elementwise::activation(x, *activation)?),
        FloatOp::LayerNorm { axis, epsilon } => {
            one(reduction::layer_norm(x, input(1)?, inputs.get(2).copied(), *axis, *epsilon)?)
        }
        FloatOp::RmsNorm { axis, epsilon } => one(reduction::rms_norm(x, input(1)?, *axis, *epsilon)?),
        FloatOp::Softmax { axis, mask_axes } => {
            let mask = mask_axes.as_ref().map(|axes| Ok::<_, String>((input(1)?, axes.as_slice()))).transpose()?;
            one(reduction::softmax(x, mask, *axis)?)
        }
        FloatOp::Add
        | FloatOp::Sub
        | FloatOp::Mul
        | FloatOp::Div
        | FloatOp::Min
        | FloatOp::Max
        | FloatOp::Compare(_) => one(elementwise::binary(op, x, input(1)?, shape)?),
        FloatOp::Where => one(elementwise::choose(x, input(1)?, input(2)?, shape)?),
        FloatOp::Cast => Ok(vec![x.clone()]),
        FloatOp::Requantise(scale) => one(elementwise::requantise(x, scale)?),
        FloatOp::Embedding => one(movement::embedding(x, input(1)?)?),
        FloatOp::Position => one(movement::slice(x, &vec![0; shape.len()], &vec![1; shape.len()], shape)?),
        FloatOp::Pool { kind, window } => one(reduction::pool(x, *kind, window, shape)?),
        FloatOp::Reduce { kind, axes, mask_axes, .. } => {
            let mask = mask_axes.as_ref().map(|axes| Ok::<_, String>((input(1)?, axes.as_slice()))).transpose()?;
            if x.as_integers().is_some() && !matches!(kind, ReduceKind::Sum | ReduceKind::Max | ReduceKind::Min) {
                return Err(String::from("a mean of integers"));
            }
            one(reduction::reduce(x, mask, *kind, axes)?.reshaped(shape))
        }
        FloatOp::L2Normalise { axis, epsilon } => one(reduction::l2_normalise(x, *axis, *epsilon)?),
        FloatOp::Reshape => {
            if x.elements() != shape.iter().product::<usize>() {
                return Err(format!("shape {:?} has another number of elements than {shape:?}", x.shape));
            }
            one(x.clone().reshaped(shape))
        }
        FloatOp::Transpose { permutation } => one(movement::transpose(x, permutation)?),
        FloatOp::Concat { axis } => one(movement::concat(inputs, *axis)?),
        FloatOp::Slice { starts, steps } => one(movement::slice(x, starts, steps, shape)?),
        FloatOp::Pad { before, value, .. } => one(movement::pad(x, before, *value, shape)?),
        FloatOp::Broadcast => one(movement::broadcast(x, shape)?),
        FloatOp::ArgMax { axis, .. } => one(reduction::top_k(x, *axis, 1)?.1.reshaped(shape)),
        FloatOp::TopK { axis, k } => {
            let (values, indices) = reduction::top_k(x, *axis, *k as usize)?;
            Ok(vec![values, indices])
        }
    }
}

/// Runs a graph and keeps every value: index i is that of [`ValueId`] i, and none is only what nothing computes.
///
/// # Errors
/// As [`execute`].
pub fn execute_all(graph: &FloatGraph, inputs: &[Tensor]) -> Result<Vec<Option<Tensor>>, ImportError> {
    let mut values: Vec<Option<Tensor>> = (0..graph.values.len())
        .map(|index| graph.constant(ValueId(index as u32)).map(|tensor| (**tensor).clone()))
        .collect();
    execute(graph, inputs, &mut |id, tensor| values[id.index()] = Some(tensor.clone()))?;
    Ok(values)
}
