//! A loaded graph and its runs.

use super::buffers::BufferPlan;
use super::gemm::PackedRight;
use super::isa::Available;
use super::kernel::{Kernel, KernelRun};
use super::output::Output;
use super::parallel::Pool;
use super::scratch::Scratch;
use super::strip::{Strip, StripRun};
use crate::{Execution, Keep, KernelError, Model, TensorSet};
use referee::graph::{ResolvedGraph, ResolvedOp, Slot, TensorKind};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A graph that is ready to run.
#[derive(Debug)]
pub(crate) struct CpuModel {
    graph: Arc<ResolvedGraph>,
    params: TensorSet,
    /// One for each op.
    kernels: Vec<Kernel>,
    /// What a run that keeps the boundary alone runs, in order.
    units: Vec<Unit>,
    plan: BufferPlan,
    isa: Available,
    pool: Arc<Pool>,
    /// Memory of runs that are not running: as many as ever ran at once.
    idle: Mutex<Vec<Workspace>>,
    #[cfg(debug_assertions)]
    doom: crate::doom::Doom,
}

/// What runs at one time.
#[derive(Debug)]
enum Unit {
    Op(usize),
    Strip(Box<Strip>),
}

/// Memory of one run.
#[derive(Debug)]
struct Workspace {
    buffers: Vec<Vec<u8>>,
    scratches: Vec<Mutex<Scratch>>,
    packed: PackedRight,
}

/// Where the values of a tensor are during a run.
#[derive(Clone, Debug)]
enum Place<'a> {
    Nowhere,
    Given(&'a [u8]),
    /// To be returned.
    Kept(Arc<[u8]>),
    Buffer(usize, usize),
}

/// Memory that an op writes a tensor into.
enum Target {
    Kept(Arc<[u8]>),
    Buffer(usize, Vec<u8>, usize),
}

impl CpuModel {
    pub(crate) fn new(
        graph: Arc<ResolvedGraph>,
        params: &TensorSet,
        isa: Available,
        pool: Arc<Pool>,
    ) -> Result<Self, KernelError> {
        let mut own = TensorSet::new();
        for slot in graph.slots_of(TensorKind::Param) {
            own.insert(slot, Arc::clone(given(&graph, params, slot)?));
        }
        let scratches: Vec<Mutex<Scratch>> = (0..pool.threads()).map(|_| Mutex::default()).collect();
        let kernels: Vec<Kernel> = pool
            .install(|| graph.ops.iter().map(|op| Kernel::new(&graph, op, op, &own, isa, &pool, &scratches)).collect());
        let mut units = Vec::new();
        let mut next = 0;
        while next < graph.ops.len() {
            let strip = pool.install(|| Strip::new(&graph, next, &own, isa, &pool, &scratches));
            let (end, unit) = match strip {
                Some(strip) => (strip.ops().end, Unit::Strip(Box::new(strip))),
                None => (next + 1, Unit::Op(next)),
            };
            units.push(unit);
            next = end;
        }
        // what kernels have prepared in a form of their own is not kept twice
        let strips = units.iter().filter_map(|unit| match unit {
            Unit::Strip(strip) => Some(strip.kernels().zip(&graph.ops[strip.ops()])),
            Unit::Op(_) => None,
        });
        let kernels_of_ops: Vec<(&Kernel, &ResolvedOp)> =
            kernels.iter().zip(&graph.ops).chain(strips.flatten()).collect();
        own.retain(|slot, _| {
            kernels_of_ops.iter().any(|(kernel, op)| {
                let mut operands = op.operands.iter().enumerate();
                operands.any(|(operand, view)| view.slot == *slot && kernel.reads(operand))
            })
        });
        let slots: Vec<_> = units.iter().map(|unit| unit.slots(&graph)).collect();
        let plan = BufferPlan::new(&graph, &slots);
        Ok(Self {
            graph,
            params: own,
            kernels,
            units,
            plan,
            isa,
            pool,
            idle: Mutex::default(),
            #[cfg(debug_assertions)]
            doom: crate::doom::Doom::default(),
        })
    }

