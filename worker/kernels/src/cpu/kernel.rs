//! From an op to what computes it.

use super::gemm::{PackedRight, Product, ProductRun};
use super::isa::Available;
use super::lanes::{Fold, LANES, LookUp, Normal, Pointwise, Presets};
use super::output::Output;
use super::parallel::Pool;
use super::scratch::Scratch;
use crate::TensorSet;
use referee::graph::{OpKind, Program, ResolvedGraph, ResolvedOp};
use std::sync::Mutex;

/// What computes an op.
#[derive(Debug)]
enum Form {
    Product(Box<Product>),
    Reduction(Box<Fold>, Pointwise),
    Map(Pointwise),
    LookUp(Box<LookUp>),
    Normal(Box<Normal>),
    /// A map that moves bytes and changes none.
    Copy(Pointwise, u8),
}

/// One op, prepared.
#[derive(Debug)]
pub(crate) struct Kernel {
    form: Form,
    /// Operands that are read while it runs; what was prepared of the others is kept.
    reads: Vec<bool>,
    /// Output elements.
    elements: usize,
}

/// What a kernel runs with.
pub(crate) struct KernelRun<'a> {
    pub(crate) isa: Available,
    pub(crate) pool: &'a Pool,
    /// One for each thread.
    pub(crate) scratches: &'a [Mutex<Scratch>],
    /// Bytes of each operand.
    pub(crate) operands: &'a [&'a [u8]],
    pub(crate) outputs: &'a [Output<'a>],
    pub(crate) packed: &'a mut PackedRight,
}

/// What a kernel runs one batch with.
pub(crate) struct BatchRun<'a> {
    pub(crate) isa: Available,
    pub(crate) batch: usize,
    pub(crate) batches: usize,
    pub(crate) operands: &'a [&'a [u8]],
    pub(crate) outputs: &'a [Output<'a>],
    pub(crate) packed: &'a mut PackedRight,
    pub(crate) scratch: &'a mut Scratch,
}

/// Steps of a task: about 50 microseconds, far more than it costs to hand one to a thread.
const TASK_STEPS: usize = 100_000;

impl Kernel {
    /// Prepares `op`, packing params that it reads. `whole` is the op itself, or, if its views are of one batch of what
    /// they read, the op with whole views.
    pub(crate) fn new(
        graph: &ResolvedGraph,
        op: &ResolvedOp,
        whole: &ResolvedOp,
        params: &TensorSet,
        isa: Available,
        pool: &Pool,
        scratches: &[Mutex<Scratch>],
    ) -> Self {
        let empty = Program::default();
        let program = graph.programs.get(usize::from(op.program)).unwrap_or(&empty);
        let presets = match op.kind {
            OpKind::Map => 0,
            OpKind::Contract | OpKind::Sum => 1,
            OpKind::SumPair | OpKind::ArgMax | OpKind::ArgMin => 2,
        };
        let pointwise = Pointwise::new(op, program, presets);
        let form = match op.kind {
            OpKind::Map => match pointwise.is_copy_of() {
                Some(operand) if Self::is_byte_copy(graph, op, &pointwise, operand) => Form::Copy(pointwise, operand),
                _ => match LookUp::new(graph, op, params, &pointwise, isa) {
                    Some(look_up) => Form::LookUp(Box::new(look_up)),
                    None => match Normal::new(op, &pointwise) {
                        Some(normal) => Form::Normal(Box::new(normal)),
                        None => Form::Map(pointwise),
                    },
                },
            },
            OpKind::Contract => match Product::new(graph, op, whole, params, pointwise.clone(), isa, pool, scratches) {
                Some(product) => Form::Product(Box::new(product)),
                None => Form::Reduction(Box::new(Fold::new(graph, op, true)), pointwise),
            },
            _ => {
                let place_read = pointwise.program().reads_preset(0);
                Form::Reduction(Box::new(Fold::new(graph, op, place_read)), pointwise)
            }
        };
        let reads = (0..op.operands.len()).map(|operand| match &form {
            Form::Product(product) => product.reads(operand),
            Form::LookUp(look_up) => look_up.reads(operand),
            Form::Reduction(..) | Form::Map(_) | Form::Normal(_) | Form::Copy(..) => true,
        });
        Self { reads: reads.collect(), form, elements: op.output_elements() as usize }
    }

    fn is_byte_copy(graph: &ResolvedGraph, op: &ResolvedOp, pointwise: &Pointwise, operand: u8) -> bool {
        let access = pointwise.access(operand);
        let output = graph.tensors.get(usize::from(op.outputs[0])).map(|tensor| tensor.dtype);
        output == Some(access.dtype()) && access.dtype().bytes() == 1 && access.pads_with_zero()
    }

