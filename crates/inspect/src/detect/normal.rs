//! Text as detectors see it: look-alikes of ASCII become ASCII, what is not seen is left out.
//!
//! Works character by character, so that it does not matter where a text is cut.

/// Appends as much of `piece` to `text` as fits below `room` bytes, and says how much that was.
///
/// The last character may end up to three bytes above `room`.
pub(crate) fn append(text: &mut Vec<u8>, piece: &str, room: usize) -> usize {
    let mut taken = 0;
    while taken < piece.len() && text.len() < room {
        let rest = &piece[taken..];
        let most = rest.len().min(room - text.len());
        let plain = plain(&rest.as_bytes()[..most]);
        text.extend_from_slice(&rest.as_bytes()[..plain]);
        taken += plain;
        if plain == most {
            continue;
        }
        let character = piece[taken..]
            .chars()
            .next()
            .expect("a piece is not cut within a character");
        taken += character.len_utf8();
        push(text, character);
    }
    taken
}

/// How many bytes at the start are ASCII.
fn plain(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let blocks = bytes
        .chunks(BLOCK)
        .take_while(|block| block.is_ascii())
        .map(<[u8]>::len)
        .sum::<usize>();
    blocks
        + bytes[blocks..]
            .iter()
            .take(BLOCK)
            .take_while(|byte| byte.is_ascii())
            .count()
}

fn push(text: &mut Vec<u8>, character: char) {
    match like(character) {
        Like::Ascii(byte) => text.push(byte),
        Like::Nothing => {}
        Like::Itself => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

enum Like {
    Ascii(u8),
    Nothing,
    Itself,
}

/// What a character that is not ASCII looks like (Unicode 16, blocks and general categories).
fn like(character: char) -> Like {
    match character {
        // Spaces (Zs)
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            Like::Ascii(b' ')
        }
        // Line and paragraph separators
        '\u{85}' | '\u{2028}' | '\u{2029}' => Like::Ascii(b'\n'),
        // Soft hyphen, zero width, direction, variation selectors (Cf, Mn): nobody sees them
        '\u{AD}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' => Like::Nothing,
        // Dashes (Pd) and the minus sign
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => Like::Ascii(b'-'),
        '\u{2018}' | '\u{2019}' => Like::Ascii(b'\''),
        '\u{201C}' | '\u{201D}' => Like::Ascii(b'"'),
        // Full-width forms of ASCII
        '\u{FF01}'..='\u{FF5E}' => Like::Ascii((character as u32 - 0xFF01 + 0x21) as u8),
        _ => digit(character).map_or(Like::Itself, Like::Ascii),
    }
}

/// Decimal digits of other scripts (Nd), by the character of their zero.
fn digit(character: char) -> Option<u8> {
    const ZEROS: [u32; 8] = [0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x1D7CE, 0x1D7D8, 0x1D7F6];
    let code = character as u32;
    ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))
        .map(|zero| b'0' + (code - zero) as u8)
}
