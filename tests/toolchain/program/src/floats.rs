//! Floating point, all in software on-chain. Nothing that counts uses it; libraries do, and it must not be wrong.

use crate::mixing::{Mixer, Values};

macro_rules! operations {
    ($mixer:expr, $type:ty, $a:expr, $b:expr) => {{
        let (a, b): ($type, $type) = ($a, $b);
        let mixer = &mut *$mixer;
        // Which not-a-number an operation yields is unspecified.
        let bits = |value: $type| if value.is_nan() { 1 } else { u64::from(value.to_bits()) };
        for value in [a + b, a - b, a * b, a / b, -a, a.sqrt(), a.floor(), a.trunc()] {
            mixer.add(bits(value));
        }
        // min and max may return either zero of a pair with different signs: adding 0 makes them one.
        for value in [a.min(b) + 0.0, a.max(b) + 0.0, a.mul_add(1.0, 0.0) * 0.0 + a] {
            mixer.add(bits(value));
        }
        // The negated ones are true if an operand is not a number, which is a predicate of its own for the compiler.
        for truth in [a < b, a <= b, a == b, a > b, a >= b, a != b, !(a < b), !(a <= b), !(a > b), !(a >= b)] {
            mixer.add(u64::from(truth));
        }
        mixer.add(a.partial_cmp(&b).map_or(9, |ordering| ordering as i8 as u64));
        mixer.add(a as u8 as u64);
        mixer.add(a as i8 as u64);
        mixer.add(a as u32 as u64);
        mixer.add(a as i32 as u64);
        mixer.add(a as u64);
        mixer.add(a as i64 as u64);
        mixer.add_wide(a as u128);
        mixer.add_wide(a as i128 as u128);
        mixer.add(bits(a.abs()));
        if !a.is_nan() {
            mixer.add((a as f64).to_bits());
            mixer.add(u64::from((a as f64 as f32).to_bits()));
        }
    }};
}

/// One pair of operands: as bit patterns, as converted integers, and as fractions.
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "the negations are what is tested")]
pub(crate) fn round(values: &mut Values, mixer: &mut Mixer) {
    let (a, b) = (values.next_wide(), values.next_wide());
    operations!(mixer, f64, f64::from_bits(a as u64), f64::from_bits(b as u64));
    operations!(mixer, f64, a as f64, b as i64 as f64);
    operations!(mixer, f64, f64::from(a as i32) / 7.0, f64::from(b as i16) * 0.37);
    operations!(mixer, f32, f32::from_bits(a as u32), f32::from_bits(b as u32));
    operations!(mixer, f32, a as u64 as f32, b as i128 as f32);
    operations!(mixer, f32, f32::from(a as i8), f32::from(b as u8));
}
