//! Holding the files of a root against the policies, and what was found before against what is found now.

use std::collections::{BTreeMap, BTreeSet};

use casbah_connector::LinkReach;
use casbah_lake::read;
use casbah_lake::view::{IdKey, IdMap};
use casbah_model::inspection::{self, Extent, Inspection, Looked};
use casbah_model::record::RecordId;
use casbah_model::{SignedDuration, Timestamp};
use casbah_policy::{Broken, Facts, Link, Policies, Policy, Seen, Standing};

use super::finding::{Acceptance, Finding, finding_id};
use super::{Known, accept};
use crate::apps;
use crate::contents;
use crate::context::Context;
use crate::error::StageError;
use crate::govern::record::{self, Record};
use crate::inventory::{Reading, lines};
use crate::items::{ConnectionItem, StreamItem};
use crate::ledger::each_entry;
use crate::view;

/// A finding is new for so long.
pub(super) const NEW_FOR: SignedDuration = SignedDuration::from_hours(24);
/// What is over is kept for so long, to be shown beside what is open; its records stay.
const OVER_FOR: SignedDuration = SignedDuration::from_hours(24 * 90);

/// What all roots of a connection are judged by.
pub(super) struct Judge<'a> {
    pub(super) ctx: &'a Context,
    pub(super) connection: &'a ConnectionItem,
    pub(super) policies: &'a Policies,
    /// By the ids of findings.
    accepted: BTreeMap<String, Acceptance>,
    /// When actions of ours on files were verified last; read when something is not so any more.
    repaired: Option<BTreeMap<String, Timestamp>>,
}

/// What is found in a root, and what is to be told of it.
#[derive(Default)]
pub(super) struct Found {
    /// In the order of their ids.
    pub(super) all: Vec<Finding>,
    pub(super) told: Vec<Finding>,
}

impl<'a> Judge<'a> {
    pub(super) async fn new(
        ctx: &'a Context,
        connection: &'a ConnectionItem,
        policies: &'a Policies,
    ) -> Result<Judge<'a>, StageError> {
        Ok(Judge {
            ctx,
            connection,
            policies,
            accepted: accept::all(ctx, &connection.scope()).await?,
            repaired: None,
        })
    }

    /// What was accepted of the findings of a unit.
    pub(super) fn accepted_in(&self, unit: &str) -> impl Iterator<Item = (&String, &Acceptance)> {
        let first = format!("{unit}-");
        let from = self.accepted.range(first.clone()..);
        from.take_while(move |(id, _)| id.starts_with(&first))
    }

    /// Judges the files of a root; nothing before it was read whole.
    pub(super) async fn root(
        &mut self,
        unit: &str,
        known: &Known,
        before: Vec<Finding>,
    ) -> Result<Found, StageError> {
        let Some(view) = &known.view else {
            return Ok(Found::default());
        };
        let held = match &known.inside {
            Some(inside) => held(self.ctx, self.connection, inside).await?,
            None => IdMap::default(),
        };
        let files = apps::connector(self.connection.settings.app).files();
        let mut root = Root {
            judge: self,
            unit,
            own: self.own_domains(),
            labels_told: files.is_some_and(|files| files.telling().labels),
            now: self.ctx.now(),
            held,
            before: before
                .into_iter()
                .map(|finding| (finding.id.clone(), finding))
                .collect(),
            found: Found::default(),
        };
        view::each_file(self.ctx, self.connection, view, |file| root.file(&file)).await?;
        let Root { before, found, .. } = root;
        self.rest(before, found).await
    }

    fn own_domains(&self) -> Vec<&str> {
        let report = self.connection.report.as_ref();
        let domains = report.map(|report| &report.tenant.domains);
        domains.into_iter().flatten().map(String::as_str).collect()
    }

    /// What was found before and is not so any more.
    async fn rest(
        &mut self,
        before: BTreeMap<String, Finding>,
        mut found: Found,
    ) -> Result<Found, StageError> {
        let now = self.ctx.now();
        let known: BTreeSet<&str> = self.policies.all().iter().map(|one| &*one.name).collect();
        for (_, finding) in before {
            let is_over = finding.standing.is_over();
            if is_over && finding.changed + OVER_FOR < now {
                continue;
            }
            let seen = match known.contains(&*finding.policy) {
                false => Seen::Withdrawn,
                true if is_over => Seen::Kept { by_us: false },
                true => Seen::Kept {
                    by_us: self.was_repaired(&finding).await?,
                },
            };
            let next = Finding {
                standing: Standing::after(Some(finding.standing), seen).unwrap_or(finding.standing),
                accepted: None,
                changed: now,
                ..finding.clone()
            };
            found.keep(next, Some(finding));
        }
        found
            .all
            .sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    /// Whether an action of ours on the file was verified since it was found.
    async fn was_repaired(&mut self, finding: &Finding) -> Result<bool, StageError> {
        if self.repaired.is_none() {
            self.repaired = Some(repaired(self.ctx, self.connection).await?);
        }
        let repaired = self.repaired.iter().flatten();
        let file = finding.file.as_str();
        let is_of = |id: &str| {
            file.strip_suffix(id)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        Ok(repaired
            .into_iter()
            .any(|(id, at)| is_of(id) && *at >= finding.since))
    }
}

/// When actions on files were verified last, by the ids of the files as actions name them.
async fn repaired(
    ctx: &Context,
    connection: &ConnectionItem,
) -> Result<BTreeMap<String, Timestamp>, StageError> {
    let mut repaired: BTreeMap<String, Timestamp> = BTreeMap::new();
    let scope = connection.scope();
    lines(ctx, &scope, record::FAMILY, Reading::All, |_, line| {
        let record = read::vendors(line);
        let record = record.and_then(|raw| serde_json::from_slice::<Record>(&raw).ok());
        let Some(record) = record else { return };
        let is_verified = record.step == "applied" && record.outcome.as_deref() == Some("verified");
        if let Some(target) = record.target.filter(|_| is_verified) {
            let id = match &target.within {
                Some(within) => format!("{within}/{}", target.id),
                None => target.id,
            };
            let at = repaired.entry(id).or_insert(record.at);
            *at = record.at.max(*at);
        }
    })
    .await?;
    Ok(repaired)
}

/// What is known of the content of a file.
struct Held {
    format: String,
    findings: Vec<inspection::Finding>,
}

/// What is known of the contents of a root's files. Those that nobody could look into are not named.
async fn held(
    ctx: &Context,
    connection: &ConnectionItem,
    inside: &StreamItem,
) -> Result<IdMap<Held>, StageError> {
    let mut held = IdMap::default();
    let (Some(root), Some(published)) = (&inside.root, inside.published) else {
        return Ok(held);
    };
    let manifest = connection
        .scope()
        .manifest(contents::unit_id(&root.id).as_str());
    let mut objects = vec![];
    each_entry(ctx, &manifest, |entry| {
        if entry.epoch == published.ep && entry.sequence <= published.seq {
            objects.extend(entry.objects);
        }
    })
    .await?;
    for object in &objects {
        read::lines(&*ctx.objects, object, |line| {
            let Some(marks) = read::marks(line) else {
                return;
            };
            let looked = read::vendors(line);
            let looked = looked.and_then(|raw| serde_json::from_slice::<Looked>(&raw).ok());
            let inspection = looked.map(|looked| looked.inspection);
            let key = IdKey::of(&marks.id);
            match inspection.filter(|inspection| inspection.extent != Extent::Not) {
                Some(Inspection {
                    format, findings, ..
                }) => held.insert(key, Held { format, findings }),
                None => held.remove(&key),
            };
        })
        .await?;
    }
    Ok(held)
}

fn link(reach: LinkReach) -> Link {
    match reach {
        LinkReach::Organisation => Link::Organisation,
        LinkReach::Anyone => Link::Anyone,
    }
}

/// The files of one root, while they are gone through.
struct Root<'a> {
    judge: &'a Judge<'a>,
    unit: &'a str,
    /// Domains of the tenant.
    own: Vec<&'a str>,
    labels_told: bool,
    now: Timestamp,
    held: IdMap<Held>,
    /// What was found before and was not come by yet.
    before: BTreeMap<String, Finding>,
    found: Found,
}

