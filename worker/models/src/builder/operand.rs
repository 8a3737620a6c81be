//! Operands: how an op reads a tensor.

use super::coordinate::{Coordinate, axis};
use super::error::BuildError;
use super::tensor::TensorHandle;
use referee::graph::{Dim, OutOfBounds, Term, View};

/// A tensor with, for each axis of the shape that it is seen in, the coordinate that an op reads.
///
/// Identity, transposition, broadcast, slices, padding, windows and heads are all this one thing:
///
/// ```
/// use assay_models::builder::{GraphBuilder, Operand, axis, fixed};
/// use referee::graph::{Dim, Dtype};
///
/// # fn main() -> Result<(), assay_models::builder::BuildError> {
/// let mut graph = GraphBuilder::new();
/// let matrix = graph.input("matrix", Dtype::I8, &[Dim::Const(4), Dim::Const(6)])?;
/// // Over the iteration axes (row, column) of a 6 x 4 op:
/// let transposed = Operand::along(&matrix, &[1, 0]);
/// // The third row, for every row of the op:
/// let broadcast = Operand::new(&matrix, [fixed(2), axis(1)]);
/// // From row 1 and column 2 on:
/// let slice = Operand::new(&matrix, [axis(0) + 1, axis(1) + 2]);
/// // One row and column of zeros around it:
/// let padded = Operand::new(&matrix, [axis(0) - 1, axis(1) - 1]).padded(0);
/// # let _ = (transposed, broadcast, slice, padded);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    pub(super) tensor: TensorHandle,
    shape: Vec<Dim>,
    coordinates: Vec<Coordinate>,
    out_of_bounds: OutOfBounds,
    indirect: Option<usize>,
}

impl Operand {
    /// The tensor in its own shape; one coordinate for each of its axes. Reads outside are clamped.
    pub fn new(tensor: &TensorHandle, coordinates: impl IntoIterator<Item = Coordinate>) -> Self {
        Self::shaped(tensor, tensor.shape(), coordinates)
    }

    /// The tensor's elements, row-major, in another shape of as many elements and the same symbols.
    pub fn shaped(tensor: &TensorHandle, shape: &[Dim], coordinates: impl IntoIterator<Item = Coordinate>) -> Self {
        Self {
            tensor: tensor.clone(),
            shape: shape.to_vec(),
            coordinates: coordinates.into_iter().collect(),
            out_of_bounds: OutOfBounds::Clamp,
            indirect: None,
        }
    }

    /// The tensor with the iteration axis that each of its axes follows: a permutation, or a broadcast along the
    /// iteration axes that are left out.
    pub fn along(tensor: &TensorHandle, axes: &[usize]) -> Self {
        Self::new(tensor, axes.iter().map(|index| axis(*index)))
    }

    /// The tensor at the op's own output point: its axes are the first iteration axes.
    pub fn elementwise(tensor: &TensorHandle) -> Self {
        Self::new(tensor, (0..tensor.shape().len()).map(axis))
    }

    /// `[.., heads * width]` as `[.., heads, width]`, with the iteration axis that each axis of that follows.
    ///
    /// # Errors
    /// `M0105` if the innermost axis is not a constant multiple of `heads`.
    pub fn heads(tensor: &TensorHandle, heads: u32, axes: &[usize]) -> Result<Self, BuildError> {
        match tensor.shape().split_last() {
            Some((Dim::Const(width), leading)) if heads > 0 && width.is_multiple_of(heads) => {
                let shape = [leading, &[Dim::Const(heads), Dim::Const(width / heads)]].concat();
                Ok(Self::shaped(tensor, &shape, axes.iter().map(|index| axis(*index))))
            }
            _ => Err(BuildError::Shape {
                name: format!("view of tensor {}", tensor.slot()),
                reason: format!("{:?} has no innermost axis of constant length to split in {heads}", tensor.shape()),
            }),
        }
    }

    /// Reads outside the shape give this value. An operand of a product can be padded with 0 only.
    pub fn padded(mut self, value: i32) -> Self {
        self.out_of_bounds = OutOfBounds::Pad(value);
        self
    }

    /// The coordinate on this axis of the shape comes from a program's `gather`; the one given for it is not used.
    pub fn gathered(mut self, axis: usize) -> Self {
        self.indirect = Some(axis);
        if let Some(coordinate) = self.coordinates.get_mut(axis) {
            *coordinate = Coordinate::default();
        }
        self
    }

    /// The view of the IR.
    pub(super) fn view(&self) -> Result<View, BuildError> {
        let slot = self.tensor.slot();
        let refuse = |axis: usize, reason: &'static str| BuildError::Coordinate { slot, axis, reason };
        if self.coordinates.len() != self.shape.len() {
            return Err(refuse(self.coordinates.len(), "give exactly one coordinate for each axis of the shape"));
        }
        let mut offsets = Vec::with_capacity(self.shape.len());
        let mut terms = Vec::new();
        for (source, coordinate) in self.coordinates.iter().enumerate() {
            let source_axis = u8::try_from(source).map_err(|_| refuse(source, "a view has at most 6 axes"))?;
            let too_wide = |_| refuse(source, "an offset or coefficient does not fit 32 bits");
            offsets.push(i32::try_from(coordinate.offset).map_err(too_wide)?);
            for (iteration, coefficient) in &coordinate.coefficients {
                let coefficient = i32::try_from(*coefficient).map_err(too_wide)?;
                let iteration_axis =
                    u8::try_from(*iteration).map_err(|_| refuse(source, "an op has at most 8 iteration axes"))?;
                if coefficient != 0 {
                    terms.push(Term { source_axis, iteration_axis, coefficient });
                }
            }
        }
        let indirect = match self.indirect {
            Some(axis) if axis < self.shape.len() => u8::try_from(axis).ok(),
            Some(axis) => return Err(refuse(axis, "the gathered axis is not one of the shape")),
            None => None,
        };
        Ok(View { slot, as_shape: self.shape.clone(), offsets, terms, out_of_bounds: self.out_of_bounds, indirect })
    }
}
