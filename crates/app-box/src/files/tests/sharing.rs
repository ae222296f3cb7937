//! How far an item is visible, and whose it is; and what people read of a record.

use casbah_model::file::Sharing;
use serde_json::{Value, json};

use crate::files::details;
use crate::files::exposure::{self, Owner};
use crate::files::fields::Fields;

const DOMAINS: [&str; 1] = ["corp.example"];

fn domains() -> Vec<String> {
    DOMAINS.map(String::from).into()
}

#[track_caller]
fn check_item(name: &str, item: Value, sharing: Sharing) {
    let text = item.to_string();
    let item = Fields::read(text.as_bytes()).expect("an object");
    let owner = Owner::of(&item, "11", &domains());
    assert_eq!(exposure::of_item(&item, owner), sharing, "{name}");
}

#[test]
fn links_and_owners_say_how_far_an_item_is_visible() {
    use Sharing::*;
    let link = |access: &str, password: bool| json!({"shared_link": {"access": "open", "effective_access": access, "is_password_enabled": password}});
    check_item("no link", json!({"shared_link": null}), Private);
    check_item("open", link("open", false), PublicByLink);
    check_item("open with a password", link("open", true), External);
    check_item("company", link("company", false), Internal);
    check_item("collaborators", link("collaborators", false), Private);
    check_item(
        "access alone",
        json!({"shared_link": {"access": "company"}}),
        Internal,
    );
    check_item("a link of no type", json!({"shared_link": "yes"}), Private);
    check_item(
        "an access of no type",
        json!({"shared_link": {"access": 7}}),
        Private,
    );
    check_item("outside", json!({"is_externally_owned": true}), External);
    let open = json!({"is_externally_owned": true, "shared_link": {"effective_access": "open"}});
    check_item("outside and open", open, PublicByLink);
    let owned =
        |id: &str, login: &str| json!({"owned_by": {"type": "user", "id": id, "login": login}});
    check_item("own", owned("11", "a@corp.example"), Private);
    check_item(
        "own with a login elsewhere",
        owned("11", "a@else.example"),
        Private,
    );
    check_item("colleague", owned("12", "B@Corp.Example"), Private);
    check_item(
        "somebody outside",
        owned("99", "x@notcorp.example"),
        External,
    );
}

#[test]
fn the_owner_says_whose_tree_has_an_item() {
    let of = |item: Value| {
        let text = item.to_string();
        Owner::of(
            &Fields::read(text.as_bytes()).expect("an object"),
            "11",
            &domains(),
        )
    };
    let owned = |id: &str, login: &str| json!({"owned_by": {"id": id, "login": login}});
    assert_eq!(of(json!({})), Owner::Walked);
    assert_eq!(of(owned("11", "a@corp.example")), Owner::Walked);
    assert_eq!(of(owned("12", "b@corp.example")), Owner::Inside);
    assert_eq!(of(owned("13", "x@other.example")), Owner::Outside);
    // Users of apps have logins at Box's own domain, and Box says of whom it knows whether they are outside.
    let mut app = owned("14", "AutomationUser_1@boxdevedition.com");
    app["is_externally_owned"] = json!(false);
    assert_eq!(of(app), Owner::Inside);
    let mut outside = owned("15", "c@corp.example");
    outside["is_externally_owned"] = json!(true);
    assert_eq!(of(outside), Owner::Outside);
}

#[test]
fn collaborations_say_who_else_can_see_an_item() {
    use Sharing::*;
    let check = |name: &str, entry: Value, sharing: Sharing| {
        let text = entry.to_string();
        let entry = Fields::read(text.as_bytes()).expect("an object");
        assert_eq!(
            exposure::of_collaboration(&entry, &domains()),
            sharing,
            "{name}"
        );
    };
    let user = |login: &str, status: &str| {
        json!({"type": "collaboration", "role": "editor", "status": status,
               "accessible_by": {"type": "user", "id": "9", "login": login}})
    };
    check("colleague", user("b@corp.example", "accepted"), Internal);
    check("outsider", user("x@other.example", "accepted"), External);
    check(
        "pending outsider",
        user("x@other.example", "pending"),
        External,
    );
    check("refused", user("x@other.example", "rejected"), Private);
    let group = json!({"role": "viewer", "status": "accepted", "accessible_by": {"type": "group", "id": "3", "name": "All"}});
    check("a group", group, Internal);
    let invited = |address: &str| json!({"role": "viewer", "status": "pending", "accessible_by": null, "invite_email": address, "item": null});
    check("invited from outside", invited("x@other.example"), External);
    check("invited colleague", invited("b@CORP.example"), Internal);
    let owner = |login: &str| json!({"role": "owner", "status": "accepted", "accessible_by": {"type": "user", "login": login}});
    check("the owner", owner("a@corp.example"), Private);
    check("an owner outside", owner("x@other.example"), External);
    check(
        "nobody that we can name",
        json!({"status": "accepted", "accessible_by": 7}),
        Internal,
    );
}

#[test]
fn a_record_says_what_people_read_of_it() {
    let record = json!({"type": "file", "id": "1", "name": "Plan \u{e9}", "size": 629644,
        "created_at": "2012-12-12T10:53:43-08:00", "modified_at": "2026-03-23T09:18:35-07:00",
        "modified_by": {"name": "A", "login": "a@corp.example"}, "shared_link": {"url": "https://app.box.com/s/1"}});
    let details = details::read(record.to_string().as_bytes());
    assert_eq!(details.name.as_deref(), Some("Plan \u{e9}"));
    assert_eq!(details.bytes, Some(629_644));
    assert_eq!(details.modified, "2026-03-23T16:18:35Z".parse().ok());
    assert_eq!(details.modified_by.as_deref(), Some("a@corp.example"));
    assert_eq!(details.address.as_deref(), Some("https://app.box.com/s/1"));
    let wrong = json!({"name": 7, "size": "x", "modified_by": [], "created_at": "yesterday", "shared_link": null});
    assert_eq!(
        details::read(wrong.to_string().as_bytes()),
        Default::default()
    );
    assert_eq!(details::read(b"nothing"), Default::default());
}
