//! Fields of a PMML document: the data dictionary, the mining schema, and derived fields that only rename or narrow.

use std::collections::BTreeMap;

use super::xml::Element;
use crate::{
    additive::Inputs,
    error::{ImportError, shown},
    model_file::{Categories, NAMES_MAX, UnseenName},
    number::first_that_rounds_to,
    rules::Predicate,
};

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precision {
    Single,
    Double,
}

/// A field that predicates may ask about.
#[derive(Clone, Debug)]
struct Field {
    feature: usize,
    /// Numbers; `None` for categories.
    precision: Option<Precision>,
    /// What stands for a missing value.
    replacement: Option<String>,
    /// Whether the data dictionary lists all categories.
    listed: bool,
}

/// All fields of a document.
#[derive(Debug, Default)]
pub(super) struct Schema {
    fields: BTreeMap<String, Field>,
    pub(super) inputs: Inputs,
    /// The target's classes, where it has any, in the order of the dictionary.
    pub(super) classes: Vec<String>,
}

/// What the dictionary says of a field.
struct Entry<'a> {
    element: Element<'a>,
    values: Vec<String>,
}

/// How a value is compared with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const TREATMENTS: [&str; 5] = [
    "missingValueReplacement",
    "missingValueTreatment",
    "invalidValueTreatment",
    "invalidValueReplacement",
    "outliers",
];

impl Schema {
    /// Reads the dictionary of the document and the schema of its outermost model.
    pub(super) fn read(document: Element<'_>, model: Element<'_>) -> Result<Self, ImportError> {
        let dictionary =
            document.child("DataDictionary")?.ok_or_else(|| document.refuse("it has no DataDictionary"))?;
        dictionary.only_children(&["DataField"])?;
        let mut entries = BTreeMap::new();
        for field in dictionary.children() {
            let entry = Entry { element: field, values: values(field)? };
            if entries.insert(field.required("name")?, entry).is_some() {
                return Err(field.refuse("a field of this name is there already"));
            }
        }
        let mut schema = Self::default();
        let mining = model.child("MiningSchema")?.ok_or_else(|| model.refuse("it has no MiningSchema"))?;
        for field in mining.children() {
            field.only(&[
                "name",
                "usageType",
                "optype",
                "importance",
                "missingValueReplacement",
                "missingValueTreatment",
                "invalidValueTreatment",
                "outliers",
                "lowValue",
                "highValue",
            ])?;
            let name = field.required("name")?;
            let usage = field.one_of("usageType", &["active", "target", "predicted", "supplementary"])?;
            let entry = entries.get(name);
            match (usage, entry) {
                ("active", Some(entry)) => schema.take(field, name, entry)?,
                ("target" | "predicted", Some(entry)) => schema.classes.clone_from(&entry.values),
                ("target" | "predicted" | "supplementary", _) => {}
                _ => return Err(field.refuse(&format!("`{}` is not in the data dictionary", shown(name)))),
            }
        }
        for holder in [document.child("TransformationDictionary")?, model.child("LocalTransformations")?] {
            holder.map_or(Ok(()), |holder| schema.derive(holder))?;
        }
        Ok(schema)
    }

    fn take(&mut self, field: Element<'_>, name: &str, entry: &Entry<'_>) -> Result<(), ImportError> {
        field.one_of("outliers", &["asIs"])?;
        // How a replacement is called changes nothing; that an invalid one is none does.
        if field.attribute("missingValueTreatment") == Some("returnInvalid") {
            return Err(field.refuse("missingValueTreatment=`returnInvalid` is not understood"));
        }
        let invalid = field.one_of("invalidValueTreatment", &["returnInvalid", "asIs", "asMissing"])?;
        let kind = entry.element.one_of("optype", &["", "continuous", "categorical", "ordinal"])?;
        let data = entry.element.required("dataType")?;
        let replacement = field.attribute("missingValueReplacement").map(str::to_owned);
        let (precision, categories) = match (kind, data) {
            ("continuous", "double" | "integer") => (Some(Precision::Double), None),
            ("continuous", "float") => (Some(Precision::Single), None),
            ("categorical" | "ordinal", "string" | "integer" | "double" | "float" | "boolean") => {
                let listed = !entry.values.is_empty();
                let unseen = match invalid {
                    "asMissing" if listed => UnseenName::Missing,
                    "returnInvalid" if listed => UnseenName::Refuse,
                    _ => UnseenName::Other,
                };
                let numeric = !["string", "boolean"].contains(&data);
                (None, Some(Categories { names: entry.values.clone(), numeric, unseen }))
            }
            _ => {
                let why = format!("optype=`{kind}` with dataType=`{}` is not understood", shown(data));
                return Err(entry.element.refuse(&why));
            }
        };
        if self.fields.contains_key(name) {
            return Err(field.refuse("a field of this name is there already"));
        }
        let listed = categories.as_ref().is_some_and(|categories| !categories.names.is_empty());
        let feature = self.inputs.push(name, categories)?;
        self.fields.insert(name.to_owned(), Field { feature, precision, replacement, listed });
        Ok(())
    }

