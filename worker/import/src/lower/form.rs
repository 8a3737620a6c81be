//! A float value as integers.

use crate::quantise::scale::Scale;
use crate::quantise::views::Seen;
use assay_models::builder::{Coordinate, Operand, TensorHandle};
use referee::graph::Dim;

/// A tensor of integers that stands for a float value.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// The integers.
    pub tensor: TensorHandle,
    /// For each axis of the tensor, the axis of the value.
    pub order: Vec<usize>,
    /// What the integers stand for.
    pub scale: Scale,
}

impl Form {
    /// A tensor whose axes are the value's.
    pub(crate) fn natural(tensor: TensorHandle, scale: Scale) -> Self {
        let order = (0..tensor.shape().len()).collect();
        Self { tensor, order, scale }
    }

    /// The operand that reads, on each axis of the value, this coordinate.
    pub(crate) fn operand(&self, mut coordinate: impl FnMut(usize) -> Coordinate) -> Operand {
        Operand::new(&self.tensor, self.order.iter().map(|axis| coordinate(*axis)))
    }

    /// The length of each axis of the value.
    pub(crate) fn lengths(&self) -> Vec<Dim> {
        let mut lengths = vec![Dim::Const(1); self.order.len()];
        for (axis, dim) in self.order.iter().zip(self.tensor.shape()) {
            lengths[*axis] = *dim;
        }
        lengths
    }

    /// This form of a root as the form of a view of it.
    pub(crate) fn seen(&self, seen: &Seen) -> Self {
        let mut order = Vec::with_capacity(seen.axes.len());
        let mut shape = Vec::with_capacity(seen.axes.len());
        for (axis, _) in seen.axes.iter().enumerate().filter(|(_, root)| root.is_none()) {
            order.push(axis);
            shape.push(Dim::Const(1));
        }
        for (root_axis, dim) in self.order.iter().zip(self.tensor.shape()) {
            // an axis of the root that the view does not have is of length 1
            if let Some(axis) = seen.axis_of(*root_axis) {
                order.push(axis);
                shape.push(*dim);
            }
        }
        let scale = match &self.scale {
            Scale::Uniform(step) => Scale::Uniform(*step),
            Scale::Channels { axis, steps } => match seen.axis_of(*axis) {
                Some(axis) => Scale::Channels { axis, steps: steps.clone() },
                None => Scale::Uniform(steps.first().copied().unwrap_or(1.0)),
            },
        };
        Self { tensor: self.tensor.viewed(&shape), order, scale }
    }
}
