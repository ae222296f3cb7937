//! A list of writes as one call of `TransactWriteItems`.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use casbah_model::ports::StoreError;
use casbah_model::state::{Change, TRANSACTION_WRITES_MAX, Write};
use sha2::{Digest, Sha256};

use crate::attributes;
use crate::dynamodb_errors::unavailable;
use crate::expressions::Expressions;

/// Two characters each: a token has at most 36 (DynamoDB API reference, `TransactWriteItems`, `ClientRequestToken`).
const TOKEN_BYTES: usize = 16;
/// A refused write shows the item as it is.
const SHOW: Option<ReturnValuesOnConditionCheckFailure> =
    Some(ReturnValuesOnConditionCheckFailure::AllOld);

/// The token that the service knows a transaction by. It knows one list of tokens for all tables of an account, so that
/// the table is part of it, and it takes no long ones: the first half of a digest has 32 characters.
pub(crate) fn token(table: &str, token: &str) -> String {
    let mut digest = Sha256::new();
    // No name of a table holds a line break.
    digest.update(table);
    digest.update("\n");
    digest.update(token);
    let digest = digest.finalize();
    let token = digest[..TOKEN_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"));
    token.collect()
}

/// Refuses what the table would refuse, in words that name the key.
pub(crate) fn check_shape(writes: &[Write]) -> Result<(), StoreError> {
    if writes.is_empty() || writes.len() > TRANSACTION_WRITES_MAX {
        let count = writes.len();
        let limit = TRANSACTION_WRITES_MAX;
        return Err(unavailable(format!(
            "{count} writes in one transaction, not 1 to {limit}"
        )));
    }
    let mut keys = BTreeSet::new();
    match writes.iter().find(|write| !keys.insert(&write.key)) {
        Some(twice) => Err(unavailable(format!(
            "two writes of {} in one transaction",
            twice.key
        ))),
        None => Ok(()),
    }
}

pub(crate) fn item(table: &str, write: &Write) -> TransactWriteItem {
    const COMPLETE: &str = "table, key and expressions are set";
    let Write {
        key,
        condition,
        change,
    } = write;
    let sets = match change {
        Change::Update(sets) => sets.as_slice(),
        Change::Put(_) | Change::Delete | Change::Check => &[],
    };
    let mut expressions = Expressions::new(condition, sets);
    let item = TransactWriteItem::builder();
    let item = match change {
        Change::Put(fields) => {
            let condition = expressions.condition.take();
            let (names, values) = expressions.into_maps();
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(attributes::attributes(key, fields)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .set_return_values_on_condition_check_failure(SHOW);
            item.put(put.build().expect(COMPLETE))
        }
        Change::Update(_) => {
            let (condition, update) = (expressions.condition.take(), expressions.update.take());
            let (names, values) = expressions.into_maps();
            let update = Update::builder()
                .table_name(table)
                .set_key(Some(attributes::key(key)))
                .set_update_expression(update)
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .set_return_values_on_condition_check_failure(SHOW);
            item.update(update.build().expect(COMPLETE))
        }
        Change::Delete => {
            let condition = expressions.condition.take();
            let (names, values) = expressions.into_maps();
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(attributes::key(key)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .set_return_values_on_condition_check_failure(SHOW);
            item.delete(delete.build().expect(COMPLETE))
        }
        Change::Check => {
            // A check without a condition is none for the model and an error for the table.
            let condition = expressions
                .condition
                .take()
                .unwrap_or_else(|| "attribute_exists(pk) OR attribute_not_exists(pk)".to_string());
            let (names, values) = expressions.into_maps();
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(attributes::key(key)))
                .condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .set_return_values_on_condition_check_failure(SHOW);
            item.condition_check(check.build().expect(COMPLETE))
        }
    };
    item.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_short_and_belong_to_their_table() {
        let long = "x".repeat(100);
        assert_eq!(token("table", &long).len(), 32);
        assert_eq!(token("table", &long), token("table", &long));
        assert_ne!(token("table", "a"), token("table", "b"));
        assert_ne!(token("table", "a"), token("other", "a"));
    }
}
