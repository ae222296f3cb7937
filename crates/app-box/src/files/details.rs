//! What a record of a file or folder says for people to read.

use casbah_connector::FileDetails;

use super::fields::Fields;

/// Reads a record of an item; one that cannot be read says nothing.
pub(super) fn read(raw: &[u8]) -> FileDetails {
    let Ok(item) = Fields::read(raw) else {
        return FileDetails::default();
    };
    let of = |part: &str, name: &str| item.object(part)?.text(name).map(String::from);
    let link = item.object("shared_link");
    let author = item.object("modified_by");
    let author = author.and_then(|author| author.text("login").or_else(|| author.text("name")));
    FileDetails {
        name: item.text("name").map(String::from),
        address: link.and_then(|link| link.text("url")).map(String::from),
        bytes: item.number("size"),
        created: item.moment("created_at"),
        modified: item.moment("modified_at"),
        modified_by: author.map(String::from),
        owner: of("owned_by", "login"),
        label: of("classification", "name"),
    }
}
