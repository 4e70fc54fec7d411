//! What a run leaves behind so that another can go on where it was stopped.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{error::BatchError, source::Place};

/// The form of the file.
const FORMAT: &str = "prequal-score-checkpoint/1";
/// The largest such file in bytes.
const BYTES_MAX: u64 = 64 * 1024;

/// What must be the same for a run to be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// SHA-256 of the model file.
    pub model: String,
    /// Size and time of the input file.
    pub input: String,
    /// Everything that shapes the output.
    pub options: String,
}

/// How far a run came, with everything before it safely written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    format: String,
    run: Identity,
    /// How far the input was worked through.
    pub place: Place,
    /// Bytes of output that belong to it.
    pub output_bytes: u64,
}

/// The file that output grows in until it is whole.
#[must_use]
pub fn part_path(output: &Path) -> PathBuf {
    with_ending(output, ".part")
}

/// The file that says how far it has grown.
#[must_use]
pub fn checkpoint_path(output: &Path) -> PathBuf {
    with_ending(output, ".resume")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Checkpoint {
    /// A checkpoint of a run.
    #[must_use]
    pub fn new(run: Identity, place: Place, output_bytes: u64) -> Self {
        Self { format: FORMAT.to_owned(), run, place, output_bytes }
    }

    /// Writes it in one step: after a power cut there is the old one or the new one, never half of one.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let next = with_ending(path, ".new");
        let mut file = File::create(&next)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(next, path)
    }

    /// Reads it, if there is one.
    ///
    /// # Errors
    /// [`BatchError::Option`] where it is damaged or of another run, in words that say what differs.
    pub fn read(path: &Path, run: &Identity) -> Result<Option<Self>, BatchError> {
        let shown = path.display();
        let refuse = |why: &str| {
            BatchError::Option(format!("cannot go on from `{shown}`: {why}; without --resume the work begins anew"))
        };
        let bytes = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(data) if data.len() > BYTES_MAX => return Err(refuse("it is no checkpoint")),
            _ => fs::read(path).map_err(|error| refuse(&error.to_string()))?,
        };
        let found: Self = serde_json::from_slice(&bytes).map_err(|_| refuse("it is no checkpoint"))?;
        match &found.run {
            _ if found.format != FORMAT => Err(refuse("another version wrote it")),
            other if other.model != run.model => Err(refuse("it was begun with another model")),
            other if other.input != run.input => Err(refuse("the input has changed since")),
            other if other.options != run.options => Err(refuse("it was begun with other options")),
            _ => Ok(Some(found)),
        }
    }
}
