//! Classifications of files and folders, which are metadata of a template (guides, "Classifications").

use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::Desk;
use super::enterprise::TEMPLATE;
use super::folders::kind_of;
use super::library::Place;
use super::sharing::LABELS;
use super::wire::{Call, api_error};
use crate::answer::Answer;
use crate::json::object;

const KEY: &str = "Box__Security__Classification__Key";
const PATCH: &str = "application/json-patch+json";

impl Desk<'_> {
    pub fn label_of(&self, place: Place, scope: &str, template: &str) -> Answer {
        if !self.has_template(scope, template) {
            return api_error("instance_tuple_not_found");
        }
        match self.item(place).and_then(|item| item.label) {
            Some(label) => Answer::json(200, self.label_text(place, label)),
            None => api_error("instance_not_found"),
        }
    }

    pub fn write_label(
        &mut self,
        call: &Call,
        viewer: u64,
        (scope, template): (&str, &str),
        body: &Value,
    ) -> Answer {
        let path = call.segments();
        let named = (kind_of(path[1]), path[2]);
        let item = match self.own_item(call, viewer, named) {
            Ok(item) => item,
            Err(refusal) => return refusal,
        };
        if path[1] == "web_links" || !self.has_template(scope, template) {
            return api_error("instance_tuple_not_found");
        }
        let asked = match (call.method, item.label) {
            (Method::Post, Some(_)) => return api_error("tuple_already_exists"),
            (Method::Put | Method::Delete, None) => return api_error("instance_not_found"),
            (Method::Post, None) => option(&body[KEY]).map(Some),
            (Method::Put, Some(_)) => patched(call, body).map(Some),
            (Method::Delete, Some(_)) => Ok(None),
            _ => return api_error("method_not_allowed"),
        };
        let label = match asked {
            Ok(label) => label,
            Err(refusal) => return refusal,
        };
        self.set_label(named.1, label);
        let created = if call.method == Method::Post {
            201
        } else {
            200
        };
        match label {
            Some(label) => Answer::json(created, self.label_text(item.place, label)),
            None => Answer::empty(204),
        }
    }

    fn label_text(&self, place: Place, label: usize) -> String {
        let id = self.tenant.library.id(place);
        let scope = format!("enterprise_{}", self.plan.enterprise());
        object(|one| {
            one.text("$id", &format!("01234500-12f1-1234-aa12-{id:0>12}"))
                .text("$parent", &format!("file_{id}"))
                .text("$scope", &scope)
                .text("$template", TEMPLATE)
                .number("$version", 0)
                .flag("$canEdit", true)
                .text(KEY, LABELS[label]);
        })
    }
}

fn option(asked: &Value) -> Result<usize, Answer> {
    let found = LABELS
        .iter()
        .position(|label| asked.as_str() == Some(*label));
    found.ok_or_else(|| api_error("schema_validation_failed"))
}

/// A patch that replaces the one field, which is all that can be done (OpenAPI, "Update classification on file").
fn patched(call: &Call, body: &Value) -> Result<usize, Answer> {
    if call.headers.get("Content-Type") != Some(PATCH) {
        return Err(api_error("unsupported_media_type"));
    }
    match body.as_array().map(Vec::as_slice) {
        Some([step]) if step["op"] == "replace" && step["path"] == format!("/{KEY}") => {
            option(&step["value"])
        }
        _ => Err(api_error("bad_request")),
    }
}
