//! Between a row's columns and our types. SQLite has signed integers only, so sizes and file numbers are kept
//! by their bits; ids are 32-byte blobs. A value that does not fit its type is an error of the ledger, never
//! a guess.

use std::error::Error;

use kitbag_core::entry::Fingerprint;
use kitbag_core::id::NotAnId;
use kitbag_core::path::WorkPath;
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Error as Sql, Row};

pub(super) fn wrong(column: usize, kind: Type, why: impl Error + Send + Sync + 'static) -> Sql {
    Sql::FromSqlConversionFailure(column, kind, Box::new(why))
}

/// A number that stands for none of the choices a column has.
#[derive(Debug, thiserror::Error)]
#[error("{0} is none of the choices")]
pub(super) struct NoSuchChoice(pub i64);

pub(super) fn choice<T>(row: &Row<'_>, column: usize, of: impl FnOnce(i64) -> Option<T>) -> Result<T, Sql> {
    let number = row.get(column)?;
    of(number).ok_or_else(|| wrong(column, Type::Integer, NoSuchChoice(number)))
}

pub(super) fn blob<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8], Sql> {
    row.get_ref(column)?.as_blob().map_err(|why| wrong(column, Type::Blob, why))
}

pub(super) fn id<T>(row: &Row<'_>, column: usize) -> Result<T, Sql>
where
    T: for<'a> TryFrom<&'a [u8], Error = NotAnId>,
{
    T::try_from(blob(row, column)?).map_err(|why| wrong(column, Type::Blob, why))
}

pub(super) fn optional_id<T>(row: &Row<'_>, column: usize) -> Result<Option<T>, Sql>
where
    T: for<'a> TryFrom<&'a [u8], Error = NotAnId>,
{
    if row.get_ref(column)? == ValueRef::Null { Ok(None) } else { id(row, column).map(Some) }
}

/// Several ids one after another in one blob; none where the column is null.
pub(super) fn ids<T>(row: &Row<'_>, column: usize) -> Result<Vec<T>, Sql>
where
    T: for<'a> TryFrom<&'a [u8], Error = NotAnId>,
{
    if row.get_ref(column)? == ValueRef::Null {
        return Ok(Vec::new());
    }
    let each = blob(row, column)?.chunks(32).map(T::try_from);
    each.collect::<Result<_, _>>().map_err(|why| wrong(column, Type::Blob, why))
}

pub(super) fn path(row: &Row<'_>, column: usize) -> Result<WorkPath, Sql> {
    WorkPath::from_key(blob(row, column)?).map_err(|why| wrong(column, Type::Blob, why))
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, Sql> {
    row.get(column).map(i64::cast_unsigned)
}

/// Four columns from `first` on; none where the first is null.
pub(super) fn fingerprint(row: &Row<'_>, first: usize) -> Result<Option<Fingerprint>, Sql> {
    if row.get_ref(first)? == ValueRef::Null {
        return Ok(None);
    }
    Ok(Some(Fingerprint {
        size: unsigned(row, first)?,
        modified: row.get(first + 1)?,
        changed: row.get(first + 2)?,
        file: unsigned(row, first + 3)?,
    }))
}

/// The values of the four columns.
pub(super) fn of_fingerprint(print: Option<&Fingerprint>) -> [Option<i64>; 4] {
    match print {
        None => [None; 4],
        Some(print) => {
            [print.size.cast_signed(), print.modified, print.changed, print.file.cast_signed()].map(Some)
        }
    }
}

/// The blob of several ids.
pub(super) fn of_ids<'a>(ids: impl IntoIterator<Item = &'a [u8; 32]>) -> Vec<u8> {
    ids.into_iter().flatten().copied().collect()
}
