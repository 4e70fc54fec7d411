//! Columns of Arrow, cell by cell.

use arrow_array::{
    Array,
    cast::AsArray,
    downcast_dictionary_array,
    types::{
        Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Float16Type, Float32Type,
        Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::DataType;

use crate::{cell::Cell, error::BatchError};

/// What is done with each cell: its row, from 0, and the cell.
pub type Visit<'a> = dyn FnMut(usize, Cell<'_>) -> Result<(), BatchError> + 'a;

/// Whether the cells of a column of this type can be read.
#[must_use]
pub fn is_readable(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_readable(values) && !matches!(**values, DataType::Dictionary(..)),
        _ => {
            kind.is_integer()
                || kind.is_floating()
                || kind.is_decimal()
                || kind.is_string()
                || matches!(kind, DataType::Null | DataType::Boolean)
        }
    }
}

/// Reads a column from its first cell to its last.
///
/// # Errors
/// [`BatchError::Data`] for a type that [`is_readable`] does not know, and whatever `visit` gives.
pub fn each_cell(name: &str, array: &dyn Array, visit: &mut Visit<'_>) -> Result<(), BatchError> {
    macro_rules! numbers {
        ($kind:ty, $cell:expr) => {{
            let array = array.as_primitive::<$kind>();
            (0..array.len()).try_for_each(|row| {
                visit(row, if array.is_null(row) { Cell::Missing } else { $cell(array.value(row)) })
            })
        }};
    }
    macro_rules! texts {
        ($array:expr) => {{
            let array = $array;
            (0..array.len()).try_for_each(|row| {
                visit(row, if array.is_null(row) { Cell::Missing } else { Cell::Text(array.value(row)) })
            })
        }};
    }
    match array.data_type() {
        DataType::Null => (0..array.len()).try_for_each(|row| visit(row, Cell::Missing)),
        DataType::Boolean => {
            let array = array.as_boolean();
            (0..array.len()).try_for_each(|row| {
                visit(row, if array.is_null(row) { Cell::Missing } else { Cell::Integer(array.value(row).into()) })
            })
        }
        DataType::Int8 => numbers!(Int8Type, |value: i8| Cell::Integer(value.into())),
        DataType::Int16 => numbers!(Int16Type, |value: i16| Cell::Integer(value.into())),
        DataType::Int32 => numbers!(Int32Type, |value: i32| Cell::Integer(value.into())),
        DataType::Int64 => numbers!(Int64Type, Cell::Integer),
        DataType::UInt8 => numbers!(UInt8Type, |value: u8| Cell::Natural(value.into())),
        DataType::UInt16 => numbers!(UInt16Type, |value: u16| Cell::Natural(value.into())),
        DataType::UInt32 => numbers!(UInt32Type, |value: u32| Cell::Natural(value.into())),
        DataType::UInt64 => numbers!(UInt64Type, Cell::Natural),
        DataType::Float16 => {
            let array = array.as_primitive::<Float16Type>();
            (0..array.len()).try_for_each(|row| {
                visit(row, if array.is_null(row) { Cell::Missing } else { Cell::Number(array.value(row).into()) })
            })
        }
        DataType::Float32 => numbers!(Float32Type, |value: f32| Cell::Number(value.into())),
        DataType::Float64 => numbers!(Float64Type, Cell::Number),
        // Their text is read, as it would be in a CSV file: dividing by a power of ten would round twice.
        DataType::Decimal32(..) => decimals::<Decimal32Type>(array, visit),
        DataType::Decimal64(..) => decimals::<Decimal64Type>(array, visit),
        DataType::Decimal128(..) => decimals::<Decimal128Type>(array, visit),
        DataType::Decimal256(..) => decimals::<Decimal256Type>(array, visit),
        DataType::Utf8 => texts!(array.as_string::<i32>()),
        DataType::LargeUtf8 => texts!(array.as_string::<i64>()),
        DataType::Utf8View => texts!(array.as_string_view()),
        DataType::Dictionary(_, values) if is_readable(array.data_type()) => {
            let _ = values;
            downcast_dictionary_array!(
                array => dictionary(name, array.values().as_ref(), &|row| array.key(row), array.len(), visit),
                _ => Err(unreadable(name, array.data_type()))
            )
        }
        other => Err(unreadable(name, other)),
    }
}

/// Says that a column's type cannot be read.
#[must_use]
pub fn unreadable(name: &str, kind: &DataType) -> BatchError {
    BatchError::Data(format!("the column `{name}` is of type {kind}, which is neither a number nor text"))
}

fn decimals<T: DecimalType>(array: &dyn Array, visit: &mut Visit<'_>) -> Result<(), BatchError> {
    let array = array.as_primitive::<T>();
    (0..array.len()).try_for_each(|row| {
        if array.is_null(row) { visit(row, Cell::Missing) } else { visit(row, Cell::Text(&array.value_as_string(row))) }
    })
}

/// The distinct values are few, so their text is kept.
fn dictionary(
    name: &str,
    values: &dyn Array,
    key: &dyn Fn(usize) -> Option<usize>,
    rows: usize,
    visit: &mut Visit<'_>,
) -> Result<(), BatchError> {
    let mut distinct: Vec<Owned> = Vec::with_capacity(values.len());
    each_cell(name, values, &mut |_, cell| {
        distinct.push(Owned::new(cell));
        Ok(())
    })?;
    (0..rows).try_for_each(|row| {
        let cell = key(row).and_then(|key| distinct.get(key)).map_or(Cell::Missing, Owned::cell);
        visit(row, cell)
    })
}

/// A cell that outlives its column.
enum Owned {
    Plain(Cell<'static>),
    Text(String),
}

impl Owned {
    fn new(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Missing => Self::Plain(Cell::Missing),
            Cell::Integer(number) => Self::Plain(Cell::Integer(number)),
            Cell::Natural(number) => Self::Plain(Cell::Natural(number)),
            Cell::Number(number) => Self::Plain(Cell::Number(number)),
        }
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Plain(cell) => *cell,
            Self::Text(text) => Cell::Text(text),
        }
    }
}
