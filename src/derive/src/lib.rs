//! `#[derive(Read)]` and `#[derive(Canonical)]`: the compact JSON reader and writer of `prequal-core`, by the attributes
//! that serde's derive reads too.
//!
//! serde's own reader is general, and its code is repeated for every type: it was the greater part of what a browser
//! downloads. This one knows one document format, and what it repeats for a type is a call for each field. Both are
//! derived from the same attributes, so that they take the same documents; an attribute that is not understood here is
//! an error while compiling.
//!
//! What does not belong here: anything at run time (`prequal_core::json`, `prequal_core::canonical`).

mod attributes;
mod write;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, FieldsNamed, Result, Variant, parse_macro_input};

use attributes::{Container, Default, Member};

/// Derives `json::Read`.
#[proc_macro_derive(Read, attributes(serde))]
pub fn read(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implement(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Derives `canonical::Canonical`.
#[proc_macro_derive(Canonical, attributes(serde))]
pub fn canonical(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    write::implement(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn implement(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::read(&input.attrs)?;
    if container.tag.is_some() {
        return Err(Error::new_spanned(input, "a tagged enum is read by hand"));
    }
    let body = match (&container.try_from, &input.data) {
        (Some(form), _) => quote! {
            match Self::try_from(<#form as crate::json::Read>::read(node)) {
                Ok(value) => value,
                Err(error) => {
                    node.fail(format_args!("{error}"));
                    Self::default()
                }
            }
        },
        (None, Data::Struct(data)) => match &data.fields {
            Fields::Named(fields) => named(&quote!(Self), fields, container.refuse_unknown)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => quote!(Self(crate::json::Read::read(node))),
            _ => return Err(Error::new_spanned(input, "a struct needs named fields, or is one value in a name")),
        },
        (None, Data::Enum(data)) => variants(input, data.variants.iter(), &container)?,
        (None, Data::Union(_)) => return Err(Error::new_spanned(input, "a union cannot be read")),
    };
    let name = &input.ident;
    let (implementation, types, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        impl #implementation crate::json::Read for #name #types #conditions {
            fn read(node: crate::json::Node<'_>) -> Self {
                #body
            }
        }
    })
}

/// The most fields of a struct and variants of an enum: a bit for each.
const MEMBERS_MAX: usize = 64;

/// One call for each field; the fields are read in their order, which decides which error is found first.
fn named(path: &TokenStream, fields: &FieldsNamed, refuse_unknown: bool) -> Result<TokenStream> {
    let (mut names, mut optional, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for (index, field) in fields.named.iter().enumerate() {
        let member = Member::read(&field.attrs)?;
        let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a field has no name"))?;
        let name = member.rename.unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
        let of = &field.ty;
        let mut may_be_absent = quote!(true);
        calls.push(match member.default {
            Default::None => {
                may_be_absent = quote!(<#of as crate::json::Read>::OPTIONAL);
                quote!(#ident: members.member(#index))
            }
            Default::Type => quote!(#ident: members.member_or(#index, ::core::default::Default::default)),
            Default::Call(path) => quote!(#ident: members.member_or(#index, #path)),
        });
        optional.push(quote!((#may_be_absent as u64) << #index));
        names.push(name);
    }
    if names.len() > MEMBERS_MAX {
        return Err(Error::new_spanned(fields, "more fields than bits"));
    }
    let open = !refuse_unknown;
    Ok(quote! {
        const OPTIONAL: u64 = #(#optional)|*;
        let members = node.object(&[#(#names),*], OPTIONAL, #open);
        #path { #(#calls),* }
    })
}

/// Names alone, and names with one value: `"clamp"`, `{"field": "housing"}`.
fn variants<'a>(
    input: &DeriveInput,
    all: impl Iterator<Item = &'a Variant>,
    container: &Container,
) -> Result<TokenStream> {
    let (mut names, mut units, mut results) = (Vec::new(), 0_u64, Vec::new());
    for (index, variant) in all.enumerate() {
        let ident = &variant.ident;
        names.push(match Member::read(&variant.attrs)?.rename {
            Some(name) => name,
            None => container.case(&ident.to_string()),
        });
        results.push(match &variant.fields {
            Fields::Unit => {
                units |= 1_u64.checked_shl(index as u32).unwrap_or(0);
                quote!(Self::#ident)
            }
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                quote!(Self::#ident(crate::json::Read::read(node.variant_value())))
            }
            _ => return Err(Error::new_spanned(variant, "a variant is a name, or a name with one value")),
        });
    }
    let Some((last, others)) = results.split_last().filter(|_| results.len() <= MEMBERS_MAX) else {
        return Err(Error::new_spanned(input, "no variant, or more than bits"));
    };
    let indexes = 0..others.len();
    Ok(quote! {
        match node.variant(&[#(#names),*], #units) {
            #(#indexes => #others,)*
            _ => #last,
        }
    })
}
