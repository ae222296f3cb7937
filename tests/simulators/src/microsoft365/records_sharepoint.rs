//! Records of SharePoint and OneDrive: files (6), sharing (14), and what data loss prevention found in them (11).

use super::library::Place;
use super::people::People;
use super::records::{
    APPLICATION, Deal, Frame, Oddity, Record, Scene, Told, USER_AGENTS, open, push_ip, push_number,
};
use super::tenant::Tenant;
use crate::chance::{Stream, push_guid};

pub fn document(record: &mut Record<'_>, scene: &Scene, told: Option<&Told>, oddity: Oddity) {
    let place = scene.place.unwrap_or(Place { drive: 0, item: 0 });
    let is_personal = record.tenant.library.owner(place.drive).is_some();
    let (operation, record_type) = match scene.deal {
        Deal::Sharing(operation) => (operation, 14),
        Deal::Dlp => ("DlpRuleMatch", 11),
        Deal::File(operation) if operation.starts_with("FileSensitivityLabel") => (operation, 83),
        Deal::File(operation) => (operation, 6),
        _ => ("FileAccessed", 6),
    };
    let frame = Frame {
        operation,
        record_type,
        user_type: match (scene.deal, scene.actor) {
            (Deal::Dlp, _) => 4,
            (_, APPLICATION) => 5,
            _ => 0,
        },
        workload: if is_personal {
            "OneDrive"
        } else {
            "SharePoint"
        },
        result: None,
    };
    open(record, scene, &frame, oddity);
    let item = &Item { place, told };
    record.with("ObjectId", |out, tenant, _| item.push_url(out, tenant));
    if scene.deal == Deal::Dlp {
        policy_match(record, scene, item);
        return;
    }
    actor(record, scene);
    record.with("ClientIP", |out, _, draws| push_ip(out, draws));
    record.guid("CorrelationId");
    record.plain("EventSource", "SharePoint");
    record.plain(
        "ItemType",
        if item.is_folder(record.tenant) {
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
        item.push_name(out, tenant)
    });
    record.plain("SourceFileExtension", item.extension(record.tenant));
    // File records end the site's address with a slash, sharing records do not.
    let is_sharing = matches!(scene.deal, Deal::Sharing(_));
    record.with("SiteUrl", |out, tenant, _| {
        tenant.push_site_url(out, place.drive);
        out.push_str(if is_sharing { "" } else { "/" });
    });
    record.with("SourceRelativeUrl", |out, tenant, _| {
        out.push_str(tenant.library.library_name(place.drive));
        out.push('/');
        item.push_folders(out, tenant);
        if is_sharing {
            item.push_name(out, tenant);
        } else {
            out.pop();
        }
    });
    if is_sharing {
        target(record, scene, told, operation);
    } else {
        destination(record, item);
        record.with("FileSizeBytes", |out, _, draws| {
            push_number(out, 1000 + draws.below(5_000_000))
        });
    }
    record.access_context(scene);
}

/// An item as it was called at that time.
struct Item<'a> {
    place: Place,
    told: Option<&'a Told>,
}

impl Item<'_> {
    fn is_folder(&self, tenant: &Tenant) -> bool {
        match self.told {
            Some(told) => told.is_folder,
            None => tenant.library.is_folder(self.place),
        }
    }

    fn push_name(&self, out: &mut String, tenant: &Tenant) {
        match self.told {
            Some(told) => out.push_str(&told.name),
            None => tenant.library.push_name(out, self.place),
        }
    }

    fn push_folders(&self, out: &mut String, tenant: &Tenant) {
        match self.told {
            Some(told) => out.push_str(&told.folders),
            None => tenant.library.push_folders(out, self.place),
        }
    }

    fn extension(&self, tenant: &Tenant) -> &str {
        match self.told {
            Some(told) => extension(&told.name),
            None => tenant.library.extension(self.place),
        }
    }

    /// The address of an item, with plain spaces.
    fn push_url(&self, out: &mut String, tenant: &Tenant) {
        tenant.push_library_url(out, self.place.drive);
        if self.place.item > 0 {
            out.push('/');
            self.push_folders(out, tenant);
            self.push_name(out, tenant);
        }
    }
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Applications act under a name of SharePoint's, and tell their id.
fn actor(record: &mut Record<'_>, scene: &Scene) {
    if scene.actor == APPLICATION {
        let client = &record.tenant.client_id;
        record.plain("UserKey", "app@sharepoint");
        record.plain("UserId", "app@sharepoint");
        record.plain("ApplicationId", client);
        return;
    }
    record.with("UserKey", |out, _, draws| {
        out.push_str("i:0h.f|membership|1003");
        push_number(out, draws.next() >> 24);
        out.push_str("@live.com");
    });
    match scene.deal {
        Deal::Sharing("AnonymousLinkUsed") => record.plain("UserId", "anonymous"),
        _ => record.upn("UserId", scene.actor),
    }
}

/// Where an item was moved or copied to, or what it is called since.
fn destination(record: &mut Record<'_>, item: &Item<'_>) {
    let Some(to) = item.told.and_then(|told| told.moved_to.as_ref()) else {
        return;
    };
    record.with("DestinationRelativeUrl", |out, tenant, _| {
        out.push_str(tenant.library.library_name(to.drive));
        out.push('/');
        out.push_str(&to.folders);
        out.pop();
    });
    record.plain("DestinationFileName", &to.name);
    record.plain("DestinationFileExtension", extension(&to.name));
}

/// Whom something was shared with. `EventData` is loose markup whose tag names may contain spaces.
fn target(record: &mut Record<'_>, scene: &Scene, told: Option<&Told>, operation: &str) {
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
        "AnonymousLinkCreated"
        | "AnonymousLinkUsed"
        | "AnonymousLinkUpdated"
        | "AnonymousLinkRemoved" => ("", "<Type>View</Type>"),
        "CompanyLinkCreated" | "CompanyLinkRemoved" | "SecureLinkDeleted" => {
            ("", "<Type>Edit</Type>")
        }
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
    if let Some(target) = told.and_then(|told| told.target.as_deref()) {
        record.text("TargetUserOrGroupName", target);
        return;
    }
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

fn policy_match(record: &mut Record<'_>, scene: &Scene, item: &Item<'_>) {
    record.plain("UserKey", "DlpAgent");
    record.plain("UserId", "DlpAgent");
    record.guid("IncidentId");
    record.raw(
        "PolicyDetails",
        r#"[{"PolicyName":"Payment cards","Rules":[{"RuleName":"Cards sent out","Severity":"High","ConditionsMatched":{"SensitiveInformation":[{"Count":3,"Confidence":85,"SensitiveType":"50842eb7-edc8-4019-85dd-5a5c1f2bb085"}]}}]}]"#,
    );
    record.raw("SharePointMetaData", "{\"IsViewableByExternalUsers\":false");
    record.upn("From", scene.actor);
    record.with("FilePathUrl", |out, tenant, _| item.push_url(out, tenant));
    record.with("SiteCollectionUrl", |out, tenant, _| {
        tenant.push_site_url(out, item.place.drive)
    });
    record.with("FileName", |out, tenant, _| item.push_name(out, tenant));
    record.guid("UniqueID");
    record.out.push('}');
    record.access_context(scene);
}
