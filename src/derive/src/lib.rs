//! `#[derive(Read)]`: the compact JSON reader of `prequal-core`, by the attributes that serde's derive reads too.
//!
//! serde's own reader is general, and its code is repeated for every type: it was the greater part of what a browser
//! downloads. This one knows one document format, and what it repeats for a type is a call for each field. Both are
//! derived from the same attributes, so that they take the same documents; an attribute that is not understood here is
//! an error while compiling.
//!
//! What does not belong here: writing, and anything at run time (`prequal_core::json`).

mod attributes;

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

fn implement(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::read(&input.attrs)?;
    let body = match (&container.try_from, &input.data) {
        (Some(form), _) => quote! {
            let form = <#form as crate::json::Read>::read(node)?;
            Self::try_from(form).map_err(|error| node.error(error))
        },
        (None, Data::Struct(data)) => match &data.fields {
            Fields::Named(fields) => named(&quote!(Self), fields, container.refuse_unknown)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => quote!(crate::json::Read::read(node).map(Self)),
            _ => return Err(Error::new_spanned(input, "a struct needs named fields, or is one value in a name")),
        },
        (None, Data::Enum(data)) => variants(data.variants.iter(), &container)?,
        (None, Data::Union(_)) => return Err(Error::new_spanned(input, "a union cannot be read")),
    };
    let name = &input.ident;
    let (implementation, types, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        impl #implementation crate::json::Read for #name #types #conditions {
            fn read(node: crate::json::Node<'_>) -> Result<Self, crate::json::JsonError> {
                #body
            }
        }
    })
}

/// One call for each field; the fields are read in their order, which decides which error is found first.
fn named(path: &TokenStream, fields: &FieldsNamed, refuse_unknown: bool) -> Result<TokenStream> {
    let mut names = Vec::new();
    let mut calls = Vec::new();
    for field in &fields.named {
        let member = Member::read(&field.attrs)?;
        let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a field has no name"))?;
        let name = member.rename.unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
        calls.push(match member.default {
            Default::None => quote!(#ident: object.member(#name)?),
            Default::Type => quote!(#ident: object.member_or_default(#name)?),
            Default::Call(path) => quote!(#ident: object.member_or(#name, #path)?),
        });
        names.push(name);
    }
    let open = if refuse_unknown { quote!(node.object(&[#(#names),*])?) } else { quote!(node.open_object()?) };
    Ok(quote! {
        let object = #open;
        Ok(#path { #(#calls),* })
    })
}

/// Names alone, and names with one value: `"clamp"`, `{"field": "housing"}`.
fn variants<'a>(all: impl Iterator<Item = &'a Variant>, container: &Container) -> Result<TokenStream> {
    let (mut names, mut arms) = (Vec::new(), Vec::new());
    for (index, variant) in all.enumerate() {
        let ident = &variant.ident;
        names.push(match Member::read(&variant.attrs)?.rename {
            Some(name) => name,
            None => container.case(&ident.to_string()),
        });
        arms.push(match &variant.fields {
            Fields::Unit => quote!(#index => { value.none()?; Ok(Self::#ident) }),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                quote!(#index => crate::json::Read::read(value.some()?).map(Self::#ident))
            }
            _ => return Err(Error::new_spanned(variant, "a variant is a name, or a name with one value")),
        });
    }
    Ok(quote! {
        let (index, value) = node.variant(&[#(#names),*])?;
        match index {
            #(#arms,)*
            _ => Err(value.unknown()),
        }
    })
}
