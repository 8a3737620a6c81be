//! A frame as text.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Whether stdout is shown in colours.
pub(super) fn has_colours() -> bool {
    console::colors_enabled()
}

/// The lines of a frame without the blanks at their ends; with ANSI colours if asked for.
pub(super) fn text(buffer: &Buffer, colours: bool) -> String {
    let area = buffer.area;
    let lines = (area.top()..area.bottom()).map(|y| {
        let cells: Vec<&Cell> = (area.left()..area.right()).filter_map(|x| buffer.cell((x, y))).collect();
        line(&cells, colours)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn line(cells: &[&Cell], colours: bool) -> String {
    let end = cells.iter().rposition(|cell| cell.symbol() != " ").map_or(0, |last| last + 1);
    let (mut line, mut last) = (String::new(), String::new());
    for cell in &cells[..end] {
        let style = if colours { codes(cell) } else { String::new() };
        if style != last {
            line.push_str(if last.is_empty() { "" } else { "\u{1b}[0m" });
            line.push_str(&style);
            last = style;
        }
        line.push_str(cell.symbol());
    }
    if !last.is_empty() {
        line.push_str("\u{1b}[0m");
    }
    line
}

/// The escape sequence of a cell's style; empty for a plain one.
fn codes(cell: &Cell) -> String {
    let mut codes = Vec::new();
    if cell.modifier.contains(Modifier::BOLD) {
        codes.push("1");
    }
    if cell.modifier.contains(Modifier::DIM) {
        codes.push("2");
    }
    match cell.fg {
        Color::Red => codes.push("31"),
        Color::Green => codes.push("32"),
        Color::Yellow => codes.push("33"),
        Color::Cyan => codes.push("36"),
        _ => {}
    }
    if codes.is_empty() { String::new() } else { format!("\u{1b}[{}m", codes.join(";")) }
}
