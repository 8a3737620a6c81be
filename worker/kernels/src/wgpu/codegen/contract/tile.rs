//! Contractions by tiles: a workgroup keeps words of both factors in shared memory, a thread sums blocks of four by four
//! outputs.

use super::contraction::{Contraction, WordAccess, lengths_of};
use super::split::Split;
use crate::wgpu::codegen::address::decode;
use crate::wgpu::codegen::output::TileOutputs;
use crate::wgpu::codegen::shader::Shader;
use crate::wgpu::codegen::{CodegenError, Kernel};

/// Rows and columns of a block, and words of a vector.
const BLOCK: u32 = 4;
/// The components of a vector.
const COMPONENTS: [&str; BLOCK as usize] = ["x", "y", "z", "w"];
/// Tiles that keep a large device busy; smaller tiles are taken where there would be fewer.
const ENOUGH_TILES: u64 = 96;

/// Size of a tile, and how its blocks are dealt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tile {
    rows: u32,
    columns: u32,
    /// Words along the reduction that shared memory holds at a time.
    depth: u32,
    /// Blocks of a thread downwards; the tile is cut into so many bands, and a thread has one block in each.
    down: u32,
    /// Blocks of a thread across.
    across: u32,
}

impl Tile {
    fn choose(split: &Split, words: u32) -> Self {
        let tile = |rows: u32, columns: u32, down: u32, across: u32| {
            let depth = if words > 8 && rows * columns < 128 * 128 { 16 } else { 8 };
            Self { rows, columns, depth, down, across }
        };
        let enough = |tile: &Self| tile.count(split) >= ENOUGH_TILES;
        if split.rows <= 16 {
            return tile(16, 64, 1, 1);
        }
        if split.columns <= 16 {
            return tile(64, 16, 1, 1);
        }
        let large = [tile(128, 128, 2, 2), tile(64, 64, 2, 1)];
        large.into_iter().find(enough).unwrap_or(tile(32, 32, 1, 1))
    }

    fn count(&self, split: &Split) -> u64 {
        u64::from(split.batches)
            * u64::from(split.rows.div_ceil(self.rows))
            * u64::from(split.columns.div_ceil(self.columns))
    }

    const fn threads(&self) -> u32 {
        self.rows * self.columns / (BLOCK * BLOCK * self.down * self.across)
    }

    /// Threads side by side.
    const fn threads_across(&self) -> u32 {
        self.columns / (BLOCK * self.across)
    }

    /// Rows of a band.
    const fn band_rows(&self) -> u32 {
        self.rows / self.down
    }

    /// Columns of a band.
    const fn band_columns(&self) -> u32 {
        self.columns / self.across
    }
}

/// Vectors from one step of the reduction to the next in shared memory: one more than a side has, so that a
/// workgroup's writes along the reduction spread over the memory's banks.
const fn stride(side: u32) -> u32 {
    side / BLOCK + 1
}

