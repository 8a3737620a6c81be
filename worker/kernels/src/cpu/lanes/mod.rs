//! Programs on many points at once: each register holds one value a lane, so that an instruction is decoded once for
//! up to [`LANES`] points and the compiler can turn its loop into vector instructions.

mod execute;
mod fold;
mod look_up;
mod looping;
mod narrow;
mod normal;
mod pointwise;
mod program;
mod rows;

pub(crate) use execute::{Batch, Registers};
pub(crate) use fold::Fold;
pub(crate) use look_up::LookUp;
pub(crate) use narrow::LineSum;
pub(crate) use normal::Normal;
pub(crate) use pointwise::{Pointwise, Presets};

/// Points of a batch.
pub(crate) const LANES: usize = 128;
