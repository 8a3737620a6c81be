//! What a graph consists of. Bounds on every list stand here; the decoder enforces them before it allocates.

use super::bytecode::Program;
use alloc::vec::Vec;

/// Version of the IR's semantics and encoding; pinned by every job.
pub const IR_VERSION: u16 = 1;
/// Most symbols of a graph.
pub const MAX_SYMBOLS: usize = 4;
/// Most tensors of a graph.
pub const MAX_TENSORS: usize = 4096;
/// Most programs of a graph.
pub const MAX_PROGRAMS: usize = 4096;
/// Most ops of a graph.
pub const MAX_OPS: usize = 4096;
/// Most cuts of a graph; it has one segment more.
pub const MAX_CUTS: usize = 1023;
/// Most outputs of a graph.
pub const MAX_OUTPUTS: usize = 16;
/// Most axes of a tensor or of a view's shape.
pub const MAX_AXES: usize = 6;
/// Most output axes of an op.
pub const MAX_OUTPUT_AXES: usize = 5;
/// Most reduction axes of an op.
pub const MAX_REDUCTION_AXES: usize = 3;
/// Most operands of an op.
pub const MAX_OPERANDS: usize = 6;
/// Most outputs of an op; operands and outputs together are at most 7, so that an op fits 8 storage buffers.
pub const MAX_OP_OUTPUTS: usize = 4;
/// Most terms of a view.
pub const MAX_TERMS: usize = 10;

/// Index of a tensor in [`Graph::tensors`].
pub type Slot = u16;

/// Element type in storage. Registers are 64-bit signed; there is no 64-bit storage and no float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Dtype {
    /// Signed 8 bits.
    I8 = 0,
    /// Unsigned 8 bits.
    U8 = 1,
    /// Signed 16 bits, little endian.
    I16 = 2,
    /// Signed 32 bits, little endian.
    I32 = 3,
}

impl Dtype {
    /// All element types.
    pub const ALL: [Self; 4] = [Self::I8, Self::U8, Self::I16, Self::I32];

    /// Short name, as in error messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::I32 => "i32",
        }
    }

    /// Bytes of one element.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
        }
    }

    /// Least and greatest value.
    pub const fn range(self) -> (i64, i64) {
        match self {
            Self::I8 => (i8::MIN as i64, i8::MAX as i64),
            Self::U8 => (0, u8::MAX as i64),
            Self::I16 => (i16::MIN as i64, i16::MAX as i64),
            Self::I32 => (i32::MIN as i64, i32::MAX as i64),
        }
    }

    /// The nearest value that the type holds.
    pub const fn saturate(self, value: i64) -> i64 {
        let (low, high) = self.range();
        if value < low {
            low
        } else if value > high {
            high
        } else {
            value
        }
    }

    /// Reads the element at `index` of little-endian `data`; `None` beyond its end.
    #[inline]
    pub fn read(self, data: &[u8], index: usize) -> Option<i64> {
        Some(match self {
            Self::I8 => i64::from(*data.get(index)? as i8),
            Self::U8 => i64::from(*data.get(index)?),
            Self::I16 => i64::from(i16::from_le_bytes(*data.get(index.checked_mul(2)?..)?.first_chunk()?)),
            Self::I32 => i64::from(i32::from_le_bytes(*data.get(index.checked_mul(4)?..)?.first_chunk()?)),
        })
    }

    /// Writes an already saturated `value` at `index` of `data`; `false` beyond its end.
    #[inline]
    pub fn write(self, data: &mut [u8], index: usize, value: i64) -> bool {
        let size = self.bytes() as usize;
        let target = index.checked_mul(size).and_then(|start| data.get_mut(start..)?.get_mut(..size));
        match target.zip(value.to_le_bytes().get(..size)) {
            Some((target, bytes)) => {
                target.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }
}

/// Where a tensor's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TensorKind {
    /// Given with each job, under its inputs root.
    Input = 0,
    /// Weights, biases, multipliers, tables: under the params root.
    Param = 1,
    /// Produced by exactly one op.
    Temp = 2,
}

impl TensorKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Input, Self::Param, Self::Temp];
}

/// A named size with its bounds; a job gives it a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Symbol {
    /// Least value, at least 1.
    pub min: u32,
    /// Greatest value.
    pub max: u32,
}

