//! Statements about many rows at once: what a batch reads and writes costs a few statements, not a few for each.

use sqlx::{Any, AssertSqlSafe, FromRow, any::AnyArguments, any::AnyRow, query::Query};

use super::Connection;

/// The sizes in which statements are made, so that few different ones are prepared.
const SIZES: [usize; 7] = [1, 4, 8, 16, 32, 64, 128];
/// The most rows of one statement.
const ROWS_MAX: usize = 128;

/// The smallest size that so many rows fit into.
fn size_for(rows: usize) -> usize {
    SIZES.into_iter().find(|size| *size >= rows).unwrap_or(ROWS_MAX)
}

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
        let size = size_for(piece.len());
        let sql = format!("{before} {}{after}", tuple(0, size, Marks::of(db)));
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
/// Up to [`ROWS_MAX`] rows are one statement: a list is filled up with its last row, which an update does twice and an
/// insert leaves out by its place.
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
    let insert = before.strip_prefix("INSERT").and_then(|_| before.strip_suffix("VALUES"));
    for piece in rows.chunks(ROWS_MAX) {
        let Some(last) = piece.last() else { break };
        let size = size_for(piece.len());
        let marks = Marks::of(db);
        let sql = match insert {
            Some(_) if size == 1 => format!("{before} {}{after}", tuple(0, columns, marks)),
            Some(into) => {
                let tuples: Vec<String> = (0..size)
                    .map(|row| tuple(row * columns, columns, marks).replacen('(', &format!("({row}, "), 1))
                    .collect();
                let names: Vec<String> = (2..columns + 2).map(|number| format!("column{number}")).collect();
                let (names, tuples, count) = (names.join(", "), tuples.join(", "), marks.of_number(size * columns + 1));
                format!("{into}SELECT {names} FROM (VALUES {tuples}) AS v WHERE column1 < {count}{after}")
            }
            None => {
                let tuples: Vec<String> = (0..size).map(|row| tuple(row * columns, columns, marks)).collect();
                format!("{before} {}{after}", tuples.join(", "))
            }
        };
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in piece.iter().chain(std::iter::repeat_n(last, size - piece.len())) {
            query = bind(query, row);
        }
        if insert.is_some() && size > 1 {
            query = query.bind(i64::try_from(piece.len()).unwrap_or(i64::MAX));
        }
        query.execute(&mut *db).await?;
    }
    Ok(())
}

/// How a statement of many parameters marks them. SQLite looks for a parameter with a name, as `$7` is one to it, among
/// all of them: without names a thousand are not looked for a thousand times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    Numbered,
    InOrder,
}

impl Marks {
    fn of(db: &Connection) -> Self {
        if db.backend_name() == "SQLite" { Self::InOrder } else { Self::Numbered }
    }

    fn of_number(self, number: usize) -> String {
        match self {
            Self::Numbered => format!("${number}"),
            Self::InOrder => "?".to_owned(),
        }
    }
}

/// `($n, …)` of so many parameters after the first `from`.
fn tuple(from: usize, count: usize, marks: Marks) -> String {
    let names: Vec<String> = (from + 1..=from + count).map(|number| marks.of_number(number)).collect();
    format!("({})", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_through() {
        assert_eq!(tuple(0, 3, Marks::Numbered), "($1, $2, $3)");
        assert_eq!(tuple(6, 2, Marks::Numbered), "($7, $8)");
        assert_eq!(tuple(6, 2, Marks::InOrder), "(?, ?)");
        assert_eq!([1, 2, 9, 64, 65, 128, 500].map(size_for), [1, 4, 16, 64, 128, 128, 128]);
    }
}
