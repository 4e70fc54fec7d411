//! Settings from the environment. Which there are, and of which type, is read from the example, so that a setting
//! that is documented there has its variable without another line.

use toml::{Table, Value};

use super::EXAMPLE;
use crate::storage::engine;

/// What every variable begins with.
pub const PREFIX: &str = "PREQUAL_";
/// Settings that the example shows in a comment only.
const OPTIONAL: [(&str, Kind); 4] = [
    ("notices.channel", Kind::Text),
    ("notices.from", Kind::Text),
    ("notices.folder", Kind::Text),
    ("notices.relay", Kind::Text),
];
/// Further names of settings.
const ALIASES: [(&str, &str); 1] = [("PREQUAL_WEBHOOK_SECRET", "provider.webhook_secret")];
/// Settings that are never shown.
const SECRETS: [&str; 2] = ["provider.key", "provider.webhook_secret"];

/// The type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
}

/// A setting as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its place, `checkout.seconds`.
    pub place: String,
    /// Its value; of a secret only that there is one.
    pub value: String,
    /// The variable it came from, where it did.
    pub variable: Option<String>,
}

/// Every setting that is one value, by its place.
#[must_use]
pub fn all() -> Vec<(String, Kind)> {
    let example: Table = toml::from_str(EXAMPLE).unwrap_or_default();
    let mut found = Vec::new();
    walk("", &example, &mut |place, value| {
        let kind = match value {
            Value::String(_) => Kind::Text,
            Value::Integer(_) => Kind::Number,
            Value::Boolean(_) => Kind::Switch,
            _ => return,
        };
        found.push((place.to_owned(), kind));
    });
    for (place, kind) in OPTIONAL {
        if found.iter().all(|(have, _)| have != place) {
            found.push((place.to_owned(), kind));
        }
    }
    found
}

/// The variable of a setting.
#[must_use]
pub fn variable_of(place: &str) -> String {
    format!("{PREFIX}{}", place.replace('.', "_").to_ascii_uppercase())
}

/// Puts what the environment holds into a configuration; gives each place with its variable.
///
/// # Errors
/// One readable line for a value of another type.
pub fn take(table: &mut Table, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, String> {
    let settings = all();
    let mut names: Vec<(String, String, Kind)> = Vec::new();
    for (place, kind) in &settings {
        // The plain name goes before a further one.
        for (alias, _) in ALIASES.iter().filter(|(_, aliased)| aliased == place) {
            names.push(((*alias).to_owned(), place.clone(), *kind));
        }
        names.push((variable_of(place), place.clone(), *kind));
    }
    let mut taken: Vec<(String, String)> = Vec::new();
    for (name, place, kind) in names {
        let Some(text) = variable(&name) else { continue };
        set(table, &place, read(&name, &text, kind)?).map_err(|error| format!("{name}: {error}"))?;
        taken.retain(|(have, _)| *have != place);
        taken.push((place, name));
    }
    Ok(taken)
}

fn read(name: &str, text: &str, kind: Kind) -> Result<Value, String> {
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Number => text.trim().parse().map(Value::Integer).map_err(|_| format!("{name} is not a whole number")),
        Kind::Switch => text.trim().parse().map(Value::Boolean).map_err(|_| format!("{name} is not true or false")),
    }
}

fn set(table: &mut Table, place: &str, value: Value) -> Result<(), String> {
    let Some((first, rest)) = place.split_once('.') else {
        table.insert(place.to_owned(), value);
        return Ok(());
    };
    match table.entry(first).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => set(inner, rest, value),
        _ => Err(format!("`{first}` is no table in the file")),
    }
}

/// Every value of a configuration, as it is shown: lists by their length.
#[must_use]
pub fn settings(table: &Table, taken: &[(String, String)]) -> Vec<Setting> {
    let mut found = Vec::new();
    walk("", table, &mut |place, value| {
        let value = match value {
            Value::String(text) if SECRETS.contains(&place) => {
                if text.is_empty() { "none" } else { "set, not shown" }.to_owned()
            }
            Value::String(text) if text.contains("://") => engine::shown(text),
            Value::String(text) => text.clone(),
            Value::Array(list) => format!("a list of {}", list.len()),
            other => other.to_string(),
        };
        let variable = taken.iter().find(|(have, _)| have == place).map(|(_, variable)| variable.clone());
        found.push(Setting { place: place.to_owned(), value, variable });
    });
    found
}

fn walk(before: &str, table: &Table, found: &mut impl FnMut(&str, &Value)) {
    for (name, value) in table {
        let place = if before.is_empty() { name.clone() } else { format!("{before}.{name}") };
        match value {
            Value::Table(inner) => walk(&place, inner, found),
            value => found(&place, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_the_example_has_its_variable_and_none_has_two() {
        let all = all();
        assert!(all.contains(&("listen".to_owned(), Kind::Text)));
        assert!(all.contains(&("checkout.clock_skew_seconds".to_owned(), Kind::Number)));
        let mut names: Vec<String> = all.iter().map(|(place, _)| variable_of(place)).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for (place, kind) in &all {
            let name = variable_of(place);
            let text = match kind {
                Kind::Text => "x",
                Kind::Number => "7",
                Kind::Switch => "true",
            };
            let mut table = Table::new();
            let taken = take(&mut table, |asked| (asked == name).then(|| text.to_owned())).unwrap();
            assert_eq!(taken, [(place.clone(), name.clone())]);
            assert_eq!(settings(&table, &taken)[0].variable, Some(name));
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_its_variable_s_name() {
        let lookup = |asked: &str| (asked == "PREQUAL_CHECKOUT_SECONDS").then(|| "soon".to_owned());
        assert_eq!(take(&mut Table::new(), lookup).unwrap_err(), "PREQUAL_CHECKOUT_SECONDS is not a whole number");
    }

    #[test]
    fn no_secret_is_shown() {
        let lookup = |asked: &str| match asked {
            "PREQUAL_PROVIDER_KEY" => Some("pk_secret".to_owned()),
            "PREQUAL_WEBHOOK_SECRET" => Some("whsec_secret".to_owned()),
            "PREQUAL_DATABASE" => Some("postgres://lender:secret@db/lending".to_owned()),
            _ => None,
        };
        let mut table = Table::new();
        let taken = take(&mut table, lookup).unwrap();
        assert_eq!(taken.len(), 3);
        let shown = format!("{:?}", settings(&table, &taken));
        assert!(["pk_secret", "whsec_secret", ":secret"].iter().all(|secret| !shown.contains(secret)), "{shown}");
    }
}