pub(super) fn kernel(contraction: &Contraction<'_>, split: &Split) -> Result<Kernel, CodegenError> {
    let tile = Tile::choose(split, contraction.words());
    let mut shader = Shader::new(contraction.job.options.wide);
    let outputs = TileOutputs::new(&mut shader, &contraction.job.output_dtypes()?, split.columns);
    let (down, across) = (split.rows.div_ceil(tile.rows), split.columns.div_ceil(tile.columns));
    let groups = split.batches * down * across;

    shader.open(format!("if (group >= {groups}u)"));
    shader.line("return;");
    shader.close();
    shader.line(format!("let first_column = (group % {across}u) * {}u;", tile.columns));
    shader.line(format!("let first_row = ((group / {across}u) % {down}u) * {}u;", tile.rows));
    shader.line(format!("let batch = group / {}u;", across * down));
    let batch = decode(&mut shader, "batch", &lengths_of(&contraction.lowered, &split.batch_axes), |_| true);
    shader.line(format!("let thread_row = local / {}u;", tile.threads_across()));
    shader.line(format!("let thread_column = local % {}u;", tile.threads_across()));

    let emitter = Emitter { contraction, split, tile, batch };
    emitter.declare_sums(&mut shader);
    shader.repeat("step", "0u", contraction.words(), tile.depth);
    emitter.fill(&mut shader, Side::Rows);
    emitter.fill(&mut shader, Side::Columns);
    shader.line("workgroupBarrier();");
    emitter.multiply(&mut shader);
    shader.line("workgroupBarrier();");
    shader.close();
    emitter.correct(&mut shader);
    emitter.store(&mut shader, &outputs)?;
    Ok(shader.finish(tile.threads(), groups, contraction.work()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Rows,
    Columns,
}

struct Emitter<'a> {
    contraction: &'a Contraction<'a>,
    split: &'a Split,
    tile: Tile,
    /// Coordinates of the batch axes.
    batch: Vec<String>,
}

impl Emitter<'_> {
    fn factor(&self, side: Side) -> usize {
        match side {
            Side::Columns => self.split.column_factor,
            Side::Rows => 1 - self.split.column_factor,
        }
    }

    /// The side whose elements are unsigned.
    fn unsigned_side(&self) -> Option<Side> {
        let unsigned = self.contraction.unsigned_factor()?;
        Some(if unsigned == self.split.column_factor { Side::Columns } else { Side::Rows })
    }

    /// Names of the sums of all blocks: (row of the thread, block across, name), row by row.
    fn sums(&self) -> impl Iterator<Item = (u32, u32, String)> + use<> {
        let (rows, across) = (self.tile.down * BLOCK, self.tile.across);
        (0..rows).flat_map(move |row| (0..across).map(move |block| (row, block, format!("sum_{row}_{block}"))))
    }

    /// Vectors that hold the sums of the signed side's elements: one for each of its blocks.
    fn corrections(&self) -> u32 {
        match self.unsigned_side() {
            Some(Side::Columns) => self.tile.down,
            Some(Side::Rows) => self.tile.across,
            None => 0,
        }
    }

    fn declare_sums(&self, shader: &mut Shader) {
        for (_, _, name) in self.sums() {
            shader.line(format!("var {name} = vec4<i32>();"));
        }
        for block in 0..self.corrections() {
            shader.line(format!("var correction_{block} = vec4<i32>();"));
        }
    }

    /// Copies one side's words of this step into shared memory, four neighbours at a time; zeros beyond the matrix.
    fn fill(&self, shader: &mut Shader, side: Side) {
        let (name, length) = match side {
            Side::Rows => ("row", self.tile.rows),
            Side::Columns => ("column", self.tile.columns),
        };
        let depth = self.tile.depth;
        shader.global(format!("var<workgroup> {name}_words: array<vec4<u32>, {}>;", depth * stride(length)));
        shader.repeat("copied", "local", length / BLOCK * depth, self.tile.threads());
        let first = shader.bind(name, format!("first_{name} + copied / {depth}u * {BLOCK}u"));
        let word = shader.bind("at_word", format!("step + copied % {depth}u"));
        let copies = shader.name("copies");
        shader.line(format!("var {copies} = vec4<u32>();"));
        if self.contraction.access(self.factor(side)) == WordAccess::Gathered {
            let part = shader.name("part");
            shader.repeat(&part, "0u", BLOCK, 1);
            self.copy(shader, side, &format!("{first} + {part}"), &word, &format!("{copies}[{part}]"));
            shader.close();
        } else {
            for (part, component) in COMPONENTS.iter().enumerate() {
                self.copy(shader, side, &format!("{first} + {part}u"), &word, &format!("{copies}.{component}"));
            }
        }
        shader.line(format!("{name}_words[copied % {depth}u * {}u + copied / {depth}u] = {copies};", stride(length)));
        shader.close();
    }

    /// Sets `target` to word `word` of the row or column `at`, if the matrix has it.
    fn copy(&self, shader: &mut Shader, side: Side, at: &str, word: &str, target: &str) {
        let (total, axes) = match side {
            Side::Rows => (self.split.rows, &self.split.row_axes),
            Side::Columns => (self.split.columns, &self.split.column_axes),
        };
        let at = shader.bind("line", at);
        shader.open(format!("if ({at} < {total}u && {word} < {}u)", self.contraction.words()));
        let factor = self.factor(side);
        let lengths = lengths_of(&self.contraction.lowered, axes);
        let decoded = decode(shader, &at, &lengths, |index| self.contraction.factor_uses(factor, axes[index]));
        let coordinates = self.coordinates(&[(axes, &decoded)]);
        let value = self.contraction.word(shader, factor, &coordinates, word);
        shader.line(format!("{target} = {value};"));
        shader.close();
    }

    /// Output coordinates: those of the batch, the given ones, 0 elsewhere.
    fn coordinates(&self, given: &[(&[usize], &[String])]) -> Vec<String> {
        let mut coordinates = vec!["0u".to_owned(); self.contraction.lowered.outputs.len()];
        let batch: (&[usize], &[String]) = (&self.split.batch_axes, &self.batch);
        for (axes, values) in given.iter().chain([&batch]) {
            for (axis, value) in axes.iter().zip(values.iter()) {
                coordinates[*axis].clone_from(value);
            }
        }
        coordinates
    }

    /// Adds the products of this step's words.
    fn multiply(&self, shader: &mut Shader) {
        let Tile { rows, columns, depth, down, across } = self.tile;
        shader.repeat("depth", "0u", depth, 1);
        shader.line(format!("let row_at = depth * {}u + thread_row;", stride(rows)));
        shader.line(format!("let column_at = depth * {}u + thread_column;", stride(columns)));
        for block in 0..down {
            let offset = block * self.tile.band_rows() / BLOCK;
            shader.line(format!("let x{block} = row_words[row_at + {offset}u];"));
        }
        for block in 0..across {
            let offset = block * self.tile.band_columns() / BLOCK;
            shader.line(format!("let y{block} = column_words[column_at + {offset}u];"));
        }
        for (row, block, sum) in self.sums() {
            let x = format!("x{}.{}", row / BLOCK, COMPONENTS[(row % BLOCK) as usize]);
            shader.line(format!("{sum} += {};", dots(|component| format!("{x}, y{block}.{component}"))));
        }
        let signed = if self.unsigned_side() == Some(Side::Columns) { "x" } else { "y" };
        for block in 0..self.corrections() {
            let sums = dots(|component| format!("{signed}{block}.{component}, 0x01010101u"));
            shader.line(format!("correction_{block} += {sums};"));
        }
        shader.close();
    }

    /// Puts back the 128 that was taken from each unsigned element.
    fn correct(&self, shader: &mut Shader) {
        let Some(unsigned) = self.unsigned_side() else { return };
        for (row, block, sum) in self.sums() {
            let of_signed_side = match unsigned {
                Side::Columns => {
                    format!("vec4<i32>(correction_{}.{})", row / BLOCK, COMPONENTS[(row % BLOCK) as usize])
                }
                Side::Rows => format!("correction_{block}"),
            };
            shader.line(format!("{sum} += {of_signed_side} << vec4<u32>(7u);"));
        }
    }

    fn store(&self, shader: &mut Shader, outputs: &TileOutputs) -> Result<(), CodegenError> {
        let lowered = &self.contraction.lowered;
        let used = self.contraction.epilogue_axes();
        let (row_axes, column_axes) = (&self.split.row_axes, &self.split.column_axes);
        let Tile { down, across, .. } = self.tile;
        let names: Vec<String> = self.sums().map(|(_, _, name)| name).collect();
        // Kept in variables until here: an array that is indexed in a loop may not be held in registers.
        shader.line(format!("var sums = array<vec4<i32>, {}>({});", names.len(), names.join(", ")));
        shader.repeat("at_row", "0u", down * BLOCK, 1);
        let band = format!("at_row / {BLOCK}u * {}u", self.tile.band_rows());
        shader.line(format!("let row = first_row + {band} + thread_row * {BLOCK}u + at_row % {BLOCK}u;"));
        shader.open(format!("if (row >= {}u)", self.split.rows));
        shader.line("break;");
        shader.close();
        // Every row axis is needed for the flat index.
        let rows = decode(shader, "row", &lengths_of(lowered, row_axes), |_| true);
        shader.line(format!("let first_element = {};", self.flat_index(&[(row_axes, &rows)])));
        shader.repeat("block", "0u", across, 1);
        outputs.open_row(shader);
        shader.repeat("lane", "0u", BLOCK, 1);
        let band = format!("block * {}u", self.tile.band_columns());
        shader.line(format!("let column = first_column + {band} + thread_column * {BLOCK}u + lane;"));
        shader.open(format!("if (column >= {}u)", self.split.columns));
        shader.line("break;");
        shader.close();
        shader.line("let element = first_element + column;");
        let columns = decode(shader, "column", &lengths_of(lowered, column_axes), |index| used[column_axes[index]]);
        let coordinates = self.coordinates(&[(row_axes, &rows), (column_axes, &columns)]);
        shader.line(format!("let sum = sums[at_row * {across}u + block][lane];"));
        let outcome = self.contraction.epilogue(shader, &coordinates, "sum")?;
        outputs.store(shader, &outcome.stored)?;
        shader.close();
        shader.close();
        shader.close();
        Ok(())
    }

    /// Flat index of the first column at these coordinates and those of the batch.
    fn flat_index(&self, given: &[(&[usize], &[String])]) -> String {
        let batch: (&[usize], &[String]) = (&self.split.batch_axes, &self.batch);
        let outputs = &self.contraction.lowered.outputs;
        let terms: Vec<String> = given
            .iter()
            .chain([&batch])
            .flat_map(|(axes, coordinates)| axes.iter().zip(coordinates.iter()))
            .map(|(axis, coordinate)| format!("{coordinate} * {}u", outputs[axis + 1..].iter().product::<u32>()))
            .collect();
        if terms.is_empty() { "0u".to_owned() } else { terms.join(" + ") }
    }
}

