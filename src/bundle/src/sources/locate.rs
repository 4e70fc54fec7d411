//! Where in the sources a sentence of the core points to.

use super::{Problem, Problems, files::Sources, table::SourceTable};

/// The file and line of what `message` names first: a table's row, a table, a feature, a field, a reason, a plan.
pub(super) fn place(sources: &Sources, tables: &[SourceTable], message: &str) -> Problems {
    let message = message.strip_prefix("the bundle's policy is wrong: ").unwrap_or(message);
    for table in tables {
        let Some((_, rest)) = message.split_once(&format!("table `{}`", table.definition.id)) else { continue };
        let digits: String =
            rest.strip_prefix(" row ").unwrap_or("").chars().take_while(char::is_ascii_digit).collect();
        let row = digits.parse::<usize>().ok().and_then(|row| row.checked_sub(1));
        let line = row.and_then(|row| table.lines.get(row).copied()).unwrap_or(1);
        return Problem::at(&table.file, Some(line), message).into();
    }
    for (word, file) in [
        ("feature", "features.toml"),
        ("field", "form.toml"),
        ("step", "form.toml"),
        ("reason", "reasons.toml"),
        ("plan", "product.toml"),
        ("product", "product.toml"),
        ("cap", "product.toml"),
        ("model", "bundle.toml"),
    ] {
        let Some((_, rest)) = message.split_once(&format!("{word} `")) else { continue };
        let name = rest.split('`').next().unwrap_or("");
        return Problem::at(file, sources.line(file, name), message).into();
    }
    Problem::of("bundle.toml", message).into()
}
