//! Lists of what a connection holds, page by page, while scans go on and builders die.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::atomic::Ordering;

use casbah_model::SignedDuration;
use casbah_model::file::Sharing;
use casbah_model::message::{Message, Stage};
use casbah_pipeline::connect::find;
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::view::{Answer, Collection, Filter, Kind, Question, Status, page};
use casbah_pipeline::{StageError, handle, user_scan};
use casbah_platform_local::{LocalSystem, Until};
use casbah_simulators::microsoft365::Deed;
use serde_json::Value;

use crate::view_building::objects;
use crate::world::{World, counts, in_virtual_time, name, small};

pub(crate) async fn connection(system: &LocalSystem) -> ConnectionItem {
    let found = find(&system.ctx, &name()).await.expect("a table");
    found.expect("a connection")
}

pub(crate) async fn ask(
    system: &LocalSystem,
    collection: Collection,
    filter: &Filter,
    after: Option<String>,
    limit: usize,
) -> Result<Answer, StageError> {
    let question = Question {
        collection,
        filter: filter.clone(),
        after,
        limit,
    };
    page(&system.ctx, &connection(system).await, &question).await
}

/// Hands the messages for views to the pipeline, as the function behind their queue would.
pub(crate) async fn serve_views(system: &LocalSystem) -> usize {
    let ctx = &system.ctx;
    let waiting = ctx
        .queue
        .receive(Stage::Connect, 10)
        .await
        .expect("a queue");
    let mut built = 0;
    for delivery in waiting {
        handle(ctx, &delivery.message).await.expect("a view");
        ctx.queue.delete(&delivery.receipt).await.expect("a queue");
        built += usize::from(matches!(delivery.message, Message::View { .. }));
    }
    built
}

/// The rest of a listing, from `after` on; waits for views that are being built.
pub(crate) async fn rest(
    system: &LocalSystem,
    collection: Collection,
    filter: &Filter,
    mut after: Option<String>,
    limit: usize,
) -> Vec<Value> {
    let mut all = vec![];
    for _ in 0..20_000 {
        let answer = ask(system, collection, filter, after.clone(), limit).await;
        match answer.expect("a page") {
            Answer::Ready {
                items,
                next,
                lacking,
            } => {
                assert!(items.len() <= limit, "{} items", items.len());
                assert_eq!(lacking, Vec::<String>::new());
                all.extend(items);
                match next {
                    Some(next) => after = Some(next),
                    None => return all,
                }
            }
            Answer::Building { next, .. } => {
                serve_views(system).await;
                // As long as the API says.
                let again = system.ctx.now() + SignedDuration::from_secs(3);
                system.ctx.clock.sleep_until(again).await;
                after = Some(next);
            }
            Answer::Unknown => panic!("{collection} are not known"),
        }
    }
    panic!("the list of {collection} does not end");
}

pub(crate) async fn all(
    system: &LocalSystem,
    collection: Collection,
    filter: Filter,
) -> Vec<Value> {
    rest(system, collection, &filter, None, 1000).await
}

pub(crate) fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} of {row}"))
}

/// Ids of rows, each of which comes once.
pub(crate) fn ids(rows: &[Value]) -> BTreeSet<String> {
    let ids: BTreeSet<String> = rows.iter().map(|row| text(row, "id").to_string()).collect();
    assert_eq!(ids.len(), rows.len(), "an id comes twice");
    ids
}

async fn live_for(world: &World, system: &LocalSystem, time: SignedDuration) {
    let until = world.clock.now() + time;
    system
        .run(Until::Stopped, world.clock.sleep_until(until))
        .await
        .expect("a run");
    system.ctx.stopping.store(false, Ordering::Relaxed);
}

