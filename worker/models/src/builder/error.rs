//! Why a graph cannot be built.

use referee::graph::{CheckError, Dtype};

/// Why a graph cannot be built. Codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A list of the graph is full.
    #[error("M0101 {name}: a graph holds at most {most} {what}; split the model")]
    Limit {
        /// What was to be added.
        name: String,
        /// What there would be too many of.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Two tensors, or two symbols, of one name.
    #[error("M0102 the name {name} is taken; give every tensor and symbol its own")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A param, or a part of a layer, with the wrong number of values.
    #[error("M0103 {name}: {expected} values are needed, {given} were given; check the shape")]
    Length {
        /// Which values.
        name: String,
        /// Values that the shape asks for.
        expected: u64,
        /// Values given.
        given: u64,
    },
    /// A param's value that its element type does not hold.
    #[error("M0104 {name}: value {value} at index {index} does not fit {dtype:?}; quantise it again or widen the type")]
    Value {
        /// The param.
        name: String,
        /// Row-major index.
        index: usize,
        /// The value.
        value: i64,
        /// The param's element type.
        dtype: Dtype,
    },
    /// Shapes that do not go together.
    #[error("M0105 {name}: {reason}")]
    Shape {
        /// The op.
        name: String,
        /// What does not fit, with the numbers, and what would.
        reason: String,
    },
    /// A coordinate that no view can hold.
    #[error("M0106 view of tensor {slot}, axis {axis}: {reason}")]
    Coordinate {
        /// The tensor's slot.
        slot: u16,
        /// Axis of the view's shape.
        axis: usize,
        /// What is wrong, and what is possible.
        reason: &'static str,
    },
    /// A program that the machine cannot hold.
    #[error("M0107 {name}: program with {reason}; split the op in two")]
    Program {
        /// The op.
        name: String,
        /// What there is too much of.
        reason: String,
    },
    /// A value or tensor handle of another builder.
    #[error("M0108 {name}: uses a {what} that this builder did not make; use the handles that its own methods return")]
    Foreign {
        /// The op.
        name: String,
        /// `value` or `tensor`.
        what: &'static str,
    },
    /// A quantisation setting outside its range.
    #[error("M0109 {name}: {reason}")]
    Quantisation {
        /// The op.
        name: String,
        /// What is wrong, and what is possible.
        reason: String,
    },
    /// The finished graph breaks a rule of the IR.
    #[error("M0110 {name}: the graph is refused: {error}")]
    Refused {
        /// Name of the op or tensor at fault; `graph` for the whole.
        name: String,
        /// The rule.
        error: CheckError,
    },
}
