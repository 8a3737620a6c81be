//! Operators that move elements.

use super::Translator;
use super::arithmetic::{optional, required};
use super::node::Node;
use super::size::{Size, broadcast};
use crate::error::ImportError;
use crate::float::{Extent, FloatOp, Tensor, ValueId};

type Results = Result<Option<Vec<ValueId>>, ImportError>;

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
            "Resize" | "Upsample" => self.resize(node, inputs)?,
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

    pub(super) fn with_shape(&mut self, node: &Node<'_>, x: ValueId, shape: &[Extent]) -> Result<ValueId, ImportError> {
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
        self.with_shape(node, x, &shape)
    }

    fn flatten(&mut self, node: &Node<'_>, x: ValueId) -> Result<ValueId, ImportError> {
        let old = self.shape(x).to_vec();
        let axis = node.int("axis").unwrap_or(1);
        let axis = if axis == old.len() as i64 { old.len() } else { node.axis(axis, old.len())? };
        let (rows, columns) = (self.total(node, &old[..axis])?, self.total(node, &old[axis..])?);
        let shape = [self.extent(node, &rows)?, self.extent(node, &columns)?];
        self.with_shape(node, x, &shape)
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
        self.with_shape(node, x, &shape)
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
        self.with_shape(node, x, &shape)
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
}
