//! Backup and restore of the lending database, while a server writes to it.
//!
//! SQLite copies itself into one file as of one moment; PostgreSQL's own `pg_dump` and `pg_restore` do the same there.
//! The data key is not in it: who restores needs that as well, and keeps it elsewhere.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use sqlx::{Any, AnyPool, pool::PoolConnection};

use crate::{
    audit,
    clock::{Clock, SystemClock},
    storage::{self, Database, Engine, engine, group::Part, persons, schema},
};

/// Where PostgreSQL's programs are, unless they are on the search path.
pub const PROGRAMS_VARIABLE: &str = "PREQUAL_POSTGRES_BIN";
/// How long whoever was just told to stop may take to let go of the database, before a restore is refused.
pub const LETTING_GO_MAX: Duration = Duration::from_secs(5);
/// How many people are erased again in one transaction.
const ERASED_AT_ONCE: usize = 100;
/// Where Debian's packages put them, a folder a version.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// Writes a backup of the database of a URL into a new file; gives what was verified of it.
///
/// # Errors
/// One readable line; the file is not there then.
pub async fn backup(url: &str, out: &Path) -> Result<String, String> {
    if out.exists() {
        return Err(format!("`{}` is there already; a backup replaces nothing", out.display()));
    }
    if !Database::exists(url).await? {
        return Err(format!("database `{}` does not exist", engine::shown(url)));
    }
    let part = beside(out, "part");
    let _ = fs::remove_file(&part);
    let made = match Engine::of(url)? {
        Engine::Sqlite => copy_sqlite(url, &part).await,
        Engine::Postgres => dump(url, &part).await,
    };
    let finished = made.and_then(|verified| {
        fs::rename(&part, out).map_err(|error| format!("`{}`: {error}", out.display()))?;
        sync_folder_of(out)?;
        Ok(verified)
    });
    if finished.is_err() {
        let _ = fs::remove_file(&part);
    }
    finished
}

/// Brings a backup into the database of a URL; gives what was verified of it. What is there is kept aside with
/// `replace` (SQLite), or dropped with it (PostgreSQL). No server may be running on it: it would go on writing into
/// what was put aside. Whoever was erased in what is replaced is erased in what is restored.
///
/// # Errors
/// One readable line, also where the database is not empty and `replace` is not set, and where somebody uses it;
/// nothing is changed then.
pub async fn restore(url: &str, from: &Path, replace: bool) -> Result<String, String> {
    if !from.is_file() {
        return Err(format!("`{}` is no file", from.display()));
    }
    let erased = erased_in(url).await;
    match Engine::of(url)? {
        Engine::Sqlite => restore_sqlite(url, from, replace).await?,
        Engine::Postgres => restore_postgres(url, from, replace).await?,
    }
    let db = Database::open(url).await?;
    let again = match &erased {
        Some(erased) => format!("; {} erased after the backup, and erased again", erase_again(&db, erased).await?),
        None => {
            "; what was there could not be read: whoever was erased after the backup must be erased again".to_owned()
        }
    };
    let mut read = db.read().await.map_err(|error| error.to_string())?;
    let verified = audit::run_on(&mut read).await;
    drop(read);
    db.close().await;
    let report = verified.map_err(|problem| format!("it is restored, but does not verify: {}", problem.detail()))?;
    Ok(format!("{report}{again}"))
}

/// Who was erased in the database that is to be replaced, with when: a backup from before would bring them back.
/// Nothing where it cannot be read, nobody where there is none.
async fn erased_in(url: &str) -> Option<Vec<(String, String)>> {
    if !Database::exists(url).await.ok()? {
        return Some(Vec::new());
    }
    let pool = Engine::of(url).ok()?.connect(url, engine::Purpose::Read).await.ok()?;
    let erased = async {
        let mut db = pool.acquire().await?;
        match schema::newest(&mut db).await {
            Ok(_) => persons::erased(&mut db).await,
            Err(error) if error.as_database_error().is_some_and(is_no_table) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    };
    let erased = erased.await.ok();
    pool.close().await;
    erased
}

/// SQLite's and PostgreSQL's ways to say that there is no such table.
fn is_no_table(error: &(dyn sqlx::error::DatabaseError + 'static)) -> bool {
    error.code().is_some_and(|code| code == "42P01") || error.message().starts_with("no such table")
}

/// Erases again whoever a backup brought back; how many there were.
async fn erase_again(db: &Database, erased: &[(String, String)]) -> Result<u64, String> {
    let mut again = 0;
    for some in erased.chunks(ERASED_AT_ONCE) {
        let work = |mut tx: Part| async move {
            let mut count = 0;
            for (person, when) in some {
                count += u64::from(persons::erase(&mut tx, person, when).await?);
            }
            Ok(count)
        };
        again += db.write(work).await.map_err(|problem| problem.to_string())?;
    }
    // Nothing of them is left in the log either.
    db.checkpoint().await.map_err(|error| error.to_string())?;
    Ok(again)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    file.with_file_name(name)
}

/// A file that only its owner reads: it holds what the database holds.
fn create_private(path: &Path) -> Result<File, String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

fn sync(path: &Path) -> Result<(), String> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| format!("`{}`: {error}", path.display()))
}

