//! Records of Exchange: cmdlets (1) and mailboxes (2, 50); and those of the General feed.

use super::records::{Deal, Frame, Oddity, Record, Scene, open, push_ip, push_number};
use crate::chance::{Stream, push_guid, push_guid_bits};

const SYSTEM: &str = r"NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)";
const ORGANIZATION: &str = "contoso.onmicrosoft.com";

/// Most cmdlets are Microsoft's own, with UserType 3.
pub fn cmdlet(record: &mut Record<'_>, scene: &Scene, oddity: Oddity) {
    let mut draws = record.draws.clone();
    let is_system = scene.deal == Deal::SystemCmdlet;
    let operation = match scene.deal {
        Deal::SystemCmdlet => draws.pick(&[
            "Set-Mailbox",
            "Set-MailboxPlan",
            "Set-User",
            "Set-TransportConfig",
        ]),
        Deal::InboxRule => "New-InboxRule",
        _ => draws.pick(&[
            "Add-MailboxPermission",
            "New-TransportRule",
            "Set-Mailbox",
            "Add-RoleGroupMember",
        ]),
    };
    let frame = Frame {
        operation,
        record_type: 1,
        user_type: if is_system { 3 } else { 2 },
        workload: "Exchange",
        result: Some("True"),
    };
    open(record, scene, &frame, oddity);
    if is_system {
        record.plain("UserKey", SYSTEM);
        record.plain("UserId", SYSTEM);
    } else {
        record.upn("UserKey", scene.actor);
        record.upn("UserId", scene.actor);
        // Exchange writes addresses with their port.
        record.with("ClientIP", |out, _, draws| {
            let mut ip = String::new();
            push_ip(&mut ip, draws);
            let ip = if ip.contains(':') {
                format!("[{ip}]")
            } else {
                ip
            };
            out.push_str(&ip);
            out.push(':');
            push_number(out, 40_000 + draws.below(20_000));
        });
    }
    record.with("ObjectId", |out, tenant, _| {
        out.push_str(r"EURPR01A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/");
        out.push_str(ORGANIZATION);
        out.push('/');
        tenant.people.push_upn(out, scene.other);
    });
    record.plain("AppId", "");
    record.plain("ClientAppId", "");
    record.raw("ExternalAccess", if is_system { "true" } else { "false" });
    record.plain("OrganizationName", ORGANIZATION);
    record.plain("OriginatingServer", r"AM0PR01MB1234 (15.20.9115.019)\r\n");
    record.raw("Parameters", "[{\"Name\":\"Identity\",\"Value\":\"");
    record.tenant.people.push_upn(record.out, scene.other);
    record.out.push_str("\"}");
    let parameters: &[(&str, &str)] = match scene.deal {
        Deal::InboxRule => &[
            ("Name", "."),
            ("ForwardTo", "collector@adatum.com"),
            ("DeleteMessage", "True"),
            ("StopProcessingRules", "True"),
        ],
        Deal::AdminCmdlet => &[("User", "Helpdesk"), ("AccessRights", "FullAccess")],
        _ => &[
            ("RecoverableItemsQuota", "30 GB (32,212,254,720 bytes)"),
            (
                "RecoverableItemsWarningQuota",
                "20 GB (21,474,836,480 bytes)",
            ),
            ("ProhibitSendQuota", "99 GB (106,300,440,576 bytes)"),
            ("ProhibitSendReceiveQuota", "100 GB (107,374,182,400 bytes)"),
            ("UseDatabaseQuotaDefaults", "False"),
            ("UseDatabaseRetentionDefaults", "False"),
            ("DomainController", ""),
        ],
    };
    for (name, value) in parameters {
        for part in [",{\"Name\":\"", name, "\",\"Value\":\"", value, "\"}"] {
            record.out.push_str(part);
        }
    }
    record.out.push(']');
}