/// Asserts that every list is what the tenant holds.
async fn assert_lists(world: &World, system: &LocalSystem, limit: usize) {
    let holds = world.simulator.holds();
    let list = async |collection| rest(system, collection, &Filter::default(), None, limit).await;
    assert_eq!(ids(&list(Collection::Users).await), holds.user_ids);
    assert_eq!(ids(&list(Collection::Groups).await), holds.group_ids);
    let held = ids(&list(Collection::Privileges).await);
    assert_eq!(held, holds.role_assignment_ids);
    let granted = ids(&list(Collection::AppPermissions).await);
    let grants = holds
        .delegated_grant_ids
        .union(&holds.app_role_assignment_ids);
    assert_eq!(granted, grants.cloned().collect());
    let files = list(Collection::Files).await;
    ids(&files);
    let is_file = |row: &&Value| row["kind"] == "file";
    let found: BTreeMap<String, Sharing> = files
        .iter()
        .filter(is_file)
        .map(|row| {
            let (_, item) = text(row, "id").rsplit_once('/').expect("root and item");
            let sharing = serde_json::from_value(row["sharing"].clone()).expect("a class");
            (item.to_string(), sharing)
        })
        .collect();
    assert_eq!(found, holds.file_ids);
    assert_eq!(
        files.len() as u64 - found.len() as u64,
        counts(system).await.folders
    );
}

#[test]
fn every_list_holds_what_the_tenant_holds_once_whatever_the_length_of_its_pages() {
    in_virtual_time(async {
        let world = World::new(small(60));
        let system = world.caught_up().await;
        for limit in [1000, 37, 1] {
            assert_lists(&world, &system, limit).await;
        }
    });
}

#[test]
fn lists_are_whole_when_every_view_is_built_in_the_background() {
    in_virtual_time(async {
        let world = World::new(small(73));
        let mut system = world.caught_up().await;
        system.ctx.settings.view_records = 3;
        let started = system.ctx.now();
        assert_lists(&world, &system, 50).await;
        assert!(system.ctx.now() > started, "nobody waited");
    });
}

#[test]
fn rows_tell_names_and_what_they_refer_to() {
    in_virtual_time(async {
        let world = World::new(small(61));
        let system = world.caught_up().await;
        for row in all(&system, Collection::Users, Filter::default()).await {
            assert!(text(&row, "address").contains('@'), "{row}");
            assert!(
                !text(&row, "name").is_empty() && row["created"].is_string(),
                "{row}"
            );
        }
        let users = all(&system, Collection::Users, Filter::default()).await;
        assert!(
            users.iter().any(|row| row["last_sign_in"].is_string()),
            "nobody was seen"
        );
        for row in all(&system, Collection::Privileges, Filter::default()).await {
            assert!(!text(&row, "role_name").is_empty(), "{row}");
            assert!(
                !text(&row, "holder_name").is_empty() && row["kind"] != "other",
                "{row}"
            );
        }
        for row in all(&system, Collection::AppPermissions, Filter::default()).await {
            assert!(!text(&row, "application_name").is_empty(), "{row}");
            assert!(!text(&row, "resource_name").is_empty(), "{row}");
            let permissions = row["permissions"].as_array().expect("a list");
            let is_named =
                |one: &Value| one.as_str().is_some_and(|one| one.matches('-').count() < 4);
            assert!(
                !permissions.is_empty() && permissions.iter().all(is_named),
                "{row}"
            );
        }
        for row in all(&system, Collection::Files, Filter::default()).await {
            assert!(text(&row, "address").starts_with("https://"), "{row}");
            assert!(
                row["bytes"].is_u64() && row["modified"].is_string(),
                "{row}"
            );
        }
    });
}

#[test]
fn filters_agree_with_the_counts_of_the_inventory() {
    in_virtual_time(async {
        let world = World::new(small(62));
        let system = world.caught_up().await;
        let found = counts(&system).await;
        let any = Filter::default;
        let count = async |collection, filter: Filter| {
            let whole = all(&system, collection, filter.clone()).await;
            assert_eq!(rest(&system, collection, &filter, None, 3).await, whole);
            whole.len() as u64
        };
        let guests = Filter {
            kind: Some(Kind::Guest),
            ..any()
        };
        assert_eq!(count(Collection::Users, guests).await, found.guests);
        let disabled = Filter {
            status: Some(Status::Disabled),
            ..any()
        };
        assert_eq!(count(Collection::Users, disabled).await, found.disabled);
        let risky = Filter {
            risk: Some(true),
            ..any()
        };
        assert_eq!(
            count(Collection::AppPermissions, risky).await,
            found.risky_grants
        );
        let privileged = Filter {
            privileged: Some(true),
            ..any()
        };
        let held = all(&system, Collection::Privileges, privileged).await;
        let admins: BTreeSet<&str> = held.iter().map(|row| text(row, "holder")).collect();
        assert_eq!(admins.len() as u64, found.admins);
        for admin in admins {
            let filter = Filter {
                holder: Some(admin.into()),
                ..any()
            };
            let rows = all(&system, Collection::Privileges, filter).await;
            assert!(rows.iter().all(|row| row["holder"] == admin) && !rows.is_empty());
        }
        for sharing in Sharing::ALL {
            let filter = Filter {
                sharing: Some(sharing),
                kind: Some(Kind::File),
                ..any()
            };
            let expected = found.files_by_sharing.get(sharing.name()).copied();
            assert_eq!(
                count(Collection::Files, filter).await,
                expected.unwrap_or(0)
            );
        }
        let folders = Filter {
            kind: Some(Kind::Folder),
            ..any()
        };
        assert_eq!(count(Collection::Files, folders).await, found.folders);
    });
}

