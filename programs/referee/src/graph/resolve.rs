//! A graph at fixed symbol values: what executors, commitments and disputes work with.

use super::bytecode::Program;
use super::check;
use super::error::{CheckError, Site};
use super::placement::Placement;
use super::types::{Dim, Dtype, Graph, Op, OpKind, Slot, TensorKind, View};
use super::view::ResolvedView;
use crate::commit::{Hash, ListRole, TensorLayout, list_root, merkle_root, segment_hash};
use alloc::format;
use alloc::vec::Vec;

/// One tensor at its resolved shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedTensor {
    /// Element type.
    pub dtype: Dtype,
    /// Where its values come from.
    pub kind: TensorKind,
    /// Length of each axis, outermost first.
    pub dims: Vec<u32>,
    /// Its layout in leaves.
    pub layout: TensorLayout,
    /// Index of the op that produces it, and of the output there; none for inputs and params.
    pub producer: Option<(u16, u8)>,
    /// Its places in the trees of hashes.
    pub placement: Placement,
}

impl ResolvedTensor {
    /// Number of elements.
    pub fn elements(&self) -> u32 {
        self.dims.iter().fold(1u32, |product, dim| product.saturating_mul(*dim))
    }

    /// Bytes of its row-major little-endian values.
    pub fn bytes(&self) -> usize {
        self.elements() as usize * self.dtype.bytes() as usize
    }
}

/// One op at resolved axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedOp {
    /// What it computes.
    pub kind: OpKind,
    /// Slots of its outputs.
    pub outputs: Vec<Slot>,
    /// Lengths of the output axes: the shape of every output.
    pub output_dims: Vec<u32>,
    /// Lengths of the reduction axes.
    pub reduction_dims: Vec<u32>,
    /// Resolved views.
    pub operands: Vec<ResolvedView>,
    /// Index of the program that runs for each reduction point.
    pub prologue: Option<u16>,
    /// Index of the program that stores.
    pub program: u16,
}

impl ResolvedOp {
    /// Length of an iteration axis (output axes first, then reduction axes); `None` beyond the last.
    pub fn iteration_length(&self, axis: u8) -> Option<u32> {
        let axis = usize::from(axis);
        let reduction = || self.reduction_dims.get(axis.checked_sub(self.output_dims.len())?);
        self.output_dims.get(axis).or_else(reduction).copied()
    }

    /// Output elements of each output.
    pub fn output_elements(&self) -> u32 {
        self.output_dims.iter().fold(1u32, |product, dim| product.saturating_mul(*dim))
    }

    /// Points of the reduction axes; 1 when there are none.
    pub fn reduction_points(&self) -> u32 {
        self.reduction_dims.iter().fold(1u32, |product, dim| product.saturating_mul(*dim))
    }

    /// Points of the whole op: those of the reduction axes for each output element.
    pub fn points(&self) -> u64 {
        u64::from(self.output_elements()) * u64::from(self.reduction_points().max(1))
    }
}

/// The ops of one segment: `first..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentRange {
    /// Index of its first op.
    pub first: u16,
    /// Index after its last op.
    pub end: u16,
}

/// One entry of the boundary tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundarySlot {
    /// The tensor.
    pub slot: Slot,
    /// The segment that produces it.
    pub segment: u16,
}

/// A checked graph at fixed symbol values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedGraph {
    /// Root of the graph's descriptors; what a job pins.
    pub root: Hash,
    /// Value of each symbol.
    pub symbols: Vec<u32>,
    /// All tensors by slot.
    pub tensors: Vec<ResolvedTensor>,
    /// Programs by index.
    pub programs: Vec<Program>,
    /// Ops in topological order.
    pub ops: Vec<ResolvedOp>,
    /// Segments in order; at least one.
    pub segments: Vec<SegmentRange>,
    /// Slots of the results.
    pub outputs: Vec<Slot>,
    /// Tensors that a later segment reads, and outputs, each once, in producer order.
    pub boundary: Vec<BoundarySlot>,
}

impl Graph {
    /// Fixes the symbols and runs every static check at these values.
    ///
    /// # Errors
    /// The first broken rule, with where it lies and what to change.
    pub fn resolve(&self, symbols: &[u32]) -> Result<ResolvedGraph, CheckError> {
        check::structure(self)?;
        self.resolve_structured(symbols)
    }

    /// As [`resolve`](Self::resolve), for a graph whose structure is known to be sound.
    pub(super) fn resolve_structured(&self, symbols: &[u32]) -> Result<ResolvedGraph, CheckError> {
        if symbols.len() != self.symbols.len() {
            let reason = format!("{} symbol values given for {} symbols", symbols.len(), self.symbols.len());
            return Err(check::SYMBOL_COUNT.broken(Site::Graph, reason));
        }
        for (index, (value, symbol)) in symbols.iter().zip(&self.symbols).enumerate() {
            if *value < symbol.min || *value > symbol.max {
                let reason = format!("symbol {index} is {value}, outside {}..={}", symbol.min, symbol.max);
                return Err(check::SYMBOL_VALUE.broken(Site::Graph, reason));
            }
        }
        let tensors = self.resolve_tensors(symbols)?;
        let dtype = |slot: Slot| tensors.get(usize::from(slot)).map_or(Dtype::I8, |tensor| tensor.dtype);
        let ops: Vec<ResolvedOp> = self.ops.iter().map(|op| resolve_op(op.clone(), symbols, dtype)).collect();
        let segments = self.segment_ranges();
        let boundary = boundary(&tensors);
        let resolved = ResolvedGraph {
            root: self.root(),
            symbols: symbols.to_vec(),
            tensors,
            programs: self.programs.clone(),
            ops,
            segments,
            outputs: self.outputs.clone(),
            boundary,
        };
        check::sizes(&resolved)?;
        check::economy(&resolved)?;
        Ok(resolved)
    }

