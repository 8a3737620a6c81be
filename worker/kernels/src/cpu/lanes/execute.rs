//! The interpreter: one step at a time on all lanes of a batch.

use super::LANES;
use super::looping::Loops;
use super::program::{Binary, Source, Step};
use crate::cpu::access::Access;
use crate::cpu::output::Output;
use crate::cpu::sweep::Segment;
use referee::graph::{Dtype, REGISTERS, Register};
use referee::semantics::{round_shift, square_root};

/// Lanes that a loop body works on: one vector register of 512 bits.
pub(super) const WIDTH: usize = 8;

/// The lanes of one register.
pub(super) type Lanes = [[i64; WIDTH]; LANES / WIDTH];

/// The registers of a batch.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Registers([Lanes; REGISTERS]);

impl Registers {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self([[[0; WIDTH]; LANES / WIDTH]; REGISTERS]))
    }

    /// The lanes of a register.
    #[inline(always)]
    pub(crate) fn lanes(&self, register: Register) -> &[i64] {
        self.0[usize::from(register) % REGISTERS].as_flattened()
    }

    /// The lanes of a register, to be written.
    #[inline(always)]
    pub(crate) fn lanes_mut(&mut self, register: Register) -> &mut [i64] {
        self.0[usize::from(register) % REGISTERS].as_flattened_mut()
    }
}

/// The points of a batch and what they read.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// By operand.
    pub(crate) accesses: &'a [Access],
    /// Bytes of each operand.
    pub(crate) operands: &'a [&'a [u8]],
    pub(crate) segments: &'a [Segment],
    /// The axis that segments lie along.
    pub(crate) axis: usize,
    /// Lanes in use.
    pub(crate) count: usize,
}

impl Batch<'_> {
    /// Runs `steps`. Outputs are written from element `first` on.
    ///
    /// # Safety
    /// No other thread uses elements `first..first + count` of the outputs.
    #[inline(always)]
    pub(crate) unsafe fn execute(
        &self,
        steps: &[Step],
        registers: &mut Registers,
        outputs: &[Output<'_>],
        first: usize,
    ) {
        let chunks = self.count.div_ceil(WIDTH);
        let mut loops = Loops::new(self.count);
        let mut next = 0;
        while let Some(step) = steps.get(next) {
            next += 1;
            let kept =
                step.destination().filter(|_| loops.some_wait()).map(|d| (d, registers.0[usize::from(d) % REGISTERS]));
            match *step {
                Step::Fill { d, value } => registers.lanes_mut(d)[..self.count].fill(value),
                Step::Load { d, operand } => self.load(operand, registers.lanes_mut(d)),
                Step::Gather { d, operand, a } => {
                    let mut index = [0i64; LANES];
                    match a {
                        Source::Register(a) => index.copy_from_slice(registers.lanes(a)),
                        Source::Value(value) => index.fill(value),
                    }
                    self.gather(operand, &mut index, registers.lanes_mut(d));
                }
                Step::Index { d, axis } => self.index(usize::from(axis), registers.lanes_mut(d)),
                Step::Binary { operation, d, a, b } => binary(operation, registers, chunks, d, a, b),
                Step::RoundShift { d, a, shift } => unary(registers, chunks, d, a, |a| round_shift(a, shift)),
                Step::Clamp { d, a, low, high } => unary(registers, chunks, d, a, |a| a.max(low).min(high)),
                Step::Select { d, c, a, b } => select(registers, chunks, d, c, a, b),
                Step::SquareRoot { d, a } => unary(registers, chunks, d, a, square_root),
                Step::LeadingZeros { d, a } => unary(registers, chunks, d, a, |a| i64::from(a.leading_zeros())),
                Step::Store { output, a } => {
                    let output = &outputs[usize::from(output)];
                    // SAFETY: the caller has these elements of the outputs to itself.
                    let bytes = unsafe { output.part(first, self.count) };
                    match a {
                        Source::Register(a) => store(output.dtype(), &registers.lanes(a)[..self.count], bytes),
                        Source::Value(value) => store(output.dtype(), &[value; LANES][..self.count], bytes),
                    }
                }
                Step::Loop { turns, .. } => loops.enter(next, turns),
                Step::End => next = loops.turn().unwrap_or(next),
                Step::Break { a, last } => {
                    let none_goes_on = match a {
                        Source::Register(a) => loops.wait_where_zero(&registers.0[usize::from(a) % REGISTERS]),
                        Source::Value(value) => value == 0,
                    };
                    if none_goes_on {
                        loops.leave();
                        next = last + 1;
                    }
                }
            }
            if let Some((d, before)) = kept {
                loops.restore_waiting(&before, &mut registers.0[usize::from(d) % REGISTERS]);
            }
        }
    }

    #[inline(always)]
    fn load(&self, operand: u8, lanes: &mut [i64]) {
        let operand = usize::from(operand);
        for segment in self.segments {
            let out = &mut lanes[segment.start..segment.start + segment.length];
            self.accesses[operand].load(self.operands[operand], &segment.point, self.axis, out);
        }
    }

    #[inline(always)]
    fn gather(&self, operand: u8, index: &mut [i64; LANES], lanes: &mut [i64]) {
        let operand = usize::from(operand);
        for segment in self.segments {
            let range = segment.start..segment.start + segment.length;
            let (index, out) = (&mut index[range.clone()], &mut lanes[range]);
            self.accesses[operand].gather(self.operands[operand], &segment.point, self.axis, index, out);
        }
    }

    #[inline(always)]
    fn index(&self, axis: usize, lanes: &mut [i64]) {
        for segment in self.segments {
            let first = i64::from(segment.point[axis]);
            let step = i64::from(axis == self.axis);
            for (lane, out) in lanes[segment.start..segment.start + segment.length].iter_mut().enumerate() {
                *out = first + step * lane as i64;
            }
        }
    }
}

