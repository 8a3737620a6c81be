//! Reductions over axes.

use super::Translator;
use super::arithmetic::required;
use super::node::Node;
use crate::error::ImportError;
use crate::float::{Activation, ElementType, Extent, FloatNode, FloatOp, ReduceKind, ValueId};

type Results = Result<Option<Vec<ValueId>>, ImportError>;

impl Translator {
    pub(super) fn reducing(&mut self, node: &Node<'_>, kind: &str, inputs: &[Option<ValueId>]) -> Results {
        let reduction = match kind {
            "ReduceMean" => ReduceKind::Mean,
            "ReduceSum" | "ReduceL2" | "ReduceSumSquare" => ReduceKind::Sum,
            "ReduceMax" => ReduceKind::Max,
            "ReduceMin" => ReduceKind::Min,
            "ArgMax" => return self.arg_max(node, inputs).map(|id| Some(vec![id])),
            "TopK" => return self.top_k(node, inputs).map(Some),
            _ => return Ok(None),
        };
        let mut x = required(node, inputs, 0)?;
        let rank = self.shape(x).len();
        let axes = self.axes(node, inputs, rank)?.filter(|axes| !axes.is_empty());
        let axes = match axes {
            Some(axes) => axes,
            None if node.int("noop_with_empty_axes").unwrap_or(0) != 0 => return Ok(Some(vec![x])),
            None => (0..rank).collect(),
        };
        let keep = node.int("keepdims").unwrap_or(1) != 0;
        if matches!(kind, "ReduceL2" | "ReduceSumSquare") {
            x = self.activate(node, x, Activation::Power { exponent: 2.0 })?;
        }
        let mut result = self.reduce(node, x, reduction, axes, keep)?;
        if kind == "ReduceL2" {
            result = self.activate(node, result, Activation::Sqrt)?;
        }
        Ok(Some(vec![result]))
    }

    pub(super) fn reduce(
        &mut self,
        node: &Node<'_>,
        x: ValueId,
        kind: ReduceKind,
        axes: Vec<usize>,
        keep_axes: bool,
    ) -> Result<ValueId, ImportError> {
        let old = self.shape(x);
        let shape: Vec<Extent> = (0..old.len())
            .filter(|axis| keep_axes || !axes.contains(axis))
            .map(|axis| if axes.contains(&axis) { Extent::Known(1) } else { old[axis] })
            .collect();
        let element_type = self.element_type(x);
        self.emit(node, FloatOp::Reduce { kind, axes, keep_axes, mask_axes: None }, &[x], &shape, element_type)
    }

    fn arg_max(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let mut shape = self.shape(x).to_vec();
        let axis = node.axis(node.int("axis").unwrap_or(0), shape.len())?;
        if node.int("select_last_index").unwrap_or(0) != 0 {
            return Err(node.unsupported("of equal elements the first is taken; export without select_last_index"));
        }
        let keep_axis = node.int("keepdims").unwrap_or(1) != 0;
        if keep_axis {
            shape[axis] = Extent::Known(1);
        } else {
            shape.remove(axis);
        }
        self.emit(node, FloatOp::ArgMax { axis, keep_axis }, &[x], &shape, ElementType::Integer)
    }

    fn top_k(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<Vec<ValueId>, ImportError> {
        let x = required(node, inputs, 0)?;
        let mut shape = self.shape(x).to_vec();
        let k = self.integers(node, required(node, inputs, 1)?, "k")?;
        let axis = node.axis(node.int("axis").unwrap_or(-1), shape.len())?;
        if node.int("largest").unwrap_or(1) == 0 {
            return Err(node.unsupported("the greatest are taken; negate the input for the least"));
        }
        let most = match shape[axis] {
            Extent::Known(length) => length,
            Extent::Symbol(symbol) => self.graph.symbols[usize::from(symbol)].min,
        };
        let k = k.first().and_then(|&k| u32::try_from(k).ok()).filter(|k| (1..=most).contains(k));
        let k = k.ok_or_else(|| node.malformed(format!("its k must be 1 to {most}")))?;
        shape[axis] = Extent::Known(k);
        let name = node.name();
        let values = self.graph.add_computed(format!("{name}~values"), &shape, ElementType::Float);
        let indices = self.graph.add_computed(format!("{name}~indices"), &shape, ElementType::Integer);
        let op = FloatOp::TopK { axis, k };
        self.graph.nodes.push(FloatNode { name, op, inputs: vec![x], outputs: vec![values, indices] });
        Ok(vec![values, indices])
    }
}
