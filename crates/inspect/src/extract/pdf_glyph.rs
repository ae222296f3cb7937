//! What glyphs of PDF fonts show, told by their names.

/// What a glyph of this name shows (Adobe Glyph List), as far as names follow a rule or are common.
pub(crate) fn text(name: &[u8]) -> Option<String> {
    const NAMES: &[(&str, &str)] = &[
        ("space", " "),
        ("nbspace", " "),
        ("exclam", "!"),
        ("quotedbl", "\""),
        ("numbersign", "#"),
        ("dollar", "$"),
        ("percent", "%"),
        ("ampersand", "&"),
        ("quotesingle", "'"),
        ("quoteright", "’"),
        ("quoteleft", "‘"),
        ("parenleft", "("),
        ("parenright", ")"),
        ("asterisk", "*"),
        ("plus", "+"),
        ("comma", ","),
        ("hyphen", "-"),
        ("sfthyphen", "-"),
        ("minus", "-"),
        ("period", "."),
        ("slash", "/"),
        ("zero", "0"),
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("colon", ":"),
        ("semicolon", ";"),
        ("less", "<"),
        ("equal", "="),
        ("greater", ">"),
        ("question", "?"),
        ("at", "@"),
        ("bracketleft", "["),
        ("backslash", "\\"),
        ("bracketright", "]"),
        ("asciicircum", "^"),
        ("underscore", "_"),
        ("grave", "`"),
        ("braceleft", "{"),
        ("bar", "|"),
        ("braceright", "}"),
        ("asciitilde", "~"),
        ("endash", "–"),
        ("emdash", "—"),
        ("bullet", "•"),
        ("ellipsis", "…"),
        ("quotedblleft", "“"),
        ("quotedblright", "”"),
        ("quotesinglbase", "‚"),
        ("quotedblbase", "„"),
        ("guillemotleft", "«"),
        ("guillemotright", "»"),
        ("guilsinglleft", "‹"),
        ("guilsinglright", "›"),
        ("fi", "fi"),
        ("fl", "fl"),
        ("ff", "ff"),
        ("ffi", "ffi"),
        ("ffl", "ffl"),
        ("germandbls", "ß"),
        ("ae", "æ"),
        ("AE", "Æ"),
        ("oe", "œ"),
        ("OE", "Œ"),
        ("oslash", "ø"),
        ("Oslash", "Ø"),
        ("lslash", "ł"),
        ("Lslash", "Ł"),
        ("dotlessi", "ı"),
        ("eth", "ð"),
        ("Eth", "Ð"),
        ("thorn", "þ"),
        ("Thorn", "Þ"),
        ("Euro", "€"),
        ("sterling", "£"),
        ("yen", "¥"),
        ("cent", "¢"),
        ("section", "§"),
        ("paragraph", "¶"),
        ("copyright", "©"),
        ("registered", "®"),
        ("trademark", "™"),
        ("degree", "°"),
        ("mu", "µ"),
        ("plusminus", "±"),
        ("multiply", "×"),
        ("divide", "÷"),
    ];
    /// Letters with an accent are named for both; here they are written as both.
    const ACCENTS: &[(&str, char)] = &[
        ("grave", '\u{300}'),
        ("acute", '\u{301}'),
        ("circumflex", '\u{302}'),
        ("tilde", '\u{303}'),
        ("macron", '\u{304}'),
        ("breve", '\u{306}'),
        ("dotaccent", '\u{307}'),
        ("dieresis", '\u{308}'),
        ("ring", '\u{30a}'),
        ("hungarumlaut", '\u{30b}'),
        ("caron", '\u{30c}'),
        ("cedilla", '\u{327}'),
        ("ogonek", '\u{328}'),
    ];
    let name = std::str::from_utf8(name).ok()?;
    // Variants have a suffix: "one.oldstyle".
    let name = name.split('.').next().filter(|stem| !stem.is_empty())?;
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(letter.to_string());
    }
    if let Some((_, text)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some((*text).to_owned());
    }
    let number = name.strip_prefix("uni").or_else(|| name.strip_prefix('u'));
    if let Some(char) = number
        .filter(|number| (4..=6).contains(&number.len()))
        .and_then(|number| u32::from_str_radix(number, 16).ok())
        .and_then(char::from_u32)
    {
        return Some(char.to_string());
    }
    let letter = name.chars().next()?;
    let (_, accent) = ACCENTS
        .iter()
        .find(|(accent, _)| name[letter.len_utf8()..] == **accent)?;
    Some(format!("{letter}{accent}"))
}
