//! Numbers of sheets as people read them.

use std::borrow::Cow;

/// The largest whole number of which a float still has every digit below it.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A number as it is written, except that long whole ones lose their exponent: Excel writes card numbers as
/// `4.111111111111111E+15`.
pub(crate) fn number(written: &str) -> Cow<'_, str> {
    if !written.contains(['E', 'e']) {
        return Cow::Borrowed(written);
    }
    match written.trim().parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() <= WHOLE_MAX => {
            Cow::Owned(format!("{value:.0}"))
        }
        _ => Cow::Borrowed(written),
    }
}

/// A number of a binary sheet.
pub(crate) fn float(value: f64) -> String {
    match value.fract() == 0.0 && value.abs() <= WHOLE_MAX {
        true => format!("{value:.0}"),
        false => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_lose_their_exponent() {
        for (written, expected) in [
            ("42.5", "42.5"),
            ("4.111111111111111E+15", "4111111111111111"),
            ("4.111111111111111E15", "4111111111111111"),
            ("1.5E-3", "1.5E-3"),
            ("1E+300", "1E+300"),
            ("ENE", "ENE"),
        ] {
            assert_eq!(number(written), expected, "{written}");
        }
        assert_eq!(float(4_111_111_111_111_111.0), "4111111111111111");
        assert_eq!(float(0.25), "0.25");
    }
}
