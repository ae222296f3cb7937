//! The sensitivity label of a file ("driveItem: assignSensitivityLabel", "driveItem: extractSensitivityLabels").
//!
//! Microsoft takes a label, works on it, and shows it some minutes later. Each change costs money and needs an application
//! that is linked to an Azure subscription, so none is sent that may be under way.

use casbah_connector::{ConnectorError, Order, Session};
use casbah_model::action::{ActionKind, Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Method};
use serde::Deserialize;
use serde_json::json;

use super::item::{self, Place};
use super::{Change, FILES, Seen, answered, following, reading, send};
use crate::limits::Bucket;
use crate::wire::{GRAPH, urgent};

/// The parameter that says which.
pub(super) const LABEL: &str = "label";

/// What it takes to read which labels there are ("sensitivityLabel: list").
pub(super) const READ_LABELS: &[&str] = &["SensitivityLabels.Read.All"];

/// Takes more than a user could: a label of theirs, and one of higher priority, are replaced as well.
const METHOD: &str = "privileged";
/// What Microsoft keeps as the reason; without one it lowers and removes no label.
const JUSTIFICATION: &str = "changed by Casbah";

/// A label of the tenant. Those of a label's own come below it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Label {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    sublabels: Vec<Label>,
}

impl Label {
    fn name(&self) -> &str {
        let name = self.display_name.as_deref().or(self.name.as_deref());
        name.unwrap_or(&self.id)
    }

    fn is(&self, wanted: &str) -> bool {
        let names = [
            Some(&self.id),
            self.name.as_ref(),
            self.display_name.as_ref(),
        ];
        let mut names = names.into_iter().flatten();
        names.any(|name| name.eq_ignore_ascii_case(wanted))
    }

    /// It, or else those below it: a label that has some cannot be put on a file itself.
    fn leaves(&self) -> Vec<&Label> {
        match self.sublabels.is_empty() {
            true => vec![self],
            false => self.sublabels.iter().flat_map(Label::leaves).collect(),
        }
    }
}

/// The labels that an item has; the documentation's sample has them in `value`.
#[derive(Deserialize)]
struct Extracted {
    #[serde(default)]
    labels: Option<Vec<Assigned>>,
    #[serde(default)]
    value: Option<Box<Extracted>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assigned {
    #[serde(default)]
    sensitivity_label_id: Option<String>,
    #[serde(default)]
    tenant_id: Option<String>,
}

/// The labels of a file by whose they are.
struct Held {
    ours: Option<String>,
    is_of_others: bool,
}

impl Held {
    fn of(extracted: Extracted, tenant: &str) -> Held {
        let nested = || extracted.value.and_then(|value| value.labels);
        let labels = extracted.labels.or_else(nested).unwrap_or_default();
        let (ours, others): (Vec<_>, Vec<_>) = labels
            .into_iter()
            .filter(|label| label.sensitivity_label_id.is_some())
            .partition(|label| {
                let owner = label.tenant_id.as_deref();
                owner.is_none_or(|owner| owner.is_empty() || owner.eq_ignore_ascii_case(tenant))
            });
        let mut ours = ours.into_iter();
        Held {
            ours: ours.find_map(|label| label.sensitivity_label_id),
            is_of_others: !others.is_empty(),
        }
    }

