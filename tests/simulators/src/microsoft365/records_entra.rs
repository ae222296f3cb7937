//! Records of Entra: sign-ins (15) and directory changes (8).

use super::apps::{App, FIXED};
use super::records::{Deal, Frame, Oddity, Record, Scene, USER_AGENTS, open, push_ip};
use super::roles::ROLES;
use crate::chance::{Draws, Stream, push_guid};
use crate::json::{object, text};

/// Success is the operation, never ResultStatus: many failures carry `Success` there as well.
pub fn sign_in(record: &mut Record<'_>, scene: &Scene, oddity: Oddity) {
    let is_failed = scene.deal == Deal::FailedSignIn;
    let mut draws = record.draws.clone();
    let result = if is_failed && draws.below(3) == 0 {
        "Failed"
    } else {
        "Success"
    };
    let frame = Frame {
        operation: if is_failed {
            "UserLoginFailed"
        } else {
            "UserLoggedIn"
        },
        record_type: 15,
        user_type: if record.tenant.people.is_guest(scene.actor) {
            10
        } else {
            0
        },
        workload: "AzureActiveDirectory",
        result: Some(result),
    };
    open(record, scene, &frame, oddity);
    let mut ip = String::with_capacity(40);
    push_ip(&mut ip, &mut draws);
    let seed = record.tenant.seed;
    let push_actor = |out: &mut String| push_guid(out, seed, Stream::User, scene.actor);
    record.with("UserKey", |out, _, _| push_actor(out));
    record.plain("ClientIP", &ip);
    record.guid("ObjectId");
    record.upn("UserId", scene.actor);
    record.raw("AzureActiveDirectoryEventType", "1");
    let request = match scene.deal {
        Deal::SilentSignIn => "OAuth2:Token",
        _ => draws.pick(&["OAuth2:Authorize", "Login:login", "Login:reprocess"]),
    };
    record.raw(
        "ExtendedProperties",
        "[{\"Name\":\"ResultStatusDetail\",\"Value\":\"Success\"}",
    );
    for (name, value) in [
        ("UserAgent", draws.pick(&USER_AGENTS)),
        ("UserAuthenticationMethod", "1"),
        ("RequestType", request),
    ] {
        for part in [",{\"Name\":\"", name, "\",\"Value\":\"", value, "\"}"] {
            record.out.push_str(part);
        }
    }
    record.out.push(']');
    record.raw("ModifiedProperties", "[]");
    record.raw("Actor", "[{\"ID\":\"");
    push_actor(record.out);
    record.out.push_str("\",\"Type\":0},{\"ID\":\"");
    record.tenant.people.push_upn(record.out, scene.actor);
    record.out.push_str("\",\"Type\":5}]");
    record.with("ActorContextId", |out, tenant, _| {
        out.push_str(&tenant.tenant_id)
    });
    record.plain("ActorIpAddress", &ip);
    record.guid("InterSystemsId");
    record.guid("IntraSystemId");
    record.plain("SupportTicketId", "");
    record.raw("Target", "[{\"Type\":0");
    record.guid("ID");
    record.out.push_str("}]");
    record.with("TargetContextId", |out, tenant, _| {
        out.push_str(&tenant.tenant_id)
    });
    record.with("ApplicationId", |out, tenant, draws| {
        let (draw, _) = (draws.next(), draws.next());
        let customers = tenant.apps.count - FIXED;
        out.push_str(&tenant.apps.app(FIXED + draw % customers).app_id);
    });
    record.raw(
        "DeviceProperties",
        r#"[{"Name":"OS","Value":"Windows 10"},{"Name":"BrowserType","Value":"Edge"},{"Name":"IsCompliantAndManaged","Value":"False"}]"#,
    );
    close_sign_in(record, is_failed, &mut draws);
}

/// The error's field is ErrorNumber in older records and ErrorCode in the schema of today.
fn close_sign_in(record: &mut Record<'_>, is_failed: bool, draws: &mut Draws) {
    let (number, error) = match (is_failed, draws.below(3)) {
        (false, _) => ("0", None),
        (true, 0) => ("50126", Some("InvalidUserNameOrPassword")),
        (true, 1) => ("50053", Some("IdsLocked")),
        (true, _) => ("50058", Some("UserInformationNotProvided")),
    };
    let name = if draws.below(4) == 0 {
        "ErrorCode"
    } else {
        "ErrorNumber"
    };
    record.plain(name, number);
    if let Some(error) = error {
        record.plain("LogonError", error);
    }
}

