//! What was granted, and whether each component works with it.

use async_trait::async_trait;
use casbah_connector::{ConnectorError, Granted, PermissionSource, Session};
use casbah_model::app::Component;
use casbah_model::connection::{ConnectionSettings, Tenant};
use casbah_model::permission::Need;
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::wire::{ANSWER_BYTES_MAX, Acting, get};

pub(crate) struct Scopes;

#[async_trait]
impl PermissionSource for Scopes {
    fn needs(&self) -> &'static [Need] {
        &[]
    }

    fn consent_link(&self, _: &ConnectionSettings) -> Option<String> {
        None
    }

    async fn granted(
        &self,
        session: &Session,
        _components: &[Component],
    ) -> Result<Granted, ConnectorError> {
        session.forget_tokens();
        let call = get(
            session,
            "/users/me?fields=id,login,role,enterprise,status",
            Acting::Ourselves,
        )?;
        let me: Me = session.send(&call).await?.json(ANSWER_BYTES_MAX).await?;
        let enterprise = me.enterprise.unwrap_or_default();
        Ok(Granted {
            permissions: None,
            tenant: Tenant {
                id: enterprise.id,
                name: enterprise.name,
                domains: vec![],
                seats: None,
            },
            refused: BTreeMap::new(),
            credential_expires: None,
        })
    }
}

#[derive(Deserialize)]
struct Me {
    enterprise: Option<Enterprise>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Enterprise {
    id: String,
    name: String,
}
