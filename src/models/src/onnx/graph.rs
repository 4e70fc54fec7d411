//! The graph of an ONNX file: finds the one operator that holds trees.

use std::collections::BTreeMap;

use super::wire::{self, Field, fields, message, text};
use crate::{
    document,
    error::{ImportError, shown},
    passport::Passport,
};

/// What an attribute holds.
#[derive(Debug)]
enum Attribute {
    Integer(i64),
    String(String),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    Strings(Vec<String>),
    /// Of a kind that no attribute of these operators has.
    Other,
}

/// The attributes of an operator, taken one by one; [`Attributes::finish`] refuses what was left over.
#[derive(Debug)]
pub(super) struct Attributes(BTreeMap<String, Attribute>);

/// The operator that holds trees.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) name: String,
    pub(super) attributes: Attributes,
    /// How many columns the input has, where the file says so.
    pub(super) columns: Option<usize>,
    /// The version of the file's format.
    pub(super) version: String,
    /// Whether the logistic function follows the score.
    pub(super) sigmoid: bool,
    /// Names of the columns, which our own export writes into the metadata.
    pub(super) names: Vec<String>,
    /// The passport, which our own export writes there as well.
    pub(super) passport: Option<Passport>,
}

/// Operators that may follow and change no score: they rename it or look at the label.
const PASSIVE: [&str; 3] = ["ZipMap", "Identity", "Cast"];

impl Attributes {
    fn wrong<T>(name: &str) -> Result<T, ImportError> {
        Err(ImportError::refuse(format!("the attribute `{name}` is of another kind than it should be")))
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, ImportError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Attribute::Integer(value)) => Ok(Some(value)),
            Some(_) => Self::wrong(name),
        }
    }

    pub(super) fn string(&mut self, name: &str) -> Result<Option<String>, ImportError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Attribute::String(value)) => Ok(Some(value)),
            Some(_) => Self::wrong(name),
        }
    }

    pub(super) fn floats(&mut self, name: &str) -> Result<Vec<f32>, ImportError> {
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Attribute::Floats(list)) => Ok(list),
            Some(_) => Self::wrong(name),
        }
    }

    pub(super) fn integers(&mut self, name: &str) -> Result<Vec<i64>, ImportError> {
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Attribute::Integers(list)) => Ok(list),
            Some(_) => Self::wrong(name),
        }
    }

    pub(super) fn strings(&mut self, name: &str) -> Result<Vec<String>, ImportError> {
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Attribute::Strings(list)) => Ok(list),
            Some(_) => Self::wrong(name),
        }
    }

    pub(super) fn finish(self) -> Result<(), ImportError> {
        match self.0.keys().next() {
            Some(name) => Err(ImportError::refuse(format!("the attribute `{}` is not understood", shown(name)))),
            None => Ok(()),
        }
    }
}

/// `ModelProto`: 1 the format's version, 7 the graph.
pub(super) fn read(bytes: &[u8]) -> Result<Operator, ImportError> {
    let mut version = String::new();
    let mut graphs = Vec::new();
    let mut entries = BTreeMap::new();
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, Field::Integer(value)) => version = value.to_string(),
            (7, field) => graphs.push(message(field)?),
            (14, field) => {
                let (key, value) = read_entry(message(field)?)?;
                entries.insert(key, value);
            }
            _ => {}
        }
    }
    let names = match entries.get("prequal.features") {
        Some(list) => document::parse_json(list.as_bytes())?.to_strings("prequal.features")?,
        None => Vec::new(),
    };
    let passport = Passport::among(|name| entries.get(format!("prequal.passport.{name}").as_str()).copied());
    match graphs.as_slice() {
        [graph] => Ok(Operator { names, passport, ..read_graph(graph, version)? }),
        _ => Err(ImportError::Syntax(format!("it has {} graphs, and one is wanted", graphs.len()))),
    }
}

/// `StringStringEntryProto`: 1 key, 2 value.
fn read_entry(bytes: &[u8]) -> Result<(&str, &str), ImportError> {
    let (mut key, mut value) = ("", "");
    for (number, field) in fields(bytes)? {
        match number {
            1 => key = text(field)?,
            2 => value = text(field)?,
            _ => {}
        }
    }
    Ok((key, value))
}

