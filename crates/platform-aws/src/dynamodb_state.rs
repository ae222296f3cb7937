//! The table in DynamoDB: one table, one sparse index, every read of the table strongly consistent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use casbah_http::retry;
use casbah_model::SignedDuration;
use casbah_model::ports::{Clock, Query, Rng, StateStore, StoreError};
use casbah_model::state::{
    Change, Condition, INDEX_ORDER, INDEX_PARTITION, Item, Key, Keyed, Set, Write,
};

use crate::attributes::{self, Attributes, PARTITION_KEY, SORT_KEY};
use crate::clients::Clients;
use crate::dynamodb_errors::{self as errors, unavailable};
use crate::dynamodb_transaction as transaction;
use crate::expressions::Expressions;

/// The sparse index of what is due.
pub const INDEX: &str = "due";
/// Keys in one read (DynamoDB API reference, `BatchGetItem`: 100 items).
const READ_MAX: usize = 100;
/// Tries for keys that a read left out, because the answer was too large or the table too busy.
const READ_TRIES_MAX: u32 = 5;

pub struct DynamodbState {
    reads: Client,
    writes: Client,
    table: String,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl DynamodbState {
    pub fn new(
        clients: &Clients,
        table: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> DynamodbState {
        DynamodbState {
            reads: clients.table_reads.clone(),
            writes: clients.table_writes.clone(),
            table: table.into(),
            clock,
            rng,
        }
    }

    /// Reads until every key was answered for; keys that are not there are simply not in the answer.
    async fn read(&self, keys: &BTreeSet<&Key>) -> Result<Vec<Keyed>, StoreError> {
        let wanted = KeysAndAttributes::builder()
            .consistent_read(true)
            .set_keys(Some(keys.iter().map(|key| attributes::key(key)).collect()));
        let mut wanted = Some(wanted.build().expect("the keys are set"));
        let mut found = Vec::new();
        for attempt in 1..=READ_TRIES_MAX {
            let Some(asked) = wanted.take() else {
                return Ok(found);
            };
            if attempt > 1 {
                self.back_off(attempt - 1).await;
            }
            let call = self
                .reads
                .batch_get_item()
                .request_items(&self.table, asked);
            let answer = call.send().await.map_err(|error| errors::plain(&error))?;
            for item in answer
                .responses
                .into_iter()
                .flatten()
                .flat_map(|(_, items)| items)
            {
                found.push(attributes::keyed(item).map_err(unavailable)?);
            }
            wanted = answer
                .unprocessed_keys
                .and_then(|mut left| left.remove(&self.table))
                .filter(|left| !left.keys().is_empty());
        }
        match wanted {
            None => Ok(found),
            Some(_) => Err(StoreError::Busy),
        }
    }

    async fn back_off(&self, attempt: u32) {
        let wait = retry::quick_wait(attempt, self.rng.fraction());
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO);
        self.clock.sleep_until(self.clock.now() + wait).await;
    }

    async fn put(&self, key: &Key, condition: &Condition, item: Item) -> Result<Item, StoreError> {
        let mut expressions = Expressions::of_condition(condition);
        let condition = expressions.condition.take();
        let (names, values) = expressions.into_maps();
        let call = self.writes.put_item().table_name(&self.table);
        let call = call
            .set_item(Some(attributes::attributes(key, &item)))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        call.send().await.map_err(|error| errors::write(&error))?;
        Ok(item)
    }

    async fn update(
        &self,
        key: &Key,
        condition: &Condition,
        sets: &[Set],
    ) -> Result<Item, StoreError> {
        let mut expressions = Expressions::new(condition, sets);
        let (condition, update) = (expressions.condition.take(), expressions.update.take());
        let (names, values) = expressions.into_maps();
        let call = self.writes.update_item().table_name(&self.table);
        let call = call
            .set_key(Some(attributes::key(key)))
            .set_condition_expression(condition)
            .set_update_expression(update)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let answer = call.send().await.map_err(|error| errors::write(&error))?;
        attributes::item(answer.attributes.unwrap_or_default()).map_err(unavailable)
    }

    async fn delete(&self, key: &Key, condition: &Condition) -> Result<(), StoreError> {
        let mut expressions = Expressions::of_condition(condition);
        let condition = expressions.condition.take();
        let (names, values) = expressions.into_maps();
        let call = self.writes.delete_item().table_name(&self.table);
        let call = call
            .set_key(Some(attributes::key(key)))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        call.send().await.map_err(|error| errors::write(&error))?;
        Ok(())
    }

    /// A check alone is a read: the table has no such write.
    async fn check(&self, key: &Key, condition: &Condition) -> Result<Option<Item>, StoreError> {
        let current = self.get(std::slice::from_ref(key)).await?.pop().flatten();
        if condition.holds(current.as_ref()) {
            Ok(current)
        } else {
            Err(StoreError::Refused { index: 0, current })
        }
    }

    /// Pages until there are `limit` items or no more. Each page but the last brings at least one.
    async fn pages(
        &self,
        call: QueryFluentBuilder,
        mut start: Option<Attributes>,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        let mut found = Vec::new();
        while found.len() < limit {
            let rest = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let page = call
                .clone()
                .limit(rest)
                .set_exclusive_start_key(start.take());
            let page = page.send().await.map_err(|error| errors::plain(&error))?;
            for item in page.items.into_iter().flatten() {
                found.push(attributes::keyed(item).map_err(unavailable)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl StateStore for DynamodbState {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        if keys.len() > READ_MAX {
            let count = keys.len();
            return Err(unavailable(format!(
                "{count} keys in one read, the most is {READ_MAX}"
            )));
        }
        // A key that is asked for twice would be refused.
        let distinct: BTreeSet<&Key> = keys.iter().collect();
        if distinct.is_empty() {
            return Ok(vec![]);
        }
        let found = self.read(&distinct).await?;
        let found: BTreeMap<Key, Item> = found
            .into_iter()
            .map(|found| (found.key, found.item))
            .collect();
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        let Write {
            key,
            condition,
            change,
        } = write;
        match change {
            Change::Put(item) => self.put(&key, &condition, item).await.map(Some),
            Change::Update(sets) => self.update(&key, &condition, &sets).await.map(Some),
            Change::Delete => self.delete(&key, &condition).await.map(|()| None),
            Change::Check => self.check(&key, &condition).await,
        }
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        transaction::check_shape(&writes)?;
        let items = writes
            .iter()
            .map(|write| transaction::item(&self.table, write));
        let call = self.writes.transact_write_items();
        let call = call
            .client_request_token(transaction::token(&self.table, token))
            .set_transact_items(Some(items.collect()));
        call.send()
            .await
            .map_err(|error| errors::transaction(&error))?;
        Ok(())
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        let Some(start) = start(&query) else {
            return Ok(vec![]);
        };
        let call = self
            .reads
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(!query.is_descending)
            .expression_attribute_values(":pk", AttributeValue::S(query.pk));
        // Every text begins with the empty one, which the table does not take as a prefix.
        let call = if query.sk_prefix.is_empty() {
            call.key_condition_expression(format!("{PARTITION_KEY} = :pk"))
        } else {
            call.key_condition_expression(format!(
                "{PARTITION_KEY} = :pk AND begins_with({SORT_KEY}, :prefix)"
            ))
            .expression_attribute_values(":prefix", AttributeValue::S(query.sk_prefix))
        };
        self.pages(call, start, query.limit).await
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        let call = self
            .reads
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression(format!(
                "{INDEX_PARTITION} = :partition AND {INDEX_ORDER} <= :order"
            ))
            .expression_attribute_values(":partition", AttributeValue::S(partition.into()))
            .expression_attribute_values(":order", AttributeValue::N(up_to.to_string()));
        self.pages(call, None, limit).await
    }
}

/// Where a query starts; `None` when nothing can be there.
///
/// The table refuses a start outside of the prefix (API reference, `Query`, `ExclusiveStartKey`). Such a start is either
/// before everything that begins with the prefix, and means nothing, or behind it all, and leaves nothing.
fn start(query: &Query) -> Option<Option<Attributes>> {
    let Some(after) = &query.after else {
        return Some(None);
    };
    if after.starts_with(&query.sk_prefix) && !after.is_empty() {
        return Some(Some(attributes::key(&Key::new(&query.pk, after))));
    }
    let is_low = after.as_bytes() < query.sk_prefix.as_bytes() || after.is_empty();
    (is_low != query.is_descending).then_some(None)
}
