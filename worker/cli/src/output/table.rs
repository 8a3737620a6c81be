//! Plain tables: columns as wide as their widest cell, numbers to the right.

use console::measure_text_width;

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
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| {
                    let padding = " ".repeat(width.saturating_sub(measure_text_width(cell)));
                    if is_number(cell) { format!("{padding}{cell}") } else { format!("{cell}{padding}") }
                })
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn is_number(cell: &str) -> bool {
    let mut digits = cell.chars().filter(|c| !matches!(c, ',' | '.' | '-' | '+' | '%' | ' ')).peekable();
    digits.peek().is_some() && digits.all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_numbers_stand_right() {
        let mut table = Table::new(&["name", "count"]);
        table.row(["a", "1"]);
        table.row(["longer", "12,345"]);
        assert_eq!(table.render(), "name    count\na            1\nlonger  12,345");
    }
}