pub fn mailbox(record: &mut Record<'_>, scene: &Scene, oddity: Oddity) {
    let (operation, record_type) = match scene.deal {
        Deal::MailItemsAccessed => ("MailItemsAccessed", 50),
        Deal::Mailbox(operation) => (operation, 2),
        _ => ("Send", 2),
    };
    let frame = Frame {
        operation,
        record_type,
        user_type: 0,
        workload: "Exchange",
        result: Some("Succeeded"),
    };
    open(record, scene, &frame, oddity);
    record.with("UserKey", |out, _, draws| {
        out.push_str("1003");
        push_number(out, draws.next() >> 24);
    });
    record.upn("UserId", scene.actor);
    record.with("ClientIPAddress", |out, _, draws| push_ip(out, draws));
    record.plain("ClientInfoString", "Client=REST;Client=RESTSystem;;");
    record.raw("ExternalAccess", "false");
    record.raw("InternalLogonType", "0");
    record.raw("LogonType", "0");
    record.guid("AppId");
    record.guid("ClientAppId");
    record.guid("MailboxGuid");
    record.guid("SessionId");
    record.upn("MailboxOwnerUPN", scene.actor);
    record.plain(
        "MailboxOwnerSid",
        "S-1-5-21-1004336348-1177238915-682003330-512",
    );
    record.plain("OrganizationName", ORGANIZATION);
    record.plain("OriginatingServer", r"AM0PR01MB1234 (15.20.9115.019)\r\n");
    record.raw(
        "OperationProperties",
        r#"[{"Name":"MailAccessType","Value":"Bind"},{"Name":"IsThrottled","Value":"False"}]"#,
    );
    let items = 1 + record.draws.below(6);
    record.raw("Folders", r#"[{"Path":"\\Inbox","FolderItems":["#);
    for item in 0..items {
        record.out.push_str(if item == 0 {
            "{\"InternetMessageId\":\"<"
        } else {
            ",{\"InternetMessageId\":\"<"
        });
        push_guid_bits(record.out, record.draws.next(), record.draws.next());
        record.out.push_str("@contoso.com>\"}");
    }
    record.out.push_str("]}]");
    record.with("OperationCount", |out, _, _| push_number(out, items));
}

/// Teams (25), alerts (40), Power BI (20), and a type that no table lists.
pub fn general(record: &mut Record<'_>, scene: &Scene, oddity: Oddity) {
    let (operation, record_type, workload) = match scene.deal {
        Deal::Team(operation) => (operation, 25, "MicrosoftTeams"),
        Deal::Alert => ("AlertTriggered", 40, "SecurityComplianceCenter"),
        Deal::PowerBi => ("ViewReport", 20, "PowerBI"),
        _ => ("HologramProjected", 9001, "Holograms"),
    };
    let result = (scene.deal == Deal::Alert).then_some("Succeeded");
    let frame = Frame {
        operation,
        record_type,
        user_type: 0,
        workload,
        result,
    };
    open(record, scene, &frame, oddity);
    let seed = record.tenant.seed;
    record.with("UserKey", |out, _, _| {
        push_guid(out, seed, Stream::User, scene.actor)
    });
    record.upn("UserId", scene.actor);
    // Unknown records may carry null where an address is expected.
    match scene.deal {
        Deal::Unknown => record.raw("ClientIP", "null"),
        _ => record.with("ClientIP", |out, _, draws| push_ip(out, draws)),
    }
    match scene.deal {
        Deal::Team(_) => {
            let group = record.draws.below(record.tenant.groups.count);
            record.plain("CommunicationType", "Team");
            record.guid("TeamGuid");
            record.text("TeamName", &record.tenant.groups.group(group).name);
            record.text("AADGroupId", &record.tenant.groups.id(group));
            record.raw("Members", "[{\"Role\":1");
            record.upn("UPN", scene.other);
            record.upn("DisplayName", scene.other);
            record.out.push_str("}]");
        }
        Deal::Alert => {
            record.guid("AlertId");
            record.plain("Severity", "Low");
            record.plain("Name", "Unusual volume of file deletion");
            record.plain(
                "Data",
                r#"{\"etype\":\"User\",\"eid\":\"someone\",\"op\":\"Delete\"}"#,
            );
        }
        Deal::PowerBi => {
            record.plain("ItemName", "Sales overview");
            record.plain("WorkSpaceName", "Finance");
            record.guid("ReportId");
            record.guid("RequestId");
        }
        _ => {
            record.raw(
                "Beam",
                r#"{"Watts":4,"Targets":[1,2,3],"Label":"Meeting room"}"#,
            );
        }
    }
    record.access_context(scene);
    for name in ["ActivityId", "TraceId", "CorrelationId", "ClientRegion"] {
        record.guid(name);
    }
    record.plain("UserAgent", super::records::USER_AGENTS[0]);
}
