//! Personal data: sealed under a key per person, found again by keyed digests, erased by destroying the key.

use prequal_core::{bundle::FieldKind, wire::Scalar};

use crate::{
    app::{App, new_id},
    policy::Policy,
    problem::Problem,
    storage::{Connection, persons},
    vault::{PersonKey, Vault},
};

/// What an application says of who applies, by the kinds of the form's fields.
#[derive(Debug, Default)]
pub struct Identity {
    /// The name as typed.
    pub name: Option<String>,
    /// The e-mail address as typed.
    pub email: Option<String>,
    /// The telephone number as typed.
    pub phone: Option<String>,
    /// The identity number as typed.
    pub resident_id: Option<String>,
}

impl Identity {
    /// Reads the identifying fields of an application.
    #[must_use]
    pub fn of(policy: &Policy, fields: &prequal_core::wire::Map<Scalar>) -> Self {
        let mut identity = Self::default();
        for field in policy.fields() {
            let Some(Scalar::Text(text)) = fields.get(&field.id) else { continue };
            let slot = match field.kind {
                FieldKind::PersonName => &mut identity.name,
                FieldKind::Email => &mut identity.email,
                FieldKind::Phone => &mut identity.phone,
                FieldKind::ResidentId => &mut identity.resident_id,
                _ => continue,
            };
            slot.get_or_insert_with(|| text.clone());
        }
        identity
    }

    /// Digests of what may tell that two applications come from one person.
    fn digests(&self, vault: &Vault) -> Vec<(&'static str, String)> {
        let of = |kind: &'static str, value: &Option<String>| {
            value.as_ref().map(|value| (kind, vault.lookup_digest(kind, &normalized(value))))
        };
        [of("email", &self.email), of("phone", &self.phone), of("resident_id", &self.resident_id)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The digest of everything together: only who agrees in all of it is taken for the same person, so
    /// that nobody reads or erases what belongs to another by knowing an address.
    fn whole(&self, vault: &Vault) -> String {
        let parts = [&self.name, &self.email, &self.phone, &self.resident_id];
        let parts: Vec<String> = parts.iter().map(|part| normalized(part.as_deref().unwrap_or(""))).collect();
        vault.lookup_digest("identity", &parts.join("\0"))
    }
}

/// The same text for everyone who means the same: case and spaces do not count.
#[must_use]
pub fn normalized(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The person of an identity, made where there is none, with the key to their records.
///
/// # Errors
/// 500 when the database or a key fails.
pub async fn find_or_make(
    db: &mut Connection,
    vault: &Vault,
    identity: &Identity,
    now: &str,
) -> Result<(String, PersonKey), Problem> {
    let whole = identity.whole(vault);
    for person in persons::by_digest(db, "identity", &whole).await? {
        if let Some(wrapped) = persons::wrapped_key(db, &person).await? {
            let key = vault.open_person_key(&person, &wrapped).map_err(Problem::internal)?;
            return Ok((person, key));
        }
    }
    let person = new_id();
    let (key, wrapped) = vault.new_person_key(&person);
    persons::insert(db, &person, &wrapped, now).await?;
    persons::add_digest(db, "identity", &whole, &person).await?;
    for (kind, digest) in identity.digests(vault) {
        persons::add_digest(db, kind, &digest, &person).await?;
    }
    Ok((person, key))
}

/// Everyone who may be the same person: the same address, telephone or identity number, or the same before it was
/// corrected.
///
/// # Errors
/// 500 when the database fails.
pub async fn akin(db: &mut Connection, vault: &Vault, identity: &Identity) -> Result<Vec<String>, Problem> {
    let mut people = Vec::new();
    for (kind, digest) in identity.digests(vault) {
        people.extend(persons::by_digest(db, kind, &digest).await?);
        people.extend(persons::by_former_digest(db, kind, &digest).await?);
    }
    people.sort_unstable();
    people.dedup();
    Ok(people)
}

/// Seals a record of a person's and keeps it; gives its id.
///
/// # Errors
/// 500 when the database fails.
pub async fn keep(
    db: &mut Connection,
    person: &str,
    key: &PersonKey,
    kind: &str,
    plain: &[u8],
    now: &str,
) -> Result<String, Problem> {
    let id = new_id();
    persons::insert_record(db, &id, person, kind, &key.seal(&id, plain), now).await?;
    Ok(id)
}

/// The key of a person; `None` after erasure.
///
/// # Errors
/// 500 when the database or the key fails.
pub async fn key(db: &mut Connection, vault: &Vault, person: &str) -> Result<Option<PersonKey>, Problem> {
    match persons::wrapped_key(db, person).await? {
        Some(wrapped) => vault.open_person_key(person, &wrapped).map(Some).map_err(Problem::internal),
        None => Ok(None),
    }
}

/// Opens a record; `None` after erasure, and past what it was kept for.
///
/// # Errors
/// 500 when the database or the key fails.
pub async fn open(db: &mut Connection, vault: &Vault, record: &str) -> Result<Option<Vec<u8>>, Problem> {
    let Some((person, sealed)) = persons::record(db, record).await? else { return Ok(None) };
    if sealed.is_empty() {
        return Ok(None);
    }
    match key(db, vault, &person).await? {
        Some(key) => key.open(record, &sealed).map(Some).map_err(Problem::internal),
        None => Ok(None),
    }
}

/// Erases a person: destroys the key, the digests and the sealed records, and leaves nothing of them in the
/// database's log. `false` where there is nobody to erase. The ledger holds only random ids and stays whole.
///
/// # Errors
/// 500 when the database fails.
pub async fn erase(app: &App, person: &str) -> Result<bool, Problem> {
    let now = app.now()?.to_string();
    let now = now.as_str();
    let erased = app.db.write(|mut tx| async move { Ok(persons::erase(&mut tx, person, now).await?) }).await?;
    forget_log(app, person).await?;
    Ok(erased)
}

/// Empties the database's log of what was erased: committed and final, only the log may keep the old pages.
///
/// # Errors
/// 500 when the database fails.
pub async fn forget_log(app: &App, person: &str) -> Result<(), Problem> {
    if !app.db.checkpoint().await? {
        tracing::warn!(person, "erased, but a reader keeps the database's log; erase again to empty it");
    }
    Ok(())
}
