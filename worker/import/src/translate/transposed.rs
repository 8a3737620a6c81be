//! Transposed convolutions, as convolutions of the input with zeros between its elements.

use super::Translator;
use super::arithmetic::{optional, required};
use super::node::Node;
use crate::error::ImportError;
use crate::float::{ElementType, Extent, FloatOp, Tensor, ValueId, Window};

/// The geometry along one axis of positions.
struct Side {
    stride: u32,
    dilation: u32,
    kernel: u32,
    /// Zeros before the first element, and behind the last zero that stands between elements; negative ones are cut off.
    before: i64,
    after: i64,
}

impl Translator {
    pub(super) fn transposed_convolution(
        &mut self,
        node: &Node<'_>,
        inputs: &[Option<ValueId>],
    ) -> Result<ValueId, ImportError> {
        let (x, weight) = (required(node, inputs, 0)?, required(node, inputs, 1)?);
        let Some(weight) = self.graph.constant(weight).cloned() else {
            return Err(node.unsupported("its weight must be a constant"));
        };
        let old = self.shape(x).to_vec();
        let groups = node.int("group").and_then(|groups| usize::try_from(groups).ok()).unwrap_or(1);
        let filters = weight.shape.clone();
        let fits = (3..=4).contains(&old.len())
            && filters.len() == old.len()
            && groups > 0
            && filters.iter().all(|length| *length > 0)
            && old[1].known().is_some_and(|channels| channels as usize == filters[0])
            && filters[0].is_multiple_of(groups);
        if !fits {
            let text = self.graph.shape_text(&old);
            return Err(node.malformed(format!("a weight of shape {filters:?} in {groups} groups does not fit {text}")));
        }
        let sides = self.sides(node, &old[2..], &filters[2..])?;
        let floats = weight.as_floats().ok_or_else(|| node.malformed("its weight is not of floats"))?;
        let outputs = filters[1] * groups;
        let mut shape = vec![outputs, filters[0] / groups];
        shape.extend_from_slice(&filters[2..]);
        let turn = || Tensor::floats(&shape, turned(floats, &filters, groups));
        let weight = self.made_constant(node, "turned", floats.len(), turn)?;

        let mut spread = x;
        for (axis, side) in sides.iter().enumerate() {
            spread = self.spread(node, spread, axis + 2, side)?;
        }
        let mut result = self.shape(spread).to_vec();
        result[1] = Extent::Known(outputs as u32);
        for (axis, side) in sides.iter().enumerate() {
            let span = i64::from(side.kernel - 1) * i64::from(side.dilation);
            let length = result[axis + 2].known().map(i64::from).unwrap_or_default();
            let length = length + side.before.max(0) + side.after.max(0) - span;
            let length = u32::try_from(length).ok().filter(|length| *length > 0);
            result[axis + 2] = Extent::Known(length.ok_or_else(|| node.malformed("its result is empty"))?);
        }
        let padding = |pick: fn(&Side) -> i64| sides.iter().map(|side| pick(side).max(0) as u32).collect();
        let window = Window {
            kernel: sides.iter().map(|side| side.kernel).collect(),
            strides: vec![1; sides.len()],
            dilations: sides.iter().map(|side| side.dilation).collect(),
            padding_before: padding(|side| side.before),
            padding_after: padding(|side| side.after),
        };
        let bias = optional(inputs, 2);
        if bias.is_some_and(|bias| self.graph.constant(bias).is_none_or(|bias| bias.shape != [outputs])) {
            return Err(node.unsupported("its bias must be a constant, one number for each channel"));
        }
        let read: Vec<ValueId> = [spread, weight].into_iter().chain(bias).collect();
        self.emit(node, FloatOp::Convolution { window, groups: groups as u32 }, &read, &result, ElementType::Float)
    }

