//! Which files break which policy, as the lake knows them now: who can see them, what they are, and what they hold.

use std::collections::HashMap;

use casbah_connector::{FileDetails, Inheritance, LinkReach, Reach};
use casbah_lake::read;
use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::file::Sharing;
use casbah_model::inspection::Looked;
use casbah_policy::{Broken, Facts, Link, Policies, Severity};
use serde::Serialize;

use crate::contents;
use crate::context::Context;
use crate::error::StageError;
use crate::inventory::{Item, Reading, effective, givers, lines, note};
use crate::items::ConnectionItem;

/// A file that breaks a policy.
#[derive(Clone, Debug, Serialize)]
pub struct FileFinding {
    pub policy: String,
    pub title: String,
    pub severity: Severity,
    /// The record id of the file.
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    pub sharing: Sharing,
    /// Why, in words; nothing of what the file says.
    pub because: Vec<String>,
    /// The action to plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propose: Option<&'static str>,
}

/// Calls `each` with every file of a connection that breaks a policy, root by root.
/// What [`casbah_policy::Policy::unread`] names is not known of any.
pub async fn findings(
    ctx: &Context,
    connection: &ConnectionItem,
    policies: &Policies,
    mut each: impl FnMut(FileFinding),
) -> Result<(), StageError> {
    let app = connection.settings.app;
    let Some(source) = crate::apps::connector(app).files() else {
        return Ok(());
    };
    let scope = connection.scope();
    let held = held(ctx, connection).await?;
    let own = connection
        .report
        .as_ref()
        .map(|report| &report.tenant.domains);
    let judge = Judge {
        app,
        policies,
        inheritance: source.inheritance(),
        held,
        own: own.into_iter().flatten().map(String::as_str).collect(),
        now: ctx.now(),
    };
    let mut root = Root::default();
    lines(ctx, &scope, "files", Reading::Published, |stream, line| {
        let Some(marks) = read::marks(line) else {
            return;
        };
        if root.name != stream.name {
            judge.root(&root, &mut each);
            root = Root {
                name: stream.name.clone(),
                unshared: stream.item.root.as_ref().map(|root| root.unshared),
                ..Root::default()
            };
        }
        note(&mut root.items, &marks);
        let id = marks.id.to_string();
        match &*marks.kind {
            "file" | "file-shared" => {
                root.reach.remove(&id);
                root.files.insert(id, source.details(line));
            }
            "folder" | "folder-shared" | "removed" => {
                root.reach.remove(&id);
            }
            "unreadable" => {}
            // Who can see it, told after it was listed.
            _ => root.reach.entry(id).or_default().join(&source.reach(line)),
        }
    })
    .await?;
    judge.root(&root, &mut each);
    Ok(())
}

/// What files hold, by their ids; of those only in which something was found.
async fn held(
    ctx: &Context,
    connection: &ConnectionItem,
) -> Result<HashMap<String, Looked>, StageError> {
    let mut held = HashMap::new();
    let scope = connection.scope();
    lines(
        ctx,
        &scope,
        contents::QUEUE,
        Reading::Published,
        |_, line| {
            let Some(marks) = read::marks(line) else {
                return;
            };
            let looked = (marks.kind == "sensitive").then(|| read::vendors(line));
            let looked = looked.flatten();
            match looked.and_then(|record| serde_json::from_slice::<Looked>(&record).ok()) {
                Some(looked) => held.insert(marks.id.into_owned(), looked),
                None => held.remove(&*marks.id),
            };
        },
    )
    .await?;
    Ok(held)
}

/// The items of one root, as its latest records tell them.
#[derive(Default)]
struct Root {
    name: String,
    unshared: Option<Sharing>,
    items: HashMap<String, Item>,
    files: HashMap<String, FileDetails>,
    reach: HashMap<String, Reach>,
}

struct Judge<'a> {
    app: App,
    policies: &'a Policies,
    inheritance: Inheritance,
    held: HashMap<String, Looked>,
    /// Domains of the tenant.
    own: Vec<&'a str>,
    now: Timestamp,
}

fn link(reach: LinkReach) -> Link {
    match reach {
        LinkReach::Organisation => Link::Organisation,
        LinkReach::Anyone => Link::Anyone,
    }
}

impl Judge<'_> {
    fn root(&self, root: &Root, each: &mut impl FnMut(FileFinding)) {
        let mut files: Vec<_> = root.files.iter().collect();
        files.sort_unstable_by_key(|(id, _)| *id);
        for (id, details) in files {
            let Some(item) = root.items.get(id).filter(|item| item.is_file()) else {
                continue;
            };
            let unshared = root.unshared.unwrap_or(Sharing::Internal);
            let sharing = effective(&root.items, item, unshared, self.inheritance);
            let mut reach = Reach::default();
            for giver in givers(&root.items, id, self.inheritance) {
                if let Some(given) = root.reach.get(giver) {
                    reach.join(given);
                }
            }
            self.file(id, details, sharing, &reach, each);
        }
    }

    fn file(
        &self,
        id: &str,
        details: &FileDetails,
        sharing: Sharing,
        reach: &Reach,
        each: &mut impl FnMut(FileFinding),
    ) {
        let people: Vec<&str> = reach.people.iter().map(String::as_str).collect();
        let looked = self.held.get(id).map(|looked| &looked.inspection);
        let facts = Facts {
            app: self.app,
            address: details.address.as_deref().unwrap_or_default(),
            name: details.name.as_deref().unwrap_or_default(),
            format: looked.map(|looked| &*looked.format),
            owner: None,
            sharing,
            link: reach.link.map(link),
            people: &people,
            label: None,
            bytes: details.bytes,
            modified: details.modified,
            findings: looked.map_or(&[], |looked| &looked.findings),
        };
        for Broken { policy, because } in self.policies.broken_by(&facts, &self.own, self.now) {
            each(FileFinding {
                policy: policy.name.clone(),
                title: policy.title.clone(),
                severity: policy.severity,
                file: id.into(),
                name: details.name.clone(),
                address: details.address.clone(),
                sharing,
                because,
                propose: policy.propose.map(|action| action.name()),
            });
        }
    }
}
