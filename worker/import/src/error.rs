//! Everything that can go wrong between a model's file and its normalised graph, each with a stable code.

use std::path::PathBuf;

/// Why a model was not imported.
///
/// The message begins with the [code](ImportError::code), says what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is described by its message; its fields are the values in it")]
pub enum ImportError {
    #[error("I0101: the file is not an ONNX model: {reason}; export it again, and check that it arrived whole")]
    Malformed { reason: String },

    #[error(
        "I0102: the model uses opset {found} of ai.onnx; opsets 11 to 21 are read: export it again with one of these"
    )]
    Opset { found: i64 },

    #[error("I0103: tensor {tensor} is stored outside of the file, in {location:?}; save the model as one file")]
    ExternalData { tensor: String, location: String },

    #[error("I0104: tensor {tensor}: {reason}; export the model again")]
    Tensor { tensor: String, reason: String },

    #[error("I0105: cannot read {}: {source}; check the path and its permissions", .path.display())]
    Read { path: PathBuf, source: std::io::Error },

    #[error("I0106: the model is too large: {what} is {found}, at most {limit} are read")]
    TooLarge { what: String, found: u64, limit: u64 },

    #[error(
        "I0110: node {node:?}: value {value:?} is read before anything computes it; the nodes must be in topological order"
    )]
    Undefined { node: String, value: String },

    #[error("I0111: node {node:?} ({operator}) is malformed: {reason}; export the model again")]
    Node { node: String, operator: String, reason: String },

    #[error("I0112: node {node:?}: operator {operator} is not supported: {remedy}")]
    Unsupported { node: String, operator: String, remedy: String },

    #[error(
        "I0120: the shape of {value:?} has the symbol {symbol:?}, which has no bounds; give them, as in `--symbol {symbol}=1..8`"
    )]
    UnboundSymbol { value: String, symbol: String },

    #[error("I0121: symbol {symbol:?}: {reason}; give bounds as in `batch=1..8`, or one value as in `batch=1`")]
    Symbol { symbol: String, reason: String },

    #[error("I0122: node {node:?} ({operator}): {reason}; give the symbols single values, as in `--symbol batch=1`")]
    Shape { node: String, operator: String, reason: String },

    #[error("I0130: the architecture description is not understood: {reason}")]
    Architecture { reason: String },

    #[error("I0131: the weights' file is not safetensors: {reason}; check that it arrived whole")]
    Safetensors { reason: String },

    #[error("I0132: the weights' file has no tensor {name:?} of shape {shape:?}; {found}")]
    MissingTensor { name: String, shape: Vec<usize>, found: String },

    #[error("I0140: input {input:?}: {reason}; give a tensor of the type and shape that the model declares")]
    Input { input: String, reason: String },

    #[error("I0141: the calibration data are not understood: {reason}")]
    Data { reason: String },

    #[error("I0142: node {node:?} could not be computed: {reason}")]
    Execution { node: String, reason: String },

    #[error("I0143: the float reference refuses the model: {reason}")]
    Reference { reason: String },
}

impl ImportError {
    /// The stable code, the first word of the message.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "I0101",
            Self::Opset { .. } => "I0102",
            Self::ExternalData { .. } => "I0103",
            Self::Tensor { .. } => "I0104",
            Self::Read { .. } => "I0105",
            Self::TooLarge { .. } => "I0106",
            Self::Undefined { .. } => "I0110",
            Self::Node { .. } => "I0111",
            Self::Unsupported { .. } => "I0112",
            Self::UnboundSymbol { .. } => "I0120",
            Self::Symbol { .. } => "I0121",
            Self::Shape { .. } => "I0122",
            Self::Architecture { .. } => "I0130",
            Self::Safetensors { .. } => "I0131",
            Self::MissingTensor { .. } => "I0132",
            Self::Input { .. } => "I0140",
            Self::Data { .. } => "I0141",
            Self::Execution { .. } => "I0142",
            Self::Reference { .. } => "I0143",
        }
    }
}
