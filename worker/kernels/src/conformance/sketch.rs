//! Builds the graphs of vectors.

use super::values::{Random, encode, mixed};
use super::{Stretch, Vector};
use crate::TensorSet;
use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, Register, Slot, Symbol, Tensor, TensorKind, Term,
    View,
};

/// A graph in the making, with the values of its inputs and params.
pub(super) struct Sketch {
    graph: Graph,
    symbols: Vec<u32>,
    stretch: Option<Stretch>,
    inputs: TensorSet,
    params: TensorSet,
    random: Random,
}

impl Sketch {
    pub(super) fn new(seed: u64) -> Self {
        let graph = Graph {
            symbols: Vec::new(),
            tensors: Vec::new(),
            programs: Vec::new(),
            ops: Vec::new(),
            cuts: Vec::new(),
            outputs: Vec::new(),
        };
        Self {
            graph,
            symbols: Vec::new(),
            stretch: None,
            inputs: TensorSet::new(),
            params: TensorSet::new(),
            random: Random::new(seed),
        }
    }

    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// A symbol with this value now.
    pub(super) fn symbol(&mut self, min: u32, max: u32, value: u32) -> Dim {
        self.graph.symbols.push(Symbol { min, max });
        self.symbols.push(value);
        Dim::Symbol((self.symbols.len() - 1) as u8)
    }

    pub(super) fn stretch(&mut self, from: u32, to: u32) {
        self.stretch = Some(Stretch { from, to });
    }

    fn tensor(&mut self, dtype: Dtype, kind: TensorKind, shape: Vec<Dim>) -> Slot {
        self.graph.tensors.push(Tensor { dtype, kind, shape });
        (self.graph.tensors.len() - 1) as Slot
    }

    /// Value of a dim at run time.
    fn length(&self, dim: Dim) -> u32 {
        match dim {
            Dim::Symbol(index) => self.symbols[usize::from(index)],
            Dim::Const(value) => self.stretch.filter(|stretch| stretch.from == value).map_or(value, |to| to.to),
        }
    }

    /// An input or param with these values; they are repeated as often as its shape asks.
    pub(super) fn given(&mut self, kind: TensorKind, dtype: Dtype, dims: &[Dim], values: &[i64]) -> Slot {
        let count = dims.iter().map(|dim| self.length(*dim) as usize).product();
        let values: Vec<i64> = values.iter().copied().cycle().take(count).collect();
        let slot = self.tensor(dtype, kind, dims.to_vec());
        let set = if kind == TensorKind::Param { &mut self.params } else { &mut self.inputs };
        set.insert(slot, encode(dtype, &values).into());
        slot
    }

    /// An input of mixed values.
    pub(super) fn input(&mut self, dtype: Dtype, dims: &[u32]) -> Slot {
        let dims = constant(dims);
        self.mixed(TensorKind::Input, dtype, &dims)
    }

    /// A param of mixed values.
    pub(super) fn param(&mut self, dtype: Dtype, dims: &[u32]) -> Slot {
        let dims = constant(dims);
        self.mixed(TensorKind::Param, dtype, &dims)
    }

    pub(super) fn mixed(&mut self, kind: TensorKind, dtype: Dtype, dims: &[Dim]) -> Slot {
        let count = dims.iter().map(|dim| self.length(*dim) as usize).product();
        let values = mixed(&mut self.random, dtype, count);
        self.given(kind, dtype, dims, &values)
    }

    pub(super) fn program(&mut self, assembly: Assembly) -> u16 {
        self.graph.programs.push(Program { constants: assembly.constants, code: assembly.code });
        (self.graph.programs.len() - 1) as u16
    }

    /// Adds an op with one new Temp for each of `outputs`, and gives their slots.
    pub(super) fn op(
        &mut self,
        kind: OpKind,
        outputs: &[Dtype],
        output_axes: &[Dim],
        reduction_axes: &[Dim],
        operands: Vec<View>,
        prologue: Option<Assembly>,
        program: Assembly,
    ) -> Vec<Slot> {
        let prologue = prologue.map(|assembly| self.program(assembly));
        let program = self.program(program);
        let slots: Vec<Slot> =
            outputs.iter().map(|dtype| self.tensor(*dtype, TensorKind::Temp, output_axes.to_vec())).collect();
        self.graph.ops.push(Op {
            kind,
            outputs: slots.clone(),
            output_axes: output_axes.to_vec(),
            reduction_axes: reduction_axes.to_vec(),
            operands,
            prologue,
            program,
        });
        slots
    }

