//! Tokens and filters; whole lists are in the scenarios.

use std::collections::BTreeMap;

use casbah_model::app::{App, Components};
use casbah_model::connection::{ConnectionSettings, ConnectionState};
use casbah_model::message::ViewCommit;

use super::*;
use crate::items::ConnectionItem;

pub(super) fn connection() -> ConnectionItem {
    ConnectionItem {
        v: 1,
        incarnation: 2,
        settings: ConnectionSettings {
            id: "contoso".parse().expect("a valid name"),
            app: App::Microsoft365,
            components: Components::parse(&["all"]).expect("a valid choice"),
            tier: Default::default(),
            app_settings: BTreeMap::new(),
            endpoints: BTreeMap::new(),
        },
        state: ConnectionState::Connected,
        connected_at: Timestamp::UNIX_EPOCH,
        report: None,
        previous: None,
        feeds: BTreeMap::new(),
    }
}

fn question(collection: Collection, filter: Filter) -> Question {
    Question {
        collection,
        filter,
        after: None,
        limit: 10,
    }
}

#[test]
fn a_token_is_good_for_its_own_question_only() {
    let scope = connection().scope();
    let place = Place::Row {
        view: ViewName {
            incarnation: 2,
            collection: "users".into(),
            root: None,
            at: vec![ViewCommit {
                stream: "users".into(),
                epoch: 1,
                sequence: 7,
            }],
        },
        row: 12,
    };
    let asked = question(Collection::Users, Filter::default());
    let token = place.write(&scope, &asked);
    let read = |scope: &crate::items::Scope, question: &Question, token: &str| {
        let question = Question {
            after: Some(token.into()),
            ..question.clone()
        };
        Place::read(scope, &question)
    };
    assert_eq!(read(&scope, &asked, &token).expect("its own"), Some(place));
    let guests = Filter {
        kind: Some(Kind::Guest),
        ..Filter::default()
    };
    let mut other = scope.clone();
    other.incarnation = 3;
    let refused = [
        read(
            &scope,
            &question(Collection::Groups, Filter::default()),
            &token,
        ),
        read(&scope, &question(Collection::Users, guests), &token),
        read(&other, &asked, &token),
        read(&scope, &asked, "{}"),
        read(&scope, &asked, "not a token"),
        read(&scope, &asked, ""),
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        let error = refused.expect_err("refused");
        assert!(
            matches!(&error, StageError::Refused(cause) if cause.code == "token"),
            "{number}: {error}"
        );
    }
}

#[test]
fn a_filter_that_a_collection_does_not_have_is_refused() {
    let check =
        |collection, filter: Filter| filter.check(collection).map_err(|error| error.to_string());
    let risky = Filter {
        risk: Some(true),
        ..Filter::default()
    };
    assert!(check(Collection::AppPermissions, risky.clone()).is_ok());
    let told = check(Collection::Users, risky).expect_err("refused");
    assert!(told.contains("cannot be filtered by risk"), "{told}");
    let folders = Filter {
        kind: Some(Kind::Folder),
        ..Filter::default()
    };
    assert!(check(Collection::Files, folders.clone()).is_ok());
    let told = check(Collection::Groups, folders).expect_err("refused");
    assert!(told.contains("no kind folder"), "{told}");
}

#[test]
fn the_objects_of_a_view_are_below_the_place_of_its_connection() {
    let connection = connection();
    let view = |root: Option<casbah_model::message::ViewRoot>, streams: &[&str]| ViewName {
        incarnation: 2,
        collection: "files".into(),
        root,
        at: streams
            .iter()
            .map(|stream| ViewCommit {
                stream: (*stream).into(),
                epoch: 1,
                sequence: 7,
            })
            .collect(),
    };
    let hostile = casbah_model::message::ViewRoot {
        id: casbah_model::record::RecordId::new("../../b!x/y"),
        unshared: casbah_model::file::Sharing::Private,
    };
    let name = |view| name::prefix(App::Microsoft365, &connection.scope(), &view);
    assert_eq!(
        name(view(None, &["users", "sign-in-times"])),
        "view/v1/vendor=microsoft365/conn=contoso.2/rows=2/files/\
         users.0001-000000000007_sign-in-times.0001-000000000007/"
    );
    let name = name(view(Some(hostile), &["../../b!x/y"]));
    assert!(!name.contains(".."), "{name}");
    assert!(name.ends_with("/0001-000000000007-private/"), "{name}");
}

/// Views are continued and read by later programs: when this changes, `VERSION` has to.
#[test]
fn rows_of_version_2_look_like_this() {
    assert_eq!(name::VERSION, 2);
    let marks = |kind: &'static str, of| casbah_lake::read::Marks {
        id: "a".into(),
        kind: kind.into(),
        of,
        at: "2026-05-04T10:00:00Z".into(),
    };
    let details = casbah_connector::EntityDetails {
        name: Some("Ann".into()),
        address: Some("ann@contoso.com".into()),
        permissions: vec!["Mail.Read".into()],
        ..Default::default()
    };
    let row = |kind, of| {
        let marks = marks(kind, of);
        let row = row::entity(marks, details.clone(), None, &row::Names::default());
        serde_json::to_string(&row).expect("a row is plain")
    };
    assert_eq!(
        row("guest-disabled", None),
        r#"{"id":"a","name":"Ann","address":"ann@contoso.com","kind":"guest","status":"disabled","collected_at":"2026-05-04T10:00:00Z"}"#
    );
    assert_eq!(
        row("grant-app-only-risky", Some("app".into())),
        r#"{"id":"a","kind":"app-only","application":"app","application_name":"Ann","permissions":["Mail.Read"],"risk":true,"collected_at":"2026-05-04T10:00:00Z"}"#
    );
    let file = casbah_connector::FileDetails {
        bytes: Some(7),
        ..Default::default()
    };
    let sharing = casbah_model::file::Sharing::PublicByLink;
    let row = row::file(marks("file-shared", None), file, "root", sharing);
    assert_eq!(
        serde_json::to_string(&row).expect("a row is plain"),
        r#"{"id":"a","kind":"file","root":"root","sharing":"public-by-link","bytes":7,"collected_at":"2026-05-04T10:00:00Z"}"#
    );
}