/// A new name is on disk when its folder is.
fn sync_folder_of(file: &Path) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync(folder.unwrap_or(Path::new(".")))
}

async fn copy_sqlite(url: &str, part: &Path) -> Result<String, String> {
    let name = part.to_str().ok_or("the name of the backup is not UTF-8 text")?;
    // An empty file is a database without tables, and VACUUM writes into it.
    drop(create_private(part)?);
    let pool = Engine::Sqlite.connect(url, engine::Purpose::Write).await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&pool).await;
    pool.close().await;
    copied.map_err(|error| format!("database `{}`: {error}", engine::shown(url)))?;
    sync(part)?;
    verify_sqlite(part).await
}

/// What can be said of a copy without changing it. A copy of an earlier schema is checked by SQLite only: the ledger is
/// read by the words of this one.
async fn verify_sqlite(file: &Path) -> Result<String, String> {
    let name = file.to_str().ok_or("the name of the file is not UTF-8 text")?;
    let pool = Engine::Sqlite.connect(&format!("sqlite://{name}"), engine::Purpose::Read).await?;
    let verified = verify_pool(&pool).await;
    pool.close().await;
    verified.map_err(|error| format!("`{}`: {error}", file.display()))
}

async fn verify_pool(pool: &AnyPool) -> Result<String, String> {
    let mut db = pool.acquire().await.map_err(|error| error.to_string())?;
    let whole: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut *db).await.map_err(|error| error.to_string())?;
    if whole != "ok" {
        return Err(whole);
    }
    let step = schema::newest(&mut db).await.map_err(|_| "it holds no lending database")?;
    let ours = schema::LENDING.last().map_or(0, |step| step.version);
    if step > ours {
        return Err(format!("its schema is at step {step}, and this program knows {ours}"));
    }
    if step < ours {
        return Ok(format!("the file is whole; its schema is at step {step}, so its ledger was not read"));
    }
    let report = audit::run_on(&mut db).await.map_err(|problem| problem.detail().to_owned())?;
    Ok(report.to_string())
}

async fn restore_sqlite(url: &str, from: &Path, replace: bool) -> Result<(), String> {
    let target = Path::new(engine::file_of(url)?);
    verify_sqlite(from).await?;
    let not_empty = fs::metadata(target).is_ok_and(|data| data.len() > 0);
    if not_empty && !replace {
        return Err(format!("`{}` is not empty; `--replace` puts it aside", target.display()));
    }
    // Held until the new file has its name, so that no server begins in between.
    let alone = if not_empty { take_alone(url, target).await? } else { None };
    let put = put_in_place(target, from);
    if let Some((pool, held)) = alone {
        drop(held);
        pool.close().await;
    }
    put
}

/// The lock that only one process can have and none beside it. Nothing where the file is too damaged to be opened:
/// then no server runs on it either, and what it was is put aside all the same.
async fn take_alone(url: &str, target: &Path) -> Result<Option<(AnyPool, PoolConnection<Any>)>, String> {
    let Ok(pool) = Engine::Sqlite.connect(url, engine::Purpose::Write).await else { return Ok(None) };
    let locked = async {
        let mut held = pool.acquire().await?;
        let wait = format!("PRAGMA busy_timeout = {}", LETTING_GO_MAX.as_millis());
        sqlx::raw_sql(sqlx::AssertSqlSafe(wait)).execute(&mut *held).await?;
        // A log beside the file is shared by whoever has it open, which is why only one alone can do without it.
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode = DELETE").fetch_one(&mut *held).await?;
        sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut *held).await?;
        Ok::<_, sqlx::Error>((mode, held))
    };
    let refused = || {
        let shown = target.display();
        Err(format!(
            "`{shown}` is in use: stop the server on it first, or it would go on writing into what is put aside"
        ))
    };
    match locked.await {
        Ok((mode, held)) if mode == "delete" => Ok(Some((pool, held))),
        Ok(_) => refused(),
        Err(error) if storage::is_contention(&error) => refused(),
        Err(_) => {
            pool.close().await;
            Ok(None)
        }
    }
}

/// Puts a copy of a backup in a database file's place, and the file aside.
fn put_in_place(target: &Path, from: &Path) -> Result<(), String> {
    let part = beside(target, "part");
    let _ = fs::remove_file(&part);
    let named = |error: std::io::Error| format!("`{}`: {error}", target.display());
    std::io::copy(&mut File::open(from).map_err(named)?, &mut create_private(&part)?).map_err(named)?;
    sync(&part)?;
    let aside = format!("replaced-{}", SystemClock.now_seconds());
    // The log of the old file would be taken for the new one's.
    for ending in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{ending}", target.display()));
        if old.exists() {
            let kept = PathBuf::from(format!("{}.{aside}{ending}", target.display()));
            fs::rename(&old, kept).map_err(named)?;
        }
    }
    fs::rename(&part, target).map_err(named)?;
    sync_folder_of(target)
}

