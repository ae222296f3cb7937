//! What must hold when a connection goes and comes again: I15, and that a deletion is whole.

use casbah_model::Timestamp;
use casbah_model::state::{Item, Key};

use crate::invariants::{Batch, Ledger, number};
use crate::mark::Mark;
use crate::shadow::{Changed, Shadow};

/// Connection and incarnation that an item belongs to, by its key.
pub fn scope_of(key: &Key) -> Option<&str> {
    let scope = match key.pk.split_once('#')? {
        ("C", rest) => rest.split('#').next(),
        ("B", rest) => rest.rsplit('#').next(),
        _ => None,
    }?;
    scope.contains('.').then_some(scope)
}

fn state(item: &Item) -> &str {
    let state = item.get("state").and_then(|state| state.get("state"));
    state.and_then(|state| state.as_str()).unwrap_or("")
}

fn meta(scope: &str) -> Option<(Key, i64)> {
    let (connection, incarnation) = scope.rsplit_once('.')?;
    let key = Key::new(format!("C#{connection}"), "META");
    Some((key, incarnation.parse().ok()?))
}

/// Whether everything of a scope is being removed, or is gone.
pub fn is_leaving(shadow: &Shadow, scope: &str) -> bool {
    let Some((key, incarnation)) = meta(scope) else {
        return false;
    };
    shadow
        .get(&key)
        .is_none_or(|meta| number(meta, "incarnation") != incarnation || state(meta) == "deleting")
}

/// I15: nothing is written under the keys of an incarnation but that which lives, and nothing removed but while it is
/// being deleted.
pub fn incarnation(shadow: &Shadow, batch: &Batch, change: &Changed) -> Result<(), String> {
    let Some((scope, (meta, incarnation))) =
        scope_of(&change.key).and_then(|scope| Some((scope, meta(scope)?)))
    else {
        return Ok(());
    };
    let is_buried = |other: &&Changed| other.key == meta && other.after.is_none();
    let last = batch.changes.iter().find(is_buried);
    let current = last
        .and_then(|other| other.before.as_ref())
        .or_else(|| shadow.get(&meta));
    let is_current = current.is_some_and(|meta| number(meta, "incarnation") == incarnation);
    let key = &change.key;
    match (&change.before, &change.after) {
        (None, None) => Ok(()),
        _ if !is_current => Err(format!("I15: {key} is written, and {scope} is not there")),
        (_, None) if is_read(batch, key) => Ok(()),
        // What named an action that was open.
        (_, None) if key.sk.starts_with("O#") => Ok(()),
        (_, None) if current.is_none_or(|meta| state(meta) != "deleting") => {
            Err(format!("{key} is removed, and nobody deletes {scope}"))
        }
        _ => Ok(()),
    }
}

/// Whether it is an item that somebody asked to have read again, and that goes in the write that commits what was read.
fn is_read(batch: &Batch, key: &Key) -> bool {
    let is_entry = |other: &Changed| other.key.pk.contains("#M#") && other.after.is_some();
    key.pk.ends_with("#ASKED") && batch.changes.iter().any(is_entry)
}

impl Ledger {
    /// A connection comes, goes, or changes its state.
    pub(crate) fn connection(
        &mut self,
        shadow: &Shadow,
        batch: &Batch,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String> {
        let Some(after) = &change.after else {
            return self.buried(shadow, change, marks);
        };
        let incarnation = number(after, "incarnation");
        match &change.before {
            Some(before) if number(before, "incarnation") != incarnation => {
                return Err("I15: a connection changes its incarnation".into());
            }
            Some(before) if state(before) == "deleting" && state(after) != "deleting" => {
                return Err("a deletion is taken back".into());
            }
            Some(_) => {}
            None => self.begins(incarnation, marks)?,
        }
        let is_new = change.before.as_ref().map(state) != Some(state(after));
        let is_at_work = self.is_at_work(shadow, batch.now);
        match state(after) {
            "failed" => marks.push(Mark::ConnectionFailed),
            word @ ("paused" | "disconnected" | "deleting") => {
                self.stopped_since.get_or_insert(batch.now);
                let mark = match word {
                    "paused" => Mark::PauseDuringCommit,
                    "disconnected" => Mark::DisconnectedAtWork,
                    _ => Mark::DeletedAtWork,
                };
                marks.extend((is_new && is_at_work).then_some(mark));
            }
            _ => self.stopped_since = None,
        }
        Ok(())
    }

    fn is_at_work(&self, shadow: &Shadow, now: Timestamp) -> bool {
        let is_leased = |item: &Item| number(item, "lease") > now.as_millisecond();
        let is_any_leased = shadow.items().any(|(_, item)| is_leased(item));
        is_any_leased && !self.uncommitted.is_empty()
    }

    fn begins(&mut self, incarnation: i64, marks: &mut Vec<Mark>) -> Result<(), String> {
        if incarnation <= self.incarnation {
            return Err(format!("I15: incarnation {incarnation} begins again"));
        }
        if self.incarnation > 0 {
            marks.push(Mark::ConnectedAnew);
        }
        self.incarnation = incarnation;
        // What was committed before is gone, so it is read and committed anew.
        self.records.clear();
        Ok(())
    }

    /// Nothing is left of an incarnation whose deletion is over.
    fn buried(
        &mut self,
        shadow: &Shadow,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String> {
        let Some(before) = &change.before else {
            return Ok(());
        };
        if state(before) != "deleting" {
            return Err(format!("{} is removed, and nobody deletes it", change.key));
        }
        let connection = change.key.pk.trim_start_matches("C#");
        let scope = format!("{connection}.{}", number(before, "incarnation"));
        let left = shadow
            .items()
            .find(|(key, _)| scope_of(key) == Some(&scope));
        if let Some((key, _)) = left {
            return Err(format!("{scope} is deleted, and {key} is left"));
        }
        let folder = format!("/conn={scope}/");
        if let Some(name) = self.objects.keys().find(|name| name.contains(&folder)) {
            return Err(format!("{scope} is deleted, and {name} is left"));
        }
        self.gone.insert(scope);
        marks.push(Mark::Deleted);
        Ok(())
    }

    /// An object was removed; only those of a connection that is being deleted may be.
    pub fn removed(&mut self, shadow: &Shadow, name: &str) -> Result<(), String> {
        if !is_leaving(shadow, scope_in(name)) {
            return Err(format!(
                "I2: {name} is removed, and nobody deletes its connection"
            ));
        }
        self.objects.remove(name);
        self.named.remove(name);
        Ok(())
    }

    /// An object may not come after its incarnation is gone: nobody would ever remove it.
    pub(crate) fn is_too_late(&self, name: &str) -> bool {
        self.gone.contains(scope_in(name))
    }
}

/// Connection and incarnation in the name of an object.
fn scope_in(name: &str) -> &str {
    const KEYS: [&str; 3] = ["conn=", "connection=", "accountId=external_"];
    let scope = |part| KEYS.iter().find_map(|key| str::strip_prefix(part, key));
    name.split('/').find_map(scope).unwrap_or("")
}
