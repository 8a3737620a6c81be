//! The header of a kernel: `//!` lines that say over which axes it runs, what it reads and what it writes.

use crate::error::CompileError;
use naga::Span;
use referee::graph::{Dtype, MAX_AXES, MAX_OP_OUTPUTS, MAX_OPERANDS, MAX_OUTPUT_AXES, MAX_SYMBOLS, TensorKind};

/// An axis of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The parameter of this name is its coordinate, that of this name with `_length` behind it its length.
    pub name: String,
    /// Least length.
    pub low: u32,
    /// Greatest length; each job chooses one if it is not the least.
    pub high: u32,
}

/// Length of an axis of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// A number.
    Fixed(u32),
    /// That of an axis of the output.
    Axis(usize),
}

/// Where a tensor is read on one of its axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At an index that the kernel computes.
    Indexed,
    /// At `offset + sum(coefficient * coordinate of axis)`.
    Affine {
        /// Added to all.
        offset: i64,
        /// Axis of the output and coefficient.
        terms: Vec<(usize, i64)>,
    },
}

/// A tensor that the kernel reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name of the parameter, or of the global array if it is indexed.
    pub name: String,
    /// An input or a param.
    pub kind: TensorKind,
    /// Element type in storage.
    pub dtype: Dtype,
    /// Its axes.
    pub shape: Vec<Length>,
    /// Where it is read, one for each axis.
    pub places: Vec<Place>,
    /// What is read outside the shape; clamped into it without.
    pub outside: Option<i32>,
}

impl Source {
    /// Whether the kernel computes an index: then it is a global array, not a parameter.
    pub fn is_indexed(&self) -> bool {
        self.places.contains(&Place::Indexed)
    }
}

/// What the header declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Axes of the output, outermost first.
    pub axes: Vec<Axis>,
    /// What is read, in the order of the operands.
    pub sources: Vec<Source>,
    /// Names and element types of what is written.
    pub outputs: Vec<(String, Dtype)>,
    /// Most steps of one element, if the author promises a number.
    pub steps: Option<u32>,
}

impl Interface {
    /// Reads the header of a source.
    pub(crate) fn parse(source: &str) -> Result<Self, CompileError> {
        let mut interface = Self::default();
        let mut start = 0;
        for line in source.split_inclusive('\n') {
            if let Some(text) = line.trim_start().strip_prefix("//!") {
                let offset = start + (line.len() - line.trim_start().len()) + 3;
                let mut words = Words { source, at: offset, end: offset + text.trim_end().len() };
                interface.directive(&mut words)?;
            }
            start += line.len();
        }
        if interface.axes.is_empty() || interface.outputs.is_empty() {
            let missing = if interface.axes.is_empty() { "axis" } else { "output" };
            return Err(CompileError::new(
                "K0101",
                format!("the header declares no {missing}"),
                "begin the file with lines like `//! axis x: 640` and `//! output shade: u8`",
            ));
        }
        Ok(interface)
    }

    fn directive(&mut self, words: &mut Words<'_>) -> Result<(), CompileError> {
        let (keyword, at) = words.name("a directive: axis, input, param, output or steps")?;
        match keyword {
            "axis" => self.axis(words)?,
            "input" => self.source(words, TensorKind::Input)?,
            "param" => self.source(words, TensorKind::Param)?,
            "output" => self.output(words)?,
            "steps" => {
                let (steps, at) = words.number()?;
                self.steps = Some(u32::try_from(steps).map_err(|_| words.refuse("K0102", at, "no number of steps"))?);
            }
            _ => {
                let what = format!("`{keyword}` is no directive: axis, input, param, output and steps are");
                return Err(words.refuse("K0103", at, what));
            }
        }
        words.end()
    }

    fn axis(&mut self, words: &mut Words<'_>) -> Result<(), CompileError> {
        let (name, at) = words.name("the name of the axis")?;
        self.expect_new(name, words, at)?;
        if self.axes.len() == MAX_OUTPUT_AXES {
            return Err(words.refuse("K0104", at, format!("more than {MAX_OUTPUT_AXES} axes")));
        }
        words.expect(":")?;
        let (low, at) = words.number()?;
        let (high, _) = if words.take("..=") { words.number()? } else { (low, at) };
        let bounds =
            u32::try_from(low).ok().zip(u32::try_from(high).ok()).filter(|(low, high)| 1 <= *low && low <= high);
        let Some((low, high)) = bounds else {
            return Err(words.refuse("K0102", at, format!("{low}..={high} are no bounds of a length")));
        };
        self.axes.push(Axis { name: name.to_owned(), low, high });
        if self.axes.iter().filter(|axis| axis.low != axis.high).count() > MAX_SYMBOLS {
            return Err(words.refuse("K0104", at, format!("more than {MAX_SYMBOLS} axes whose length a job chooses")));
        }
        Ok(())
    }

