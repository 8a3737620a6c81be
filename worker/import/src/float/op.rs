//! The operations of a float graph.

/// An operation. Beside each is what it reads, in order; `?` marks what may be missing, `const` what is always a constant.
///
/// Axes are counted from 0. Where a mask is read, it is a tensor of integers or booleans, not 0 for what counts, and
/// `mask_axes` says which axis of the masked tensor each of its axes is.
#[derive(Debug, Clone, PartialEq)]
pub enum FloatOp {
    /// `x [.., in]`, `const weight [in, out]`, `const bias [out]?` gives `[.., out]`.
    Linear,
    /// `x [batch, in, positions ..]`, `const weight [out, in / groups, kernel ..]`, `const bias [out]?`; one or two axes
    /// of positions. The geometry's kernel is the weight's.
    Convolution {
        /// The geometry; its padding is with 0.
        window: Window,
        /// 1, or as many as channels where each has its own filter, or between.
        groups: u32,
    },
    /// `a [.., m, k]`, `b [.., k, n]`, both computed, all axes before the last two equal (or missing, or 1) gives
    /// `scale * a * b`.
    MatMul {
        /// `a` is `[.., k, m]`.
        transpose_a: bool,
        /// `b` is `[.., n, k]`.
        transpose_b: bool,
        /// What the product is multiplied with.
        scale: f32,
    },
    /// `x`.
    Activation(Activation),
    /// `x`, `const gamma [n]`, `const beta [n]?`: over one axis of length n,
    /// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.
    LayerNorm {
        /// The axis.
        axis: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// `x`, `const gamma [n]`: over one axis of length n, `x / sqrt(mean of squares + epsilon) * gamma`.
    RmsNorm {
        /// The axis.
        axis: usize,
        /// Added to the mean of squares.
        epsilon: f32,
    },
    /// `x`, `mask?`: what is masked out takes no part.
    Softmax {
        /// The axis whose elements add up to 1.
        axis: usize,
        /// Present exactly if there is a mask.
        mask_axes: Option<Vec<usize>>,
    },
    /// `a`, `b`: shapes broadcast from the right; at most one is a constant.
    Add,
    /// `a`, `b`, as [`FloatOp::Add`].
    Sub,
    /// `a`, `b`, as [`FloatOp::Add`].
    Mul,
    /// `a`, `b`, as [`FloatOp::Add`]. Division by a constant is written as [`FloatOp::Mul`].
    Div,
    /// `a`, `b`, as [`FloatOp::Add`]: the lesser.
    Min,
    /// `a`, `b`, as [`FloatOp::Add`]: the greater.
    Max,
    /// `ids [..]`, `const table [rows, columns]` gives `[.., columns]`.
    Embedding,
    /// `const table [rows, columns]` gives its first rows, `[n, columns]`, with n a symbol.
    Position,
    /// `x [batch, channels, positions ..]`; one or two axes of positions.
    Pool {
        /// Greatest or mean. What is padded does not count in either.
        kind: PoolKind,
        /// The geometry.
        window: Window,
    },
    /// `x`, `mask?`: what is masked out takes no part.
    Reduce {
        /// What is computed.
        kind: ReduceKind,
        /// The axes that are reduced over, ascending.
        axes: Vec<usize>,
        /// Whether these stay, with length 1.
        keep_axes: bool,
        /// Present exactly if there is a mask.
        mask_axes: Option<Vec<usize>>,
    },
    /// `x` divided by its Euclidean norm along an axis, or by `epsilon` where that is greater.
    L2Normalise {
        /// The axis.
        axis: usize,
        /// The least divisor.
        epsilon: f32,
    },
    /// `x`: the same elements in row-major order, with the output's shape.
    Reshape,
    /// `x`: output axis i is input axis `permutation[i]`.
    Transpose {
        /// One entry for each axis.
        permutation: Vec<usize>,
    },
    /// Two or more tensors, one after another along an axis; some may be constants.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `x`: the part that begins at `starts` with the output's shape, taking every `steps`-th.
    Slice {
        /// The first index, for each axis.
        starts: Vec<u32>,
        /// The distance, for each axis; may be negative.
        steps: Vec<i32>,
    },
    /// `x` with elements of a constant value around it.
    Pad {
        /// How many before, for each axis.
        before: Vec<u32>,
        /// How many after, for each axis.
        after: Vec<u32>,
        /// Their value.
        value: f32,
    },
    /// `x`, repeated along axes of length 1 up to the output's shape; shapes broadcast from the right.
    Broadcast,
    /// `x` gives the index of the greatest element, the first of equal ones.
    ArgMax {
        /// The axis.
        axis: usize,
        /// Whether it stays, with length 1.
        keep_axis: bool,
    },
    /// `x` gives the k greatest values along an axis, in descending order, and their indices.
    TopK {
        /// The axis.
        axis: usize,
        /// How many.
        k: u32,
    },
    /// `x`, rounded to the integers of a scale and back: QuantizeLinear and DequantizeLinear of the source.
    Requantise(OwnScale),
    /// `x`: other elements' type, the same numbers. Only between integers and booleans, or of a mask that counts as a
    /// number.
    Cast,
    /// `condition`, `a`, `b`: `a` where the condition is not 0, else `b`. Shapes broadcast from the right.
    Where,
    /// `a`, `b` gives a boolean. Shapes broadcast from the right.
    Compare(Comparison),
}

impl FloatOp {
    /// A short name for reports and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear => "Linear",
            Self::Convolution { .. } => "Convolution",
            Self::MatMul { .. } => "MatMul",
            Self::Activation(activation) => activation.name(),
            Self::LayerNorm { .. } => "LayerNorm",
            Self::RmsNorm { .. } => "RmsNorm",
            Self::Softmax { .. } => "Softmax",
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Min => "Min",
            Self::Max => "Max",
            Self::Embedding => "Embedding",
            Self::Position => "Position",
            Self::Pool { kind: PoolKind::Max, .. } => "MaxPool",
            Self::Pool { kind: PoolKind::Mean, .. } => "MeanPool",
            Self::Reduce { kind, .. } => match kind {
                ReduceKind::Mean => "ReduceMean",
                ReduceKind::Sum => "ReduceSum",
                ReduceKind::Max => "ReduceMax",
                ReduceKind::Min => "ReduceMin",
            },
            Self::L2Normalise { .. } => "L2Normalise",
            Self::Reshape => "Reshape",
            Self::Transpose { .. } => "Transpose",
            Self::Concat { .. } => "Concat",
            Self::Slice { .. } => "Slice",
            Self::Pad { .. } => "Pad",
            Self::Broadcast => "Broadcast",
            Self::ArgMax { .. } => "ArgMax",
            Self::TopK { .. } => "TopK",
            Self::Requantise(_) => "Requantise",
            Self::Cast => "Cast",
            Self::Where => "Where",
            Self::Compare(_) => "Compare",
        }
    }
}

