//! Before a Graph endpoint is reached: limits by what the call costs, and roles by what it reads.

use casbah_model::transport::Method;

use super::desk::Desk;
use super::limits::{Row, Verdict};
use super::login::Claims;
use super::wire::{Call, graph_error};
use crate::answer::Answer;

/// Share of a limit from which answers warn (Graph throttling limits, "Response headers"; SharePoint, "RateLimit headers").
const WARNING_SHARE: f64 = 0.8;

type HeaderList = Vec<(&'static str, String)>;

impl Desk<'_> {
    /// Charges the limits of a Graph call; gives the headers that tell about them, or the refusal.
    pub fn graph_limits(&mut self, call: &Call, path: &[&str]) -> Result<HeaderList, Box<Answer>> {
        let all = self.charge(Row::Graph, "", 1);
        if !all.is_granted {
            return Err(Box::new(too_many(&all)));
        }
        match path {
            ["users", _, "drive"] | ["sites" | "drives", ..] => self.sharepoint_limits(call, path),
            ["auditLogs", ..] => {
                let verdict = self.charge(Row::Reports, "", 1);
                if verdict.is_granted {
                    Ok(Vec::new())
                } else {
                    Err(Box::new(too_many(&verdict)))
                }
            }
            _ => self.directory_limits(call, path),
        }
    }

    fn directory_limits(&mut self, call: &Call, path: &[&str]) -> Result<HeaderList, Box<Answer>> {
        let select = call.parameter("$select").unwrap_or_default();
        if path == ["users"] && select.contains("signInActivity") {
            let verdict = self.charge(Row::SignInActivity, "", 1);
            if !verdict.is_granted {
                return Err(Box::new(too_many(&verdict)));
            }
        }
        if path.first() == Some(&"identityProtection") {
            // Without a word on how long to wait (Graph throttling limits, "Identity protection and conditional access").
            return match self.charge(Row::RiskyUsers, "", 1).is_granted {
                true => Ok(Vec::new()),
                false => Err(Box::new(refused(None))),
            };
        }
        if call.method != Method::Get {
            let verdict = self.charge(Row::DirectoryWrites, "", 1);
            if !verdict.is_granted {
                let answer = too_many(&verdict);
                return Err(Box::new(
                    answer.with("x-ms-throttle-information", "WriteLimitExceeded"),
                ));
            }
        }
        let units = directory_units(call, path);
        let verdict = self.charge(Row::Directory, "", units);
        let mut headers = vec![("x-ms-resource-unit", units.to_string())];
        if verdict.share() >= WARNING_SHARE {
            let share = verdict.share().min(1.8);
            headers.push(("x-ms-throttle-limit-percentage", format!("{share:.1}")));
        }
        if verdict.is_granted {
            return Ok(headers);
        }
        let scope = format!(
            "Tenant_Application/ReadWrite/{}/{}",
            self.plan.client_id, self.plan.tenant_id
        );
        let mut answer = too_many(&verdict)
            .with("x-ms-throttle-scope", scope)
            .with("x-ms-throttle-information", "ResourceUnitLimitExceeded");
        for (name, value) in headers {
            answer.headers.add(name, value);
        }
        Err(Box::new(answer))
    }

    fn sharepoint_limits(&mut self, call: &Call, path: &[&str]) -> Result<HeaderList, Box<Answer>> {
        let units = sharepoint_units(call, path);
        let minute = self.charge(Row::SharePointMinute, "", units);
        let mut headers = Vec::new();
        // Only the limit of a minute is told about, and only when it is near.
        if minute.share() >= WARNING_SHARE {
            let remaining = minute.limit.saturating_sub(minute.used);
            headers = vec![
                ("RateLimit-Limit", minute.limit.to_string()),
                ("RateLimit-Remaining", remaining.to_string()),
                ("RateLimit-Reset", minute.reset_seconds.to_string()),
            ];
        }
        if !minute.is_granted {
            let mut answer = too_many(&minute);
            for (name, value) in headers {
                answer.headers.add(name, value);
            }
            return Err(Box::new(answer));
        }
        let day = self.charge(Row::SharePointDay, "", units);
        if !day.is_granted {
            return Err(Box::new(too_many(&day)));
        }
        let row = match path {
            [.., "assignSensitivityLabel"] => Some(Row::Labelling),
            _ if is_sharing_write(call, path) => Some(Row::SharingWrites),
            _ => None,
        };
        match row.map(|row| self.charge(row, "", 1)) {
            Some(verdict) if !verdict.is_granted => Err(Box::new(too_many(&verdict))),
            _ => Ok(headers),
        }
    }

    /// The refusal of a call whose token lacks every role that would do.
    pub fn missing_role(&mut self, call: &Call, path: &[&str], claims: &Claims) -> Option<Answer> {
        const DIRECTORY: &str = "Directory.Read.All";
        let is_files = matches!(path, ["users", _, "drive"] | ["sites" | "drives", ..]);
        let changes = roles_to_change(call, path).filter(|_| call.method != Method::Get);
        let roles: &[&str] = match path {
            _ if changes.is_some() => changes.unwrap_or_default(),
            ["users", _, "drive"] | ["drives", ..] | ["sites", _, "drives"] => {
                &["Files.Read.All", "Sites.Read.All", "Sites.FullControl.All"]
            }
            ["sites", ..] => &["Sites.Read.All", "Sites.FullControl.All"],
            ["organization"] => &["Organization.Read.All", DIRECTORY],
            ["domains"] => &["Domain.Read.All", DIRECTORY],
            ["subscribedSkus"] => &[
                "LicenseAssignment.Read.All",
                "Organization.Read.All",
                DIRECTORY,
            ],
            ["users", _, "memberOf"] => &["GroupMember.Read.All", "Group.Read.All", DIRECTORY],
            ["users", ..] => &["User.Read.All", DIRECTORY],
            ["groups", ..] => &["GroupMember.Read.All", "Group.Read.All", DIRECTORY],
            ["roleManagement" | "directoryRoles", ..] => &[
                "RoleManagement.Read.Directory",
                "RoleManagement.ReadWrite.Directory",
                DIRECTORY,
            ],
            ["oauth2PermissionGrants", ..] => &[DIRECTORY, "DelegatedPermissionGrant.Read.All"],
            ["auditLogs", ..] => &["AuditLog.Read.All"],
            ["security", ..] => &["SensitivityLabels.Read.All"],
            [first, ..] if first.starts_with("servicePrincipals") => {
                &["Application.Read.All", DIRECTORY]
            }
            _ => return None,
        };
        let select = call.parameter("$select").unwrap_or_default();
        let reads_sign_ins = matches!(path, ["users", ..]) && select.contains("signInActivity");
        let lacks_log = reads_sign_ins && !claims.has_any(&["AuditLog.Read.All"]);
        if lacks_log || !claims.has_any(roles) {
            let code = if is_files {
                "accessDenied"
            } else {
                "Authorization_RequestDenied"
            };
            return Some(graph_error(
                403,
                code,
                "Insufficient privileges to complete the operation.",
            ));
        }
        if reads_sign_ins {
            self.no_premium()
        } else {
            None
        }
    }
}

