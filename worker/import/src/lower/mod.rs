//! From a planned float graph to ops of the IR.
//!
//! Every value that an op computes is stored either as 16-bit integers with one step (what is added, normalised, reduced
//! or given out) or as 8-bit integers (what a product or an attention reads), or as the former with the latter made
//! from it. Every element stays refereeable: what an op reduces over lies innermost in what it reads, and where it does
//! not, a copy in another order is made, of which each element is proved by one leaf.

mod activation;
mod arrange;
mod attention;
mod choose;
mod elementwise;
mod embedding;
mod form;
mod normalise;
mod product;
mod reduce;
mod requantise;
mod softmax;
mod top_k;

pub(crate) use form::Form;

use crate::calibrate::{Calibration, Statistics};
use crate::float::{ElementType, Extent, FloatGraph, FloatNode, FloatOp, ValueId, ValueKind};
use crate::quantise::choices::{self, Choices};
use crate::quantise::error::QuantiseError;
use crate::quantise::options::Options;
use crate::quantise::plan::{Group, Plan, natural};
use crate::quantise::scale::Scale;
use crate::quantise::search::Chosen;
use assay_models::builder::{BuildError, GraphBuilder, TensorHandle};
use referee::graph::{Dim, Dtype};
use std::collections::{BTreeMap, BTreeSet};

/// What lowering works on.
pub(crate) struct Lowering<'a> {
    pub(crate) graph: &'a FloatGraph,
    pub(crate) plan: &'a Plan,
    pub(crate) choices: &'a Choices,
    pub(crate) calibration: &'a Calibration,
    pub(crate) options: &'a Options,
    pub(crate) builder: GraphBuilder,
    /// The symbols of the float graph.
    symbols: Vec<Dim>,
    /// 16-bit forms, by root.
    pub(crate) wide: BTreeMap<ValueId, Form>,
    /// What products and attention read, by root.
    pub(crate) narrow: BTreeMap<ValueId, Form>,
    /// High and low halves, by root.
    pub(crate) halves: BTreeMap<ValueId, [TensorHandle; 2]>,
    /// Inputs of integers, by root.
    pub(crate) integers: BTreeMap<ValueId, TensorHandle>,
    names: BTreeSet<String>,
    /// What was decided, for the report.
    pub(crate) decisions: Vec<String>,
    /// The node that is being lowered.
    current: usize,
}

/// What lowering gives.
pub(crate) struct Lowered {
    /// The ops, with outputs and cuts.
    pub builder: GraphBuilder,
    /// 16-bit forms, by root.
    pub wide: BTreeMap<ValueId, Form>,
    /// 8-bit forms, by root.
    pub narrow: BTreeMap<ValueId, Form>,
    /// Inputs of integers.
    pub integers: BTreeMap<ValueId, TensorHandle>,
    /// The form of each input.
    pub inputs: Vec<Form>,
    /// The form of each result, in the order of its axes.
    pub outputs: Vec<Form>,
    /// What was decided.
    pub decisions: Vec<String>,
}

/// Lowers a graph.
///
/// # Errors
/// The node that has no lowering, or that the builder refuses.
pub(crate) fn lower(
    graph: &FloatGraph,
    plan: &Plan,
    choices: &Choices,
    calibration: &Calibration,
    options: &Options,
) -> Result<Lowered, QuantiseError> {
    let mut lowering = Lowering {
        graph,
        plan,
        choices,
        calibration,
        options,
        builder: GraphBuilder::new(),
        symbols: Vec::new(),
        wide: BTreeMap::new(),
        narrow: BTreeMap::new(),
        halves: BTreeMap::new(),
        integers: BTreeMap::new(),
        names: BTreeSet::new(),
        decisions: Vec::new(),
        current: 0,
    };
    for symbol in &graph.symbols {
        let dim = lowering.builder.symbol(&symbol.name, symbol.min, symbol.max)?;
        lowering.symbols.push(dim);
    }
    let inputs = lowering.inputs()?;
    for (index, group) in &plan.groups {
        lowering.current = *index;
        match group {
            Group::Product(group) => lowering.product(group)?,
            Group::Attention(group) => lowering.attention(group)?,
            Group::Single => lowering.single(&graph.nodes[*index])?,
        }
    }
    let outputs = lowering.outputs()?;
    lowering.builder.cut_by_cost(options.work_per_boundary_byte);
    let Lowering { builder, wide, narrow, integers, decisions, .. } = lowering;
    Ok(Lowered { builder, wide, narrow, integers, inputs, outputs, decisions })
}

