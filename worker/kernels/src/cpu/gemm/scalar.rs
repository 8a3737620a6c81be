//! The micro kernel in plain code: what every other one must equal. A panel is one column, so that a sum is one plain
//! loop, which compilers turn into whatever vectors the target always has.

use super::format::Tile;

/// Columns of a panel.
pub(crate) const COLUMNS: usize = 1;
/// Rows of a tile.
pub(crate) const ROWS: usize = 16;

/// Words of two 16-bit values; the packing has extended both sides.
pub(crate) fn tile(tile: Tile<'_>) {
    tile.check(COLUMNS);
    let right: &[i16] = bytemuck::cast_slice(&tile.right[..tile.groups]);
    for row in 0..tile.rows {
        let left: &[i16] = bytemuck::cast_slice(&tile.left[row * tile.left_stride..][..tile.groups]);
        let mut sum = tile.initial[0];
        for (a, b) in left.iter().zip(right) {
            sum = sum.wrapping_add(i32::from(*a) * i32::from(*b));
        }
        tile.sums[row * tile.sums_stride] = sum;
    }
}