    fn output(&mut self, words: &mut Words<'_>) -> Result<(), CompileError> {
        let (name, at) = words.name("the name of the output")?;
        self.expect_new(name, words, at)?;
        if self.outputs.len() == MAX_OP_OUTPUTS {
            return Err(words.refuse("K0104", at, format!("more than {MAX_OP_OUTPUTS} outputs")));
        }
        words.expect(":")?;
        let dtype = words.dtype()?;
        self.outputs.push((name.to_owned(), dtype));
        Ok(())
    }

    fn source(&mut self, words: &mut Words<'_>, kind: TensorKind) -> Result<(), CompileError> {
        let (name, at) = words.name("the name of the tensor")?;
        self.expect_new(name, words, at)?;
        if self.sources.len() == MAX_OPERANDS {
            return Err(words.refuse("K0104", at, format!("more than {MAX_OPERANDS} inputs and params")));
        }
        words.expect(":")?;
        let dtype = words.dtype()?;
        let mut shape = Vec::new();
        words.list(|words| {
            shape.push(self.length(words)?);
            Ok(())
        })?;
        words.expect("at")?;
        let mut places = Vec::new();
        words.list(|words| {
            places.push(self.place(words)?);
            Ok(())
        })?;
        let outside = if words.take("or") {
            let (value, at) = words.number()?;
            Some(i32::try_from(value).map_err(|_| words.refuse("K0102", at, "the value does not fit 32 bits"))?)
        } else {
            None
        };
        if shape.is_empty() || shape.len() > MAX_AXES || places.len() != shape.len() {
            let what = format!(
                "{} axes and {} places; there are 1 to {MAX_AXES}, and a place for each",
                shape.len(),
                places.len()
            );
            return Err(words.refuse("K0105", at, what));
        }
        if places.iter().filter(|place| **place == Place::Indexed).count() > 1 {
            return Err(words.refuse("K0105", at, "more than one axis is indexed by the kernel"));
        }
        let symbolic =
            |length: &Length| matches!(length, Length::Axis(axis) if self.axes[*axis].low != self.axes[*axis].high);
        if kind == TensorKind::Param && shape.iter().any(symbolic) {
            return Err(words.refuse("K0105", at, "a param has the same length in every job"));
        }
        self.sources.push(Source { name: name.to_owned(), kind, dtype, shape, places, outside });
        Ok(())
    }

    fn length(&self, words: &mut Words<'_>) -> Result<Length, CompileError> {
        if let Some((number, at)) = words.digits()? {
            let length = u32::try_from(number).ok().filter(|length| *length > 0);
            return length.map(Length::Fixed).ok_or_else(|| words.refuse("K0102", at, "a length is 1 or more"));
        }
        let (name, at) = words.name("a length: a number or the name of an axis")?;
        self.axis_named(name, words, at).map(Length::Axis)
    }

    fn axis_named(&self, name: &str, words: &Words<'_>, at: usize) -> Result<usize, CompileError> {
        let found = self.axes.iter().position(|axis| axis.name == name);
        found.ok_or_else(|| words.refuse("K0106", at, format!("no axis `{name}` is declared above")))
    }

    /// `?`, or a sum of numbers and of axes with or without a factor.
    fn place(&self, words: &mut Words<'_>) -> Result<Place, CompileError> {
        if words.take("?") {
            return Ok(Place::Indexed);
        }
        let (mut offset, mut terms) = (0i64, Vec::<(usize, i64)>::new());
        let mut sign = if words.take("-") { -1 } else { 1 };
        loop {
            let (factor, name) = match words.digits()? {
                Some((number, at)) if number > i64::from(i32::MAX) => {
                    return Err(words.refuse("K0102", at, "the number does not fit 32 bits"));
                }
                Some((number, _)) if words.take("*") => (number, Some(words.name("an axis")?)),
                Some((number, _)) => (number, None),
                None => (1, Some(words.name("a place: `?`, a number or an axis")?)),
            };
            match name {
                None => offset += sign * factor,
                Some((name, at)) => {
                    let axis = self.axis_named(name, words, at)?;
                    match terms.iter_mut().find(|(known, _)| *known == axis) {
                        Some((_, coefficient)) => *coefficient += sign * factor,
                        None => terms.push((axis, sign * factor)),
                    }
                }
            }
            sign = if words.take("+") {
                1
            } else if words.take("-") {
                -1
            } else {
                return Ok(Place::Affine { offset, terms });
            };
        }
    }

    fn expect_new(&self, name: &str, words: &Words<'_>, at: usize) -> Result<(), CompileError> {
        let taken = self.axes.iter().any(|axis| axis.name == name || format!("{}_length", axis.name) == name)
            || self.sources.iter().any(|source| source.name == name)
            || self.outputs.iter().any(|(output, _)| output == name);
        if taken {
            return Err(words.refuse("K0107", at, format!("the name `{name}` is taken")));
        }
        Ok(())
    }
}