/// `GraphProto`: 1 nodes, 11 inputs.
fn read_graph(bytes: &[u8], version: String) -> Result<Operator, ImportError> {
    let mut inputs = BTreeMap::new();
    let mut nodes = Vec::new();
    for (number, field) in fields(bytes)? {
        match number {
            1 => nodes.push(read_node(message(field)?)?),
            11 => {
                let (name, input) = read_input(message(field)?)?;
                inputs.insert(name, input);
            }
            _ => {}
        }
    }
    let (mut found, mut sigmoid) = (None, false);
    for (operator, input, attributes) in nodes {
        if PASSIVE.contains(&operator.as_str()) && !inputs.contains_key(&input) {
            continue;
        }
        if operator == "Sigmoid" && !inputs.contains_key(&input) && !sigmoid {
            sigmoid = true;
            continue;
        }
        if operator != "TreeEnsembleRegressor" && operator != "TreeEnsembleClassifier" {
            return Err(ImportError::refuse(format!("the operator `{}` is not understood", shown(&operator))));
        }
        let Some((kind, columns)) = inputs.get(&input) else {
            return Err(ImportError::refuse("its trees do not read the model's input"));
        };
        if *kind != 1 {
            return Err(ImportError::refuse("its input is not of single precision"));
        }
        let (columns, version) = (*columns, version.clone());
        let (sigmoid, names, passport) = (false, Vec::new(), None);
        let operator = Operator { name: operator, attributes, columns, version, sigmoid, names, passport };
        if found.replace(operator).is_some() {
            return Err(ImportError::refuse("it has two ensembles of trees"));
        }
    }
    let found = found.ok_or_else(|| ImportError::refuse("it has no ensemble of trees"))?;
    Ok(Operator { sigmoid, ..found })
}

/// `NodeProto`: 1 inputs, 4 operator, 5 attributes, 7 domain.
fn read_node(bytes: &[u8]) -> Result<(String, String, Attributes), ImportError> {
    let (mut operator, mut input, mut attributes) = (String::new(), None, BTreeMap::new());
    for (number, field) in fields(bytes)? {
        match number {
            1 => drop(input.get_or_insert(text(field)?.to_owned())),
            4 => operator = text(field)?.to_owned(),
            5 => {
                let (name, attribute) = read_attribute(message(field)?)?;
                if attributes.insert(name.clone(), attribute).is_some() {
                    return Err(ImportError::refuse(format!("the attribute `{}` is there twice", shown(&name))));
                }
            }
            _ => {}
        }
    }
    Ok((operator, input.unwrap_or_default(), Attributes(attributes)))
}

/// `AttributeProto`: 1 name, 3 integer, 4 string, 7 floats, 8 integers, 9 strings, 20 type.
fn read_attribute(bytes: &[u8]) -> Result<(String, Attribute), ImportError> {
    let (mut name, mut kind) = (String::new(), 0);
    let (mut integer, mut string) = (0, String::new());
    let (mut floats, mut integers, mut strings) = (Vec::new(), Vec::new(), Vec::new());
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, field) => name = text(field)?.to_owned(),
            (3, Field::Integer(value)) => integer = value.cast_signed(),
            (4, field) => string = text(field)?.to_owned(),
            (7, field) => wire::floats(field, &mut floats)?,
            (8, field) => wire::integers(field, &mut integers)?,
            (9, field) => strings.push(text(field)?.to_owned()),
            (20, Field::Integer(value)) => kind = value,
            _ => {}
        }
    }
    let attribute = match kind {
        2 => Attribute::Integer(integer),
        3 => Attribute::String(string),
        6 => Attribute::Floats(floats),
        7 => Attribute::Integers(integers),
        8 => Attribute::Strings(strings),
        _ => Attribute::Other,
    };
    Ok((name, attribute))
}

/// `ValueInfoProto` → the name, the type of its elements and its second dimension, where that is stated.
fn read_input(bytes: &[u8]) -> Result<(String, (u64, Option<usize>)), ImportError> {
    let (mut name, mut kind, mut dimensions) = (String::new(), 0, Vec::new());
    for (number, field) in fields(bytes)? {
        match number {
            1 => name = text(field)?.to_owned(),
            // TypeProto: 1 tensor; of it 1 the type of elements, 2 the shape; of that 1 each dimension, of which 1 the size.
            2 => {
                for (_, tensor) in fields(message(field)?)?.into_iter().filter(|(number, _)| *number == 1) {
                    for (number, field) in fields(message(tensor)?)? {
                        match (number, field) {
                            (1, Field::Integer(value)) => kind = value,
                            (2, shape) => {
                                for (_, dimension) in fields(message(shape)?)? {
                                    dimensions.push(size(message(dimension)?)?);
                                }
                            }
                            _ => {}
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok((name, (kind, dimensions.get(1).copied().flatten())))
}

fn size(dimension: &[u8]) -> Result<Option<usize>, ImportError> {
    let mut size = None;
    for (number, field) in fields(dimension)? {
        if let (1, Field::Integer(value)) = (number, field) {
            size = usize::try_from(value).ok().filter(|size| *size > 0);
        }
    }
    Ok(size)
}
