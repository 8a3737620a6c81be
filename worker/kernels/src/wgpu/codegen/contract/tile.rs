//! Contractions by tiles: a workgroup keeps words of both factors in shared memory, a thread sums four by four outputs.

use super::super::address::decode;
use super::super::output::TileOutputs;
use super::super::shader::Shader;
use super::super::{CodegenError, Kernel};
use super::operand::{Contraction, lengths_of, points_of};

/// Rows and columns of a thread.
const PER_THREAD: u32 = 4;
/// Most words along the reduction that shared memory holds at a time.
const DEPTH: u32 = 16;
/// Tiles from which on the largest are used: fewer would leave most of a device idle.
const ENOUGH_TILES: u64 = 64;

/// The output axes by the factor that they step through.
///
/// Columns are the innermost output axes, so that neighbouring columns are neighbours in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Axes of both factors, and those of the column factor that are not innermost.
    batch_axes: Vec<usize>,
    row_axes: Vec<usize>,
    column_axes: Vec<usize>,
    /// The factor that columns step through: 0 or 1.
    column_factor: usize,
    batches: u32,
    rows: u32,
    columns: u32,
}

impl Split {
    /// The split of a contraction whose innermost output axis steps through one factor only.
    pub(super) fn new(contraction: &Contraction<'_>) -> Option<Self> {
        let lowered = &contraction.lowered;
        let axes = lowered.outputs.len();
        let uses = |factor: usize, axis: usize| contraction.factor_uses(factor, axis);
        let last = axes.checked_sub(1)?;
        let column_factor = match (uses(0, last), uses(1, last)) {
            (true, true) => return None,
            (true, false) => 0,
            (false, _) => 1,
        };
        let row_factor = 1 - column_factor;
        let first_column = (0..axes).rev().take_while(|axis| !uses(row_factor, *axis)).last()?;
        let column_axes: Vec<usize> = (first_column..axes).collect();
        let (batch_axes, row_axes): (Vec<usize>, Vec<usize>) =
            (0..first_column).partition(|axis| uses(column_factor, *axis));
        let [batches, rows, columns] = [&batch_axes, &row_axes, &column_axes].map(|axes| points_of(lowered, axes));
        Some(Self { batch_axes, row_axes, column_axes, column_factor, batches, rows, columns })
    }

    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    pub(super) fn columns(&self) -> u32 {
        self.columns
    }
}

/// Size of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tile {
    rows: u32,
    columns: u32,
    /// Words along the reduction.
    depth: u32,
}

impl Tile {
    fn choose(split: &Split, words: u32) -> Self {
        let large = 64;
        let tiles = |rows: u32, columns: u32| {
            u64::from(split.batches) * u64::from(split.rows.div_ceil(rows)) * u64::from(split.columns.div_ceil(columns))
        };
        let (rows, columns) = if split.rows <= 16 {
            (16, large)
        } else if split.columns <= 16 {
            (large, 16)
        } else if tiles(large, large) >= ENOUGH_TILES {
            (large, large)
        } else {
            (32, 32)
        };
        Self { rows, columns, depth: if words > 8 { DEPTH } else { 8 } }
    }

    const fn threads(self) -> u32 {
        self.rows * self.columns / (PER_THREAD * PER_THREAD)
    }
}

