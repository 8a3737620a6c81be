//! Operators of single elements, and products of matrices.

use super::node::Node;
use super::size::broadcast;
use super::{Translator, remedy};
use crate::error::ImportError;
use crate::float::{Activation, Comparison, ElementType, Extent, FloatOp, OwnScale, Tensor, ValueId};
use crate::onnx::proto::data_type;

type Results = Result<Option<Vec<ValueId>>, ImportError>;

/// An input that must be there.
pub(super) fn required(node: &Node<'_>, inputs: &[Option<ValueId>], index: usize) -> Result<ValueId, ImportError> {
    inputs.get(index).copied().flatten().ok_or_else(|| node.malformed(format!("input {index} is missing")))
}

/// An input that may be missing.
pub(super) fn optional(inputs: &[Option<ValueId>], index: usize) -> Option<ValueId> {
    inputs.get(index).copied().flatten()
}

impl Translator {
    pub(super) fn arithmetic(&mut self, node: &Node<'_>, kind: &str, inputs: &[Option<ValueId>]) -> Results {
        if let Some(activation) = self.activation_of(node, kind, inputs)? {
            let x = required(node, inputs, 0)?;
            return Ok(Some(vec![self.activate(node, x, activation)?]));
        }
        let result = match kind {
            "Add" | "Sub" | "Mul" | "Div" | "Min" | "Max" | "Sum" | "And" | "Or" | "Equal" | "Less" | "LessOrEqual"
            | "Greater" | "GreaterOrEqual" => {
                let mut total = required(node, inputs, 0)?;
                for index in 1..inputs.len() {
                    total = self.binary(node, binary_op(kind), total, required(node, inputs, index)?)?;
                }
                total
            }
            "Mean" => {
                let mut total = required(node, inputs, 0)?;
                for index in 1..inputs.len() {
                    total = self.binary(node, FloatOp::Add, total, required(node, inputs, index)?)?;
                }
                let share = self.scalar(node, 1.0 / inputs.len() as f32);
                self.binary(node, FloatOp::Mul, total, share)?
            }
            "Not" => {
                let zero = self.graph.add_constant(format!("{}~zero", node.name()), Tensor::integers(&[], vec![0]));
                self.binary(node, FloatOp::Compare(Comparison::Equal), required(node, inputs, 0)?, zero)?
            }
            "Where" => self.choose(node, inputs)?,
            "Cast" => self.cast(node, required(node, inputs, 0)?)?,
            "MatMul" => self.matmul(node, required(node, inputs, 0)?, required(node, inputs, 1)?)?,
            "Gemm" => self.gemm(node, inputs)?,
            "LogSoftmax" => {
                let x = self.softmax(node, required(node, inputs, 0)?)?;
                self.activate(node, x, Activation::Log)?
            }
            "Softmax" => self.softmax(node, required(node, inputs, 0)?)?,
            "QuantizeLinear" => self.quantise(node, inputs)?,
            "DequantizeLinear" => self.dequantise(node, inputs)?,
            _ => return Ok(None),
        };
        Ok(Some(vec![result]))
    }

    fn activation_of(
        &mut self,
        node: &Node<'_>,
        kind: &str,
        inputs: &[Option<ValueId>],
    ) -> Result<Option<Activation>, ImportError> {
        Ok(Some(match kind {
            "Relu" => Activation::Relu,
            "Gelu" if node.text("approximate").as_deref() == Some("tanh") => Activation::GeluTanh,
            "Gelu" => Activation::GeluErf,
            "Sigmoid" => Activation::Sigmoid,
            "Tanh" => Activation::Tanh,
            "LeakyRelu" => Activation::LeakyRelu { slope: node.float("alpha", 0.01) },
            "PRelu" => {
                let slope = required(node, inputs, 1)?;
                let slope = self.graph.constant(slope).and_then(|tensor| tensor.scalar());
                let refuse =
                    || node.unsupported("only one constant slope is supported; write it as Max, Min, Mul and Add");
                Activation::LeakyRelu { slope: slope.ok_or_else(refuse)? }
            }
            "Elu" => Activation::Elu { alpha: node.float("alpha", 1.0) },
            "HardSwish" => Activation::HardSwish,
            "HardSigmoid" => Activation::HardSigmoid { alpha: node.float("alpha", 0.2), beta: node.float("beta", 0.5) },
            "Clip" => {
                let bound = |index: usize, default: f32| match optional(inputs, index) {
                    None => Ok(default),
                    Some(id) => self.graph.constant(id).and_then(|tensor| tensor.scalar()).ok_or_else(|| {
                        node.unsupported("its bounds must be constants; write computed ones as Min and Max")
                    }),
                };
                Activation::Clip { low: bound(1, f32::NEG_INFINITY)?, high: bound(2, f32::INFINITY)? }
            }
            "Softplus" => Activation::Softplus,
            "Mish" => Activation::Mish,
            "Exp" => Activation::Exp,
            "Log" => Activation::Log,
            "Sqrt" => Activation::Sqrt,
            "Reciprocal" => Activation::Reciprocal,
            "Erf" => Activation::Erf,
            "Abs" => Activation::Abs,
            "Neg" => Activation::Negate,
            "Floor" => Activation::Floor,
            "Ceil" => Activation::Ceil,
            "Round" => Activation::Round,
            "Sign" => Activation::Sign,
            "Sin" => Activation::Sin,
            "Cos" => Activation::Cos,
            "Pow" => {
                let exponent = required(node, inputs, 1)?;
                let exponent = self.graph.constant(exponent).and_then(|tensor| tensor.scalar());
                let refuse = || node.unsupported("only one constant exponent is supported");
                Activation::Power { exponent: exponent.ok_or_else(refuse)? }
            }
            _ => return Ok(None),
        }))
    }

