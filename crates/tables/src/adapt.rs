//! Objects of an earlier version, read as if they had the columns of this one.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StructArray, new_null_array};
use arrow_schema::{ArrowError, DataType, Schema};
use casbah_model::tables::TableError;

use crate::merge::unreadable;

/// The same rows with the columns of `schema`: what is missing is empty.
pub(crate) fn adapted(
    batch: &RecordBatch,
    schema: &Arc<Schema>,
) -> Result<RecordBatch, TableError> {
    if batch.schema() == *schema {
        return Ok(batch.clone());
    }
    let kind = DataType::Struct(schema.fields().clone());
    let rows: ArrayRef = Arc::new(StructArray::from(batch.clone()));
    let rows = fit(&rows, &kind).map_err(unreadable)?;
    Ok(RecordBatch::from(rows.as_struct().clone()))
}

fn fit(array: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == kind {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), kind) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let object = array.as_struct();
            let columns = fields
                .iter()
                .map(|field| match object.column_by_name(field.name()) {
                    Some(column) => fit(column, field.data_type()),
                    None => Ok(new_null_array(field.data_type(), object.len())),
                });
            let columns = columns.collect::<Result<_, _>>()?;
            let nulls = object.nulls().cloned();
            Ok(Arc::new(StructArray::try_new(
                fields.clone(),
                columns,
                nulls,
            )?))
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = fit(list.values(), item.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(
                Arc::clone(item),
                offsets,
                values,
                nulls,
            )?))
        }
        (found, wanted) => Err(ArrowError::SchemaError(format!(
            "{found} instead of {wanted}"
        ))),
    }
}
