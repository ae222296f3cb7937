//! Times as epoch milliseconds, and their text, without the cost of a general formatter.

use casbah_model::Timestamp;

pub type Millis = i64;

pub const SECOND: Millis = 1000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;

pub fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).expect("simulated times lie in this century")
}

/// `2026-05-04T10:07:31`: what audit records carry, without `Z` or fraction.
pub fn push_bare(out: &mut String, at: Millis) {
    let (year, month, day) = civil(at.div_euclid(DAY));
    let clock = at.rem_euclid(DAY) / SECOND;
    push_digits(out, year, 4);
    for (mark, value) in [
        ('-', month),
        ('-', day),
        ('T', clock / 3600),
        (':', clock / 60 % 60),
        (':', clock % 60),
    ] {
        out.push(mark);
        push_digits(out, value, 2);
    }
}

/// `2026-05-04T10:07:31Z`
pub fn push_seconds(out: &mut String, at: Millis) {
    push_bare(out, at);
    out.push('Z');
}

/// `2026-05-04T10:07:31.250Z`
pub fn push_millis(out: &mut String, at: Millis) {
    push_bare(out, at);
    out.push('.');
    push_digits(out, at.rem_euclid(SECOND), 3);
    out.push('Z');
}

pub fn seconds(at: Millis) -> String {
    let mut text = String::with_capacity(20);
    push_seconds(&mut text, at);
    text
}

pub fn millis(at: Millis) -> String {
    let mut text = String::with_capacity(24);
    push_millis(&mut text, at);
    text
}

/// `20260504100731250`: the stamp inside content ids.
pub fn stamp(at: Millis) -> String {
    millis(at).chars().filter(char::is_ascii_digit).collect()
}

/// The time `seconds` from now as an HTTP date (RFC 9110, 5.6.7).
pub fn http_date(now: Millis, seconds: i64) -> String {
    let at = timestamp(now + seconds * SECOND);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads a stamp back.
pub fn from_stamp(text: &str) -> Option<Millis> {
    if text.len() != 17 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let text = format!(
        "{}-{}-{}T{}:{}:{}.{}Z",
        &text[..4],
        &text[4..6],
        &text[6..8],
        &text[8..10],
        &text[10..12],
        &text[12..14],
        &text[14..]
    );
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

/// Writes a number with leading zeros.
pub fn push_digits(out: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(char::from(b'0' + (value / 10_i64.pow(place) % 10) as u8));
    }
}

/// Year, month and day of a day number counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
