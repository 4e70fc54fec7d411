//! `prequal persons`: what a person may ask for of their data, on the lending database of a configuration. What is
//! personal comes on standard input, because arguments are shown to everybody on the machine.

use std::{path::PathBuf, sync::Arc};

use anyhow::anyhow;
use prequal_server::{
    app::App,
    config::Config,
    problem::Problem,
    retention,
    rights::{self, Correction},
    serve,
    settings::Settings,
    storage::Database,
};
use serde::Serialize;
use serde_json::json;

use crate::io::{parse_json, read_input, write_output};

#[derive(clap::Args)]
pub struct Args {
    /// The server's configuration
    #[arg(long, value_name = "FILE", default_value = "prequal.toml")]
    config: PathBuf,
    /// The lending database [default: the configuration's]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Everyone who gave an address, a telephone number or an identity number, which is read from standard input
    Find {
        /// `email`, `phone` or `resident_id`
        kind: String,
    },
    /// Everything that is kept of a person
    Export {
        /// The person's id
        person: String,
    },
    /// Put right `name`, `email` or `phone`: a JSON object
    Correct {
        /// The person's id
        person: String,
        /// The JSON object; standard input where left out or `-`
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
    },
    /// Erase a person who has no open loan
    Erase {
        /// The person's id
        person: String,
    },
    /// Erase what is past what it was kept for, as the day's job does
    Retain {
        /// Say for how long what is kept and how much is past it, and erase nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// What was agreed to with an application
    Consents {
        /// The application's id
        application: String,
    },
    /// Withdraw a consent
    Withdraw {
        /// The application's id
        application: String,
        /// What it was given for
        purpose: String,
    },
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let Args { config, database, command } = args;
    let error = |message: String| anyhow!(message);
    let mut config = Config::read(&config).map_err(error)?;
    config.database = database.unwrap_or(config.database);
    // Read before the database is opened: what is typed may take its time.
    let input = match &command {
        Command::Find { .. } => read_input(None)?,
        Command::Correct { input, .. } => read_input(input.as_deref())?,
        _ => String::new(),
    };
    let correction = match &command {
        Command::Correct { .. } => Some(parse_json::<Correction>(&input)?),
        _ => None,
    };
    let done = async {
        if !Database::exists(&config.database).await? {
            return Err("there is no lending database yet".to_owned());
        }
        let (settings, vault) = Settings::load(&config, false)?;
        let db = Database::open_as_it_is(&config.database).await?;
        let app = App::new(db, settings, vault, false).await?;
        let done = act(&app, &command, input.trim(), correction.as_ref()).await;
        app.db.close().await;
        done.map_err(|problem| problem.to_string())
    };
    write_output(&serve::block_on(done).map_err(error)?)
}

async fn act(
    app: &Arc<App>,
    command: &Command,
    input: &str,
    correction: Option<&Correction>,
) -> Result<String, Problem> {
    match command {
        Command::Find { kind } => {
            let mut db = app.db.read().await?;
            text(&json!({ "persons": rights::find(&app.vault, &mut db, kind, input).await? }))
        }
        Command::Export { person } => {
            let mut db = app.db.read().await?;
            text(&rights::export(app, &mut db, person).await?)
        }
        Command::Correct { person, .. } => {
            let correction = correction.ok_or_else(|| Problem::internal("no correction"))?;
            rights::check_correction(correction)?;
            let now = app.now()?.to_string();
            let (vault, now) = (&app.vault, now.as_str());
            let work = |mut tx: prequal_server::storage::group::Part| async move {
                rights::correct(vault, &mut tx, person, correction, now).await
            };
            text(&json!({ "person_id": person, "record_id": app.db.write(work).await? }))
        }
        Command::Erase { person } => text(&json!({ "person_id": person, "erased": rights::erase(app, person).await? })),
        Command::Retain { dry_run: true } => {
            let mut db = app.db.read().await?;
            let purposes = retention::overview(app, &mut db, app.today()?).await?;
            text(&json!({ "today": app.today()?.to_string(), "purposes": purposes }))
        }
        Command::Retain { dry_run: false } => {
            let today = app.today()?;
            let erased = retention::run(app, today).await?.changed;
            text(&json!({ "today": today.to_string(), "erased": erased }))
        }
        Command::Consents { application } => {
            let mut db = app.db.read().await?;
            let consents = rights::consents(&app.settings, &mut db, application).await?;
            text(&json!({ "application_id": application, "consents": consents }))
        }
        Command::Withdraw { application, purpose } => {
            let now = app.now()?.to_string();
            let (settings, now) = (&app.settings, now.as_str());
            let work = |mut tx: prequal_server::storage::group::Part| async move {
                rights::withdraw(settings, &mut tx, application, purpose, now).await
            };
            text(&app.db.write(work).await?)
        }
    }
}

fn text(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}