impl Root<'_> {
    fn file(&mut self, file: &view::SharedFile<'_>) {
        let Root { judge, now, .. } = *self;
        let people: Vec<&str> = file.reach.people.iter().map(String::as_str).collect();
        let held = self.held.get(&IdKey::of(file.id));
        let details = &file.details;
        let facts = Facts {
            app: judge.connection.settings.app,
            address: details.address.as_deref().unwrap_or_default(),
            name: details.name.as_deref().unwrap_or_default(),
            format: held.map(|held| &*held.format),
            owner: details.owner.as_deref(),
            sharing: file.sharing,
            link: file.reach.link.map(link),
            people: &people,
            label: details.label.as_deref(),
            labels_told: self.labels_told,
            bytes: details.bytes,
            modified: details.modified,
            findings: held.map(|held| &*held.findings),
        };
        let broken = judge.policies.broken_by(&facts, &self.own, now);
        let undecided: Vec<&Policy> = judge.policies.undecided(&facts, &self.own, now).collect();
        for Broken { policy, because } in broken {
            self.finding(file, policy, because);
        }
        // What was found stays until somebody could look again.
        for policy in undecided {
            let id = finding_id(self.unit, &policy.name, file.id);
            let before = self.before.get(&id);
            if let Some(before) = before.filter(|before| !before.standing.is_over()) {
                let because = before.because.clone();
                self.finding(file, policy, because);
            }
        }
    }

    fn finding(&mut self, file: &view::SharedFile<'_>, policy: &Policy, because: Vec<String>) {
        let now = self.now;
        let id = finding_id(self.unit, &policy.name, file.id);
        let before = self.before.remove(&id);
        let known = before.as_ref().filter(|before| !before.standing.is_over());
        let since = known.map_or(now, |before| before.since);
        let accepted = self.judge.accepted.get(&id).cloned();
        let seen = Seen::Broken {
            is_accepted: accepted.is_some(),
            is_old: since + NEW_FOR <= now,
        };
        let standing = Standing::after(before.as_ref().map(|before| before.standing), seen);
        let finding = Finding {
            id,
            standing: standing.unwrap_or(Standing::New),
            policy: policy.name.clone(),
            title: policy.title.clone(),
            severity: policy.severity,
            file: RecordId::new(file.id.to_string()),
            name: file.details.name.clone(),
            address: file.details.address.clone(),
            sharing: file.sharing,
            because,
            propose: policy.propose.map(|action| action.name().into()),
            since,
            changed: now,
            accepted,
        };
        self.found.keep(finding, before);
    }
}

impl Found {
    fn keep(&mut self, finding: Finding, before: Option<Finding>) {
        match before {
            Some(before) if finding.tells_the_same(&before) => self.all.push(before),
            _ => {
                self.told.push(finding.clone());
                self.all.push(finding);
            }
        }
    }
}
