//! Texts of all encodings, HTML and RTF.

use encoding_rs::{BIG5, EUC_KR, GBK, ISO_2022_JP, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

use super::Document;

const RUSSIAN: &str =
    "Паспорт выдан отделом внутренних дел города Москвы, номер КЛЮЧ-1, серия сорок пять";
const JAPANESE: &str = "この文書には秘密の番号が含まれています。カード番号は秘密です。キー１";
const CHINESE: &str = "这份文件包含身份证号码和银行卡号,请不要转发给任何人。钥匙一";
const TAIWANESE: &str = "這份文件包含身分證字號和銀行帳號，請不要轉寄給任何人。鑰匙一";
const KOREAN: &str = "이 문서에는 주민등록번호와 계좌번호가 들어 있습니다. 열쇠 하나";
const GERMAN: &str =
    "Überweisung an Jürgen Müller, Straße 5, Köln: größere Beträge für die Prüfung";

pub fn documents() -> Vec<Document> {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let wide_big =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
    let widest = |text: &str| -> Vec<u8> {
        text.chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect()
    };
    let text = |name, bytes, holds| Document::whole(name, "text", bytes, &[("document", holds)]);
    vec![
        text("utf-8.txt", GERMAN.as_bytes().to_vec(), GERMAN),
        text(
            "utf-8-bom.txt",
            [b"\xef\xbb\xbf", GERMAN.as_bytes()].concat(),
            GERMAN,
        ),
        text(
            "utf-16le-bom.txt",
            [b"\xff\xfe".to_vec(), wide(RUSSIAN)].concat(),
            RUSSIAN,
        ),
        text(
            "utf-16be-bom.txt",
            [b"\xfe\xff".to_vec(), wide_big(RUSSIAN)].concat(),
            RUSSIAN,
        ),
        text("utf-16le.txt", wide(GERMAN), GERMAN),
        text("utf-16be.txt", wide_big(GERMAN), GERMAN),
        text(
            "utf-32le.txt",
            [b"\xff\xfe\0\0".to_vec(), widest(JAPANESE)].concat(),
            JAPANESE,
        ),
        text("utf-32le-silent.txt", widest(GERMAN), GERMAN),
        text(
            "windows-1252.txt",
            WINDOWS_1252.encode(GERMAN).0.into_owned(),
            GERMAN,
        ),
        text(
            "windows-1251.txt",
            WINDOWS_1251.encode(RUSSIAN).0.into_owned(),
            RUSSIAN,
        ),
        text(
            "shift-jis.txt",
            SHIFT_JIS.encode(JAPANESE).0.into_owned(),
            JAPANESE,
        ),
        text(
            "iso-2022-jp.txt",
            ISO_2022_JP.encode(JAPANESE).0.into_owned(),
            JAPANESE,
        ),
        text("gbk.txt", GBK.encode(CHINESE).0.into_owned(), CHINESE),
        text("big5.txt", BIG5.encode(TAIWANESE).0.into_owned(), TAIWANESE),
        text("euc-kr.txt", EUC_KR.encode(KOREAN).0.into_owned(), KOREAN),
        text(
            "damaged.txt",
            [RUSSIAN.as_bytes(), b" \xff\xfe ", RUSSIAN.as_bytes()].concat(),
            RUSSIAN,
        ),
        text(
            "empty-lines.txt",
            b"\n\n\nKEY-1\n\n".to_vec(),
            "\n\n\nKEY-1",
        ),
        Document::whole("empty.txt", "text", Vec::new(), &[]),
        Document::whole(
            "a.csv",
            "csv",
            b"name,card\nANN,4111111111111111\n".to_vec(),
            &[("document", "ANN,4111111111111111")],
        ),
        Document::whole(
            "a.json",
            "json",
            br#"{"a":["KEY-1",{"b":"KEY-2"}]}"#.to_vec(),
            &[("document", r#""b":"KEY-2""#)],
        ),
        Document::whole(
            "a.xml",
            "xml",
            br#"<a b="KEY-1">KEY-2<!-- KEY-3 --></a>"#.to_vec(),
            &[
                ("document", "KEY-1"),
                ("document", "KEY-2"),
                ("document", "KEY-3"),
            ],
        ),
        Document::whole(
            "a.yaml",
            "yaml",
            b"a: KEY-1\n".to_vec(),
            &[("document", "KEY-1")],
        ),
        Document::whole(
            "main.rs",
            "text",
            b"const KEY: &str = \"KEY-1\";".to_vec(),
            &[("document", "KEY-1")],
        ),
        Document::whole(
            "a.html",
            "html",
            html().into(),
            &[
                ("document", "BODY-1"),
                ("document", "SPLIT-4111 1111 1111 1111"),
                ("document", "CELL-1\tCELL-2"),
                ("document", "HIDDEN-1"),
                ("document", "COMMENT-1"),
                ("document", "SCRIPT-1"),
                ("document", "ALT-1"),
                ("document", "TIP-1"),
                ("document", "META-1"),
                ("document", "VALUE-1"),
                ("document", "ENTITY-ü€"),
                ("document", "TEMPLATE-1"),
            ],
        ),
        Document::whole(
            "latin.html",
            "html",
            b"<html><meta charset=\"iso-8859-2\"><p>\xb3\xf3d\xbc".to_vec(),
            &[("document", "łódź")],
        ),
        Document::whole(
            "a.rtf",
            "rtf",
            rtf().into(),
            &[
                ("document", "BODY-1 {braces} caf\u{e9} \u{20ac} \u{1f600}."),
                ("document", "SPLIT-4111 1111 1111 1111"),
                ("document", "CELL-1\tCELL-2"),
                ("document", "TITLE-1"),
                ("document", "HEADER-1"),
                ("document", "COMMENT-1"),
                ("document", "HIDDEN-1"),
                ("document", "FIELD-1"),
                ("document", "Привет"),
            ],
        ),
    ]
}

fn html() -> &'static str {
    r#"<!DOCTYPE html><html><head><meta name="d" content="META-1"><title>T</title></head><body>
<p class="dull">BODY-1</p><p>SPLIT-4111 <b>1111</b> <!-- COMMENT-1 --><span title="TIP-1">1111</span> 1111</p>
<table><tr><td>CELL-1</td><td>CELL-2</td></tr></table>
<div style="display:none">HIDDEN-1</div><script>var a = "SCRIPT-1 <b>";</script><img alt='ALT-1'>
<input type=hidden value=VALUE-1>ENTITY-&uuml;&#8364;<template><p>TEMPLATE-1</template></body></html>"#
}

fn rtf() -> &'static str {
    r#"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}}
{\info{\title TITLE-1}{\author A}}{\header\pard HEADER-1\par}
\pard BODY-1 \{braces\} caf\'e9 \u8364? \u-10179?\u-8704?.\par SPLIT-4111 {\b 1111} 1111
 1111\par CELL-1\cell CELL-2\cell\row{\v HIDDEN-1}{\*\annotation COMMENT-1}{\field{\*\fldinst FIELD-1}{\fldrslt x}}
{\f1 \'cf\'f0\'e8\'e2\'e5\'f2}\par{\pict\bin4 {}{}}{\*\themedata 41}}"#
}
