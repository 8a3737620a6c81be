//! Several ops at once, one batch after the other: what lies between them is never stored whole.
//!
//! The scores of an attention, their exponents and the sums of those are read by the next op alone, head by head. A strip
//! begins with a product of which both sides differ from batch to batch, and ends where nothing is left that only its own
//! ops read. Each thread keeps the tensors between them for one batch, so that they stay in its caches. Every op computes
//! what it computes alone: a run that keeps these tensors runs the ops one by one.

use super::gemm::{PackedRight, batch_axes};
use super::isa::Available;
use super::kernel::{BatchRun, Kernel};
use super::output::Output;
use super::parallel::Pool;
use super::scratch::Scratch;
use crate::TensorSet;
use referee::graph::{Dtype, OpKind, ResolvedGraph, ResolvedOp, ResolvedView, Slot, TensorKind, Term};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Ops that run together.
#[derive(Debug)]
pub(crate) struct Strip {
    ops: Range<usize>,
    members: Vec<Member>,
    batches: usize,
    /// What is kept of each tensor between the ops.
    inner: Vec<Inner>,
    /// Tensors that come from elsewhere.
    reads: Vec<Slot>,
    /// Tensors that are stored whole.
    writes: Vec<Slot>,
}

/// One op of a strip.
#[derive(Debug)]
struct Member {
    kernel: Kernel,
    operands: Vec<Place>,
    outputs: Vec<Place>,
}

/// Where a member finds or leaves a tensor.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the thread's memory.
    Inner(usize),
    /// Among what is given to the strip.
    Outer(usize),
}

/// One batch of a tensor between two ops.
#[derive(Clone, Copy, Debug)]
struct Inner {
    slot: Slot,
    dtype: Dtype,
    elements: usize,
}

/// What a thread keeps of one batch.
#[derive(Debug, Default)]
pub(crate) struct StripMemory {
    tensors: Vec<Vec<u8>>,
    packed: PackedRight,
}

/// What a strip runs with.
pub(crate) struct StripRun<'a> {
    pub(crate) isa: Available,
    pub(crate) pool: &'a Pool,
    pub(crate) scratches: &'a [Mutex<Scratch>],
    /// Bytes of each tensor of [`Strip::reads`].
    pub(crate) operands: &'a [&'a [u8]],
    /// As [`Strip::writes`].
    pub(crate) outputs: &'a [Output<'a>],
}

/// Most ops of a strip.
const MOST_OPS: usize = 8;

impl Strip {
    /// The longest strip that begins with op `first`, if one does that gives every thread something to do.
    pub(crate) fn new(
        graph: &ResolvedGraph,
        first: usize,
        params: &TensorSet,
        isa: Available,
        pool: &Pool,
        scratches: &[Mutex<Scratch>],
    ) -> Option<Self> {
        let leading = leading_batches(graph, graph.ops.get(first)?)?;
        let batches = leading.iter().map(|length| *length as usize).product::<usize>();
        if batches < if pool.threads() > 1 { 2 * pool.threads() } else { 2 } {
            return None;
        }
        let ends = ends(graph, first).into_iter().rev();
        let mut strips = ends.filter_map(|end| Self::of(graph, first..end, &leading));
        strips.find_map(|strip| strip.prepared(graph, &leading, params, isa, pool, scratches))
    }

    /// A strip of these ops without their kernels, if what lies between them is stored batch by batch.
    fn of(graph: &ResolvedGraph, ops: Range<usize>, leading: &[u32]) -> Option<Self> {
        let batches = leading.iter().map(|length| *length as usize).product::<usize>();
        let between = graph.ops[ops.start..ops.end - 1].iter().flat_map(|op| &op.outputs);
        let inner = between.map(|slot| {
            let tensor = &graph.tensors[usize::from(*slot)];
            let elements = tensor.elements() as usize / batches;
            tensor.dims.starts_with(leading).then_some(Inner { slot: *slot, dtype: tensor.dtype, elements })
        });
        let inner = inner.collect::<Option<_>>()?;
        Some(Self { ops, members: Vec::new(), batches, inner, reads: Vec::new(), writes: Vec::new() })
    }

