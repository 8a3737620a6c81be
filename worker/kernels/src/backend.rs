//! What every backend offers.

use referee::graph::{ResolvedGraph, Slot};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Values of tensors by slot: row-major, little endian, without padding.
pub type TensorSet = BTreeMap<Slot, Arc<[u8]>>;

/// Which tensors of a run are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those of the boundary tree, in which the outputs are: what a commitment needs.
    Boundary,
    /// Every tensor that any op produces.
    Everything,
    /// Every tensor that this segment produces; the boundary tensors of earlier segments are given as inputs.
    Segment(u16),
}

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The tensors that were to be kept.
    pub tensors: TensorSet,
    /// Time in kernels, uploads and downloads included.
    pub kernel_time: Duration,
}

/// A device that computes graphs.
pub trait Backend: Send + Sync + fmt::Debug {
    /// Short stable name: `cpu`, `wgpu`.
    fn name(&self) -> &'static str;

    /// What it runs on, for people: instruction set and threads, or adapter and driver.
    fn description(&self) -> String;

    /// Prepares a graph: packs params, plans buffers, compiles what must be compiled.
    ///
    /// # Errors
    /// Params that are missing or have the wrong size; a graph beyond the device's limits.
    fn load(&self, graph: Arc<ResolvedGraph>, params: &TensorSet) -> Result<Box<dyn Model>, KernelError>;

    /// Makes the device fail in the middle of its next run, as one does whose driver is reset; in development builds alone, for
    /// tests and drills. One that cannot be made to goes on as ever.
    #[cfg(debug_assertions)]
    fn lose_in_next_run(&self) {}
}

/// A graph that is ready to run; runs may be concurrent.
pub trait Model: Send + Sync {
    /// Runs one job. For [`Keep::Segment`], `inputs` also holds the tensors that the segment reads from earlier ones.
    ///
    /// # Errors
    /// Inputs that are missing or have the wrong size; a device that is lost or out of memory.
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError>;

    /// Bytes of memory that one run needs beside the params, planned ahead.
    fn working_bytes(&self) -> u64;

    /// Bytes of memory that the loaded params take.
    fn param_bytes(&self) -> u64;
}

/// Why a backend cannot do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// A tensor was not given.
    #[error("K0001 tensor {slot} is missing; give the values of every input and param")]
    Missing {
        /// Its slot.
        slot: Slot,
    },
    /// A tensor has the wrong number of bytes.
    #[error("K0002 tensor {slot} needs {expected} bytes, {given} were given; check its dtype and shape")]
    Size {
        /// Its slot.
        slot: Slot,
        /// Bytes that its shape asks for.
        expected: usize,
        /// Bytes given.
        given: usize,
    },
    /// The graph is beyond what the device can hold or bind.
    #[error(
        "K0003 the graph exceeds {limit} of {device}: {needed} > {available}; use another backend or split the graph"
    )]
    Limit {
        /// Which limit.
        limit: &'static str,
        /// Which device.
        device: String,
        /// What the graph needs.
        needed: u64,
        /// What there is.
        available: u64,
    },
    /// There is no such device.
    #[error("K0004 no adapter: {reason}; install a Vulkan, Metal or DirectX 12 driver, or use the cpu backend")]
    NoAdapter {
        /// What the driver said.
        reason: String,
    },
    /// The device failed its self-test and must not be used.
    #[error(
        "K0005 {device} is quarantined: {vector} differs from the scalar reference; use another backend and update the driver"
    )]
    Quarantined {
        /// Which device.
        device: String,
        /// The first vector that differed.
        vector: String,
    },
    /// The device was lost, ran out of memory, or refused a kernel.
    #[error("K0006 {device} failed: {reason}; the run can be repeated on another backend")]
    Device {
        /// Which device.
        device: String,
        /// What it said.
        reason: String,
    },
    /// The graph has no such segment.
    #[error("K0007 there is no segment {segment}, the graph has {segments}; segments count from 0")]
    Segment {
        /// The segment asked for.
        segment: u16,
        /// How many there are.
        segments: usize,
    },
}
