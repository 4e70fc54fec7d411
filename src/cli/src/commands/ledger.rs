//! `prequal ledger`: the server's ledger written out, and its projections compared with the events.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use anyhow::{anyhow, bail};
use clap::Subcommand;
use prequal_server::{
    config::Config,
    export::{self, Sink, Written},
    problem::Problem,
    serve,
    storage::Database,
};

use crate::io::write_output;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the whole ledger as lines of JSON, for `prequal replay`
    Export {
        #[command(flatten)]
        source: Source,
        /// Where to write; a file that is there is replaced when the export is complete
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Compute every stored projection anew from the events of its loan
    Rebuild {
        #[command(flatten)]
        source: Source,
        /// Change nothing; a projection that differs is an error
        #[arg(long)]
        check: bool,
    },
}

#[derive(clap::Args)]
struct Source {
    /// The server's configuration
    #[arg(long, value_name = "FILE", default_value = "prequal.toml")]
    config: PathBuf,
    /// sqlite://FILE or postgres://USER@HOST/NAME [default: the configuration's]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Source {
    fn url(self) -> anyhow::Result<String> {
        match self.database {
            Some(url) => Ok(url),
            None => Ok(Config::read(&self.config).map_err(|message| anyhow!(message))?.database),
        }
    }
}

pub fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Export { source, out } => write(&source.url()?, &out),
        Command::Rebuild { source, check } => rebuild(&source.url()?, check),
    }
}

/// A ledger that is there is opened; none is made.
async fn open(url: &str) -> Result<Database, String> {
    if !Database::exists(url).await? {
        return Err("there is no database yet".to_owned());
    }
    Database::open_as_it_is(url).await
}

struct Lines(BufWriter<File>);

impl Sink for Lines {
    async fn take(&mut self, lines: String) -> Result<(), Problem> {
        self.0.write_all(lines.as_bytes()).map_err(Problem::internal)
    }
}

/// Written beside and renamed, so that whoever finds the file finds all of it.
fn write(url: &str, out: &std::path::Path) -> anyhow::Result<()> {
    let mut name = out.file_name().ok_or_else(|| anyhow!("`{}` is no file", out.display()))?.to_owned();
    name.push(".part");
    let part = out.with_file_name(name);
    let file = File::create(&part).map_err(|error| anyhow!("cannot write `{}`: {error}", part.display()))?;
    let work = async {
        let db = open(url).await?;
        let mut lines = Lines(BufWriter::new(file));
        let mut read = db.read().await.map_err(|error| error.to_string())?;
        let written = export::write(&mut read, &mut lines).await.map_err(|problem| format!("{problem:?}"))?;
        drop(read);
        let file = lines.0.into_inner().map_err(|error| error.to_string())?;
        file.sync_all().map_err(|error| error.to_string())?;
        db.close().await;
        Ok(written)
    };
    let written = match serve::block_on(work) {
        Ok(written) => written,
        Err(error) => {
            let _ = std::fs::remove_file(&part);
            bail!(error);
        }
    };
    std::fs::rename(&part, out).map_err(|error| anyhow!("cannot write `{}`: {error}", out.display()))?;
    let Written { loans, events, fundings: _, entries, days } = written;
    write_output(&serde_json::json!({ "loans": loans, "events": events, "entries": entries, "days": days }).to_string())
}

fn rebuild(url: &str, check: bool) -> anyhow::Result<()> {
    let work = async {
        let db = open(url).await?;
        let found = export::projections(&db, !check).await.map_err(|problem| format!("{problem:?}"))?;
        db.close().await;
        Ok(found)
    };
    let (loans, differences) = serve::block_on(work).map_err(|error| anyhow!(error))?;
    if let (true, Some(first)) = (check, differences.first()) {
        let (stored, folded) = (&first.stored, &first.folded);
        bail!(
            "{} of {loans} loans differ from their events; loan `{}` is stored as {stored:?} and comes to {folded:?}",
            differences.len(),
            first.loan
        );
    }
    write_output(&serde_json::json!({ "loans": loans, "differed": differences.len() }).to_string())
}
