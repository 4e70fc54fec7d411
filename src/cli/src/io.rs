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

/// Reads a JSON document; an error names the field in which it lies.
///
/// # Errors
/// When the text is not JSON or does not have the form of `T`.
pub fn parse_json<T: serde::de::DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    if text.trim().is_empty() {
        anyhow::bail!("the input is empty; a JSON document is expected");
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if path == "." { anyhow::anyhow!("{inner}") } else { anyhow::anyhow!("`{path}`: {inner}") }
    })?;
    json.end()?;
    // The core's own reader is the stricter one: it takes no list where an object is meant.
    prequal_core::json::from_str_by_serde::<T>(text)?;
    Ok(value)
}

/// Writes a value as one line of JSON.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    write_output(&serde_json::to_string(value)?)
}

/// The longest error that is written, in characters.
const ERROR_CHARS_MAX: usize = 1_000;

/// An error as one line: the chain of causes joined, never a backtrace. What came from an input may hold anything, so
/// whatever breaks a line or turns its direction is shown escaped, control characters, which a terminal would obey, as
/// blanks, and a very long line is cut.
#[must_use]
pub fn error_line(error: &anyhow::Error) -> String {
    let line = format!("{error:#}");
    let mut shown = String::with_capacity(line.len());
    for one in line.chars().take(ERROR_CHARS_MAX) {
        match one {
            _ if one.is_control() => shown.push(' '),
            // Line and paragraph separators, and marks of direction.
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(one.escape_unicode())
            }
            _ => shown.push(one),
        }
    }
    if line.chars().nth(ERROR_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_a_terminal_cannot_be_misled_by() {
        let error = anyhow::anyhow!("unknown field `\u{1b}[31mred`").context("line one\nline two");
        assert_eq!(error_line(&error), "line one line two: unknown field ` [31mred`");
        let broken = anyhow::anyhow!("unknown field `one\u{2028}two\u{202e}eerht`");
        assert_eq!(error_line(&broken), "unknown field `one\\u{2028}two\\u{202e}eerht`");
        let long = anyhow::anyhow!("x".repeat(2 * ERROR_CHARS_MAX));
        assert_eq!(error_line(&long).chars().count(), ERROR_CHARS_MAX + 1);
    }
}
