//! Operators that move elements, and look-ups.

use super::Translator;
use super::arithmetic::{optional, required};
use super::node::Node;
use super::size::{Size, broadcast};
use crate::error::ImportError;
use crate::float::{Comparison, ElementType, Extent, FloatOp, Tensor, ValueId};

type Results = Result<Option<Vec<ValueId>>, ImportError>;

/// A Gather with more constant indices than this is not written as slices.
const MAXIMUM_SLICES: usize = 64;

impl Translator {
    pub(super) fn shaping(&mut self, node: &Node<'_>, kind: &str, inputs: &[Option<ValueId>]) -> Results {
        let result = match kind {
            "Identity" | "Dropout" => required(node, inputs, 0)?,
            "Constant" => self.constant(node)?,
            "Reshape" => self.reshape(node, inputs)?,
            "Flatten" => self.flatten(node, required(node, inputs, 0)?)?,
            "Squeeze" => self.squeeze(node, inputs)?,
            "Unsqueeze" => self.unsqueeze(node, inputs)?,
            "Transpose" => self.transpose(node, required(node, inputs, 0)?)?,
            "Concat" => self.concat(node, inputs)?,
            "Slice" => self.slice(node, inputs)?,
            "Split" => return self.split(node, inputs).map(Some),
            "Pad" => self.pad(node, inputs)?,
            "Expand" => self.expand(node, inputs)?,
            "Tile" => self.tile(node, inputs)?,
            "ConstantOfShape" => self.constant_of_shape(node, required(node, inputs, 0)?)?,
            "Gather" => self.gather(node, inputs)?,
            "OneHot" => self.one_hot(node, inputs)?,
            _ => return Ok(None),
        };
        Ok(Some(vec![result]))
    }

    fn constant(&mut self, node: &Node<'_>) -> Result<ValueId, ImportError> {
        let attribute = node.proto.attribute.first().ok_or_else(|| node.malformed("it has no value"))?;
        let (tensor, number) = match attribute.name.as_str() {
            "value" => {
                let proto = attribute.t.as_ref().ok_or_else(|| node.malformed("it has no value"))?;
                (crate::onnx::tensor_from_proto(proto)?, proto.data_type)
            }
            "value_float" => (Tensor::floats(&[], vec![attribute.f.unwrap_or_default()]), 1),
            "value_floats" => (Tensor::floats(&[attribute.floats.len()], attribute.floats.clone()), 1),
            "value_int" => (Tensor::integers(&[], vec![attribute.i.unwrap_or_default()]), 7),
            "value_ints" => (Tensor::integers(&[attribute.ints.len()], attribute.ints.clone()), 7),
            _ => return Err(node.unsupported("only tensors and numbers are supported")),
        };
        let id = self.graph.add_constant(node.name(), tensor);
        self.constant_types.insert(id, number);
        Ok(id)
    }

    pub(super) fn to_shape(&mut self, node: &Node<'_>, x: ValueId, shape: &[Extent]) -> Result<ValueId, ImportError> {
        let element_type = self.element_type(x);
        self.emit(node, FloatOp::Reshape, &[x], shape, element_type)
    }

    /// The number of elements of some axes.
    fn total(&self, node: &Node<'_>, shape: &[Extent]) -> Result<Size, ImportError> {
        let total = shape.iter().try_fold(Size::known(1), |total, &extent| total.times(&Size::of(extent)));
        total.ok_or_else(|| node.shape_error("the shape is too large"))
    }

    fn reshape(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let (x, target) = (required(node, inputs, 0)?, required(node, inputs, 1)?);
        let refuse = || node.unsupported("its shape depends on data; export with a fixed one");
        let target = self.content(target).ok_or_else(refuse)?;
        let old = self.shape(x).to_vec();
        let all = self.total(node, &old)?;
        let copy_zeros = node.int("allowzero").unwrap_or(0) == 0;
        let (mut sizes, mut open) = (Vec::new(), None);
        for (axis, size) in target.elements.iter().enumerate() {
            let size = match size.as_ref().map(|size| (size, size.value())) {
                Some((_, Some(0))) if copy_zeros => {
                    Size::of(*old.get(axis).ok_or_else(|| node.malformed("a 0 copies an axis that is not there"))?)
                }
                Some((_, Some(-1))) | None => {
                    if open.replace(axis).is_some() {
                        return Err(refuse());
                    }
                    Size::known(1)
                }
                Some((size, _)) => size.clone(),
            };
            sizes.push(size);
        }
        let product = sizes.iter().try_fold(Size::known(1), |total, size| total.times(size)).ok_or_else(refuse)?;
        let mismatch = || {
            let old = self.graph.shape_text(&old);
            node.shape_error(format!("{old} does not have the number of elements of the new shape"))
        };
        match open {
            Some(axis) => {
                sizes[axis] = all
                    .over(&product)
                    .filter(|rest| rest.times(&product).as_ref() == Some(&all))
                    .ok_or_else(mismatch)?
            }
            None if product != all => return Err(mismatch()),
            None => {}
        }
        let shape: Vec<Extent> = sizes.iter().map(|size| self.extent(node, size)).collect::<Result<_, _>>()?;
        self.to_shape(node, x, &shape)
    }