/// Roles of which one is needed for a change (Microsoft Graph permissions reference).
fn roles_to_change(call: &Call, path: &[&str]) -> Option<&'static [&'static str]> {
    let body = std::str::from_utf8(&call.body).unwrap_or_default();
    let roles: &[&str] = match path {
        ["users", _, "revokeSignInSessions"] => &["User.RevokeSessions.All", "User.ReadWrite.All"],
        ["users", _] if body.contains("passwordProfile") => &["User-PasswordProfile.ReadWrite.All"],
        ["users", _] => &["User.EnableDisableAccount.All", "User.ReadWrite.All"],
        ["identityProtection", ..] => &["IdentityRiskyUser.ReadWrite.All"],
        ["roleManagement", ..] => &["RoleManagement.ReadWrite.Directory"],
        ["groups", _, "members", ..] => &["GroupMember.ReadWrite.All", "Group.ReadWrite.All"],
        ["oauth2PermissionGrants", _] => &["DelegatedPermissionGrant.ReadWrite.All"],
        ["servicePrincipals", _, "appRoleAssignedTo", ..] => &["AppRoleAssignment.ReadWrite.All"],
        ["servicePrincipals", _] => &["Application.ReadWrite.All"],
        ["drives", .., "extractSensitivityLabels"] => &["Files.Read.All", "Sites.Read.All"],
        ["drives", ..] => &["Files.ReadWrite.All", "Sites.ReadWrite.All"],
        _ => return None,
    };
    Some(roles)
}

/// Resource units of a directory call (Graph throttling limits, "Identity and access service limits").
fn directory_units(call: &Call, path: &[&str]) -> u64 {
    let base: i64 = match path {
        ["users", "delta"] => 1,
        ["users"] | ["oauth2PermissionGrants"] => 2,
        ["groups", _, "transitiveMembers"] => 5,
        ["groups", _, "members"] | ["subscribedSkus"] => 3,
        [.., "appRoleAssignments"] => 2,
        _ => 1,
    };
    let few = call
        .parameter("$top")
        .and_then(|top| top.parse::<u64>().ok())
        .is_some_and(|top| top < 20);
    let modifiers = i64::from(call.parameter("$expand").is_some())
        - i64::from(call.parameter("$select").is_some())
        - i64::from(few);
    (base + modifiers).max(1) as u64
}

/// Resource units of a SharePoint call (Avoid getting throttled in SharePoint Online, "Resource units").
fn sharepoint_units(call: &Call, path: &[&str]) -> u64 {
    match path {
        [.., "permissions"] | [.., "permissions", _] | [.., "invite"] => 5,
        [.., "extractSensitivityLabels"] => 1,
        _ if call.method != Method::Get => 2,
        [.., "delta"]
            if call
                .parameter("token")
                .is_some_and(|token| !token.is_empty()) =>
        {
            1
        }
        [
            ..,
            "children" | "delta" | "drives" | "sites" | "getAllSites",
        ] => 2,
        _ => 1,
    }
}

/// Whether a call is one of the "specific sharing APIs": those that change permissions, as it seems.
fn is_sharing_write(call: &Call, path: &[&str]) -> bool {
    let is_about_sharing = matches!(path, [.., "permissions", _] | [.., "invite"]);
    is_about_sharing && call.method != Method::Get
}

fn too_many(verdict: &Verdict) -> Answer {
    refused(Some(verdict.reset_seconds.to_string()))
}

/// A 429 as Graph words it ("Microsoft Graph throttling guidance", "Sample response").
pub fn refused(retry_after: Option<String>) -> Answer {
    let body = r#"{"error":{"code":"TooManyRequests","innerError":{"code":"429","date":"2026-05-04T10:00:00","message":"Please retry after","request-id":"00000000-0000-4000-8000-000000000000","status":"429"},"message":"Please retry again later."}}"#;
    let answer = Answer::json(429, body);
    match retry_after {
        Some(after) => answer.with("Retry-After", after),
        None => answer,
    }
}
