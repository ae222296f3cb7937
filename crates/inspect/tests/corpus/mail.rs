//! Mail and mailboxes.

use casbah_inspect::{Inspected, Reason};

use super::Document;
use super::office;

pub fn documents() -> Vec<Document> {
    let parts: &[(&str, &str)] = &[
        ("headers", "Subject: SUBJECT-1 ü"),
        ("headers", "ann@example.com"),
        ("body", "BODY-1 café = €"),
        ("body (html)", "HTML-1"),
        ("a.docx, comments", "COMMENT-1"),
        ("Приказ.csv", "ATTACHED-1"),
        ("message, body", "INNER-1"),
        ("outside the parts", "PREAMBLE-1"),
        ("outside the parts", "EPILOGUE-1"),
    ];
    vec![
        Document::whole("a.eml", "eml", message(), parts),
        Document::whole("b", "eml", message(), parts),
        Document::whole("a.mbox", "mbox", mailbox(), &[("message 1, body", "BODY-1"), ("message 2, body", "SECOND-1")]),
        Document::whole("locked.eml", "eml", b"From: a@b\r\nTo: b@c\r\nSubject: SUBJECT-1\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIIB".to_vec(), &[("headers", "SUBJECT-1")])
            .but(Inspected::Partly(vec![("headers".to_owned(), Reason::Encrypted)])),
    ]
}

pub fn message() -> Vec<u8> {
    let attachment = base64(&office::docx());
    format!(
        "Received: from x\r\nFrom: ann@example.com\r\nTo: bob@example.com\r\nSubject: =?utf-8?B?U1VCSkVDVC0xIMO8?=\r\n\
MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"b1\"\r\n\r\nPREAMBLE-1\r\n--b1\r\n\
Content-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain; charset=utf-8\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\r\nBODY-1 caf=C3=A9 =3D=\r\n =E2=82=AC\r\n--b2\r\nContent-Type: text/html\r\n\r\n\
<p>HTML-1</p>\r\n--b2--\r\n--b1\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
Content-Disposition: attachment; filename=\"a.docx\"\r\n\r\n{attachment}\r\n--b1\r\nContent-Type: text/csv\r\n\
Content-Disposition: attachment; filename*=utf-8''%D0%9F%D1%80%D0%B8%D0%BA%D0%B0%D0%B7.csv\r\n\r\na,ATTACHED-1\r\n\
--b1\r\nContent-Type: message/rfc822\r\n\r\nFrom: i@example.com\r\nSubject: inner\r\n\r\nINNER-1\r\n--b1--\r\nEPILOGUE-1\r\n"
    )
    .into_bytes()
}

fn mailbox() -> Vec<u8> {
    let mut mailbox = b"From ann@example.com Thu Jan  1 00:00:00 2026\n".to_vec();
    mailbox.extend(message());
    mailbox.extend_from_slice(
        b"\nFrom bob@example.com Thu Jan  1 00:00:00 2026\nFrom: b@c\nSubject: s\n\nSECOND-1\n",
    );
    mailbox
}

pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (number, group) in bytes.chunks(3).enumerate() {
        let value = group
            .iter()
            .fold(0_u32, |value, byte| value << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            match place <= group.len() {
                true => text.push(LETTERS[(value >> (18 - 6 * place) & 63) as usize] as char),
                false => text.push('='),
            }
        }
        if number % 19 == 18 {
            text.push_str("\r\n");
        }
    }
    text
}
