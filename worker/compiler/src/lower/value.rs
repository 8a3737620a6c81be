//! Typed values: scalars of WGSL on 64-bit nodes, and what is composed of them.

use crate::nodes::{Interval, NodeId, Nodes};

/// Type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    I32,
    U32,
    I64,
    U64,
}

impl Kind {
    /// What a value of the kind can be, as it stands in a register.
    pub(super) fn range(self) -> Interval {
        match self {
            Self::Bool => Interval::new(0, 1),
            Self::I32 => Interval::new(i32::MIN.into(), i32::MAX.into()),
            Self::U32 => Interval::new(0, u32::MAX.into()),
            // 64 unsigned bits stand in a register as they are.
            Self::I64 | Self::U64 => Interval::new(i64::MIN, i64::MAX),
        }
    }

    pub(super) fn bits(self) -> i64 {
        match self {
            Self::Bool => 1,
            Self::I32 | Self::U32 => 32,
            Self::I64 | Self::U64 => 64,
        }
    }

    pub(super) fn is_signed(self) -> bool {
        matches!(self, Self::I32 | Self::I64)
    }
}

/// A scalar. Of 32-bit kinds only the low 32 bits of the node count, so that wrapping waits until somebody needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub(super) kind: Kind,
    pub(super) node: NodeId,
}

/// A value of any type that kernels have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Scalar(Scalar),
    /// Vectors, arrays and structs.
    Composite(Vec<Tree>),
}

impl Tree {
    pub(super) fn scalar(kind: Kind, node: NodeId) -> Self {
        Self::Scalar(Scalar { kind, node })
    }

    /// Adds the scalars in order.
    pub(super) fn leaves(&self, leaves: &mut Vec<Scalar>) {
        match self {
            Self::Scalar(scalar) => leaves.push(*scalar),
            Self::Composite(parts) => parts.iter().for_each(|part| part.leaves(leaves)),
        }
    }

    /// A tree of this shape with other scalars.
    pub(super) fn map(&self, change: &mut impl FnMut(Scalar) -> Scalar) -> Self {
        match self {
            Self::Scalar(scalar) => Self::Scalar(change(*scalar)),
            Self::Composite(parts) => Self::Composite(parts.iter().map(|part| part.map(change)).collect()),
        }
    }

    /// One tree out of two of the same shape; a lone scalar goes with every one of the other.
    pub(super) fn zip<E>(
        &self,
        other: &Self,
        join: &mut impl FnMut(Scalar, Scalar) -> Result<Scalar, E>,
    ) -> Result<Self, E> {
        Ok(match (self, other) {
            (Self::Scalar(a), Self::Scalar(b)) => Self::Scalar(join(*a, *b)?),
            (Self::Composite(parts), Self::Scalar(_)) => {
                Self::Composite(parts.iter().map(|part| part.zip(other, join)).collect::<Result<_, _>>()?)
            }
            (Self::Scalar(_), Self::Composite(parts)) => {
                Self::Composite(parts.iter().map(|part| self.zip(part, join)).collect::<Result<_, _>>()?)
            }
            (Self::Composite(a), Self::Composite(b)) => {
                Self::Composite(a.iter().zip(b).map(|(a, b)| a.zip(b, join)).collect::<Result<_, _>>()?)
            }
        })
    }

    /// The part behind a path of indices.
    pub(super) fn part(&self, path: &[u32]) -> Option<&Self> {
        match (path.split_first(), self) {
            (None, _) => Some(self),
            (Some((first, rest)), Self::Composite(parts)) => parts.get(*first as usize)?.part(rest),
            (Some(_), Self::Scalar(_)) => None,
        }
    }

    pub(super) fn part_mut(&mut self, path: &[u32]) -> Option<&mut Self> {
        match (path.split_first(), self) {
            (None, tree) => Some(tree),
            (Some((first, rest)), Self::Composite(parts)) => parts.get_mut(*first as usize)?.part_mut(rest),
            (Some(_), Self::Scalar(_)) => None,
        }
    }
}

/// `condition ? accept : reject` for every scalar.
pub(super) fn select(nodes: &mut Nodes, condition: NodeId, accept: &Tree, reject: &Tree) -> Tree {
    let joined = accept.zip::<std::convert::Infallible>(reject, &mut |a, b| {
        Ok(Scalar { kind: a.kind, node: nodes.select(condition, a.node, b.node) })
    });
    let Ok(joined) = joined;
    joined
}
