//! A policy, and how it is held against a file.

use std::collections::BTreeSet;

use casbah_model::action::ActionKind;
use casbah_model::app::App;
use casbah_model::file::Sharing;
use casbah_model::inspection::{Confidence, Finding};
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Link, domain, is_within};

/// How bad it is, in the words of OCSF (`severity_id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// All that a file of policies says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    pub(crate) all: Vec<Policy>,
    /// Domains where private people have their mail.
    pub(crate) private_mail: BTreeSet<String>,
    /// Domains of others that files may be shared with.
    pub(crate) approved: BTreeSet<String>,
}

/// One policy. A file breaks it that fits all of its conditions; what is empty or absent is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub name: String,
    pub title: String,
    pub severity: Severity,
    /// The action to propose, which is planned and approved like any other.
    pub propose: Option<ActionKind>,
    pub(crate) files: Which,
    pub(crate) finds: Option<Finds>,
}

/// Which files a policy is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Which {
    pub apps: Vec<App>,
    pub places: Vec<String>,
    pub owners: Vec<String>,
    pub sharing: Vec<Sharing>,
    pub link: Option<Link>,
    pub shared_with: Vec<Others>,
    pub labels: Option<Labels>,
    pub types: Vec<String>,
    pub bytes_min: Option<u64>,
    pub bytes_max: Option<u64>,
    pub changed_within: Option<SignedDuration>,
    pub unchanged_for: Option<SignedDuration>,
}

/// People outside, by their domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Others {
    PrivateMail,
    UnapprovedDomain,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    Any,
    None,
    Of(Vec<String>),
}

/// What a file has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finds {
    /// Names of detectors; kinds were replaced by the detectors of them.
    pub detectors: BTreeSet<String>,
    /// Different values over all of these detectors.
    pub count_min: u64,
    pub confidence_min: Confidence,
}

/// That a file breaks a policy, and why, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken<'p> {
    pub policy: &'p Policy,
    /// `public-by-link`, `payment-card: 12 different`: nothing of what the file says.
    pub because: Vec<String>,
}

impl Policy {
    /// What it asks of a file that not every app's listings tell, so that nothing of the others can break it.
    pub fn unread(&self, owners: bool, labels: bool) -> Vec<&'static str> {
        let files = &self.files;
        let asked = [
            (!files.owners.is_empty() && !owners, "the owner"),
            (files.labels.is_some() && !labels, "the label"),
        ];
        let asked = asked.into_iter().filter(|(is_asked, _)| *is_asked);
        asked.map(|(_, what)| what).collect()
    }
}

impl Policies {
    pub fn all(&self) -> &[Policy] {
        &self.all
    }

    /// The policies that a file breaks, in the order of the file of policies. `own` are the domains of the tenant.
    pub fn broken_by<'p>(
        &'p self,
        facts: &Facts<'_>,
        own: &[&str],
        now: Timestamp,
    ) -> Vec<Broken<'p>> {
        let broken = |policy: &'p Policy| {
            let mut because = vec![];
            let is_broken = self.is_one_of(&policy.files, facts, own, now, &mut because)
                && policy.finds.as_ref().is_none_or(|finds| {
                    finds.are_in(facts.findings.unwrap_or_default(), &mut because)
                });
            is_broken.then_some(Broken { policy, because })
        };
        self.all.iter().filter_map(broken).collect()
    }

    /// Policies that a file may break or not: it is one that they are for, and nobody knows what it holds.
    pub fn undecided<'p>(
        &'p self,
        facts: &Facts<'_>,
        own: &[&str],
        now: Timestamp,
    ) -> impl Iterator<Item = &'p Policy> {
        let is_undecided = move |policy: &&Policy| {
            facts.findings.is_none()
                && policy.finds.is_some()
                && self.is_one_of(&policy.files, facts, own, now, &mut vec![])
        };
        self.all.iter().filter(is_undecided)
    }

    /// Whether a file may break one of them, or break it no more, by getting older alone.
    pub fn ask_for_age(&self) -> bool {
        let asks = |policy: &Policy| {
            let files = &policy.files;
            files.changed_within.is_some() || files.unchanged_for.is_some()
        };
        self.all.iter().any(asks)
    }

    fn is_one_of(
        &self,
        which: &Which,
        facts: &Facts<'_>,
        own: &[&str],
        now: Timestamp,
        because: &mut Vec<String>,
    ) -> bool {
        if !which.is_of(facts) || !which.is_of_age(facts.modified, now) {
            return false;
        }
        if !which.sharing.is_empty() {
            because.push(facts.sharing.name().into());
        }
        match which.link {
            Some(wanted) if facts.link != Some(wanted) => return false,
            Some(Link::Organisation) => because.push("a link for the organisation".into()),
            Some(Link::Anyone) => because.push("a link for anyone".into()),
            None => {}
        }
        if !which.shared_with.is_empty() {
            let strangers: BTreeSet<&str> = facts
                .people
                .iter()
                .filter_map(|address| domain(address))
                .filter(|domain| {
                    which
                        .shared_with
                        .iter()
                        .any(|others| self.is(*others, domain, own))
                })
                .collect();
            if strangers.is_empty() {
                return false;
            }
            let strangers: Vec<&str> = strangers.into_iter().collect();
            because.push(format!("shared with {}", strangers.join(", ")));
        }
        match (&which.labels, facts.label) {
            (Some(Labels::Any | Labels::Of(_)), Some(label)) => {
                because.push(format!("labelled {label}"));
            }
            (Some(Labels::None), None) => because.push("without a label".into()),
            _ => {}
        }
        true
    }

    fn is(&self, others: Others, domain: &str, own: &[&str]) -> bool {
        let is_in = |domains: &BTreeSet<String>| {
            let mut domains = domains.iter();
            domains.any(|other| is_within(domain, other))
        };
        let is_own = || own.iter().any(|other| is_within(domain, other));
        match others {
            Others::PrivateMail => is_in(&self.private_mail),
            Others::UnapprovedDomain => !is_own() && !is_in(&self.approved),
        }
    }
}