/// A vector of four dot products; `factors` gives the arguments for each component.
fn dots(factors: impl Fn(&str) -> String) -> String {
    let dots: Vec<String> =
        COMPONENTS.iter().map(|component| format!("dot4I8Packed({})", factors(component))).collect();
    format!("vec4<i32>({})", dots.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(batches: u32, rows: u32, columns: u32) -> Split {
        let axes = Vec::new;
        Split { batch_axes: axes(), row_axes: axes(), column_axes: axes(), column_factor: 1, batches, rows, columns }
    }

    #[test]
    fn tiles_shrink_until_a_device_is_busy() {
        let size = |batches, rows, columns| {
            let tile = Tile::choose(&split(batches, rows, columns), 100);
            (tile.rows, tile.columns)
        };
        assert_eq!(size(1, 4096, 4096), (128, 128));
        assert_eq!(size(12, 384, 384), (128, 128));
        assert_eq!(size(1, 1024, 1024), (64, 64));
        assert_eq!(size(1, 128, 384), (32, 32));
        assert_eq!(size(1, 8, 4096), (16, 64));
        assert_eq!(size(1, 4096, 10), (64, 16));
    }

    #[test]
    fn every_tile_fits_the_portable_limits() {
        for (rows, columns) in [(4096, 4096), (1024, 1024), (100, 100), (8, 100), (100, 8)] {
            for words in [1, 8, 9, 1000] {
                let tile = Tile::choose(&split(1, rows, columns), words);
                assert!((16..=256).contains(&tile.threads()), "{tile:?}");
                let shared = 16 * tile.depth * (stride(tile.rows) + stride(tile.columns));
                assert!(shared <= 16 * 1024, "{tile:?}: {shared} bytes");
                let blocks = tile.threads() * tile.down * tile.across * BLOCK * BLOCK;
                assert_eq!(blocks, tile.rows * tile.columns);
            }
        }
    }
}