    /// Whether an operand is read while it runs.
    pub(crate) fn reads(&self, operand: usize) -> bool {
        self.reads.get(operand).copied().unwrap_or(true)
    }

    /// Bytes that were prepared of params.
    pub(crate) fn param_bytes(&self) -> usize {
        match &self.form {
            Form::Product(product) => product.param_bytes(),
            Form::LookUp(look_up) => look_up.table_bytes(),
            Form::Reduction(..) | Form::Map(_) | Form::Normal(_) | Form::Copy(..) => 0,
        }
    }

    /// Bytes that one run packs.
    pub(crate) fn packed_bytes(&self) -> usize {
        match &self.form {
            Form::Product(product) => product.packed_bytes(),
            _ => 0,
        }
    }

    /// Bytes of scratch that a thread needs beside its registers.
    pub(crate) fn scratch_bytes(&self, threads: usize) -> usize {
        match &self.form {
            Form::Product(product) => product.scratch_bytes(threads),
            _ => 0,
        }
    }

    /// Bytes that the right side of one batch of a product takes, if it is packed while it runs.
    pub(crate) fn packed_batch_bytes(&self) -> usize {
        match &self.form {
            Form::Product(product) => product.packed_batch_bytes(),
            _ => 0,
        }
    }

    /// The output axes that are batches of a product, with their lengths; no axis where its batches are better not run
    /// one by one, `None` for what is no product: batches of that lie one after the other.
    pub(crate) fn batch_axes(&self) -> Option<Vec<(usize, u32)>> {
        match &self.form {
            Form::Product(product) => Some(product.batch_axes().unwrap_or_default()),
            _ => None,
        }
    }

    /// Computes the op.
    pub(crate) fn run(&self, run: KernelRun<'_>) {
        let KernelRun { isa, pool, scratches, operands, outputs, packed } = run;
        let steps = match &self.form {
            Form::Product(product) => {
                return product.run(ProductRun { isa, pool, scratches, operands, outputs, packed });
            }
            Form::Map(pointwise) => pointwise.steps(),
            Form::LookUp(look_up) => look_up.steps(),
            Form::Normal(normal) => normal.steps(),
            Form::Copy(..) => 1,
            Form::Reduction(fold, epilogue) => fold.steps() + epilogue.steps(),
        };
        self.in_parts(pool, scratches, steps, |range, scratch| {
            // SAFETY: parts do not overlap.
            unsafe { self.run_part(isa, operands, outputs, range, scratch) }
        });
    }

    /// Computes one of `batches` equal batches on this thread.
    ///
    /// # Safety
    /// No other thread uses the elements of this batch.
    pub(crate) unsafe fn run_batch(&self, run: BatchRun<'_>) {
        let BatchRun { isa, batch, batches, operands, outputs, packed, scratch } = run;
        match &self.form {
            Form::Product(product) => product.run_batch(batch, isa, operands, outputs, packed, scratch),
            _ => {
                let count = self.elements / batches;
                // SAFETY: as the caller vouches.
                unsafe { self.run_part(isa, operands, outputs, (batch * count, count), scratch) }
            }
        }
    }

