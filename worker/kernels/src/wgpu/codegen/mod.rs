//! Code generation: one WGSL compute module for each op, a pure function of the resolved graph.
//!
//! Every module is integer only, reads and writes inside its buffers whatever the data, and masks every shift count that
//! is not a constant. Shapes, strides and constants are written into the source, so that equal sources are equal kernels.

mod address;
mod contract;
#[cfg(test)]
mod gate;
mod library;
mod lower;
mod map;
mod output;
mod pack;
mod program;
mod reduce;
mod shader;

pub(crate) use library::WideKind;
pub(crate) use pack::Packing;

use referee::graph::{Dtype, OpKind, Program, ResolvedGraph, ResolvedOp, Slot, TensorKind};

/// Which of the kernels that fit an op is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// By shape: tiles for large contractions, a workgroup for each word of long reductions, else a thread.
    #[default]
    Automatic,
    /// One thread for each output word, always.
    Threads,
    /// One workgroup for each output word of every op that reduces.
    Workgroups,
    /// Tiles for every contraction that has output axes of both sides.
    Tiles,
}

/// How modules are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CodegenOptions {
    pub wide: WideKind,
    pub strategy: Strategy,
    /// Turns of all loops of one thread after which the device stops looping; `None` if it never does.
    pub max_iterations: Option<u64>,
    /// Leaves the rounding out of `RoundShift`: what a broken device would do.
    #[cfg(test)]
    pub truncates: bool,
}

impl CodegenOptions {
    pub(crate) fn new(wide: WideKind, strategy: Strategy) -> Self {
        Self {
            wide,
            strategy,
            max_iterations: None,
            #[cfg(test)]
            truncates: false,
        }
    }

    fn truncates(self) -> bool {
        #[cfg(test)]
        return self.truncates;
        #[cfg(not(test))]
        false
    }
}

/// What a kernel reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A tensor as it is: row-major, little endian.
    Tensor(Slot),
    /// A repacked param.
    Packed(Packing),
}

/// One storage buffer of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Read only.
    Read(Read),
    /// The op's output with this index.
    Write(usize),
}

/// A generated kernel.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// The module; its entry point is `main`.
    pub source: String,
    /// Storage buffers of group 0, by binding.
    pub bindings: Vec<Binding>,
    /// Workgroups along x and y.
    pub grid: [u32; 2],
    /// Points that it visits: products, or runs of a program.
    pub work: u64,
    /// Turns of all loops of one thread, at most.
    pub iterations: u64,
}

/// Why no kernel can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodegenError {
    /// The op is one that the graph's checks refuse.
    Unchecked,
    /// No kernel keeps a thread's loops within the device's bound.
    Iterations {
        /// Turns that the shortest takes.
        needed: u64,
        /// Turns that the device allows.
        available: u64,
    },
}

/// An op with all that its kernel depends on.
pub(super) struct Job<'a> {
    pub graph: &'a ResolvedGraph,
    pub op: &'a ResolvedOp,
    pub options: CodegenOptions,
}

impl Job<'_> {
    fn program(&self) -> Result<&Program, CodegenError> {
        self.graph.programs.get(usize::from(self.op.program)).ok_or(CodegenError::Unchecked)
    }

    fn prologue(&self) -> Result<&Program, CodegenError> {
        let index = self.op.prologue.ok_or(CodegenError::Unchecked)?;
        self.graph.programs.get(usize::from(index)).ok_or(CodegenError::Unchecked)
    }

    /// Every operand read as the tensor that it is.
    fn tensor_operands(&self) -> Vec<Read> {
        self.op.operands.iter().map(|view| Read::Tensor(view.slot)).collect()
    }

    fn output_dtypes(&self) -> Result<Vec<Dtype>, CodegenError> {
        let dtype = |slot: &Slot| self.graph.tensors.get(usize::from(*slot)).map(|tensor| tensor.dtype);
        self.op.outputs.iter().map(|slot| dtype(slot).ok_or(CodegenError::Unchecked)).collect()
    }

    /// The first of these kernels whose loops the device runs to their end.
    fn first_within<G>(&self, generators: impl IntoIterator<Item = G>) -> Result<Kernel, CodegenError>
    where
        G: FnOnce(&Self) -> Result<Kernel, CodegenError>,
    {
        let mut shortest = u64::MAX;
        for generator in generators {
            let kernel = generator(self)?;
            match self.options.max_iterations {
                Some(available) if kernel.iterations > available => shortest = shortest.min(kernel.iterations),
                _ => return Ok(kernel),
            }
        }
        Err(CodegenError::Iterations { needed: shortest, available: self.options.max_iterations.unwrap_or(0) })
    }

    fn is_param(&self, slot: Slot) -> bool {
        self.graph.tensors.get(usize::from(slot)).is_some_and(|tensor| tensor.kind == TensorKind::Param)
    }
}

/// The kernel of one op of the graph.
pub(crate) fn kernel(graph: &ResolvedGraph, op: &ResolvedOp, options: CodegenOptions) -> Result<Kernel, CodegenError> {
    let job = Job { graph, op, options };
    match op.kind {
        OpKind::Map => map::kernel(&job),
        OpKind::Contract => contract::kernel(&job),
        OpKind::Sum | OpKind::SumPair | OpKind::ArgMax | OpKind::ArgMin => reduce::kernel(&job),
    }
}
