//! Maps that normalise: `(x * n - sum) * reciprocal`, shifted and bounded, times a gain, plus an offset, shifted again. All
//! of it happens in registers, where the interpreter stores each step.

use super::execute::store;
use super::pointwise::Pointwise;
use super::program::{Binary, Source, Step};
use crate::cpu::access::{Access, Lane, Point};
use crate::cpu::isa::{Available, Job};
use crate::cpu::output::Output;
use crate::cpu::scratch::Scratch;
use referee::graph::{Dtype, REGISTERS, ResolvedOp};
use referee::semantics::round_shift;

/// Such a map.
#[derive(Clone, Debug)]
pub(crate) struct Normal {
    map: Pointwise,
    rule: Rule,
}

/// What is read, and the numbers between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rule {
    value: u8,
    length: i64,
    /// What is taken from `value * length`.
    sum: Option<u8>,
    reciprocal: u8,
    first_shift: u8,
    low: i64,
    high: i64,
    gain: u8,
    offset: u8,
    /// What the offset is multiplied by.
    unit: i64,
    last_shift: u8,
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Other,
    Operand(u8),
    /// An operand times a number.
    Multiple(u8, i64),
    Centred(Rule),
    Scaled(Rule),
    Shifted(Rule),
    Gained(Rule),
    Sum(Rule),
    Result(Rule),
}

/// Values at once.
const STRIP: usize = 64;

impl Normal {
    /// The map as a normalisation, if it is one.
    pub(crate) fn new(op: &ResolvedOp, map: &Pointwise) -> Option<Self> {
        let direct = |operand: u8| !map.access(operand).is_indirect();
        let rule = recognise(&map.program().steps)?;
        let operands = [Some(rule.value), rule.sum, Some(rule.reciprocal), Some(rule.gain), Some(rule.offset)];
        let all_direct = operands.into_iter().flatten().all(direct);
        (op.outputs.len() == 1 && all_direct).then(|| Self { map: map.clone(), rule })
    }

    /// Steps for each point, as those of a program.
    pub(crate) fn steps(&self) -> usize {
        // about a third of what the interpreter takes
        self.map.steps().div_ceil(3)
    }

    /// Stores points `first..first + count`.
    ///
    /// # Safety
    /// No other thread uses these elements of the output.
    pub(crate) unsafe fn run(
        &self,
        isa: Available,
        operands: &[&[u8]],
        (first, count): (usize, usize),
        output: &Output<'_>,
        scratch: &mut Scratch,
    ) {
        // SAFETY: the caller has these elements to itself.
        let out = unsafe { output.part(first, count) };
        isa.run(Run { normal: self, operands, first, count, output, out, scratch });
    }
}

/// The rule of the only store, if the steps are one.
fn recognise(steps: &[Step]) -> Option<Rule> {
    let mut held = [Held::Other; REGISTERS];
    let mut stored = None;
    for step in steps {
        let of = |source: Source| match source {
            Source::Register(register) => held[usize::from(register)],
            Source::Value(_) => Held::Other,
        };
        let (d, now) = match *step {
            Step::Load { d, operand } => (d, Held::Operand(operand)),
            Step::Binary { operation: Binary::Mul, d, a, b } => (d, multiply(a, b, of(a), of(b))),
            Step::Binary { operation: Binary::Sub, d, a, b } => match (of(a), of(b)) {
                (Held::Multiple(value, length), Held::Operand(sum)) => {
                    (d, Held::Centred(Rule { value, length, sum: Some(sum), ..Rule::default() }))
                }
                _ => (d, Held::Other),
            },
            Step::Binary { operation: Binary::Add, d, a, b } => match (of(a), of(b)) {
                (Held::Gained(rule), Held::Multiple(offset, unit))
                | (Held::Multiple(offset, unit), Held::Gained(rule)) => (d, Held::Sum(Rule { offset, unit, ..rule })),
                _ => (d, Held::Other),
            },
            Step::RoundShift { d, a, shift } => match held[usize::from(a)] {
                Held::Scaled(rule) => {
                    (d, Held::Shifted(Rule { first_shift: shift, low: i64::MIN, high: i64::MAX, ..rule }))
                }
                Held::Sum(rule) => (d, Held::Result(Rule { last_shift: shift, ..rule })),
                _ => (d, Held::Other),
            },
            Step::Clamp { d, a, low, high } => match held[usize::from(a)] {
                Held::Shifted(rule) if (rule.low, rule.high) == (i64::MIN, i64::MAX) => {
                    (d, Held::Shifted(Rule { low, high, ..rule }))
                }
                _ => (d, Held::Other),
            },
            Step::Store { output: 0, a } if stored.is_none() => {
                stored = Some(of(a));
                continue;
            }
            _ => match step.destination() {
                Some(d) => (d, Held::Other),
                None => return None,
            },
        };
        held[usize::from(d)] = now;
    }
    match stored? {
        Held::Result(rule) => Some(rule),
        _ => None,
    }
}

