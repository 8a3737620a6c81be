//! What to do about an operator that is not supported.

/// For an operator of `ai.onnx`.
pub(super) fn operator(kind: &str) -> &'static str {
    match kind {
        "If" | "Loop" | "Scan" | "SequenceMap" => {
            "an integer graph has no control flow; trace the model with fixed branches and unrolled loops"
        }
        "LSTM" | "GRU" | "RNN" => "an integer graph is static; unroll the steps into MatMul, Add, Sigmoid and Tanh",
        "NonZero" | "NonMaxSuppression" | "Unique" | "Compress" | "StringNormalizer" | "TfIdfVectorizer" => {
            "the shape of its result depends on data; cut the model before it and do this step in the client"
        }
        "RandomNormal" | "RandomUniform" | "RandomNormalLike" | "RandomUniformLike" | "Bernoulli" | "Multinomial" => {
            "a result must be the same everywhere; give random numbers as an input, or export for inference"
        }
        "QLinearConv" | "QLinearMatMul" | "ConvInteger" | "MatMulInteger" | "DynamicQuantizeLinear" => {
            "export quantised models as QuantizeLinear and DequantizeLinear pairs around float operators"
        }
        "GroupNormalization" => "write it as Reshape, InstanceNormalization, Reshape, Mul and Add",
        "Einsum" => "write it as Transpose, Reshape and MatMul",
        "CumSum" => "write it as a MatMul with a constant triangular matrix",
        "GatherND" | "GatherElements" | "ScatterND" | "ScatterElements" | "Scatter" => {
            "look-ups are supported as Gather of rows of a constant table"
        }
        "Attention" | "MultiHeadAttention" | "RotaryEmbedding" => "write it as MatMul, Mul, Add and Softmax",
        _ => {
            "write it with supported ones: MatMul, Gemm, Conv, ConvTranspose, normalisations, Softmax, pooling, reductions, \
             activations, Add, Sub, Mul, Div, comparisons, Where, Gather, Reshape, Transpose, Concat, Slice, Split, Pad, \
             Expand, Resize, ArgMax, TopK, QuantizeLinear and DequantizeLinear"
        }
    }
}

/// For an operator of another set.
pub(super) fn domain(domain: &str) -> &'static str {
    match domain {
        "com.microsoft" => "export without the runtime's own fusions, with operators of ai.onnx only",
        _ => "export with operators of ai.onnx only",
    }
}