/// A function of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names are those of the functions")]
pub enum Activation {
    Relu,
    /// Through the error function.
    GeluErf,
    /// Through the hyperbolic tangent.
    GeluTanh,
    Silu,
    /// `x * sigmoid(1.702 * x)`.
    QuickGelu,
    Sigmoid,
    Tanh,
    LeakyRelu {
        slope: f32,
    },
    Elu {
        alpha: f32,
    },
    /// `x * max(0, min(1, x / 6 + 1 / 2))`.
    HardSwish,
    /// `max(0, min(1, alpha * x + beta))`.
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    Clip {
        low: f32,
        high: f32,
    },
    Softplus,
    Mish,
    Exp,
    Log,
    Sqrt,
    Reciprocal,
    Erf,
    Abs,
    Negate,
    Floor,
    Ceil,
    Round,
    Sign,
    Sin,
    Cos,
    /// `x` to a power.
    Power {
        exponent: f32,
    },
}

impl Activation {
    /// The function's value.
    pub fn apply(self, x: f32) -> f32 {
        let wide = f64::from(x);
        match self {
            Self::Relu => x.max(0.0),
            Self::GeluErf => (0.5 * wide * (1.0 + error_function(wide / std::f64::consts::SQRT_2))) as f32,
            Self::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044715 * wide * wide * wide);
                (0.5 * wide * (1.0 + inner.tanh())) as f32
            }
            Self::Silu => (wide / (1.0 + (-wide).exp())) as f32,
            Self::QuickGelu => (wide / (1.0 + (-1.702 * wide).exp())) as f32,
            Self::Sigmoid => (1.0 / (1.0 + (-wide).exp())) as f32,
            Self::Tanh => x.tanh(),
            Self::LeakyRelu { slope } => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Self::Elu { alpha } => {
                if x < 0.0 {
                    alpha * x.exp_m1()
                } else {
                    x
                }
            }
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Self::Clip { low, high } => x.max(low).min(high),
            Self::Softplus => softplus(wide) as f32,
            Self::Mish => (wide * softplus(wide).tanh()) as f32,
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Erf => error_function(wide) as f32,
            Self::Abs => x.abs(),
            Self::Negate => -x,
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Sign => {
                if x == 0.0 {
                    0.0
                } else {
                    x.signum()
                }
            }
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Power { exponent } => x.powf(exponent),
        }
    }

    /// A short name for reports and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::GeluErf | Self::GeluTanh => "Gelu",
            Self::QuickGelu => "QuickGelu",
            Self::Silu => "Silu",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Elu { .. } => "Elu",
            Self::HardSwish => "HardSwish",
            Self::HardSigmoid { .. } => "HardSigmoid",
            Self::Clip { .. } => "Clip",
            Self::Softplus => "Softplus",
            Self::Mish => "Mish",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Sqrt",
            Self::Reciprocal => "Reciprocal",
            Self::Erf => "Erf",
            Self::Abs => "Abs",
            Self::Negate => "Negate",
            Self::Floor => "Floor",
            Self::Ceil => "Ceil",
            Self::Round => "Round",
            Self::Sign => "Sign",
            Self::Sin => "Sin",
            Self::Cos => "Cos",
            Self::Power { .. } => "Power",
        }
    }
}