pub fn directory(record: &mut Record<'_>, scene: &Scene, oddity: Oddity) {
    let operation = match scene.deal {
        Deal::AddMemberToRole => "Add member to role.",
        Deal::Consent => "Consent to application.",
        Deal::Directory(operation) => operation,
        _ => "Update user.",
    };
    let frame = Frame {
        operation,
        record_type: 8,
        user_type: 0,
        workload: "AzureActiveDirectory",
        result: Some("Success"),
    };
    open(record, scene, &frame, oddity);
    let seed = record.tenant.seed;
    let mut draws = record.draws.clone();
    record.with("UserKey", |out, _, _| {
        push_guid(out, seed, Stream::User, scene.actor);
        out.push_str("@contoso.com");
    });
    // Most directory records have no address.
    if draws.below(4) == 0 {
        record.with("ClientIP", |out, _, draws| push_ip(out, draws));
    }
    // Where an application was the target, its number is drawn from the other user's.
    let app = is_about_app(scene.deal).then(|| {
        record
            .tenant
            .apps
            .app(scene.other % record.tenant.apps.count)
    });
    match &app {
        Some(app) => record.plain("ObjectId", &app.app_id),
        None => record.upn("ObjectId", scene.other),
    }
    record.upn("UserId", scene.actor);
    record.raw("AzureActiveDirectoryEventType", "1");
    record.raw(
        "ExtendedProperties",
        r#"[{"Name":"additionalDetails","Value":"{\"User-Agent\":\"Mozilla/5.0 (Windows NT 10.0; Win64; x64)\"}"},{"Name":"extendedAuditEventCategory","Value":"User"}]"#,
    );
    record.raw("ModifiedProperties", &modified(record, scene, &mut draws));
    push_user_ids(record, "Actor", scene.actor);
    match app {
        Some(app) => push_app_ids(record, &app),
        None => push_user_ids(record, "Target", scene.other),
    }
    for name in ["ActorContextId", "TargetContextId"] {
        record.with(name, |out, tenant, _| out.push_str(&tenant.tenant_id));
    }
    record.guid("InterSystemsId");
    record.guid("IntraSystemId");
    record.plain("SupportTicketId", "");
}

fn is_about_app(deal: Deal) -> bool {
    match deal {
        Deal::Consent => true,
        Deal::Directory(operation) => {
            operation.contains("application") || operation.contains("service principal")
        }
        _ => false,
    }
}

/// Types: 5 is a principal name, 2 an object id or a text made of one (schema, "IdentityTypeValuePair").
fn push_user_ids(record: &mut Record<'_>, name: &str, user: u64) {
    let seed = record.tenant.seed;
    record.raw(name, "[{\"ID\":\"");
    record.tenant.people.push_upn(record.out, user);
    record.out.push_str("\",\"Type\":5},{\"ID\":\"User_");
    push_guid(record.out, seed, Stream::User, user);
    record.out.push_str("\",\"Type\":2},{\"ID\":\"");
    push_guid(record.out, seed, Stream::User, user);
    record
        .out
        .push_str("\",\"Type\":2},{\"ID\":\"User\",\"Type\":2}]");
}

/// An application's name has type 1.
fn push_app_ids(record: &mut Record<'_>, app: &App) {
    let ids = [
        (format!("ServicePrincipal_{}", app.id), 2),
        (app.id.clone(), 2),
        ("ServicePrincipal".into(), 2),
        (app.name.clone(), 1),
        (app.app_id.clone(), 2),
    ];
    let ids = ids.map(|(id, kind)| format!(r#"{{"ID":{},"Type":{kind}}}"#, text(&id)));
    record.raw("Target", &format!("[{}]", ids.join(",")));
}

fn modified(record: &Record<'_>, scene: &Scene, draws: &mut Draws) -> String {
    let property = |name: &str, new: &str, old: &str| {
        format!(
            r#"{{"Name":{},"NewValue":{},"OldValue":{}}}"#,
            text(name),
            text(new),
            text(old)
        )
    };
    match scene.deal {
        Deal::AddMemberToRole => {
            let role = draws.pick(&ROLES.each_ref());
            let id = property("Role.ObjectID", role.id, "");
            let name = property("Role.DisplayName", role.name, "");
            let template = property("Role.TemplateId", role.id, "");
            format!("[{id},{name},{template}]")
        }
        Deal::Consent => {
            let app = record
                .tenant
                .apps
                .app(draws.below(record.tenant.apps.count));
            let scope = draws.pick(&["User.Read", "Mail.ReadWrite", "Files.ReadWrite.All"]);
            let permissions = format!(
                "[] => [[Id: {}, ClientId: {}, PrincipalId: , ResourceId: {}, ConsentType: AllPrincipals, Scope: {scope}]]; ",
                app.id,
                app.id,
                record.tenant.apps.id(0)
            );
            let admin = property("ConsentContext.IsAdminConsent", "True", "");
            let all = property("ConsentContext.OnBehalfOfAll", "True", "");
            let what = property("ConsentAction.Permissions", &permissions, "");
            format!("[{admin},{all},{what}]")
        }
        Deal::Directory("Update user.") => {
            let enabled = property("AccountEnabled", "[\r\n  true\r\n]", "[\r\n  false\r\n]");
            let names = property("Included Updated Properties", "AccountEnabled", "");
            format!("[{enabled},{names}]")
        }
        _ => {
            let names = property("Included Updated Properties", "DisplayName, Department", "");
            let detail = object(|detail| {
                detail.text("Department", "Sales");
            });
            format!("[{names},{}]", property("Department", &detail, "[]"))
        }
    }
}
