//! Calls: SBPF has five argument registers and one for a result; everything wider goes through memory, which the lowering arranges.

use std::hint::black_box;

use crate::mixing::{Mixer, Values};

/// Arguments of many kinds, more than the registers hold, and a result that is returned through memory.
type Many = fn(u64, u32, &[u8], u128, i16, u8, Option<u128>, bool) -> (u128, u64, i16);

#[inline(never)]
fn many(a: u64, b: u32, c: &[u8], d: u128, e: i16, f: u8, g: Option<u128>, h: bool) -> (u128, u64, i16) {
    let sum = d.wrapping_add(g.unwrap_or(u128::from(b)));
    (sum, a ^ c.len() as u64 ^ u64::from(f) ^ u64::from(h), e.wrapping_mul(3))
}

trait Shape {
    fn seven(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64;
    fn wide(&self, a: u128, b: u128, c: u128) -> Option<u128>;
    fn name(&self) -> &str;
}

struct Number(u64);
struct Text(String);

impl Shape for Number {
    #[inline(never)]
    fn seven(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64 {
        self.0 ^ a.wrapping_mul(b) ^ c.rotate_left((d & 63) as u32) ^ e.wrapping_sub(f) ^ g
    }

    #[inline(never)]
    fn wide(&self, a: u128, b: u128, c: u128) -> Option<u128> {
        a.checked_mul(b)?.checked_add(c)
    }

    fn name(&self) -> &str {
        "number"
    }
}

impl Shape for Text {
    #[inline(never)]
    fn seven(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64 {
        g.wrapping_add(f).wrapping_sub(e) ^ d ^ c ^ b ^ a ^ self.0.len() as u64
    }

    #[inline(never)]
    fn wide(&self, a: u128, b: u128, c: u128) -> Option<u128> {
        a.checked_div(b).map(|quotient| quotient ^ c)
    }

    fn name(&self) -> &str {
        &self.0
    }
}

/// One set of operands through a trait object and a function pointer.
pub(crate) fn round(values: &mut Values, mixer: &mut Mixer, round: u32) {
    let (a, b) = (values.next_wide(), values.next_wide());
    let part = |shift: u32| (a >> shift) as u64;
    let shapes: [Box<dyn Shape>; 2] = [Box::new(Number(part(5))), Box::new(Text("text".repeat(1 + (a as usize & 3))))];
    let shape = black_box(&shapes[(a as usize ^ round as usize) & 1]);
    mixer.add(shape.seven(part(0), part(3), part(9), part(20), part(31), part(40), part(63)));
    mixer.add_wide(shape.wide(a, b, a ^ b).unwrap_or(5));
    for byte in shape.name().bytes() {
        mixer.byte(byte);
    }

    let bytes = a.to_le_bytes();
    let optional = (a & 4 == 0).then_some(b);
    let function: Many = black_box(many);
    let (sum, mixed, product) =
        function(part(1), part(2) as u32, &bytes[..b as usize & 15], b, a as i16, b as u8, optional, a & 1 == 1);
    mixer.add_wide(sum);
    mixer.add(mixed);
    mixer.add(product as u64);
}
