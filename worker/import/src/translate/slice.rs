//! Parts of tensors, and padding around them.

use super::Translator;
use super::arithmetic::{optional, required};
use super::node::Node;
use super::size::Size;
use crate::error::ImportError;
use crate::float::{Extent, FloatOp, ValueId};

impl Translator {
    pub(super) fn slice(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let old = self.shape(x).to_vec();
        let starts = self.integers(node, required(node, inputs, 1)?, "starts")?;
        let ends = self.content(required(node, inputs, 2)?);
        let ends = ends.ok_or_else(|| node.unsupported("its ends depend on data; export with fixed ones"))?.elements;
        let axes = match optional(inputs, 3) {
            Some(id) => self.integers(node, id, "axes")?,
            None => (0..starts.len() as i64).collect(),
        };
        let steps = match optional(inputs, 4) {
            Some(id) => self.integers(node, id, "steps")?,
            None => vec![1; starts.len()],
        };
        if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
            return Err(node.malformed("its starts, ends, axes and steps differ in number"));
        }
        let mut shape = old.clone();
        let (mut first, mut distance) = (vec![0u32; old.len()], vec![1i32; old.len()]);
        for index in 0..starts.len() {
            let axis = node.axis(axes[index], old.len())?;
            let (from, step, extent) =
                self.slice_axis(node, old[axis], starts[index], ends[index].as_ref(), steps[index])?;
            (first[axis], distance[axis], shape[axis]) = (from, step, extent);
        }
        self.part(node, x, first, distance, &shape)
    }

    /// A slice, or the value itself if it is the whole.
    pub(super) fn part(
        &mut self,
        node: &Node<'_>,
        x: ValueId,
        starts: Vec<u32>,
        steps: Vec<i32>,
        shape: &[Extent],
    ) -> Result<ValueId, ImportError> {
        if self.shape(x) == shape && starts.iter().all(|&start| start == 0) && steps.iter().all(|&step| step == 1) {
            return Ok(x);
        }
        let element_type = self.element_type(x);
        self.emit(node, FloatOp::Slice { starts, steps }, &[x], shape, element_type)
    }

    /// The first index, the distance and the length of a slice along one axis.
    fn slice_axis(
        &self,
        node: &Node<'_>,
        extent: Extent,
        start: i64,
        end: Option<&Size>,
        step: i64,
    ) -> Result<(u32, i32, Extent), ImportError> {
        if step == 0 {
            return Err(node.malformed("its step is 0"));
        }
        let refuse = || node.shape_error("a part of an axis whose length is a symbol is taken");
        let end = end.ok_or_else(refuse)?;
        match (extent, end.value()) {
            (Extent::Known(0), _) => Ok((0, 1, extent)),
            (Extent::Known(length), Some(end)) => {
                let length = i64::from(length);
                let bound = |value: i64, low: i64, high: i64| {
                    (if value < 0 { value.saturating_add(length) } else { value }).clamp(low, high)
                };
                let (start, count) = if step > 0 {
                    let (start, end) = (bound(start, 0, length), bound(end, 0, length));
                    (start, (end - start).max(0).saturating_add(step - 1) / step)
                } else {
                    let (start, end) = (bound(start, 0, length - 1), bound(end, -1, length - 1));
                    (start, ((start - end).max(0).saturating_sub(step).saturating_sub(1)) / step.saturating_neg())
                };
                let step = i32::try_from(step).unwrap_or(if step > 0 { i32::MAX } else { i32::MIN });
                Ok((start as u32, step, Extent::Known(count as u32)))
            }
            (Extent::Known(length), None) if start == 0 && step == 1 => {
                // an axis of constants, such as positions, cut to a symbol's length
                let wanted = self.extent(node, end)?;
                let Extent::Symbol(symbol) = wanted else { return Err(refuse()) };
                let most = self.graph.symbols[usize::from(symbol)].max;
                if most > length {
                    let name = &self.graph.symbols[usize::from(symbol)].name;
                    return Err(node.shape_error(format!("{name} may be {most}, but only {length} are there")));
                }
                Ok((0, 1, wanted))
            }
            (Extent::Symbol(symbol), known) if start == 0 && step == 1 => {
                let bounds = &self.graph.symbols[usize::from(symbol)];
                match known {
                    Some(end) if end >= i64::from(bounds.max) => Ok((0, 1, extent)),
                    Some(end) if end >= 0 && end <= i64::from(bounds.min) => Ok((0, 1, Extent::Known(end as u32))),
                    None if *end == Size::of(extent) => Ok((0, 1, extent)),
                    _ => Err(refuse()),
                }
            }
            (Extent::Symbol(symbol), Some(end)) if start > 0 && end > start && step == 1 => {
                if end > i64::from(self.graph.symbols[usize::from(symbol)].min) {
                    return Err(refuse());
                }
                Ok((start as u32, 1, Extent::Known((end - start) as u32)))
            }
            _ => Err(refuse()),
        }
    }

    pub(super) fn split(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<Vec<ValueId>, ImportError> {
        let x = required(node, inputs, 0)?;
        let old = self.shape(x).to_vec();
        let axis = node.axis(node.int("axis").unwrap_or(0), old.len())?;
        let refuse = || node.shape_error("an axis whose length is a symbol is split");
        let length = old[axis].known().ok_or_else(refuse)?;
        let lengths: Vec<i64> = match (node.ints("split"), optional(inputs, 1)) {
            (Some(lengths), _) => lengths.to_vec(),
            (None, Some(id)) => self.integers(node, id, "lengths")?,
            (None, None) => {
                let count = node.int("num_outputs").unwrap_or(node.proto.output.len() as i64).clamp(1, 4096);
                let each = i64::from(length).saturating_add(count - 1) / count;
                (0..count).map(|index| each.min(i64::from(length) - index * each).max(0)).collect()
            }
        };
        if lengths.iter().any(|&length| length <= 0) || lengths.iter().sum::<i64>() != i64::from(length) {
            return Err(node.malformed(format!("{lengths:?} do not add up to {length}")));
        }
        let mut first = 0;
        let mut results = Vec::new();
        for part in lengths {
            let (mut shape, mut starts) = (old.clone(), vec![0; old.len()]);
            (shape[axis], starts[axis]) = (Extent::Known(part as u32), first);
            first += part as u32;
            results.push(self.part(node, x, starts, vec![1; old.len()], &shape)?);
        }
        Ok(results)
    }

    pub(super) fn pad(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let old = self.shape(x).to_vec();
        if !matches!(node.text("mode").as_deref(), None | Some("constant")) {
            return Err(
                node.unsupported("only padding with a constant is supported; write others with Slice and Concat")
            );
        }
        let pads = match (node.ints("pads"), optional(inputs, 1)) {
            (Some(pads), _) => pads.to_vec(),
            (None, Some(id)) => self.integers(node, id, "pads")?,
            (None, None) => return Err(node.malformed("it has no pads")),
        };
        let axes: Vec<usize> = match optional(inputs, 3) {
            Some(id) => {
                let axes = self.integers(node, id, "axes")?;
                axes.iter().map(|&axis| node.axis(axis, old.len())).collect::<Result<_, _>>()?
            }
            None => (0..old.len()).collect(),
        };
        if pads.len() != 2 * axes.len() || pads.iter().any(|pad| !(0..1 << 20).contains(pad)) {
            return Err(
                node.unsupported("it needs two numbers of 0 or more for each axis; write negative ones as Slice")
            );
        }
        let value = match optional(inputs, 2) {
            Some(id) => self.graph.constant(id).and_then(|tensor| tensor.scalar()),
            None => Some(0.0),
        };
        let value = value.ok_or_else(|| node.unsupported("its value must be a constant"))?;
        let (mut before, mut after, mut shape) = (vec![0; old.len()], vec![0; old.len()], old.clone());
        for (index, &axis) in axes.iter().enumerate() {
            let (front, back) = (pads[index], pads[index + axes.len()]);
            (before[axis], after[axis]) = (front as u32, back as u32);
            if front + back > 0 {
                let length = Size::of(old[axis]).plus(&Size::known(front + back), 1);
                let refuse = || node.shape_error("an axis whose length is a symbol is padded");
                shape[axis] = self.extent(node, &length.ok_or_else(refuse)?)?;
            }
        }
        if shape == old {
            return Ok(x);
        }
        let element_type = self.element_type(x);
        self.emit(node, FloatOp::Pad { before, after, value }, &[x], &shape, element_type)
    }
}
