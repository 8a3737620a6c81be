//! Normalisations that have operators of their own.

use super::Translator;
use super::arithmetic::{optional, required};
use super::node::Node;
use crate::error::ImportError;
use crate::float::{ElementType, Extent, FloatOp, Tensor, ValueId};

type Results = Result<Option<Vec<ValueId>>, ImportError>;

impl Translator {
    pub(super) fn normal(&mut self, node: &Node<'_>, kind: &str, inputs: &[Option<ValueId>]) -> Results {
        let result = match kind {
            "LayerNormalization" => self.layer_normalization(node, inputs, false)?,
            "RMSNormalization" => self.layer_normalization(node, inputs, true)?,
            "BatchNormalization" => self.batch_normalization(node, inputs)?,
            "InstanceNormalization" => self.instance_normalization(node, inputs)?,
            _ => return Ok(None),
        };
        Ok(Some(vec![result]))
    }

    fn layer_normalization(
        &mut self,
        node: &Node<'_>,
        inputs: &[Option<ValueId>],
        of_squares: bool,
    ) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let shape = self.shape(x).to_vec();
        let axis = node.axis(node.int("axis").unwrap_or(-1), shape.len())?;
        let length = shape.last().and_then(|extent| extent.known());
        let (Some(length), true) = (length, axis + 1 == shape.len()) else {
            return Err(node.unsupported("it is supported over the last axis only, of known length; flatten before it"));
        };
        let vector = |id: ValueId| {
            let constant = self.graph.constant(id).filter(|tensor| tensor.elements() == length as usize);
            let refuse = || node.unsupported("its scale and bias must be constants, one number for each element");
            constant.map(|tensor| (**tensor).clone().reshaped(&[length as usize])).ok_or_else(refuse)
        };
        let gamma = vector(required(node, inputs, 1)?)?;
        let beta = optional(inputs, 2).map(vector).transpose()?;
        let epsilon = node.float("epsilon", 1e-5);
        let name = node.name();
        let mut read = vec![x, self.graph.add_constant(format!("{name}~scale"), gamma)];
        if let Some(beta) = beta {
            read.push(self.graph.add_constant(format!("{name}~bias"), beta));
        }
        let op = if of_squares { FloatOp::RmsNorm { axis, epsilon } } else { FloatOp::LayerNorm { axis, epsilon } };
        self.emit(node, op, &read, &shape, ElementType::Float)
    }

    /// A factor and an addend for each channel.
    fn batch_normalization(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let shape = self.shape(x).to_vec();
        if node.int("training_mode").unwrap_or(0) != 0 {
            return Err(node.unsupported("export for inference"));
        }
        let channels =
            shape.get(1).and_then(|extent| extent.known()).ok_or_else(|| node.malformed("there are no channels"))?;
        let mut lists = Vec::new();
        for index in 1..5 {
            let values = self.graph.constant_floats(required(node, inputs, index)?);
            let values = values.filter(|values| values.len() == channels as usize);
            let refuse = || node.unsupported("its parameters must be constants, one number for each channel");
            lists.push(values.ok_or_else(refuse)?.to_vec());
        }
        let epsilon = f64::from(node.float("epsilon", 1e-5));
        let (mut factors, mut addends) = (Vec::new(), Vec::new());
        let values = |list: usize| lists[list].iter().map(|&value| f64::from(value));
        for (((scale, bias), mean), variance) in values(0).zip(values(1)).zip(values(2)).zip(values(3)) {
            let factor = scale / (variance + epsilon).sqrt();
            factors.push(factor as f32);
            addends.push((bias - mean * factor) as f32);
        }
        let mut lengths = vec![1; shape.len() - 1];
        lengths[0] = channels as usize;
        let name = node.name();
        let factors = self.graph.add_constant(format!("{name}~scale"), Tensor::floats(&lengths, factors));
        let addends = self.graph.add_constant(format!("{name}~bias"), Tensor::floats(&lengths, addends));
        let scaled = self.emit(node, FloatOp::Mul, &[x, factors], &shape, ElementType::Float)?;
        self.emit(node, FloatOp::Add, &[scaled, addends], &shape, ElementType::Float)
    }

    /// Over the positions of each channel, which make one row; then each channel has a factor and an addend.
    fn instance_normalization(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let shape = self.shape(x).to_vec();
        let lengths: Option<Vec<u32>> = shape.iter().skip(1).map(|extent| extent.known()).collect();
        let lengths = lengths.filter(|lengths| lengths.len() >= 2);
        let lengths = lengths.ok_or_else(|| node.unsupported("its channels and positions need fixed lengths"))?;
        let channels = lengths[0];
        let row = lengths[1..].iter().fold(1u64, |row, length| row.saturating_mul(u64::from(*length)));
        let row = u32::try_from(row).ok().filter(|row| *row < 1 << 20);
        let row = row.ok_or_else(|| node.unsupported("it has too many positions; normalise fewer at once"))?;
        let mut by_channel = vec![1; lengths.len()];
        by_channel[0] = channels as usize;
        let vector = |index: usize| {
            let constant = self.graph.constant(required(node, inputs, index)?);
            let constant = constant.filter(|tensor| tensor.elements() == channels as usize);
            let refuse = || node.unsupported("its scale and bias must be constants, one number for each channel");
            constant.map(|tensor| (**tensor).clone().reshaped(&by_channel)).ok_or_else(refuse)
        };
        let (scale, bias) = (vector(1)?, vector(2)?);
        let (epsilon, name) = (node.float("epsilon", 1e-5), node.name());
        let [scale, bias] = [("scale", scale), ("bias", bias)]
            .map(|(label, tensor)| self.graph.add_constant(format!("{name}~{label}"), tensor));
        let flat = [shape[0], Extent::Known(channels), Extent::Known(row)];
        let flattened = self.with_shape(node, x, &flat)?;
        let row = row as usize;
        let ones = self.made_constant(node, "ones", row, || Tensor::floats(&[row], vec![1.0; row]))?;
        let op = FloatOp::LayerNorm { axis: 2, epsilon };
        let normal = self.emit(node, op, &[flattened, ones], &flat, ElementType::Float)?;
        let normal = self.with_shape(node, normal, &shape)?;
        let scaled = self.emit(node, FloatOp::Mul, &[normal, scale], &shape, ElementType::Float)?;
        self.emit(node, FloatOp::Add, &[scaled, bias], &shape, ElementType::Float)
    }
}