    fn sides(&self, node: &Node<'_>, positions: &[Extent], kernel: &[usize]) -> Result<Vec<Side>, ImportError> {
        let axes = positions.len();
        if node.text("auto_pad").is_some_and(|text| text != "NOTSET") || node.attribute("output_shape").is_some() {
            return Err(node.unsupported("export with pads and output_padding instead of auto_pad or output_shape"));
        }
        let list = |name: &str, default: i64, count: usize| -> Result<Vec<i64>, ImportError> {
            let values = node.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
            let fits = values.len() == count && values.iter().all(|value| (default..1 << 12).contains(value));
            if fits { Ok(values) } else { Err(node.malformed(format!("its {name} are {values:?}"))) }
        };
        let (strides, dilations) = (list("strides", 1, axes)?, list("dilations", 1, axes)?);
        let (pads, further) = (list("pads", 0, 2 * axes)?, list("output_padding", 0, axes)?);
        let side = |axis: usize| {
            let refuse = || node.unsupported("its positions need fixed lengths");
            positions[axis].known().filter(|length| (1..1 << 20).contains(length)).ok_or_else(refuse)?;
            let span = (kernel[axis] as i64 - 1) * dilations[axis];
            Ok(Side {
                stride: strides[axis] as u32,
                dilation: dilations[axis] as u32,
                kernel: kernel[axis] as u32,
                before: span - pads[axis],
                // stride - 1 zeros stand behind the last element already
                after: span - pads[axes + axis] + further[axis] - (strides[axis] - 1),
            })
        };
        (0..axes).map(side).collect()
    }

    /// Elements with `stride - 1` zeros behind each, without what a negative padding cuts off.
    fn spread(&mut self, node: &Node<'_>, x: ValueId, axis: usize, side: &Side) -> Result<ValueId, ImportError> {
        let mut result = x;
        if side.stride > 1 {
            let old = self.shape(x).to_vec();
            let length = old[axis].known().unwrap_or_default();
            let (mut inner, mut padded, mut whole) = (old.clone(), old.clone(), old.clone());
            inner.insert(axis + 1, Extent::Known(1));
            padded.insert(axis + 1, Extent::Known(side.stride));
            whole[axis] = Extent::Known(length * side.stride);
            let mut after = vec![0; padded.len()];
            after[axis + 1] = side.stride - 1;
            result = self.with_shape(node, result, &inner)?;
            let pad = FloatOp::Pad { before: vec![0; padded.len()], after, value: 0.0 };
            result = self.emit(node, pad, &[result], &padded, ElementType::Float)?;
            result = self.with_shape(node, result, &whole)?;
        }
        let (first, last) = (side.before.min(0).unsigned_abs(), side.after.min(0).unsigned_abs());
        if first + last > 0 {
            let mut shape = self.shape(result).to_vec();
            let length = u64::from(shape[axis].known().unwrap_or_default());
            let kept = length.checked_sub(first + last).filter(|kept| *kept > 0);
            let kept = kept.ok_or_else(|| node.malformed("its pads leave nothing"))?;
            shape[axis] = Extent::Known(kept as u32);
            let mut starts = vec![0; shape.len()];
            starts[axis] = first as u32;
            let slice = FloatOp::Slice { starts, steps: vec![1; shape.len()] };
            result = self.emit(node, slice, &[result], &shape, ElementType::Float)?;
        }
        Ok(result)
    }
}

/// `[in, out / groups, kernel ..]` as the weight of the convolution, `[out, in / groups, kernel ..]`, each kernel from its end.
fn turned(weight: &[f32], filters: &[usize], groups: usize) -> Vec<f32> {
    let places: usize = filters[2..].iter().product();
    let (inputs, each) = (filters[0] / groups, filters[1]);
    let mut turned = Vec::with_capacity(weight.len());
    for output in 0..groups * each {
        let (group, within) = (output / each, output % each);
        for input in 0..inputs {
            let from = ((group * inputs + input) * each + within) * places;
            turned.extend(weight[from..from + places].iter().rev());
        }
    }
    turned
}
