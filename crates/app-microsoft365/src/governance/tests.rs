use std::collections::BTreeSet;

use casbah_connector::Connector;
use casbah_model::permission::Tier;

use super::ACTIONS;
use super::labels::READ_LABELS;
use crate::MICROSOFT365;

#[test]
fn every_right_that_an_action_takes_is_among_those_a_test_compares() {
    let needs = MICROSOFT365.permissions().needs().iter();
    let compared: BTreeSet<_> = needs
        .filter(|need| need.tier == Tier::Act)
        .flat_map(|need| need.any_of)
        .collect();
    let specs = ACTIONS.iter().flat_map(|spec| spec.any_of);
    let taken: BTreeSet<_> = specs.chain(READ_LABELS).collect();
    assert_eq!(taken, compared);
}
