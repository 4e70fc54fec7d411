//! Writing: keys in the order that RFC 8785 asks for, put in order while compiling.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, Result, Variant};

use crate::attributes::{Container, Member};

pub fn implement(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::read(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => object(entries(fields.named.iter(), |ident| quote!(&self.#ident))?),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                quote!(crate::canonical::Canonical::write_to(&self.0, text);)
            }
            _ => return Err(Error::new_spanned(input, "a struct needs named fields, or is one value in a name")),
        },
        Data::Enum(data) => variants(data.variants.iter(), &container)?,
        Data::Union(_) => return Err(Error::new_spanned(input, "a union cannot be written")),
    };
    let name = &input.ident;
    let (implementation, types, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        impl #implementation crate::canonical::Canonical for #name #types #conditions {
            fn write_to(&self, text: &mut crate::canonical::Text) {
                #body
            }
        }
    })
}

/// Statements that write entries, by their keys.
type Entries = Vec<(String, TokenStream)>;

fn entries<'a>(fields: impl Iterator<Item = &'a Field>, place: impl Fn(&syn::Ident) -> TokenStream) -> Result<Entries> {
    let mut entries = Entries::new();
    for field in fields {
        let member = Member::read(&field.attrs)?;
        let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a field has no name"))?;
        let name = member.rename.unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
        let (key, value) = (quoted(&name), place(ident));
        let mut write = quote! {
            text.key(#key);
            crate::canonical::Canonical::write_to(#value, text);
        };
        if let Some(skip) = member.skip_if {
            write = quote!(if !#skip(#value) { #write });
        }
        entries.push((name, write));
    }
    Ok(entries)
}

/// A key as it stands in the document. Names of fields are ASCII letters, digits and underscores.
fn quoted(name: &str) -> String {
    format!("\"{name}\":")
}

/// An object of these entries; in ASCII the order of UTF-16 units is that of bytes.
fn object(mut entries: Entries) -> TokenStream {
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let writes = entries.into_iter().map(|(_, write)| write);
    quote! {
        text.open();
        #(#writes)*
        text.close();
    }
}

fn variants<'a>(all: impl Iterator<Item = &'a Variant>, container: &Container) -> Result<TokenStream> {
    let (mut names, mut arms) = (Vec::new(), Vec::new());
    for variant in all {
        let ident = &variant.ident;
        let name = match Member::read(&variant.attrs)?.rename {
            Some(name) => name,
            None => container.case(&ident.to_string()),
        };
        arms.push(match (&variant.fields, &container.tag) {
            (Fields::Unit, None) => {
                names.push(quote!(Self::#ident => #name));
                continue;
            }
            (Fields::Unnamed(fields), None) if fields.unnamed.len() == 1 => {
                let write = quote!(crate::canonical::Canonical::write_to(value, text););
                let key = quoted(&name);
                quote!(Self::#ident(value) => { text.open(); text.key(#key); #write text.close(); })
            }
            (fields, Some(tag)) if !matches!(fields, Fields::Unnamed(_)) => {
                let idents: Vec<_> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
                let mut entries = entries(fields.iter(), |ident| quote!(#ident))?;
                let key = quoted(tag);
                entries.push((tag.clone(), quote!(text.key(#key); text.string(#name);)));
                let object = object(entries);
                quote!(Self::#ident { #(#idents),* } => { #object })
            }
            _ => return Err(Error::new_spanned(variant, "a variant of this form is written by hand")),
        });
    }
    Ok(match (names.is_empty(), arms.is_empty()) {
        (true, _) => quote!(match self { #(#arms)* }),
        (false, true) => quote!(text.string(match self { #(#names),* })),
        (false, false) => quote! {
            match self { #(#arms)* other => text.string(match other { #(#names,)* _ => "" }) }
        },
    })
}
