//! Graphs made of some ops of another, whose operands are all given.

use crate::{Backend, Keep, KernelError, Model, TensorSet};
use referee::commit::TensorLayout;
use referee::graph::{
    BoundarySlot, Dtype, NOWHERE, Placement, Program, ResolvedGraph, ResolvedOp, ResolvedTensor, ResolvedView,
    SegmentRange, Slot, TensorKind,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A graph made of ops of another, by hand: no static check has seen it, only executors that are trusted with it do.
#[derive(Debug)]
pub struct ExcerptBuilder<'a> {
    from: &'a ResolvedGraph,
    tensors: Vec<ResolvedTensor>,
    programs: Vec<Program>,
    ops: Vec<ResolvedOp>,
    /// Where a tensor of the other graph lies in this one.
    places: BTreeMap<Slot, Slot>,
    /// What is given, by slots of the other graph.
    given: Vec<(Slot, Slot)>,
    /// What is returned, by the caller's names.
    results: Vec<(Slot, Slot)>,
}

/// A graph made of ops of another.
#[derive(Clone, Debug)]
pub struct Excerpt {
    graph: Arc<ResolvedGraph>,
    given: Vec<(Slot, Slot)>,
    results: Vec<(Slot, Slot)>,
}

impl<'a> ExcerptBuilder<'a> {
    /// An excerpt without ops.
    pub fn new(from: &'a ResolvedGraph) -> Self {
        let (tensors, programs, ops) = (Vec::new(), Vec::new(), Vec::new());
        Self { from, tensors, programs, ops, places: BTreeMap::new(), given: Vec::new(), results: Vec::new() }
    }

    /// Adds an op of the other graph as it is; results are named by its outputs' slots. Later ops that read these read
    /// what is computed here.
    pub fn op(&mut self, op: &ResolvedOp) {
        let program = self.program_of(op.program);
        let prologue = op.prologue.map(|index| self.program_of(index));
        self.op_with(op, prologue, program);
    }

    /// As [`op`](Self::op), with other programs.
    pub fn op_with(&mut self, op: &ResolvedOp, prologue: Option<Program>, program: Program) {
        let places = self.compute(op, prologue, program, |builder, slot| builder.tensor_of(slot).dtype);
        for (slot, place) in op.outputs.iter().zip(places) {
            self.places.insert(*slot, place);
        }
    }

    /// As [`op_with`](Self::op_with), but later ops that read the outputs read what is given for them.
    pub fn op_apart(&mut self, op: &ResolvedOp, prologue: Option<Program>, program: Program) {
        self.compute(op, prologue, program, |builder, slot| builder.tensor_of(slot).dtype);
    }

    /// As [`op_apart`](Self::op_apart), with the op's own programs.
    pub fn op_alone(&mut self, op: &ResolvedOp) {
        let program = self.program_of(op.program);
        let prologue = op.prologue.map(|index| self.program_of(index));
        self.op_apart(op, prologue, program);
    }

    /// Adds the sums of a contraction: one output of 32 bits, named by the op's first output.
    pub fn sums(&mut self, op: &ResolvedOp) {
        use referee::graph::Instruction::Store;
        let sums = ResolvedOp { outputs: op.outputs[..1].to_vec(), operands: op.operands[..2].to_vec(), ..op.clone() };
        let store = Program { constants: Vec::new(), code: vec![Store { output: 0, a: 0 }] };
        self.compute(&sums, None, store, |_, _| Dtype::I32);
    }

    /// A tensor that is given and is none of the other graph: `key` names it, as no tensor of that graph may.
    pub fn extra(&mut self, key: Slot, dtype: Dtype, dims: Vec<u32>) -> Slot {
        let place = self.tensor(dtype, TensorKind::Input, dims, None);
        self.given.push((key, place));
        place
    }

    /// Adds an op whose views already name places in this excerpt or, by [`place`](Self::place), get them.
    pub fn placed_op(&mut self, mut op: ResolvedOp, program: Program, names: &[Slot]) {
        self.programs.push(program);
        op.program = (self.programs.len() - 1) as u16;
        op.prologue = None;
        let index = self.ops.len() as u16;
        let outputs: Vec<Slot> = names
            .iter()
            .enumerate()
            .map(|(output, name)| {
                let dtype = self.tensor_of(*name).dtype;
                let producer = Some((index, output as u8));
                let place = self.tensor(dtype, TensorKind::Temp, op.output_dims.clone(), producer);
                self.results.push((*name, place));
                place
            })
            .collect();
        op.outputs = outputs;
        self.ops.push(op);
    }

    /// Where a tensor of the other graph lies here; one that is not computed here becomes one that is given.
    pub fn place(&mut self, slot: Slot) -> Slot {
        if let Some(place) = self.places.get(&slot) {
            return *place;
        }
        let ResolvedTensor { dtype, dims, .. } = self.tensor_of(slot).clone();
        let place = self.tensor(dtype, TensorKind::Input, dims, None);
        self.places.insert(slot, place);
        self.given.push((slot, place));
        place
    }

