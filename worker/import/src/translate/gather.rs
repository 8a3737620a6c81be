//! Look-ups.

use super::Translator;
use super::arithmetic::required;
use super::node::Node;
use crate::error::ImportError;
use crate::float::{Comparison, ElementType, Extent, FloatOp, Tensor, ValueId};

/// A Gather with more constant indices than this is not written as slices.
const MAXIMUM_SLICES: usize = 64;

impl Translator {
    pub(super) fn gather(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
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
        self.with_shape(node, joined, &shape)
    }

    pub(super) fn one_hot(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
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
        let column = self.with_shape(node, ids, &shape)?;
        let length = depth as usize;
        let steps = self.made_constant(node, "steps", length, || Tensor::integers(&[length], (0..depth).collect()))?;
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