fn multiply(a: Source, b: Source, left: Held, right: Held) -> Held {
    match (left, right, a, b) {
        (Held::Operand(operand), _, _, Source::Value(number))
        | (_, Held::Operand(operand), Source::Value(number), _) => Held::Multiple(operand, number),
        (Held::Centred(rule), Held::Operand(reciprocal), ..) | (Held::Operand(reciprocal), Held::Centred(rule), ..) => {
            Held::Scaled(Rule { reciprocal, ..rule })
        }
        (Held::Multiple(value, length), Held::Operand(reciprocal), ..)
        | (Held::Operand(reciprocal), Held::Multiple(value, length), ..) => {
            Held::Scaled(Rule { value, length, sum: None, reciprocal, ..Rule::default() })
        }
        (Held::Shifted(rule), Held::Operand(gain), ..) | (Held::Operand(gain), Held::Shifted(rule), ..) => {
            Held::Gained(Rule { gain, ..rule })
        }
        _ => Held::Other,
    }
}

struct Run<'a, 's> {
    normal: &'a Normal,
    operands: &'a [&'a [u8]],
    first: usize,
    count: usize,
    output: &'a Output<'a>,
    out: &'a mut [u8],
    scratch: &'s mut Scratch,
}

impl Job for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Normal { map, rule } = self.normal;
        let (accesses, sweep, operands) = (map.accesses(), map.sweep(), self.operands);
        let (size, axis) = (self.output.dtype().bytes() as usize, sweep.innermost());
        let segments = &mut self.scratch.segments;
        sweep.segments(&[0; crate::cpu::AXES], self.first, self.count, segments);
        let access = |operand: u8| (&accesses[usize::from(operand)], operands[usize::from(operand)]);
        let still = |operand: u8| access(operand).0.stride(axis) == Some(0);
        // of a row only its elements, gains and offsets differ
        let along_row = rule.sum.is_none_or(still) && still(rule.reciprocal);
        let dtype = self.output.dtype();
        let [mut values, mut gains, mut offsets] = [[0i32; STRIP]; 3];
        let [mut results, mut sums, mut reciprocals] = [[0i64; STRIP]; 3];
        for segment in segments.iter() {
            let (mut sum, mut reciprocal) = ([0i64], [0i64]);
            if along_row {
                load(access(rule.reciprocal), &segment.point, axis, &mut reciprocal);
                if let Some(operand) = rule.sum {
                    load(access(operand), &segment.point, axis, &mut sum);
                }
            }
            let narrow = along_row && rule.is_narrow(access(rule.value).0.dtype(), sum[0]);
            let (sum, reciprocal) = (sum[0] as i32, reciprocal[0] as i32);
            for start in (0..segment.length).step_by(STRIP) {
                let count = STRIP.min(segment.length - start);
                let mut point = segment.point;
                point[axis] += start as u32;
                load(access(rule.gain), &point, axis, &mut gains[..count]);
                load(access(rule.offset), &point, axis, &mut offsets[..count]);
                if narrow {
                    load(access(rule.value), &point, axis, &mut values[..count]);
                    let rows = results.iter_mut().zip(&values).zip(&gains).zip(&offsets);
                    for (((result, value), gain), offset) in rows {
                        *result = rule.narrow_value(*value, sum, reciprocal, *gain, *offset);
                    }
                } else {
                    load(access(rule.value), &point, axis, &mut results[..count]);
                    load(access(rule.reciprocal), &point, axis, &mut reciprocals[..count]);
                    if let Some(operand) = rule.sum {
                        load(access(operand), &point, axis, &mut sums[..count]);
                    }
                    let columns = sums.iter().zip(&reciprocals).zip(gains.iter().zip(&offsets));
                    for (result, ((sum, reciprocal), (gain, offset))) in results.iter_mut().zip(columns) {
                        *result = rule.value(*result, *sum, *reciprocal, i64::from(*gain), i64::from(*offset));
                    }
                }
                store(dtype, &results[..count], &mut self.out[(segment.start + start) * size..][..count * size]);
            }
        }
    }
}

