//! Stores: values saturated to their element type and packed into words that one thread writes whole.

use super::CodegenError;
use super::program::Value;
use super::shader::{OutputWords, Shader};
use referee::graph::Dtype;

/// Elements that share a 32-bit word.
pub(super) const fn lanes(dtype: Dtype) -> u32 {
    4 / dtype.bytes()
}

struct Output {
    dtype: Dtype,
    binding: usize,
}

/// The outputs of a kernel in which one unit, a thread or a workgroup, computes all elements of a word, or one element of
/// words that are shared.
pub(super) struct Outputs {
    outputs: Vec<Output>,
    words: OutputWords,
    /// Elements of a unit: those of one word of the narrowest output, or one.
    lanes: u32,
    elements: u32,
}

impl Outputs {
    /// Binds the outputs of `elements` elements each.
    pub(super) fn new(shader: &mut Shader, dtypes: &[Dtype], elements: u32, words: OutputWords) -> Self {
        let outputs: Vec<Output> = dtypes
            .iter()
            .enumerate()
            .map(|(index, dtype)| {
                let words = if lanes(*dtype) == 1 { OutputWords::Plain } else { words };
                Output { dtype: *dtype, binding: shader.write(index, words) }
            })
            .collect();
        let lanes = match words {
            OutputWords::Plain => dtypes.iter().map(|dtype| lanes(*dtype)).max().unwrap_or(1),
            OutputWords::Shared => 1,
        };
        Self { outputs, words, lanes, elements }
    }

    /// Units that it takes to compute every element.
    pub(super) fn units(&self) -> u32 {
        self.elements.div_ceil(self.lanes)
    }

    /// Opens the loop over the elements of unit `unit`; inside, `element` is the flat index of the current one.
    pub(super) fn open(&self, shader: &mut Shader, unit: &str) {
        for (index, _) in self.narrow().filter(|_| self.words == OutputWords::Plain) {
            shader.line(format!("var word_{index} = 0u;"));
        }
        shader.repeat("lane", "0u", self.lanes, 1);
        shader.line(format!("let element = {unit} * {}u + lane;", self.lanes));
        if !self.elements.is_multiple_of(self.lanes) {
            shader.open(format!("if (element >= {}u)", self.elements));
            shader.line("break;");
            shader.close();
        }
    }

    /// Stores what a program left for the current element.
    pub(super) fn store(&self, shader: &mut Shader, stored: &[(usize, Value)]) -> Result<(), CodegenError> {
        for (index, output) in self.outputs.iter().enumerate() {
            let value = saturated(stored, index, output.dtype)?;
            let binding = output.binding;
            let per_word = lanes(output.dtype);
            if per_word == 1 {
                shader.line(format!("b{binding}[element] = bitcast<u32>({value});"));
                continue;
            }
            let bits = 8 * output.dtype.bytes();
            if self.words == OutputWords::Shared {
                let word = format!("element / {per_word}u");
                let place = format!("(element & {}u) * {bits}u", per_word - 1);
                let mask = format!("{}u", (1u32 << bits) - 1);
                let merge = shader.merge(binding, &word, &place, &format!("bitcast<u32>({value})"), &mask);
                shader.line(merge);
                continue;
            }
            let place = format!("((lane & {}u) * {bits}u)", per_word - 1);
            shader.line(format!("word_{index} |= (bitcast<u32>({value}) & {}u) << {place};", (1u32 << bits) - 1));
            let full = format!("(lane & {0}u) == {0}u", per_word - 1);
            shader.open(format!("if ({full} || element == {}u)", self.elements - 1));
            shader.line(format!("b{binding}[element / {per_word}u] = word_{index};"));
            shader.line(format!("word_{index} = 0u;"));
            shader.close();
        }
        Ok(())
    }

    /// Closes the loop over elements.
    pub(super) fn close(&self, shader: &mut Shader) {
        shader.close();
    }

