//! What can be changed at a vendor, on what, and how a change stands.
//!
//! How something is, as far as an action is about it, is an [`Image`]: a flat map of names and values. A plan has two,
//! how the target is and how it is to be; whatever is read later is compared with both, so that nobody has to remember
//! what was sent.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::connection::Cause;

/// An action's name, which is its id everywhere: in keys, object names, events and commands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActionId(String);

const ID_CHARS_MAX: usize = 40;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not an id of an action: use 1 to {ID_CHARS_MAX} of the characters a-z, 0-9 and -"
)]
pub struct BadActionId(String);

impl ActionId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActionId {
    type Err = BadActionId;

    fn from_str(id: &str) -> Result<ActionId, BadActionId> {
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || id.len() > ID_CHARS_MAX || !id.chars().all(is_allowed) {
            return Err(BadActionId(id.chars().take(ID_CHARS_MAX * 2).collect()));
        }
        Ok(ActionId(id.into()))
    }
}

impl TryFrom<String> for ActionId {
    type Error = BadActionId;

    fn try_from(id: String) -> Result<ActionId, BadActionId> {
        id.parse()
    }
}

impl From<ActionId> for String {
    fn from(id: ActionId) -> String {
        id.0
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is done, in words that all apps share. What it takes at one app, and whether it can be undone there, is the
/// app's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    SuspendUser,
    RestoreUser,
    DeactivateUser,
    EndSessions,
    RequireNewPassword,
    ConfirmCompromised,
    RevokeRole,
    RemoveFromGroup,
    RevokeUserGrant,
    RevokeAppRole,
    DisableApp,
    RemoveLink,
    NarrowLink,
    ExpireLink,
    RemovePerson,
    RemoveExternal,
    MakePrivate,
    InheritSharing,
    Quarantine,
    AdminQuarantine,
    Trash,
    RestoreFile,
    ApplyLabel,
    RemoveLabel,
}

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Account,
    File,
    App,
}

/// What an action does against a threat, as defenders sort countermeasures (MITRE D3FEND, tactics).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Countermeasure {
    /// Takes somebody's or something's way in.
    Isolate,
    /// Throws out who or what is in.
    Evict,
    /// Puts back what was taken.
    Restore,
    /// Makes it harder to get in.
    Harden,
}

impl ActionKind {
    pub const ALL: [ActionKind; 24] = [
        ActionKind::SuspendUser,
        ActionKind::RestoreUser,
        ActionKind::DeactivateUser,
        ActionKind::EndSessions,
        ActionKind::RequireNewPassword,
        ActionKind::ConfirmCompromised,
        ActionKind::RevokeRole,
        ActionKind::RemoveFromGroup,
        ActionKind::RevokeUserGrant,
        ActionKind::RevokeAppRole,
        ActionKind::DisableApp,
        ActionKind::RemoveLink,
        ActionKind::NarrowLink,
        ActionKind::ExpireLink,
        ActionKind::RemovePerson,
        ActionKind::RemoveExternal,
        ActionKind::MakePrivate,
        ActionKind::InheritSharing,
        ActionKind::Quarantine,
        ActionKind::AdminQuarantine,
        ActionKind::Trash,
        ActionKind::RestoreFile,
        ActionKind::ApplyLabel,
        ActionKind::RemoveLabel,
    ];

