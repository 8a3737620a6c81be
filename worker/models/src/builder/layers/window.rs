//! Sliding windows over images.

use crate::builder::error::BuildError;
use crate::builder::tensor::TensorHandle;
use crate::builder::{Coordinate, axis};
use referee::graph::Dim;

/// How a window slides over the height and width of an image; each pair is (height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the window.
    pub size: [u32; 2],
    /// Pixels from one window to the next.
    pub stride: [u32; 2],
    /// Pixels around the image, on every side.
    pub padding: [u32; 2],
    /// Pixels from one tap of the window to the next; 1 is an ordinary window.
    pub dilation: [u32; 2],
}

impl Window {
    /// A square window that moves by one pixel, without padding.
    pub fn square(side: u32) -> Self {
        Self { size: [side; 2], stride: [1; 2], padding: [0; 2], dilation: [1; 2] }
    }

    /// The same window with this stride both ways.
    pub fn stride(self, stride: u32) -> Self {
        Self { stride: [stride; 2], ..self }
    }

    /// The same window with this padding on every side.
    pub fn padding(self, padding: u32) -> Self {
        Self { padding: [padding; 2], ..self }
    }

    /// The same window with this dilation both ways.
    pub fn dilation(self, dilation: u32) -> Self {
        Self { dilation: [dilation; 2], ..self }
    }

    /// Windows along one side: index 0 is the height, 1 the width. `None` if not even one fits.
    pub(super) fn places(&self, side: usize, length: u32) -> Option<u32> {
        let padded = u64::from(length) + 2 * u64::from(self.padding[side]);
        let (taps, stride) = (u64::from(self.size[side]), u64::from(self.stride[side]));
        let reach = taps.checked_sub(1)?.checked_mul(u64::from(self.dilation[side]))?.checked_add(1)?;
        let rest = padded.checked_sub(reach)?;
        u32::try_from(rest.checked_div(stride)? + 1).ok()
    }

    /// The pixel of the image under a tap: `place` and `tap` are coordinates of the iteration space.
    pub(super) fn pixel(&self, side: usize, place: usize, tap: Coordinate) -> Coordinate {
        axis(place) * i64::from(self.stride[side]) + tap * i64::from(self.dilation[side])
            - i64::from(self.padding[side])
    }
}

/// The parts of a `[batch, height, width, channels]` shape; the batch may be a symbol.
pub(super) struct Image {
    pub(super) batch: Dim,
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) channels: u32,
}

impl Image {
    pub(super) fn of(name: &str, tensor: &TensorHandle) -> Result<Self, BuildError> {
        match *tensor.shape() {
            [batch, Dim::Const(height), Dim::Const(width), Dim::Const(channels)] => {
                Ok(Self { batch, height, width, channels })
            }
            _ => Err(BuildError::Shape {
                name: name.into(),
                reason: format!(
                    "an image is [batch, height, width, channels], the last three constant; the input is {:?}",
                    tensor.shape()
                ),
            }),
        }
    }

    /// Shape of the windows' output with this many channels.
    pub(super) fn output_axes(&self, name: &str, window: &Window, channels: u32) -> Result<[Dim; 4], BuildError> {
        match (window.places(0, self.height), window.places(1, self.width)) {
            (Some(rows), Some(columns)) => {
                Ok([self.batch, Dim::Const(rows), Dim::Const(columns), Dim::Const(channels)])
            }
            _ => Err(BuildError::Shape {
                name: name.into(),
                reason: format!(
                    "{window:?} does not fit an image of {} x {}; give sizes and strides of at least 1 within it",
                    self.height, self.width
                ),
            }),
        }
    }
}
