//! What a vendor grants, what we need it for, and the difference between the two.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::app::Component;

/// What the vendor calls a scope, role or right, by the vendor's own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permission(String);

impl Permission {
    pub fn new(name: impl Into<String>) -> Permission {
        Permission(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How deep a right reaches; a customer can stop at any tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Read who, what happened and who can see what.
    #[default]
    Observe,
    /// Read content.
    Inspect,
    /// Change something.
    Act,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::Observe, Tier::Inspect, Tier::Act];

    pub fn name(self) -> &'static str {
        match self {
            Tier::Observe => "observe",
            Tier::Inspect => "inspect",
            Tier::Act => "act",
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a tier; choose \"observe\", \"inspect\" or \"act\"")]
pub struct UnknownTier(String);

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(name: &str) -> Result<Tier, UnknownTier> {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == name);
        found.ok_or_else(|| UnknownTier(name.chars().take(60).collect()))
    }
}

/// One right that a component needs, with every name it may be granted under.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    pub component: Component,
    pub tier: Tier,
    /// The least right first; any one of them is enough.
    pub any_of: &'static [&'static str],
    pub strictness: Strictness,
    /// What it is for, as the end of the sentence "needed to …".
    pub purpose: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Without it the component cannot work.
    Required,
    /// Without it the component works with less.
    Optional,
}

/// What was found when a connection was tested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Whether the vendor tells what was granted.
    #[serde(default)]
    pub is_known: bool,
    pub granted: Vec<Permission>,
    pub missing: Vec<Missing>,
    /// Granted, and not needed by any chosen component in the tiers in use.
    pub excessive: Vec<Permission>,
    /// Where an administrator of the tenant gives what is missing.
    pub consent_link: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub component: Component,
    pub tier: Tier,
    /// The least right that would do.
    pub permission: Permission,
    pub is_required: bool,
    pub purpose: String,
}

/// Compares what was granted with what the chosen components need up to a tier.
pub fn compare(
    granted: &[Permission],
    needs: &[Need],
    tier: Tier,
    is_chosen: impl Fn(Component) -> bool,
) -> Grants {
    let holds = |name: &&str| {
        granted
            .iter()
            .any(|permission| permission.as_str() == *name)
    };
    let chosen = || {
        let needs = needs.iter().filter(|need| need.tier <= tier);
        needs.filter(|need| is_chosen(need.component))
    };
    let missing = chosen()
        .filter(|need| !need.any_of.iter().any(holds))
        .filter_map(|need| {
            Some(Missing {
                component: need.component,
                tier: need.tier,
                permission: Permission::new(*need.any_of.first()?),
                is_required: need.strictness == Strictness::Required,
                purpose: need.purpose.into(),
            })
        })
        .collect();
    let is_of_use =
        |permission: &Permission| chosen().any(|need| need.any_of.contains(&permission.as_str()));
    let excessive = granted
        .iter()
        .filter(|permission| !is_of_use(permission))
        .cloned()
        .collect();
    Grants {
        is_known: true,
        granted: granted.to_vec(),
        missing,
        excessive,
        consent_link: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: &[Need] = &[
        Need {
            component: Component::Users,
            tier: Tier::Observe,
            any_of: &["User.Read.All", "Directory.Read.All"],
            strictness: Strictness::Required,
            purpose: "read users",
        },
        Need {
            component: Component::Files,
            tier: Tier::Observe,
            any_of: &["Sites.Read.All"],
            strictness: Strictness::Required,
            purpose: "list sites",
        },
    ];

    #[test]
    fn the_least_right_is_named_when_none_of_the_alternatives_is_granted() {
        let grants = compare(&[], NEEDS, Tier::Observe, |component| {
            component == Component::Users
        });
        let named: Vec<_> = grants
            .missing
            .iter()
            .map(|missing| missing.permission.as_str())
            .collect();
        assert_eq!(named, ["User.Read.All"]);
    }

    #[test]
    fn a_right_for_a_component_that_is_not_chosen_is_excessive() {
        let granted = [
            Permission::new("Directory.Read.All"),
            Permission::new("Sites.Read.All"),
        ];
        let grants = compare(&granted, NEEDS, Tier::Observe, |component| {
            component == Component::Users
        });
        assert_eq!(grants.missing, []);
        assert_eq!(grants.excessive, [Permission::new("Sites.Read.All")]);
    }
}
