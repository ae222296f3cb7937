//! Sign-ins, and changes of the directory: users, roles, groups, applications, consent.
//!
//! Management Activity API schema, "Azure Active Directory Base schema" and "Secure Token Service (STS) Logon schema";
//! shapes of the values as records of real tenants have them.

use std::borrow::Cow;

use casbah_model::event::{AccountVerb, Deed, Event, LogonKind, PersonKind, Success, Text};

use super::deeds::{filled, pairs, part};
use super::record::{Field, Record};
use crate::scan::{Slice, items};

/// Clients that send a password with each call: what they call themselves in sign-ins, and how account logons name them
/// (Microsoft Entra documentation, "Block legacy authentication").
const LEGACY: &[&str] = &[
    "BAV2ROPC",
    "CBAInPROD",
    "CBAInTAR",
    "Exchange ActiveSync",
    "Exchange Web Services",
    "IMAP4",
    "MAPI Over HTTP",
    "Authenticated SMTP",
    "Offline Address Book",
    "Other clients",
    "Outlook Anywhere",
    "POP3",
];

pub(super) fn sign_in<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    identify(event, record);
    let mut detail = None;
    let mut request = None;
    pairs(
        record.peek(Field::ExtendedProperties),
        |name, value| match name {
            "UserAgent" => event.client.user_agent = filled(value),
            "RequestType" => request = filled(value),
            "ResultStatusDetail" => detail = filled(value),
            _ => {}
        },
    );
    pairs(
        record.peek(Field::DeviceProperties),
        |name, value| match name {
            "OS" => event.client.system = filled(value),
            "SessionId" if event.session.is_none() => event.session = filled(value),
            _ => {}
        },
    );
    let is_named = |text: &Option<Text<'_>>| {
        let text = text.as_deref().unwrap_or_default();
        LEGACY.iter().any(|client| text.starts_with(client))
    };
    let is_legacy =
        is_named(&event.client.user_agent) || is_named(&record.peek(Field::Client).text());
    // Renewing a token asks nobody.
    event.logon.kind = match request.as_deref() {
        _ if is_legacy => LogonKind::Legacy,
        Some("OAuth2:Token") => LogonKind::Silent,
        Some(_) => LogonKind::Interactive,
        None => LogonKind::Unknown,
    };
    event.logon.protocol = request;
    verdict(event, record, detail);
    event.target.resource.named.id = first_id(record.peek(Field::Target))
        .or_else(|| record.peek(Field::ObjectId).text())
        .filter(|id| !id.is_empty());
    record.text(Field::ObjectId);
}

/// The operation tells whether it worked; the status of failed sign-ins says "Success" as often as not.
fn verdict<'a>(event: &mut Event<'a>, record: &mut Record<'a>, detail: Option<Text<'a>>) {
    event.outcome.result = match event.operation.as_ref() {
        "UserLoggedIn" => Success::Success,
        "UserLoginFailed" => Success::Failure,
        _ => event.outcome.result,
    };
    let code = record
        .scalar(Field::ErrorNumber)
        .or_else(|| record.scalar(Field::ErrorCode));
    event.outcome.code = code.filter(|code| code != "0");
    let reason = record.text(Field::LogonError).or(detail);
    event.outcome.reason = reason.filter(|_| event.outcome.result != Success::Success);
}

/// Who it was, by the id of the directory: the first that is one.
fn identify<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    if event.actor.id.is_none() {
        event.actor.id = first_id(record.peek(Field::Actor));
    }
    if event.actor.id.is_some() && event.actor.id == event.actor.other_id {
        event.actor.other_id = None;
    }
    // Whose directory it is; another one's stays.
    for field in [Field::ActorContextId, Field::TargetContextId] {
        let context = record.peek(field);
        if context == record.peek(Field::OrganizationId) {
            record.take(field);
        }
    }
}

