//! Tables for a terminal: columns as wide as their widest cell, Japanese characters counted as two.

use std::io::{self, Write};

/// Writes `rows` under `titles`; the last column is not padded.
pub(super) fn write<const N: usize>(
    out: &mut dyn Write,
    titles: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let mut widths = titles.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    line(out, titles, widths)?;
    line(out, widths.map(|wide| "-".repeat(wide)).each_ref().map(String::as_str), widths)?;
    rows.iter().try_for_each(|row| line(out, row.each_ref().map(String::as_str), widths))
}

fn line<const N: usize>(out: &mut dyn Write, cells: [&str; N], widths: [usize; N]) -> io::Result<()> {
    let mut text = String::new();
    for (cell, wide) in cells.into_iter().zip(widths) {
        // A directory's or an SP's text must not steer the terminal.
        text.extend(cell.chars().map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter }));
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
    #[test]
    fn columns_stand_below_each_other() {
        let mut out = Vec::new();
        let rows = [["勤怠".to_owned(), "ok".to_owned()], ["mail\u{1b}".to_owned(), String::new()]];
        super::write(&mut out, ["name", "state"], &rows).unwrap();
        let expected = "name   state\n-----  -----\n勤怠   ok\nmail\u{FFFD}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
