//! The micro kernel in plain code: what every other one must equal. Compilers turn it into whatever vectors the target
//! always has.

use super::format::Tile;

/// Columns of a panel.
pub(crate) const COLUMNS: usize = 8;
/// Rows of a tile.
pub(crate) const ROWS: usize = 4;

/// Words of two 16-bit values; the packing has extended both sides.
pub(crate) fn tile(tile: Tile<'_>) {
    tile.check(COLUMNS);
    match tile.rows {
        1 => rows::<1>(tile),
        2 => rows::<2>(tile),
        3 => rows::<3>(tile),
        _ => rows::<ROWS>(tile),
    }
}

fn rows<const ROWS: usize>(tile: Tile<'_>) {
    let mut initial = [0i32; COLUMNS];
    initial.copy_from_slice(&tile.initial[..COLUMNS]);
    let mut sums = [initial; ROWS];
    let left: [&[[i16; 2]]; ROWS] =
        std::array::from_fn(|row| bytemuck::cast_slice(&tile.left[row * tile.left_stride..][..tile.groups]));
    let panels: &[[[i16; 2]; COLUMNS]] = bytemuck::cast_slice(&tile.right[..tile.groups * COLUMNS]);
    for (group, panel) in panels.iter().enumerate() {
        for (sums, left) in sums.iter_mut().zip(left) {
            let [a, b] = left[group].map(i32::from);
            for (sum, right) in sums.iter_mut().zip(panel) {
                let pair = a * i32::from(right[0]) + b * i32::from(right[1]);
                *sum = sum.wrapping_add(pair);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        tile.sums[row * tile.sums_stride..][..COLUMNS].copy_from_slice(sums);
    }
}