#[test]
fn one_thing_is_found_by_its_id_and_some_by_the_beginning_of_their_name() {
    in_virtual_time(async {
        let world = World::new(small(63));
        let system = world.caught_up().await;
        for collection in Collection::ALL {
            let whole = all(&system, collection, Filter::default()).await;
            for row in whole.iter().step_by(7) {
                let filter = Filter {
                    id: Some(text(row, "id").into()),
                    ..Filter::default()
                };
                assert_eq!(
                    all(&system, collection, filter).await,
                    std::slice::from_ref(row)
                );
            }
            for nobody in ["", "x", "x/y", "\u{0}"] {
                let filter = Filter {
                    id: Some(nobody.into()),
                    ..Filter::default()
                };
                assert_eq!(all(&system, collection, filter).await, Vec::<Value>::new());
            }
        }
        let users = all(&system, Collection::Users, Filter::default()).await;
        let beginning: String = text(&users[0], "name")
            .to_uppercase()
            .chars()
            .take(3)
            .collect();
        let filter = Filter {
            query: Some(beginning.clone()),
            ..Filter::default()
        };
        let begins = |row: &Value, field: &str| {
            text(row, field)
                .to_lowercase()
                .starts_with(&beginning.to_lowercase())
        };
        let expected = users
            .iter()
            .filter(|row| begins(row, "name") || begins(row, "address"));
        let expected: Vec<Value> = expected.cloned().collect();
        assert_eq!(all(&system, Collection::Users, filter).await, expected);
        let files = all(&system, Collection::Files, Filter::default()).await;
        let roots: BTreeSet<&str> = files.iter().map(|row| text(row, "root")).collect();
        let mut sum = 0;
        for root in roots {
            let filter = Filter {
                root: Some(root.into()),
                ..Filter::default()
            };
            sum += all(&system, Collection::Files, filter).await.len();
        }
        assert_eq!(sum, files.len());
    });
}

#[test]
fn a_listing_keeps_its_view_while_people_come_and_go() {
    in_virtual_time(async {
        let world = World::new(small(64));
        let system = world.caught_up().await;
        let filter = Filter::default();
        let before = all(&system, Collection::Users, filter.clone()).await;
        let first = ask(&system, Collection::Users, &filter, None, 7).await;
        let Ok(Answer::Ready {
            mut items, next, ..
        }) = first
        else {
            panic!("{first:?}");
        };
        world.simulator.act(Deed::AddUser);
        world.simulator.act(Deed::DeleteUser { user: 3 });
        world.simulator.act(Deed::DisableUser { user: 4 });
        for file in 0..9 {
            world.simulator.act(Deed::ShareByAnonymousLink { file });
        }
        world.simulator.act(Deed::DeleteFile { file: 20 });
        world.simulator.act(Deed::AddFile { drive: 1 });
        live_for(&world, &system, SignedDuration::from_hours(13)).await;
        items.extend(rest(&system, Collection::Users, &filter, next, 7).await);
        assert_eq!(items, before, "the view that it began with");
        assert_lists(&world, &system, 50).await;
        let now = all(&system, Collection::Users, filter).await;
        assert_ne!(ids(&now), ids(&before), "one came and one went");
    });
}

#[test]
fn a_quiet_round_makes_no_new_view() {
    in_virtual_time(async {
        let world = World::new(small(65));
        let system = world.caught_up().await;
        all(&system, Collection::Groups, Filter::default()).await;
        all(&system, Collection::Files, Filter::default()).await;
        let before = objects(&system).await;
        live_for(&world, &system, SignedDuration::from_hours(13)).await;
        all(&system, Collection::Groups, Filter::default()).await;
        all(&system, Collection::Files, Filter::default()).await;
        assert_eq!(objects(&system).await, before);
    });
}

