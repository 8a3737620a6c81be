//! Why a kernel is refused: a stable code, the place in the source, what is wrong and what to do.

use naga::Span;
use std::fmt;

/// A place in the source; lines and columns count from 1, columns in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The first column.
    pub column: u32,
    /// Bytes that are meant, at least 1.
    pub length: u32,
}

/// Why a kernel is refused. Codes are stable:
///
/// | codes | about |
/// |---|---|
/// | K0101 to K0109 | the directives of the header |
/// | K0201, K0202 | what naga finds: the source is no WGSL, or a type or rule of WGSL is broken |
/// | K0301 to K0315 | the integer subset and the signature of `element` |
/// | K0401 to K0406 | what the machine holds: turns, instructions, constants, registers, steps |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong, with names and numbers.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where.
    pub location: Option<Location>,
}

impl CompileError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into(), location: None }
    }

    /// The same at a place of the source, unless it has one already.
    pub(crate) fn at(mut self, source: &str, span: Span) -> Self {
        if self.location.is_none() {
            self.location = locate(source, span);
        }
        self
    }

    /// The error with its line of the source, as compilers show it.
    pub fn render(&self, path: &str, source: &str) -> String {
        format!("error[{}]: {}\n{}", self.code, self.message, self.excerpt(path, source))
    }

    /// The line of the source with the place marked, and what to do.
    pub fn excerpt(&self, path: &str, source: &str) -> String {
        let mut text = String::new();
        if let Some(place) = self.location {
            let line = source.lines().nth(place.line as usize - 1).unwrap_or_default();
            let margin = " ".repeat(place.line.to_string().len());
            let before: String = line
                .char_indices()
                .take_while(|(at, _)| *at + 1 < place.column as usize)
                .map(|(_, character)| if character == '\t' { '\t' } else { ' ' })
                .collect();
            let rest = line.get(place.column as usize - 1..).unwrap_or_default();
            let marked = rest.char_indices().take_while(|(at, _)| *at < place.length as usize).count().max(1);
            let marks = "^".repeat(marked);
            text.push_str(&format!("{margin}--> {path}:{}:{}\n", place.line, place.column));
            text.push_str(&format!("{margin} |\n{} | {line}\n{margin} | {before}{marks}\n", place.line));
        }
        text.push_str(&format!("help: {}", self.help));
        text
    }
}

/// Line and column of a span; none for one that naga did not keep.
fn locate(source: &str, span: Span) -> Option<Location> {
    let range = span.to_range()?;
    let before = source.get(..range.start)?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Some(Location {
        line: before.matches('\n').count() as u32 + 1,
        column: (range.start - line_start) as u32 + 1,
        length: (range.end.saturating_sub(range.start) as u32).max(1),
    })
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.code)?;
        if let Some(place) = self.location {
            write!(f, "line {}, column {}: ", place.line, place.column)?;
        }
        write!(f, "{}; {}", self.message, self.help)
    }
}

impl std::error::Error for CompileError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line_with_the_place_marked() {
        let source = "first\n\tlet x = 1.5;\nlast";
        let at = source.find("1.5").unwrap() as u32;
        let error = CompileError::new("K0303", "a float", "use integers").at(source, Span::new(at, at + 3));
        assert_eq!(error.location, Some(Location { line: 2, column: 10, length: 3 }));
        assert_eq!(error.to_string(), "K0303 line 2, column 10: a float; use integers");
        let shown = error.render("k.wgsl", source);
        let expected =
            "error[K0303]: a float\n --> k.wgsl:2:10\n  |\n2 | \tlet x = 1.5;\n  | \t        ^^^\nhelp: use integers";
        assert_eq!(shown, expected);
    }
}