#[inline(always)]
fn load<L: Lane>((access, data): (&Access, &[u8]), point: &Point, axis: usize, out: &mut [L]) {
    access.load(data, point, axis, out);
}

impl Rule {
    /// As the steps compute it; a sum that is not taken off is 0.
    #[inline(always)]
    fn value(&self, value: i64, sum: i64, reciprocal: i64, gain: i64, offset: i64) -> i64 {
        let centred = value.wrapping_mul(self.length).wrapping_sub(sum);
        let normal = round_shift(centred.wrapping_mul(reciprocal), self.first_shift);
        let bounded = normal.max(self.low).min(self.high);
        let scaled = bounded.wrapping_mul(gain).wrapping_add(offset.wrapping_mul(self.unit));
        round_shift(scaled, self.last_shift)
    }

    /// Whether every factor of a row with this sum fits 32 bits, and every product with what is added to it 63.
    #[inline(always)]
    fn is_narrow(&self, dtype: Dtype, sum: i64) -> bool {
        let greatest = if dtype == Dtype::I32 { 1i64 << 31 } else { 1 << 15 };
        let bounded = self.low >= -(1 << 30) && self.high <= 1 << 30 && self.low <= self.high;
        let shifts = (1..=62).contains(&self.first_shift) && (1..=62).contains(&self.last_shift);
        let length = self.length.unsigned_abs();
        let centred = length < 1 << 31 && greatest.saturating_mul(length as i64).saturating_add(sum.abs()) < 1 << 31;
        bounded && shifts && centred && self.unit.unsigned_abs() <= 1 << 29
    }