    fn image(&self) -> Image {
        image(self.ours.as_deref())
    }
}

/// Ids are compared without case, as the directory does.
fn image(label: Option<&str>) -> Image {
    match label {
        Some(label) => Image::default().with(LABEL, label.to_lowercase()),
        None => Image::default(),
    }
}

async fn held(session: &Session, place: &Place) -> Result<Option<Held>, ConnectorError> {
    let path = place.path("/extractSensitivityLabels");
    let address = session.address(GRAPH, &path)?;
    let mut call = urgent(Method::Post, address, Bucket::Files, "item");
    call.headers.add("Content-Type", "application/json");
    call.body = Bytes::from_static(b"{}");
    let found = answered::<Extracted>(session, &call, FILES).await?;
    Ok(found.map(|extracted| Held::of(extracted, &session.tenant().id)))
}

/// The tenant's labels; `None` where it has none.
async fn labels(session: &Session) -> Result<Option<Vec<Label>>, ConnectorError> {
    let path = "/v1.0/security/dataSecurityAndGovernance/sensitivityLabels";
    let call = reading(session, path, Bucket::Directory, "probe")?;
    following(session, call, READ_LABELS).await
}

/// How an item is to be, with what people call it; or why it cannot be.
fn goal(order: &Order<'_>, known: &[Label]) -> Result<(Image, String), Cause> {
    if order.kind == ActionKind::RemoveLabel {
        return Ok((Image::default(), String::new()));
    }
    let wanted = order.parameters.get(LABEL).map_or("", String::as_str);
    let leaves: Vec<_> = known.iter().flat_map(Label::leaves).collect();
    let mut meant = leaves.iter().filter(|label| label.is(wanted));
    match (meant.next(), meant.next()) {
        (Some(label), None) => Ok((image(Some(&label.id)), format!(" ({})", label.name()))),
        (Some(_), Some(_)) => {
            let what = format!("several labels are called \"{wanted}\"");
            Err(Cause::new("parameter", what, "write the label's id"))
        }
        (None, _) => {
            let names: Vec<_> = leaves.iter().map(|label| label.name()).collect();
            let what = format!("\"{wanted}\" is no label that can be put on a file");
            let fix = format!("write one of {}", names.join(", "));
            Err(Cause::new("parameter", what, fix))
        }
    }
}

pub(super) async fn see(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let place = Place::of(&order)?;
    let Some(item) = item::find(session, &place).await? else {
        return Ok(None);
    };
    let Some(held) = held(session, &place).await? else {
        return Ok(None);
    };
    let known = labels(session).await?.unwrap_or_default();
    let image = held.image();
    let (goal, words, obstacle) = match goal(&order, &known) {
        _ if item.is_folder() => {
            let what = "folders have no sensitivity label";
            let cause = Cause::new("folder", what, "name the files that lie in it");
            (
                Image::default().with(LABEL, "none"),
                String::new(),
                Some(cause),
            )
        }
        Ok((goal, words)) => (goal, words, held.obstacle()),
        Err(cause) => (
            Image::default().with(LABEL, "none"),
            String::new(),
            Some(cause),
        ),
    };
    Ok(Some(Seen {
        label: format!("{}{words}", item.name()),
        image,
        goal,
        obstacle,
        undo: Undo::Possible,
    }))
}

impl Held {
    fn obstacle(&self) -> Option<Cause> {
        (self.is_of_others && self.ours.is_none()).then(|| {
            Cause::new(
                "label-of-others",
                "another tenant's label is on it",
                "nobody but they can change it",
            )
        })
    }
}

pub(super) async fn verify(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let held = held(session, &Place::of(&order)?).await?;
    Ok(held.map(|held| held.image()))
}

/// Puts a label on a file, another one, or none: the empty id takes it off.
pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    to: &Image,
) -> Result<(), ConnectorError> {
    let place = Place::of(&order)?;
    let change =
        Change::file(Method::Post, place.path("/assignSensitivityLabel")).spending(Bucket::Labels);
    let body = json!({
        "sensitivityLabelId": to.get(LABEL).unwrap_or_default(),
        "assignmentMethod": METHOD,
        "justificationText": JUSTIFICATION,
    });
    send(session, change.with(body)).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use casbah_model::action::Target;
    use serde_json::Value;

    use super::*;

    fn held(answer: Value) -> Held {
        let extracted = serde_json::from_value(answer).expect("labels");
        Held::of(extracted, "T-1")
    }

    #[test]
    fn labels_are_read_in_both_shapes_and_those_of_others_are_told_apart() {
        let label = |tenant: &str| json!({ "sensitivityLabelId": "A1", "assignmentMethod": "standard", "tenantId": tenant });
        let ours = held(json!({ "labels": [label("t-1")] }));
        assert_eq!(ours.image(), image(Some("a1")));
        let nested = held(json!({ "value": { "labels": [label("t-1")] } }));
        assert_eq!(nested.image(), image(Some("a1")));
        let theirs = held(json!({ "labels": [label("t-2")] }));
        assert_eq!(theirs.image(), Image::default());
        assert!(theirs.obstacle().is_some());
        let none = held(json!({ "labels": [] }));
        assert_eq!((none.image(), none.obstacle()), (Image::default(), None));
    }

    #[test]
    fn a_label_is_meant_by_its_id_or_its_name_unless_several_have_it() {
        let known: Vec<Label> = serde_json::from_value(json!([
            { "id": "L1", "name": "General" },
            { "id": "L2", "name": "secret", "displayName": "Secret", "sublabels": [
                { "id": "L3", "name": "Staff" }, { "id": "L4", "name": "All" }] },
            { "id": "L5", "name": "Open", "sublabels": [{ "id": "L6", "name": "All" }] },
        ]))
        .expect("labels");
        let target: Target = "d/i".parse().expect("a target");
        let goal = |wanted: &str| {
            let parameters = BTreeMap::from([(LABEL.to_string(), wanted.to_string())]);
            let order = Order {
                kind: ActionKind::ApplyLabel,
                target: &target,
                parameters: &parameters,
                planned_from: None,
            };
            goal(&order, &known).map_err(|cause| cause.code)
        };
        let general = Ok((image(Some("l1")), " (General)".to_string()));
        assert_eq!(goal("general"), general);
        assert_eq!(goal("L1"), general);
        assert_eq!(goal("L4"), Ok((image(Some("l4")), " (All)".into())));
        for wanted in ["All", "Secret", "nothing", ""] {
            assert_eq!(goal(wanted), Err("parameter".into()), "{wanted}");
        }
    }
}
