//! Policies as people write them.
//!
//! ```toml
//! shipped = ["public-secrets"]           # which of those that come with Casbah; left out, all
//! approved_domains = ["partner.example"]
//! private_mail = ["mail.example"]        # beside the providers that are known
//!
//! [[policy]]
//! name = "salaries"
//! title = "Salaries outside of the human resources site"
//! severity = "high"                      # informational, low, medium, high, critical
//! propose = "make-private"               # the name of an action
//! apps = ["microsoft365"]                # a file that fits all of these; of a list, one is enough
//! places = ["https://contoso.sharepoint.com/sites/hr"]
//! owners = ["ann@contoso.example", "@lab.contoso.example"]
//! sharing = ["internal", "external", "public-by-link", "public"]
//! link = "anyone"                        # or organisation
//! shared_with = ["private-mail"]         # or unapproved-domain
//! labels = "any"                         # or none, or names
//! types = ["xlsx", "csv"]
//! mb_min = 1
//! mb_max = 100
//! changed_within_days = 30
//! unchanged_for_days = 365
//!
//! [policy.finds]                         # left out, whatever it holds
//! detectors = ["iban"]
//! kinds = ["financial"]
//! count_min = 20                         # different values, over all of them
//! confidence_min = "high"                # or medium, low
//! ```

use std::collections::BTreeSet;

use casbah_model::SignedDuration;
use casbah_model::file::Sharing;
use casbah_model::inspection::Confidence;
use serde::Deserialize;

use crate::facts::Link;
use crate::policy::{Finds, Labels, Others, Policies, Policy, Severity, Which};
use crate::shipped::SHIPPED;

/// Policies in one file, and letters of a name.
const POLICIES_MAX: usize = 200;
const NAME_MAX: usize = 64;
/// Days and MB that make sense: a century, a petabyte.
const DAYS_MAX: u32 = 36_500;
const MB_MAX: u64 = 1 << 30;

/// A detector that policies may name, and its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detectable {
    pub name: String,
    /// `financial`, `secret`; of a customer's own, `own`.
    pub kind: String,
}