    pub(super) fn activate(
        &mut self,
        node: &Node<'_>,
        x: ValueId,
        activation: Activation,
    ) -> Result<ValueId, ImportError> {
        let (shape, element_type) = (self.shape(x).to_vec(), self.element_type(x));
        if element_type != ElementType::Float && !matches!(activation, Activation::Abs | Activation::Negate) {
            return Err(node.malformed("it is applied to integers"));
        }
        self.emit(node, FloatOp::Activation(activation), &[x], &shape, element_type)
    }

    /// An operation of two values; division by a constant becomes a product, subtraction of one a sum.
    pub(super) fn binary(
        &mut self,
        node: &Node<'_>,
        op: FloatOp,
        a: ValueId,
        b: ValueId,
    ) -> Result<ValueId, ImportError> {
        let shape = broadcast(self.shape(a), self.shape(b)).ok_or_else(|| {
            let (a, b) = (self.graph.shape_text(self.shape(a)), self.graph.shape_text(self.shape(b)));
            node.shape_error(format!("shapes {a} and {b} do not broadcast to one"))
        })?;
        let floats = self.element_type(a) == ElementType::Float || self.element_type(b) == ElementType::Float;
        let element_type = match op {
            FloatOp::Compare(_) => ElementType::Boolean,
            _ if floats => ElementType::Float,
            _ if self.element_type(a) == self.element_type(b) => self.element_type(a),
            _ => ElementType::Integer,
        };
        let constant = floats && self.graph.constant(a).is_none();
        let floats_of_b = self.graph.constant_floats(b).filter(|_| constant).map(<[f32]>::to_vec);
        if let (FloatOp::Div | FloatOp::Sub, Some(values)) = (&op, floats_of_b) {
            let (op, function): (_, fn(f32) -> f32) =
                if op == FloatOp::Div { (FloatOp::Mul, |value| 1.0 / value) } else { (FloatOp::Add, |value| -value) };
            let lengths: Vec<usize> = self.graph.constant(b).map(|tensor| tensor.shape.clone()).unwrap_or_default();
            let tensor = Tensor::floats(&lengths, values.into_iter().map(function).collect());
            let name = format!("{}~{}", self.graph.value(b).name, self.graph.values.len());
            let b = self.graph.add_constant(name, tensor);
            return self.emit(node, op, &[a, b], &shape, element_type);
        }
        self.emit(node, op, &[a, b], &shape, element_type)
    }

    fn choose(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let [condition, a, b] = [0, 1, 2].map(|index| required(node, inputs, index));
        let (condition, a, b) = (condition?, a?, b?);
        let shape = broadcast(self.shape(a), self.shape(b)).and_then(|shape| broadcast(&shape, self.shape(condition)));
        let shape = shape.ok_or_else(|| node.shape_error("its shapes do not broadcast to one"))?;
        let element_type = self.element_type(a);
        self.emit(node, FloatOp::Where, &[condition, a, b], &shape, element_type)
    }

