//! Transformer encoders with made-up weights: sentence embedding models of any size, for benchmarks and tests.
//!
//! The work is that of the real thing, and values spread as they do there: each layer's multipliers are chosen from the
//! deviation that random weights give.

use crate::TensorSet;
use crate::builder::{
    Activation, Attention, BuildError, Embedding, GraphBuilder, Model, Normalization, Requantization, Rows,
    TensorHandle, Weights,
};
use referee::graph::{Dim, Dtype, Slot};

/// Slot of the numbers of the words, i32 `[batch, tokens]`.
pub const IDS_SLOT: Slot = 0;
/// Slot of the mask, u8 `[batch, tokens]`.
pub const MASK_SLOT: Slot = 1;

/// Size of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Layers of attention and feed-forward; each is a segment of its own.
    pub layers: u32,
    /// Channels of a token.
    pub hidden: u32,
    /// Heads of the attention.
    pub heads: u32,
    /// Channels within a feed-forward.
    pub inner: u32,
    /// Words.
    pub vocabulary: u32,
    /// Most tokens of a text.
    pub max_tokens: u32,
    /// Most texts of one job.
    pub max_batch: u32,
}

impl Shape {
    /// all-MiniLM-L6-v2.
    pub fn mini_lm() -> Self {
        Self { layers: 6, hidden: 384, heads: 12, inner: 1536, vocabulary: 30_522, max_tokens: 256, max_batch: 32 }
    }

    /// Two layers of sizes that no vector divides.
    pub fn tiny() -> Self {
        Self { layers: 2, hidden: 42, heads: 3, inner: 67, vocabulary: 40, max_tokens: 37, max_batch: 4 }
    }
}

/// Deviation of normalised rows in 8 bits: four of them fit.
const NORMAL: f64 = 31.0;
/// Deviation of the sums that are kept in 16 bits.
const STREAM: f64 = 2000.0;
/// Deviation of a uniformly drawn byte.
const BYTE: f64 = 73.9;
/// Real scores of one step of a score.
const SCORE_STEP: f64 = 1.0 / 128.0;
/// Deviation of a score.
const SCORE: f64 = 1.5;
/// Steps of an activation's argument of a deviation.
const ACTIVATION_STEPS: f64 = 128.0;
/// Multiply-adds for each byte that a cut adds to the commitment.
const WORK_PER_BOUNDARY_BYTE: u64 = 5000;

/// The encoder: from numbers of words and a mask to i16 `[batch, hidden]`, rows of length 2^15, the weights drawn from `seed`.
///
/// # Errors
/// The builder's, for a shape that the IR does not hold.
pub fn model(shape: &Shape, seed: u64) -> Result<Model, BuildError> {
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, shape.max_batch)?;
    let tokens = graph.symbol("tokens", 1, shape.max_tokens)?;
    let ids = graph.input("ids", Dtype::I32, &[batch, tokens])?;
    let mask = graph.input("mask", Dtype::U8, &[batch, tokens])?;
    let mut encoder = Encoder { graph, shape: *shape, mask, random: SplitMix64(seed) };
    let embedded = encoder.embed(&ids, &[batch, tokens])?;
    let mut hidden = encoder.normalised("embedding_norm", &embedded, false, Dtype::I8)?;
    for layer in 0..shape.layers {
        let attended = encoder.attend(&format!("layer{layer}.attention"), &hidden)?;
        let middle = encoder.normalised(&format!("layer{layer}.attention_norm"), &attended, false, Dtype::I8)?;
        let inner = encoder.feed_forward(&format!("layer{layer}.feed_forward"), &middle)?;
        let last = layer + 1 == shape.layers;
        let output = if last { Dtype::I16 } else { Dtype::I8 };
        hidden = encoder.normalised(&format!("layer{layer}.norm"), &inner, last, output)?;
    }
    let Encoder { mut graph, mask, .. } = encoder;
    let pooled = graph.mean_pool_masked("pooled", &hidden, Some(&mask), 0, Dtype::I16)?;
    let unit = graph.l2_normalize("unit", &pooled, 15, Dtype::I16)?;
    graph.cut_by_cost(WORK_PER_BOUNDARY_BYTE);
    graph.output(&unit);
    graph.build()
}