/// Words from one step of the reduction to the next in shared memory: offset so that a workgroup's writes along the
/// reduction spread over the memory's banks, and still a multiple of four words for vector loads.
const fn stride(side: u32) -> u32 {
    side + 4
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
    let across_threads = tile.columns / PER_THREAD;
    shader.line(format!("let thread_row = (local / {across_threads}u) * {PER_THREAD}u;"));
    shader.line(format!("let thread_column = (local % {across_threads}u) * {PER_THREAD}u;"));
    for row in 0..PER_THREAD {
        shader.line(format!("var sum_{row} = vec4<i32>();"));
    }
    if contraction.unsigned_factor().is_some() {
        shader.line("var correction = vec4<i32>();");
    }

    let emitter = Emitter { contraction, split, tile, batch };
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

    /// Copies one side's words of this step into shared memory; zeros beyond the matrix.
    fn fill(&self, shader: &mut Shader, side: Side) {
        let (name, length, total, axes) = match side {
            Side::Rows => ("row", self.tile.rows, self.split.rows, &self.split.row_axes),
            Side::Columns => ("column", self.tile.columns, self.split.columns, &self.split.column_axes),
        };
        let (depth, threads) = (self.tile.depth, self.tile.threads());
        shader.global(format!("var<workgroup> {name}_words: array<u32, {}>;", depth * stride(length)));
        shader.repeat("copied", "local", length * depth, threads);
        let at = shader.bind(name, format!("first_{name} + copied / {depth}u"));
        let word = shader.bind("at_word", format!("step + copied % {depth}u"));
        let copy = shader.name("copy");
        shader.line(format!("var {copy} = 0u;"));
        shader.open(format!("if ({at} < {total}u && {word} < {}u)", self.contraction.words()));
        let factor = self.factor(side);
        let lengths = lengths_of(&self.contraction.lowered, axes);
        let decoded = decode(shader, &at, &lengths, |index| self.contraction.factor_uses(factor, axes[index]));
        let coordinates = self.coordinates(&[(axes, &decoded)]);
        let value = self.contraction.word(shader, factor, &coordinates, &word);
        shader.line(format!("{copy} = {value};"));
        shader.close();
        shader.line(format!("{name}_words[(copied % {depth}u) * {}u + copied / {depth}u] = {copy};", stride(length)));
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
        shader.repeat("depth", "0u", self.tile.depth, 1);
        shader.line(format!("let row_at = depth * {}u + thread_row;", stride(self.tile.rows)));
        shader.line(format!("let column_at = depth * {}u + thread_column;", stride(self.tile.columns)));
        for column in 0..PER_THREAD {
            shader.line(format!("let y{column} = column_words[column_at + {column}u];"));
        }
        for row in 0..PER_THREAD {
            shader.line(format!("let x{row} = row_words[row_at + {row}u];"));
            let dots: Vec<String> = (0..PER_THREAD).map(|column| format!("dot4I8Packed(x{row}, y{column})")).collect();
            shader.line(format!("sum_{row} += vec4<i32>({});", dots.join(", ")));
        }
        if let Some(unsigned) = self.contraction.unsigned_factor() {
            let signed = if unsigned == self.split.column_factor { "x" } else { "y" };
            let sums: Vec<String> =
                (0..PER_THREAD).map(|index| format!("dot4I8Packed({signed}{index}, 0x01010101u)")).collect();
            shader.line(format!("correction += vec4<i32>({});", sums.join(", ")));
        }
        shader.close();
    }

    /// Puts back the 128 that was taken from each unsigned element.
    fn correct(&self, shader: &mut Shader) {
        let Some(unsigned) = self.contraction.unsigned_factor() else { return };
        for row in 0..PER_THREAD {
            let of_signed_side = if unsigned == self.split.column_factor {
                format!("vec4<i32>(correction[{row}])")
            } else {
                "correction".to_owned()
            };
            shader.line(format!("sum_{row} += {of_signed_side} << vec4<u32>(7u);"));
        }
    }

    fn store(&self, shader: &mut Shader, outputs: &TileOutputs) -> Result<(), CodegenError> {
        let lowered = &self.contraction.lowered;
        let used = self.contraction.epilogue_axes();
        let (row_axes, column_axes) = (&self.split.row_axes, &self.split.column_axes);
        shader.line("var sums = array<vec4<i32>, 4>(sum_0, sum_1, sum_2, sum_3);");
        shader.repeat("at_row", "0u", PER_THREAD, 1);
        shader.line("let row = first_row + thread_row + at_row;");
        shader.open(format!("if (row >= {}u)", self.split.rows));
        shader.line("break;");
        shader.close();
        // Every row axis is needed for the flat index.
        let rows = decode(shader, "row", &lengths_of(lowered, row_axes), |_| true);
        let mut flat: Vec<String> = Vec::new();
        for (axes, coordinates) in [(row_axes, &rows), (&self.split.batch_axes, &self.batch)] {
            for (axis, coordinate) in axes.iter().zip(coordinates) {
                let inner = lowered.outputs[axis + 1..].iter().product::<u32>();
                flat.push(format!("{coordinate} * {inner}u"));
            }
        }
        let flat = if flat.is_empty() { "0u".to_owned() } else { flat.join(" + ") };
        shader.line(format!("let first_element = {flat};"));
        outputs.open_row(shader);
        shader.repeat("lane", "0u", PER_THREAD, 1);
        shader.line("let column = first_column + thread_column + lane;");
        shader.open(format!("if (column >= {}u)", self.split.columns));
        shader.line("break;");
        shader.close();
        shader.line("let element = first_element + column;");
        let columns = decode(shader, "column", &lengths_of(lowered, column_axes), |index| used[column_axes[index]]);
        let coordinates = self.coordinates(&[(row_axes, &rows), (column_axes, &columns)]);
        shader.line("let sum = sums[at_row][lane];");
        let outcome = self.contraction.epilogue(shader, &coordinates, "sum")?;
        outputs.store(shader, &outcome.stored)?;
        shader.close();
        shader.close();
        Ok(())
    }
}
