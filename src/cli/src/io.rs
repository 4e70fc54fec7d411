//! Standard input and output of every command.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use anyhow::{Context, bail};

/// The largest JSON document a command reads.
pub const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads `--input FILE`, or standard input where it is absent or `-`.
///
/// # Errors
/// When the file cannot be read, is not UTF-8, or is larger than [`INPUT_BYTES_MAX`].
pub fn read_input(path: Option<&Path>) -> anyhow::Result<String> {
    let (mut reader, name): (Box<dyn Read>, String) = match path {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
            (Box::new(file), path.display().to_string())
        }
        _ => (Box::new(std::io::stdin()), "standard input".to_owned()),
    };
    let mut bytes = Vec::new();
    reader
        .by_ref()
        .take(INPUT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read `{name}`"))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        bail!("`{name}` is larger than {INPUT_BYTES_MAX} bytes");
    }
    String::from_utf8(bytes).with_context(|| format!("`{name}` is not UTF-8 text"))
}

/// Writes one line to standard output; a closed pipe is not an error.
///
/// # Errors
/// When standard output cannot be written.
pub fn write_output(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}
