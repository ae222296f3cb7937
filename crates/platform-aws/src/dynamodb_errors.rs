//! What DynamoDB says, in the words of the port.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use casbah_model::ports::StoreError;

use crate::attributes::{self, Attributes};
use crate::trouble::{Outcome, outcome, words};

pub(crate) fn unavailable(reason: impl ToString) -> StoreError {
    StoreError::Unavailable {
        reason: reason.to_string(),
    }
}

/// The failure of a call whose own errors say nothing more.
pub(crate) fn plain<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> StoreError {
    match outcome(error) {
        Outcome::Busy => StoreError::Busy,
        Outcome::Unknown => StoreError::Unknown,
        Outcome::Refused => unavailable(words(error)),
    }
}

/// Errors of single writes, of which one says that the condition did not hold.
pub(crate) trait Conditional: ProvideErrorMetadata {
    fn refusal(&self) -> Option<&ConditionalCheckFailedException>;
}

impl Conditional for PutItemError {
    fn refusal(&self) -> Option<&ConditionalCheckFailedException> {
        match self {
            PutItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl Conditional for UpdateItemError {
    fn refusal(&self) -> Option<&ConditionalCheckFailedException> {
        match self {
            UpdateItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl Conditional for DeleteItemError {
    fn refusal(&self) -> Option<&ConditionalCheckFailedException> {
        match self {
            DeleteItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
            _ => None,
        }
    }
}

pub(crate) fn write<E: Conditional>(error: &SdkError<E, HttpResponse>) -> StoreError {
    match error.as_service_error().and_then(Conditional::refusal) {
        Some(refusal) => refused(0, refusal.item()),
        None => plain(error),
    }
}

/// A cancelled transaction gives a reason per write (API reference, `TransactWriteItems`, "Errors"). A condition that
/// did not hold goes before everything else: whoever is fenced off stops at once.
pub(crate) fn transaction(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> StoreError {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return plain(error);
    };
    let reasons = cancelled.cancellation_reasons();
    let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_string();
    let refusal = reasons
        .iter()
        .position(|reason| code(reason) == "ConditionalCheckFailed");
    if let Some(index) = refusal {
        return refused(index, reasons[index].item());
    }
    let others: Vec<String> = reasons
        .iter()
        .map(code)
        .filter(|code| code != "None")
        .collect();
    let passes = |code: &String| {
        matches!(
            code.as_str(),
            "TransactionConflict" | "ProvisionedThroughputExceeded" | "ThrottlingError"
        )
    };
    if others.iter().all(passes) {
        return StoreError::Busy;
    }
    let messages = reasons.iter().filter_map(CancellationReason::message);
    let messages = messages.collect::<Vec<_>>().join("; ");
    unavailable(format!("{}: {messages}", others.join(", ")))
}

fn refused(index: usize, item: Option<&Attributes>) -> StoreError {
    // An absent item is shown as an empty one in some places.
    let shown = item.filter(|attributes| !attributes.is_empty()).cloned();
    match shown.map(attributes::item).transpose() {
        Ok(current) => StoreError::Refused { index, current },
        Err(foreign) => unavailable(foreign),
    }
}