    /// The strip with its kernels, if each of them can run batch by batch.
    fn prepared(
        mut self,
        graph: &ResolvedGraph,
        leading: &[u32],
        params: &TensorSet,
        isa: Available,
        pool: &Pool,
        scratches: &[Mutex<Scratch>],
    ) -> Option<Self> {
        let mut own_ops = Vec::new();
        for (at, op) in graph.ops[self.ops()].iter().enumerate() {
            let (own, axes) = self.one_batch(op, leading)?;
            let axes = if at == 0 { long_axes(leading) } else { axes? };
            let in_order = axes == long_axes(leading) && op.output_dims.starts_with(leading);
            if !in_order && op.outputs.iter().any(|slot| self.find(*slot).is_some()) {
                return None;
            }
            own_ops.push((own, axes, in_order));
        }
        for (whole, (own, axes, in_order)) in graph.ops[self.ops()].iter().zip(own_ops) {
            let kernel = Kernel::new(graph, &own, whole, params, isa, pool, scratches);
            let by_batch = match kernel.batch_axes() {
                Some(batches) => batches.into_iter().filter(|(_, length)| *length > 1).map(|(axis, _)| axis).eq(axes),
                None => in_order,
            };
            if !by_batch {
                return None;
            }
            let operands = own.operands.iter().map(|view| self.place(view.slot, false)).collect();
            let outputs = own.outputs.iter().map(|slot| self.place(*slot, true)).collect();
            self.members.push(Member { kernel, operands, outputs });
        }
        Some(self)
    }

    /// The ops that it runs.
    pub(crate) fn ops(&self) -> Range<usize> {
        self.ops.clone()
    }

    /// Tensors that it reads and does not produce.
    pub(crate) fn reads(&self) -> &[Slot] {
        &self.reads
    }

    /// Tensors that it stores.
    pub(crate) fn writes(&self) -> &[Slot] {
        &self.writes
    }

    /// Its kernels, in order.
    pub(crate) fn kernels(&self) -> impl Iterator<Item = &Kernel> {
        self.members.iter().map(|member| &member.kernel)
    }

    /// Bytes that a thread keeps.
    pub(crate) fn memory_bytes(&self) -> usize {
        let tensors: usize = self.inner.iter().map(Inner::bytes).sum();
        tensors + self.kernels().map(Kernel::packed_batch_bytes).max().unwrap_or(0)
    }

    /// Computes the ops.
    pub(crate) fn run(&self, run: StripRun<'_>) {
        let StripRun { isa, pool, scratches, operands, outputs } = run;
        pool.for_each(self.batches, true, |batch, thread| {
            let mut scratch = scratches[thread].lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = std::mem::take(&mut scratch.strip);
            memory.tensors.resize_with(memory.tensors.len().max(self.inner.len()), Vec::new);
            for (inner, tensor) in self.inner.iter().zip(&mut memory.tensors) {
                tensor.resize(tensor.len().max(inner.bytes()), 0);
            }
            for member in &self.members {
                self.run_member(member, isa, batch, (operands, outputs), &mut memory, &mut scratch);
            }
            scratch.strip = memory;
        });
    }

