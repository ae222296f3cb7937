//! The table as it must be: the reference that the adapter is compared with, and what the invariants read.

use std::collections::BTreeMap;

use casbah_model::state::{INDEX_ORDER, INDEX_PARTITION, Item, Key, Keyed, Write};
use casbah_model::{SignedDuration, Timestamp};

/// Repeats of a transaction within this are the same transaction (DynamoDB API reference, "ClientRequestToken").
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How far the index is behind when it lags.
const LAG: SignedDuration = SignedDuration::from_secs(5);

#[derive(Default)]
pub struct Shadow {
    items: BTreeMap<Key, Item>,
    tokens: BTreeMap<String, Timestamp>,
    /// What each item was before its last change, and when that was.
    before: BTreeMap<Key, (Timestamp, Option<Item>)>,
}

/// What a write should come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Applied,
    Refused(usize),
    /// It is a transaction that was done already.
    Repeated,
}

/// One item before and after a write.
pub struct Changed {
    pub key: Key,
    pub before: Option<Item>,
    pub after: Option<Item>,
}

impl Shadow {
    pub fn get(&self, key: &Key) -> Option<&Item> {
        self.items.get(key)
    }

    /// Items of a partition whose sort key begins with a prefix.
    pub fn partition<'a>(
        &'a self,
        pk: &str,
        sk_prefix: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Item)> {
        let (first, pk) = (Key::new(pk, sk_prefix), pk.to_string());
        let found = self.items.range(first..);
        found.take_while(move |(key, _)| key.pk == pk && key.sk.starts_with(sk_prefix))
    }

    pub fn items(&self) -> impl Iterator<Item = (&Key, &Item)> {
        self.items.iter()
    }

    pub fn expect(&self, now: Timestamp, token: Option<&str>, writes: &[Write]) -> Expected {
        let done = token.and_then(|token| self.tokens.get(token));
        if done.is_some_and(|at| now.duration_since(*at) < TOKEN_LIFE) {
            return Expected::Repeated;
        }
        let refused = writes
            .iter()
            .position(|write| !write.condition.holds(self.items.get(&write.key)));
        refused.map_or(Expected::Applied, Expected::Refused)
    }

    pub fn apply(&mut self, now: Timestamp, token: Option<&str>, writes: &[Write]) -> Vec<Changed> {
        if let Some(token) = token {
            self.tokens.insert(token.into(), now);
        }
        let mut changes = vec![];
        for write in writes {
            let before = self.items.get(&write.key).cloned();
            let after = write.change.apply(before.as_ref());
            match &after {
                Some(item) => drop(self.items.insert(write.key.clone(), item.clone())),
                None => drop(self.items.remove(&write.key)),
            }
            self.before.insert(write.key.clone(), (now, before.clone()));
            let key = write.key.clone();
            changes.push(Changed { key, before, after });
        }
        changes
    }

    /// An index partition as it was a while ago.
    pub fn due_before(
        &self,
        now: Timestamp,
        partition: &str,
        up_to: i64,
        max: usize,
    ) -> Vec<Keyed> {
        let then = now - LAG;
        let mut found = vec![];
        for (key, item) in &self.items {
            let item = match self.before.get(key) {
                Some((at, before)) if *at > then => before.as_ref(),
                _ => Some(item),
            };
            let Some(item) = item else { continue };
            let is_here =
                item.get(INDEX_PARTITION).and_then(|name| name.as_str()) == Some(partition);
            let order = item.get(INDEX_ORDER).and_then(|order| order.as_i64());
            if let Some(order) = order.filter(|order| is_here && *order <= up_to) {
                let (key, item) = (key.clone(), item.clone());
                found.push((order, Keyed { key, item }));
            }
        }
        found.sort_by_key(|(order, _)| *order);
        found.truncate(max);
        found.into_iter().map(|(_, keyed)| keyed).collect()
    }
}