fn softplus(x: f64) -> f64 {
    if x > 30.0 { x } else { x.exp().ln_1p() }
}

/// The error function, by its series near 0 and its continued fraction far away; the error is below 1e-12.
pub fn error_function(x: f64) -> f64 {
    let magnitude = x.abs();
    let value = if magnitude < 2.5 {
        let mut term = magnitude;
        let mut sum = magnitude;
        for n in 1..80 {
            term *= -magnitude * magnitude / f64::from(n);
            let part = term / f64::from(2 * n + 1);
            sum += part;
            if part.abs() < 1e-17 {
                break;
            }
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else if magnitude < 6.0 {
        let mut fraction = magnitude;
        for n in (1..=60).rev() {
            fraction = magnitude + f64::from(n) / 2.0 / fraction;
        }
        1.0 - (-magnitude * magnitude).exp() / (fraction * std::f64::consts::PI.sqrt())
    } else {
        1.0
    };
    value.copysign(x)
}

/// The geometry of a convolution or a pool: one entry for each axis of positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// How many positions are read for one.
    pub kernel: Vec<u32>,
    /// How far the window moves.
    pub strides: Vec<u32>,
    /// How far apart the positions in a window are.
    pub dilations: Vec<u32>,
    /// How many positions are added before the first.
    pub padding_before: Vec<u32>,
    /// How many positions are added behind the last.
    pub padding_after: Vec<u32>,
}

/// What a pool computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The greatest.
    Max,
    /// The mean of what is not padding.
    Mean,
}

/// What a reduction computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the functions")]
pub enum ReduceKind {
    Mean,
    Sum,
    Max,
    Min,
}

/// What a comparison asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the relations")]
pub enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The integers by which the source itself represents a value: `x = scale * (q - zero_point)`, `low <= q <= high`.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnScale {
    /// One, or one for each index of `axis`.
    pub scales: Vec<f32>,
    /// As many as scales.
    pub zero_points: Vec<i32>,
    /// The axis that the scales belong to.
    pub axis: Option<usize>,
    /// The least integer.
    pub low: i32,
    /// The greatest integer.
    pub high: i32,
}
