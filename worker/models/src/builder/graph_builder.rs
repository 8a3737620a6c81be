//! The builder's core: lists of tensors and ops, and the checks of the finished graph.

use super::error::BuildError;
use super::model::Model;
use super::operand::Operand;
use super::tensor::TensorHandle;
use crate::TensorSet;
use referee::graph::{
    Dim, Dtype, Graph, MAX_OPS, MAX_PROGRAMS, MAX_SYMBOLS, MAX_TENSORS, Op, OpKind, Program, Site, Slot, Symbol,
    Tensor, TensorKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// One op as it is handed to [`GraphBuilder::op`].
#[derive(Clone, Debug)]
pub struct OpSpec<'a> {
    /// Name of the op, for errors.
    pub name: &'a str,
    /// What it does over its reduction axes.
    pub kind: OpKind,
    /// Name and element type of each output.
    pub outputs: &'a [(&'a str, Dtype)],
    /// Shape of every output.
    pub output_axes: &'a [Dim],
    /// Empty for a `Map`.
    pub reduction_axes: &'a [Dim],
    /// What its programs load, by index.
    pub operands: &'a [Operand],
    /// For the kinds that reduce by a program.
    pub prologue: Option<Program>,
    /// Ends in stores.
    pub program: Program,
}

/// Collects a graph.
///
/// A method that fails may have added a part of what it was to add (a layer's weights, say): build anew after an error.
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    symbol_names: Vec<String>,
    pub(super) symbols: Vec<Symbol>,
    tensor_names: BTreeMap<String, Slot>,
    pub(super) tensors: Vec<Tensor>,
    params: TensorSet,
    pub(super) programs: Vec<Program>,
    op_names: Vec<String>,
    pub(super) ops: Vec<Op>,
    pub(super) cuts: BTreeSet<u16>,
    pub(super) outputs: Vec<Slot>,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// A size between `min` and `max` that each job chooses.
    ///
    /// # Errors
    /// `M0101`, `M0102`.
    pub fn symbol(&mut self, name: &str, min: u32, max: u32) -> Result<Dim, BuildError> {
        if self.symbol_names.iter().any(|taken| taken == name) {
            return Err(BuildError::DuplicateName { name: name.into() });
        }
        let index = next_index(name, "symbols", self.symbols.len(), MAX_SYMBOLS)?;
        self.symbol_names.push(name.into());
        self.symbols.push(Symbol { min, max });
        Ok(Dim::Symbol(index as u8))
    }

    /// A tensor that each job gives.
    ///
    /// # Errors
    /// `M0101`, `M0102`.
    pub fn input(&mut self, name: &str, dtype: Dtype, shape: &[Dim]) -> Result<TensorHandle, BuildError> {
        self.tensor(name, dtype, TensorKind::Input, shape)
    }

    /// A tensor of the model with its values, row-major.
    ///
    /// # Errors
    /// `M0101`, `M0102`, `M0103` for another number of values than the shape has, `M0104` for one out of range.
    pub fn param(
        &mut self,
        name: &str,
        dtype: Dtype,
        shape: &[u32],
        values: &[i64],
    ) -> Result<TensorHandle, BuildError> {
        expect_length(name, elements(shape), values.len())?;
        let mut bytes = Vec::with_capacity(values.len() * dtype.bytes() as usize);
        for (index, value) in values.iter().copied().enumerate() {
            if dtype.saturate(value) != value {
                return Err(BuildError::Value { name: name.into(), index, value, dtype });
            }
            bytes.extend_from_slice(&value.to_le_bytes()[..dtype.bytes() as usize]);
        }
        let dims: Vec<Dim> = shape.iter().copied().map(Dim::Const).collect();
        let handle = self.tensor(name, dtype, TensorKind::Param, &dims)?;
        self.params.insert(handle.slot, bytes.into());
        Ok(handle)
    }

    fn tensor(
        &mut self,
        name: &str,
        dtype: Dtype,
        kind: TensorKind,
        shape: &[Dim],
    ) -> Result<TensorHandle, BuildError> {
        if self.tensor_names.contains_key(name) {
            return Err(BuildError::DuplicateName { name: name.into() });
        }
        let slot = next_index(name, "tensors", self.tensors.len(), MAX_TENSORS)?;
        self.tensor_names.insert(name.into(), slot);
        self.tensors.push(Tensor { dtype, kind, shape: shape.to_vec() });
        Ok(TensorHandle { slot, dtype, shape: shape.to_vec() })
    }

    /// Adds an op and gives its outputs.
    ///
    /// # Errors
    /// `M0101`, `M0102`, `M0106` for a view that the IR cannot express, `M0108` for a tensor of another builder.
    pub fn op(&mut self, spec: OpSpec<'_>) -> Result<Vec<TensorHandle>, BuildError> {
        next_index(spec.name, "ops", self.ops.len(), MAX_OPS)?;
        let operands = spec
            .operands
            .iter()
            .map(|operand| {
                self.expect_own(spec.name, &operand.tensor)?;
                operand.view()
            })
            .collect::<Result<Vec<_>, _>>()?;
        let prologue = spec.prologue.map(|prologue| self.intern(spec.name, prologue)).transpose()?;
        let program = self.intern(spec.name, spec.program)?;
        let outputs = spec
            .outputs
            .iter()
            .map(|(name, dtype)| self.tensor(name, *dtype, TensorKind::Temp, spec.output_axes))
            .collect::<Result<Vec<_>, _>>()?;
        self.op_names.push(spec.name.into());
        self.ops.push(Op {
            kind: spec.kind,
            outputs: outputs.iter().map(TensorHandle::slot).collect(),
            output_axes: spec.output_axes.to_vec(),
            reduction_axes: spec.reduction_axes.to_vec(),
            operands,
            prologue,
            program,
        });
        Ok(outputs)
    }

    /// [`op`](Self::op) with one output, named as the op.
    pub(super) fn op_with_output(&mut self, spec: OpSpec<'_>, dtype: Dtype) -> Result<TensorHandle, BuildError> {
        let outputs = self.op(OpSpec { outputs: &[(spec.name, dtype)], ..spec.clone() })?;
        outputs.into_iter().next().ok_or(BuildError::Foreign { name: spec.name.into(), what: "tensor" })
    }

    /// Programs are shared between ops.
    fn intern(&mut self, name: &str, program: Program) -> Result<u16, BuildError> {
        if let Some(index) = self.programs.iter().position(|known| *known == program) {
            return Ok(index as u16);
        }
        let index = next_index(name, "programs", self.programs.len(), MAX_PROGRAMS)?;
        self.programs.push(program);
        Ok(index)
    }

    fn expect_own(&self, name: &str, handle: &TensorHandle) -> Result<(), BuildError> {
        let own = self.tensors.get(usize::from(handle.slot));
        // a handle may see its tensor in another shape of as many elements
        if own.is_some_and(|tensor| tensor.dtype == handle.dtype && same_elements(&tensor.shape, &handle.shape)) {
            Ok(())
        } else {
            Err(BuildError::Foreign { name: name.into(), what: "tensor" })
        }
    }

    /// Makes a tensor a result of the graph.
    pub fn output(&mut self, tensor: &TensorHandle) {
        if !self.outputs.contains(&tensor.slot) {
            self.outputs.push(tensor.slot);
        }
    }

    /// Checks the graph at every corner of its symbols' bounds and gives it with its params.
    ///
    /// # Errors
    /// `M0110` with the name of the op or tensor and the rule that it breaks.
    pub fn build(mut self) -> Result<Model, BuildError> {
        self.drop_end_cuts();
        let graph = Graph {
            symbols: self.symbols,
            tensors: self.tensors,
            programs: self.programs,
            ops: self.ops,
            cuts: self.cuts.into_iter().collect(),
            outputs: self.outputs,
        };
        let mut tensor_names = vec![String::new(); graph.tensors.len()];
        for (name, slot) in self.tensor_names {
            tensor_names[usize::from(slot)] = name;
        }
        let report = graph.check().map_err(|error| {
            let name = match error.site {
                Site::Op(op) | Site::Operand(op, _) | Site::OperandAxis(op, _, _) | Site::Instruction { op, .. } => {
                    self.op_names.get(usize::from(op)).cloned()
                }
                Site::Tensor(slot) => tensor_names.get(usize::from(slot)).cloned(),
                Site::Graph | Site::Program(..) => None,
            };
            BuildError::Refused { name: name.unwrap_or_else(|| "graph".into()), error }
        })?;
        Ok(Model {
            graph,
            params: self.params,
            report,
            tensor_names,
            op_names: self.op_names,
            symbol_names: self.symbol_names,
        })
    }
}