#[test]
fn a_snapshot_that_is_held_back_is_not_shown() {
    in_virtual_time(async {
        let world = World::new(small(66));
        let system = world.caught_up().await;
        let filter = Filter::default();
        let before = all(&system, Collection::Users, filter.clone()).await;
        let token = match ask(&system, Collection::Users, &filter, None, 1).await {
            Ok(Answer::Ready {
                next: Some(next), ..
            }) => next,
            other => panic!("{other:?}"),
        };
        for user in 0..20 {
            world.simulator.act(Deed::DeleteUser { user });
        }
        live_for(&world, &system, SignedDuration::from_mins(40)).await;
        assert_eq!(
            all(&system, Collection::Users, filter.clone()).await,
            before
        );
        // Whoever names its commit is not believed.
        let mut forged: Value = serde_json::from_str(&token).expect("a token");
        let at = &mut forged["at"]["row"]["view"]["at"][0];
        at["sequence"] = (at["sequence"].as_u64().expect("a number") + 1).into();
        let held = ask(
            &system,
            Collection::Users,
            &filter,
            Some(forged.to_string()),
            1,
        )
        .await;
        assert_code(held, "token");
        user_scan::accept(&system.ctx, &name(), "users")
            .await
            .expect("accepted");
        assert_eq!(
            all(&system, Collection::Users, filter).await.len(),
            before.len() - 20
        );
    });
}

fn assert_code(answer: Result<Answer, StageError>, code: &str) {
    match answer {
        Err(StageError::Refused(cause)) => assert_eq!(cause.code, code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_never_read_is_unknown_and_not_empty() {
    in_virtual_time(async {
        let world = World::new(small(67));
        let system = world.open();
        world.connect(&system, &["users"]).await;
        for collection in Collection::ALL {
            let answer = ask(&system, collection, &Filter::default(), None, 9).await;
            assert_eq!(answer.expect("an answer"), Answer::Unknown, "{collection}");
        }
        system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert!(
            !all(&system, Collection::Users, Filter::default())
                .await
                .is_empty()
        );
        for collection in [Collection::AppPermissions, Collection::Files] {
            let answer = ask(&system, collection, &Filter::default(), None, 9).await;
            assert_eq!(answer.expect("an answer"), Answer::Unknown, "{collection}");
        }
    });
}

#[test]
fn a_token_that_names_what_is_not_there_is_refused() {
    in_virtual_time(async {
        let world = World::new(small(68));
        let system = world.caught_up().await;
        let any = Filter::default();
        for collection in [Collection::Users, Collection::Files] {
            let token = match ask(&system, collection, &any, None, 1).await {
                Ok(Answer::Ready {
                    next: Some(next), ..
                }) => next,
                other => panic!("{other:?}"),
            };
            let token: Value = serde_json::from_str(&token).expect("a token");
            let hostile: [(&str, Value); 8] = [
                ("/at/row/view/at", Value::Array(vec![])),
                ("/at/row/view/at/0/stream", "../../raw".into()),
                ("/at/row/view/at/0/epoch", 9.into()),
                ("/at/row/view/at/0/sequence", 9_999_999.into()),
                ("/at/row/view/incarnation", 2.into()),
                ("/at/row/view/collection", "groups".into()),
                (
                    "/at/row/view/root",
                    serde_json::json!({"id": "nobody", "unshared": "private"}),
                ),
                ("/at", serde_json::json!({"after": {"root": 7}})),
            ];
            for (place, value) in hostile {
                let mut forged = token.clone();
                match forged.pointer_mut(place) {
                    Some(found) => *found = value,
                    None => forged["at"]["row"]["view"]["root"] = value,
                }
                let answer = ask(&system, collection, &any, Some(forged.to_string()), 1).await;
                assert_code(answer, "token");
            }
            // A row behind the last is the end.
            let mut behind = token.clone();
            behind["at"]["row"]["row"] = 4_000_000_000_u64.into();
            let answer = ask(&system, collection, &any, Some(behind.to_string()), 1).await;
            assert!(answer.is_ok(), "{answer:?}");
            behind["at"]["row"]["row"] = u64::MAX.into();
            let answer = ask(&system, collection, &any, Some(behind.to_string()), 1).await;
            assert_code(answer, "token");
        }
    });
}
