//! A node of the file, with its attributes.

use crate::error::ImportError;
use crate::onnx::proto::{AttributeProto, NodeProto};

pub(super) struct Node<'a> {
    pub(super) proto: &'a NodeProto,
}

impl<'a> Node<'a> {
    pub(super) fn new(proto: &'a NodeProto) -> Self {
        Self { proto }
    }

    /// The node's name; where it has none, that of its first output.
    pub(super) fn name(&self) -> String {
        if self.proto.name.is_empty() {
            self.proto.output.first().cloned().unwrap_or_default()
        } else {
            self.proto.name.clone()
        }
    }

    pub(super) fn malformed(&self, reason: impl Into<String>) -> ImportError {
        ImportError::Node { node: self.name(), operator: self.proto.op_type.clone(), reason: reason.into() }
    }

    pub(super) fn unsupported(&self, remedy: &str) -> ImportError {
        let domain = match self.proto.domain.as_str() {
            "" => String::new(),
            domain => format!("{domain}."),
        };
        let operator = format!("{domain}{}", self.proto.op_type);
        ImportError::Unsupported { node: self.name(), operator, remedy: remedy.to_owned() }
    }

    pub(super) fn shape_error(&self, reason: impl Into<String>) -> ImportError {
        ImportError::Shape { node: self.name(), operator: self.proto.op_type.clone(), reason: reason.into() }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name).map(|attribute| attribute.i.unwrap_or_default())
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |attribute| attribute.f.unwrap_or_default())
    }

    pub(super) fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.attribute(name)
            .map(|attribute| String::from_utf8_lossy(attribute.s.as_deref().unwrap_or_default()).into_owned())
    }

    /// An axis that counts from the end if it is negative.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, ImportError> {
        let positive = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        let found = usize::try_from(positive).ok().filter(|&axis| axis < rank);
        found.ok_or_else(|| self.malformed(format!("there is no axis {axis} of {rank}")))
    }
}