    fn cast(&mut self, node: &Node<'_>, x: ValueId) -> Result<ValueId, ImportError> {
        let to = node.int("to").and_then(|to| i32::try_from(to).ok());
        let number = to.ok_or_else(|| node.malformed("its type is missing"))?;
        let to =
            crate::onnx::element_type(number).ok_or_else(|| node.unsupported("its element type is not supported"))?;
        let from = self.element_type(x);
        if let Some(tensor) = self.graph.constant(x) {
            let tensor = converted(tensor, to);
            let name = format!("{}~{}", node.name(), self.graph.values.len());
            let id = self.graph.add_constant(name, tensor);
            self.graph.values[id.index()].element_type = to;
            return Ok(id);
        }
        let shape = self.shape(x).to_vec();
        match (from, to) {
            (from, to) if from == to => Ok(x),
            (ElementType::Float, ElementType::Integer) => {
                Err(node.unsupported("computed floats do not become integers; quantise with QuantizeLinear"))
            }
            (_, ElementType::Boolean) => {
                let zero = if from == ElementType::Float {
                    self.scalar(node, 0.0)
                } else {
                    self.graph.add_constant(format!("{}~zero", node.name()), Tensor::integers(&[], vec![0]))
                };
                let equal = self.binary(node, FloatOp::Compare(Comparison::Equal), x, zero)?;
                let zero = self.graph.add_constant(format!("{}~zero", node.name()), Tensor::integers(&[], vec![0]));
                self.binary(node, FloatOp::Compare(Comparison::Equal), equal, zero)
            }
            _ => self.emit(node, FloatOp::Cast, &[x], &shape, to),
        }
    }

    fn matmul(&mut self, node: &Node<'_>, a: ValueId, b: ValueId) -> Result<ValueId, ImportError> {
        let (a_shape, b_shape) = (self.shape(a).to_vec(), self.shape(b).to_vec());
        let text = |shape: &[Extent]| self.graph.shape_text(shape);
        let refuse = || node.shape_error(format!("shapes {} and {} do not multiply", text(&a_shape), text(&b_shape)));
        let (Some(&k), true) = (a_shape.last(), b_shape.len() >= 2 && !a_shape.is_empty()) else {
            return Err(refuse());
        };
        if b_shape[b_shape.len() - 2] != k {
            return Err(refuse());
        }
        let matrix = b_shape[..b_shape.len() - 2].iter().all(|&extent| extent == Extent::Known(1));
        if self.graph.constant(b).is_some() && matrix && b_shape.len() <= a_shape.len().max(2) {
            let weight = self.reshaped_constant(b, 2);
            return self.linear(node, a, weight, None);
        }
        if a_shape.len() < 2 {
            return Err(node.unsupported("products of vectors are not supported; use Mul and ReduceSum"));
        }
        let (a_outer, b_outer) = (&a_shape[..a_shape.len() - 2], &b_shape[..b_shape.len() - 2]);
        let ones = |shape: &[Extent]| shape.iter().all(|&extent| extent == Extent::Known(1));
        if a_outer != b_outer && !ones(a_outer) && !ones(b_outer) {
            return Err(refuse());
        }
        let mut shape = broadcast(a_outer, b_outer).ok_or_else(refuse)?;
        shape.extend([a_shape[a_shape.len() - 2], b_shape[b_shape.len() - 1]]);
        if self.graph.constant(a).is_some() && a_shape.len() == 2 {
            return self.constant_times(node, a, b, &shape);
        }
        let op = FloatOp::MatMul { transpose_a: false, transpose_b: false, scale: 1.0 };
        self.emit(node, op, &[a, b], &shape, ElementType::Float)
    }

    /// A constant matrix times a value, as a linear layer between two transpositions.
    fn constant_times(
        &mut self,
        node: &Node<'_>,
        a: ValueId,
        b: ValueId,
        shape: &[Extent],
    ) -> Result<ValueId, ImportError> {
        let swap = |rank: usize| {
            let mut permutation: Vec<usize> = (0..rank).collect();
            permutation.swap(rank - 2, rank - 1);
            FloatOp::Transpose { permutation }
        };
        let swapped = |shape: &[Extent]| {
            let mut shape = shape.to_vec();
            let rank = shape.len();
            shape.swap(rank - 2, rank - 1);
            shape
        };
        let weight_shape = swapped(self.shape(a));
        let weight = self.emit(node, swap(2), &[a], &weight_shape, ElementType::Float)?;
        let turned_shape = swapped(self.shape(b));
        let rank = turned_shape.len();
        let turned = self.emit(node, swap(rank), &[b], &turned_shape, ElementType::Float)?;
        let product = self.linear(node, turned, weight, None)?;
        self.emit(node, swap(rank), &[product], shape, ElementType::Float)
    }