impl Which {
    fn is_of(&self, facts: &Facts<'_>) -> bool {
        let any = |all: &[String], is: &dyn Fn(&str) -> bool| {
            all.is_empty() || all.iter().any(|one| is(one))
        };
        let is_in_size = facts.bytes.map_or(
            self.bytes_min.is_none() && self.bytes_max.is_none(),
            |bytes| {
                self.bytes_min.is_none_or(|min| bytes >= min)
                    && self.bytes_max.is_none_or(|max| bytes <= max)
            },
        );
        (self.apps.is_empty() || self.apps.contains(&facts.app))
            && any(&self.places, &|place| is_below(facts.address, place))
            && any(&self.owners, &|owner| is_owner(facts.owner, owner))
            && (self.sharing.is_empty() || self.sharing.contains(&facts.sharing))
            && any(&self.types, &|wanted| facts.is_of_type(wanted))
            && match (&self.labels, facts.label) {
                (Some(_), _) if !facts.labels_told => false,
                (None, _) | (Some(Labels::Any), Some(_)) | (Some(Labels::None), None) => true,
                (Some(Labels::Of(labels)), Some(label)) => labels.iter().any(|one| one == label),
                (Some(_), _) => false,
            }
            && is_in_size
    }

    fn is_of_age(&self, modified: Option<Timestamp>, now: Timestamp) -> bool {
        let age = modified.map(|modified| now.duration_since(modified));
        self.changed_within
            .is_none_or(|most| age.is_some_and(|age| age <= most))
            && self
                .unchanged_for
                .is_none_or(|least| age.is_some_and(|age| age >= least))
    }
}

/// Whether an address is a place or below it: `…/sites/hr` is not in `…/sites/h`.
fn is_below(address: &str, place: &str) -> bool {
    let place = place.trim_end_matches('/');
    let rest = address.strip_prefix(place);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `ann@contoso.example`, or `@contoso.example` for everybody there.
fn is_owner(owner: Option<&str>, wanted: &str) -> bool {
    let Some(owner) = owner else { return false };
    match wanted.strip_prefix('@') {
        Some(wanted) => domain(owner).is_some_and(|domain| is_within(domain, wanted)),
        None => owner.eq_ignore_ascii_case(wanted),
    }
}

impl Finds {
    fn are_in(&self, findings: &[Finding], because: &mut Vec<String>) -> bool {
        let counted: Vec<&Finding> = findings
            .iter()
            .filter(|found| {
                found.confidence >= self.confidence_min && self.detectors.contains(&found.detector)
            })
            .collect();
        let different: u64 = counted.iter().map(|found| found.distinct).sum();
        if counted.is_empty() || different < self.count_min {
            return false;
        }
        because.extend(
            counted
                .iter()
                .map(|found| format!("{}: {} different", found.detector, found.distinct)),
        );
        true
    }
}