#[inline(always)]
fn unary(registers: &mut Registers, chunks: usize, d: Register, a: Register, operation: impl Fn(i64) -> i64) {
    let (d, a) = (usize::from(d) % REGISTERS, usize::from(a) % REGISTERS);
    for chunk in 0..chunks {
        let mut lanes = registers.0[a][chunk];
        for lane in &mut lanes {
            *lane = operation(*lane);
        }
        registers.0[d][chunk] = lanes;
    }
}

/// One loop for each form of source, so that a value is broadcast once.
#[inline(always)]
fn binary_loop(
    registers: &mut Registers,
    chunks: usize,
    d: Register,
    a: Source,
    b: Source,
    operation: impl Fn(i64, i64) -> i64,
) {
    let d = usize::from(d) % REGISTERS;
    match (a, b) {
        (Source::Register(a), Source::Register(b)) => {
            let (a, b) = (usize::from(a) % REGISTERS, usize::from(b) % REGISTERS);
            for chunk in 0..chunks {
                let (mut left, right) = (registers.0[a][chunk], registers.0[b][chunk]);
                for (left, right) in left.iter_mut().zip(right) {
                    *left = operation(*left, right);
                }
                registers.0[d][chunk] = left;
            }
        }
        (Source::Register(a), Source::Value(right)) => {
            let a = usize::from(a) % REGISTERS;
            for chunk in 0..chunks {
                let mut left = registers.0[a][chunk];
                for left in &mut left {
                    *left = operation(*left, right);
                }
                registers.0[d][chunk] = left;
            }
        }
        (Source::Value(left), Source::Register(b)) => {
            let b = usize::from(b) % REGISTERS;
            for chunk in 0..chunks {
                let mut right = registers.0[b][chunk];
                for right in &mut right {
                    *right = operation(left, *right);
                }
                registers.0[d][chunk] = right;
            }
        }
        (Source::Value(left), Source::Value(right)) => {
            registers.0[d][..chunks].fill([operation(left, right); WIDTH]);
        }
    }
}

/// Decodes the operation outside the loop.
#[inline(always)]
fn binary(operation: Binary, registers: &mut Registers, chunks: usize, d: Register, a: Source, b: Source) {
    macro_rules! each {
        ($($name:ident),*) => {
            match operation {
                $(Binary::$name => binary_loop(registers, chunks, d, a, b, |a, b| Binary::$name.apply(a, b)),)*
            }
        };
    }
    each!(
        Add,
        Sub,
        Mul,
        And,
        Or,
        Xor,
        ShiftLeft,
        ShiftRight,
        ShiftArithmetic,
        Min,
        Max,
        Less,
        LessUnsigned,
        Equal,
        DivideUnsigned
    );
}

#[inline(always)]
fn select(registers: &mut Registers, chunks: usize, d: Register, c: Register, a: Source, b: Source) {
    let chunk_of = |registers: &Registers, source: Source, chunk: usize| match source {
        Source::Register(register) => registers.0[usize::from(register) % REGISTERS][chunk],
        Source::Value(value) => [value; WIDTH],
    };
    for chunk in 0..chunks {
        let condition = registers.0[usize::from(c) % REGISTERS][chunk];
        let (mut a, b) = (chunk_of(registers, a, chunk), chunk_of(registers, b, chunk));
        for ((a, b), condition) in a.iter_mut().zip(b).zip(condition) {
            *a = if condition != 0 { *a } else { b };
        }
        registers.0[usize::from(d) % REGISTERS][chunk] = a;
    }
}

/// Saturates from 64 bits and writes.
#[inline(always)]
pub(crate) fn store(dtype: Dtype, lanes: &[i64], bytes: &mut [u8]) {
    macro_rules! store {
        ($type:ty, $bytes:literal) => {
            for (bytes, lane) in bytes.as_chunks_mut::<$bytes>().0.iter_mut().zip(lanes) {
                let value = (*lane).max(i64::from(<$type>::MIN)).min(i64::from(<$type>::MAX));
                *bytes = (value as $type).to_le_bytes();
            }
        };
    }
    match dtype {
        Dtype::I8 => store!(i8, 1),
        Dtype::U8 => store!(u8, 1),
        Dtype::I16 => store!(i16, 2),
        Dtype::I32 => store!(i32, 4),
    }
}
