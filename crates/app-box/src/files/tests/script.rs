//! An enterprise that answers by a script, and a session with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use casbah_conformance::apps::VirtualClock;
use casbah_conformance::memory_table::MemoryTable;
use casbah_connector::{
    Authenticator, Connector, ConnectorError, FileSource, Output, OutputError, PageEnd,
    RefusedRecord, Session,
};
use casbah_http::gate::Gates;
use casbah_http::{AuthError, Base, Scheme, SessionParts, Token, Tokens};
use casbah_model::connection::Tenant;
use casbah_model::cursor::Cursor;
use casbah_model::file::{File, Root, Sharing};
use casbah_model::ports::{Clock, Rng, Transport};
use casbah_model::record::{Noun, RecordId};
use casbah_model::secret::Secret;
use casbah_model::transport::{Headers, Request, Response, TransportError, WholeBody};
use casbah_model::{SignedDuration, Timestamp};

use crate::BOX;
use crate::files::Trees;
use crate::wire::owner_address;

/// A call as the script sees it.
pub(super) struct Asked<'a> {
    /// Path below `/2.0`, without the query.
    pub(super) path: &'a str,
    pub(super) marker: Option<&'a str>,
    pub(super) as_user: Option<&'a str>,
    /// Calls of this path before this one.
    pub(super) times: usize,
}

type Script = dyn Fn(&Asked<'_>) -> (u16, String) + Send + Sync;

pub(super) struct Enterprise {
    script: Arc<Script>,
    /// Paths that were called, each with the acting user.
    calls: Mutex<Vec<(String, Option<String>)>>,
}

#[async_trait]
impl Transport for Enterprise {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let path = request.url.strip_prefix("https://api.box.com/2.0");
        let path = path.expect("the one service");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut marks = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("marker="));
        let as_user = request.headers.get("as-user");
        let mut calls = self.calls.lock().expect("nobody panics here");
        let (status, body) = (self.script)(&Asked {
            path,
            marker: marks.next(),
            as_user,
            times: calls.iter().filter(|(known, _)| known == path).count(),
        });
        calls.push((path.into(), as_user.map(String::from)));
        Ok(Response {
            status,
            headers: Headers::default(),
            body: WholeBody::boxed(body),
        })
    }
}

struct Always;

#[async_trait]
impl Authenticator for Always {
    async fn token(&self, session: &Session, _: &'static str) -> Result<Token, AuthError> {
        Ok(Token {
            secret: Secret::new("an-invented-token"),
            expires: session.now() + SignedDuration::from_hours(1),
            scheme: Scheme::Bearer,
        })
    }
}

struct Seven;

impl Rng for Seven {
    fn next_u64(&self) -> u64 {
        7
    }
}

/// What a reading of a tree brought.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Id and class of each record.
    pub(super) lines: Vec<(String, &'static str)>,
    pub(super) parents: BTreeMap<String, String>,
    pub(super) refused: Vec<&'static str>,
}

#[async_trait]
impl Output<File> for Read {
    async fn record(&mut self, file: File, raw: &[u8]) -> Result<(), OutputError> {
        assert!(raw.starts_with(b"{"), "records are objects");
        let id = file.id.to_string();
        if let Some(parent) = &file.parent {
            self.parents.insert(id.clone(), parent.to_string());
        }
        self.lines.push((id, file.class()));
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.refused.push(refused.reason);
        Ok(())
    }
}

impl Read {
    /// The classes that were written of an item, in their order.
    pub(super) fn of(&self, id: &str) -> Vec<&'static str> {
        let lines = self.lines.iter().filter(|(known, _)| known == id);
        lines.map(|(_, class)| *class).collect()
    }
}

pub(super) fn root(user: &str) -> Root {
    Root {
        id: RecordId::new(user),
        address: owner_address(user),
        unshared: Sharing::Private,
    }
}

impl Enterprise {
    pub(super) fn new(
        script: impl Fn(&Asked<'_>) -> (u16, String) + Send + Sync + 'static,
    ) -> Arc<Enterprise> {
        Arc::new(Enterprise {
            script: Arc::new(script),
            calls: Mutex::default(),
        })
    }

    /// Paths that were called, in their order.
    pub(super) fn calls(&self) -> Vec<String> {
        let calls = self.calls.lock().expect("nobody panics here");
        calls.iter().map(|(path, _)| path.clone()).collect()
    }

    pub(super) fn acting(&self) -> Vec<Option<String>> {
        let calls = self.calls.lock().expect("nobody panics here");
        calls.iter().map(|(_, user)| user.clone()).collect()
    }

    fn session(self: &Arc<Enterprise>) -> Session {
        let started: Timestamp = "2026-03-23T16:00:00Z".parse().expect("a time");
        let clock = Arc::new(VirtualClock::new(started));
        let deadline = clock.now() + SignedDuration::from_mins(15);
        let scope = "corp.1".to_string();
        let base = Base::parse("https://api.box.com").expect("an address");
        let tenant = Tenant {
            domains: vec!["corp.example".into()],
            ..Tenant::default()
        };
        Session::new(SessionParts {
            connection: "corp".parse().expect("a name"),
            gates: Gates::new(
                Arc::new(MemoryTable::default()),
                clock.clone(),
                Arc::new(Seven),
                scope.clone(),
                BOX.limits(&tenant, &BTreeMap::new()),
                None,
                deadline,
            ),
            scope,
            settings: BTreeMap::new(),
            tier: Default::default(),
            endpoints: BTreeMap::from([("api", base)]),
            secret: Secret::new("invented"),
            tenant,
            authenticator: &Always,
            dialect: BOX.dialect(),
            transport: self.clone(),
            clock,
            rng: Arc::new(Seven),
            tokens: Arc::new(Tokens::default()),
        })
    }

    /// Reads the tree of a user to its end, or to the first error.
    pub(super) async fn walk(self: &Arc<Enterprise>, user: &str) -> (Read, Option<ConnectorError>) {
        let (mut read, mut cursor): (Read, Option<Cursor>) = Default::default();
        let root = root(user);
        for _ in 0..500 {
            let session = self.session();
            match Trees
                .page(&session, &root, cursor.as_ref(), &mut read)
                .await
            {
                Ok(PageEnd::More(next)) => {
                    assert_ne!(Some(&next), cursor.as_ref(), "it goes on");
                    cursor = Some(next);
                }
                Ok(PageEnd::CaughtUp(None)) => return (read, None),
                Ok(PageEnd::CaughtUp(Some(delta))) => panic!("no delta of a tree: {delta:?}"),
                Err(error) => return (read, Some(error)),
            }
        }
        panic!("the walk has no end");
    }

    pub(super) async fn whole(self: &Arc<Enterprise>, user: &str) -> Read {
        match self.walk(user).await {
            (read, None) => read,
            (_, Some(error)) => panic!("{}", error.chain()),
        }
    }

    pub(super) async fn items(
        self: &Arc<Enterprise>,
        user: &str,
        items: &[&str],
    ) -> Result<Read, ConnectorError> {
        let mut read = Read::default();
        let items: Vec<String> = items.iter().map(|item| item.to_string()).collect();
        let (session, root) = (self.session(), root(user));
        Trees.items(&session, &root, &items, &mut read).await?;
        Ok(read)
    }

    pub(super) async fn roots(self: &Arc<Enterprise>) -> Result<Vec<Root>, ConnectorError> {
        let mut roots = vec![];
        let mut cursor = None;
        loop {
            let session = self.session();
            cursor = Trees.roots(&session, cursor.as_ref(), &mut roots).await?;
            if cursor.is_none() {
                return Ok(roots);
            }
        }
    }
}
