//! The members of one audit record, each found once: those with a meaning by number, the others as they came.

use std::borrow::Cow;
use std::collections::BTreeSet;

use casbah_model::event::{Text, Value};

use crate::scan::{self, NotJson, Slice};

/// Members whose meaning is known (Management Activity API schema), in the order of `NAMES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    AADGroupId,
    Actor,
    ActorContextId,
    ActorIpAddress,
    AffectedItems,
    AlertId,
    AppAccessContext,
    AppId,
    ApplicationDisplayName,
    ApplicationId,
    Category,
    ChannelGuid,
    ChannelName,
    Client,
    ClientAppId,
    ClientAppName,
    ClientIP,
    ClientIPAddress,
    ClientInfoString,
    CorrelationId,
    CreationTime,
    DashboardName,
    DatasetName,
    DestinationFileExtension,
    DestinationFileName,
    DestinationRelativeUrl,
    DeviceProperties,
    EndpointMetaData,
    ErrorCode,
    ErrorNumber,
    EventData,
    ExchangeMetaData,
    ExtendedProperties,
    FileSizeBytes,
    FormId,
    FormName,
    Id,
    IncidentId,
    InterSystemsId,
    Item,
    ItemName,
    ItemType,
    ListId,
    ListItemUniqueId,
    ListTitle,
    LogonError,
    MailboxGuid,
    MailboxOwnerUPN,
    Members,
    MessageId,
    ModifiedProperties,
    Name,
    ObjectId,
    Operation,
    OrganizationId,
    Parameters,
    PolicyDetails,
    PolicyId,
    PolicyName,
    RecordType,
    ReportId,
    ReportName,
    ResultStatus,
    SensitivityLabelId,
    SessionId,
    Severity,
    SharePointMetaData,
    Site,
    SiteUrl,
    SourceFileExtension,
    SourceFileName,
    Status,
    Target,
    TargetContextId,
    TargetUserOrGroupName,
    TargetUserOrGroupType,
    TeamGuid,
    TeamName,
    UserAgent,
    UserId,
    UserKey,
    UserType,
    Version,
    WorkSpaceName,
    Workload,
}

const NAMES: [&str; FIELDS] = [
    "AADGroupId",
    "Actor",
    "ActorContextId",
    "ActorIpAddress",
    "AffectedItems",
    "AlertId",
    "AppAccessContext",
    "AppId",
    "ApplicationDisplayName",
    "ApplicationId",
    "Category",
    "ChannelGuid",
    "ChannelName",
    "Client",
    "ClientAppId",
    "ClientAppName",
    "ClientIP",
    "ClientIPAddress",
    "ClientInfoString",
    "CorrelationId",
    "CreationTime",
    "DashboardName",
    "DatasetName",
    "DestinationFileExtension",
    "DestinationFileName",
    "DestinationRelativeUrl",
    "DeviceProperties",
    "EndpointMetaData",
    "ErrorCode",
    "ErrorNumber",
    "EventData",
    "ExchangeMetaData",
    "ExtendedProperties",
    "FileSizeBytes",
    "FormId",
    "FormName",
    "Id",
    "IncidentId",
    "InterSystemsId",
    "Item",
    "ItemName",
    "ItemType",
    "ListId",
    "ListItemUniqueId",
    "ListTitle",
    "LogonError",
    "MailboxGuid",
    "MailboxOwnerUPN",
    "Members",
    "MessageId",
    "ModifiedProperties",
    "Name",
    "ObjectId",
    "Operation",
    "OrganizationId",
    "Parameters",
    "PolicyDetails",
    "PolicyId",
    "PolicyName",
    "RecordType",
    "ReportId",
    "ReportName",
    "ResultStatus",
    "SensitivityLabelId",
    "SessionId",
    "Severity",
    "SharePointMetaData",
    "Site",
    "SiteUrl",
    "SourceFileExtension",
    "SourceFileName",
    "Status",
    "Target",
    "TargetContextId",
    "TargetUserOrGroupName",
    "TargetUserOrGroupType",
    "TeamGuid",
    "TeamName",
    "UserAgent",
    "UserId",
    "UserKey",
    "UserType",
    "Version",
    "WorkSpaceName",
    "Workload",
];
const FIELDS: usize = 85;

/// Places of the names by their hash, with free ones between them: made by the compiler.
static PLACES: [u8; PLACES_LENGTH] = places();
const PLACES_LENGTH: usize = 512;
const FREE: u8 = u8::MAX;

const fn hash(name: &[u8]) -> usize {
    let length = name.len();
    if length == 0 {
        return 0;
    }
    let (first, middle, last) = (name[0], name[length / 2], name[length - 1]);
    (length * 7 + first as usize * 31 + middle as usize * 131 + last as usize * 17) % PLACES_LENGTH
}

const fn places() -> [u8; PLACES_LENGTH] {
    let mut places = [FREE; PLACES_LENGTH];
    let mut number = 0;
    while number < FIELDS {
        let mut at = hash(NAMES[number].as_bytes());
        while places[at] != FREE {
            at = (at + 1) % PLACES_LENGTH;
        }
        places[at] = number as u8;
        number += 1;
    }
    places
}

/// Looks for a name from the place of its hash on.
fn number_of(name: &str, mut at: usize) -> Option<usize> {
    while PLACES[at] != FREE {
        let number = usize::from(PLACES[at]);
        if NAMES[number] == name {
            return Some(number);
        }
        at = (at + 1) % PLACES_LENGTH;
    }
    None
}

pub(super) struct Record<'a> {
    slices: [Slice<'a>; FIELDS],
    /// Bits of the members that have found their place in the event.
    taken: u128,
    others: Vec<(Text<'a>, Slice<'a>)>,
    /// Bits of the hashes of `others`.
    hashes: [u64; PLACES_LENGTH / 64],
    /// Whether two of `others` may have the same name.
    has_repeats: bool,
    is_plain: bool,
}