    /// The constant without the first axes, all of length 1, beyond `rank`.
    fn reshaped_constant(&mut self, id: ValueId, rank: usize) -> ValueId {
        match self.graph.constant(id) {
            Some(tensor) if tensor.shape.len() > rank => {
                let shape = tensor.shape[tensor.shape.len() - rank..].to_vec();
                let tensor = (**tensor).clone().reshaped(&shape);
                let name = self.graph.value(id).name.clone();
                self.graph.add_constant(name, tensor)
            }
            _ => id,
        }
    }

    fn linear(
        &mut self,
        node: &Node<'_>,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
    ) -> Result<ValueId, ImportError> {
        let mut shape = self.shape(x).to_vec();
        let columns = self.shape(weight)[1];
        let last = shape.last_mut().ok_or_else(|| node.malformed("it multiplies a scalar"))?;
        *last = columns;
        let inputs: Vec<ValueId> = [x, weight].into_iter().chain(bias).collect();
        self.emit(node, FloatOp::Linear, &inputs, &shape, ElementType::Float)
    }

    fn gemm(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let (mut a, mut b) = (required(node, inputs, 0)?, required(node, inputs, 1)?);
        if self.shape(a).len() != 2 || self.shape(b).len() != 2 {
            return Err(node.malformed("it multiplies what are no matrices"));
        }
        for (operand, flag) in [(&mut a, "transA"), (&mut b, "transB")] {
            if node.int(flag).unwrap_or(0) != 0 {
                let shape: Vec<Extent> = self.shape(*operand).iter().rev().copied().collect();
                let op = FloatOp::Transpose { permutation: vec![1, 0] };
                *operand = self.emit(node, op, &[*operand], &shape, ElementType::Float)?;
            }
        }
        let mut result = self.matmul(node, a, b)?;
        let alpha = node.float("alpha", 1.0);
        if alpha != 1.0 {
            let alpha = self.scalar(node, alpha);
            result = self.binary(node, FloatOp::Mul, result, alpha)?;
        }
        if let Some(mut addend) = optional(inputs, 2) {
            let beta = node.float("beta", 1.0);
            if beta != 1.0 {
                let beta = self.scalar(node, beta);
                addend = self.binary(node, FloatOp::Mul, addend, beta)?;
            }
            result = self.binary(node, FloatOp::Add, result, addend)?;
        }
        Ok(result)
    }

    fn softmax(&mut self, node: &Node<'_>, x: ValueId) -> Result<ValueId, ImportError> {
        let shape = self.shape(x).to_vec();
        let axis = node.int("axis").unwrap_or(if self.opset < 13 { 1 } else { -1 });
        let mut axis = node.axis(axis, shape.len())?;
        if self.opset < 13 && axis + 1 != shape.len() {
            // the older rule takes all axes from `axis` on together
            let ones = shape[axis..].iter().filter(|&&extent| extent == Extent::Known(1)).count();
            if ones + 1 < shape.len() - axis {
                return Err(
                    node.unsupported("before opset 13 it takes several axes together; export with opset 13 or later")
                );
            }
            axis += shape[axis..].iter().position(|&extent| extent != Extent::Known(1)).unwrap_or(0);
        }
        self.emit(node, FloatOp::Softmax { axis, mask_axes: None }, &[x], &shape, ElementType::Float)
    }

    /// The scale, zero points and bounds that a QuantizeLinear or DequantizeLinear names.
    fn own_scale(
        &self,
        node: &Node<'_>,
        inputs: &[Option<ValueId>],
        rank: usize,
        bounds: Option<(i32, i32)>,
    ) -> Result<OwnScale, ImportError> {
        let refuse = || node.unsupported("its scale and zero point must be constants");
        let scale = required(node, inputs, 1)?;
        let scales = self.graph.constant_floats(scale).ok_or_else(refuse)?.to_vec();
        let zero_points: Vec<i32> = match optional(inputs, 2) {
            Some(id) => {
                let points = self.graph.constant(id).and_then(|tensor| tensor.as_integers()).ok_or_else(refuse)?;
                points.iter().map(|&point| point as i32).collect()
            }
            None => vec![0; scales.len()],
        };
        if scales.is_empty()
            || zero_points.len() != scales.len()
            || scales.iter().any(|scale| scale.is_nan() || *scale <= 0.0)
        {
            return Err(node.malformed("it needs as many positive scales as zero points"));
        }
        if node.int("block_size").unwrap_or(0) != 0 {
            return Err(node.unsupported("scales for blocks are not supported; use one for each channel"));
        }
        let axis = if scales.len() > 1 { Some(node.axis(node.int("axis").unwrap_or(1), rank)?) } else { None };
        let (low, high) = bounds.unwrap_or((-128, 127));
        Ok(OwnScale { scales, zero_points, axis, low, high })
    }

