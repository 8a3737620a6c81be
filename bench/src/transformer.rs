//! A transformer encoder in integers: linear layers with fused requantisation, attention with a table of exponents and
//! one division a row, layer norm by integer square roots. Weights are random; the work is that of the real thing.

use crate::timing::bytes;
use assay_kernels::TensorSet;
use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, ResolvedGraph, Slot, Tensor, TensorKind, Term,
    View,
};
use std::sync::Arc;

/// Sizes of the encoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransformerShape {
    layers: u32,
    tokens: u32,
    hidden: u32,
    heads: u32,
    inner: u32,
}

impl TransformerShape {
    /// all-MiniLM-L6-v2 at 128 tokens.
    pub(crate) const MINI_LM: Self = Self { layers: 6, tokens: 128, hidden: 384, heads: 12, inner: 1536 };
}

/// The graph with its values.
pub(crate) struct Transformer {
    /// As it is encoded.
    pub(crate) source: Graph,
    pub(crate) graph: ResolvedGraph,
    pub(crate) inputs: TensorSet,
    pub(crate) params: TensorSet,
    /// Multiplications and additions of all contractions.
    pub(crate) operations: u64,
}

struct Builder {
    graph: Graph,
    params: TensorSet,
    operations: u64,
    shape: TransformerShape,
    batch: u32,
}

/// Source axis and iteration axis of a term with coefficient 1.
type Along<'a> = &'a [(u8, u8)];

fn view(slot: Slot, dims: &[u32], along: Along<'_>) -> View {
    View {
        slot,
        as_shape: dims.iter().copied().map(Dim::Const).collect(),
        offsets: vec![0; dims.len()],
        terms: along
            .iter()
            .map(|(source_axis, iteration_axis)| Term {
                source_axis: *source_axis,
                iteration_axis: *iteration_axis,
                coefficient: 1,
            })
            .collect(),
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    }
}

fn indirect(slot: Slot, length: u32) -> View {
    View { indirect: Some(0), ..view(slot, &[length], &[]) }
}

impl Transformer {
    /// The encoder for a batch of sentences.
    pub(crate) fn new(shape: TransformerShape, batch: u32) -> Result<Self, Box<dyn std::error::Error>> {
        let empty = Graph {
            symbols: Vec::new(),
            tensors: Vec::new(),
            programs: Vec::new(),
            ops: Vec::new(),
            cuts: Vec::new(),
            outputs: Vec::new(),
        };
        let mut builder = Builder { graph: empty, params: TensorSet::new(), operations: 0, shape, batch };
        let dims = [batch, shape.tokens, shape.hidden];
        let first = builder.tensor(Dtype::I8, TensorKind::Input, &dims);
        let exponents: Vec<u8> = (0..256u32).map(|index| (index * index / 255) as u8).collect();
        let exponents = builder.given(Dtype::U8, &[256], exponents);
        let gelu: Vec<u8> = (0..256i32).map(|index| (index - 128).max(-4) as u8).collect();
        let gelu = builder.given(Dtype::I8, &[256], gelu);
        let mut hidden = first;
        for layer in 0..shape.layers {
            if layer > 0 {
                builder.graph.cuts.push(builder.graph.ops.len() as u16);
            }
            hidden = builder.layer(hidden, exponents, gelu, u64::from(layer));
        }
        builder.graph.outputs = vec![hidden];
        let graph = builder.graph.resolve(&[])?;
        let count = dims.iter().product::<u32>() as usize;
        let inputs = TensorSet::from([(first, Arc::from(bytes(count, 11)))]);
        Ok(Self { source: builder.graph, graph, inputs, params: builder.params, operations: builder.operations })
    }
}

impl Builder {
    fn tensor(&mut self, dtype: Dtype, kind: TensorKind, dims: &[u32]) -> Slot {
        self.graph.tensors.push(Tensor { dtype, kind, shape: dims.iter().copied().map(Dim::Const).collect() });
        (self.graph.tensors.len() - 1) as Slot
    }

    fn given(&mut self, dtype: Dtype, dims: &[u32], values: Vec<u8>) -> Slot {
        let slot = self.tensor(dtype, TensorKind::Param, dims);
        self.params.insert(slot, values.into());
        slot
    }

    fn weights(&mut self, rows: u32, columns: u32, seed: u64) -> Slot {
        self.given(Dtype::I8, &[rows, columns], bytes((rows * columns) as usize, seed))
    }

    /// Bias and multiplier by channel, interleaved.
    fn scales(&mut self, channels: u32, seed: u64) -> Slot {
        let noise = bytes(2 * channels as usize, seed);
        let pair = |noise: &[u8]| [i32::from(noise[0]) * 40, (1 << 22) + i32::from(noise[1]) * 1000];
        let values = noise.chunks_exact(2).flat_map(pair).flat_map(i32::to_le_bytes).collect();
        self.given(Dtype::I32, &[channels, 2], values)
    }