    fn flatten(&mut self, node: &Node<'_>, x: ValueId) -> Result<ValueId, ImportError> {
        let old = self.shape(x).to_vec();
        let axis = node.int("axis").unwrap_or(1);
        let axis = if axis == old.len() as i64 { old.len() } else { node.axis(axis, old.len())? };
        let (rows, columns) = (self.total(node, &old[..axis])?, self.total(node, &old[axis..])?);
        let shape = [self.extent(node, &rows)?, self.extent(node, &columns)?];
        self.to_shape(node, x, &shape)
    }

    /// Axes that are an attribute in older opsets and an input in newer ones.
    pub(super) fn axes(
        &self,
        node: &Node<'_>,
        inputs: &[Option<ValueId>],
        rank: usize,
    ) -> Result<Option<Vec<usize>>, ImportError> {
        let axes = match (node.ints("axes"), optional(inputs, 1)) {
            (Some(axes), _) => axes.to_vec(),
            (None, Some(id)) => self.integers(node, id, "axes")?,
            (None, None) => return Ok(None),
        };
        let mut axes: Vec<usize> = axes.iter().map(|&axis| node.axis(axis, rank)).collect::<Result<_, _>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(Some(axes))
    }

    fn squeeze(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let old = self.shape(x).to_vec();
        let axes = self.axes(node, inputs, old.len())?;
        let dropped = |axis: usize| match &axes {
            Some(axes) => axes.contains(&axis),
            None => old[axis] == Extent::Known(1),
        };
        if (0..old.len()).any(|axis| dropped(axis) && old[axis] != Extent::Known(1)) {
            return Err(node.shape_error("an axis that is dropped is not of length 1"));
        }
        let shape: Vec<Extent> = (0..old.len()).filter(|&axis| !dropped(axis)).map(|axis| old[axis]).collect();
        self.to_shape(node, x, &shape)
    }

    fn unsqueeze(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let old = self.shape(x).to_vec();
        let count = match (node.ints("axes"), optional(inputs, 1)) {
            (Some(axes), _) => axes.len(),
            (None, Some(id)) => self.integers(node, id, "axes")?.len(),
            (None, None) => return Err(node.malformed("it has no axes")),
        };
        let axes = self.axes(node, inputs, old.len() + count)?.unwrap_or_default();
        let mut rest = old.iter();
        let shape: Option<Vec<Extent>> = (0..old.len() + axes.len())
            .map(|axis| if axes.contains(&axis) { Some(Extent::Known(1)) } else { rest.next().copied() })
            .collect();
        let shape = shape.ok_or_else(|| node.malformed("its axes are not distinct"))?;
        self.to_shape(node, x, &shape)
    }

