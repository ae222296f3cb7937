//! Every document of the corpus, and some of other producers, arrives whole and under the right names.

mod corpus;

use casbah_inspect::{Inspected, Reason};
use corpus::{Document, read};

#[track_caller]
fn check(document: &Document) {
    let (read, kept) = read(document.name, &document.bytes);
    let name = document.name;
    for (part, string) in &document.strings {
        assert!(
            kept.text(part).contains(string),
            "{name}: {string:?} is not in {part:?} of {:#?}",
            kept.parts
        );
    }
    assert_eq!(read.format, document.format, "{name}");
    assert_eq!(read.inspected, document.inspected, "{name}");
    let chars: usize = kept
        .parts
        .iter()
        .map(|(_, text)| text.chars().count())
        .sum();
    assert_eq!(read.chars, chars as u64, "{name}");
}

#[test]
fn every_string_arrives_in_its_part() {
    for document in corpus::documents() {
        check(&document);
    }
}

#[test]
fn documents_of_other_producers_are_read() {
    let bytes = |name: &str| {
        std::fs::read(format!(
            "{}/tests/documents/{name}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    };
    let whole = |name, format, strings: &[(&'static str, &'static str)]| {
        check(&Document::whole(name, format, bytes(name), strings))
    };
    let not = |name, format, reason| {
        check(&Document::whole(name, format, bytes(name), &[]).but(Inspected::Not(reason)))
    };
    whole(
        "fpdf2-objects.pdf",
        "pdf",
        &[
            ("page 1", "BODY-1 caf\u{e9}"),
            ("page 1", "4111 1111 1111 1111"),
            ("page 1, comments", "ANNOT-1"),
            ("properties", "TITLE-1"),
            ("at.txt", "ATTACHED-1"),
        ],
    );
    whole(
        "reportlab-aes256.pdf",
        "pdf",
        &[
            ("page 1", "BODY-1 4111 1111 1111 1111"),
            ("page 1, comments", "FVALUE-1"),
            ("page 2", "PAGE-2"),
            ("bookmarks, fields and scripts", "BOOKMARK-1"),
        ],
    );
    whole(
        "xlsxwriter.xlsx",
        "xlsx",
        &[
            ("sheet Main", "N-1\t4111111111111111\tT-1"),
            ("sheet Main", "VM-1"),
            ("sheet Main, comments", "COMMENT-1"),
            ("sheet Main, drawing", "TEXTBOX-1"),
            ("sheet Sec (hidden)", "HIDDEN-1"),
            ("chart 1", "CHARTTITLE-1"),
            ("document", "DEFNAME-1"),
            ("own properties", "CUSTOM-1"),
        ],
    );
    whole(
        "xlwt.xls",
        "xls",
        &[
            ("sheet Data", "CELL-1\t4111111111111111\t12.5"),
            ("sheet Sec (hidden)", "HIDDEN-1"),
        ],
    );
    whole(
        "odfpy.ods",
        "ods",
        &[
            ("sheet Data", "CELL-1"),
            ("sheet Salaries (hidden)", "4111111111111111"),
        ],
    );
    whole(
        "py7zr.7z",
        "7z",
        &[("s.txt", "SEVEN-1"), ("dir/t.txt", "SEVEN-2")],
    );
    whole("text.xz", "xz", &[("text", "XZ-1")]);
    not("py7zr-password.7z", "7z", Reason::Encrypted);
    not("reportlab-password.pdf", "pdf", Reason::Encrypted);
    not("msoffcrypto.xlsx", "encrypted-ooxml", Reason::Encrypted);
}
