//! The serde attributes that are understood; any other is an error.

use syn::{Attribute, LitStr, Path, Result, meta::ParseNestedMeta};

/// Attributes of a struct or an enum.
#[derive(Default)]
pub struct Container {
    /// Whether a member that is not known is an error.
    pub refuse_unknown: bool,
    /// The key under which an enum's variants write their names, beside their fields.
    pub tag: Option<String>,
    /// Read this type first and convert it.
    pub try_from: Option<Path>,
    snake_case: bool,
}

impl Container {
    pub fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each(attributes, |meta| {
            if meta.path.is_ident("deny_unknown_fields") {
                container.refuse_unknown = true;
            } else if meta.path.is_ident("try_from") {
                container.try_from = Some(text(&meta)?.parse()?);
            } else if meta.path.is_ident("rename_all") {
                let case = text(&meta)?;
                if case.value() != "snake_case" {
                    return Err(syn::Error::new(case.span(), "only `snake_case` is understood"));
                }
                container.snake_case = true;
            } else if meta.path.is_ident("tag") {
                container.tag = Some(text(&meta)?.value());
            } else if meta.path.is_ident("into") || meta.path.is_ident("expecting") {
                // Writing, and the words of serde's own errors.
                text(&meta)?;
            } else {
                return Err(meta.error("this attribute is not understood"));
            }
            Ok(())
        })?;
        Ok(container)
    }

    /// The name of a variant.
    pub fn case(&self, ident: &str) -> String {
        if !self.snake_case {
            return ident.to_owned();
        }
        let mut name = String::new();
        for (at, character) in ident.char_indices() {
            if character.is_ascii_uppercase() && at > 0 {
                name.push('_');
            }
            name.push(character.to_ascii_lowercase());
        }
        name
    }
}

/// What stands for a member that is absent.
pub enum Default {
    /// Nothing, unless its type can be absent.
    None,
    /// The type's own default.
    Type,
    /// What this function gives.
    Call(Path),
}

/// Attributes of a field or a variant.
pub struct Member {
    pub rename: Option<String>,
    pub default: Default,
    /// Leave it out where this holds.
    pub skip_if: Option<Path>,
}

impl Member {
    pub fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut member = Self { rename: None, default: Default::None, skip_if: None };
        each(attributes, |meta| {
            if meta.path.is_ident("rename") {
                member.rename = Some(text(&meta)?.value());
            } else if meta.path.is_ident("default") {
                let given = meta.input.peek(syn::Token![=]);
                member.default = if given { Default::Call(text(&meta)?.parse()?) } else { Default::Type };
            } else if meta.path.is_ident("skip_serializing_if") {
                member.skip_if = Some(text(&meta)?.parse()?);
            } else if meta.path.is_ident("serialize_with") {
                // Puts keys in order, as they are here in any case.
                text(&meta)?;
            } else {
                return Err(meta.error("this attribute is not understood"));
            }
            Ok(())
        })?;
        Ok(member)
    }
}

fn each(attributes: &[Attribute], mut take: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut take))
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}