    fn transpose(&mut self, node: &Node<'_>, x: ValueId) -> Result<ValueId, ImportError> {
        let old = self.shape(x).to_vec();
        let permutation: Vec<usize> = match node.ints("perm") {
            Some(axes) => axes.iter().map(|&axis| node.axis(axis, old.len())).collect::<Result<_, _>>()?,
            None => (0..old.len()).rev().collect(),
        };
        let mut sorted = permutation.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..old.len()) {
            return Err(node.malformed("its axes are no permutation"));
        }
        let shape: Vec<Extent> = permutation.iter().map(|&axis| old[axis]).collect();
        let element_type = self.element_type(x);
        self.emit(node, FloatOp::Transpose { permutation }, &[x], &shape, element_type)
    }

    fn concat(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let parts: Vec<ValueId> = inputs.iter().copied().flatten().collect();
        let first = *parts.first().ok_or_else(|| node.malformed("it has no inputs"))?;
        let mut shape = self.shape(first).to_vec();
        let axis = node.axis(node.int("axis").ok_or_else(|| node.malformed("it has no axis"))?, shape.len())?;
        let mut total = Size::of(shape[axis]);
        for &part in &parts[1..] {
            let other = self.shape(part);
            let fits = other.len() == shape.len() && (0..shape.len()).all(|at| at == axis || other[at] == shape[at]);
            if !fits {
                let text = [self.graph.shape_text(&shape), self.graph.shape_text(other)];
                return Err(node.shape_error(format!("shapes {} and {} do not join", text[0], text[1])));
            }
            let sum = total.plus(&Size::of(other[axis]), 1);
            total = sum.ok_or_else(|| node.shape_error("the length of the result is a sum of symbols"))?;
        }
        shape[axis] = self.extent(node, &total)?;
        if parts.len() == 1 {
            return Ok(first);
        }
        let element_type = self.element_type(first);
        self.emit(node, FloatOp::Concat { axis }, &parts, &shape, element_type)
    }

    fn slice(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
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
    fn part(
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

    fn split(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<Vec<ValueId>, ImportError> {
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

    fn pad(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
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

    pub(super) fn broadcast_to(
        &mut self,
        node: &Node<'_>,
        x: ValueId,
        shape: &[Extent],
    ) -> Result<ValueId, ImportError> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        let element_type = self.element_type(x);
        self.emit(node, FloatOp::Broadcast, &[x], shape, element_type)
    }

    fn expand(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let (x, target) = (required(node, inputs, 0)?, required(node, inputs, 1)?);
        let refuse = || node.unsupported("its shape depends on data; export with a fixed one");
        let sizes = self.content(target).ok_or_else(refuse)?.elements;
        let target: Vec<Extent> =
            sizes.iter().map(|size| self.extent(node, size.as_ref().ok_or_else(refuse)?)).collect::<Result<_, _>>()?;
        let shape = broadcast(self.shape(x), &target);
        let shape = shape.ok_or_else(|| {
            let (from, to) = (self.graph.shape_text(self.shape(x)), self.graph.shape_text(&target));
            node.shape_error(format!("{from} does not broadcast to {to}"))
        })?;
        self.broadcast_to(node, x, &shape)
    }

    fn tile(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let repeats = self.content(required(node, inputs, 1)?);
        let repeats = repeats.ok_or_else(|| node.unsupported("its repeats depend on data"))?.elements;
        let old = self.shape(x).to_vec();
        if repeats.len() != old.len() {
            return Err(node.malformed("it needs a number for each axis"));
        }
        let mut result = x;
        for (axis, repeat) in repeats.iter().enumerate() {
            let refuse = || node.unsupported("its repeats depend on data");
            let repeat = repeat.as_ref().ok_or_else(refuse)?;
            let mut shape = self.shape(result).to_vec();
            match (repeat.value(), shape[axis]) {
                (Some(1), _) => {}
                (_, Extent::Known(1)) => {
                    shape[axis] = self.extent(node, repeat)?;
                    result = self.broadcast_to(node, result, &shape)?;
                }
                (Some(times @ 2..=64), extent) => {
                    let length = Size::of(extent).times(&Size::known(times));
                    let length = length.ok_or_else(|| node.shape_error("the shape is too large"))?;
                    shape[axis] = self.extent(node, &length)?;
                    let element_type = self.element_type(result);
                    let parts = vec![result; times as usize];
                    result = self.emit(node, FloatOp::Concat { axis }, &parts, &shape, element_type)?;
                }
                _ => return Err(node.unsupported("at most 64 repeats of an axis are supported")),
            }
        }
        Ok(result)
    }

    fn constant_of_shape(&mut self, node: &Node<'_>, shape: ValueId) -> Result<ValueId, ImportError> {
        let refuse = || node.unsupported("its shape depends on data; export with a fixed one");
        let sizes = self.content(shape).ok_or_else(refuse)?.elements;
        let extents: Vec<Extent> =
            sizes.iter().map(|size| self.extent(node, size.as_ref().ok_or_else(refuse)?)).collect::<Result<_, _>>()?;
        let value = match node.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
            Some(proto) => crate::onnx::tensor_from_proto(proto)?,
            None => Tensor::floats(&[], vec![0.0]),
        };
        if value.elements() != 1 {
            return Err(node.malformed("its value is not one number"));
        }
        let scalar = self.graph.add_constant(format!("{}~value", node.name()), value.reshaped(&[]));
        self.broadcast_to(node, scalar, &extents)
    }

    fn gather(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let (x, ids) = (required(node, inputs, 0)?, required(node, inputs, 1)?);
        let old = self.shape(x).to_vec();
        let axis = node.axis(node.int("axis").unwrap_or(0), old.len())?;
        if let Some(tensor) = self.graph.constant(ids).cloned() {
            let ids = tensor.as_integers().ok_or_else(|| node.malformed("its indices are floats"))?;
            return self.gather_constant(node, x, axis, ids, &tensor.shape);
        }
        if self.element_type(ids) == ElementType::Float {
            return Err(node.malformed("its indices are floats"));
        }
        if axis != 0 || old.len() != 2 || self.graph.constant_floats(x).is_none() {
            return Err(node.unsupported("computed indices are supported into rows of a constant table only"));
        }
        let mut shape = self.shape(ids).to_vec();
        shape.push(old[1]);
        self.emit(node, FloatOp::Embedding, &[ids, x], &shape, ElementType::Float)
    }

    fn gather_constant(
        &mut self,
        node: &Node<'_>,
        x: ValueId,
        axis: usize,
        ids: &[i64],
        ids_shape: &[usize],
    ) -> Result<ValueId, ImportError> {
        let old = self.shape(x).to_vec();
        let least = match old[axis] {
            Extent::Known(length) => length,
            Extent::Symbol(symbol) => self.graph.symbols[usize::from(symbol)].min,
        };
        let table = old.len() == 2 && axis == 0 && self.graph.constant_floats(x).is_some();
        if table {
            let constant =
                self.graph.add_constant(format!("{}~ids", node.name()), Tensor::integers(ids_shape, ids.to_vec()));
            let mut shape: Vec<Extent> = ids_shape.iter().map(|&length| Extent::Known(length as u32)).collect();
            shape.push(old[1]);
            return self.emit(node, FloatOp::Embedding, &[constant, x], &shape, ElementType::Float);
        }
        if ids.is_empty() || ids.len() > MAXIMUM_SLICES {
            return Err(node.unsupported(&format!("1 to {MAXIMUM_SLICES} constant indices are supported")));
        }
        let mut parts = Vec::new();
        for &id in ids {
            let known = old[axis].known().map(i64::from);
            let at = if id < 0 {
                id + known.ok_or_else(|| node.shape_error("it counts from the end of a symbol"))?
            } else {
                id
            };
            let at = u32::try_from(at).ok().filter(|&at| at < least);
            let at = at.ok_or_else(|| node.malformed(format!("index {id} is outside of the axis")))?;
            let (mut shape, mut starts) = (old.clone(), vec![0; old.len()]);
            (shape[axis], starts[axis]) = (Extent::Known(1), at);
            parts.push(self.part(node, x, starts, vec![1; old.len()], &shape)?);
        }
        let mut joined = parts[0];
        if parts.len() > 1 {
            let mut shape = old.clone();
            shape[axis] = Extent::Known(parts.len() as u32);
            let element_type = self.element_type(x);
            joined = self.emit(node, FloatOp::Concat { axis }, &parts, &shape, element_type)?;
        }
        let mut shape = old[..axis].to_vec();
        shape.extend(ids_shape.iter().map(|&length| Extent::Known(length as u32)));
        shape.extend(&old[axis + 1..]);
        self.to_shape(node, joined, &shape)
    }

    fn one_hot(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let ids = required(node, inputs, 0)?;
        let depth = self.integers(node, required(node, inputs, 1)?, "depth")?;
        let values = self.graph.constant_floats(required(node, inputs, 2)?).map(<[f32]>::to_vec);
        let (Some(&depth), Some([off, on])) = (depth.first(), values.as_deref()) else {
            return Err(node.unsupported("its depth and its two values must be constants"));
        };
        let last = node.int("axis").unwrap_or(-1);
        let rank = self.shape(ids).len();
        if (last != -1 && last != rank as i64) || !(1..=1 << 20).contains(&depth) {
            return Err(node.unsupported("only a new last axis of known length is supported"));
        }
        let mut shape = self.shape(ids).to_vec();
        shape.push(Extent::Known(1));
        let column = self.to_shape(node, ids, &shape)?;
        let steps = Tensor::integers(&[depth as usize], (0..depth).collect());
        let steps = self.graph.add_constant(format!("{}~steps", node.name()), steps);
        let hot = self.binary(node, FloatOp::Compare(Comparison::Equal), column, steps)?;
        let shape = self.shape(hot).to_vec();
        let mut result = self.emit(node, FloatOp::Cast, &[hot], &shape, ElementType::Float)?;
        if (*off, *on) != (0.0, 1.0) {
            let (factor, offset) = (self.scalar(node, on - off), self.scalar(node, *off));
            result = self.binary(node, FloatOp::Mul, result, factor)?;
            result = self.binary(node, FloatOp::Add, result, offset)?;
        }
        Ok(result)
    }
}