    /// The name in commands, in the API and in events.
    pub fn name(self) -> &'static str {
        match self {
            ActionKind::SuspendUser => "suspend-user",
            ActionKind::RestoreUser => "restore-user",
            ActionKind::DeactivateUser => "deactivate-user",
            ActionKind::EndSessions => "end-sessions",
            ActionKind::RequireNewPassword => "require-new-password",
            ActionKind::ConfirmCompromised => "confirm-compromised",
            ActionKind::RevokeRole => "revoke-role",
            ActionKind::RemoveFromGroup => "remove-from-group",
            ActionKind::RevokeUserGrant => "revoke-user-grant",
            ActionKind::RevokeAppRole => "revoke-app-role",
            ActionKind::DisableApp => "disable-app",
            ActionKind::RemoveLink => "remove-link",
            ActionKind::NarrowLink => "narrow-link",
            ActionKind::ExpireLink => "expire-link",
            ActionKind::RemovePerson => "remove-person",
            ActionKind::RemoveExternal => "remove-external",
            ActionKind::MakePrivate => "make-private",
            ActionKind::InheritSharing => "inherit-sharing",
            ActionKind::Quarantine => "quarantine",
            ActionKind::AdminQuarantine => "admin-quarantine",
            ActionKind::Trash => "trash",
            ActionKind::RestoreFile => "restore-file",
            ActionKind::ApplyLabel => "apply-label",
            ActionKind::RemoveLabel => "remove-label",
        }
    }

    /// What it does, as the end of the sentence "This will …".
    pub fn purpose(self) -> &'static str {
        match self {
            ActionKind::SuspendUser => "suspend an account, so that nobody can sign in with it",
            ActionKind::RestoreUser => "let a suspended account sign in again",
            ActionKind::DeactivateUser => "deactivate an account and take its applications away",
            ActionKind::EndSessions => "end all sessions of an account",
            ActionKind::RequireNewPassword => "make an account choose a new password",
            ActionKind::ConfirmCompromised => "mark an account as compromised",
            ActionKind::RevokeRole => "take an admin role from an account",
            ActionKind::RemoveFromGroup => "take an account out of a group",
            ActionKind::RevokeUserGrant => "revoke what an account let an application do",
            ActionKind::RevokeAppRole => "revoke what an application may do on its own",
            ActionKind::DisableApp => "keep an application from getting tokens",
            ActionKind::RemoveLink => "remove the link that others open a file with",
            ActionKind::NarrowLink => "let fewer people open a file's link",
            ActionKind::ExpireLink => "let a file's link end at a time",
            ActionKind::RemovePerson => "take one person's access to a file",
            ActionKind::RemoveExternal => "take the access of all external people to a file",
            ActionKind::MakePrivate => "take everybody's access to a file but the owner's",
            ActionKind::InheritSharing => "leave a file only the access that its folder gives",
            ActionKind::Quarantine => {
                "take a file's sharing and move it where only its owner looks"
            }
            ActionKind::AdminQuarantine => {
                "take a file from everybody, its owner included, and keep it where administrators look"
            }
            ActionKind::Trash => "move a file to the trash",
            ActionKind::RestoreFile => "take a file out of the trash",
            ActionKind::ApplyLabel => "put a label on a file",
            ActionKind::RemoveLabel => "take a file's label off",
        }
    }

    pub fn subject(self) -> Subject {
        match self {
            ActionKind::SuspendUser
            | ActionKind::RestoreUser
            | ActionKind::DeactivateUser
            | ActionKind::EndSessions
            | ActionKind::RequireNewPassword
            | ActionKind::ConfirmCompromised
            | ActionKind::RevokeRole
            | ActionKind::RemoveFromGroup => Subject::Account,
            ActionKind::RevokeUserGrant | ActionKind::RevokeAppRole | ActionKind::DisableApp => {
                Subject::App
            }
            ActionKind::RemoveLink
            | ActionKind::NarrowLink
            | ActionKind::ExpireLink
            | ActionKind::RemovePerson
            | ActionKind::RemoveExternal
            | ActionKind::MakePrivate
            | ActionKind::InheritSharing
            | ActionKind::Quarantine
            | ActionKind::AdminQuarantine
            | ActionKind::Trash
            | ActionKind::RestoreFile
            | ActionKind::ApplyLabel
            | ActionKind::RemoveLabel => Subject::File,
        }
    }

    pub fn countermeasure(self) -> Countermeasure {
        match self {
            ActionKind::SuspendUser
            | ActionKind::DeactivateUser
            | ActionKind::DisableApp
            | ActionKind::MakePrivate
            | ActionKind::InheritSharing
            | ActionKind::Quarantine
            | ActionKind::AdminQuarantine
            | ActionKind::NarrowLink
            | ActionKind::ExpireLink => Countermeasure::Isolate,
            ActionKind::EndSessions
            | ActionKind::RevokeRole
            | ActionKind::RemoveFromGroup
            | ActionKind::RevokeUserGrant
            | ActionKind::RevokeAppRole
            | ActionKind::RemoveLink
            | ActionKind::RemovePerson
            | ActionKind::RemoveExternal
            | ActionKind::Trash => Countermeasure::Evict,
            ActionKind::RestoreUser | ActionKind::RestoreFile => Countermeasure::Restore,
            ActionKind::RequireNewPassword
            | ActionKind::ConfirmCompromised
            | ActionKind::ApplyLabel
            | ActionKind::RemoveLabel => Countermeasure::Harden,
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an action; `casbah actions kinds` lists those there are")]
pub struct UnknownAction(String);

impl FromStr for ActionKind {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<ActionKind, UnknownAction> {
        let found = ActionKind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownAction(name.chars().take(60).collect()))
    }
}

/// One thing at the vendor that an action is done to, by the vendor's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    pub id: String,
    /// What it is in, for what has an id only there: the drive of an item, the group of a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
}