    fn narrow(&self) -> impl Iterator<Item = (usize, &Output)> {
        self.outputs.iter().enumerate().filter(|(_, output)| lanes(output.dtype) > 1)
    }
}

/// The outputs of a kernel in which a thread computes four neighbouring columns of a row.
pub(super) struct TileOutputs {
    outputs: Vec<(Output, OutputWords)>,
    columns: u32,
}

impl TileOutputs {
    /// Binds the outputs, whose rows have `columns` elements.
    pub(super) fn new(shader: &mut Shader, dtypes: &[Dtype], columns: u32) -> Self {
        let bind = |(index, dtype): (usize, &Dtype)| {
            let words = if columns.is_multiple_of(lanes(*dtype)) { OutputWords::Plain } else { OutputWords::Shared };
            (Output { dtype: *dtype, binding: shader.write(index, words) }, words)
        };
        let outputs = dtypes.iter().enumerate().map(bind).collect();
        Self { outputs, columns }
    }

    /// Declares the words in the making; once for each row of a thread.
    pub(super) fn open_row(&self, shader: &mut Shader) {
        for (index, (output, _)) in self.outputs.iter().enumerate() {
            if lanes(output.dtype) > 1 {
                shader.line(format!("var word_{index} = 0u;"));
                shader.line(format!("var mask_{index} = 0u;"));
            }
        }
    }

    /// Stores what a program left for column number `lane` (0 to 3) of the thread: `element` is its flat index and
    /// `column` its column.
    pub(super) fn store(&self, shader: &mut Shader, stored: &[(usize, Value)]) -> Result<(), CodegenError> {
        for (index, (output, words)) in self.outputs.iter().enumerate() {
            let value = saturated(stored, index, output.dtype)?;
            let binding = output.binding;
            let per_word = lanes(output.dtype);
            if per_word == 1 {
                shader.line(format!("b{binding}[element] = bitcast<u32>({value});"));
                continue;
            }
            let bits = 8 * output.dtype.bytes();
            let (last, ones) = (per_word - 1, (1u32 << bits) - 1);
            let place = shader.bind("place", format!("(lane & {last}u) * {bits}u"));
            shader.line(format!("word_{index} |= (bitcast<u32>({value}) & {ones}u) << {place};"));
            shader.line(format!("mask_{index} |= {ones}u << {place};"));
            shader.open(format!("if ((lane & {last}u) == {last}u || column == {}u)", self.columns - 1));
            match words {
                OutputWords::Plain => shader.line(format!("b{binding}[element / {per_word}u] = word_{index};")),
                OutputWords::Shared => {
                    let first = shader.bind("first", format!("element - (lane & {last}u)"));
                    let word = format!("{first} / {per_word}u");
                    let from = format!("({first} & {last}u) * {bits}u");
                    let merge = shader.merge(binding, &word, &from, &format!("word_{index}"), &format!("mask_{index}"));
                    shader.line(merge);
                }
            }
            shader.line(format!("word_{index} = 0u;"));
            shader.line(format!("mask_{index} = 0u;"));
            shader.close();
        }
        Ok(())
    }
}

/// An `i32` expression: what was stored to output `index`, saturated to its type.
fn saturated(stored: &[(usize, Value)], index: usize, dtype: Dtype) -> Result<String, CodegenError> {
    let (_, value) = stored.iter().find(|(output, _)| *output == index).ok_or(CodegenError::Unchecked)?;
    let (low, high) = match dtype {
        Dtype::I8 => ("-128i", "127i"),
        Dtype::U8 => ("0i", "255i"),
        Dtype::I16 => ("-32768i", "32767i"),
        Dtype::I32 => ("(-2147483647i - 1i)", "2147483647i"),
    };
    Ok(match (value.wide, dtype) {
        (true, _) => format!("w_saturate({}, {low}, {high})", value.text),
        (false, Dtype::I32) => value.text.clone(),
        (false, _) => format!("clamp({}, {low}, {high})", value.text),
    })
}