impl<'a> Record<'a> {
    /// A record of which nothing was read yet. It has kilobytes, so it stays where it is.
    pub(super) fn empty() -> Record<'a> {
        Record {
            slices: [Slice::default(); FIELDS],
            taken: 0,
            others: Vec::new(),
            hashes: [0; PLACES_LENGTH / 64],
            has_repeats: false,
            is_plain: true,
        }
    }

    /// Reads the members of a record.
    pub(super) fn read(&mut self, raw: &'a [u8]) -> Result<(), NotJson> {
        let text = std::str::from_utf8(raw).map_err(|_| NotJson)?;
        self.others.reserve(24);
        scan::members(text, |name, slice| {
            self.is_plain &= matches!(name, Cow::Borrowed(_));
            let place = hash(name.as_bytes());
            match number_of(&name, place) {
                // A field that comes twice: the last one holds, as everywhere else in JSON.
                Some(number) => {
                    let before = std::mem::replace(&mut self.slices[number], slice);
                    self.is_plain &= before.json.is_empty();
                }
                None => {
                    let (word, bit) = (&mut self.hashes[place / 64], 1 << (place % 64));
                    self.has_repeats |= *word & bit != 0;
                    *word |= bit;
                    self.others.push((name, slice));
                }
            }
        })
    }

    /// Whether all readers of JSON see the same in it: no name has escapes, and none that is known comes twice.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// A member that stays among the unmapped.
    pub(super) fn peek(&self, field: Field) -> Slice<'a> {
        self.slices[field as usize]
    }

    /// A member that has its place now.
    pub(super) fn take(&mut self, field: Field) -> Slice<'a> {
        self.taken |= 1 << field as u32;
        self.peek(field)
    }

    /// Takes a text that is not empty; anything else stays.
    pub(super) fn text(&mut self, field: Field) -> Option<Text<'a>> {
        let text = self.peek(field).text().filter(|text| !text.is_empty())?;
        self.take(field);
        Some(text)
    }

    /// Takes a text or a number as text.
    pub(super) fn scalar(&mut self, field: Field) -> Option<Text<'a>> {
        let text = self.peek(field).scalar().filter(|text| !text.is_empty())?;
        self.take(field);
        Some(text)
    }

    pub(super) fn number(&mut self, field: Field) -> Option<i64> {
        let number = self.peek(field).number()?;
        self.take(field);
        Some(number)
    }

    /// What nobody took; what says nothing is left out.
    pub(super) fn unmapped(&mut self) -> Vec<(Text<'a>, Value<'a>)> {
        let others = std::mem::take(&mut self.others);
        let mut unmapped = match self.has_repeats {
            true => once_each(others),
            false => {
                let mut all = Vec::with_capacity(others.len() + LEFT);
                let others = others.into_iter();
                all.extend(others.filter(|(_, slice)| !slice.is_empty()).map(kept));
                all
            }
        };
        let known = NAMES.iter().zip(&self.slices).enumerate();
        let left = known.filter(|(number, _)| self.taken & (1 << number) == 0);
        let left = left.map(|(_, (name, slice))| (Cow::Borrowed(*name), *slice));
        unmapped.extend(left.filter(|(_, slice)| !slice.is_empty()).map(kept));
        unmapped
    }
}

fn kept<'a>((name, slice): (Text<'a>, Slice<'a>)) -> (Text<'a>, Value<'a>) {
    let value = match slice.is_odd {
        true => Value::Text(Cow::Borrowed(slice.json)),
        false => Value::Json(slice.json),
    };
    (name, value)
}

/// Up to here every name is compared with every other, which is faster than any set.
const FEW: usize = 64;

/// Known members that found no place in the event: about as many.
const LEFT: usize = 12;

/// The last of each name.
fn once_each<'a>(members: Vec<(Text<'a>, Slice<'a>)>) -> Vec<(Text<'a>, Value<'a>)> {
    let mut unmapped = Vec::with_capacity(members.len() + LEFT);
    if members.len() <= FEW {
        for (place, (name, slice)) in members.iter().enumerate() {
            let is_last = members[place + 1..].iter().all(|(later, _)| later != name);
            if is_last && !slice.is_empty() {
                unmapped.push(kept((name.clone(), *slice)));
            }
        }
        return unmapped;
    }
    let mut seen = BTreeSet::new();
    for (name, slice) in members.into_iter().rev() {
        if seen.insert(name.clone()) && !slice.is_empty() {
            unmapped.push(kept((name, slice)));
        }
    }
    unmapped.reverse();
    unmapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for (number, name) in NAMES.iter().enumerate() {
            assert_eq!(number_of(name, hash(name.as_bytes())), Some(number));
        }
        assert_eq!(
            format!("{:?}", Field::Workload),
            NAMES[Field::Workload as usize]
        );
        assert_eq!(Field::Workload as usize, FIELDS - 1);
        assert_eq!(format!("{:?}", Field::Item), NAMES[Field::Item as usize]);
        let found = ["", "workload"].map(|name| number_of(name, hash(name.as_bytes())));
        assert_eq!(found, [None, None]);
    }

    #[test]
    fn the_last_of_a_name_holds_however_many_there_are() {
        for count in [2, 1000] {
            let members = (0..count).map(|at| format!("\"x{}\":{at}", at % (count / 2)));
            let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            let mut record = Record::empty();
            record.read(text.as_bytes()).expect("a record");
            let unmapped = record.unmapped();
            assert_eq!(unmapped.len(), count / 2);
            assert_eq!(unmapped[0].1, Value::Json(&(count / 2).to_string()));
        }
    }
}
