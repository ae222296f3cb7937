//! What applications may do: for a user, on their own, or at all.

use casbah_connector::{ConnectorError, Order, Session};
use casbah_model::action::{Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::transport::Method;
use serde::Deserialize;
use serde_json::json;

use super::{APP_ROLES, APPS, Change, GRANTS, Seen, read, read_all, send, within};
use crate::CLIENT_ID;
use crate::wire::segment;

/// The tenant that owns Microsoft's own applications.
const MICROSOFT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// "servicePrincipal resource type".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct App {
    id: String,
    app_id: Option<String>,
    display_name: Option<String>,
    account_enabled: Option<bool>,
    app_owner_organization_id: Option<String>,
}

impl App {
    fn name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.id)
    }

    /// Why nothing is done to it.
    fn obstacle(&self, session: &Session) -> Option<Cause> {
        let is = |value: &Option<String>, other: &str| {
            value
                .as_deref()
                .is_some_and(|value| value.eq_ignore_ascii_case(other))
        };
        if is(&self.app_id, session.setting(CLIENT_ID)) {
            let what = "this is the application that Casbah itself signs in with";
            return Some(Cause::new("own-application", what, "leave it alone"));
        }
        is(&self.app_owner_organization_id, MICROSOFT).then(|| {
            let what = "this is one of Microsoft's own applications, which the tenant needs";
            let fix = "change it in the Entra admin center if it has to be";
            Cause::new("own-application", what, fix)
        })
    }
}

async fn find(session: &Session, id: &str) -> Result<Option<App>, ConnectorError> {
    let select = "id,appId,displayName,accountEnabled,appOwnerOrganizationId";
    let path = format!("/v1.0/servicePrincipals/{}?$select={select}", segment(id)?);
    read(session, &path).await
}

const ID: &str = "id";
const ENABLED: &str = "enabled";

pub(super) async fn app(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let Some(app) = find(session, &order.target.id).await? else {
        return Ok(None);
    };
    let image = |is_enabled: bool| {
        let image = Image::default().with(ID, app.id.as_str());
        image.with(ENABLED, is_enabled.to_string())
    };
    Ok(Some(Seen {
        label: app.name().into(),
        image: image(app.account_enabled != Some(false)),
        goal: image(false),
        obstacle: app.obstacle(session),
        undo: Undo::Possible,
    }))
}

/// No new tokens are issued to a disabled application; those it has live on for about an hour.
pub(super) async fn bring_app(session: &Session, to: &Image) -> Result<(), ConnectorError> {
    let id = segment(to.get(ID).unwrap_or_default())?;
    let path = format!("/v1.0/servicePrincipals/{id}");
    let body = json!({ "accountEnabled": to.get(ENABLED) == Some("true") });
    send(session, Change::of(Method::Patch, path, APPS).with(body)).await
}

/// "oAuth2PermissionGrant resource type".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    client_id: String,
    /// Nobody where it is for all users.
    principal_id: Option<String>,
    scope: Option<String>,
}

fn grant_path(order: &Order<'_>) -> Result<String, ConnectorError> {
    let id = segment(&order.target.id)?;
    Ok(format!("/v1.0/oauth2PermissionGrants/{id}"))
}

/// A grant that is not there is revoked.
pub(super) async fn grant(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let found: Option<Grant> = read(session, &grant_path(&order)?).await?;
    let seen = Seen {
        label: order.target.to_string(),
        image: Image::default(),
        goal: Image::default(),
        obstacle: None,
        undo: Undo::Never("only who consented can consent again".into()),
    };
    let Some(grant) = found else {
        return Ok(Some(seen));
    };
    let scope = grant.scope.as_deref().unwrap_or_default().trim();
    let app = find(session, &grant.client_id).await?;
    let name = app.as_ref().map_or(grant.client_id.as_str(), App::name);
    let user = grant.principal_id.as_deref().unwrap_or("all users");
    Ok(Some(Seen {
        label: format!("{scope} for {name} by {user}"),
        image: Image::default().with("scope", scope),
        obstacle: app.as_ref().and_then(|app| app.obstacle(session)),
        ..seen
    }))
}

pub(super) async fn end_grant(session: &Session, order: Order<'_>) -> Result<(), ConnectorError> {
    let path = grant_path(&order)?;
    send(session, Change::of(Method::Delete, path, GRANTS)).await
}

/// "appRoleAssignment resource type".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    id: String,
    app_role_id: String,
    resource_id: String,
    resource_display_name: Option<String>,
}

impl Assignment {
    /// An assignment has another id when it is made again; whose role it is stays.
    fn name(&self) -> String {
        format!("{RESOURCE}{}", self.resource_id)
    }
}

const RESOURCE: &str = "resource:";

async fn held(session: &Session, order: &Order<'_>) -> Result<Vec<Assignment>, ConnectorError> {
    let app = segment(within(order, "whose role it is")?)?;
    let path = format!("/v1.0/servicePrincipals/{app}/appRoleAssignments");
    let all: Option<Vec<Assignment>> = read_all(session, &path).await?;
    let all = all.unwrap_or_default().into_iter();
    Ok(all
        .filter(|held| held.app_role_id == order.target.id)
        .collect())
}

pub(super) async fn roles(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let Some(app) = find(session, within(&order, "whose role it is")?).await? else {
        return Ok(None);
    };
    let held = held(session, &order).await?;
    let resource = held
        .iter()
        .find_map(|held| held.resource_display_name.as_deref());
    let of = resource.map_or(String::new(), |name| format!(" of {name}"));
    Ok(Some(Seen {
        label: format!("role {}{of} for {}", order.target.id, app.name()),
        image: held.iter().fold(Image::default(), |image, held| {
            image.with(held.name(), "granted")
        }),
        goal: Image::default(),
        obstacle: app.obstacle(session),
        undo: Undo::Possible,
    }))
}

pub(super) async fn bring_roles(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let app = within(&order, "whose role it is")?;
    for held in held(session, &order).await? {
        if to.get(&held.name()).is_none() {
            let (resource, id) = (segment(&held.resource_id)?, segment(&held.id)?);
            let path = format!("/v1.0/servicePrincipals/{resource}/appRoleAssignedTo/{id}");
            send(session, Change::of(Method::Delete, path, APP_ROLES)).await?;
        }
    }
    for (name, _) in to.iter().filter(|(name, _)| now.get(name).is_none()) {
        let resource = name.strip_prefix(RESOURCE).unwrap_or_default();
        let path = format!(
            "/v1.0/servicePrincipals/{}/appRoleAssignedTo",
            segment(resource)?
        );
        let body = json!({
            "principalId": app,
            "resourceId": resource,
            "appRoleId": order.target.id,
        });
        let change = Change::of(Method::Post, path, APP_ROLES);
        send(session, change.with(body)).await?;
    }
    Ok(())
}
