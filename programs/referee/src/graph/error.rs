//! Why a graph is refused. Every refusal names where, why and what to do; codes are stable.

use super::types::Slot;
use alloc::string::String;
use core::fmt;

/// Where in a graph a fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// The graph as a whole: its header, symbols, cuts or outputs.
    Graph,
    /// A tensor.
    Tensor(Slot),
    /// A program.
    Program(u16),
    /// An instruction of a program that an op runs.
    Instruction {
        /// The op.
        op: u16,
        /// The program.
        program: u16,
        /// Index of the instruction in the program.
        at: u16,
    },
    /// An op.
    Op(u16),
    /// An operand of an op.
    Operand(u16, u8),
    /// An axis of an operand's view.
    OperandAxis(u16, u8, u8),
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Graph => write!(f, "graph"),
            Self::Tensor(slot) => write!(f, "tensor {slot}"),
            Self::Program(program) => write!(f, "program {program}"),
            Self::Instruction { op, program, at } => write!(f, "op {op}, program {program}, instruction {at}"),
            Self::Op(op) => write!(f, "op {op}"),
            Self::Operand(op, operand) => write!(f, "op {op}, operand {operand}"),
            Self::OperandAxis(op, operand, axis) => write!(f, "op {op}, operand {operand}, axis {axis}"),
        }
    }
}

/// The bytes are not the canonical encoding of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the byte at fault.
    pub offset: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "G0001 not a graph: {} at byte {}; encode it again with this version of the IR",
            self.reason, self.offset
        )
    }
}

/// A rule that a decoded graph breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError {
    /// Stable code, `G0101` and on; all are listed in `SPECIFICATION.md`.
    pub code: &'static str,
    /// Where.
    pub site: Site,
    /// What is wrong, with the numbers.
    pub reason: String,
    /// What to change.
    pub fix: &'static str,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.code, self.site, self.reason, self.fix)
    }
}

/// Why a graph cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// Malformed bytes.
    Decode(DecodeError),
    /// A broken rule.
    Check(CheckError),
}

impl From<DecodeError> for GraphError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<CheckError> for GraphError {
    fn from(error: CheckError) -> Self {
        Self::Check(error)
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Check(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DecodeError {}
impl core::error::Error for CheckError {}
impl core::error::Error for GraphError {}
