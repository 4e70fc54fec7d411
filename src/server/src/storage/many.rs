//! Statements about many rows at once: what a batch reads and writes costs a few statements, not a few for each.

use sqlx::{Any, AssertSqlSafe, FromRow, any::AnyArguments, any::AnyRow, query::Query};

use super::Connection;

/// The sizes in which statements are made, so that few different ones are prepared.
const SIZES: [usize; 4] = [64, 16, 4, 1];
/// The most rows of one statement.
const ROWS_MAX: usize = SIZES[0];

/// A statement and its parameters.
pub type Statement<'a> = Query<'a, Any, AnyArguments>;

/// Rows whose column is one of `ids`: `before` ends where the list begins, `after` begins where it ends.
///
/// # Errors
/// When the database fails.
pub async fn select<T>(db: &mut Connection, before: &str, after: &str, ids: &[&str]) -> sqlx::Result<Vec<T>>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    let mut found = Vec::new();
    for piece in ids.chunks(ROWS_MAX) {
        let Some(last) = piece.last() else { break };
        let size = SIZES.into_iter().rev().find(|size| *size >= piece.len()).unwrap_or(ROWS_MAX);
        let sql = format!("{before} {}{after}", tuple(0, size));
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        // A list that is filled up with its last finds nothing more.
        for id in piece.iter().chain(std::iter::repeat_n(last, size - piece.len())) {
            query = query.bind((*id).to_owned());
        }
        found.extend(query.fetch_all(&mut *db).await?);
    }
    Ok(found)
}

/// Runs a statement over `VALUES` of all rows: `before` ends where the values begin, `after` begins where they end.
///
/// # Errors
/// When the database fails.
pub async fn execute<T>(
    db: &mut Connection,
    (before, after): (&str, &str),
    columns: usize,
    rows: &[T],
    bind: impl for<'q> Fn(Statement<'q>, &T) -> Statement<'q>,
) -> sqlx::Result<()> {
    let mut rest = rows;
    while let Some(size) = SIZES.into_iter().find(|size| *size <= rest.len()) {
        let (piece, more) = rest.split_at(size);
        let tuples: Vec<String> = (0..size).map(|row| tuple(row * columns, columns)).collect();
        let sql = format!("{before} {}{after}", tuples.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in piece {
            query = bind(query, row);
        }
        query.execute(&mut *db).await?;
        rest = more;
    }
    Ok(())
}

/// `($n, …)` of so many parameters after the first `from`.
fn tuple(from: usize, count: usize) -> String {
    let names: Vec<String> = (from + 1..=from + count).map(|number| format!("${number}")).collect();
    format!("({})", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_through() {
        assert_eq!(tuple(0, 3), "($1, $2, $3)");
        assert_eq!(tuple(6, 2), "($7, $8)");
    }
}