/// Vendors' ids are shorter.
const TARGET_CHARS_MAX: usize = 512;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no target: write ID or WITHIN/ID, without spaces")]
pub struct BadTarget(String);

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Target, BadTarget> {
        let bad = || BadTarget(text.chars().filter(|c| !c.is_control()).take(80).collect());
        let is_plain = |part: &str| {
            !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control())
        };
        let (within, id) = match text.split_once('/') {
            Some((within, id)) => (Some(within), id),
            None => (None, text),
        };
        let is_whole = is_plain(id) && within.is_none_or(is_plain);
        if !is_whole || text.chars().count() > TARGET_CHARS_MAX {
            return Err(bad());
        }
        Ok(Target {
            id: id.into(),
            within: within.map(Into::into),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.within {
            Some(within) => write!(f, "{within}/{}", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// How a target is, as far as an action is about it: each thing that may change by itself has a name of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Image(BTreeMap<String, String>);

impl Image {
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Image {
        self.0.insert(name.into(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Image {
        self.0.remove(name);
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Names whose values differ, with the value here and there.
    pub fn differences<'a>(
        &'a self,
        other: &'a Image,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>, Option<&'a str>)> {
        let names: std::collections::BTreeSet<_> = self
            .0
            .keys()
            .chain(other.0.keys())
            .map(String::as_str)
            .collect();
        names
            .into_iter()
            .map(|name| (name, self.get(name), other.get(name)))
            .filter(|(_, here, there)| here != there)
    }

    /// Whether this is how something looks on its way from one image to another: nothing of it is of neither.
    ///
    /// A change of several calls may stop between any two; what somebody else did meanwhile shows as a value of neither.
    pub fn is_between(&self, from: &Image, to: &Image) -> bool {
        self.differences(from)
            .all(|(name, here, _)| here == to.get(name))
    }
}

/// Whether a change can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// Every value of the image before can be put back.
    Possible,
    /// There is no way back, for this reason.
    Never(String),
}

/// What a plan says of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It would change from the one image to the other.
    Change {
        before: Image,
        after: Image,
        undo: Undo,
    },
    /// It is already as it should be.
    Nothing,
    /// It cannot be done, or would not last.
    Refused(Cause),
}

impl Effect {
    /// How the target was when it was planned, if it is to change.
    pub fn before(&self) -> Option<&Image> {
        match self {
            Effect::Change { before, .. } => Some(before),
            Effect::Nothing | Effect::Refused(_) => None,
        }
    }
}

/// How an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionState {
    /// Its targets are being read.
    Planning,
    /// The plan was all that was asked for.
    Planned,
    /// It waits for somebody to approve it.
    Pending,
    Approved,
    Applying,
    /// Everything that was planned was done, and read back.
    Verified,
    /// Some of it, or all, was not done; the units say which and why.
    Failed,
    Rejected,
    /// Nobody approved it in time.
    Expired,
    Undoing,
    /// Everything that was done is as it was before.
    Undone,
}

impl ActionState {
    pub fn name(self) -> &'static str {
        match self {
            ActionState::Planning => "planning",
            ActionState::Planned => "planned",
            ActionState::Pending => "pending",
            ActionState::Approved => "approved",
            ActionState::Applying => "applying",
            ActionState::Verified => "verified",
            ActionState::Failed => "failed",
            ActionState::Rejected => "rejected",
            ActionState::Expired => "expired",
            ActionState::Undoing => "undoing",
            ActionState::Undone => "undone",
        }
    }

    /// Whether there is something to do or to wait for.
    pub fn is_open(self) -> bool {
        match self {
            ActionState::Planning
            | ActionState::Pending
            | ActionState::Approved
            | ActionState::Applying
            | ActionState::Undoing => true,
            ActionState::Planned
            | ActionState::Verified
            | ActionState::Failed
            | ActionState::Rejected
            | ActionState::Expired
            | ActionState::Undone => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(values: &[(&str, &str)]) -> Image {
        values
            .iter()
            .fold(Image::default(), |image, (name, value)| {
                image.with(*name, *value)
            })
    }

    #[test]
    fn half_of_a_change_is_on_its_way_and_somebody_elses_is_not() {
        let from = image(&[("link:1", "anyone"), ("link:2", "anyone")]);
        let to = Image::default();
        assert!(from.is_between(&from, &to) && to.is_between(&from, &to));
        assert!(image(&[("link:2", "anyone")]).is_between(&from, &to));
        for changed in [
            image(&[("link:2", "organisation")]),
            image(&[("link:3", "anyone")]),
        ] {
            assert!(!changed.is_between(&from, &to), "{changed:?}");
        }
    }

    #[test]
    fn a_target_is_an_id_or_an_id_within_something() {
        let target: Target = "b!x/01ABC".parse().expect("a target");
        assert_eq!(
            (target.within.as_deref(), target.id.as_str()),
            (Some("b!x"), "01ABC")
        );
        assert_eq!(target.to_string(), "b!x/01ABC");
        for wrong in ["", "/", "a/", "/b", "a b", "a\nb"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in ActionKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            let written = serde_json::to_value(kind).expect("plain");
            assert_eq!(written, kind.name());
        }
    }
}
