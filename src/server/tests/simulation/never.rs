//! What a driver has beside its connection, and what `sqlx::any` never asks for: types without a value.

use std::{borrow::Cow, fmt, future::Future};

use sqlx::{Either, SqlStr};
use sqlx_core::{
    arguments::Arguments,
    column::{Column, ColumnIndex},
    connection::Connection,
    encode::Encode,
    error::BoxDynError,
    impl_into_arguments_for_arguments, impl_statement_query,
    row::Row,
    statement::Statement,
    transaction::{Transaction, TransactionManager},
    type_info::TypeInfo,
    types::Type,
    value::{Value, ValueRef},
};

use crate::driver::{Place, Simulated, SimulatedConnection};

/// What is never made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// No result.
#[derive(Debug, Default)]
pub struct NoResult;

impl Extend<Self> for NoResult {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, _: T) {}
}

/// No arguments.
#[derive(Debug, Default)]
pub struct NoArguments;

impl Arguments for NoArguments {
    type Database = Simulated;

    fn reserve(&mut self, _: usize, _: usize) {}

    fn add<'t, T: Encode<'t, Simulated> + Type<Simulated>>(&mut self, _: T) -> Result<(), BoxDynError> {
        Err("a simulated connection takes arguments through `sqlx::any` only".into())
    }

    fn len(&self) -> usize {
        0
    }
}

impl_into_arguments_for_arguments!(NoArguments);

impl TypeInfo for Never {
    fn is_null(&self) -> bool {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }
}

impl Column for Never {
    type Database = Simulated;

    fn ordinal(&self) -> usize {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }

    fn type_info(&self) -> &Self {
        match *self {}
    }
}

impl Row for Never {
    type Database = Simulated;

    fn columns(&self) -> &[Self] {
        match *self {}
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, _: I) -> sqlx::Result<Self> {
        match *self {}
    }
}

impl Value for Never {
    type Database = Simulated;

    fn as_ref(&self) -> Self {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl ValueRef<'_> for Never {
    type Database = Simulated;

    fn to_owned(&self) -> Self {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl Statement for Never {
    type Database = Simulated;

    fn into_sql(self) -> SqlStr {
        match self {}
    }

    fn sql(&self) -> &SqlStr {
        match *self {}
    }

    fn parameters(&self) -> Option<Either<&[Self], usize>> {
        match *self {}
    }

    fn columns(&self) -> &[Self] {
        match *self {}
    }

    impl_statement_query!(NoArguments);
}

impl TransactionManager for Never {
    type Database = Simulated;

    fn begin(
        connection: &mut SimulatedConnection,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = sqlx::Result<()>> + Send + '_ {
        sqlx_core::any::AnyConnectionBackend::begin(connection, statement)
    }

    fn commit(connection: &mut SimulatedConnection) -> impl Future<Output = sqlx::Result<()>> + Send + '_ {
        sqlx_core::any::AnyConnectionBackend::commit(connection)
    }

    fn rollback(connection: &mut SimulatedConnection) -> impl Future<Output = sqlx::Result<()>> + Send + '_ {
        sqlx_core::any::AnyConnectionBackend::rollback(connection)
    }

    fn start_rollback(connection: &mut SimulatedConnection) {
        sqlx_core::any::AnyConnectionBackend::start_rollback(connection);
    }

    fn get_transaction_depth(connection: &SimulatedConnection) -> usize {
        sqlx_core::any::AnyConnectionBackend::get_transaction_depth(connection)
    }
}

impl Connection for SimulatedConnection {
    type Database = Simulated;
    type Options = Place;

    fn close(self) -> impl Future<Output = sqlx::Result<()>> + Send + 'static {
        sqlx_core::any::AnyConnectionBackend::close(Box::new(self))
    }

    fn close_hard(self) -> impl Future<Output = sqlx::Result<()>> + Send + 'static {
        sqlx_core::any::AnyConnectionBackend::close_hard(Box::new(self))
    }

    fn ping(&mut self) -> impl Future<Output = sqlx::Result<()>> + Send + '_ {
        sqlx_core::any::AnyConnectionBackend::ping(self)
    }

    fn begin(&mut self) -> impl Future<Output = sqlx::Result<Transaction<'_, Simulated>>> + Send + '_ {
        Transaction::begin(self, None)
    }

    fn shrink_buffers(&mut self) {}

    fn flush(&mut self) -> impl Future<Output = sqlx::Result<()>> + Send + '_ {
        sqlx_core::any::AnyConnectionBackend::flush(self)
    }

    fn should_flush(&self) -> bool {
        sqlx_core::any::AnyConnectionBackend::should_flush(self)
    }
}
