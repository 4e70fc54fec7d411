//! `prequal keygen`: an Ed25519 key pair for one use.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use prequal_bundle::jwk::{self, Use};

use crate::io::write_output;

/// What the key will sign; a key of one use never vouches for another.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Purpose {
    /// Bundles of policy
    Bundle,
    /// Offers of an edge
    Offer,
    /// Checkout tokens of a server
    Checkout,
    /// The head of the ledger
    Ledger,
}

#[derive(clap::Args)]
pub struct Args {
    /// What the key will sign
    #[arg(long = "use", value_enum)]
    purpose: Purpose,
    /// Writes PREFIX.private.jwk and PREFIX.public.jwk
    #[arg(long, value_name = "PREFIX")]
    out: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let purpose = match args.purpose {
        Purpose::Bundle => Use::Bundle,
        Purpose::Offer => Use::Offer,
        Purpose::Checkout => Use::Checkout,
        Purpose::Ledger => Use::Ledger,
    };
    let (key, private) = jwk::generate(purpose).map_err(|error| anyhow!(error))?;
    let file = |part: &str| {
        let mut name = args.out.as_os_str().to_owned();
        name.push(format!(".{part}.jwk"));
        PathBuf::from(name)
    };
    let (private_file, public_file) = (file("private"), file("public"));
    create(&private_file, &private.text(), true)?;
    create(&public_file, &key.public.jwk.text(), false)?;
    let summary = serde_json::json!({
        "kid": key.public.kid,
        "use": purpose.name(),
        "private": private_file.display().to_string(),
        "public": public_file.display().to_string(),
    });
    write_output(&summary.to_string())
}

/// Writes a new file; one that exists is never replaced, because a lost key cannot be had back.
fn create(path: &Path, text: &str, secret: bool) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    let mut file = options.open(path).with_context(|| format!("cannot create `{}`", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))
}