    /// The same, of a backend that can be made to fail.
    #[cfg(debug_assertions)]
    pub(super) fn with_doom(self, doom: crate::doom::Doom) -> Self {
        Self { doom, ..self }
    }

    fn workspace(&self) -> Workspace {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Workspace {
            buffers: self.plan.sizes.iter().map(|size| vec![0; *size]).collect(),
            scratches: (0..self.pool.threads()).map(|_| Mutex::default()).collect(),
            packed: PackedRight::default(),
        })
    }

    /// The tensors that a run of `ops` reads and does not produce; all inputs where it runs the whole graph.
    fn read_by(&self, ops: &Range<usize>) -> Vec<Slot> {
        let graph = &self.graph;
        let produced_here = |slot: Slot| {
            let producer = graph.tensors[usize::from(slot)].producer;
            producer.is_some_and(|(op, _)| ops.contains(&usize::from(op)))
        };
        let is_param = |slot: Slot| graph.tensors[usize::from(slot)].kind == TensorKind::Param;
        let views = graph.ops[ops.clone()].iter().flat_map(|op| &op.operands);
        let mut slots: Vec<Slot> =
            views.map(|view| view.slot).filter(|slot| !produced_here(*slot) && !is_param(*slot)).collect();
        if ops.len() == graph.ops.len() {
            slots.extend(graph.slots_of(TensorKind::Input));
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    fn target(&self, workspace: &mut Workspace, slot: Slot, keep: Keep) -> Target {
        let bytes = self.graph.tensors[usize::from(slot)].bytes();
        match self.plan.assigned[usize::from(slot)] {
            Some(buffer) if keep == Keep::Boundary => {
                Target::Buffer(buffer, std::mem::take(&mut workspace.buffers[buffer]), bytes)
            }
            _ => Target::Kept(std::iter::repeat_n(0, bytes).collect()),
        }
    }

    fn run_unit(&self, unit: &Unit, keep: Keep, places: &mut [Place<'_>], workspace: &mut Workspace) {
        let (reads, writes) = unit.slots(&self.graph);
        let mut targets: Vec<Target> = writes.iter().map(|slot| self.target(workspace, *slot, keep)).collect();
        let Workspace { buffers, scratches, packed } = workspace;
        let operands: Vec<&[u8]> = reads.iter().map(|slot| places[usize::from(*slot)].bytes(buffers)).collect();
        let outputs: Vec<Output<'_>> = targets
            .iter_mut()
            .zip(&writes)
            .map(|(target, slot)| Output::new(target.bytes(), self.graph.tensors[usize::from(*slot)].dtype))
            .collect();
        let (isa, pool, operands, outputs) = (self.isa, &*self.pool, &operands[..], &outputs[..]);
        match unit {
            Unit::Op(index) => {
                self.kernels[*index].run(KernelRun { isa, pool, scratches, operands, outputs, packed });
            }
            Unit::Strip(strip) => strip.run(StripRun { isa, pool, scratches, operands, outputs }),
        }
        for (target, slot) in targets.into_iter().zip(&writes) {
            places[usize::from(*slot)] = match target {
                Target::Kept(bytes) => Place::Kept(bytes),
                Target::Buffer(buffer, bytes, length) => {
                    buffers[buffer] = bytes;
                    Place::Buffer(buffer, length)
                }
            };
        }
    }
}

impl Model for CpuModel {
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError> {
        let started = Instant::now();
        let graph = &self.graph;
        let ops = match keep {
            Keep::Segment(segment) => match graph.segments.get(usize::from(segment)) {
                Some(range) => usize::from(range.first)..usize::from(range.end),
                None => 0..0,
            },
            _ => 0..graph.ops.len(),
        };
        let mut places = vec![Place::Nowhere; graph.tensors.len()];
        for (slot, bytes) in &self.params {
            places[usize::from(*slot)] = Place::Given(bytes);
        }
        for slot in self.read_by(&ops) {
            places[usize::from(slot)] = Place::Given(given(graph, inputs, slot)?);
        }
        let mut workspace = self.workspace();
        let (places, workspace) = self.pool.install(|| {
            let mut run = |unit: &Unit| {
                self.run_unit(unit, keep, &mut places, &mut workspace);
                #[cfg(debug_assertions)]
                assert!(!self.doom.strikes(), "the run fails in its middle, on purpose");
            };
            match keep {
                Keep::Boundary => self.units.iter().for_each(run),
                Keep::Everything | Keep::Segment(_) => ops.for_each(|index| run(&Unit::Op(index))),
            }
            (places, workspace)
        });
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        let kept = places.into_iter().enumerate().filter_map(|(slot, place)| match place {
            Place::Kept(bytes) => Some((slot as Slot, bytes)),
            _ => None,
        });
        Ok(Execution { tensors: kept.collect(), kernel_time: started.elapsed() })
    }

    fn working_bytes(&self) -> u64 {
        let kept: usize =
            self.graph.boundary.iter().map(|entry| self.graph.tensors[usize::from(entry.slot)].bytes()).sum();
        let buffers: usize = self.plan.sizes.iter().sum();
        let threads = self.pool.threads();
        let (mut packed, mut scratch, mut strip) = (0, 0, 0);
        for unit in &self.units {
            match unit {
                Unit::Op(index) => {
                    packed = packed.max(self.kernels[*index].packed_bytes());
                    scratch = scratch.max(self.kernels[*index].scratch_bytes(threads));
                }
                Unit::Strip(fused) => {
                    strip = strip.max(fused.memory_bytes());
                    scratch = fused.kernels().map(|kernel| kernel.scratch_bytes(1)).fold(scratch, usize::max);
                }
            }
        }
        (kept + buffers + packed + threads * (scratch + strip + Scratch::BYTES)) as u64
    }

    fn param_bytes(&self) -> u64 {
        let given: usize = self.params.values().map(|bytes| bytes.len()).sum();
        let prepared: usize = self.kernels.iter().map(Kernel::param_bytes).sum();
        let strips = self.units.iter().filter_map(|unit| match unit {
            Unit::Strip(strip) => Some(strip.kernels().map(Kernel::param_bytes).sum::<usize>()),
            Unit::Op(_) => None,
        });
        (given + prepared + strips.sum::<usize>()) as u64
    }
}

impl Unit {
    /// The tensors that it reads and those that it writes, in the order in which it takes them.
    fn slots(&self, graph: &ResolvedGraph) -> (Vec<Slot>, Vec<Slot>) {
        match self {
            Self::Op(index) => {
                let op: &ResolvedOp = &graph.ops[*index];
                (op.operands.iter().map(|view| view.slot).collect(), op.outputs.clone())
            }
            Self::Strip(strip) => (strip.reads().to_vec(), strip.writes().to_vec()),
        }
    }
}

impl Place<'_> {
    fn bytes<'b>(&'b self, buffers: &'b [Vec<u8>]) -> &'b [u8] {
        match self {
            Self::Nowhere => &[],
            Self::Given(bytes) => bytes,
            Self::Kept(bytes) => bytes,
            Self::Buffer(buffer, length) => &buffers[*buffer][..*length],
        }
    }
}

impl Target {
    fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::Kept(bytes) => Arc::make_mut(bytes),
            Self::Buffer(_, bytes, length) => &mut bytes[..*length],
        }
    }
}

/// The values given for a tensor, checked for their size.
fn given<'a>(graph: &ResolvedGraph, tensors: &'a TensorSet, slot: Slot) -> Result<&'a Arc<[u8]>, KernelError> {
    let bytes = tensors.get(&slot).ok_or(KernelError::Missing { slot })?;
    let expected = graph.tensors[usize::from(slot)].bytes();
    if bytes.len() != expected {
        return Err(KernelError::Size { slot, expected, given: bytes.len() });
    }
    Ok(bytes)
}
