//! Plain tables: columns as wide as their widest cell, numbers to the right.

use console::{measure_text_width, style};

/// Rows under a heading.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Whether a column holds numbers, and nothing else but dashes, below its heading.
    fn holds_numbers(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().skip(1).filter_map(|row| row.get(column)).filter(|cell| *cell != NOTHING);
        cells.clone().next().is_some() && cells.all(|cell| is_number(cell))
    }

    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| measure_text_width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let right: Vec<bool> = (0..columns).map(|column| self.holds_numbers(column)).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row
                .iter()
                .zip(widths.iter().zip(&right))
                .map(|(cell, (width, right))| {
                    let padding = " ".repeat(width.saturating_sub(measure_text_width(cell)));
                    if *right { format!("{padding}{cell}") } else { format!("{cell}{padding}") }
                })
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        let mut lines: Vec<String> = self.rows.iter().map(line).collect();
        if let Some(heading) = lines.first_mut() {
            *heading = style(&heading).dim().to_string();
        }
        lines.join("\n")
    }
}

/// What stands where there is nothing to say.
const NOTHING: &str = "-";

fn is_number(cell: &str) -> bool {
    let mut digits = cell.chars().filter(|c| !matches!(c, ',' | '.' | '-' | '+' | '%' | ' ')).peekable();
    digits.peek().is_some() && digits.all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_numbers_stand_right() {
        console::set_colors_enabled(false);
        let mut table = Table::new(&["name", "count"]);
        table.row(["a", "1"]);
        table.row(["b", "-"]);
        table.row(["longer", "12,345"]);
        assert_eq!(table.render(), "name     count\na            1\nb            -\nlonger  12,345");
    }

    #[test]
    fn colours_do_not_widen_a_column() {
        console::set_colors_enabled(false);
        let mut table = Table::new(&["state", "n"]);
        table.row(["\u{1b}[32mok\u{1b}[0m", "1"]);
        assert_eq!(measure_text_width(table.render().lines().last().unwrap_or_default()), "ok     1".len());
    }

    #[test]
    fn what_counts_as_a_number() {
        for number in ["1", "-0.50", "+13.88", "12,345", "99.2 %"] {
            assert!(is_number(number), "{number}");
        }
        for text in ["", "-", "node-a", "12 ms", "1e5"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
