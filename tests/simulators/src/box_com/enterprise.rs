//! What an enterprise sets for itself: domains it may collaborate with, and its classifications.

use super::desk::Desk;
use super::ids::{Type, id};
use super::people::OUTSIDE;
use super::sharing::LABELS;
use super::wire::{Call, api_error, home_time};
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::DAY;

/// The template that holds the classifications (guides, "Classifications").
pub const TEMPLATE: &str = "securityClassification-6VMVochwUWo";
const DIRECTIONS: [&str; 2] = ["both", "inbound"];

impl Desk<'_> {
    pub fn allowed_domains(&mut self, call: &Call) -> Answer {
        let created = home_time(self.plan.started.as_millisecond() - 100 * DAY);
        self.marked(
            call,
            "domains",
            0..DIRECTIONS.len() as u64,
            |desk, number| {
                object(|entry| {
                    entry
                        .text("type", "collaboration_whitelist_entry")
                        .text("id", &id(desk.plan.seed, Type::Entry, number))
                        .text("domain", OUTSIDE[number as usize])
                        .text("direction", DIRECTIONS[number as usize])
                        .text("created_at", &created);
                })
            },
        )
    }

    /// The last user may collaborate with whomever.
    pub fn exempt_users(&mut self, call: &Call) -> Answer {
        let last = self.tenant.people.count.checked_sub(1);
        let last = last.filter(|user| self.has_user(*user));
        self.marked(call, "exempt", last, |desk, user| {
            object(|target| {
                target
                    .text("type", "collaboration_whitelist_exempt_target")
                    .text("id", &id(desk.plan.seed, Type::Target, user))
                    .raw("user", &desk.user_mini(user));
            })
        })
    }

    /// Whether this is the template of the classifications, and the enterprise has some.
    pub fn has_template(&self, scope: &str, template: &str) -> bool {
        let is_ours =
            scope == "enterprise" || scope == format!("enterprise_{}", self.plan.enterprise());
        is_ours && template == TEMPLATE && self.plan.has_classifications
    }

    /// Without classifications there is no template.
    pub fn template(&self, scope: &str, template: &str) -> Answer {
        if !self.has_template(scope, template) {
            return api_error("instance_tuple_not_found");
        }
        let enterprise = self.plan.enterprise();
        let options = LABELS.iter().enumerate().map(|(number, label)| {
            let config = r#"{"classification":{"classificationDefinition":"As the policy says.","colorID":1}}"#;
            object(|option| {
                option
                    .text("id", &id(self.plan.seed, Type::Template, 1 + number as u64))
                    .text("key", label)
                    .raw("staticConfig", config);
            })
        });
        let options: Vec<String> = options.collect();
        let field = format!(
            r#"{{"id":{},"type":"enum","key":"Box__Security__Classification__Key","displayName":"Classification","hidden":false,"options":[{}]}}"#,
            text(&id(self.plan.seed, Type::Template, 99)),
            options.join(",")
        );
        let body = object(|body| {
            body.text("id", &id(self.plan.seed, Type::Template, 0))
                .text("type", "metadata_template")
                .text("templateKey", TEMPLATE)
                .text("scope", &format!("enterprise_{enterprise}"))
                .text("displayName", "Classification")
                .flag("hidden", false)
                .raw("fields", &format!("[{field}]"));
        });
        Answer::json(200, body)
    }
}
