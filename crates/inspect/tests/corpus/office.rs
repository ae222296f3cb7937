//! Office Open XML and OpenDocument.

use casbah_inspect::{Inspected, Reason};

use super::Document;
use super::archives::zip;

const TYPES: &str =
    r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;

pub fn documents() -> Vec<Document> {
    vec![
        Document::whole(
            "a.docx",
            "docx",
            docx(),
            &[
                ("document", "BODY-1"),
                ("document", "SPLIT-4111 1111 1111 1111"),
                ("document", "CELL-1 \tCELL-2 \t"),
                ("document", "TEXTBOX-1"),
                ("document", "ALT-1"),
                ("document", "DELETED-1"),
                ("document", "FIELD-1"),
                ("document", "https://link.example/LINK-1"),
                ("header 1", "HEADER-1"),
                ("footer 1", "FOOTER-1"),
                ("comments", "COMMENT-1"),
                ("comments", "COMMENTER-1"),
                ("footnotes", "FOOTNOTE-1"),
                ("endnotes", "ENDNOTE-1"),
                ("properties", "TITLE-1"),
                ("properties of the program", "COMPANY-1"),
                ("own properties", "OWN-1"),
                ("custom XML 1", "CUSTOM-1"),
                ("custom XML 1", "ATTRIBUTE-1"),
                ("settings", "VARIABLE-1"),
                ("glossary", "GLOSSARY-1"),
                ("chart 1", "CHART-1"),
                ("diagram 1", "DIAGRAM-1"),
                ("word/embeddings/in.txt", "EMBEDDED-1"),
            ],
        ),
        Document::whole(
            "a.xlsx",
            "xlsx",
            xlsx(),
            &[
                (
                    "sheet Data",
                    "SHARED-1\t4111111111111111\tINLINE-1\t42.5\t1\t",
                ),
                ("sheet Data", "RICH-1\tRESULT-1\t=CONCAT(\"FORMULA-1\")"),
                ("sheet Data", "HEADER & 1"),
                ("sheet Data", "TIP-1"),
                ("sheet Salaries (hidden)", "HIDDEN-1"),
                ("sheet Secret (hidden)", "VERY-HIDDEN-1"),
                ("sheet Data, comments", "COMMENT-1"),
                ("sheet Data, drawing", "TEXTBOX-1"),
                ("document", "DEFINED-1"),
                ("xl/vbaProject.bin, macros", "MACRO-1"),
            ],
        ),
        Document::whole(
            "a.pptx",
            "pptx",
            pptx(),
            &[
                ("slide 1", "SLIDE-1"),
                ("slide 1", "ALT-1"),
                ("slide 1", "CELL-1 \tCELL-2 \t"),
                ("slide 2 (hidden)", "HIDDEN-1"),
                ("slide 1, notes", "NOTES-1"),
                ("slide 1, comments", "COMMENT-1"),
                ("properties", "TITLE-1"),
            ],
        ),
        Document::whole(
            "a.odt",
            "odt",
            odt(),
            &[
                ("document", "BODY-1  TWO SPACES"),
                ("document", "COMMENT-1"),
                ("document", "ALT-1"),
                ("document", "NOTE-1"),
                ("headers and footers", "HEADER-1"),
                ("properties", "TITLE-1"),
                ("Object 1", "OBJECT-1"),
            ],
        ),
        Document::whole(
            "a.ods",
            "ods",
            ods(),
            &[
                ("sheet Data", "CELL-1 \t4,11E+15  4111111111111111\t"),
                ("sheet Data", "COMMENT-1"),
                ("sheet Salaries (hidden)", "HIDDEN-1"),
            ],
        ),
        Document::whole(
            "a.odp",
            "odp",
            odp(),
            &[
                ("slide 1", "SLIDE-1"),
                ("slide 1, notes", "NOTES-1"),
                ("slide 2", "SLIDE-2"),
            ],
        ),
        Document::whole(
            "locked.odt",
            "odt",
            zip(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                (
                    "META-INF/manifest.xml",
                    b"<manifest><file-entry><encryption-data/></file-entry></manifest>",
                ),
                ("content.xml", b"\x01\x02\x03"),
            ]),
            &[],
        )
        .but(Inspected::Not(Reason::Encrypted)),
        Document::whole(
            "torn.docx",
            "docx",
            zip(&[
                ("[Content_Types].xml", TYPES.as_bytes()),
                (
                    "word/document.xml",
                    b"<w:document><w:p><w:t>BODY-1</w:t></w:p><w:p <<",
                ),
                (
                    "word/comments.xml",
                    b"<w:comments><w:comment><w:t>COMMENT-1</w:t></w:comment></w:comments>",
                ),
            ]),
            &[("document", "BODY-1"), ("comments", "COMMENT-1")],
        )
        .but_partly("document", Reason::Corrupt),
    ]
}

