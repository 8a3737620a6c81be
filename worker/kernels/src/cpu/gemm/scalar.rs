//! The micro kernel in plain code: what every other one must equal.

use super::format::Tile;

const COLUMNS: usize = 8;

/// Four bytes a word, each side signed or unsigned.
pub(crate) fn tile<const LEFT_SIGNED: bool, const RIGHT_SIGNED: bool>(tile: Tile<'_>) {
    tile.check(COLUMNS);
    for row in 0..tile.rows {
        let left = &tile.left[row * tile.left_stride..][..tile.groups];
        let mut sums = [0i32; COLUMNS];
        sums.copy_from_slice(&tile.initial[..COLUMNS]);
        for (word, panel) in left.iter().zip(tile.right.as_chunks::<COLUMNS>().0) {
            let left = extend::<LEFT_SIGNED>(*word);
            for (sum, word) in sums.iter_mut().zip(panel) {
                let right = extend::<RIGHT_SIGNED>(*word);
                for (a, b) in left.iter().zip(right) {
                    *sum = sum.wrapping_add(a * b);
                }
            }
        }
        tile.sums[row * tile.sums_stride..][..COLUMNS].copy_from_slice(&sums);
    }
}

#[inline(always)]
fn extend<const SIGNED: bool>(word: u32) -> [i32; 4] {
    word.to_le_bytes().map(|byte| if SIGNED { i32::from(byte as i8) } else { i32::from(byte) })
}
