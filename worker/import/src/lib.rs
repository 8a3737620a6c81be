//! From a trained model (ONNX, or safetensors with a description of its architecture) to a verifiable integer graph:
//! parsing, calibration in floating point, quantisation, lowering, and a report of what was lost where.
//!
//! The stages hand each other one type each:
//!
//! 1. a file becomes a [`float::FloatGraph`]: few operators, shapes known up to symbols, weights as constants;
//! 2. [`calibrate`] runs that graph on examples and gives a [`calibrate::Calibration`]: the range, the distribution and
//!    the means of every value;
//! 3. [`quantise::build`] chooses integers for every value, lowers the graph to ops of the IR, and compares the two: a
//!    [`quantise::Built`] is the checked integer model, the description of its inputs and outputs, and the
//!    [`report::Report`].

pub mod architecture;
pub mod calibrate;
pub mod error;
pub mod float;
mod lower;
pub mod onnx;
pub mod quantise;
pub mod report;
mod simplify;
mod translate;

pub use error::ImportError;
pub use quantise::{Built, Options, QuantiseError, build};
pub use translate::SymbolBounds;

use float::FloatGraph;
use onnx::ModelProto;

/// What an import is told beside the model.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Bounds for each symbol of the model's inputs.
    pub symbols: Vec<SymbolBounds>,
    /// Where an output is a softmax, give what it is taken of: the order is the same, and more of it is left once
    /// quantised.
    pub drop_final_softmax: bool,
}

/// Reads an ONNX file and simplifies its graph.
///
/// # Errors
/// [`ImportError`]: what is wrong with the file, or not supported, and what would help.
pub fn import_onnx(bytes: &[u8], options: &ImportOptions) -> Result<FloatGraph, ImportError> {
    import_model(&onnx::parse(bytes)?, options)
}

/// Simplifies the graph of a model that was read already.
///
/// # Errors
/// As [`import_onnx`].
pub fn import_model(model: &ModelProto, options: &ImportOptions) -> Result<FloatGraph, ImportError> {
    let mut graph = translate::translate(model, &options.symbols)?;
    simplify::simplify(&mut graph)?;
    if options.drop_final_softmax {
        simplify::drop_final_softmax(&mut graph);
    }
    Ok(graph)
}

/// Translates a model's graph without simplifying it: one operation for each of the model's, for comparisons.
///
/// # Errors
/// As [`import_onnx`].
pub fn import_unsimplified(model: &ModelProto, symbols: &[SymbolBounds]) -> Result<FloatGraph, ImportError> {
    translate::translate(model, symbols)
}
