use super::*;

/// Deeds in the order of `Deed::all`, as class, activity, type.
const ROWS: &str = include_str!("rows.txt");

fn rows(profile: Profile) -> String {
    let row = |deed: &Deed| {
        let activity = activity(*deed, profile);
        format!(
            "{deed:?}: {} {} {} {}\n",
            activity.class.uid(),
            activity.id,
            activity.type_uid(),
            activity.name
        )
    };
    Deed::all().iter().map(row).collect()
}

#[test]
fn every_deed_has_its_class_and_activity() {
    assert_eq!(rows(Profile::V1_3_0), ROWS);
}

#[test]
fn what_came_later_is_other_and_keeps_its_name() {
    for (deed, id, name) in [
        (Deed::Account(AccountVerb::Unlock), 12, "Unlock"),
        (Deed::File(FileVerb::AccessCheck), 17, "Access Check"),
    ] {
        let early = activity(deed, Profile::V1_3_0);
        assert_eq!((early.id, early.name), (OTHER, name));
        assert_eq!(activity(deed, Profile::V1_8_0).id, id);
    }
}

#[test]
fn systems_are_told_by_how_their_name_begins() {
    assert_eq!(system_type("Windows 10"), 100);
    assert_eq!(system_type("MacOs"), 300);
    assert_eq!(system_type("IOS 18"), 301);
    assert_eq!(system_type("Ärger"), OTHER);
}
