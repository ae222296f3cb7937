//! What of a vendor's answer may be shown: codes and plain words, never tokens, names or addresses.

/// Longer messages are cut; vendors sometimes send whole pages.
const MESSAGE_CHARS_MAX: usize = 240;
/// No word of a human sentence is longer; tokens, signatures and keys are.
const WORD_CHARS_MAX: usize = 40;

/// Cuts a vendor's message to one line without anything that looks like a credential or a person.
pub fn message(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let is_long = word.chars().count() > WORD_CHARS_MAX;
        let is_mail = word.contains('@');
        let is_token = word.starts_with("eyJ") || word.to_ascii_lowercase().contains("secret=");
        if is_long || is_mail || is_token {
            "…"
        } else {
            word
        }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars()
        .filter(|c| !c.is_control())
        .take(MESSAGE_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_mail_addresses_are_left_out() {
        let shown =
            message("user a@contoso.com sent eyJhbGciOiJub25lIn0.e30. twice\r\nTrace ID: 7");
        assert_eq!(shown, "user … sent … twice Trace ID: 7");
    }

    #[test]
    fn a_page_of_text_is_cut_to_a_line() {
        assert!(message(&"word ".repeat(9000)).chars().count() <= MESSAGE_CHARS_MAX);
    }
}