/// Whether two shapes have as many elements, whatever the symbols are.
fn same_elements(a: &[Dim], b: &[Dim]) -> bool {
    let parts = |shape: &[Dim]| {
        let mut constants = 1u64;
        let mut symbols = Vec::new();
        for dim in shape {
            match dim {
                Dim::Const(length) => constants = constants.saturating_mul(u64::from(*length)),
                Dim::Symbol(symbol) => symbols.push(*symbol),
            }
        }
        symbols.sort_unstable();
        (constants, symbols)
    };
    a == b || parts(a) == parts(b)
}

/// Number of elements of a constant shape.
pub(super) fn elements(shape: &[u32]) -> u64 {
    shape.iter().fold(1u64, |product, dim| product.saturating_mul(u64::from(*dim)))
}

/// `M0103` unless `given` values are `expected`.
pub(super) fn expect_length(name: &str, expected: u64, given: usize) -> Result<(), BuildError> {
    if expected == given as u64 {
        Ok(())
    } else {
        Err(BuildError::Length { name: name.into(), expected, given: given as u64 })
    }
}

/// The index after `length` entries; `M0101` if there are `most` already.
fn next_index(name: &str, what: &'static str, length: usize, most: usize) -> Result<u16, BuildError> {
    if length >= most {
        return Err(BuildError::Limit { name: name.into(), what, most });
    }
    Ok(length as u16)
}
