//! The two factors of a contraction: in which order to reduce, and how to read each as words along the reduction.

use crate::wgpu::codegen::address::{decode, load, place};
use crate::wgpu::codegen::lower::{Address, Lowered, product};
use crate::wgpu::codegen::pack::{Packing, WORD};
use crate::wgpu::codegen::program::{Outcome, Site, Value, axes_used};
use crate::wgpu::codegen::shader::Shader;
use crate::wgpu::codegen::{CodegenError, Job, Read};
use referee::graph::{Dtype, OpIntervals, OutOfBounds, Program};

/// A packed param takes at most so many times the bytes of the original.
const PACK_GROWTH: u64 = 4;
/// Packing below this size is never refused.
const PACK_FREELY: u64 = 1 << 16;

/// How words along the reduction are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordAccess {
    /// Rows of whole words, zero beyond the reduction's end.
    Packed,
    /// Four neighbouring bytes at a multiple of four.
    Aligned,
    /// Four neighbouring bytes anywhere.
    Unaligned,
    /// Byte by byte.
    Gathered,
}

impl WordAccess {
    const fn score(self) -> u32 {
        match self {
            Self::Packed | Self::Aligned => 3,
            Self::Unaligned => 2,
            Self::Gathered => 0,
        }
    }
}

/// A contraction that is ready for code generation.
pub(super) struct Contraction<'a> {
    pub job: &'a Job<'a>,
    pub lowered: Lowered,
    /// Where each operand is read from.
    pub operands: Vec<Read>,
    pub intervals: OpIntervals,
    access: [WordAccess; 2],
    program: &'a Program,
}

impl<'a> Contraction<'a> {
    pub(super) fn new(job: &'a Job<'a>) -> Result<Self, CodegenError> {
        let program = job.program()?;
        let factors = job.op.operands.get(..2).ok_or(CodegenError::Unchecked)?;
        let signed = factors.iter().filter(|view| view.dtype == Dtype::I8).count();
        let bytes = factors.iter().all(|view| matches!(view.dtype, Dtype::I8 | Dtype::U8));
        let zero_outside = |pad: OutOfBounds| matches!(pad, OutOfBounds::Clamp | OutOfBounds::Pad(0));
        let plain = factors.iter().all(|view| view.indirect.is_none() && zero_outside(view.out_of_bounds));
        if !bytes || signed == 0 || !plain {
            return Err(CodegenError::Unchecked);
        }

        let order = best_order(job, program);
        let lowered = Lowered::new(job.op, [None, Some(program)], &order);
        let mut operands = job.tensor_operands();
        let mut packed_op = job.op.clone();
        for (index, operand) in operands.iter_mut().enumerate().take(2) {
            if let Some(packing) = packing(job, index, &order, word_access(&lowered, index)) {
                packed_op.operands[index] = packing.packed_view();
                *operand = Read::Packed(packing);
            }
        }
        let lowered = Lowered::new(&packed_op, [None, Some(program)], &order);
        let access = [0, 1].map(|index| match operands[index] {
            Read::Packed(_) => WordAccess::Packed,
            Read::Tensor(_) => word_access(&lowered, index),
        });
        Ok(Self { job, lowered, operands, intervals: job.graph.intervals(job.op), access, program })
    }

    /// How words of a factor are read.
    pub(super) fn access(&self, factor: usize) -> WordAccess {
        self.access[factor]
    }

    /// Elements along the reduction.
    pub(super) fn points(&self) -> u32 {
        self.lowered.reduction_points()
    }

    /// Words along the reduction.
    pub(super) fn words(&self) -> u32 {
        self.points().div_ceil(WORD)
    }

    /// Products that the op asks for.
    pub(super) fn work(&self) -> u64 {
        u64::from(self.lowered.output_elements()) * u64::from(self.points())
    }