/// Inputs of `batch` texts of `tokens` words drawn from `seed`; the later texts are shorter, their ends masked.
pub fn inputs(shape: &Shape, batch: u32, tokens: u32, seed: u64) -> TensorSet {
    let mut random = SplitMix64(seed);
    let places = (0..batch).flat_map(|text| (0..tokens).map(move |token| (text, token)));
    let (mut ids, mut mask) = (Vec::new(), Vec::new());
    for (text, token) in places {
        ids.extend_from_slice(&((random.next() % u64::from(shape.vocabulary.max(1))) as i32).to_le_bytes());
        mask.push(u8::from(token < tokens.saturating_sub(text % 4 * (tokens / 5)).max(1)));
    }
    TensorSet::from([(IDS_SLOT, ids.into()), (MASK_SLOT, mask.into())])
}

struct Encoder {
    graph: GraphBuilder,
    shape: Shape,
    mask: TensorHandle,
    random: SplitMix64,
}

/// Weights with the numbers of their requantisation.
struct Drawn {
    outputs: u32,
    inputs: u32,
    weights: Vec<i8>,
    bias: Vec<i32>,
    multiplier: Vec<i32>,
}

impl Drawn {
    const SHIFT: u8 = 32;

    fn weights(&self) -> Weights<'_> {
        Weights { outputs: self.outputs, inputs: self.inputs, values: &self.weights }
    }

    fn requantization(&self, output: Dtype) -> Requantization<'_> {
        Requantization { bias: &self.bias, multiplier: &self.multiplier, shift: Self::SHIFT, clamp: None, output }
    }
}

impl Encoder {
    /// Weights that turn inputs of deviation `from` into outputs of deviation `to`.
    fn draw(&mut self, outputs: u32, inputs: u32, from: f64, to: f64) -> Drawn {
        let weights = self.random.bytes(outputs as usize * inputs as usize);
        let deviation = f64::from(inputs).sqrt() * BYTE * from;
        let multiplier = to / deviation * (1u64 << Drawn::SHIFT) as f64;
        // each channel's own, up to an eighth more
        let multiplier = |noise: i8| (multiplier * (1.0 + f64::from(noise.unsigned_abs()) / 1024.0)) as i32;
        let multiplier = self.random.bytes(outputs as usize).into_iter().map(multiplier).collect();
        let bias = |noise: i8| (f64::from(noise) / 256.0 * deviation) as i32;
        let bias = self.random.bytes(outputs as usize).into_iter().map(bias).collect();
        Drawn { outputs, inputs, weights, bias, multiplier }
    }

    fn embed(&mut self, ids: &TensorHandle, places: &[Dim]) -> Result<TensorHandle, BuildError> {
        let Shape { hidden, vocabulary, max_tokens, .. } = self.shape;
        let mut table = |name: &str, rows: u32| {
            let values: Vec<i64> =
                self.random.bytes(rows as usize * hidden as usize).into_iter().map(i64::from).collect();
            self.graph.param(name, Dtype::I8, &[rows, hidden], &values)
        };
        let (words, positions) = (table("words", vocabulary)?, table("positions", max_tokens)?);
        let terms = [
            Embedding { table: &words, rows: Rows::Ids(ids), multiplier: 1200 },
            Embedding { table: &positions, rows: Rows::Position, multiplier: 400 },
        ];
        self.graph.embedding("embedding", places, &terms, 6, false, Dtype::I16)
    }

    fn normalised(
        &mut self,
        name: &str,
        input: &TensorHandle,
        transposed: bool,
        output: Dtype,
    ) -> Result<TensorHandle, BuildError> {
        let hidden = self.shape.hidden as usize;
        let deviation = if output == Dtype::I8 { NORMAL } else { STREAM };
        let one = (deviation * 65_536.0) as i32;
        let gain: Vec<i32> =
            self.random.bytes(hidden).iter().map(|noise| one + i32::from(*noise) * (one >> 9)).collect();
        let offset: Vec<i32> = self.random.bytes(hidden).iter().map(|noise| i32::from(*noise) * (one >> 9)).collect();
        let normalization =
            Normalization { gain: &gain, offset: &offset, gain_axis: 2, precision: 16, epsilon: 0, transposed, output };
        self.graph.layer_norm(name, input, &normalization)
    }

