//! Why a float graph did not become an integer graph.

use crate::error::ImportError;
use assay_kernels::KernelError;
use assay_models::builder::BuildError;

impl From<BuildError> for QuantiseError {
    fn from(error: BuildError) -> Self {
        Self::Graph(Box::new(error))
    }
}

/// Why a float graph did not become an integer graph. The message begins with a stable code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantiseError {
    /// An operation, or a form of it, that has no lowering.
    #[error("I0301: node {node:?} ({operator}): {reason}; {remedy}")]
    Unsupported {
        /// Name of the node in the source.
        node: String,
        /// The operation.
        operator: String,
        /// What about it has no lowering.
        reason: String,
        /// What would help.
        remedy: String,
    },
    /// A value that calibration never saw, or saw only zeros or infinities of.
    #[error("I0302: value {value:?} has no usable range: {reason}; calibrate with examples that reach it")]
    Range {
        /// The value.
        value: String,
        /// What was seen.
        reason: String,
    },
    /// The integer graph of a node is refused.
    #[error("I0303: node {node:?} ({operator}): {source}")]
    Build {
        /// Name of the node in the source.
        node: String,
        /// The operation.
        operator: String,
        /// Why.
        source: Box<BuildError>,
    },
    /// The finished integer graph is refused.
    #[error("I0304: the integer graph: {0}")]
    Graph(Box<BuildError>),
    /// The float graph could not be run on an example.
    #[error(transparent)]
    Float(#[from] ImportError),
    /// The integer graph could not be run on an example.
    #[error("I0305: the integer graph could not be run on a calibration example: {0}")]
    Run(#[from] KernelError),
    /// Inputs that do not fit the model.
    #[error("I0306: input {input:?}: {reason}; give a tensor as the model's description says")]
    Input {
        /// Name of the input.
        input: String,
        /// What does not fit.
        reason: String,
    },
    /// Outputs that do not fit the model.
    #[error("I0307: output {output:?}: {reason}; is the result of another graph?")]
    Output {
        /// Name of the output.
        output: String,
        /// What does not fit.
        reason: String,
    },
    /// A setting out of its range.
    #[error("I0308: option {option}: {reason}")]
    Option {
        /// The setting.
        option: &'static str,
        /// What is wrong, and what is possible.
        reason: String,
    },
}

impl QuantiseError {
    /// The stable code, the first word of the message.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "I0301",
            Self::Range { .. } => "I0302",
            Self::Build { .. } => "I0303",
            Self::Graph(_) => "I0304",
            Self::Float(error) => error.code(),
            Self::Run(_) => "I0305",
            Self::Input { .. } => "I0306",
            Self::Output { .. } => "I0307",
            Self::Option { .. } => "I0308",
        }
    }
}
