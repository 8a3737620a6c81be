//! Resize by whole factors, to the nearest element: every element stands several times beside itself.

use super::Translator;
use super::arithmetic::{optional, required};
use super::node::Node;
use super::size::Size;
use crate::error::ImportError;
use crate::float::{Extent, ValueId};

/// Most times that an element is repeated along an axis.
const MAXIMUM_FACTOR: i64 = 64;

impl Translator {
    pub(super) fn resize(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let mode = node.text("mode").unwrap_or_else(|| "nearest".to_owned());
        if mode != "nearest" {
            return Err(node.unsupported("only the mode `nearest` is supported; write others as a ConvTranspose"));
        }
        let factors = self.factors(node, inputs, x)?;
        self.check_rounding(node, &factors)?;
        let mut result = x;
        for (axis, factor) in factors.into_iter().enumerate().filter(|(_, factor)| *factor > 1) {
            let old = self.shape(result).to_vec();
            let (mut inner, mut repeated, mut whole) = (old.clone(), old.clone(), old.clone());
            inner.insert(axis + 1, Extent::Known(1));
            repeated.insert(axis + 1, Extent::Known(factor as u32));
            let length = Size::of(old[axis]).times(&Size::known(factor));
            let length = length.ok_or_else(|| node.shape_error("the shape is too large"))?;
            whole[axis] = self.extent(node, &length)?;
            result = self.with_shape(node, result, &inner)?;
            result = self.broadcast_to(node, result, &repeated)?;
            result = self.with_shape(node, result, &whole)?;
        }
        Ok(result)
    }

    /// The factor of each axis, from `scales` or from `sizes`.
    fn factors(&self, node: &Node<'_>, inputs: &[Option<ValueId>], x: ValueId) -> Result<Vec<i64>, ImportError> {
        let shape = self.shape(x);
        let refuse = || {
            node.unsupported(
                "only whole factors from 1 to 64, known when the model is read, for each of its axes are supported",
            )
        };
        if node.attribute("axes").is_some() {
            return Err(refuse());
        }
        let whole = |factor: f64| {
            let is_whole = factor.fract() == 0.0 && (1.0..=MAXIMUM_FACTOR as f64).contains(&factor);
            is_whole.then_some(factor as i64).ok_or_else(refuse)
        };
        // Upsample, and Resize before opset 11, have the scales second; an empty tensor stands for a missing one.
        let scales = [2, 1].into_iter().filter_map(|index| {
            let id = optional(inputs, index).filter(|_| index == 2 || inputs.len() == 2)?;
            self.graph.constant_floats(id).filter(|scales| !scales.is_empty())
        });
        let scales: Option<Vec<f32>> = scales.map(<[f32]>::to_vec).next();
        if let Some(scales) = scales {
            if scales.len() != shape.len() {
                return Err(refuse());
            }
            return scales.into_iter().map(|scale| whole(f64::from(scale))).collect();
        }
        let sizes = optional(inputs, 3).and_then(|id| self.content(id)).ok_or_else(refuse)?.elements;
        if sizes.len() != shape.len() {
            return Err(refuse());
        }
        let factor = |(size, extent): (&Option<Size>, &Extent)| {
            let size = size.as_ref().ok_or_else(refuse)?;
            let factor = size.over(&Size::of(*extent)).and_then(|factor| factor.value()).ok_or_else(refuse)?;
            whole(factor as f64)
        };
        sizes.iter().zip(shape).map(factor).collect()
    }

    /// Refuses ways to round under which an element of the result is not the one that its place divided by the factor gives.
    fn check_rounding(&self, node: &Node<'_>, factors: &[i64]) -> Result<(), ImportError> {
        let transform = node.text("coordinate_transformation_mode").unwrap_or_else(|| "half_pixel".to_owned());
        let rounding = node.text("nearest_mode").unwrap_or_else(|| "round_prefer_floor".to_owned());
        let upsample = node.proto.op_type == "Upsample";
        // The source of place p under a factor f: p / f rounded down, or (p + 1/2) / f - 1/2 to the nearest, which never is a tie
        // between two elements unless f is 1.
        let plain = upsample
            || match (transform.as_str(), rounding.as_str()) {
                ("asymmetric", "floor") => true,
                (
                    "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric",
                    "round_prefer_floor" | "round_prefer_ceil",
                ) => true,
                _ => factors.iter().all(|factor| *factor == 1),
            };
        if plain {
            return Ok(());
        }
        Err(node
            .unsupported("export with asymmetric coordinates rounded down, or with half pixels rounded to the nearest"))
    }
}