    /// Computes output elements `first..first + count` of what is no product.
    ///
    /// # Safety
    /// No other thread uses these elements.
    unsafe fn run_part(
        &self,
        isa: Available,
        operands: &[&[u8]],
        outputs: &[Output<'_>],
        (first, count): (usize, usize),
        scratch: &mut Scratch,
    ) {
        let range = (first, count);
        match &self.form {
            Form::Product(_) => {}
            // SAFETY: as the caller vouches; so are all below.
            Form::Map(pointwise) => unsafe { pointwise.run(isa, operands, range, Presets::None, outputs, scratch) },
            // SAFETY: as above.
            Form::LookUp(look_up) => unsafe { look_up.run(isa, operands, range, &outputs[0], scratch) },
            // SAFETY: as above.
            Form::Normal(normal) => unsafe { normal.run(isa, operands, range, &outputs[0], scratch) },
            Form::Copy(pointwise, operand) => {
                // SAFETY: as above.
                unsafe { pointwise.copy_bytes(*operand, operands, range, &outputs[0], scratch) }
            }
            Form::Reduction(fold, epilogue) => {
                for start in (0..count).step_by(LANES) {
                    let range = (first + start, LANES.min(count - start));
                    fold.run(isa, operands, range, scratch);
                    let pairs = std::mem::take(&mut scratch.pairs);
                    let presets = Presets::Pairs([&pairs[0][..], &pairs[1][..]]);
                    // SAFETY: as above.
                    unsafe { epilogue.run(isa, operands, range, presets, outputs, scratch) };
                    scratch.pairs = pairs;
                }
            }
        }
    }

    /// Splits the output elements into parts, each `(first, count)`, for the threads.
    fn in_parts(
        &self,
        pool: &Pool,
        scratches: &[Mutex<Scratch>],
        steps: usize,
        part: impl Fn((usize, usize), &mut Scratch) + Sync,
    ) {
        let fitting = (TASK_STEPS / steps.max(1)).max(1);
        let length = if fitting >= LANES { fitting / LANES * LANES } else { fitting };
        pool.for_each(self.elements.div_ceil(length), true, |index, thread| {
            let first = index * length;
            let mut scratch = scratches[thread].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            part((first, length.min(self.elements - first)), &mut scratch);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Level, Vector, vectors};

    /// How the first op of a vector is computed.
    fn form(vectors: &[Vector], name: &str) -> &'static str {
        let exact = vectors.iter().find(|vector| vector.name == name);
        let vector = exact.or_else(|| vectors.iter().find(|vector| vector.name.starts_with(name))).unwrap();
        let graph = vector.resolve().unwrap();
        let pool = Pool::new(1).unwrap();
        let scratches = [Mutex::default()];
        match Kernel::new(&graph, &graph.ops[0], &graph.ops[0], &vector.params, Available::SCALAR, &pool, &scratches)
            .form
        {
            Form::Product(product) if product.is_requantised() => "requantised product",
            Form::Product(_) => "product",
            Form::Reduction(fold, _) if fold.is_narrow() => "narrow reduction",
            Form::Reduction(..) => "reduction",
            Form::LookUp(_) => "look-up",
            Form::Normal(_) => "normal",
            Form::Map(_) => "map",
            Form::Copy(..) => "copy",
        }
    }

    #[test]
    fn ops_take_the_form_that_is_quick_for_them() {
        let vectors = vectors(Level::Full);
        let expected = [
            ("layer by channel", "requantised product"),
            ("layer unsigned left, no clamp", "requantised product"),
            ("layer with a table", "requantised product"),
            ("layer with a table of 32 bits to 16", "requantised product"),
            ("layer with a table, scaled again", "requantised product"),
            ("layer with a table, scaled again, wide", "requantised product"),
            ("layer with a table, scaled again beyond 32 bits", "product"),
            ("layer with a negative offset, relu", "requantised product"),
            ("layer bounds the wrong way round", "requantised product"),
            ("layer at exact halves", "requantised product"),
            ("layer shift by 62", "requantised product"),
            ("layer shift by 63", "product"),
            ("layer a bias that needs 33 bits", "product"),
            ("linear to I8", "product"),
            ("matrix of shape 3x5x7", "requantised product"),
            ("linear 1x10x256", "product"),
            ("heads 3", "requantised product"),
            ("convolution 3x3 padded", "requantised product"),
            ("convolution, operands swapped", "requantised product"),
            ("convolution, depthwise", "reduction"),
            ("batch of 7", "product"),
            ("matrix of shape 40x1x100", "reduction"),
            ("softmax by a table", "narrow reduction"),
            ("view: transpose of bytes", "copy"),
            ("view: pad", "map"),
            ("view: clamp", "map"),
            ("embedding", "map"),
            ("residual in 16 bits", "requantised product"),
            ("residual in 8 bits to 8", "requantised product"),
            ("residual without signs, the greatest factor", "requantised product"),
            ("residual at the greatest shift", "product"),
            ("residual with a factor of 33 bits", "product"),
            ("residual of 32 bits", "product"),
            ("numbers by row 40x70x50", "requantised product"),
            ("numbers by row 9x33x20", "product"),
            ("multiplier by row 3x13x32x40", "requantised product"),
            ("look-up of 130 I16 in 799 U8 to U8, masked", "look-up"),
            ("look-up of 200 I8", "look-up"),
            ("look-up of 130 I32", "map"),
            ("rows of 64 I16: Sum, mask None", "narrow reduction"),
            ("rows of 64 I16: ArgMax, mask Some(-32768)", "narrow reduction"),
            ("rows of 100 I16: Sum, mask Some(1073741824)", "reduction"),
            ("rows of 100 I16: ArgMax, mask Some(-9223372036854775808), place true", "reduction"),
            ("rows of 70 I32: ArgMin, mask None", "reduction"),
        ];
        for (name, expected) in expected {
            assert_eq!(form(&vectors, name), expected, "{name}");
        }
    }
}
