//! Records of SharePoint and OneDrive: files (6), sharing (14), and what data loss prevention found in them (11).

use super::library::Place;
use super::people::People;
use super::records::{Deal, Frame, Oddity, Record, Scene, USER_AGENTS, open, push_ip, push_number};
use crate::chance::{Stream, push_guid};

pub fn document(record: &mut Record<'_>, scene: &Scene, oddity: Oddity) {
    let place = scene.place.unwrap_or(Place { drive: 0, item: 0 });
    let is_personal = record.tenant.library.owner(place.drive).is_some();
    let (operation, record_type) = match scene.deal {
        Deal::Sharing(operation) => (operation, 14),
        Deal::Dlp => ("DlpRuleMatch", 11),
        Deal::File(operation) => (operation, 6),
        _ => ("FileAccessed", 6),
    };
    let frame = Frame {
        operation,
        record_type,
        user_type: if scene.deal == Deal::Dlp { 4 } else { 0 },
        workload: if is_personal {
            "OneDrive"
        } else {
            "SharePoint"
        },
        result: None,
    };
    open(record, scene, &frame, oddity);
    record.with("ObjectId", |out, tenant, _| {
        tenant.push_audit_url(out, place)
    });
    if scene.deal == Deal::Dlp {
        policy_match(record, scene, place);
        return;
    }
    record.with("UserKey", |out, _, draws| {
        out.push_str("i:0h.f|membership|1003");
        push_number(out, draws.next() >> 24);
        out.push_str("@live.com");
    });
    if operation == "AnonymousLinkUsed" {
        record.plain("UserId", "anonymous");
    } else {
        record.upn("UserId", scene.actor);
    }
    record.with("ClientIP", |out, _, draws| push_ip(out, draws));
    record.guid("CorrelationId");
    record.plain("EventSource", "SharePoint");
    record.plain(
        "ItemType",
        if record.tenant.library.is_folder(place) {
            "Folder"
        } else {
            "File"
        },
    );
    let seed = record.tenant.seed;
    record.with("Site", |out, _, _| {
        push_guid(out, seed, Stream::Site, place.drive)
    });
    record.with("WebId", |out, _, _| {
        push_guid(out, seed, Stream::Web, place.drive)
    });
    record.guid("ListId");
    record.guid("ListItemUniqueId");
    let agent = record.draws.pick(&USER_AGENTS);
    record.plain("UserAgent", agent);
    record.raw("HighPriorityMediaProcessing", "false");
    record.with("SourceFileName", |out, tenant, _| {
        tenant.library.push_name(out, place)
    });
    record.plain(
        "SourceFileExtension",
        record.tenant.library.extension(place).0,
    );
    // File records end the site's address with a slash, sharing records do not.
    let is_sharing = matches!(scene.deal, Deal::Sharing(_));
    record.with("SiteUrl", |out, tenant, _| {
        tenant.push_site_url(out, place.drive);
        out.push_str(if is_sharing { "" } else { "/" });
    });
    record.with("SourceRelativeUrl", |out, tenant, _| {
        out.push_str(tenant.library.library_name(place.drive));
        out.push('/');
        tenant.library.push_folders(out, place);
        if is_sharing {
            tenant.library.push_name(out, place);
        } else {
            out.pop();
        }
    });
    if is_sharing {
        target(record, scene, operation);
    } else {
        record.with("FileSizeBytes", |out, _, draws| {
            push_number(out, 1000 + draws.below(5_000_000))
        });
    }
    record.access_context();
}

/// Whom something was shared with. `EventData` is loose markup whose tag names may contain spaces.
fn target(record: &mut Record<'_>, scene: &Scene, operation: &str) {
    record.guid("UniqueSharingId");
    let people: &People = &record.tenant.people;
    let (kind, markup) = match operation {
        // One anonymous link is two records, of which the first names a group that nobody made.
        "SharingSet" if scene.other == u64::MAX => (
            "SecurityGroup",
            "<Permissions granted>System.LimitedView</Permissions granted>",
        ),
        "SharingSet" | "SharingRevoked" if people.is_guest(scene.other) => (
            "Guest",
            "<Permissions granted>Contribute</Permissions granted>",
        ),
        "SharingSet" | "SharingRevoked" => (
            "Member",
            "<Permissions granted>System.LimitedEdit</Permissions granted>",
        ),
        "AnonymousLinkCreated" | "AnonymousLinkUsed" => ("", "<Type>View</Type>"),
        "CompanyLinkCreated" => ("", "<Type>Edit</Type>"),
        _ => (
            "Guest",
            "<Type>Edit</Type><Invitation sent>True</Invitation sent>",
        ),
    };
    record.plain("EventData", markup);
    if kind.is_empty() {
        return;
    }
    record.plain("TargetUserOrGroupType", kind);
    record.with("TargetUserOrGroupName", |out, tenant, draws| match kind {
        "SecurityGroup" => {
            out.push_str("SharingLinks.");
            push_number(out, draws.next());
            out.push_str(".AnonymousView.");
            push_number(out, draws.next() >> 20);
        }
        "Guest" if !tenant.people.is_guest(scene.other) => {
            out.push_str(&tenant.people.stranger(scene.other));
        }
        _ => tenant.people.push_upn(out, scene.other),
    });
}

fn policy_match(record: &mut Record<'_>, scene: &Scene, place: Place) {
    record.plain("UserKey", "DlpAgent");
    record.plain("UserId", "DlpAgent");
    record.guid("IncidentId");
    record.raw(
        "PolicyDetails",
        r#"[{"PolicyName":"Payment cards","Rules":[{"RuleName":"Cards sent out","Severity":"High","ConditionsMatched":{"SensitiveInformation":[{"Count":3,"Confidence":85,"SensitiveType":"50842eb7-edc8-4019-85dd-5a5c1f2bb085"}]}}]}]"#,
    );
    record.raw("SharePointMetaData", "{\"IsViewableByExternalUsers\":false");
    record.upn("From", scene.actor);
    record.with("FilePathUrl", |out, tenant, _| {
        tenant.push_audit_url(out, place)
    });
    record.with("SiteCollectionUrl", |out, tenant, _| {
        tenant.push_site_url(out, place.drive)
    });
    record.with("FileName", |out, tenant, _| {
        tenant.library.push_name(out, place)
    });
    record.guid("UniqueID");
    record.out.push('}');
    record.access_context();
}
