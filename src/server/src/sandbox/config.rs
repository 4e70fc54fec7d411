//! The sandbox's configuration: one TOML file, paths relative to it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::webhook;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen; `--listen` overrides it.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// The state; `--database` overrides it.
    #[serde(default = "default_database")]
    pub database: String,
    /// The payment provider.
    pub provider: Provider,
    /// The bureau.
    pub bureau: Bureau,
}

/// The payment provider.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// SHA-256 of the key by which the lending server calls, lower-case hex.
    pub key_sha256: String,
    /// Where notices go.
    pub webhook_url: String,
    /// The secret that signs them, `whsec_…`; or the environment variable `PREQUAL_WEBHOOK_SECRET`.
    #[serde(default)]
    pub webhook_secret: String,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Provider {{ webhook_url: {:?} }}", self.webhook_url)
    }
}

/// The bureau.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bureau {
    /// SHA-256 of the key by which an edge calls, lower-case hex.
    pub key_sha256: String,
    /// The CSV file with one person a row; `--data` overrides it.
    #[serde(default = "default_data")]
    pub data: PathBuf,
}

fn default_listen() -> String {
    "127.0.0.1:8090".to_owned()
}

fn default_database() -> String {
    "sqlite://sandbox.db".to_owned()
}

fn default_data() -> PathBuf {
    PathBuf::from("german_credit.csv")
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// One readable line naming the file and the field.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let named = |error: String| format!("`{}`: {error}", path.display());
        let mut config: Self =
            toml::from_str(&text).map_err(|error| named(error.to_string().trim().replace('\n', " ")))?;
        if config.provider.webhook_secret.is_empty()
            && let Ok(secret) = std::env::var("PREQUAL_WEBHOOK_SECRET")
        {
            config.provider.webhook_secret = secret;
        }
        config.bureau.data = path.parent().unwrap_or(Path::new("")).join(&config.bureau.data);
        if webhook::Secret::parse(&config.provider.webhook_secret).is_none() {
            return Err(named("provider.webhook_secret must be `whsec_` and base64 of 24 to 64 bytes".to_owned()));
        }
        if !config.provider.webhook_url.starts_with("http://") {
            return Err(named("provider.webhook_url must be an `http://` address".to_owned()));
        }
        Ok(config)
    }
}
