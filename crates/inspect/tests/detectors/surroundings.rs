//! Texts around a value: what people and programs write before and after it.

use crate::draw::Draw;

/// A document with values in it, and how many there are.
pub struct Document {
    pub text: String,
    pub values: u64,
}

/// How values of a detector are called.
pub struct Called<'a> {
    /// By people.
    pub label: &'a str,
    /// In data and settings.
    pub name: &'a str,
}

/// Documents with a label or a name near by or at the head of a column.
pub fn labelled(
    draw: &mut Draw,
    called: &Called<'_>,
    mut value: impl FnMut(&mut Draw) -> String,
) -> Vec<Document> {
    let (label, name) = (called.label, called.name);
    let one = |text: String| Document { text, values: 1 };
    let who = draw.of(&[
        "Ms Jansen",
        "the applicant",
        "our new colleague",
        "Herr Maier",
    ]);
    let mut documents = vec![
        one(format!(
            "As agreed, the {label} of {who} is {}. Please treat it with care.\n",
            value(draw)
        )),
        one(format!("{label}: {}\nNotes: none\n", value(draw))),
        one(format!(
            "{{\"name\": \"{who}\", \"{name}\": \"{}\", \"active\": true}}",
            value(draw)
        )),
        one(format!(
            "    let {name} = \"{}\"; // for the test of {who}\n",
            value(draw)
        )),
        one(format!(
            "2024-05-02T12:00:00Z INFO user updated id=17 {name}={} status=ok\n",
            value(draw)
        )),
        one(format!(
            "<person><{name}>{}</{name}><city>Ghent</city></person>",
            value(draw)
        )),
    ];
    let rows: String = (0..30)
        .map(|row| {
            format!(
                "{row},{},{},{}\n",
                draw.of(&["Anna", "Ben", "Chiara"]),
                value(draw),
                draw.of(&["Berlin", "Oslo", "Porto"])
            )
        })
        .collect();
    documents.push(Document {
        text: format!("no,first name,{name},city\n{rows}"),
        values: 30,
    });
    let cells: String = (0..10)
        .map(|row| {
            format!(
                "{}\t{row}\tremark of nobody in particular about this line of the list\n",
                value(draw)
            )
        })
        .collect();
    documents.push(Document {
        text: format!("{label}\tno\tremark\n{cells}"),
        values: 10,
    });
    documents
}

/// Documents in which nothing says what a value is.
pub fn unlabelled(draw: &mut Draw, mut value: impl FnMut(&mut Draw) -> String) -> Vec<Document> {
    let one = |text: String| Document { text, values: 1 };
    vec![
        one(format!(
            "He wrote {} on the board and left the room.\n",
            value(draw)
        )),
        one(format!("{{\"a\": 1, \"b\": \"{}\"}}", value(draw))),
        one(format!("apple;{};pear\n", value(draw))),
    ]
}

/// Settings, code and logs with a secret.
pub fn settings(
    draw: &mut Draw,
    name: &str,
    mut value: impl FnMut(&mut Draw) -> String,
) -> Vec<Document> {
    let one = |text: String| Document { text, values: 1 };
    let lower = name.to_lowercase();
    vec![
        one(format!(
            "# production\nPORT=8080\n{name}={}\nDEBUG=false\n",
            value(draw)
        )),
        one(format!(
            "{{\"port\": 8080, \"{lower}\": \"{}\", \"debug\": false}}",
            value(draw)
        )),
        one(format!(
            "service:\n  port: 8080\n  {lower}: {}\n  debug: false\n",
            value(draw)
        )),
        one(format!(
            "const {lower} = '{}';\nconnect({lower});\n",
            value(draw)
        )),
        one(format!("export {name}=\"{}\"\n", value(draw))),
    ]
}
