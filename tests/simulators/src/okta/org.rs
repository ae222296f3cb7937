//! What an org tells of itself (Well-known URIs; Org settings API).

use super::desk::Desk;
use super::ids::{Type, id};
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::{DAY, millis};

impl Desk<'_> {
    /// Whoever asks is answered.
    pub fn well_known(&self) -> Answer {
        let base = text(&self.plan.base);
        let mut links = format!(r#"{{"organization":{{"href":{base}}}"#);
        if let Some(domain) = &self.plan.custom_domain {
            links += &format!(r#","alternate":{{"href":{}}}"#, text(domain));
        }
        links.push('}');
        let body = object(|org| {
            org.text("id", &id(self.plan.seed, Type::Org, 0))
                .text("pipeline", "idx")
                .raw("_links", &links);
        });
        Answer::json(200, body)
    }

    pub fn org(&self) -> Answer {
        let host = self.plan.base.split("://").last().unwrap_or_default();
        let created = millis(self.plan.started.as_millisecond() - 1600 * DAY);
        let body = object(|org| {
            org.text("id", &id(self.plan.seed, Type::Org, 0))
                .text("companyName", "Acme")
                .text("subdomain", host.split('.').next().unwrap_or_default())
                .text("status", "ACTIVE")
                .text("created", &created)
                .text("lastUpdated", &created)
                .maybe("expiresAt", None);
        });
        Answer::json(200, body)
    }
}