    pub(super) fn map(&mut self, outputs: &[Dtype], axes: &[u32], operands: Vec<View>, program: Assembly) -> Vec<Slot> {
        self.op(OpKind::Map, outputs, &constant(axes), &[], operands, None, program)
    }

    pub(super) fn cut_before_next_op(&mut self) {
        self.graph.cuts.push(self.graph.ops.len() as u16);
    }

    pub(super) fn finish(mut self, name: impl Into<String>, outputs: &[Slot]) -> Vector {
        self.graph.outputs = outputs.to_vec();
        Vector {
            name: name.into(),
            graph: self.graph,
            symbols: self.symbols,
            stretch: self.stretch,
            inputs: self.inputs,
            params: self.params,
        }
    }
}

/// Dims that are known from the graph alone.
pub(super) fn constant(dims: &[u32]) -> Vec<Dim> {
    dims.iter().copied().map(Dim::Const).collect()
}

/// A view in the making.
pub(super) struct Sight(View);

/// A view without terms: element 0 everywhere, clamped.
pub(super) fn sight(slot: Slot, dims: &[u32]) -> Sight {
    sight_dims(slot, &constant(dims))
}

/// As [`sight`], in a shape that may have symbols.
pub(super) fn sight_dims(slot: Slot, dims: &[Dim]) -> Sight {
    Sight(View {
        slot,
        as_shape: dims.to_vec(),
        offsets: vec![0; dims.len()],
        terms: Vec::new(),
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    })
}

/// Source axis `i` follows iteration axis `axes[i]`.
pub(super) fn along(slot: Slot, dims: &[u32], axes: &[u8]) -> View {
    axes.iter().enumerate().fold(sight(slot, dims), |sight, (source, axis)| sight.term(source as u8, *axis, 1)).done()
}

impl Sight {
    pub(super) fn term(mut self, source_axis: u8, iteration_axis: u8, coefficient: i32) -> Self {
        self.0.terms.push(Term { source_axis, iteration_axis, coefficient });
        self.0.terms.sort_by_key(|term| (term.source_axis, term.iteration_axis));
        self
    }

    pub(super) fn offset(mut self, source_axis: u8, offset: i32) -> Self {
        self.0.offsets[usize::from(source_axis)] = offset;
        self
    }

    pub(super) fn pad(mut self, value: i32) -> Self {
        self.0.out_of_bounds = OutOfBounds::Pad(value);
        self
    }

    pub(super) fn indirect(mut self, source_axis: u8) -> Self {
        self.0.indirect = Some(source_axis);
        self
    }

    pub(super) fn done(self) -> View {
        self.0
    }
}

/// A program in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembly {
    constants: Vec<i64>,
    code: Vec<Instruction>,
}

impl Assembly {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn then(mut self, instruction: Instruction) -> Self {
        self.code.push(instruction);
        self
    }

    /// The instructions so far.
    pub(super) fn code_mut(&mut self) -> &mut Vec<Instruction> {
        &mut self.code
    }

    pub(super) fn constant(mut self, d: Register, value: i64) -> Self {
        let index = self.constants.iter().position(|constant| *constant == value).unwrap_or_else(|| {
            self.constants.push(value);
            self.constants.len() - 1
        });
        self.code.push(Instruction::Constant { d, index: index as u8 });
        self
    }

    pub(super) fn load(self, d: Register, operand: u8) -> Self {
        self.then(Instruction::Load { d, operand })
    }

    pub(super) fn gather(self, d: Register, operand: u8, a: Register) -> Self {
        self.then(Instruction::Gather { d, operand, a })
    }

    pub(super) fn store(self, output: u8, a: Register) -> Self {
        self.then(Instruction::Store { output, a })
    }

    /// `d = (high << 32) | unsigned low`, from two loaded i32 registers. Uses registers 14 and 15.
    pub(super) fn join(self, d: Register, low: Register, high: Register) -> Self {
        self.constant(15, 32)
            .constant(14, 0xffff_ffff)
            .then(Instruction::And { d: 14, a: low, b: 14 })
            .then(Instruction::ShiftLeft { d: 15, a: high, b: 15 })
            .then(Instruction::Or { d, a: 14, b: 15 })
    }

    /// Stores all 64 bits of `a` in two i32 outputs, low half first. Uses registers 14 and 15.
    pub(super) fn store_wide(self, output: u8, a: Register) -> Self {
        self.constant(15, 32)
            .then(Instruction::ShiftLeft { d: 14, a, b: 15 })
            .then(Instruction::ShiftArithmetic { d: 14, a: 14, b: 15 })
            .store(output, 14)
            .then(Instruction::ShiftArithmetic { d: 15, a, b: 15 })
            .store(output + 1, 15)
    }
}