    /// The factor whose elements are unsigned.
    pub(super) fn unsigned_factor(&self) -> Option<usize> {
        (0..2).find(|index| self.job.op.operands[*index].dtype == Dtype::U8)
    }

    /// Output axes that a factor's address depends on.
    pub(super) fn factor_uses(&self, factor: usize, axis: usize) -> bool {
        self.lowered.addresses[factor].uses(axis)
    }

    /// Output axes that the epilogue depends on.
    pub(super) fn epilogue_axes(&self) -> Vec<bool> {
        axes_used(&self.lowered, self.program, &[])
    }

    /// Emits word number `word` of a factor at the output coordinates, as signed bytes; zero beyond the reduction.
    pub(super) fn word(&self, shader: &mut Shader, factor: usize, outputs: &[String], word: &str) -> String {
        let address = &self.lowered.addresses[factor];
        let binding = shader.read(self.operands[factor].clone());
        let value = match self.access[factor] {
            WordAccess::Packed => {
                // Rows start at whole words and hold the reduction in order.
                let mut at = outputs.to_vec();
                at.resize(outputs.len() + self.lowered.reductions.len(), "0u".to_owned());
                let row = place(shader, address, &at, None).element;
                shader.bind("word", format!("b{binding}[({row} >> 2u) + {word}]"))
            }
            WordAccess::Aligned | WordAccess::Unaligned => self.whole_word(shader, factor, binding, outputs, word),
            WordAccess::Gathered => self.gathered_word(shader, address, binding, outputs, word),
        };
        if self.job.op.operands[factor].dtype == Dtype::U8 {
            shader.bind("signed", format!("{value} ^ 0x80808080u"))
        } else {
            value
        }
    }

    fn whole_word(&self, shader: &mut Shader, factor: usize, binding: usize, outputs: &[String], word: &str) -> String {
        let address = &self.lowered.addresses[factor];
        let first = shader.bind("k", format!("{word} * {WORD}u"));
        let at = self.with_reductions(shader, address, outputs, &first);
        let place = place(shader, address, &at, None);
        let mut value = match self.access[factor] {
            WordAccess::Aligned => format!("b{binding}[{} >> 2u]", place.element),
            _ => shader.load_unaligned(binding, &place.element),
        };
        let tail = self.points() % WORD;
        if tail != 0 {
            let mask = (1u32 << (8 * tail)) - 1;
            let last = self.words() - 1;
            value = format!("{value} & select(0xffffffffu, {mask}u, {word} == {last}u)");
        }
        if let Some(outside) = place.outside {
            value = format!("select({value}, 0u, {outside})");
        }
        shader.bind("word", value)
    }

    fn gathered_word(
        &self,
        shader: &mut Shader,
        address: &Address,
        binding: usize,
        outputs: &[String],
        word: &str,
    ) -> String {
        let gathered = shader.name("word");
        let byte = shader.name("byte");
        shader.line(format!("var {gathered} = 0u;"));
        shader.repeat(&byte, "0u", WORD, 1);
        let k = shader.bind("k", format!("{word} * {WORD}u + {byte}"));
        let inside = self.points().is_multiple_of(WORD);
        if !inside {
            shader.open(format!("if ({k} < {}u)", self.points()));
        }
        let at = self.with_reductions(shader, address, outputs, &k);
        let value = load(shader, binding, address, &at, None);
        shader.line(format!("{gathered} |= (bitcast<u32>({value}) & 0xffu) << ({byte} * 8u);"));
        if !inside {
            shader.close();
        }
        shader.close();
        gathered
    }

    /// The output coordinates followed by those of reduction point `k`.
    fn with_reductions(&self, shader: &mut Shader, address: &Address, outputs: &[String], k: &str) -> Vec<String> {
        let first = self.lowered.outputs.len();
        let reductions = decode(shader, k, &self.lowered.reductions, |axis| address.uses(first + axis));
        outputs.iter().cloned().chain(reductions).collect()
    }

