//! Tables for a terminal of 100 columns or more: columns as wide as their widest line, Japanese characters counted as two,
//! the last column wrapped.

use std::io::{self, Write};

/// How wide a table is at most, unless a single word needs more.
const WIDTH: usize = 100;
/// The last column is not made narrower than this.
const LEAST: usize = 40;

/// The lines of one cell.
pub(super) type Cell = Vec<String>;

/// Writes `rows` under `titles`; an empty line stands between rows where one has more than one line.
pub(super) fn write<const N: usize>(
    out: &mut dyn Write,
    titles: [&str; N],
    rows: Vec<[Cell; N]>,
) -> io::Result<()> {
    let mut rows: Vec<_> = rows.into_iter().map(|row| row.map(harmless)).collect();
    let mut widths = titles.map(width);
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row).take(N.saturating_sub(1)) {
            *widest = cell.iter().map(|line| width(line)).fold(*widest, usize::max);
        }
    }
    let others: usize = widths.iter().take(N.saturating_sub(1)).map(|wide| wide + 2).sum();
    let room = WIDTH.saturating_sub(others).max(LEAST);
    for cell in rows.iter_mut().filter_map(|row| row.last_mut()) {
        *cell = cell.iter().flat_map(|line| wrapped(line, room)).collect();
    }
    if let Some(last) = widths.last_mut() {
        let lines = rows.iter().filter_map(|row| row.last()).flatten();
        *last = lines.map(|line| width(line)).fold(*last, usize::max);
    }
    line(out, titles, widths)?;
    line(out, widths.map(|wide| "-".repeat(wide)).each_ref().map(String::as_str), widths)?;
    let airy = rows.iter().flatten().any(|cell| cell.len() > 1);
    for (number, row) in rows.iter().enumerate() {
        if airy && number > 0 {
            writeln!(out)?;
        }
        for at in 0..row.iter().map(Vec::len).max().unwrap_or(0) {
            line(out, row.each_ref().map(|cell| cell.get(at).map_or("", String::as_str)), widths)?;
        }
    }
    Ok(())
}

/// A directory's or an SP's text must not steer the terminal.
fn harmless(cell: Cell) -> Cell {
    let shown = |letter: char| if letter.is_control() { '\u{FFFD}' } else { letter };
    cell.into_iter().map(|line| line.chars().map(shown).collect()).collect()
}

/// Broken at blanks; a word that is wider than the room has a line of its own.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if width(last) + 1 + width(word) <= room => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn line<const N: usize>(out: &mut dyn Write, cells: [&str; N], widths: [usize; N]) -> io::Result<()> {
    let mut text = String::new();
    for (cell, wide) in cells.into_iter().zip(widths) {
        text.push_str(cell);
        text.push_str(&" ".repeat(wide.saturating_sub(width(cell)) + 2));
    }
    writeln!(out, "{}", text.trim_end())
}

fn width(text: &str) -> usize {
    // The wide blocks of UAX #11 that occur in names: Hangul, kana, CJK, full-width forms.
    let wide = |letter: char| {
        matches!(letter, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}'
            | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}'
            | '\u{FFE0}'..='\u{FFE6}' | '\u{20000}'..='\u{3FFFD}')
    };
    text.chars().map(|letter| if wide(letter) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: Vec<[Cell; 2]>) -> String {
        let mut out = Vec::new();
        write(&mut out, ["name", "state"], rows).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn cell(text: &str) -> Cell {
        vec![text.to_owned()]
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = vec![[cell("勤怠"), cell("ok")], [cell("mail\u{1b}\n"), cell("")]];
        assert_eq!(written(rows), "name    state\n------  -----\n勤怠    ok\nmail\u{FFFD}\u{FFFD}\n");
    }

    #[test]
    fn the_last_column_is_wrapped_and_rows_of_several_lines_stand_apart() {
        let long = "word ".repeat(40);
        let rows =
            vec![[vec!["a".to_owned(), "b".to_owned()], cell(long.trim_end())], [cell("c"), cell("d")]];
        let text = written(rows);
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.matches("word").count(), 40);
        assert!(text.contains("\nb     word") && text.ends_with("\n\nc     d\n"), "{text}");
        let url = format!("urn:{}", "x".repeat(WIDTH));
        assert!(written(vec![[cell("a"), cell(&format!("see {url} there"))]]).contains(&url));
    }
}
