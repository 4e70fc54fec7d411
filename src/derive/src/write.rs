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

/// An entry of an object.
struct Entry {
    name: String,
    /// What leaves it out, where something does.
    skip: Option<TokenStream>,
    write: TokenStream,
}

fn entries<'a>(
    fields: impl Iterator<Item = &'a Field>,
    place: impl Fn(&syn::Ident) -> TokenStream,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for field in fields {
        let member = Member::read(&field.attrs)?;
        let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a field has no name"))?;
        let name = member.rename.unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
        let value = place(ident);
        entries.push(Entry {
            name,
            skip: member.skip_if.map(|skip| quote!(#skip(#value))),
            write: quote!(crate::canonical::Canonical::write_to(#value, text);),
        });
    }
    Ok(entries)
}

/// A key as it stands in the document. Names of fields are ASCII letters, digits and underscores.
fn quoted(name: &str) -> String {
    format!("\"{name}\":")
}

/// An object of these entries; in ASCII the order of UTF-16 units is that of bytes.
///
/// Punctuation goes with the keys as far as it is known while compiling: from the first entry that is always there, each
/// one has a comma before it.
fn object(mut entries: Vec<Entry>) -> TokenStream {
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let (mut opened, mut follows) = (false, false);
    let mut body = TokenStream::new();
    for Entry { name, skip, write } in entries {
        let key = quoted(&name);
        let key = match (opened, follows) {
            (_, true) => {
                let key = format!(",{key}");
                quote!(text.plain(#key);)
            }
            (false, false) if skip.is_none() => {
                let key = format!("{{{key}");
                quote!(text.plain(#key);)
            }
            (opened, false) => {
                let open = (!opened).then(|| quote!(text.open();));
                body.extend(open);
                quote!(text.key(#key);)
            }
        };
        opened = true;
        follows |= skip.is_none();
        let write = quote!(#key #write);
        body.extend(skip.map_or_else(|| write.clone(), |skip| quote!(if !#skip { #write })));
    }
    let open = (!opened).then(|| quote!(text.open();));
    quote! {
        #body
        #open
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
                let key = format!("{{{}", quoted(&name));
                quote!(Self::#ident(value) => { text.plain(#key); #write text.close(); })
            }
            (fields, Some(tag)) if !matches!(fields, Fields::Unnamed(_)) => {
                let idents: Vec<_> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
                let mut entries = entries(fields.iter(), |ident| quote!(#ident))?;
                entries.push(Entry { name: tag.clone(), skip: None, write: quote!(text.string(#name);) });
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
