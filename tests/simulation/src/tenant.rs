//! The tenant of a seed, whichever app it is of: what is drawn of it, what its vendor does wrong, what people do in it, and
//! what a reader must have found.

mod box_com;
mod box_deeds;
mod box_files;
mod directory;
mod microsoft365;
mod okta;
mod span_log;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, Target};
use casbah_model::app::App;
use casbah_model::ports::Clock;
use casbah_pipeline::inventory::Summary;
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::{Context, StageError};
use casbah_simulators::governed::{Governed, Ready};
use casbah_simulators::simulated::{self, FaultSettings, Simulated};

use crate::conditions::Conditions;
use crate::draw::Draw;
use crate::mark::Mark;
use crate::watch::Watch;

/// A fault of the vendor by its name, with its value.
pub type VendorFault = (&'static str, Option<&'static str>);

/// A tenant that is being drawn.
pub trait Draft: Send + Sync {
    /// What may go wrong at the vendor; a reader must get over each.
    fn faults(&self) -> &'static [VendorFault];
    /// The fault that lets events come late by its value in minutes.
    fn late_fault(&self) -> &'static str;
    /// What may be chosen.
    fn components(&self) -> &'static [&'static [&'static str]];
    /// Something that somebody does.
    fn deed(&self, draw: &Draw) -> Deed;
    /// How long the trail takes to tell of a deed.
    fn delay_deeds(&mut self, delay: SignedDuration);
    /// Adds accounts that nobody but those who act does anything to, and says what they do.
    fn make_room(&mut self, _accounts: usize) -> &'static [ActionKind] {
        &[]
    }
    /// How many accounts there are.
    fn accounts(&self) -> usize;
    /// Sizes, in words.
    fn words(&self) -> String;
    fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Tenant>;
}

/// A tenant whose every detail is known.
#[async_trait(?Send)]
pub trait Tenant: Simulated {
    /// Switches a fault on, or off with `None`.
    fn turn(&self, fault: &str, how: Option<FaultSettings>);
    /// What whoever connects the tenant has to enter, beside what the tenant itself tells.
    fn entered(&self) -> Option<(&'static str, String)> {
        None
    }
    /// Lets somebody do something now.
    fn act(&self, deed: &Deed);
    /// The tenant as one that can be acted on.
    fn governed(&self) -> Option<&dyn Governed> {
        None
    }
    /// The id of an account by its number.
    fn account(&self, number: u64) -> String;
    /// What calls hold that are about a target.
    fn words(&self, _kind: ActionKind, ready: &Ready) -> Vec<String> {
        let target = ready.target.clone();
        vec![target.within.unwrap_or(target.id)]
    }
    /// Whether a target is as an action makes it; `None` where that cannot be seen.
    fn is_done(&self, _kind: ActionKind, _target: &Target) -> Option<bool> {
        None
    }
    /// How often each fault struck.
    fn struck(&self) -> BTreeMap<&'static str, u64>;
    /// The ids of the records that a bundle of the trail holds; `None` if there is no such bundle.
    fn bundle(&self, id: &str) -> Option<Vec<String>>;
    /// I14: calls above a limit of the vendor's.
    fn refused(&self) -> Option<String>;
    /// I12: what is wrong with the events that are committed.
    fn activities(&self, seen: &Reader<'_>) -> Option<String>;
    /// What is wrong with the inventories.
    async fn inventory(
        &self,
        seen: &Reader<'_>,
        found: &Summary,
    ) -> Result<Option<String>, StageError>;
    /// Situations that only the tenant knows of.
    fn marks(&self, watch: &Watch) -> Vec<Mark>;
}

/// What a reader has by now.
pub struct Reader<'a> {
    /// Without faults.
    pub ctx: &'a Context,
    pub connection: &'a ConnectionItem,
    pub conditions: &'a Conditions,
    pub watch: &'a Watch,
    pub due: Due,
}

/// Which lists must be right by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Those that are read every hour.
    Hourly,
    /// Those as well that are read twice a day and every day.
    Daily,
}

/// What somebody does in a tenant.
#[derive(Clone, Debug)]
pub enum Deed {
    Microsoft365(casbah_simulators::microsoft365::Deed),
    Okta(casbah_simulators::okta::Deed),
    Box(box_deeds::Deed),
}

impl Deed {
    /// Its name without details.
    pub fn name(&self) -> String {
        let words = match self {
            Deed::Microsoft365(deed) => format!("{deed:?}"),
            Deed::Okta(deed) => format!("{deed:?}"),
            Deed::Box(deed) => format!("{:?}", deed.what),
        };
        let is_end = |letter: char| !letter.is_alphanumeric();
        words.split(is_end).next().unwrap_or_default().into()
    }

    /// Whether it changes what is in lists that are not read every hour.
    pub fn is_slow(&self) -> bool {
        match self {
            Deed::Microsoft365(_) => false,
            Deed::Okta(deed) => okta::is_slow(deed),
            Deed::Box(deed) => deed.what.is_slow(),
        }
    }

    /// Whether somebody with files is no user any more.
    pub fn ends_owner(&self) -> bool {
        matches!(self, Deed::Box(deed) if deed.what == box_deeds::What::DeleteUser)
    }
}

/// Draws the sizes of a tenant.
pub fn draft(app: App, seed: u64, draw: &Draw) -> Box<dyn Draft> {
    match app {
        App::Microsoft365 => Box::new(microsoft365::Draft::new(seed, draw)),
        App::Okta => Box::new(okta::Draft::new(seed, draw)),
        App::Box => Box::new(box_com::Draft::new(seed, draw)),
    }
}

/// Whether the trail of an app is a log that is read again an hour and a day later.
pub fn is_read_again(app: App) -> bool {
    match app {
        App::Microsoft365 => false,
        App::Okta | App::Box => true,
    }
}

/// Names of the faults and deeds of an app that many seeds must meet. Those of Microsoft 365 are met by its marks.
pub fn wanted(app: App) -> (Vec<&'static str>, Vec<String>) {
    let names = |faults: &[VendorFault]| faults.iter().map(|(name, _)| *name).collect();
    match app {
        App::Microsoft365 => (vec![], vec![]),
        App::Okta => (names(okta::FAULTS), okta::deed_names()),
        App::Box => (names(box_com::FAULTS), box_deeds::deed_names()),
    }
}

/// The names of what can be switched on at the vendors of all apps, each once.
pub fn fault_names() -> Vec<&'static str> {
    let mut names: Vec<_> = App::ALL.into_iter().flat_map(simulated::faults).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Compares ids that were found with those there are.
pub fn sets<'a>(
    what: &str,
    found: impl IntoIterator<Item = &'a String>,
    holds: impl IntoIterator<Item = &'a String>,
) -> Option<String> {
    let found: BTreeSet<_> = found.into_iter().collect();
    let holds: BTreeSet<_> = holds.into_iter().collect();
    if let Some(missing) = holds.difference(&found).next() {
        return Some(format!("{what}: {missing} is missing"));
    }
    let strange = found.difference(&holds).next();
    strange.map(|strange| format!("{what}: {strange} is not there any more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_of_each_app_has_the_faults_that_are_drawn() {
        for app in App::ALL {
            let draft = draft(app, 1, &Draw::new(1));
            let known = simulated::faults(app);
            let drawn = draft.faults().iter().map(|(name, _)| *name);
            for name in drawn.chain([draft.late_fault()]) {
                assert!(known.contains(&name), "{name} of {}", app.name());
            }
        }
    }
}
