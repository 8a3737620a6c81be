//! Integer operations: those that SBPF lacks (signed division, wide multiplication, overflow flags) are the lowering's own work.

use std::hint::black_box;

use crate::mixing::{Mixer, Values};

macro_rules! operations {
    ($mixer:expr, $type:ty, $a:expr, $b:expr, $shift:expr) => {{
        let (a, b, shift): ($type, $type, u32) = ($a as $type, $b as $type, $shift);
        let mixer = &mut *$mixer;
        for value in [a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_mul(b)] {
            mixer.add_wide(value as u128);
        }
        for (value, overflowed) in [a.overflowing_add(b), a.overflowing_sub(b), a.overflowing_mul(b)] {
            mixer.add_wide(value as u128);
            mixer.add(u64::from(overflowed));
        }
        // Beside a division by the same number, the compiler takes the remainder from the quotient: hide one pair from it.
        let (c, d) = (black_box(a), black_box(b));
        mixer.add_wide(c.checked_rem(d).map_or(76, |value| value as u128));
        for (index, value) in [a.checked_div(b), a.checked_rem(b), a.checked_rem_euclid(b)].into_iter().enumerate() {
            mixer.add_wide(value.map_or(77 + index as u128, |value| value as u128));
        }
        for value in [a.wrapping_shl(shift), a.wrapping_shr(shift), a.rotate_left(shift), a.rotate_right(shift)] {
            mixer.add_wide(value as u128);
        }
        for value in [a.saturating_add(b), a.saturating_sub(b), a.saturating_mul(b), a.wrapping_pow(shift & 7)] {
            mixer.add_wide(value as u128);
        }
        for count in [a.leading_zeros(), a.trailing_zeros(), a.count_ones()] {
            mixer.add(u64::from(count));
        }
        for value in [a.swap_bytes(), a.reverse_bits(), a.min(b)] {
            mixer.add_wide(value as u128);
        }
        mixer.add(u64::from(a < b));
        mixer.add(a.cmp(&b) as i8 as u64);
        mixer.add_wide((a as i8) as u128);
        mixer.add_wide((a as i32) as u128);
    }};
}

/// One pair of operands through every operation in every type.
pub(crate) fn round(values: &mut Values, mixer: &mut Mixer) {
    let (a, b, shift) = (values.next_wide(), values.next_wide(), values.next() as u32);
    operations!(mixer, u8, a, b, shift);
    operations!(mixer, i8, a, b, shift);
    operations!(mixer, u16, a, b, shift);
    operations!(mixer, i16, a, b, shift);
    operations!(mixer, u32, a, b, shift);
    operations!(mixer, i32, a, b, shift);
    operations!(mixer, u64, a, b, shift);
    operations!(mixer, i64, a, b, shift);
    operations!(mixer, u128, a, b, shift);
    operations!(mixer, i128, a, b, shift);
}