/// One of PostgreSQL's programs, the newest where there are several: an older one refuses a newer server.
fn program(name: &str) -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os(PROGRAMS_VARIABLE) {
        return Ok(Path::new(&folder).join(name));
    }
    let mut folders: Vec<(u32, PathBuf)> = fs::read_dir(PROGRAMS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join(name).is_file())
        .collect();
    folders.sort();
    if let Some((_, folder)) = folders.pop() {
        return Ok(folder.join(name));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).ok_or_else(|| {
        format!("`{name}` of PostgreSQL's client programs is not here: install them, or set {PROGRAMS_VARIABLE} to their folder")
    })
}

/// A URL without its password, and the password: whoever lists processes sees the arguments of all.
fn without_password(url: &str) -> (String, Option<String>) {
    let apart = || {
        let (scheme, rest) = url.split_once("://")?;
        let (who, place) = rest.split_once('@')?;
        let (user, password) = who.split_once(':')?;
        Some((format!("{scheme}://{user}@{place}"), decoded(password)))
    };
    apart().map_or_else(|| (url.to_owned(), None), |(url, password)| (url, Some(password)))
}

/// A part of a URL without its `%XX`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn run(name: &str, url: &str, arguments: &[&std::ffi::OsStr]) -> Result<String, String> {
    let (url, password) = without_password(url);
    let mut command = Command::new(program(name)?);
    command.args(arguments);
    if !url.is_empty() {
        command.arg("--dbname").arg(url);
    }
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let output = command.output().map_err(|error| format!("`{name}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{name}` failed: {}", said.trim().replace('\n', "; ")))
}

async fn dump(url: &str, part: &Path) -> Result<String, String> {
    // The dump cannot be read by the ledger's words before it is restored, so what it is made of is.
    let verified = audit_postgres(url).await?;
    drop(create_private(part)?);
    run("pg_dump", url, &["--format=custom".as_ref(), "--no-owner".as_ref(), "--file".as_ref(), part.as_os_str()])?;
    sync(part)?;
    let listed = run("pg_restore", "", &["--list".as_ref(), part.as_os_str()])?;
    if !listed.contains("journal_entries") {
        return Err("the dump holds no journal".to_owned());
    }
    Ok(format!("before the dump, {verified}"))
}

async fn audit_postgres(url: &str) -> Result<String, String> {
    let pool = Engine::Postgres.connect(url, engine::Purpose::Read).await?;
    let checked = async {
        let mut db = pool.begin_with(Engine::Postgres.begin_to_read()).await.map_err(|error| error.to_string())?;
        audit::run_on(&mut db).await.map_err(|problem| problem.detail().to_owned())
    };
    let report = checked.await;
    pool.close().await;
    Ok(report?.to_string())
}

async fn restore_postgres(url: &str, from: &Path, replace: bool) -> Result<(), String> {
    // One connection: a second of its own would be taken for somebody else's.
    let pool = Engine::Postgres.connect(url, engine::Purpose::Write).await?;
    let tables = schema::count_tables(&pool).await;
    let others = others_of(&pool).await;
    pool.close().await;
    let tables = tables.map_err(|error| format!("database `{}`: {error}", engine::shown(url)))?;
    if tables > 0 && !replace {
        return Err(format!(
            "database `{}` has {tables} tables; `--replace` drops those that the backup brings",
            engine::shown(url)
        ));
    }
    if others.map_err(|error| format!("database `{}`: {error}", engine::shown(url)))? > 0 {
        let shown = engine::shown(url);
        return Err(format!("database `{shown}` is in use: stop every server on it first"));
    }
    let mut arguments: Vec<&std::ffi::OsStr> =
        vec!["--no-owner".as_ref(), "--exit-on-error".as_ref(), "--single-transaction".as_ref()];
    if replace {
        arguments.extend([std::ffi::OsStr::new("--clean"), "--if-exists".as_ref()]);
    }
    arguments.push(from.as_os_str());
    run("pg_restore", url, &arguments).map(drop)
}

/// How many other connections of servers PostgreSQL has to this database. Those of a server that stopped are gone in
/// a moment.
async fn others_of(pool: &AnyPool) -> sqlx::Result<i64> {
    let begun = Instant::now();
    loop {
        let others = engine::sessions_of_others(pool).await?;
        if others == 0 || begun.elapsed() >= LETTING_GO_MAX {
            return Ok(others);
        }
        tokio::time::sleep(LETTING_GO_MAX / 50).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_no_argument() {
        let (url, password) = without_password("postgres://lender:p%40ss%2f@db:5432/lending?sslmode=disable");
        assert_eq!(
            (url.as_str(), password.as_deref()),
            ("postgres://lender@db:5432/lending?sslmode=disable", Some("p@ss/"))
        );
        assert_eq!(
            without_password("postgres:///lending?host=/run"),
            ("postgres:///lending?host=/run".to_owned(), None)
        );
        assert_eq!(decoded("100%"), "100%");
    }
}