    /// Derived fields: another name of a field, perhaps in single precision.
    pub(super) fn derive(&mut self, holder: Element<'_>) -> Result<(), ImportError> {
        for derived in holder.children() {
            if derived.name() != "DerivedField" {
                return Err(derived.refuse("it is not understood"));
            }
            derived.only(&["name", "displayName", "optype", "dataType"])?;
            let name = derived.required("name")?;
            let mut children = derived.children();
            let (Some(reference), None) = (children.next(), children.next()) else {
                return Err(derived.refuse("it is not understood"));
            };
            if reference.name() != "FieldRef" || reference.attribute("mapMissingTo").is_some() {
                return Err(reference.refuse("a derived field is understood only as the name of another field"));
            }
            let mut field = self.field(reference, "field")?.clone();
            match (derived.required("dataType")?, field.precision) {
                ("float", Some(_)) => field.precision = Some(Precision::Single),
                ("double", Some(_)) => {}
                ("string" | "boolean", None) => {}
                (data, _) => return Err(derived.refuse(&format!("dataType=`{}` is not understood", shown(data)))),
            }
            if self.fields.insert(name.to_owned(), field).is_some() {
                return Err(derived.refuse("a field of this name is there already"));
            }
        }
        Ok(())
    }

    /// The schema of a model within another: it may name fields and must not treat them anew.
    pub(super) fn check_inner(&self, model: Element<'_>, outputs: &[&str]) -> Result<(), ImportError> {
        let mining = model.child("MiningSchema")?.ok_or_else(|| model.refuse("it has no MiningSchema"))?;
        for field in mining.children() {
            let name = field.required("name")?;
            if let Some(treatment) = TREATMENTS.iter().find(|one| field.attribute(one).is_some_and(|v| v != "asIs")) {
                return Err(field.refuse(&format!("`{treatment}` within an inner model is not understood")));
            }
            let usage = field.one_of("usageType", &["active", "target", "predicted", "supplementary"])?;
            if usage == "active" && !self.fields.contains_key(name) && !outputs.contains(&name) {
                return Err(field.refuse(&format!("`{}` is not there", shown(name))));
            }
        }
        match model.child("LocalTransformations")? {
            Some(holder) => Err(holder.refuse("it is not understood within an inner model")),
            None => Ok(()),
        }
    }

    fn field(&self, element: Element<'_>, attribute: &str) -> Result<&Field, ImportError> {
        let name = element.required(attribute)?;
        self.fields.get(name).ok_or_else(|| element.refuse(&format!("the field `{}` is not there", shown(name))))
    }

    /// Whether a field is missing.
    pub(super) fn missing(&self, element: Element<'_>) -> Result<Predicate, ImportError> {
        let field = self.field(element, "field")?;
        Ok(match field.replacement {
            Some(_) => Predicate::Always(false),
            None => Predicate::Missing(field.feature),
        })
    }

    /// A field compared with a constant.
    pub(super) fn compare(
        &mut self,
        element: Element<'_>,
        comparison: Comparison,
        constant: &str,
    ) -> Result<Predicate, ImportError> {
        let field = self.field(element, "field")?.clone();
        let plain = match field.precision {
            Some(precision) => compare_number(element, field.feature, precision, comparison, constant)?,
            None => match comparison {
                Comparison::Equal => self.names(element, &field, &[constant])?,
                Comparison::NotEqual => self.names(element, &field, &[constant])?.negate(),
                _ => return Err(element.refuse("an order of categories is not understood")),
            },
        };
        self.replaced(element, &field, plain)
    }

    /// Whether a field is one of these values.
    pub(super) fn is_in(&mut self, element: Element<'_>, constants: &[&str]) -> Result<Predicate, ImportError> {
        let field = self.field(element, "field")?.clone();
        let plain = match field.precision {
            Some(precision) => {
                let one =
                    |constant: &&str| compare_number(element, field.feature, precision, Comparison::Equal, constant);
                Predicate::Or(constants.iter().map(one).collect::<Result<_, _>>()?)
            }
            None => self.names(element, &field, constants)?,
        };
        self.replaced(element, &field, plain)
    }