/// Why policies are not taken.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The position is in the message.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("policy \"{policy}\": {what}")]
    Policy { policy: String, what: String },
    #[error("`shipped` names \"{0}\", which does not come with Casbah")]
    NotShipped(String),
    #[error("there are {0} policies, and {POLICIES_MAX} are the most")]
    TooMany(usize),
    #[error("\"{0}\" is not a domain")]
    Domain(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    shipped: Option<Vec<String>>,
    #[serde(default)]
    approved_domains: Vec<String>,
    #[serde(default)]
    private_mail: Vec<String>,
    #[serde(default)]
    policy: Vec<PolicyText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    name: String,
    title: String,
    severity: Severity,
    propose: Option<String>,
    #[serde(default)]
    apps: Vec<String>,
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    owners: Vec<String>,
    #[serde(default)]
    sharing: Vec<Sharing>,
    link: Option<Link>,
    #[serde(default)]
    shared_with: Vec<Others>,
    labels: Option<LabelsText>,
    #[serde(default)]
    types: Vec<String>,
    mb_min: Option<u64>,
    mb_max: Option<u64>,
    changed_within_days: Option<u32>,
    unchanged_for_days: Option<u32>,
    finds: Option<FindsText>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LabelsText {
    Word(String),
    Names(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FindsText {
    #[serde(default)]
    detectors: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    count_min: Option<u64>,
    confidence_min: Option<Confidence>,
}

impl Policies {
    /// Those that come with Casbah, as far as the file takes them, and then its own.
    pub fn read(text: &str, known: &[Detectable]) -> Result<Policies, PolicyError> {
        let file: FileText = toml::from_str(text)?;
        let shipped: FileText = toml::from_str(SHIPPED)?;
        let mut all = shipped.policy;
        if let Some(wanted) = &file.shipped {
            let is_there = |name: &String| all.iter().any(|policy| policy.name == *name);
            if let Some(other) = wanted.iter().find(|name| !is_there(name)) {
                return Err(PolicyError::NotShipped(other.clone()));
            }
            all.retain(|policy| wanted.contains(&policy.name));
        }
        all.extend(file.policy);
        if all.len() > POLICIES_MAX {
            return Err(PolicyError::TooMany(all.len()));
        }
        let mut names = BTreeSet::new();
        let mut policies = vec![];
        for text in all {
            let name = text.name.clone();
            let wrong = |what: String| PolicyError::Policy {
                policy: name.clone(),
                what,
            };
            if !names.insert(text.name.clone()) {
                return Err(wrong("the name is used twice".into()));
            }
            policies.push(text.policy(known).map_err(wrong)?);
        }
        let private_mail = shipped.private_mail.into_iter().chain(file.private_mail);
        Ok(Policies {
            all: policies,
            private_mail: domains(private_mail)?,
            approved: domains(file.approved_domains)?,
        })
    }

    /// Those that come with Casbah, for who writes none.
    pub fn shipped(known: &[Detectable]) -> Result<Policies, PolicyError> {
        Policies::read("", known)
    }
}

fn domains(all: impl IntoIterator<Item = String>) -> Result<BTreeSet<String>, PolicyError> {
    let is_plain = |domain: &str| {
        let mut letters = domain.chars();
        domain.contains('.')
            && !domain.starts_with('.')
            && letters.all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-'))
    };
    all.into_iter()
        .map(|domain| match is_plain(&domain) {
            true => Ok(domain.to_lowercase()),
            false => Err(PolicyError::Domain(domain)),
        })
        .collect()
}

impl PolicyText {
    fn policy(self, known: &[Detectable]) -> Result<Policy, String> {
        let is_letter = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-');
        if self.name.is_empty() || self.name.len() > NAME_MAX || !self.name.chars().all(is_letter) {
            return Err(format!(
                "a name is 1 to {NAME_MAX} small letters, digits and hyphens"
            ));
        }
        let propose = self.propose.map(|action| {
            let parsed = action.parse();
            parsed.map_err(|_| format!("\"{action}\" is not an action"))
        });
        let apps = self.apps.into_iter().map(|app| {
            let parsed = app.parse();
            parsed.map_err(|_| format!("\"{app}\" is not an app"))
        });
        for days in [self.changed_within_days, self.unchanged_for_days]
            .into_iter()
            .flatten()
        {
            if days == 0 || days > DAYS_MAX {
                return Err(format!("{days} days is not between 1 and {DAYS_MAX}"));
            }
        }
        for mb in [self.mb_min, self.mb_max].into_iter().flatten() {
            if mb > MB_MAX {
                return Err(format!("{mb} MB is more than {MB_MAX}"));
            }
        }
        let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
        let files = Which {
            apps: apps.collect::<Result<_, _>>()?,
            places: self.places,
            owners: self.owners,
            sharing: self.sharing,
            link: self.link,
            shared_with: self.shared_with,
            labels: self.labels.map(LabelsText::labels).transpose()?,
            types: self.types,
            bytes_min: self.mb_min.map(|mb| mb << 20),
            bytes_max: self.mb_max.map(|mb| mb << 20),
            changed_within: self.changed_within_days.map(days),
            unchanged_for: self.unchanged_for_days.map(days),
        };
        let finds = self.finds.map(|finds| finds.finds(known)).transpose()?;
        if files == Which::default() && finds.is_none() {
            return Err("it says of no file that it breaks it, or of all".into());
        }
        Ok(Policy {
            name: self.name,
            title: self.title,
            severity: self.severity,
            propose: propose.transpose()?,
            files,
            finds,
        })
    }
}

impl LabelsText {
    fn labels(self) -> Result<Labels, String> {
        match self {
            LabelsText::Word(word) if word == "any" => Ok(Labels::Any),
            LabelsText::Word(word) if word == "none" => Ok(Labels::None),
            LabelsText::Word(word) => Err(format!(
                "labels are \"any\", \"none\" or a list of names, and not \"{word}\""
            )),
            LabelsText::Names(names) if names.is_empty() => Err("labels are an empty list".into()),
            LabelsText::Names(names) => Ok(Labels::Of(names)),
        }
    }
}

impl FindsText {
    fn finds(self, known: &[Detectable]) -> Result<Finds, String> {
        if self.detectors.is_empty() && self.kinds.is_empty() {
            return Err("finds names no detector and no kind".into());
        }
        if let Some(name) = self
            .detectors
            .iter()
            .find(|name| !known.iter().any(|one| one.name == **name))
        {
            return Err(format!("there is no detector with the name {name}"));
        }
        let mut detectors: BTreeSet<String> = self.detectors.into_iter().collect();
        for kind in &self.kinds {
            let of_kind = known.iter().filter(|one| one.kind == *kind);
            let mut is_known = false;
            detectors.extend(of_kind.map(|one| {
                is_known = true;
                one.name.clone()
            }));
            if !is_known {
                return Err(format!("there is no detector of the kind {kind}"));
            }
        }
        match self.count_min {
            Some(0) => Err("count_min is at least 1".into()),
            count_min => Ok(Finds {
                detectors,
                count_min: count_min.unwrap_or(1),
                confidence_min: self.confidence_min.unwrap_or(Confidence::Low),
            }),
        }
    }
}
