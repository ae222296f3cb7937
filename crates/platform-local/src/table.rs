//! Text for people: numbers with separators, aligned columns, and spans of time in words.

use casbah_model::Timestamp;

/// `12345` as `12,345`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 user`, `250 users`, `2 categories`.
pub fn count(value: u64, one: &str) -> String {
    match value {
        1 => format!("1 {one}"),
        _ => format!("{} {}", number(value), plural(one)),
    }
}

pub fn plural(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{one}s"),
    }
}

/// Bytes as `1.2 MB`.
pub fn bytes(value: u64) -> String {
    let mut value = value as f64;
    let mut unit = "bytes";
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "bytes" {
        format!("{value} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// How far a time lies from now: `in 4 h`, `3 min ago`, `now`.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    let span = span(seconds.unsigned_abs());
    match seconds {
        0 => "now".into(),
        1.. => format!("in {span}"),
        _ => format!("{span} ago"),
    }
}

fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3600, "h"), (60, "min")];
    // Two of a unit are more telling than one and a half of the next.
    match UNITS.into_iter().find(|(length, _)| seconds >= 2 * length) {
        Some((length, unit)) => format!("{} {unit}", seconds / length),
        None => format!("{seconds} s"),
    }
}

/// A time to the minute, in UTC.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows whose columns line up, two spaces apart.
pub struct Table {
    indent: &'static str,
    columns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(indent: &'static str, columns: &[Align]) -> Table {
        Table {
            indent,
            columns: columns.to_vec(),
            rows: vec![],
        }
    }

    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = self.indent.to_string();
            for (column, cell) in row.iter().enumerate() {
                let width = widths.get(column).copied().unwrap_or(0);
                line += &match self.columns.get(column) {
                    Some(Align::Right) => format!("{cell:>width$}  "),
                    _ => format!("{cell:<width$}  "),
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn counts_say_one_and_many() {
        assert_eq!(count(1, "guest"), "1 guest");
        assert_eq!(count(2000, "activity"), "2,000 activities");
    }

    #[test]
    fn times_are_told_in_the_unit_that_tells_most() {
        let now: Timestamp = "2026-05-04T10:00:00Z".parse().expect("a valid time");
        for (at, text) in [
            ("2026-05-04T10:00:00Z", "now"),
            ("2026-05-04T10:00:30Z", "in 30 s"),
            ("2026-05-04T09:57:00Z", "3 min ago"),
            ("2026-05-04T22:00:00Z", "in 12 h"),
            ("2026-04-27T10:00:00Z", "7 d ago"),
        ] {
            assert_eq!(relative(at.parse().expect("a valid time"), now), text);
        }
    }

    #[test]
    fn columns_line_up_and_no_line_ends_in_spaces() {
        let mut table = Table::new("  ", &[Align::Left, Align::Right, Align::Left]);
        table.row(["a", "1", "x"]);
        table.row(["bcd", "100", ""]);
        assert_eq!(table.text(), "  a      1  x\n  bcd  100\n");
    }
}
