//! The products Casbah connects to, and the components of one that a customer can choose.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A product we support. Matched without a wildcard, so a new app is a compile error wherever it is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum App {
    Microsoft365,
    Okta,
    Box,
}

impl App {
    pub const ALL: [App; 3] = [App::Microsoft365, App::Okta, App::Box];

    /// The name in configuration files, object names and messages.
    pub fn name(self) -> &'static str {
        match self {
            App::Microsoft365 => "microsoft365",
            App::Okta => "okta",
            App::Box => "box",
        }
    }
}

impl App {
    /// The product as its vendor calls it.
    pub fn product(self) -> &'static str {
        match self {
            App::Microsoft365 => "Microsoft 365",
            App::Okta => "Okta",
            App::Box => "Box",
        }
    }

    pub fn vendor(self) -> &'static str {
        match self {
            App::Microsoft365 => "Microsoft",
            App::Okta => "Okta",
            App::Box => "Box",
        }
    }
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an app; known apps are {known}", known = names(App::ALL.map(App::name)))]
pub struct UnknownApp(String);

impl FromStr for App {
    type Err = UnknownApp;

    fn from_str(name: &str) -> Result<App, UnknownApp> {
        App::ALL
            .into_iter()
            .find(|app| app.name() == name)
            .ok_or_else(|| UnknownApp(name.into()))
    }
}

/// A part of an app that a customer can switch on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// Users, groups with members, roles and who holds them.
    Users,
    /// What administrators changed in the directory.
    ManagementEvents,
    SignInEvents,
    /// What users and services did: files, mail, sharing, policy matches.
    Activities,
    /// Files and who can see them.
    Files,
    /// Applications, what was delegated to them and what they may do on their own.
    AppPermissions,
}

impl Component {
    pub const ALL: [Component; 6] = [
        Component::Users,
        Component::ManagementEvents,
        Component::SignInEvents,
        Component::Activities,
        Component::Files,
        Component::AppPermissions,
    ];

    /// The name in configuration files and output.
    pub fn name(self) -> &'static str {
        match self {
            Component::Users => "users",
            Component::ManagementEvents => "management-events",
            Component::SignInEvents => "sign-in-events",
            Component::Activities => "activities",
            Component::Files => "files",
            Component::AppPermissions => "app-permissions",
        }
    }

    /// What must be chosen as well: which files changed is found in activities.
    pub fn needs(self) -> &'static [Component] {
        match self {
            Component::Users
            | Component::ManagementEvents
            | Component::SignInEvents
            | Component::Activities
            | Component::AppPermissions => &[],
            Component::Files => &[Component::Activities],
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a choice of components cannot be connected.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    #[error("\"{0}\" is not a component; choose from {known} or \"all\"", known = names(Component::ALL.map(Component::name)))]
    Unknown(String),
    #[error("no component is chosen; choose from {known} or \"all\"", known = names(Component::ALL.map(Component::name)))]
    Empty,
    /// What is needed must be chosen on purpose, because it reads more.
    #[error("component \"{component}\" needs \"{missing}\"; add it, or leave \"{component}\" out")]
    Needs {
        component: Component,
        missing: Component,
    },
}

impl FromStr for Component {
    type Err = ComponentError;

    fn from_str(name: &str) -> Result<Component, ComponentError> {
        let found = Component::ALL
            .into_iter()
            .find(|component| component.name() == name);
        found.ok_or_else(|| ComponentError::Unknown(name.into()))
    }
}

/// A set of components in which everything a member needs is present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Components(std::collections::BTreeSet<Component>);

impl Components {
    pub fn all() -> Components {
        Components(Component::ALL.into())
    }

    /// Parses names as a customer writes them; `all` stands for every component.
    ///
    /// Where users are chosen they come first and the rest waits for them; without them nothing does.
    pub fn parse<S: AsRef<str>>(names: &[S]) -> Result<Components, ComponentError> {
        if names.is_empty() {
            return Err(ComponentError::Empty);
        }
        let named = names.iter().map(AsRef::as_ref);
        let chosen = named
            .clone()
            .filter(|name| *name != "all")
            .map(str::parse::<Component>)
            .collect::<Result<std::collections::BTreeSet<_>, _>>()?;
        if named.clone().any(|name| name == "all") {
            return Ok(Components::all());
        }
        for component in &chosen {
            if let Some(missing) = component.needs().iter().find(|need| !chosen.contains(need)) {
                return Err(ComponentError::Needs {
                    component: *component,
                    missing: *missing,
                });
            }
        }
        Ok(Components(chosen))
    }

    /// The same without some.
    pub fn without(mut self, components: &[Component]) -> Components {
        self.0.retain(|component| !components.contains(component));
        self
    }

    pub fn has(&self, component: Component) -> bool {
        self.0.contains(&component)
    }

    pub fn has_any(&self, components: &[Component]) -> bool {
        components.iter().any(|component| self.has(*component))
    }

    pub fn iter(&self) -> impl Iterator<Item = Component> + '_ {
        self.0.iter().copied()
    }
}

fn names<const N: usize>(names: [&str; N]) -> String {
    names.map(|name| format!("\"{name}\"")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_activities_are_refused_by_name() {
        let refused = Components::parse(&["files"]).expect_err("files need activities");
        assert_eq!(
            refused.to_string(),
            "component \"files\" needs \"activities\"; add it, or leave \"files\" out"
        );
    }

    #[test]
    fn a_component_can_be_chosen_singly() {
        let chosen = Components::parse(&["activities"]).expect("activities alone are a choice");
        assert_eq!(chosen.iter().collect::<Vec<_>>(), [Component::Activities]);
    }

    #[test]
    fn an_unknown_component_beside_all_is_refused() {
        let refused = Components::parse(&["all", "mail"]);
        assert_eq!(refused, Err(ComponentError::Unknown("mail".into())));
    }

    #[test]
    fn an_unknown_component_is_answered_with_the_known_ones() {
        let refused = Components::parse(&["mail"]).expect_err("there is no such component");
        assert!(
            refused.to_string().contains("\"sign-in-events\""),
            "{refused}"
        );
    }
}
