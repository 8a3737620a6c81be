//! Encoders of the BERT family.

use super::Weights;
use crate::error::ImportError;
use crate::float::{Tensor, TensorData};
use crate::onnx::ModelProto;
use crate::onnx::builder::{Attribute, Length, ModelBuilder};
use crate::onnx::proto::data_type;
use serde::Deserialize;
use std::path::PathBuf;

/// The activation between the two linear layers of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenActivation {
    /// Gelu through the error function.
    #[default]
    Gelu,
    /// Gelu through the hyperbolic tangent.
    GeluTanh,
    /// Relu.
    Relu,
    /// Silu.
    Silu,
}

/// What becomes of the vectors of the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean over what the mask counts.
    #[default]
    Mean,
    /// The first one.
    First,
    /// All of them are the output.
    None,
}

/// The numbers of an encoder. Names of tensors are those of the usual exports unless `tensors` says otherwise.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bert {
    /// Blocks.
    pub layers: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Length of a token's vector.
    pub hidden: usize,
    /// Length of the vector between the two linear layers of a block.
    pub intermediate: usize,
    /// The activation there.
    #[serde(default)]
    pub activation: HiddenActivation,
    /// Added to variances.
    #[serde(default = "default_epsilon")]
    pub epsilon: f32,
    /// What becomes of the tokens' vectors.
    #[serde(default)]
    pub pooling: Pooling,
    /// Whether the result is divided by its length.
    #[serde(default)]
    pub normalise: bool,
    /// The row of the positions' table for the first token.
    #[serde(default)]
    pub first_position: usize,
    /// The weights, relative to the description.
    #[serde(default = "default_weights")]
    pub weights: PathBuf,
    /// Names of tensors.
    #[serde(default)]
    pub tensors: BertTensors,
}

fn default_epsilon() -> f32 {
    1e-12
}

fn default_weights() -> PathBuf {
    PathBuf::from("model.safetensors")
}

/// Patterns of names: `{layer}` is the number of the block; of linear layers and norms, `.weight` and `.bias` follow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are those of the parts")]
pub struct BertTensors {
    pub prefix: String,
    pub words: String,
    pub positions: String,
    /// Empty if the model has none. The first row is taken: all tokens belong to one text.
    pub token_types: String,
    pub embedding_norm: String,
    pub query: String,
    pub key: String,
    pub value: String,
    pub attention_output: String,
    pub attention_norm: String,
    pub intermediate: String,
    pub output: String,
    pub output_norm: String,
}

impl Default for BertTensors {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            words: String::from("embeddings.word_embeddings.weight"),
            positions: String::from("embeddings.position_embeddings.weight"),
            token_types: String::from("embeddings.token_type_embeddings.weight"),
            embedding_norm: String::from("embeddings.LayerNorm"),
            query: String::from("encoder.layer.{layer}.attention.self.query"),
            key: String::from("encoder.layer.{layer}.attention.self.key"),
            value: String::from("encoder.layer.{layer}.attention.self.value"),
            attention_output: String::from("encoder.layer.{layer}.attention.output.dense"),
            attention_norm: String::from("encoder.layer.{layer}.attention.output.LayerNorm"),
            intermediate: String::from("encoder.layer.{layer}.intermediate.dense"),
            output: String::from("encoder.layer.{layer}.output.dense"),
            output_norm: String::from("encoder.layer.{layer}.output.LayerNorm"),
        }
    }
}

/// A model that is being written, and where its weights come from.
struct Writer<'a> {
    model: ModelBuilder,
    weights: &'a Weights<'a>,
    bert: &'a Bert,
}

impl Bert {
    /// The model: `ids` and `mask`, both `[batch, tokens]`, give one output.
    ///
    /// # Errors
    /// [`ImportError::Architecture`], [`ImportError::MissingTensor`].
    pub(super) fn model(&self, weights: &Weights<'_>) -> Result<ModelProto, ImportError> {
        let refuse = |reason: &str| Err(ImportError::Architecture { reason: reason.to_owned() });
        if self.heads == 0 || self.hidden == 0 || !self.hidden.is_multiple_of(self.heads) {
            return refuse("`hidden` must be a multiple of `heads`");
        }
        if self.layers > 256 || self.intermediate == 0 {
            return refuse("`layers` is at most 256 and `intermediate` at least 1");
        }
        let mut writer = Writer { model: ModelBuilder::new(17), weights, bert: self };
        let shape = [Length::Symbol("batch"), Length::Symbol("tokens")];
        let ids = writer.model.input("ids", data_type::INT64, &shape);
        let mask = writer.model.input("mask", data_type::INT64, &shape);
        let mut x = writer.embeddings(&ids)?;
        let bias = writer.mask_bias(&mask);
        for layer in 0..self.layers {
            x = writer.block(layer, &x, &bias)?;
        }
        let result = writer.pooled(&x, &mask);
        writer.model.output(&result);
        Ok(writer.model.finish())
    }

