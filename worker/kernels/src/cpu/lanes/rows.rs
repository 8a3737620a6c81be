//! Reductions of rows of neighbours that need no program: sums, extremes of which the place is not asked for, perhaps
//! masked, and sums with those of the squares.

use super::narrow::{Form, Forms, Linear};
use super::program::{Binary, LaneProgram, Source, Step};
use crate::cpu::access::Access;
use crate::cpu::sweep::Sweep;
use referee::graph::{Dtype, OpKind, REGISTERS};

/// Such a reduction.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    operand: usize,
    dtype: Dtype,
    /// Where this operand of bytes is 0, the number counts instead.
    mask: Option<(usize, i32)>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sum,
    Greatest,
    Least,
    /// The sum and that of the squares.
    SumAndSquares,
    /// The sum of the squares.
    Squares,
}

/// Lanes of a few vector registers, each with its own sum or extreme.
const WIDTH: usize = 64;
/// Sums of so many bytes fit 16 bits.
const BYTES_OF_A_LANE: usize = 256;

impl Rows {
    /// The reduction, if it is one of these; `place_read` says whether the epilogue reads register 0.
    pub(super) fn of(
        kind: OpKind,
        prologue: &LaneProgram,
        accesses: &[Access],
        inner: &Sweep,
        place_read: bool,
    ) -> Option<Self> {
        let rows = match kind {
            OpKind::Sum => {
                Self::single(Kind::Sum, prologue, accesses).or_else(|| Self::squared(Kind::Squares, prologue, accesses))
            }
            OpKind::SumPair => Self::squared(Kind::SumAndSquares, prologue, accesses),
            OpKind::ArgMax if !place_read => Self::single(Kind::Greatest, prologue, accesses),
            OpKind::ArgMin if !place_read => Self::single(Kind::Least, prologue, accesses),
            OpKind::ArgMax | OpKind::ArgMin | OpKind::Contract | OpKind::Map => None,
        }?;
        let is_row = |operand: usize| accesses[operand].stride(inner.innermost()) == Some(1);
        let one_line = inner.innermost_length() == inner.points();
        let masked = rows.mask.is_none_or(|(mask, _)| is_row(mask) && accesses[mask].dtype().bytes() == 1);
        // 2^14 elements of 16 bits a lane
        let other = rows.mask.map_or(0, |(_, other)| other.unsigned_abs());
        let sums = !matches!(rows.kind, Kind::Greatest | Kind::Least);
        let fits = !sums || (inner.points() <= 1 << 20 && other <= 1 << 15);
        (one_line && masked && fits && is_row(rows.operand) && rows.dtype != Dtype::I32).then_some(rows)
    }

    /// An operand, perhaps masked.
    fn single(kind: Kind, prologue: &LaneProgram, accesses: &[Access]) -> Option<Self> {
        let (values, mask) = match Forms::of(prologue, accesses).into_lane()? {
            Form::Linear(values) => (values, None),
            Form::Masked(form, operand, other) => match *form {
                Form::Linear(values) => (values, Some((usize::from(operand), i32::try_from(other).ok()?))),
                Form::Looked(..) | Form::Masked(..) => return None,
            },
            Form::Looked(..) => return None,
        };
        let operand = match values {
            Linear { constant: 0, terms } => match terms[..] {
                [(operand, 1)] => usize::from(operand),
                _ => return None,
            },
            Linear { .. } => return None,
        };
        Some(Self { operand, dtype: accesses[operand].dtype(), mask, kind })
    }

