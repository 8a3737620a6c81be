//! The graph IR: a static list of integer ops over tensors.
//!
//! [`Graph`] is what is encoded, hashed and pinned by a job; its dims may be symbols. [`Graph::resolve`] fixes the
//! symbols, runs every static check and gives the [`ResolvedGraph`] that executors take.

mod bytecode;
mod check;
mod cost;
mod encoding;
mod error;
mod interval;
mod liveness;
mod placement;
mod resolve;
mod root;
mod types;
mod view;

pub use bytecode::{Instruction, MAX_CONSTANTS, MAX_LOOP_DEPTH, MAX_WORDS, Program, REGISTERS, Register};
pub use check::{Lint, MAX_STEPS, RULES, Report, Rule};
pub use cost::{Cost, MAX_COMPUTE_UNITS, MAX_UPLOAD_BYTES};
pub use encoding::{
    Header, HeaderCounts, MAGIC, MAX_GRAPH_BYTES, decode_op, decode_placed_tensor, decode_program, decode_tensor,
    opcode_name, word_of,
};
pub use error::{CheckError, DecodeError, GraphError, Site};
pub use interval::{Interval, OpIntervals, Wrap};
pub use liveness::{Effect, Flow, Liveness};
pub use placement::{NOWHERE, Placement};
pub use resolve::{BoundarySlot, ResolvedGraph, ResolvedOp, ResolvedTensor, SegmentRange};
pub(crate) use resolve::{resolve_dim, resolve_op};
pub use root::Descriptor;
pub use types::{
    Dim, Dtype, Graph, IR_VERSION, MAX_AXES, MAX_CUTS, MAX_OP_OUTPUTS, MAX_OPERANDS, MAX_OPS, MAX_OUTPUT_AXES,
    MAX_OUTPUTS, MAX_PROGRAMS, MAX_REDUCTION_AXES, MAX_SYMBOLS, MAX_TENSORS, MAX_TERMS, Op, OpKind, OutOfBounds, Slot,
    Symbol, Tensor, TensorKind, Term, View,
};
pub use view::{Access, ResolvedView};