    fn run_member(
        &self,
        member: &Member,
        isa: Available,
        batch: usize,
        (operands, outputs): (&[&[u8]], &[Output<'_>]),
        memory: &mut StripMemory,
        scratch: &mut Scratch,
    ) {
        let StripMemory { tensors, packed } = memory;
        // what is written is taken out, so that the rest can be read
        let mut written: Vec<Vec<u8>> = member
            .outputs
            .iter()
            .map(|place| match *place {
                Place::Inner(at) => std::mem::take(&mut tensors[at]),
                Place::Outer(_) => Vec::new(),
            })
            .collect();
        let operands: Vec<&[u8]> = member
            .operands
            .iter()
            .map(|place| match *place {
                Place::Inner(at) => &tensors[at][..self.inner[at].bytes()],
                Place::Outer(at) => operands[at],
            })
            .collect();
        let parts: Vec<Output<'_>> = member
            .outputs
            .iter()
            .zip(&mut written)
            .map(|(place, bytes)| match *place {
                Place::Inner(at) => {
                    let inner = &self.inner[at];
                    Output::new(&mut bytes[..inner.bytes()], inner.dtype).starting_at(batch * inner.elements)
                }
                Place::Outer(at) => outputs[at],
            })
            .collect();
        let run = BatchRun { isa, batch, batches: self.batches, operands: &operands, outputs: &parts, scratch, packed };
        // SAFETY: no two calls at one time have the same batch, and what the thread keeps is its own.
        unsafe { member.kernel.run_batch(run) };
        for (place, bytes) in member.outputs.iter().zip(written) {
            if let Place::Inner(at) = *place {
                tensors[at] = bytes;
            }
        }
    }

    fn find(&self, slot: Slot) -> Option<usize> {
        self.inner.iter().position(|inner| inner.slot == slot)
    }

    fn place(&mut self, slot: Slot, written: bool) -> Place {
        if let Some(at) = self.find(slot) {
            return Place::Inner(at);
        }
        let outer = if written { &mut self.writes } else { &mut self.reads };
        let at = outer.iter().position(|known| *known == slot).unwrap_or_else(|| {
            outer.push(slot);
            outer.len() - 1
        });
        Place::Outer(at)
    }

    /// The op with views of one batch of what lies between the ops, and the iteration axes that the batches are on: none
    /// where it reads nothing of that. `None` if one of these views is not of one batch.
    fn one_batch(&self, op: &ResolvedOp, leading: &[u32]) -> Option<(ResolvedOp, Option<Vec<usize>>)> {
        let (mut own, mut axes) = (op.clone(), None);
        for view in own.operands.iter_mut().filter(|view| self.find(view.slot).is_some()) {
            let of_view = take_batch_axes(view, op, leading)?;
            if axes.as_ref().is_some_and(|axes| *axes != of_view) {
                return None;
            }
            axes = Some(of_view);
        }
        Some((own, axes))
    }
}

impl Inner {
    fn bytes(&self) -> usize {
        self.elements * self.dtype.bytes() as usize
    }
}

/// Lengths of the leading axes of a contraction's output, of which those that are longer than 1 are the batches of its
/// product; no side of it is a param.
fn leading_batches(graph: &ResolvedGraph, op: &ResolvedOp) -> Option<Vec<u32>> {
    let is_param = |view: &ResolvedView| graph.tensors[usize::from(view.slot)].kind == TensorKind::Param;
    if op.kind != OpKind::Contract || op.operands.iter().take(2).any(is_param) {
        return None;
    }
    let axes: Vec<usize> = batch_axes(op)?.into_iter().map(|(axis, _)| axis).collect();
    let leading = op.output_dims.get(..axes.last()? + 1)?;
    axes.iter().copied().filter(|axis| leading[*axis] > 1).eq(long_axes(leading)).then(|| leading.to_vec())
}

/// The axes that are longer than 1.
fn long_axes(lengths: &[u32]) -> Vec<usize> {
    (0..lengths.len()).filter(|axis| lengths[*axis] > 1).collect()
}

/// Where ops that begin with `first` can end so that nothing but them reads what all but the last of them produce.
fn ends(graph: &ResolvedGraph, first: usize) -> Vec<usize> {
    let last_reader = |slot: &Slot| {
        let reads = |op: &ResolvedOp| op.operands.iter().any(|view| view.slot == *slot);
        graph.ops.iter().rposition(reads)
    };
    let (mut ends, mut last) = (Vec::new(), first);
    for at in first..(first + MOST_OPS).min(graph.ops.len()) {
        if at > first && last <= at {
            ends.push(at + 1);
        }
        let outputs = &graph.ops[at].outputs;
        if outputs.iter().any(|slot| graph.boundary_position(*slot).is_some()) {
            break;
        }
        last = outputs.iter().filter_map(last_reader).fold(last, usize::max);
    }
    ends
}

/// Takes the terms of the leading axes out of a view, so that it reads one batch; the iteration axes that those longer than
/// 1 followed.
fn take_batch_axes(view: &mut ResolvedView, op: &ResolvedOp, leading: &[u32]) -> Option<Vec<usize>> {
    if !view.dims.starts_with(leading) || view.indirect.is_some_and(|axis| usize::from(axis) < leading.len()) {
        return None;
    }
    let mut axes = Vec::new();
    for (source, length) in leading.iter().enumerate() {
        let mut terms = view.terms.iter().filter(|term| usize::from(term.source_axis) == source);
        let plain = |term: &Term| term.coefficient == 1 && op.iteration_length(term.iteration_axis) == Some(*length);
        let followed = match (terms.next(), terms.next()) {
            (Some(term), None) if plain(term) => Some(usize::from(term.iteration_axis)),
            (None, None) if *length == 1 => None,
            _ => return None,
        };
        if view.offsets[source] != 0 {
            return None;
        }
        axes.extend(followed.filter(|_| *length > 1));
    }
    view.terms.retain(|term| usize::from(term.source_axis) >= leading.len());
    let apart = view.terms.iter().all(|term| !axes.contains(&usize::from(term.iteration_axis)));
    apart.then_some(axes)
}