impl Lowering<'_> {
    fn inputs(&mut self) -> Result<Vec<Form>, QuantiseError> {
        let mut forms = Vec::new();
        for input in self.graph.inputs.clone() {
            let value = self.graph.value(input);
            let shape = self.dims(&value.shape);
            let name = self.fresh(&value.name);
            if value.element_type != ElementType::Float {
                let dtype = self.integer_dtype(input);
                let tensor = self.builder.input(&name, dtype, &shape);
                let tensor = self.built(tensor)?;
                forms.push(Form::natural(tensor.clone(), Scale::Uniform(1.0)));
                self.integers.insert(input, tensor);
                continue;
            }
            if let Some((read, chosen)) = self.own_integers(input) {
                let tensor = self.builder.input(&name, chosen.dtype, &shape);
                let form = Form::natural(self.built(tensor)?, chosen.scale.clone());
                self.decisions.push(format!("{name}: given in the integers that the source itself quantises it to"));
                self.narrow.insert(read, form.clone());
                forms.push(form);
                continue;
            }
            let needs = self.plan.needs.get(&input);
            let narrow = self.choices.narrow.get(&input).filter(|_| needs.is_some_and(|needs| needs.wide.is_none()));
            match narrow {
                Some(chosen) => {
                    let tensor = self.builder.input(&name, chosen.dtype, &shape);
                    let tensor = self.built(tensor)?;
                    forms.push(Form::natural(tensor, chosen.scale.clone()));
                    self.narrow.extend(forms.last().map(|form| (input, form.clone())));
                }
                None => {
                    let step = self.wide_step(input)?;
                    let tensor = self.builder.input(&name, Dtype::I16, &shape);
                    let tensor = self.built(tensor)?;
                    forms.push(Form::natural(tensor, Scale::Uniform(step)));
                    self.wide.extend(forms.last().map(|form| (input, form.clone())));
                }
            }
        }
        Ok(forms)
    }

    /// The value of the one QuantizeLinear that an input goes through before anything reads it, with the integers of its scale: then
    /// these can be given, and nothing is rounded twice.
    fn own_integers(&self, input: ValueId) -> Option<(ValueId, Chosen)> {
        let reads = |node: &&FloatNode| node.inputs.iter().any(|id| self.plan.seen[id.index()].root == input);
        let mut readers = self.graph.nodes.iter().filter(reads);
        let (reader, None) = (readers.next()?, readers.next()) else { return None };
        let is_result = self.plan.outputs.iter().any(|id| self.plan.seen[id.index()].root == input);
        let own = matches!(reader.op, FloatOp::Requantise(_)) && reader.inputs == [input] && !is_result;
        let read = *reader.outputs.first().filter(|_| own)?;
        self.choices.narrow.contains_key(&read).then(|| choices::own(self.graph, read).map(|chosen| (read, chosen)))?
    }

    /// The least type that holds the integers of an input: row numbers of the tables that it chooses from, or a mask.
    fn integer_dtype(&self, input: ValueId) -> Dtype {
        if self.graph.value(input).element_type == ElementType::Boolean {
            return Dtype::U8;
        }
        let is_input = |id: &ValueId| self.plan.seen[id.index()].root == input;
        let mut most = 0u32;
        for node in &self.graph.nodes {
            let place = node.inputs.iter().position(is_input);
            let greatest = match (&node.op, place) {
                (_, None) | (FloatOp::Cast | FloatOp::Reshape | FloatOp::Transpose { .. }, _) => 0,
                (FloatOp::Embedding, Some(0)) => {
                    self.graph.shape_at(node.inputs[1], &[]).first().map_or(u32::MAX, |rows| *rows as u32 - 1)
                }
                (FloatOp::Softmax { .. } | FloatOp::Reduce { .. }, Some(1)) => 1,
                _ => u32::MAX,
            };
            most = most.max(greatest);
        }
        match most {
            0..=255 => Dtype::U8,
            256..=32_767 => Dtype::I16,
            _ => Dtype::I32,
        }
    }

    fn outputs(&mut self) -> Result<Vec<Form>, QuantiseError> {
        let mut outputs = Vec::new();
        for output in self.plan.outputs.clone() {
            let form = match self.integers.get(&output) {
                Some(tensor) => Form::natural(tensor.clone(), Scale::Uniform(1.0)),
                None => {
                    let form = self.wide(output)?;
                    let order = natural(self.graph, output);
                    self.ordered(&form, &order, &self.graph.value(output).name.clone())?
                }
            };
            self.builder.output(&form.tensor);
            outputs.push(form);
        }
        Ok(outputs)
    }

    fn single(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        match &node.op {
            FloatOp::Activation(activation) => self.activation(node, *activation),
            FloatOp::LayerNorm { axis, epsilon } => self.norm(node, *axis, *epsilon, true),
            FloatOp::RmsNorm { axis, epsilon } => self.norm(node, *axis, *epsilon, false),
            FloatOp::L2Normalise { axis, .. } => self.unit_length(node, *axis),
            FloatOp::Softmax { axis, mask_axes } => self.softmax(node, *axis, mask_axes.is_some()),
            FloatOp::MatMul { transpose_a, transpose_b, scale } => {
                self.matrix_product(node, *transpose_a, *transpose_b, *scale)
            }
            FloatOp::Min | FloatOp::Max if self.graph.value(node.outputs[0]).element_type == ElementType::Boolean => {
                self.combine(node)
            }
            FloatOp::Add | FloatOp::Sub | FloatOp::Mul | FloatOp::Div | FloatOp::Min | FloatOp::Max => {
                self.binary(node)
            }
            FloatOp::Embedding => self.embedding(node),
            FloatOp::Position => self.position(node),
            FloatOp::Pool { kind, window } => self.pool(node, *kind, window),
            FloatOp::Reduce { kind, axes, mask_axes, .. } => self.reduce(node, *kind, axes, mask_axes.as_deref()),
            FloatOp::ArgMax { axis, .. } => self.arg_max(node, *axis),
            FloatOp::TopK { axis, k } => self.top_k(node, *axis, *k),
            FloatOp::Reshape => self.reshape(node),
            FloatOp::Slice { starts, steps } => self.slice(node, starts, steps),
            FloatOp::Pad { before, value, .. } => self.pad(node, before, *value),
            FloatOp::Concat { axis } => self.concat(node, *axis),
            FloatOp::Broadcast => self.broadcast(node),
            FloatOp::Requantise(_) => self.pass_on(node),
            FloatOp::Linear | FloatOp::Convolution { .. } | FloatOp::Transpose { .. } | FloatOp::Cast => Ok(()),
            FloatOp::Where => self.choose(node),
            FloatOp::Compare(comparison) => self.compare(node, *comparison),
        }
    }

    /// An `I0301`.
    pub(crate) fn unsupported<T>(&self, node: &FloatNode, reason: &str, remedy: &str) -> Result<T, QuantiseError> {
        Err(QuantiseError::Unsupported {
            node: node.name.clone(),
            operator: node.op.name().into(),
            reason: reason.into(),
            remedy: remedy.into(),
        })
    }

    /// The builder's result with the node that is being lowered.
    pub(crate) fn built<T>(&self, result: Result<T, BuildError>) -> Result<T, QuantiseError> {
        result.map_err(|source| match self.graph.nodes.get(self.current) {
            Some(node) => QuantiseError::Build {
                node: node.name.clone(),
                operator: node.op.name().into(),
                source: Box::new(source),
            },
            None => source.into(),
        })
    }

    /// A name that no tensor or op has yet.
    pub(crate) fn fresh(&mut self, base: &str) -> String {
        let base = if base.is_empty() { "value" } else { base };
        let mut name = base.to_owned();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{base}#{number}");
        }
        name
    }

    /// The lengths of axes in the integer graph.
    pub(crate) fn dims(&self, shape: &[Extent]) -> Vec<Dim> {
        shape
            .iter()
            .map(|extent| match *extent {
                Extent::Known(length) => Dim::Const(length),
                Extent::Symbol(symbol) => self.symbols[usize::from(symbol)],
            })
            .collect()
    }

    /// The lengths of a value's axes.
    pub(crate) fn shape(&self, value: ValueId) -> Vec<Dim> {
        self.dims(&self.graph.value(value).shape)
    }

    /// What calibration saw of a value.
    pub(crate) fn statistics(&self, value: ValueId) -> Result<&Statistics, QuantiseError> {
        choices::statistics(self.graph, self.calibration, value)
    }

    /// The step of a value's 16-bit form.
    pub(crate) fn wide_step(&self, value: ValueId) -> Result<f64, QuantiseError> {
        match self.choices.wide.get(&value) {
            Some(step) => Ok(*step),
            None => Ok(choices::wide_step(self.statistics(value)?)),
        }
    }

    /// The order of axes in which a root is stored.
    pub(crate) fn stored_order(&self, root: ValueId) -> Vec<usize> {
        let needs = self.plan.needs.get(&root);
        let order = needs.and_then(|needs| needs.wide.clone().or_else(|| needs.narrow.clone()));
        order.unwrap_or_else(|| natural(self.graph, root))
    }

    /// A constant of floats.
    pub(crate) fn floats(&self, node: &FloatNode, input: usize) -> Result<Vec<f32>, QuantiseError> {
        match node.inputs.get(input).map(|id| &self.graph.value(*id).kind) {
            Some(ValueKind::Constant(tensor)) => match tensor.as_floats() {
                Some(floats) => Ok(floats.to_vec()),
                None => self.unsupported(node, "its constant is not of floats", "export the model again"),
            },
            _ => self.unsupported(
                node,
                &format!("its input {input} is not a constant"),
                "export the model with its weights folded",
            ),
        }
    }

    /// An input of integers, with the axes of the view through which it is read.
    pub(crate) fn whole(&self, node: &FloatNode, value: ValueId) -> Result<Form, QuantiseError> {
        let seen = &self.plan.seen[value.index()];
        match self.integers.get(&seen.root) {
            Some(tensor) => Ok(Form::natural(tensor.clone(), Scale::Uniform(1.0)).seen(seen)),
            None => self.unsupported(
                node,
                &format!("it reads {:?}, integers that are computed in the model", self.graph.value(value).name),
                "make them an input of the model",
            ),
        }
    }
}
