//! Columns below each other: no lines, no colours, one item a line, so that they can be read and cut alike.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::text;

/// Between columns.
const GAP: usize = 2;

/// The narrowest that the widest column is made on a narrow terminal.
const NARROWEST: usize = 12;

/// Rows under a head.
pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&'static str]) -> Self {
        Table { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; an empty cell is shown as a dash.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let shown = cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { text::line(&cell) });
        self.rows.push(shown.into());
    }

    /// The text, not wider than the terminal if there is one. The last column is cut first, ids never.
    pub(super) fn text(&self) -> String {
        let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        self.fit(width)
    }

    fn fit(&self, width: Option<usize>) -> String {
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
            cells.chain([self.head[column].width()]).max().unwrap_or_default()
        };
        let mut widths: Vec<usize> = (0..self.head.len()).map(widest).collect();
        let total = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
        let over = width.map_or(0, |width| total.saturating_sub(width));
        if let Some(last) = widths.last_mut() {
            *last = last.saturating_sub(over).max(NARROWEST.min(*last));
        }
        let head: Vec<String> = self.head.iter().map(ToString::to_string).collect();
        let mut text = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let cell = cut(cell, *width);
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut shown = String::new();
    for letter in cell.chars() {
        let wide = letter.width().unwrap_or_default();
        if wide > room {
            break;
        }
        room -= wide;
        shown.push(letter);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["NAME", "N", "DETAIL"]);
        table.row(["日本".to_owned(), "1".to_owned(), "a long story that goes on".to_owned()]);
        table.row(["b\x1b".to_owned(), String::new(), "short".to_owned()]);
        assert_eq!(
            table.fit(None),
            "NAME     N  DETAIL\n日本     1  a long story that goes on\nb\\u{1b}  -  short\n"
        );
        assert_eq!(
            table.fit(Some(26)),
            "NAME     N  DETAIL\n日本     1  a long story …\nb\\u{1b}  -  short\n"
        );
        assert!(table.fit(Some(5)).contains("a long stor…\n"), "never narrower than it can be read");
    }
}
