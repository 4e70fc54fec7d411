//! `prequal serve`

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use prequal_server::{
    config::{Config, EXAMPLE},
    secret, serve, webhook,
};

use crate::io::write_output;

/// The lending server. Prints `listening on http://ADDRESS` when it is ready; logs go to standard error,
/// filtered by PREQUAL_LOG, and written as PREQUAL_LOG_FORMAT says, text or json.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration, a TOML file; see --print-config
    #[arg(long, value_name = "FILE", default_value = "prequal.toml")]
    config: PathBuf,
    /// Where to listen, port 0 for any free one [default: the configuration's, 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// sqlite://FILE or postgres://USER@HOST/NAME [default: the configuration's, sqlite://prequal.db]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Let the lender's key set the clock, and make the data key where it is absent
    #[arg(long)]
    sandbox: bool,
    /// Check configuration, keys, bundles, address, database and ledger, print what was found, and stop; nothing is
    /// changed
    #[arg(long)]
    check: bool,
    /// Print a commented example of the configuration, and stop
    #[arg(long)]
    print_config: bool,
    /// Print a new random key of a role with its SHA-256 for the configuration, and stop
    #[arg(long, value_name = "ROLE")]
    new_key: Option<Role>,
}

/// Whose key to make.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Role {
    /// A shop's
    Merchant,
    /// An edge worker's
    Edge,
    /// The lender's own
    Lender,
    /// An auditor's, who reads the ledger, decisions and notices
    Auditor,
    /// One of those who finance loans
    Funder,
    /// The one by which the server calls the payment provider
    Provider,
    /// The secret that the payment provider signs its webhooks with
    Webhook,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    if args.print_config {
        return write_output(EXAMPLE.trim_end());
    }
    if let Some(role) = args.new_key {
        return write_output(&new_key(role));
    }
    let error = |message: String| anyhow!(message);
    let hint = "`prequal serve --print-config` prints an example";
    let mut config = Config::read(&args.config).map_err(|message| anyhow!("{message}; {hint}"))?;
    config.listen = args.listen.unwrap_or(config.listen);
    config.database = args.database.unwrap_or(config.database);
    if args.check {
        let found = serve::block_on(serve::check(&config, args.sandbox)).map_err(error)?;
        let width = found.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines: Vec<String> = found.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
        return write_output(&lines.join("\n"));
    }
    serve::log_to_stderr().map_err(error)?;
    serve::block_on(serve::run(&config, args.sandbox)).map_err(error).context("serve")
}

fn new_key(role: Role) -> String {
    let prefix = match role {
        Role::Merchant => "mk_",
        Role::Edge => "ek_",
        Role::Lender => "lk_",
        Role::Auditor => "ak_",
        Role::Funder => "fk_",
        Role::Provider => "pk_",
        Role::Webhook => return serde_json::json!({ "secret": webhook::Secret::generate() }).to_string(),
    };
    let key = secret::new_token(prefix);
    serde_json::json!({ "key": key, "key_sha256": secret::sha256_hex(&key) }).to_string()
}