    fn program(&mut self, constants: &[i64], code: Vec<Instruction>) -> u16 {
        self.graph.programs.push(Program { constants: constants.to_vec(), code });
        (self.graph.programs.len() - 1) as u16
    }

    fn op(
        &mut self,
        kind: OpKind,
        outputs: &[Dtype],
        axes: &[u32],
        reduction: &[u32],
        operands: Vec<View>,
        prologue: Option<u16>,
        program: u16,
    ) -> Vec<Slot> {
        if kind == OpKind::Contract {
            self.operations += 2 * axes.iter().chain(reduction).map(|length| u64::from(*length)).product::<u64>();
        }
        let slots: Vec<Slot> = outputs.iter().map(|dtype| self.tensor(*dtype, TensorKind::Temp, axes)).collect();
        self.graph.ops.push(Op {
            kind,
            outputs: slots.clone(),
            output_axes: axes.iter().copied().map(Dim::Const).collect(),
            reduction_axes: reduction.iter().copied().map(Dim::Const).collect(),
            operands,
            prologue,
            program,
        });
        slots
    }

    /// Bias, multiplier, shift and clamp: what a linear layer ends in before it is stored. Operands 2 and 3.
    fn requantise(shift: u8) -> Vec<Instruction> {
        vec![
            Instruction::Load { d: 1, operand: 2 },
            Instruction::Add { d: 0, a: 0, b: 1 },
            Instruction::Load { d: 2, operand: 3 },
            Instruction::Mul { d: 0, a: 0, b: 2 },
            Instruction::RoundShift { d: 0, a: 0, shift },
        ]
    }

    /// Bias and multiplier of channel `axis`.
    fn scale_views(scales: Slot, channels: u32, axis: u8) -> [View; 2] {
        let bias = view(scales, &[channels, 2], &[(0, axis)]);
        let mut multiplier = bias.clone();
        multiplier.offsets[1] = 1;
        [bias, multiplier]
    }

    /// `[batch, tokens, channels]` from `[batch, tokens, depth]`, with what follows the requantisation.
    fn linear(
        &mut self,
        source: Slot,
        (channels, depth): (u32, u32),
        (shift, seed): (u8, u64),
        out: Dtype,
        extra: Option<View>,
        constants: &[i64],
        tail: &[Instruction],
    ) -> Slot {
        let (batch, tokens) = (self.batch, self.shape.tokens);
        let weights = self.weights(channels, depth, seed);
        let scales = self.scales(channels, seed + 1);
        let mut operands = vec![
            view(source, &[batch, tokens, depth], &[(0, 0), (1, 1), (2, 3)]),
            view(weights, &[channels, depth], &[(0, 2), (1, 3)]),
        ];
        operands.extend(Self::scale_views(scales, channels, 2));
        operands.extend(extra);
        let mut code = Self::requantise(shift);
        code.extend_from_slice(tail);
        code.push(Instruction::Store { output: 0, a: 0 });
        let program = self.program(constants, code);
        self.op(OpKind::Contract, &[out], &[batch, tokens, channels], &[depth], operands, None, program)[0]
    }

    fn layer(&mut self, hidden: Slot, exponents: Slot, gelu: Slot, layer: u64) -> Slot {
        let TransformerShape { hidden: width, inner, .. } = self.shape;
        let seed = 100 * (layer + 1);
        let context = self.attention(hidden, exponents, seed);
        let attended = self.residual(context, (width, width), (30, seed + 20), hidden);
        let middle = self.layer_norm(attended, seed + 30);
        let lookup = [
            Instruction::Constant { d: 3, index: 0 },
            Instruction::Add { d: 0, a: 0, b: 3 },
            Instruction::Gather { d: 0, operand: 4, a: 0 },
        ];
        let table = Some(indirect(gelu, 256));
        let grown = self.linear(middle, (inner, width), (30, seed + 40), Dtype::I8, table, &[128], &lookup);
        let shrunk = self.residual(grown, (width, inner), (31, seed + 50), middle);
        self.layer_norm(shrunk, seed + 60)
    }

    /// A linear layer whose result is added to what came before, in 16 bits.
    fn residual(&mut self, source: Slot, size: (u32, u32), how: (u8, u64), before: Slot) -> Slot {
        let dims = [self.batch, self.shape.tokens, size.0];
        let before = Some(view(before, &dims, &[(0, 0), (1, 1), (2, 2)]));
        let tail = [
            Instruction::Load { d: 3, operand: 4 },
            Instruction::Constant { d: 4, index: 0 },
            Instruction::Mul { d: 3, a: 3, b: 4 },
            Instruction::Add { d: 0, a: 0, b: 3 },
        ];
        self.linear(source, size, how, Dtype::I16, before, &[5], &tail)
    }