    /// The excerpt; `None` if no op was added.
    pub fn build(mut self) -> Option<Excerpt> {
        let end = u16::try_from(self.ops.len()).ok().filter(|ops| *ops > 0)?;
        // Everything is returned, so everything stands in the boundary.
        for (position, (_, place)) in self.results.iter().enumerate() {
            self.tensors[usize::from(*place)].placement.boundary = position as u16;
        }
        let boundary = self.results.iter().map(|(_, place)| BoundarySlot { slot: *place, segment: 0 }).collect();
        let graph = ResolvedGraph {
            tensors: self.tensors,
            programs: self.programs,
            ops: self.ops,
            segments: vec![SegmentRange { first: 0, end }],
            outputs: self.results.iter().map(|(_, place)| *place).collect(),
            boundary,
            ..self.from.clone()
        };
        Some(Excerpt { graph: Arc::new(graph), given: self.given, results: self.results })
    }

    fn compute(
        &mut self,
        op: &ResolvedOp,
        prologue: Option<Program>,
        program: Program,
        dtype: impl Fn(&Self, Slot) -> Dtype,
    ) -> Vec<Slot> {
        let operands = op.operands.iter().map(|view| self.view(view)).collect();
        let prologue = prologue.map(|prologue| self.push_program(prologue));
        let program = self.push_program(program);
        let index = self.ops.len() as u16;
        let mut places = Vec::new();
        for (output, slot) in op.outputs.iter().enumerate() {
            let dtype = dtype(self, *slot);
            let place = self.tensor(dtype, TensorKind::Temp, op.output_dims.clone(), Some((index, output as u8)));
            self.results.push((*slot, place));
            places.push(place);
        }
        self.ops.push(ResolvedOp { outputs: places.clone(), operands, prologue, program, ..op.clone() });
        places
    }

    /// The view, at the place of its tensor.
    pub fn view(&mut self, view: &ResolvedView) -> ResolvedView {
        ResolvedView { slot: self.place(view.slot), ..view.clone() }
    }

    fn tensor_of(&self, slot: Slot) -> &'a ResolvedTensor {
        &self.from.tensors[usize::from(slot)]
    }

    fn program_of(&self, index: u16) -> Program {
        self.from.programs.get(usize::from(index)).cloned().unwrap_or_default()
    }

    fn push_program(&mut self, program: Program) -> u16 {
        self.programs.push(program);
        (self.programs.len() - 1) as u16
    }

    fn tensor(&mut self, dtype: Dtype, kind: TensorKind, dims: Vec<u32>, producer: Option<(u16, u8)>) -> Slot {
        let slot = self.tensors.len() as Slot;
        let layout = TensorLayout::new(slot, dtype, kind, &dims);
        // Nobody opens anything of an excerpt; `build` sets what executors ask for.
        let placement = Placement {
            op: producer.map_or(NOWHERE, |(op, _)| op),
            output: producer.map_or(0, |(_, output)| output),
            segment: NOWHERE,
            position: 0,
            count: 0,
            boundary: NOWHERE,
        };
        self.tensors.push(ResolvedTensor { dtype, kind, dims, layout, producer, placement });
        slot
    }
}

impl Excerpt {
    /// The graph that runs.
    pub fn graph(&self) -> &Arc<ResolvedGraph> {
        &self.graph
    }

    /// Slots of the other graph, and names of extras, that [`run`](Self::run) needs.
    pub fn reads(&self) -> impl Iterator<Item = Slot> + '_ {
        self.given.iter().map(|(slot, _)| *slot)
    }

    /// Loads the excerpt, to be run more than once.
    ///
    /// # Errors
    /// The backend cannot hold it.
    pub fn load(&self, backend: &dyn Backend) -> Result<LoadedExcerpt, KernelError> {
        let model = backend.load(Arc::clone(&self.graph), &TensorSet::new())?;
        Ok(LoadedExcerpt { excerpt: self.clone(), model })
    }

    /// Runs the excerpt on tensors by the slots of the other graph, and returns the results by their names.
    ///
    /// # Errors
    /// A tensor that is missing or has the wrong size; a backend that fails.
    pub fn run<'t>(
        &self,
        backend: &dyn Backend,
        tensor: impl Fn(Slot) -> Option<&'t Arc<[u8]>>,
    ) -> Result<TensorSet, KernelError> {
        self.load(backend)?.run(tensor)
    }
}

/// An excerpt that is ready to run.
pub struct LoadedExcerpt {
    excerpt: Excerpt,
    model: Box<dyn Model>,
}

impl LoadedExcerpt {
    /// As [`Excerpt::run`].
    ///
    /// # Errors
    /// As [`Excerpt::run`].
    pub fn run<'t>(&self, tensor: impl Fn(Slot) -> Option<&'t Arc<[u8]>>) -> Result<TensorSet, KernelError> {
        let Excerpt { graph, given, results } = &self.excerpt;
        let mut inputs = TensorSet::new();
        for (slot, place) in given {
            let bytes = tensor(*slot).ok_or(KernelError::Missing { slot: *slot })?;
            let expected = graph.tensors[usize::from(*place)].bytes();
            if bytes.len() != expected {
                return Err(KernelError::Size { slot: *slot, expected, given: bytes.len() });
            }
            inputs.insert(*place, Arc::clone(bytes));
        }
        let mut run = self.model.run(&inputs, Keep::Boundary)?.tensors;
        results
            .iter()
            .map(|(slot, place)| Ok((*slot, run.remove(place).ok_or(KernelError::Missing { slot: *slot })?)))
            .collect()
    }
}

impl fmt::Debug for LoadedExcerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedExcerpt").field("excerpt", &self.excerpt).finish_non_exhaustive()
    }
}