/// Length of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// Known from the graph alone.
    Const(u32),
    /// Index of a symbol.
    Symbol(u8),
}

/// One tensor; its slot is its index in the graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Where its values come from.
    pub kind: TensorKind,
    /// 1 to 6 axes, outermost first. Every dim is at least 1; fewer than 2^31 bytes.
    pub shape: Vec<Dim>,
}

/// One summand of a source coordinate: `coefficient * iteration[iteration_axis]` is added to coordinate `source_axis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// Axis of the view's shape.
    pub source_axis: u8,
    /// Axis of the iteration space: output axes first, then reduction axes.
    pub iteration_axis: u8,
    /// Never 0: an absent term is a broadcast.
    pub coefficient: i32,
}

/// What a view reads outside its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutOfBounds {
    /// Each coordinate is clamped into the shape.
    Clamp,
    /// If any coordinate lies outside, the value is this one.
    Pad(i32),
}

/// Affine access of an operand over the iteration space (output axes followed by reduction axes):
/// `coordinate[s] = offsets[s] + sum(coefficient * iteration)`, in 64 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The tensor that is read.
    pub slot: Slot,
    /// The tensor's elements seen in this shape, row-major; as many elements, and the same symbols, as its own.
    pub as_shape: Vec<Dim>,
    /// One offset for each axis of `as_shape`.
    pub offsets: Vec<i32>,
    /// Sorted by (source axis, iteration axis), each pair at most once.
    pub terms: Vec<Term>,
    /// What is read outside.
    pub out_of_bounds: OutOfBounds,
    /// The source axis whose coordinate comes from a register (clamped into the shape); it has no term and offset 0.
    /// Such a view is read by `LDG`, every other by `LDX`.
    pub indirect: Option<u8>,
}

/// What an op does over its reduction axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpKind {
    /// Sum of products of operands 0 and 1 (i8 x i8 or u8 x i8, either way round) in 32 bits that cannot wrap.
    /// The program is the epilogue: register 0 starts as the sum; operands from 2 on are read there.
    Contract = 0,
    /// No reduction axes. The program runs for each output point.
    Map = 1,
    /// Wrapping 64-bit sums of one lane: the prologue leaves the summand in register 0.
    /// The program is the epilogue: register 0 starts as the sum.
    Sum = 2,
    /// Two lanes: registers 0 and 1 both ways.
    SumPair = 3,
    /// Index of the greatest value that the prologue leaves in register 0; ties take the lowest index.
    /// The index counts the reduction axes row-major. The epilogue starts with the index in register 0, the value in 1.
    ArgMax = 4,
    /// As `ArgMax`, for the least value.
    ArgMin = 5,
}

impl OpKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Contract, Self::Map, Self::Sum, Self::SumPair, Self::ArgMax, Self::ArgMin];

    /// Whether a prologue runs for each point of the reduction axes.
    pub const fn has_prologue(self) -> bool {
        matches!(self, Self::Sum | Self::SumPair | Self::ArgMax | Self::ArgMin)
    }
}

/// One op. Its outputs all have the shape of its output axes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Op {
    /// What it computes.
    pub kind: OpKind,
    /// Tensors of kind Temp, 1 to 4, that no other op produces.
    pub outputs: Vec<Slot>,
    /// 1 to 5 axes.
    pub output_axes: Vec<Dim>,
    /// 0 to 3 axes; an empty list is one point. Map has none.
    pub reduction_axes: Vec<Dim>,
    /// At most 6; together with the outputs at most 7.
    pub operands: Vec<View>,
    /// Index of the program that runs for each reduction point; exactly for the Reduce kinds.
    pub prologue: Option<u16>,
    /// Index of the program that ends in `ST`s, one for each output.
    pub program: u16,
}

/// A whole graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Graph {
    /// At most 4.
    pub symbols: Vec<Symbol>,
    /// All tensors; the index is the slot.
    pub tensors: Vec<Tensor>,
    /// Programs that ops refer to.
    pub programs: Vec<Program>,
    /// Ops in topological order.
    pub ops: Vec<Op>,
    /// Strictly increasing op indices, each in `1..ops.len()`: a segment starts at each.
    pub cuts: Vec<u16>,
    /// Slots of the results: distinct Temps.
    pub outputs: Vec<Slot>,
}
