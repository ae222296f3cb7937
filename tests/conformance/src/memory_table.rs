//! A table in memory, for suites that need one behind a throttle; adapters of the platforms are examined apart.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use casbah_model::ports::{Query, StateStore, StoreError};
use casbah_model::state::{INDEX_ORDER, INDEX_PARTITION, Item, Key, Keyed, Write};

#[derive(Default)]
pub struct MemoryTable(Mutex<BTreeMap<Key, Item>>);

impl MemoryTable {
    fn items(&self) -> MutexGuard<'_, BTreeMap<Key, Item>> {
        // Items are replaced as a whole, so a panic elsewhere leaves no half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn apply(
    items: &mut BTreeMap<Key, Item>,
    index: usize,
    write: &Write,
) -> Result<Option<Item>, StoreError> {
    let before = items.get(&write.key);
    if !write.condition.holds(before) {
        return Err(StoreError::Refused {
            index,
            current: before.cloned(),
        });
    }
    let after = write.change.apply(before);
    match &after {
        Some(item) => drop(items.insert(write.key.clone(), item.clone())),
        None => drop(items.remove(&write.key)),
    }
    Ok(after)
}

#[async_trait]
impl StateStore for MemoryTable {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let items = self.items();
        Ok(keys.iter().map(|key| items.get(key).cloned()).collect())
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        apply(&mut self.items(), 0, &write)
    }

    async fn transact(&self, _token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut items = self.items();
        let mut after = items.clone();
        for (index, write) in writes.iter().enumerate() {
            apply(&mut after, index, write)?;
        }
        *items = after;
        Ok(())
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        let items = self.items();
        let is_asked = |key: &Key| {
            let is_after = query.after.as_ref().is_none_or(|after| {
                if query.is_descending {
                    key.sk < *after
                } else {
                    key.sk > *after
                }
            });
            key.pk == query.pk && key.sk.starts_with(&query.sk_prefix) && is_after
        };
        let found = items.iter().filter(|(key, _)| is_asked(key));
        let mut found: Vec<_> = found
            .map(|(key, item)| Keyed {
                key: key.clone(),
                item: item.clone(),
            })
            .collect();
        if query.is_descending {
            found.reverse();
        }
        found.truncate(query.limit);
        Ok(found)
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        let items = self.items();
        let order = |item: &Item| {
            let is_here =
                item.get(INDEX_PARTITION).and_then(|value| value.as_str()) == Some(partition);
            item.get(INDEX_ORDER)
                .and_then(|value| value.as_i64())
                .filter(|order| is_here && *order <= up_to)
        };
        let mut found: Vec<_> = items
            .iter()
            .filter_map(|(key, item)| Some((order(item)?, key, item)))
            .collect();
        found.sort_by_key(|(order, ..)| *order);
        let found = found.into_iter().take(limit);
        Ok(found
            .map(|(_, key, item)| Keyed {
                key: key.clone(),
                item: item.clone(),
            })
            .collect())
    }
}
