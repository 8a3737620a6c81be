//! Bytes: copies that overlap, lengths and offsets of every alignment, comparisons of every outcome.

use crate::mixing::{Mixer, Values};

/// Longer than what the lowering keeps inline, short enough for a stack frame.
const LENGTH: usize = 300;

/// One buffer, filled, moved within itself and compared.
pub(crate) fn round(values: &mut Values, mixer: &mut Mixer) {
    let (a, b) = (values.next_wide(), values.next_wide());
    let mut buffer = [0u8; LENGTH];
    for (index, byte) in buffer.iter_mut().enumerate() {
        *byte = (a >> (index % 120)) as u8;
    }
    let (count, start, destination) = ((b % 150) as usize, (a % 150) as usize, ((b >> 8) % 150) as usize);
    buffer.copy_within(start..start + count, destination);
    buffer[count..count + 70].fill(7);
    let copy = buffer;
    mixer.add(u64::from(copy[..count] == buffer[1..=count]));
    mixer.add(copy.as_slice().cmp(&buffer[5..]) as i8 as u64);
    for byte in copy {
        mixer.byte(byte);
    }
}
