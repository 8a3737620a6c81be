//! From a trained model (ONNX, or safetensors with a description of its architecture) to a verifiable integer graph:
//! parsing, calibration in floating point, quantisation, lowering, and a report of what was lost where.
//!
//! The stages hand each other one type each:
//!
//! 1. a file becomes a [`float::FloatGraph`]: few operators, shapes known up to symbols, weights as constants;
//! 2. [`calibrate`] runs that graph on examples and gives a [`calibrate::Calibration`]: the range, the distribution and
//!    the means of every value.

pub mod calibrate;
pub mod error;
pub mod float;

pub use error::ImportError;
