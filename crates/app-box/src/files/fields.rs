//! The members of a record, each of any type, so that a wrong one in one of them does not lose the others.

use std::borrow::Cow;

use casbah_connector::json::Members;
use casbah_model::Timestamp;
use serde_json::value::RawValue;

use crate::wire::moment;

/// The members of one object, as files need them.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(Members<'a>);

impl<'a> Fields<'a> {
    /// Reads a record; an error is the reason why it is none.
    pub(super) fn read(raw: &'a [u8]) -> Result<Fields<'a>, &'static str> {
        match raw.first() {
            Some(b'{') => Members::read(raw).map(Fields).ok_or("not-json"),
            _ => Err("not-an-object"),
        }
    }

    /// A member as it came; none for null.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.get(name);
        found.filter(|value| value.get() != "null")
    }

    /// A text that says something.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.0.text(name)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.raw(name)?.get().parse().ok()
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.raw(name)?.get().parse().ok()
    }

    pub(super) fn moment(&self, name: &str) -> Option<Timestamp> {
        moment(&self.text(name)?)
    }

    /// The members of an object; none for anything else.
    pub(super) fn object(&self, name: &str) -> Option<Fields<'a>> {
        let raw: &'a RawValue = self.raw(name)?;
        Fields::read(raw.get().as_bytes()).ok()
    }

    /// An id: a text of digits, so that what is written is what was read.
    pub(super) fn id(&self, name: &str) -> Option<u64> {
        id(&self.text(name)?)
    }
}

/// An id of Box: a number without a sign or leading zeros.
pub(super) fn id(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = text.parse().ok().filter(|_| is_plain)?;
    (number.to_string() == text).then_some(number)
}