    /// Attention with what follows it, added to what came before, in 16 bits.
    fn attend(&mut self, name: &str, hidden: &TensorHandle) -> Result<TensorHandle, BuildError> {
        let Shape { hidden: width, heads, .. } = self.shape;
        let mut project = |part: &str| (format!("{name}.{part}"), self.draw(width, width, NORMAL, NORMAL));
        let [(query_name, query), (key_name, key), (values_name, values)] =
            ["query", "key", "values"].map(&mut project);
        let query = self.graph.linear(&query_name, hidden, &query.weights(), &query.requantization(Dtype::I8))?;
        let key = self.graph.linear(&key_name, hidden, &key.weights(), &key.requantization(Dtype::I8))?;
        let values =
            self.graph.linear_transposed(&values_name, hidden, &values.weights(), &values.requantization(Dtype::I8))?;
        let falling = (0..).map(|i| (255.0 * (-SCORE_STEP * f64::from(i)).exp()).round() as u8);
        let mut exponents: Vec<u8> = falling.take_while(|entry| *entry > 0).collect();
        exponents.push(0);
        exponents.reverse();
        let product = NORMAL * NORMAL * f64::from(width / heads.max(1)).sqrt();
        let attention = Attention {
            heads,
            query: &query,
            key: &key,
            values: &values,
            mask: Some(&self.mask),
            score_multiplier: (SCORE / SCORE_STEP / product * (1u64 << 24) as f64) as i32,
            score_shift: 24,
            exponents: &exponents,
            // averages spread less than values: half of the values' deviation fills 8 bits better
            numerator: 1 << 38,
            shift: 37,
        };
        let context = self.graph.attention(&format!("{name}.context"), &attention)?;
        let output = self.draw(width, width, NORMAL / 2.0, STREAM);
        self.residual(&format!("{name}.output"), &context, &output, hidden)
    }

    fn feed_forward(&mut self, name: &str, middle: &TensorHandle) -> Result<TensorHandle, BuildError> {
        let Shape { hidden, inner, .. } = self.shape;
        // GELU in its form by tanh, of arguments from -4 to 4
        let gelu = |step: i64| {
            let x = step as f64 / ACTIVATION_STEPS;
            let tanh = (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh();
            (0.5 * x * (1.0 + tanh) * NORMAL).round() as i64
        };
        let last = (4.0 * ACTIVATION_STEPS) as i64;
        let table: Vec<i64> = (-last..=last).map(|step| gelu(step).clamp(-128, 127)).collect();
        let grown = self.draw(inner, hidden, NORMAL, ACTIVATION_STEPS);
        let activation = Activation { table: &table, first: -last };
        let grown_name = format!("{name}.grown");
        let grown = self.graph.linear_activated(
            &grown_name,
            middle,
            &grown.weights(),
            &grown.requantization(Dtype::I8),
            &activation,
        )?;
        let shrunk = self.draw(hidden, inner, NORMAL / 2.0, STREAM);
        self.residual(&format!("{name}.shrunk"), &grown, &shrunk, middle)
    }

    fn residual(
        &mut self,
        name: &str,
        input: &TensorHandle,
        drawn: &Drawn,
        before: &TensorHandle,
    ) -> Result<TensorHandle, BuildError> {
        let multiplier = (STREAM / NORMAL * (1u64 << Drawn::SHIFT) as f64).min(f64::from(i32::MAX)) as i32;
        let requantization = drawn.requantization(Dtype::I16);
        self.graph.linear_residual(name, input, &drawn.weights(), &requantization, before, multiplier)
    }
}

/// A small generator whose sequence never changes, so that a seed names one model for ever.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| (self.next() >> 56) as i8).collect()
    }
}