    fn quantise(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let shape = self.shape(x).to_vec();
        let number = match (node.int("output_dtype"), optional(inputs, 2)) {
            (Some(number), _) if number != 0 => number as i32,
            (_, Some(id)) => self.constant_types.get(&id).copied().unwrap_or(data_type::UINT8),
            _ => data_type::UINT8,
        };
        let bounds = match number {
            data_type::INT8 => (-128, 127),
            data_type::UINT8 => (0, 255),
            data_type::INT16 => (-32768, 32767),
            data_type::UINT16 => (0, 65535),
            _ => return Err(node.unsupported("only types of 8 and 16 bits are supported")),
        };
        let own = self.own_scale(node, inputs, shape.len(), Some(bounds))?;
        let id = self.emit(node, FloatOp::Requantise(own.clone()), &[x], &shape, ElementType::Float)?;
        self.graph.values[id.index()].own_scale = Some(own.clone());
        self.own_scales.insert(id, own);
        Ok(id)
    }

    fn dequantise(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        if let Some(known) = self.own_scales.get(&x).cloned() {
            let own = self.own_scale(node, inputs, self.shape(x).len(), Some((known.low, known.high)))?;
            if own != known {
                return Err(
                    node.unsupported("its scale is not that of the QuantizeLinear before it; use one scale for both")
                );
            }
            return Ok(x);
        }
        let Some(tensor) = self.graph.constant(x).cloned() else {
            return Err(node.unsupported(remedy::operator("MatMulInteger")));
        };
        let integers = tensor.as_integers().ok_or_else(|| node.malformed("it is applied to floats"))?;
        let bounds = integers.iter().fold((-128, 127), |(low, high), &value| {
            let value = value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
            (value.min(low), value.max(high))
        });
        let own = self.own_scale(node, inputs, tensor.shape.len(), Some(bounds))?;
        let inner: usize = own.axis.map_or(1, |axis| tensor.shape[axis + 1..].iter().product());
        let floats = integers.iter().enumerate().map(|(index, &value)| {
            let channel = index / inner.max(1) % own.scales.len();
            (value - i64::from(own.zero_points[channel])) as f32 * own.scales[channel]
        });
        let name = format!("{}~{}", node.name(), self.graph.values.len());
        let id = self.graph.add_constant(name, Tensor::floats(&tensor.shape, floats.collect()));
        self.graph.values[id.index()].own_scale = Some(own);
        Ok(id)
    }
}

fn binary_op(kind: &str) -> FloatOp {
    match kind {
        "Sub" => FloatOp::Sub,
        "Mul" => FloatOp::Mul,
        "Div" => FloatOp::Div,
        "Min" | "And" => FloatOp::Min,
        "Max" | "Or" => FloatOp::Max,
        "Equal" => FloatOp::Compare(Comparison::Equal),
        "Less" => FloatOp::Compare(Comparison::Less),
        "LessOrEqual" => FloatOp::Compare(Comparison::LessOrEqual),
        "Greater" => FloatOp::Compare(Comparison::Greater),
        "GreaterOrEqual" => FloatOp::Compare(Comparison::GreaterOrEqual),
        _ => FloatOp::Add,
    }
}

fn converted(tensor: &Tensor, to: ElementType) -> Tensor {
    match (tensor.as_floats(), tensor.as_integers(), to) {
        (Some(floats), _, ElementType::Integer) => {
            Tensor::integers(&tensor.shape, floats.iter().map(|&value| value as i64).collect())
        }
        (Some(floats), _, ElementType::Boolean) => {
            Tensor::integers(&tensor.shape, floats.iter().map(|&value| i64::from(value != 0.0)).collect())
        }
        (_, Some(integers), ElementType::Float) => {
            Tensor::floats(&tensor.shape, integers.iter().map(|&value| value as f32).collect())
        }
        (_, Some(integers), ElementType::Boolean) => {
            Tensor::integers(&tensor.shape, integers.iter().map(|&value| i64::from(value != 0)).collect())
        }
        _ => tensor.clone(),
    }
}
