//! Building graphs of the IR: tensors, operands, programs, layers and cuts.
//!
//! [`GraphBuilder`] collects tensors and ops and ends in a checked [`Model`]: the graph with the values of its params.
//! Layers ([`GraphBuilder::linear`], [`GraphBuilder::conv2d`], …) cover what networks are made of; everything else is
//! an [`OpSpec`] of [`Operand`]s and a program from a [`ProgramBuilder`].
//!
//! ```
//! use assay_models::builder::{GraphBuilder, Requantization, Weights};
//! use referee::graph::{Dim, Dtype};
//!
//! # fn main() -> Result<(), assay_models::builder::BuildError> {
//! let mut graph = GraphBuilder::new();
//! let batch = graph.symbol("batch", 1, 64)?;
//! let input = graph.input("input", Dtype::U8, &[batch, Dim::Const(4)])?;
//! let weights = Weights { outputs: 2, inputs: 4, values: &[1, -2, 3, -4, 5, -6, 7, -8] };
//! // (sum + bias) * multiplier / 2^shift, saturated: here (sum + bias) / 2.
//! let requantization =
//!     Requantization { bias: &[10, -10], multiplier: &[1, 1], shift: 1, clamp: None, output: Dtype::I8 };
//! let scores = graph.linear("scores", &input, &weights, &requantization)?;
//! let class = graph.arg_max("class", &scores, Dtype::U8)?;
//! graph.output(&class);
//! let model = graph.build()?;
//! assert_eq!(model.slot("class"), Some(class.slot()));
//! # Ok(())
//! # }
//! ```

mod carried;
mod coordinate;
mod cuts;
mod error;
mod graph_builder;
mod layers;
mod model;
mod operand;
mod program;
mod registers;
mod tensor;

pub use coordinate::{Coordinate, axis, fixed};
pub use error::BuildError;
pub use graph_builder::{GraphBuilder, OpSpec};
pub use layers::{
    Activation, Addition, Attention, Convolution, Embedding, Normalization, Requantization, Rows, Weights, Window,
};
pub use model::Model;
pub use operand::Operand;
pub use program::{ProgramBuilder, Value};
pub use tensor::TensorHandle;