    /// An operand's squares, perhaps beside the operand itself.
    fn squared(kind: Kind, prologue: &LaneProgram, accesses: &[Access]) -> Option<Self> {
        /// What a register holds.
        #[derive(Clone, Copy, PartialEq)]
        enum Held {
            Other,
            Value(u8),
            Square(u8),
        }
        let mut held = [Held::Other; REGISTERS];
        for step in &prologue.steps {
            let of = |source: Source| match source {
                Source::Register(register) => held[usize::from(register)],
                Source::Value(_) => Held::Other,
            };
            let (d, value) = match *step {
                Step::Load { d, operand } => {
                    let access = &accesses[usize::from(operand)];
                    (d, if access.is_inside() && !access.is_indirect() { Held::Value(operand) } else { Held::Other })
                }
                Step::Binary { operation: Binary::Mul, d, a, b } => match (of(a), of(b)) {
                    (Held::Value(a), Held::Value(b)) if a == b => (d, Held::Square(a)),
                    _ => (d, Held::Other),
                },
                // a copy
                Step::Binary { operation: Binary::Or | Binary::Add, d, a, b: Source::Value(0) } => (d, of(a)),
                _ => match step.destination() {
                    Some(d) => (d, Held::Other),
                    None => return None,
                },
            };
            held[usize::from(d)] = value;
        }
        let operand = match (kind, held[0], held[1]) {
            (Kind::SumAndSquares, Held::Value(value), Held::Square(square)) if value == square => value,
            (Kind::Squares, Held::Square(square), _) => square,
            _ => return None,
        };
        let operand = usize::from(operand);
        Some(Self { operand, dtype: accesses[operand].dtype(), mask: None, kind })
    }

    /// What the epilogue's registers start as, for a row of which `row` gives the bytes of each operand.
    #[inline(always)]
    pub(super) fn reduce<'d>(&self, row: impl Fn(usize) -> &'d [u8]) -> [i64; 2] {
        let (bytes, mask) = (row(self.operand), self.mask.map(|(mask, other)| (row(mask), other)));
        if self.kind == Kind::Sum && mask.is_none() && bytes.len() <= WIDTH * BYTES_OF_A_LANE {
            match self.dtype {
                Dtype::U8 => return [sum_of_unsigned(bytes), 0],
                Dtype::I8 => return [sum_of_signed(bytes), 0],
                Dtype::I16 | Dtype::I32 => {}
            }
        }
        if let (Dtype::I16, Kind::Greatest | Kind::Least) = (self.dtype, self.kind) {
            let other = mask.map(|(mask, other)| (mask, i16::try_from(other)));
            match other {
                None => return self.extreme(bytes, None),
                Some((mask, Ok(other))) => return self.extreme(bytes, Some((mask, other))),
                Some((_, Err(_))) => {}
            }
        }
        match self.dtype {
            Dtype::I8 => self.of_values::<1>(bytes, mask, |[byte]| i32::from(byte as i8)),
            Dtype::U8 => self.of_values::<1>(bytes, mask, |[byte]| i32::from(byte)),
            _ => self.of_values::<2>(bytes, mask, |bytes| i32::from(i16::from_le_bytes(bytes))),
        }
    }

    /// The extreme of a row of 16-bit values.
    #[inline(always)]
    fn extreme(&self, bytes: &[u8], mask: Option<(&[u8], i16)>) -> [i64; 2] {
        let extreme = if self.kind == Kind::Greatest {
            reduce(bytes, mask, i16::MIN, i16::from_le_bytes, i16::max).into_iter().fold(i16::MIN, i16::max)
        } else {
            reduce(bytes, mask, i16::MAX, i16::from_le_bytes, i16::min).into_iter().fold(i16::MAX, i16::min)
        };
        [0, i64::from(extreme)]
    }

    #[inline(always)]
    fn of_values<const BYTES: usize>(
        &self,
        row: &[u8],
        mask: Option<(&[u8], i32)>,
        value: impl Fn([u8; BYTES]) -> i32,
    ) -> [i64; 2] {
        // a loop for each kind and for masked rows, so that nothing is decided within
        match self.kind {
            Kind::Greatest => {
                [0, reduce(row, mask, i32::MIN, value, i32::max).into_iter().fold(i32::MIN, i32::max).into()]
            }
            Kind::Least => {
                [0, reduce(row, mask, i32::MAX, value, i32::min).into_iter().fold(i32::MAX, i32::min).into()]
            }
            Kind::Sum => [reduce(row, mask, 0, value, i32::wrapping_add).into_iter().map(i64::from).sum(), 0],
            Kind::SumAndSquares => sum_and_squares(row, value),
            Kind::Squares => [sum_and_squares(row, value)[1], 0],
        }
    }
}

/// A type of lanes that masks are made for.
trait Masked: Copy {
    /// The value where `mask` is not 0, else `other`, without a branch.
    fn where_set(self, mask: u8, other: Self) -> Self;
}