    fn attention(&mut self, hidden: Slot, exponents: Slot, seed: u64) -> Slot {
        let TransformerShape { tokens, hidden: width, heads, .. } = self.shape;
        let (batch, size) = (self.batch, width / heads);
        let joint = self.linear(hidden, (2 * width, width), (30, seed), Dtype::I8, None, &[], &[]);

        // values with the tokens innermost: the weights are the left operand
        let weights = self.weights(width, width, seed + 2);
        let scales = self.scales(width, seed + 3);
        let mut operands = vec![
            view(weights, &[width, width], &[(0, 1), (1, 3)]),
            view(hidden, &[batch, tokens, width], &[(0, 0), (1, 2), (2, 3)]),
        ];
        operands.extend(Self::scale_views(scales, width, 1));
        let mut code = Self::requantise(30);
        code.push(Instruction::Store { output: 0, a: 0 });
        let program = self.program(&[], code);
        let values =
            self.op(OpKind::Contract, &[Dtype::I8], &[batch, width, tokens], &[width], operands, None, program)[0];

        // scores: axes batch, head, query, key; depth within the head
        let half = [batch, tokens, 2, heads, size];
        let query = view(joint, &half, &[(0, 0), (1, 2), (3, 1), (4, 4)]);
        let mut key = view(joint, &half, &[(0, 0), (1, 3), (3, 1), (4, 4)]);
        key.offsets[2] = 1;
        let program = self.program(
            &[3_000_000],
            vec![
                Instruction::Constant { d: 1, index: 0 },
                Instruction::Mul { d: 0, a: 0, b: 1 },
                Instruction::RoundShift { d: 0, a: 0, shift: 30 },
                Instruction::Store { output: 0, a: 0 },
            ],
        );
        let square = [batch, heads, tokens, tokens];
        let scores = self.op(OpKind::Contract, &[Dtype::I8], &square, &[size], vec![query, key], None, program)[0];
        let whole: Along<'_> = &[(0, 0), (1, 1), (2, 2), (3, 3)];
        let load = self.program(&[], vec![Instruction::Load { d: 0, operand: 0 }]);
        let keep = self.program(&[], vec![Instruction::Store { output: 0, a: 1 }]);
        let rows = [batch, heads, tokens];
        let greatest = self.op(
            OpKind::ArgMax,
            &[Dtype::I8],
            &rows,
            &[tokens],
            vec![view(scores, &square, whole)],
            Some(load),
            keep,
        )[0];
        let program = self.program(
            &[255],
            vec![
                Instruction::Load { d: 0, operand: 0 },
                Instruction::Load { d: 1, operand: 1 },
                Instruction::Sub { d: 0, a: 0, b: 1 },
                Instruction::Constant { d: 2, index: 0 },
                Instruction::Add { d: 0, a: 0, b: 2 },
                Instruction::Gather { d: 0, operand: 2, a: 0 },
                Instruction::Store { output: 0, a: 0 },
            ],
        );
        let operands = vec![
            view(scores, &square, whole),
            view(greatest, &rows, &[(0, 0), (1, 1), (2, 2)]),
            indirect(exponents, 256),
        ];
        let weights = self.op(OpKind::Map, &[Dtype::U8], &square, &[], operands, None, program)[0];
        let keep = self.program(&[], vec![Instruction::Store { output: 0, a: 0 }]);
        let sums = self.op(
            OpKind::Sum,
            &[Dtype::I32],
            &rows,
            &[tokens],
            vec![view(weights, &square, whole)],
            Some(load),
            keep,
        )[0];

        // context: axes batch, token, head, channel; depth over the keys. (sum + 128 * total) / total - 128
        let program = self.program(
            &[128],
            vec![
                Instruction::Load { d: 1, operand: 2 },
                Instruction::Constant { d: 2, index: 0 },
                Instruction::Mul { d: 3, a: 1, b: 2 },
                Instruction::Add { d: 0, a: 0, b: 3 },
                Instruction::DivideUnsigned { d: 0, a: 0, b: 1 },
                Instruction::Sub { d: 0, a: 0, b: 2 },
                Instruction::Store { output: 0, a: 0 },
            ],
        );
        let operands = vec![
            view(weights, &square, &[(0, 0), (1, 2), (2, 1), (3, 4)]),
            view(values, &[batch, heads, size, tokens], &[(0, 0), (1, 2), (2, 3), (3, 4)]),
            view(sums, &rows, &[(0, 0), (1, 2), (2, 1)]),
        ];
        let context = [batch, tokens, heads, size];
        self.op(OpKind::Contract, &[Dtype::I8], &context, &[tokens], operands, None, program)[0]
    }