fn first_id(identities: Slice<'_>) -> Option<Text<'_>> {
    let mut found = None;
    identities_of(identities, |_, id| {
        if found.is_none() && is_guid(bare(&id)) {
            found = part(&id, |id| Some(bare(id)));
        }
    });
    found
}

/// Items of `Actor` and `Target`: 0 claim, 1 name, 2 other, 3 PUID, 4 SPN, 5 UPN (schema, "IdentityType").
fn identities_of<'a>(list: Slice<'a>, mut each: impl FnMut(i64, Text<'a>)) {
    for item in items(list) {
        let (mut id, mut kind) = (None, None);
        item.members(|name, value| match name.as_ref() {
            "ID" => id = filled(value),
            "Type" => kind = value.number(),
            _ => {}
        });
        if let (Some(id), Some(kind)) = (id, kind) {
            each(kind, id);
        }
    }
}

/// `User_{guid}` without what it is.
fn bare(id: &str) -> &str {
    id.rsplit_once('_').map_or(id, |(_, guid)| guid)
}

fn is_guid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| match dashes.contains(&at) {
                true => byte == b'-',
                false => byte.is_ascii_hexdigit(),
            })
}

/// What a change was done to.
#[derive(Default)]
struct Subject<'a> {
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    upn: Option<Text<'a>>,
}

pub(super) fn change<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    identify(event, record);
    let mut subject = Subject::default();
    identities_of(record.peek(Field::Target), |kind, id| match kind {
        1 if subject.name.is_none() => subject.name = Some(id),
        2 if subject.id.is_none() && is_guid(bare(&id)) => {
            subject.id = part(&id, |id| Some(bare(id)));
        }
        5 if subject.upn.is_none() => subject.upn = Some(id),
        _ => {}
    });
    pairs(record.peek(Field::ExtendedProperties), |name, value| {
        if name == "additionalDetails" && event.client.user_agent.is_none() {
            event.client.user_agent = user_agent(value);
        }
    });
    // The name of what was changed; or "Not Available".
    let object = record
        .text(Field::ObjectId)
        .filter(|id| id != "Not Available");
    place(event, subject, object);
    modified(record.peek(Field::ModifiedProperties), |change| {
        properties(event, &change)
    });
    if let Deed::Account(AccountVerb::Update) = event.deed {
        event.deed = account_change(record.peek(Field::ModifiedProperties));
    }
}

/// The user agent inside the JSON text of `additionalDetails`.
fn user_agent(details: Slice<'_>) -> Option<Text<'_>> {
    let text = details.text()?;
    let mut found = None;
    crate::scan::members(&text, |name, value| {
        if name == "User-Agent" {
            found = filled(value).map(|text| Cow::Owned(text.into_owned()));
        }
    })
    .ok()?;
    found
}

fn place<'a>(event: &mut Event<'a>, subject: Subject<'a>, object: Option<Text<'a>>) {
    let target = &mut event.target;
    match event.deed {
        Deed::Account(_) => {
            target.user.id = subject.id;
            target.user.name = subject.upn.or(object);
            target.user.full_name = subject
                .name
                .filter(|name| Some(name) != target.user.name.as_ref());
        }
        Deed::Group(
            casbah_model::event::GroupVerb::AddMember
            | casbah_model::event::GroupVerb::RemoveMember,
        ) => {
            target.user.id = subject.id;
            target.user.name = subject.upn.or(subject.name).or(object);
        }
        Deed::Group(_) => {
            target.group.id = subject.id;
            target.group.name = subject.name.or(object);
        }
        // Roles are given to users; grants are given to applications, and name what they open.
        Deed::Access(_) if subject.upn.is_some() => {
            target.user.id = subject.id;
            target.user.name = subject.upn;
        }
        Deed::Access(_) => {
            target.resource.named.id = subject.id;
            target.resource.named.name = subject.name.or(object);
        }
        _ => {
            target.entity.named.id = subject.id;
            target.entity.named.name = subject.name.or(subject.upn).or(object);
            target.entity.kind = kind_of_entity(&event.operation);
        }
    }
}

/// What a thing of the directory is, in the words of the operation.
fn kind_of_entity(operation: &str) -> &'static str {
    let kinds = [
        ("service principal", "Service Principal"),
        ("application", "Application"),
        ("device", "Device"),
        ("policy", "Policy"),
        ("domain", "Domain"),
        ("role", "Role"),
        ("ompany", "Organization"),
        ("DirSync", "Organization"),
    ];
    let found = kinds.into_iter().find(|(word, _)| operation.contains(word));
    found.map_or("", |(_, kind)| kind)
}

/// An item of `ModifiedProperties`; its values are mostly JSON text.
struct Change<'a> {
    name: Text<'a>,
    new: Option<Text<'a>>,
    old: Option<Text<'a>>,
}