    fn resolve_tensors(&self, symbols: &[u32]) -> Result<Vec<ResolvedTensor>, CheckError> {
        self.tensors
            .iter()
            .zip(self.placements())
            .enumerate()
            .map(|(slot, (tensor, placement))| {
                let dims: Vec<u32> = tensor.shape.iter().map(|dim| resolve_dim(*dim, symbols)).collect();
                let size = u64::from(tensor.dtype.bytes());
                let bytes = dims.iter().fold(size, |product, dim| product.saturating_mul(u64::from(*dim)));
                if bytes >= 1 << 31 {
                    return Err(check::TENSOR_SIZE.broken(Site::Tensor(slot as Slot), format!("{bytes} bytes")));
                }
                let layout = TensorLayout::new(slot as Slot, tensor.dtype, tensor.kind, &dims);
                let producer = placement.producer();
                Ok(ResolvedTensor { dtype: tensor.dtype, kind: tensor.kind, dims, layout, producer, placement })
            })
            .collect()
    }

    fn segment_ranges(&self) -> Vec<SegmentRange> {
        let mut first = 0;
        let ends = self.cuts.iter().copied().chain([self.ops.len() as u16]);
        ends.map(|end| SegmentRange { first: core::mem::replace(&mut first, end), end }).collect()
    }
}

impl ResolvedGraph {
    /// The segment that the op belongs to.
    pub fn segment_of(&self, op: u16) -> u16 {
        segment_of(&self.segments, op)
    }

    /// Slots of one kind in slot order: what the params root and the inputs root are lists of.
    pub fn slots_of(&self, kind: TensorKind) -> Vec<Slot> {
        let of_kind = |(slot, tensor): (usize, &ResolvedTensor)| (tensor.kind == kind).then_some(slot as Slot);
        self.tensors.iter().enumerate().filter_map(of_kind).collect()
    }

    /// Every tensor that a segment produces, in (op, output) order.
    pub fn segment_slots(&self, segment: u16) -> Vec<Slot> {
        let Some(range) = self.segments.get(usize::from(segment)) else { return Vec::new() };
        let ops = self.ops.get(usize::from(range.first)..usize::from(range.end)).unwrap_or(&[]);
        ops.iter().flat_map(|op| op.outputs.iter().copied()).collect()
    }

    /// Position of a tensor in the boundary tree.
    pub fn boundary_position(&self, slot: Slot) -> Option<u16> {
        self.tensors.get(usize::from(slot))?.placement.boundary_position()
    }

    /// Root of the params or the inputs from the hashes of their tensors in slot order.
    pub fn tensors_root(role: ListRole, hashes: &[Hash]) -> Hash {
        list_root(role, hashes.len() as u32, &merkle_root(hashes))
    }

    /// Hash of a segment's trace from the hashes of its tensors in (op, output) order.
    pub fn segment_root(segment: u16, hashes: &[Hash]) -> Hash {
        segment_hash(u32::from(segment), hashes.len() as u32, &merkle_root(hashes))
    }
}

/// An op with its symbols fixed; `dtype` gives the element types of tensors.
pub(crate) fn resolve_op(op: Op, symbols: &[u32], dtype: impl Fn(Slot) -> Dtype) -> ResolvedOp {
    let dims = |dims: &[Dim]| dims.iter().map(|dim| resolve_dim(*dim, symbols)).collect();
    let view = |view: View| ResolvedView {
        slot: view.slot,
        dtype: dtype(view.slot),
        dims: dims(&view.as_shape),
        offsets: view.offsets,
        terms: view.terms,
        out_of_bounds: view.out_of_bounds,
        indirect: view.indirect,
    };
    ResolvedOp {
        kind: op.kind,
        outputs: op.outputs,
        output_dims: dims(&op.output_axes),
        reduction_dims: dims(&op.reduction_axes),
        operands: op.operands.into_iter().map(view).collect(),
        prologue: op.prologue,
        program: op.program,
    }
}

/// The length of an axis; 0, which no sound graph has, where there is no such symbol.
pub(crate) fn resolve_dim(dim: Dim, symbols: &[u32]) -> u32 {
    match dim {
        Dim::Const(value) => value,
        Dim::Symbol(index) => symbols.get(usize::from(index)).copied().unwrap_or(0),
    }
}

/// Segments lie in the order of their ops.
fn segment_of(segments: &[SegmentRange], op: u16) -> u16 {
    segments.partition_point(|segment| segment.end <= op) as u16
}

/// The tensors with a place in the boundary tree, in the order of their places.
fn boundary(tensors: &[ResolvedTensor]) -> Vec<BoundarySlot> {
    let entry = |(slot, tensor): (usize, &ResolvedTensor)| {
        let entry = BoundarySlot { slot: slot as Slot, segment: tensor.placement.segment };
        Some((tensor.placement.boundary_position()?, entry))
    };
    let mut entries: Vec<(u16, BoundarySlot)> = tensors.iter().enumerate().filter_map(entry).collect();
    entries.sort_unstable_by_key(|(position, _)| *position);
    entries.into_iter().map(|(_, entry)| entry).collect()
}
