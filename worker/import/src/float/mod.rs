//! The float graph: what a model's file becomes, and what quantisation starts from.

pub mod execute;
pub mod graph;
pub mod op;
pub mod tensor;

pub use execute::{execute, execute_all};
pub use graph::{Extent, FloatGraph, FloatNode, FloatValue, Symbol, ValueId, ValueKind};
pub use op::{Activation, Comparison, FloatOp, OwnScale, PoolKind, ReduceKind, Window};
pub use tensor::{ElementType, Tensor, TensorData};