    /// The codes of names; a name that no dictionary lists is taken up where none are listed.
    fn names(&mut self, element: Element<'_>, field: &Field, names: &[&str]) -> Result<Predicate, ImportError> {
        let categories = self.inputs.list.get_mut(field.feature).and_then(|input| input.categories.as_mut());
        let Some(categories) = categories else { return Err(element.refuse("the field has no categories")) };
        let mut codes = Vec::with_capacity(names.len());
        for name in names {
            let code = match categories.names.iter().position(|one| one == name) {
                Some(code) => code,
                None if field.listed => {
                    let why = format!("the value `{}` is not in the data dictionary", shown(name));
                    return Err(element.refuse(&why));
                }
                None => {
                    ImportError::limit("categories of a feature", categories.names.len() + 1, NAMES_MAX)?;
                    categories.names.push((*name).to_owned());
                    categories.names.len() - 1
                }
            };
            codes.push(u32::try_from(code).unwrap_or(u32::MAX));
        }
        codes.sort_unstable();
        codes.dedup();
        Ok(Predicate::In(field.feature, codes))
    }

    /// A predicate that asks of the replacement where the value is missing.
    fn replaced(&self, element: Element<'_>, field: &Field, plain: Predicate) -> Result<Predicate, ImportError> {
        let Some(replacement) = &field.replacement else { return Ok(plain) };
        let holds = match field.precision {
            Some(precision) => {
                let value = replacement.trim().parse::<f64>().ok().filter(|value| value.is_finite());
                let Some(value) = value else {
                    return Err(element.refuse("the missing value's replacement is no number"));
                };
                let value = if precision == Precision::Single { f64::from(value as f32) } else { value };
                holds(&plain, value)
            }
            None => {
                let categories = self.inputs.list.get(field.feature).and_then(|input| input.categories.as_ref());
                let code = categories.and_then(|c| c.names.iter().position(|name| name == replacement));
                // Beyond all codes where it is not listed.
                holds(&plain, code.map_or(f64::from(u32::MAX), |code| code as f64))
            }
        };
        let missing = Predicate::Missing(field.feature);
        Ok(if holds { Predicate::Or(vec![missing, plain]) } else { Predicate::And(vec![missing.negate(), plain]) })
    }
}

/// Whether a predicate of one field holds of a value.
fn holds(predicate: &Predicate, value: f64) -> bool {
    match predicate {
        Predicate::Below(_, threshold) => value < *threshold,
        Predicate::In(_, codes) => codes.iter().any(|code| f64::from(*code) == value),
        Predicate::Not(inner) => !holds(inner, value),
        Predicate::And(parts) => parts.iter().all(|part| holds(part, value)),
        Predicate::Or(parts) => parts.iter().any(|part| holds(part, value)),
        Predicate::Always(always) => *always,
        Predicate::Missing(_) | Predicate::Xor(_) | Predicate::Surrogate(_) => false,
    }
}

fn values(field: Element<'_>) -> Result<Vec<String>, ImportError> {
    field.only(&["name", "displayName", "optype", "dataType", "isCyclic", "taxonomy"])?;
    let mut values = Vec::new();
    for child in field.children() {
        match (child.name(), child.one_of("property", &["valid", "missing", "invalid"])?) {
            ("Value", "valid") => values.push(child.required("value")?.to_owned()),
            // What JPMML writes of numbers; here NaN is missing anyway.
            ("Value", "missing") if child.attribute("value").is_some_and(|v| v.eq_ignore_ascii_case("nan")) => {}
            _ => return Err(child.refuse("it is not understood of a field")),
        }
    }
    Ok(values)
}

fn compare_number(
    element: Element<'_>,
    feature: usize,
    precision: Precision,
    comparison: Comparison,
    constant: &str,
) -> Result<Predicate, ImportError> {
    // The smallest value, in double precision, that reaches the constant, and the smallest that is beyond it.
    let ends = match precision {
        Precision::Double => constant.trim().parse::<f64>().ok().filter(|t| t.is_finite()).map(|t| (t, t.next_up())),
        Precision::Single => {
            let single = constant.trim().parse::<f32>().ok().filter(|t| t.is_finite());
            single.map(|t| (first_that_rounds_to(t), first_that_rounds_to(t.next_up())))
        }
    };
    let Some((at, beyond)) = ends.filter(|(_, beyond)| beyond.is_finite()) else {
        return Err(element.refuse(&format!("the value `{}` is no finite number", shown(constant))));
    };
    let below = |threshold: f64| Predicate::Below(feature, threshold + 0.0);
    Ok(match comparison {
        Comparison::Less => below(at),
        Comparison::LessOrEqual => below(beyond),
        Comparison::Greater => below(beyond).negate(),
        Comparison::GreaterOrEqual => below(at).negate(),
        Comparison::Equal => Predicate::interval(feature, Some(at + 0.0), Some(beyond)),
        Comparison::NotEqual => Predicate::interval(feature, Some(at + 0.0), Some(beyond)).negate(),
    })
}