    /// Emits the epilogue on the sum named `sum`.
    pub(super) fn epilogue(&self, shader: &mut Shader, outputs: &[String], sum: &str) -> Result<Outcome, CodegenError> {
        let mut coordinates = outputs.to_vec();
        coordinates.resize(outputs.len() + self.lowered.reductions.len(), "0u".to_owned());
        let site = Site {
            program: self.program,
            intervals: &self.intervals.epilogue,
            lowered: &self.lowered,
            operands: &self.operands,
            coordinates: &coordinates,
            presets: &[Value::narrow(sum).within(&self.intervals.presets[0])],
            truncates: self.job.options.truncates(),
        };
        site.emit(shader, &[])
    }
}

/// How to repack a factor: if it is a param that is not read best as it is, and does not grow too much.
fn packing(job: &Job<'_>, factor: usize, order: &[usize], access: WordAccess) -> Option<Packing> {
    let slot = job.op.operands[factor].slot;
    if !job.is_param(slot) || access == WordAccess::Aligned {
        return None;
    }
    let packing = Packing::new(job.op, factor, order);
    let bytes = job.graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes() as u64);
    (packing.bytes() <= (bytes * PACK_GROWTH).max(PACK_FREELY)).then_some(packing)
}

/// How a factor that is not packed reads words along the lowered reduction.
fn word_access(lowered: &Lowered, factor: usize) -> WordAccess {
    let address = &lowered.addresses[factor];
    let first = lowered.outputs.len();
    let Some(&inner_length) = lowered.reductions.last() else { return WordAccess::Gathered };
    let inner = first + lowered.reductions.len() - 1;
    let whole = lowered.reductions.len() == 1 || inner_length.is_multiple_of(WORD);
    if address.strides[inner] != 1 || address.checks(inner) || !whole {
        return WordAccess::Gathered;
    }
    let others = address.strides.iter().enumerate().filter(|(axis, _)| *axis != inner).map(|(_, stride)| *stride);
    let steps = others.chain(address.checked.iter().map(|checked| checked.stride)).chain([address.base]);
    let aligned = steps.fold(0, |bits, step| bits | step).is_multiple_of(WORD);
    if aligned { WordAccess::Aligned } else { WordAccess::Unaligned }
}

/// The order of the reduction axes, outermost first, in which the factors are read best. Sums do not depend on it.
/// What cannot be repacked counts most.
fn best_order(job: &Job<'_>, program: &Program) -> Vec<usize> {
    let mut best = (0u32, Vec::new());
    for order in permutations(job.op.reduction_dims.len()) {
        let lowered = Lowered::new(job.op, [None, Some(program)], &order);
        let weight = |factor: usize| if job.is_param(job.op.operands[factor].slot) { 1 } else { 8 };
        let score: u32 = (0..2).map(|factor| weight(factor) * word_access(&lowered, factor).score()).sum();
        if best.1.is_empty() || score > best.0 {
            best = (score, order);
        }
    }
    best.1
}

/// All orders of `0..count`, the identity first.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let rest: Vec<usize> = (0..count).filter(|axis| !order.contains(axis)).collect();
                rest.into_iter().map(move |axis| order.iter().copied().chain([axis]).collect())
            })
            .collect();
    }
    orders
}

/// Lengths of some output axes.
pub(super) fn lengths_of(lowered: &Lowered, axes: &[usize]) -> Vec<u32> {
    axes.iter().map(|axis| lowered.outputs[*axis]).collect()
}

/// Points of some output axes.
pub(super) fn points_of(lowered: &Lowered, axes: &[usize]) -> u32 {
    product(&lengths_of(lowered, axes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_all_orders_with_the_identity_first() {
        assert_eq!(permutations(0), [Vec::<usize>::new()]);
        let orders = permutations(3);
        assert_eq!(orders.len(), 6);
        assert_eq!(orders[0], [0, 1, 2]);
    }
}