macro_rules! masked {
    ($type:ty) => {
        impl Masked for $type {
            #[inline(always)]
            fn where_set(self, mask: u8, other: Self) -> Self {
                // all ones where the value stays
                let keep = (0 as $type).wrapping_sub(<$type>::from(mask != 0));
                (self & keep) | (other & !keep)
            }
        }
    };
}
masked!(i16);
masked!(i32);

/// The lanes after a row; `neutral` is what changes nothing.
#[inline(always)]
fn reduce<const BYTES: usize, L: Masked>(
    row: &[u8],
    mask: Option<(&[u8], L)>,
    neutral: L,
    value: impl Fn([u8; BYTES]) -> L,
    combine: impl Fn(L, L) -> L,
) -> [L; WIDTH] {
    let mut lanes = [neutral; WIDTH];
    let (chunks, rest) = row.as_chunks::<BYTES>().0.as_chunks::<WIDTH>();
    let Some((mask, other)) = mask else {
        for chunk in chunks {
            for (lane, bytes) in lanes.iter_mut().zip(chunk) {
                *lane = combine(*lane, value(*bytes));
            }
        }
        for (lane, bytes) in lanes.iter_mut().zip(rest) {
            *lane = combine(*lane, value(*bytes));
        }
        return lanes;
    };
    let (mask_chunks, mask_rest) = mask.as_chunks::<WIDTH>();
    for (chunk, mask) in chunks.iter().zip(mask_chunks) {
        for ((lane, bytes), mask) in lanes.iter_mut().zip(chunk).zip(mask) {
            *lane = combine(*lane, value(*bytes).where_set(*mask, other));
        }
    }
    for ((lane, bytes), mask) in lanes.iter_mut().zip(rest).zip(mask_rest) {
        *lane = combine(*lane, value(*bytes).where_set(*mask, other));
    }
    lanes
}

/// The sum of at most `WIDTH * BYTES_OF_A_LANE` bytes, in lanes of 16 bits.
macro_rules! sum_of_bytes {
    ($name:ident, $byte:ty, $lane:ty) => {
        #[inline(always)]
        fn $name(row: &[u8]) -> i64 {
            let mut lanes = [0 as $lane; WIDTH];
            let (chunks, rest) = row.as_chunks::<WIDTH>();
            for chunk in chunks {
                for at in 0..WIDTH {
                    lanes[at] = lanes[at].wrapping_add((chunk[at] as $byte).into());
                }
            }
            for (lane, byte) in lanes.iter_mut().zip(rest) {
                *lane = lane.wrapping_add((*byte as $byte).into());
            }
            let mut sum = 0i32;
            for lane in lanes {
                sum = sum.wrapping_add(lane.into());
            }
            sum.into()
        }
    };
}
sum_of_bytes!(sum_of_unsigned, u8, u16);
sum_of_bytes!(sum_of_signed, i8, i16);

/// The sum of a row of at most 2^20 values of 16 bits, and that of their squares.
#[inline(always)]
fn sum_and_squares<const BYTES: usize>(row: &[u8], value: impl Fn([u8; BYTES]) -> i32) -> [i64; 2] {
    /// Lanes: those of the squares have 64 bits.
    const LANES: usize = 32;
    let (mut sums, mut squares) = ([0i32; LANES], [0i64; LANES]);
    let (chunks, rest) = row.as_chunks::<BYTES>().0.as_chunks::<LANES>();
    for chunk in chunks {
        for ((sum, square), bytes) in sums.iter_mut().zip(&mut squares).zip(chunk) {
            let value = value(*bytes);
            *sum = sum.wrapping_add(value);
            *square = square.wrapping_add(i64::from(value.wrapping_mul(value)));
        }
    }
    for ((sum, square), bytes) in sums.iter_mut().zip(&mut squares).zip(rest) {
        let value = value(*bytes);
        *sum = sum.wrapping_add(value);
        *square = square.wrapping_add(i64::from(value.wrapping_mul(value)));
    }
    let mut whole = [0i64; 2];
    for (sum, square) in sums.into_iter().zip(squares) {
        whole = [whole[0].wrapping_add(sum.into()), whole[1].wrapping_add(square)];
    }
    whole
}