/// The words of one directive.
struct Words<'a> {
    source: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Words<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = &self.source[self.at..self.end];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    /// An error at the word that begins at a byte of the source.
    fn refuse(&self, code: &'static str, at: usize, message: impl Into<String>) -> CompileError {
        let help = "a directive is `axis NAME: LENGTH` or `axis NAME: LEAST..=MOST`, `input NAME: DTYPE [LENGTHS] at \
                    [PLACES]` or the same with `param`, `output NAME: DTYPE`, or `steps MOST`";
        let word = self.source[at.min(self.end)..self.end].split_whitespace().next().map_or(1, str::len);
        CompileError::new(code, message, help).at(self.source, Span::new(at as u32, (at + word) as u32))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), CompileError> {
        if self.take(word) {
            return Ok(());
        }
        Err(self.refuse("K0108", self.at, format!("expected `{word}`")))
    }

    fn name(&mut self, what: &str) -> Result<(&'a str, usize), CompileError> {
        let rest = self.rest();
        let at = self.at;
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if length == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.refuse("K0108", at, format!("expected {what}")));
        }
        self.at += length;
        Ok((&rest[..length], at))
    }

    /// A number without a sign, if one comes next.
    fn digits(&mut self) -> Result<Option<(i64, usize)>, CompileError> {
        let rest = self.rest();
        let at = self.at;
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if length == 0 {
            return Ok(None);
        }
        let number = rest[..length].parse().map_err(|_| self.refuse("K0102", at, "the number is too large"))?;
        self.at += length;
        Ok(Some((number, at)))
    }

    fn number(&mut self) -> Result<(i64, usize), CompileError> {
        let negative = self.take("-");
        let at = self.at;
        let (number, at) = self.digits()?.ok_or_else(|| self.refuse("K0108", at, "expected a number"))?;
        Ok((if negative { -number } else { number }, at))
    }

    fn dtype(&mut self) -> Result<Dtype, CompileError> {
        let (name, at) = self.name("an element type: i8, u8, i16 or i32")?;
        let known = Dtype::ALL.into_iter().find(|dtype| dtype.name() == name);
        known.ok_or_else(|| self.refuse("K0109", at, format!("`{name}` is no element type: i8, u8, i16 and i32 are")))
    }

    /// `[..]` with commas.
    fn list(&mut self, mut entry: impl FnMut(&mut Self) -> Result<(), CompileError>) -> Result<(), CompileError> {
        self.expect("[")?;
        loop {
            entry(self)?;
            if self.take("]") {
                return Ok(());
            }
            self.expect(",")?;
        }
    }

    fn end(&mut self) -> Result<(), CompileError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(self.refuse("K0108", self.at, "expected the end of the line"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_everything_is_read() {
        let source = "\
//! axis y: 1..=64
  //! axis x: 640
//! input image: u8 [y, 642] at [y, 2*x - x + 1] or -7
//! param table: i16 [256] at [?]
//! output shade: u8
//! steps 4000
fn element() {}
";
        let interface = Interface::parse(source).unwrap();
        assert_eq!(interface.axes[0], Axis { name: "y".into(), low: 1, high: 64 });
        let image = &interface.sources[0];
        assert_eq!(image.shape, [Length::Axis(0), Length::Fixed(642)]);
        assert_eq!(image.places[1], Place::Affine { offset: 1, terms: vec![(1, 1)] });
        assert_eq!(image.outside, Some(-7));
        assert!(interface.sources[1].is_indexed());
        assert_eq!((interface.outputs[0].1, interface.steps), (Dtype::U8, Some(4000)));
    }

    #[test]
    fn what_a_header_cannot_say_is_refused_where_it_stands() {
        let cases = [
            ("fn element() {}", "K0101", None),
            ("//! axis x: 4", "K0101", None),
            ("//! axis x: 0", "K0102", Some((1, 13))),
            ("//! axes x: 4", "K0103", Some((1, 5))),
            ("//! axis x: 4\n//! input a: i8 [x] at [x, x]", "K0105", Some((2, 11))),
            ("//! axis x: 4\n//! input a: i8 [x, 2] at [?, ?]", "K0105", Some((2, 11))),
            ("//! axis x: 1..=4\n//! param a: i8 [x] at [x]", "K0105", Some((2, 11))),
            ("//! axis x: 4\n//! input a: i8 [y] at [x]", "K0106", Some((2, 18))),
            ("//! axis x: 4\n//! output x: i8", "K0107", Some((2, 12))),
            ("//! axis x 4", "K0108", Some((1, 12))),
            ("//! axis x: 4 5", "K0108", Some((1, 15))),
            ("//! axis x: 4\n//! output a: f32", "K0109", Some((2, 15))),
            (
                "//! axis a: 1\n//! axis b: 1\n//! axis c: 1\n//! axis d: 1\n//! axis e: 1\n//! axis f: 1",
                "K0104",
                Some((6, 10)),
            ),
        ];
        for (source, code, place) in cases {
            let error = Interface::parse(source).unwrap_err();
            assert_eq!(error.code, code, "{source}: {error}");
            assert_eq!(error.location.map(|place| (place.line, place.column)), place, "{source}: {error}");
        }
    }
}