    fn name(&self, pattern: &str, layer: usize) -> String {
        format!("{}{}", self.tensors.prefix, pattern.replace("{layer}", &layer.to_string()))
    }
}

impl Writer<'_> {
    fn node(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.model.node(operator, inputs, &[])
    }

    fn embeddings(&mut self, ids: &str) -> Result<String, ImportError> {
        let (bert, names) = (self.bert, &self.bert.tensors);
        let words = bert.name(&names.words, 0);
        let table = self.weights.tensor(&words, &[self.weights.rows(&words)?, bert.hidden])?;
        let positions = bert.name(&names.positions, 0);
        let rows = self.weights.rows(&positions)?;
        let mut places = self.weights.tensor(&positions, &[rows, bert.hidden])?;
        if bert.first_position >= rows {
            return Err(ImportError::Architecture { reason: format!("`first_position` is to be below {rows}") });
        }
        if let TensorData::Floats(values) = &mut places.data {
            values.drain(..bert.first_position * bert.hidden);
            if !names.token_types.is_empty() {
                let name = bert.name(&names.token_types, 0);
                let types = self.weights.tensor(&name, &[self.weights.rows(&name)?, bert.hidden])?;
                let first = types.as_floats().unwrap_or(&[]).get(..bert.hidden).unwrap_or(&[]);
                values.iter_mut().zip(first.iter().cycle()).for_each(|(value, add)| *value += add);
            }
        }
        places.shape[0] -= bert.first_position;
        let table = self.model.constant(&table);
        let words = self.node("Gather", &[&table, ids]);
        let shape = self.node("Shape", &[ids]);
        let one = self.model.integers(&[1]);
        let tokens = self.node("Gather", &[&shape, &one]);
        let (places, zero) = (self.model.constant(&places), self.model.integers(&[0]));
        let places = self.node("Slice", &[&places, &zero, &tokens, &zero]);
        let sum = self.node("Add", &[&words, &places]);
        self.norm(&names.embedding_norm, 0, &sum)
    }

    /// 0 where a token counts, and a number that no score outweighs where it does not.
    fn mask_bias(&mut self, mask: &str) -> String {
        let axes = self.model.integers(&[1, 2]);
        let mask = self.node("Unsqueeze", &[mask, &axes]);
        let mask = self.floats(&mask);
        let (one, low) = (self.model.number(1.0), self.model.number(-10_000.0));
        let inverted = self.node("Sub", &[&one, &mask]);
        self.node("Mul", &[&inverted, &low])
    }

    fn floats(&mut self, x: &str) -> String {
        self.model.node("Cast", &[x], &[("to", Attribute::Int(i64::from(data_type::FLOAT)))])
    }

    fn norm(&mut self, pattern: &str, layer: usize, x: &str) -> Result<String, ImportError> {
        let name = self.bert.name(pattern, layer);
        let vector = |end: &str| self.weights.tensor(&format!("{name}.{end}"), &[self.bert.hidden]);
        let (gamma, beta) = (vector("weight")?, vector("bias")?);
        let (gamma, beta) = (self.model.constant(&gamma), self.model.constant(&beta));
        let settings = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(self.bert.epsilon))];
        Ok(self.model.node("LayerNormalization", &[x, &gamma, &beta], &settings))
    }

    fn linear(
        &mut self,
        pattern: &str,
        layer: usize,
        x: &str,
        [rows, columns]: [usize; 2],
    ) -> Result<String, ImportError> {
        let name = self.bert.name(pattern, layer);
        let weight = self.weights.tensor(&format!("{name}.weight"), &[columns, rows])?;
        let bias = self.weights.tensor(&format!("{name}.bias"), &[columns])?;
        let values = weight.as_floats().unwrap_or(&[]);
        let turned = (0..rows * columns).map(|index| values[index % columns * rows + index / columns]).collect();
        let weight = self.model.constant(&Tensor::floats(&[rows, columns], turned));
        let product = self.node("MatMul", &[x, &weight]);
        let bias = self.model.constant(&bias);
        Ok(self.node("Add", &[&product, &bias]))
    }

    fn block(&mut self, layer: usize, x: &str, bias: &str) -> Result<String, ImportError> {
        let (bert, names) = (self.bert, &self.bert.tensors);
        let (hidden, width) = (bert.hidden, bert.hidden / bert.heads);
        let query = self.linear(&names.query, layer, x, [hidden, hidden])?;
        let key = self.linear(&names.key, layer, x, [hidden, hidden])?;
        let value = self.linear(&names.value, layer, x, [hidden, hidden])?;
        let query = self.heads(&query, &[0, 2, 1, 3]);
        let key = self.heads(&key, &[0, 2, 3, 1]);
        let value = self.heads(&value, &[0, 2, 1, 3]);
        let scores = self.node("MatMul", &[&query, &key]);
        let root = self.model.number((width as f32).sqrt());
        let scores = self.node("Div", &[&scores, &root]);
        let scores = self.node("Add", &[&scores, bias]);
        let shares = self.model.node("Softmax", &[&scores], &[("axis", Attribute::Int(-1))]);
        let mixed = self.node("MatMul", &[&shares, &value]);
        let mixed = self.model.node("Transpose", &[&mixed], &[("perm", Attribute::Ints(vec![0, 2, 1, 3]))]);
        let shape = self.model.integers(&[0, 0, hidden as i64]);
        let mixed = self.node("Reshape", &[&mixed, &shape]);
        let mixed = self.linear(&names.attention_output, layer, &mixed, [hidden, hidden])?;
        let sum = self.node("Add", &[&mixed, x]);
        let x = self.norm(&names.attention_norm, layer, &sum)?;
        let inner = self.linear(&names.intermediate, layer, &x, [hidden, bert.intermediate])?;
        let inner = self.activation(&inner);
        let outer = self.linear(&names.output, layer, &inner, [bert.intermediate, hidden])?;
        let sum = self.node("Add", &[&outer, &x]);
        self.norm(&names.output_norm, layer, &sum)
    }

    fn heads(&mut self, x: &str, order: &[i64]) -> String {
        let (heads, width) = (self.bert.heads as i64, (self.bert.hidden / self.bert.heads) as i64);
        let shape = self.model.integers(&[0, 0, heads, width]);
        let split = self.node("Reshape", &[x, &shape]);
        self.model.node("Transpose", &[&split], &[("perm", Attribute::Ints(order.to_vec()))])
    }

    fn activation(&mut self, x: &str) -> String {
        let (one, half) = (self.model.number(1.0), self.model.number(0.5));
        let curve = match self.bert.activation {
            HiddenActivation::Relu => return self.node("Relu", &[x]),
            HiddenActivation::Silu => {
                let sigmoid = self.node("Sigmoid", &[x]);
                return self.node("Mul", &[x, &sigmoid]);
            }
            HiddenActivation::Gelu => {
                let root = self.model.number(std::f32::consts::SQRT_2);
                let scaled = self.node("Div", &[x, &root]);
                self.node("Erf", &[&scaled])
            }
            HiddenActivation::GeluTanh => {
                let (three, cubic) = (self.model.number(3.0), self.model.number(0.044_715));
                let cube = self.node("Pow", &[x, &three]);
                let cube = self.node("Mul", &[&cube, &cubic]);
                let sum = self.node("Add", &[x, &cube]);
                let factor = self.model.number((2.0 / std::f32::consts::PI).sqrt());
                let inner = self.node("Mul", &[&sum, &factor]);
                self.node("Tanh", &[&inner])
            }
        };
        let curve = self.node("Add", &[&curve, &one]);
        let product = self.node("Mul", &[x, &curve]);
        self.node("Mul", &[&product, &half])
    }

    fn pooled(&mut self, x: &str, mask: &str) -> String {
        let keep = |keep: i64| ("keepdims", Attribute::Int(keep));
        let mut result = match self.bert.pooling {
            Pooling::None => x.to_owned(),
            Pooling::First => {
                let zero = self.model.constant(&Tensor::integers(&[], vec![0]));
                self.model.node("Gather", &[x, &zero], &[("axis", Attribute::Int(1))])
            }
            Pooling::Mean => {
                let (axes, first) = (self.model.integers(&[2]), self.model.integers(&[1]));
                let mask = self.node("Unsqueeze", &[mask, &axes]);
                let mask = self.floats(&mask);
                let counted = self.node("Mul", &[x, &mask]);
                let sum = self.model.node("ReduceSum", &[&counted, &first], &[keep(0)]);
                let count = self.model.node("ReduceSum", &[&mask, &first], &[keep(0)]);
                let least = self.model.number(1e-9);
                let count = self.node("Clip", &[&count, &least]);
                self.node("Div", &[&sum, &count])
            }
        };
        if self.bert.normalise {
            let norm = self.model.node("ReduceL2", &[&result], &[("axes", Attribute::Ints(vec![-1])), keep(1)]);
            let least = self.model.number(1e-12);
            let norm = self.node("Clip", &[&norm, &least]);
            result = self.node("Div", &[&result, &norm]);
        }
        result
    }
}
