//! A small enterprise at Box of which a test says at every call what changes: users, and what lies in their trees.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use casbah_model::ports::Transport;
use casbah_model::transport::{Headers, Request, Response, TransportError, WholeBody};
use serde_json::{Value, json};

/// Items of one page: small, so that a few folders have several.
const PAGE: usize = 3;

/// A file or folder.
#[derive(Clone, Debug)]
pub struct Node {
    pub is_folder: bool,
    pub owner: u64,
    pub parent: u64,
    /// What `effective_access` of its link is.
    pub link: Option<&'static str>,
}

#[derive(Default)]
pub struct Held {
    pub users: BTreeMap<u64, &'static str>,
    pub items: BTreeMap<u64, Node>,
    /// Paths that were called, and as whom.
    pub calls: Vec<(String, Option<u64>)>,
}

impl Held {
    pub fn file(&mut self, id: u64, owner: u64, parent: u64) {
        self.put(id, owner, parent, false);
    }

    pub fn folder(&mut self, id: u64, owner: u64, parent: u64) {
        self.put(id, owner, parent, true);
    }

    fn put(&mut self, id: u64, owner: u64, parent: u64, is_folder: bool) {
        let node = Node {
            is_folder,
            owner,
            parent,
            link: None,
        };
        self.items.insert(id, node);
    }

    pub fn node(&mut self, id: u64) -> &mut Node {
        self.items.get_mut(&id).expect("an item")
    }

    /// Deletes a user with everything they own.
    pub fn delete_user(&mut self, user: u64) {
        self.users.remove(&user);
        self.items.retain(|_, node| node.owner != user);
    }

    /// How often a path was called.
    pub fn times(&self, path: &str) -> usize {
        self.calls.iter().filter(|(known, _)| known == path).count()
    }
}

/// What happens before a call is answered.
type Before = dyn Fn(&str, &mut Held) + Send + Sync;

pub struct Corp {
    pub held: Mutex<Held>,
    before: Mutex<Arc<Before>>,
}

impl Corp {
    /// Two users and an inactive one; a tree of some levels, with a folder that is open to everybody.
    pub fn new() -> Arc<Corp> {
        let mut held = Held {
            users: BTreeMap::from([(11, "active"), (12, "active"), (13, "inactive")]),
            ..Held::default()
        };
        for (folder, parent) in [(100, 0), (200, 0), (110, 100), (120, 100), (111, 110)] {
            held.folder(folder, 11, parent);
            for number in 0..4 {
                held.file(folder * 100 + number, 11, folder);
            }
        }
        held.node(110).link = Some("open");
        held.node(10_000).link = Some("company");
        held.folder(300, 12, 0);
        held.file(30_000, 12, 300);
        held.folder(400, 13, 0);
        Arc::new(Corp {
            held: Mutex::new(held),
            before: Mutex::new(Arc::new(|_, _| {})),
        })
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.held.lock().expect("nobody panics here"))
    }

    pub fn before(&self, happens: impl Fn(&str, &mut Held) + Send + Sync + 'static) {
        *self.before.lock().expect("nobody panics here") = Arc::new(happens);
    }
}

#[async_trait]
impl Transport for Corp {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let path = request.url.split_once("://").expect("an address").1;
        let path = &path[path.find('/').expect("a path")..];
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = path.strip_prefix("/2.0").unwrap_or(path);
        let mut marks = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("marker="));
        let from = marks
            .next()
            .map_or(0, |marker| marker.parse().expect("our marker"));
        let user = request
            .headers
            .get("as-user")
            .map(|id| id.parse().expect("an id"));
        let before = Arc::clone(&self.before.lock().expect("nobody panics here"));
        let mut held = self.held.lock().expect("nobody panics here");
        before(path, &mut held);
        held.calls.push((path.into(), user));
        let (status, body) = answer(&held, path, user, from);
        Ok(Response {
            status,
            headers: Headers::default(),
            body: WholeBody::boxed(body.to_string()),
        })
    }
}

fn answer(held: &Held, path: &str, user: Option<u64>, from: usize) -> (u16, Value) {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let is_refused = user.is_some_and(|user| held.users.get(&user) != Some(&"active"));
    match (&parts[..], user) {
        (["oauth2", "token"], _) => {
            let token = json!({"access_token": "invented", "expires_in": 4123, "token_type": "bearer", "restricted_to": []});
            (200, token)
        }
        (_, Some(_)) if is_refused => refusal(403, "access_denied_insufficient_permissions"),
        (["users", "me"], _) => {
            let enterprise = json!({"type": "enterprise", "id": "777", "name": "Corp"});
            (
                200,
                json!({"type": "user", "id": "1", "login": "AutomationUser_1@boxdevedition.com", "role": "admin",
                         "status": "active", "enterprise": enterprise}),
            )
        }
        (["users"], None) => {
            let users = held
                .users
                .iter()
                .map(|(id, status)| shown_user(*id, status));
            page(users.collect(), from)
        }
        (["users", id], None) => {
            let id: u64 = id.parse().expect("an id");
            match held.users.get(&id) {
                Some(status) => (200, shown_user(id, status)),
                None => refusal(404, "not_found"),
            }
        }
        (["folders", "trash", "items"], Some(_)) => page(vec![], 0),
        (["folders", id, "items"], Some(user)) => {
            let id: u64 = id.parse().expect("an id");
            if id != 0 && held.items.get(&id).is_none_or(|node| node.owner != user) {
                return refusal(404, "not_found");
            }
            let lies_in = |node: &Node| node.parent == id && node.owner == user;
            let items = held.items.iter().filter(|(_, node)| lies_in(node));
            page(items.map(|(id, node)| shown(*id, node)).collect(), from)
        }
        (["files" | "folders", id], Some(user)) => {
            let id: u64 = id.parse().expect("an id");
            match held.items.get(&id).filter(|node| node.owner == user) {
                Some(node) => (200, shown(id, node)),
                None => refusal(404, "trashed"),
            }
        }
        // Lists that these tests are not about.
        _ => (
            200,
            json!({"entries": [], "total_count": 0, "limit": 1000, "offset": 0, "next_stream_position": "1", "chunk_size": 0}),
        ),
    }
}

fn shown_user(id: u64, status: &str) -> Value {
    json!({"type": "user", "id": id.to_string(), "login": format!("u{id}@corp.example"), "status": status,
           "role": "user", "is_platform_access_only": false, "space_used": 9})
}

fn shown(id: u64, node: &Node) -> Value {
    let link = node.link.map(|access| {
        json!({"url": "https://app.box.com/s/1", "access": access, "effective_access": access,
                                             "is_password_enabled": false})
    });
    let owner = json!({"type": "user", "id": node.owner.to_string(), "login": format!("u{}@corp.example", node.owner)});
    json!({"type": if node.is_folder { "folder" } else { "file" }, "id": id.to_string(), "name": format!("item {id}"),
           "parent": {"type": "folder", "id": node.parent.to_string()}, "owned_by": owner, "shared_link": link,
           "is_externally_owned": false, "has_collaborations": false, "modified_at": "2026-03-23T09:18:35-07:00"})
}

fn page(all: Vec<Value>, from: usize) -> (u16, Value) {
    let to = all.len().min(from + PAGE);
    let next = (to < all.len()).then(|| to.to_string());
    let entries = all.get(from..to).unwrap_or_default();
    (
        200,
        json!({"limit": PAGE, "next_marker": next, "entries": entries}),
    )
}

fn refusal(status: u16, code: &str) -> (u16, Value) {
    (
        status,
        json!({"type": "error", "status": status, "code": code, "message": "No.", "request_id": "1"}),
    )
}