fn relations(all: &[(&str, &str)]) -> String {
    let all: String = all
        .iter()
        .map(|(id, target)| match target.contains("://") {
            true => format!(r#"<Relationship Id="{id}" Target="{target}" TargetMode="External"/>"#),
            false => format!(r#"<Relationship Id="{id}" Target="{target}"/>"#),
        })
        .collect();
    format!("<Relationships>{all}</Relationships>")
}

pub fn docx() -> Vec<u8> {
    let body = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document><w:body>
<w:p><w:r><w:t>BODY-1</w:t></w:r></w:p>
<w:p><w:r><w:t>SPLIT-4111 </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>1111 1111 11</w:t></w:r><w:r><w:t>11</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>CELL-1</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>CELL-2</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p><mc:AlternateContent><mc:Choice><wp:docPr id="1" descr="ALT-1"/><w:txbxContent><w:p><w:r><w:t>TEXTBOX-1</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>TEXTBOX-1</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:p>
<w:p><w:del><w:r><w:delText>DELETED-1</w:delText></w:r></w:del><w:r><w:instrText>FIELD-1</w:instrText></w:r></w:p>
</w:body></w:document>"#;
    zip(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("word/document.xml", body.as_bytes()),
        ("word/_rels/document.xml.rels", relations(&[("rId1", "header1.xml"), ("rId2", "https://link.example/LINK-1")]).as_bytes()),
        ("word/header1.xml", b"<w:hdr><w:p><w:r><w:t>HEADER-1</w:t></w:r></w:p></w:hdr>"),
        ("word/footer1.xml", b"<w:ftr><w:p><w:r><w:t>FOOTER-1</w:t></w:r></w:p></w:ftr>"),
        ("word/comments.xml", br#"<w:comments><w:comment w:author="COMMENTER-1"><w:p><w:r><w:t>COMMENT-1</w:t></w:r></w:p></w:comment></w:comments>"#),
        ("word/footnotes.xml", b"<w:footnotes><w:p><w:r><w:t>FOOTNOTE-1</w:t></w:r></w:p></w:footnotes>"),
        ("word/endnotes.xml", b"<w:endnotes><w:p><w:r><w:t>ENDNOTE-1</w:t></w:r></w:p></w:endnotes>"),
        ("word/settings.xml", br#"<w:settings><w:docVar w:name="n" w:val="VARIABLE-1"/></w:settings>"#),
        ("word/glossary/document.xml", b"<w:p><w:r><w:t>GLOSSARY-1</w:t></w:r></w:p>"),
        ("word/charts/chart1.xml", b"<c:chart><a:p><a:r><a:t>CHART-1</a:t></a:r></a:p></c:chart>"),
        ("word/diagrams/data1.xml", b"<dgm:pt><a:p><a:t>DIAGRAM-1</a:t></a:p></dgm:pt>"),
        ("word/embeddings/in.txt", b"EMBEDDED-1"),
        ("docProps/core.xml", b"<cp:coreProperties><dc:title>TITLE-1</dc:title></cp:coreProperties>"),
        ("docProps/app.xml", b"<Properties><Company>COMPANY-1</Company></Properties>"),
        ("docProps/custom.xml", b"<Properties><property><vt:lpwstr>OWN-1</vt:lpwstr></property></Properties>"),
        ("customXml/item1.xml", br#"<root secret="ATTRIBUTE-1">CUSTOM-1</root>"#),
    ])
}

pub fn xlsx() -> Vec<u8> {
    let sheet = r#"<worksheet><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>4.111111111111111E15</v></c><c r="C1" t="inlineStr"><is><t>INLINE-1</t></is></c><c r="D1"><v>42.5</v></c><c r="E1" t="b"><v>1</v></c></row>
<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="str"><f>CONCAT("FORMULA-1")</f><v>RESULT-1</v></c></row>
</sheetData><dataValidation prompt="TIP-1"/><headerFooter><oddHeader>HEADER &amp; 1</oddHeader></headerFooter></worksheet>"#;
    let other = |text: &str| {
        format!(
            r#"<worksheet><sheetData><row><c t="inlineStr"><is><t>{text}</t></is></c></row></sheetData></worksheet>"#
        )
    };
    let workbook = r#"<workbook><sheets><sheet name="Data" r:id="rId1"/><sheet name="Salaries" state="hidden" r:id="rId2"/><sheet name="Secret" state="veryHidden" r:id="rId3"/></sheets><definedNames><definedName>DEFINED-1</definedName></definedNames></workbook>"#;
    let strings =
        r#"<sst><si><t>SHARED-1</t></si><si><r><t>RI</t></r><r><t>CH-1</t></r></si></sst>"#;
    let sheets = [
        ("rId1", "worksheets/sheet1.xml"),
        ("rId2", "worksheets/sheet2.xml"),
        ("rId3", "/xl/worksheets/sheet3.xml"),
    ];
    zip(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations(&sheets).as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ("xl/worksheets/sheet2.xml", other("HIDDEN-1").as_bytes()),
        (
            "xl/worksheets/sheet3.xml",
            other("VERY-HIDDEN-1").as_bytes(),
        ),
        (
            "xl/worksheets/_rels/sheet1.xml.rels",
            relations(&[
                ("rId1", "../comments1.xml"),
                ("rId2", "../drawings/drawing1.xml"),
            ])
            .as_bytes(),
        ),
        (
            "xl/comments1.xml",
            b"<comments><comment><text><r><t>COMMENT-1</t></r></text></comment></comments>",
        ),
        (
            "xl/drawings/drawing1.xml",
            b"<xdr:sp><a:p><a:r><a:t>TEXTBOX-1</a:t></a:r></a:p></xdr:sp>",
        ),
        ("xl/vbaProject.bin", &super::old_office::macros()),
    ])
}

pub fn pptx() -> Vec<u8> {
    let presentation = r#"<p:presentation><p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" r:id="rId3"/></p:sldIdLst></p:presentation>"#;
    let slide = r#"<p:sld><p:cNvPr id="2" descr="ALT-1"/><a:p><a:r><a:t>SLIDE-1</a:t></a:r></a:p><a:tbl><a:tr><a:tc><a:p><a:t>CELL-1</a:t></a:p></a:tc><a:tc><a:p><a:t>CELL-2</a:t></a:p></a:tc></a:tr></a:tbl></p:sld>"#;
    zip(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("ppt/presentation.xml", presentation.as_bytes()),
        // The order of the presentation is not that of the files.
        (
            "ppt/_rels/presentation.xml.rels",
            relations(&[("rId2", "slides/slide7.xml"), ("rId3", "slides/slide1.xml")]).as_bytes(),
        ),
        (
            "ppt/slides/slide1.xml",
            br#"<p:sld show="0"><a:p><a:r><a:t>HIDDEN-1</a:t></a:r></a:p></p:sld>"#,
        ),
        ("ppt/slides/slide7.xml", slide.as_bytes()),
        (
            "ppt/slides/_rels/slide7.xml.rels",
            relations(&[
                ("rId1", "../notesSlides/notesSlide1.xml"),
                ("rId2", "../comments/comment1.xml"),
            ])
            .as_bytes(),
        ),
        (
            "ppt/notesSlides/notesSlide1.xml",
            b"<p:notes><a:p><a:r><a:t>NOTES-1</a:t></a:r></a:p></p:notes>",
        ),
        (
            "ppt/comments/comment1.xml",
            b"<p:cmLst><p:cm><p:text>COMMENT-1</p:text></p:cm></p:cmLst>",
        ),
        (
            "docProps/core.xml",
            b"<cp:coreProperties><dc:title>TITLE-1</dc:title></cp:coreProperties>",
        ),
    ])
}

fn open_document(kind: &str, content: &str, others: &[(&str, &[u8])]) -> Vec<u8> {
    let kind = format!("application/vnd.oasis.opendocument.{kind}");
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("mimetype", kind.as_bytes()),
        ("content.xml", content.as_bytes()),
    ];
    entries.extend(others);
    zip(&entries)
}

fn odt() -> Vec<u8> {
    let content = "<office:text><text:p>BODY-1<text:s text:c=\"2\"/>TWO<text:s/>SPACES<office:annotation><dc:creator>WHO</dc:creator><text:p>COMMENT-1</text:p></office:annotation></text:p><draw:frame><svg:title>ALT-1</svg:title></draw:frame><text:p>x<text:note><text:p>NOTE-1</text:p></text:note></text:p></office:text>";
    open_document(
        "text",
        content,
        &[
            (
                "styles.xml",
                b"<style:header><text:p>HEADER-1</text:p></style:header>",
            ),
            (
                "meta.xml",
                b"<office:meta><dc:title>TITLE-1</dc:title></office:meta>",
            ),
            ("Object 1/content.xml", b"<text:p>OBJECT-1</text:p>"),
        ],
    )
}

fn ods() -> Vec<u8> {
    let content = r#"<x><style:style style:name="ta2"><style:table-properties table:display="false"/></style:style><table:table table:name="Data"><table:table-row><table:table-cell><office:annotation><text:p>COMMENT-1</text:p></office:annotation><text:p>CELL-1</text:p></table:table-cell><table:table-cell office:value="4.111111111111111E15"><text:p>4,11E+15</text:p></table:table-cell></table:table-row></table:table><table:table table:name="Salaries" table:style-name="ta2"><table:table-row><table:table-cell><text:p>HIDDEN-1</text:p></table:table-cell></table:table-row></table:table></x>"#;
    open_document("spreadsheet", content, &[])
}

fn odp() -> Vec<u8> {
    let content = "<x><draw:page><text:p>SLIDE-1</text:p><presentation:notes><text:p>NOTES-1</text:p></presentation:notes></draw:page><draw:page><text:p>SLIDE-2</text:p></draw:page></x>";
    open_document("presentation", content, &[])
}