impl<'a> Change<'a> {
    /// The value that says something: what was removed is among the old ones.
    fn value(&self) -> Option<Text<'a>> {
        let new = self.new.as_ref().and_then(|text| part(text, plain));
        new.or_else(|| self.old.as_ref().and_then(|text| part(text, plain)))
    }
}

fn modified<'a>(list: Slice<'a>, mut each: impl FnMut(Change<'a>)) {
    for item in items(list) {
        let (mut name, mut new, mut old) = (None, None, None);
        item.members(|key, value| match key.as_ref() {
            "Name" => name = filled(value),
            "NewValue" => new = filled(value),
            "OldValue" => old = filled(value),
            _ => {}
        });
        if let Some(name) = name {
            each(Change { name, new, old });
        }
    }
}

/// A value without the brackets and quotes of its JSON text; nothing is left of an empty one.
fn plain(text: &str) -> Option<&str> {
    let around = |letter: char| letter.is_whitespace() || matches!(letter, '[' | ']' | '"');
    let inner = text.trim_matches(around);
    (!inner.is_empty() && inner != "null").then_some(inner)
}

fn properties<'a>(event: &mut Event<'a>, change: &Change<'a>) {
    let Some(value) = change.value() else { return };
    let target = &mut event.target;
    let is_access = matches!(event.deed, Deed::Access(_));
    match change.name.as_ref() {
        "Role.DisplayName" | "AppRole.Value" if is_access => target.privileges.insert(0, value),
        // The name that the service itself uses, for roles that come without one.
        "Role.WellKnownObjectName" if is_access && target.privileges.is_empty() => {
            target.privileges.push(value);
        }
        "Role.ObjectID" if is_access => {
            target.resource.named.id = Some(value);
            target.resource.kind = Some(Cow::Borrowed("Role"));
        }
        "DelegatedPermissionGrant.Scope" | "ConsentAction.Permissions" => {
            scopes(&mut target.privileges, &value);
        }
        "ServicePrincipal.DisplayName" if is_access => target.entity.named.name = Some(value),
        "ServicePrincipal.ObjectID" if is_access => {
            target.entity.named.id = Some(value);
        }
        "User.UPN" => target.user.name = Some(value),
        "User.ObjectID" => target.user.id = Some(value),
        "Group.ObjectID" => target.group.id = Some(value),
        "Group.DisplayName" => target.group.name = Some(value),
        _ => {}
    }
    if target.user.is_named() && target.user.kind == PersonKind::Unknown {
        target.user.kind = PersonKind::User;
    }
}

/// Scopes stand side by side; consent tells them after `Scope:`, once for each grant before and after `=>`.
fn scopes(privileges: &mut Vec<Text<'_>>, value: &str) {
    let mut after = value;
    if let Some((_, new)) = after.split_once("=>") {
        after = new;
    }
    let lists: Vec<&str> = match after.contains("Scope:") {
        true => after.split("Scope:").skip(1).collect(),
        false => vec![after],
    };
    for list in lists {
        let end = list.find([',', ']', ';']).unwrap_or(list.len());
        for scope in list[..end].split_whitespace() {
            if privileges.len() < PRIVILEGES_MAX && !privileges.iter().any(|name| name == scope) {
                privileges.push(Cow::Owned(scope.to_string()));
            }
        }
    }
}

/// Microsoft Graph has some 700 permissions; the rest of a longer list stays in the record.
const PRIVILEGES_MAX: usize = 1000;

/// "Update user." says what it was by the properties that changed.
fn account_change(list: Slice<'_>) -> Deed {
    let mut verb = AccountVerb::Update;
    modified(list, |change| {
        let new = change.new.as_deref().and_then(plain);
        let old = change.old.as_deref().and_then(plain);
        match change.name.as_ref() {
            "AccountEnabled" => match new {
                Some("true" | "True") => verb = AccountVerb::Enable,
                Some("false" | "False") => verb = AccountVerb::Disable,
                _ => {}
            },
            "StrongAuthenticationMethod" | "StrongAuthenticationRequirement" => match (old, new) {
                (None, Some(_)) => verb = AccountVerb::MfaEnable,
                (Some(_), None) => verb = AccountVerb::MfaDisable,
                _ => {}
            },
            _ => {}
        }
    });
    Deed::Account(verb)
}