    /// Normalises rows of 16 bits to 8.
    fn layer_norm(&mut self, source: Slot, seed: u64) -> Slot {
        let TransformerShape { tokens, hidden: width, .. } = self.shape;
        let dims = [self.batch, tokens, width];
        let rows = [self.batch, tokens];
        let prologue =
            self.program(&[], vec![Instruction::Load { d: 0, operand: 0 }, Instruction::Mul { d: 1, a: 0, b: 0 }]);
        let program = self.program(
            &[i64::from(width), 1, 1 << 40],
            vec![
                Instruction::Constant { d: 2, index: 0 },
                Instruction::Mul { d: 3, a: 1, b: 2 },
                Instruction::Mul { d: 4, a: 0, b: 0 },
                Instruction::Sub { d: 3, a: 3, b: 4 },
                Instruction::SquareRoot { d: 3, a: 3 },
                Instruction::Constant { d: 5, index: 1 },
                Instruction::Max { d: 3, a: 3, b: 5 },
                Instruction::Constant { d: 5, index: 2 },
                Instruction::DivideUnsigned { d: 3, a: 5, b: 3 },
                Instruction::Store { output: 0, a: 0 },
                Instruction::Store { output: 1, a: 3 },
            ],
        );
        let whole: Along<'_> = &[(0, 0), (1, 1), (2, 2)];
        let row: Along<'_> = &[(0, 0), (1, 1)];
        let sums = self.op(
            OpKind::SumPair,
            &[Dtype::I32, Dtype::I32],
            &rows,
            &[width],
            vec![view(source, &dims, whole)],
            Some(prologue),
            program,
        );
        let gain: Vec<u8> =
            bytes(width as usize, seed).iter().flat_map(|noise| (i16::from(*noise) + 500).to_le_bytes()).collect();
        let gain = self.given(Dtype::I16, &[width], gain);
        let program = self.program(
            &[i64::from(width)],
            vec![
                Instruction::Load { d: 0, operand: 0 },
                Instruction::Load { d: 1, operand: 1 },
                Instruction::Load { d: 2, operand: 2 },
                Instruction::Load { d: 3, operand: 3 },
                Instruction::Constant { d: 4, index: 0 },
                Instruction::Mul { d: 0, a: 0, b: 4 },
                Instruction::Sub { d: 0, a: 0, b: 1 },
                Instruction::Mul { d: 0, a: 0, b: 2 },
                Instruction::RoundShift { d: 0, a: 0, shift: 20 },
                Instruction::Mul { d: 0, a: 0, b: 3 },
                Instruction::RoundShift { d: 0, a: 0, shift: 24 },
                Instruction::Store { output: 0, a: 0 },
            ],
        );
        let operands = vec![
            view(source, &dims, whole),
            view(sums[0], &rows, row),
            view(sums[1], &rows, row),
            view(gain, &[width], &[(0, 2)]),
        ];
        self.op(OpKind::Map, &[Dtype::I8], &dims, &[], operands, None, program)[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
    use referee::semantics;

    #[test]
    fn a_small_encoder_equals_the_reference_on_every_tensor() {
        let shape = TransformerShape { layers: 2, tokens: 9, hidden: 24, heads: 3, inner: 40 };
        let Transformer { graph, inputs, params, operations, .. } = Transformer::new(shape, 2).unwrap();
        assert!(operations > 0 && graph.segments.len() == 2);
        let slots = 0..graph.tensors.len() as Slot;
        let given: Vec<&[u8]> =
            slots.map(|slot| inputs.get(&slot).or(params.get(&slot)).map_or(&[][..], |bytes| bytes)).collect();
        let trace = semantics::run(&graph, &given).unwrap();
        let backend = CpuBackend::new(CpuOptions { threads: 2, isa: None }).unwrap();
        let model = backend.load(Arc::new(graph), &params).unwrap();
        let run = model.run(&inputs, Keep::Everything).unwrap();
        for (slot, bytes) in &run.tensors {
            assert_eq!(&bytes[..], trace.tensors[usize::from(*slot)], "tensor {slot}");
        }
        // the layers do not collapse into one value
        let last = run.tensors.values().last().unwrap();
        assert!(last.iter().collect::<std::collections::BTreeSet<_>>().len() > 20);
    }

    #[test]
    fn mini_lm_is_refereeable() {
        let Transformer { graph, operations, .. } = Transformer::new(TransformerShape::MINI_LM, 1).unwrap();
        assert_eq!(graph.segments.len(), 6);
        // 2 * 128 * (4 * 384 * 384 + 2 * 384 * 1536 + 2 * 384 * 128) a layer
        assert_eq!(operations, 6 * 2 * 128 * (4 * 384 * 384 + 2 * 384 * 1536 + 2 * 384 * 128));
    }
}