    /// As [`value`](Self::value) for what [`is_narrow`](Self::is_narrow) holds of.
    #[inline(always)]
    fn narrow_value(&self, value: i32, sum: i32, reciprocal: i32, gain: i32, offset: i32) -> i64 {
        let half = |shift: u8| 1i64 << (shift - 1);
        let centred = value.wrapping_mul(self.length as i32).wrapping_sub(sum);
        let product = i64::from(centred).wrapping_mul(i64::from(reciprocal));
        let normal = product.wrapping_add(half(self.first_shift)) >> self.first_shift;
        let bounded = normal.max(self.low).min(self.high) as i32;
        let scaled = i64::from(bounded).wrapping_mul(i64::from(gain));
        let scaled = scaled.wrapping_add(i64::from(offset).wrapping_mul(i64::from(self.unit as i32)));
        scaled.wrapping_add(half(self.last_shift)) >> self.last_shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of a layer norm: `x` times 384, less its row's sum, and so on.
    fn steps() -> Vec<Step> {
        let mul = |d, a, b| Step::Binary { operation: Binary::Mul, d, a, b };
        let [r0, r1, r2] = [0, 1, 2].map(Source::Register);
        vec![
            Step::Load { d: 0, operand: 0 },
            mul(0, r0, Source::Value(384)),
            Step::Load { d: 1, operand: 1 },
            Step::Binary { operation: Binary::Sub, d: 0, a: r0, b: r1 },
            Step::Load { d: 1, operand: 2 },
            mul(0, r0, r1),
            Step::RoundShift { d: 0, a: 0, shift: 18 },
            Step::Clamp { d: 0, a: 0, low: -(1 << 30), high: 1 << 30 },
            Step::Load { d: 1, operand: 3 },
            mul(0, r0, r1),
            Step::Load { d: 2, operand: 4 },
            mul(2, Source::Value(1 << 20), r2),
            Step::Binary { operation: Binary::Add, d: 0, a: r2, b: r0 },
            Step::RoundShift { d: 0, a: 0, shift: 36 },
            Step::Store { output: 0, a: r0 },
        ]
    }

    fn rule() -> Rule {
        recognise(&steps()).unwrap()
    }

    #[test]
    fn a_normalisation_is_recognised_and_nothing_else() {
        let expected = Rule {
            value: 0,
            length: 384,
            sum: Some(1),
            reciprocal: 2,
            first_shift: 18,
            low: -(1 << 30),
            high: 1 << 30,
            gain: 3,
            offset: 4,
            unit: 1 << 20,
            last_shift: 36,
        };
        assert_eq!(rule(), expected);
        // each of these makes it what it is
        for at in [0, 1, 2, 5, 6, 9, 10, 11, 12, 13, 14] {
            let mut others = steps();
            others.remove(at);
            assert_eq!(recognise(&others), None, "without step {at}");
        }
        let mut unbounded = steps();
        unbounded.remove(7);
        assert_eq!(recognise(&unbounded), Some(Rule { low: i64::MIN, high: i64::MAX, ..expected }));
        let mut stored_twice = steps();
        stored_twice.push(Step::Store { output: 0, a: Source::Register(2) });
        assert_eq!(recognise(&stored_twice), None);
    }

    #[test]
    fn both_widths_give_the_same() {
        let extremes = [i32::MIN, i32::MIN + 1, -1, 0, 1, 77_777, i32::MAX];
        for value in [-32_768, -32_767, -1, 0, 5, 32_767] {
            for sum in [-12_582_912, -1, 0, 12_582_528] {
                assert!(rule().is_narrow(Dtype::I16, i64::from(sum)));
                for (reciprocal, gain) in extremes.iter().flat_map(|a| extremes.map(|b| (*a, b))) {
                    for offset in extremes {
                        let [wide_sum, wide_reciprocal, wide_gain] = [sum, reciprocal, gain].map(i64::from);
                        let wide =
                            rule().value(i64::from(value), wide_sum, wide_reciprocal, wide_gain, i64::from(offset));
                        assert_eq!(rule().narrow_value(value, sum, reciprocal, gain, offset), wide);
                    }
                }
            }
        }
    }

    #[test]
    fn what_may_leave_32_bits_is_not_narrow() {
        assert!(!rule().is_narrow(Dtype::I32, 0) && !rule().is_narrow(Dtype::I16, i64::from(i32::MIN)));
        assert!(!Rule { low: i64::MIN, ..rule() }.is_narrow(Dtype::I16, 0));
        assert!(!Rule { high: (1 << 30) + 1, ..rule() }.is_narrow(Dtype::I16, 0));
        assert!(!Rule { length: 1 << 16, ..rule() }.is_narrow(Dtype::I16, 0));
        assert!(!Rule { unit: 1 << 30, ..rule() }.is_narrow(Dtype::I16, 0));
        assert!(!Rule { last_shift: 63, ..rule() }.is_narrow(Dtype::I16, 0));
    }
}
