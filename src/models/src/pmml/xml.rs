//! Elements of a PMML document, of which every attribute and child must be known.

use roxmltree::{Document, Node, ParsingOptions};

use crate::error::{ImportError, shown};

/// The most elements, texts and comments of a document.
pub(super) const MARKUP_MAX: usize = 4_000_000;
/// The deepest nesting of the nodes of a tree.
pub(super) const NESTING_MAX: usize = 600;

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a>(Node<'a, 'a>);

/// Reads a document; document type definitions, and so entities, are refused.
pub(super) fn parse(text: &str) -> Result<Document<'_>, ImportError> {
    // The parser makes room for one node a `<` and one attribute a `=` before it reads.
    let count = |byte: u8| text.bytes().filter(|one| *one == byte).count();
    ImportError::limit("markup in the PMML document", count(b'<'), MARKUP_MAX)?;
    ImportError::limit("attributes in the PMML document", count(b'='), 3 * MARKUP_MAX)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MARKUP_MAX as u32, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        ImportError::Syntax(text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect())
    })
}

impl<'a> Element<'a> {
    pub(super) fn root(document: &'a Document<'a>) -> Self {
        Self(document.root_element())
    }

    pub(super) fn name(self) -> &'a str {
        self.0.tag_name().name()
    }

    pub(super) fn refuse(self, why: &str) -> ImportError {
        ImportError::refuse(format!("{} `{}`: {why}", self.place(), shown(self.name())))
    }

    fn place(self) -> String {
        let line = self.0.document().text_pos_at(self.0.range().start).row;
        format!("line {line}, element")
    }

    /// Child elements; extensions, which by the standard may be left out, are.
    pub(super) fn children(self) -> impl Iterator<Item = Element<'a>> {
        self.0.children().filter(Node::is_element).map(Element).filter(|child| child.name() != "Extension")
    }

    /// The value of an extension that our own export writes.
    pub(super) fn extension(self, name: &str) -> Option<&'a str> {
        let ours = |child: &Node<'a, 'a>| {
            child.tag_name().name() == "Extension"
                && child.attribute("extender") == Some("prequal")
                && child.attribute("name") == Some(name)
        };
        self.0.children().find(ours).and_then(|child| child.attribute("value"))
    }

    pub(super) fn child(self, name: &str) -> Result<Option<Element<'a>>, ImportError> {
        let mut found = self.children().filter(|child| child.name() == name);
        match (found.next(), found.next()) {
            (one, None) => Ok(one),
            _ => Err(self.refuse(&format!("it has two children `{name}`"))),
        }
    }

    pub(super) fn attribute(self, name: &str) -> Option<&'a str> {
        self.0.attribute(name)
    }

    pub(super) fn required(self, name: &str) -> Result<&'a str, ImportError> {
        self.attribute(name).ok_or_else(|| self.refuse(&format!("it lacks the attribute `{name}`")))
    }

    /// An attribute that must hold a finite number where it is there.
    pub(super) fn number(self, name: &str) -> Result<Option<f64>, ImportError> {
        let Some(text) = self.attribute(name) else { return Ok(None) };
        let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
        match value {
            Some(value) => Ok(Some(value)),
            None => Err(self.refuse(&format!("`{name}` is `{}`, which is no finite number", shown(text)))),
        }
    }

    /// Refuses an attribute that is not among these.
    pub(super) fn only(self, known: &[&str]) -> Result<(), ImportError> {
        match self.0.attributes().find(|attribute| !known.contains(&attribute.name())) {
            Some(one) => Err(self.refuse(&format!("the attribute `{}` is not understood", shown(one.name())))),
            None => Ok(()),
        }
    }

    /// Refuses a child that is not among these.
    pub(super) fn only_children(self, known: &[&str]) -> Result<(), ImportError> {
        match self.children().find(|child| !known.contains(&child.name())) {
            Some(one) => Err(one.refuse("it is not understood here")),
            None => Ok(()),
        }
    }

    /// Refuses a value of an attribute that is not among these; the first is the one where it is absent.
    pub(super) fn one_of(self, name: &str, known: &[&'static str]) -> Result<&'static str, ImportError> {
        let Some(text) = self.attribute(name) else { return Ok(known.first().copied().unwrap_or_default()) };
        let found = known.iter().find(|one| **one == text);
        found.copied().ok_or_else(|| self.refuse(&format!("{name}=`{}` is not understood", shown(text))))
    }

    pub(super) fn text(self) -> &'a str {
        self.0.text().unwrap_or_default()
    }

    pub(super) fn is_true(self, name: &str) -> Result<bool, ImportError> {
        Ok(self.one_of(name, &["false", "true", "0", "1"])?.contains(['t', '1']))
    }
}
