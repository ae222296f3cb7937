//! E-mail addresses and telephone numbers: many of them in a document are personal data in bulk.

use super::findings::Findings;
use super::literals::Hit;
use super::shape::is_word;
use super::tokens::{Token, closes};
use super::window::Window;

/// The local part of an address (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX: usize = 64;

/// A domain (RFC 5321, 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;

/// Endings of files that follow an `@` in names of pictures and packages.
const FILES: [&[u8]; 14] = [
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"js", b"ts", b"css", b"json", b"tgz",
    b"zip", b"html", b"local",
];

/// Domains that are for documentation and tests (RFC 2606, 2 and 3).
const DOCUMENTED: [&[u8]; 5] = [
    b"example.com",
    b"example.org",
    b"example.net",
    b"test",
    b"example",
];

/// Finds an address around its `@`.
pub(crate) fn email(window: &Window<'_>, hit: Hit, detector: usize, findings: &mut Findings<'_>) {
    let (text, at) = (window.text, hit.start as usize);
    let is_local = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
    };
    let local = text[at.saturating_sub(LOCAL_MAX + 1)..at]
        .iter()
        .rev()
        .take_while(|byte| is_local(byte))
        .count();
    let local = local
        - text[at - local..at]
            .iter()
            .take_while(|byte| !is_word(**byte))
            .count();
    let start = at - local;
    // "//user:password@host" is an address of another kind, "git@host:" is of a repository.
    let is_address = start > 0
        && matches!(text[start - 1], b':' | b'/')
        && memchr::memmem::find(&text[start.saturating_sub(LOCAL_MAX)..start], b"//").is_some();
    if local == 0
        || local > LOCAL_MAX
        || text[at - 1] == b'.'
        || is_address
        || &text[start..at] == b"git"
    {
        return;
    }
    let domain = text[at + 1..]
        .iter()
        .take(DOMAIN_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        .count();
    let domain = &text[at + 1..at + 1 + domain];
    let domain = &domain[..domain
        .iter()
        .rposition(u8::is_ascii_alphanumeric)
        .map_or(0, |last| last + 1)];
    let Some(dot) = memchr::memrchr(b'.', domain) else {
        return;
    };
    let top = &domain[dot + 1..];
    let is_top = (2..=18).contains(&top.len())
        && top.iter().all(u8::is_ascii_alphabetic)
        && !FILES.iter().any(|file| file.eq_ignore_ascii_case(top));
    let is_documented = DOCUMENTED.iter().any(|name| {
        domain.len() >= name.len()
            && domain[domain.len() - name.len()..].eq_ignore_ascii_case(name)
            && (domain.len() == name.len() || domain[domain.len() - name.len() - 1] == b'.')
    });
    if !is_top
        || is_documented
        || domain[0] == b'.'
        || domain[0] == b'-'
        || domain.windows(2).any(|pair| pair == b"..")
    {
        return;
    }
    let place = start..at + 1 + domain.len();
    let mut value = [0; LOCAL_MAX + DOMAIN_MAX + 1];
    let value = &mut value[..place.len()];
    value.copy_from_slice(&text[place.clone()]);
    value.make_ascii_lowercase();
    findings.add(detector, window, &place, value, true);
}

/// Digits of a number with its country's code (ITU-T E.164, 6.1).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// Finds a telephone number that begins with this token: with `+`, in the way of North America, or after a word.
pub(crate) fn phone(
    window: &Window<'_>,
    token: Token,
    last: &mut usize,
    detector: usize,
    findings: &mut Findings<'_>,
) {
    let start = token.start as usize;
    let (text, length) = (window.text, (token.end - token.start) as usize);
    if !token.is_digits || length > 15 || start < *last || !window.core.contains(&start) {
        return;
    }
    let before = start.checked_sub(1).map(|before| text[before]);
    let is_international = before == Some(b'+') && text[start] != b'0';
    let is_national = text[start] == b'0' && findings.entries[detector].topics & window.topics != 0;
    let is_american = length == 3 && (b'2'..=b'9').contains(&text[start]);
    if !(is_international || is_national || is_american) || before.is_some_and(is_word) {
        return;
    }
    let mut digits = [0; 15];
    let mut groups = [0_usize; 6];
    let (mut count, mut group, mut at) = (0, 0, start);
    while at < text.len() && group < groups.len() {
        let run = text[at..]
            .iter()
            .take(16)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if run == 0 || count + run > digits.len() {
            break;
        }
        digits[count..count + run].copy_from_slice(&text[at..at + run]);
        (count, groups[group], group) = (count + run, run, group + 1);
        at += run;
        let gap = text[at..]
            .iter()
            .take(3)
            .take_while(|byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/'))
            .count();
        if gap == 0 || !text.get(at + gap).is_some_and(u8::is_ascii_digit) {
            break;
        }
        at += gap;
    }
    let end = at
        - text[start..at]
            .iter()
            .rev()
            .take_while(|byte| !byte.is_ascii_digit())
            .count();
    let place = start..end;
    let digits = &digits[..count];
    let is_phone = if is_international {
        PHONE_DIGITS.contains(&count)
    } else if is_american {
        group == 3
            && groups[..3] == [3, 3, 4]
            && (b'2'..=b'9').contains(&digits[3])
            && !matches!(before, Some(b'-' | b'.' | b'/'))
    } else {
        (9..=12).contains(&count)
            && digits[1] != b'0'
            && !matches!(before, Some(b'-' | b'.' | b'/' | b','))
    };
    if !is_phone || !closes(text, end) || findings.is_claimed(&place) {
        return;
    }
    let is_near = findings.is_near(detector, window, &place);
    let is_marked = before == Some(b'(') || !text[place.clone()].contains(&b' ');
    // Ten digits in three groups are a health service's number too, and with spaces any number.
    if is_near || is_international || (is_american && is_marked && !window.is_noise(&place)) {
        *last = end;
        findings.add(detector, window, &place, digits, is_near);
    }
}
