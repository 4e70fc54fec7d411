//! What is known of a row's values on the way to a leaf.

use std::collections::BTreeMap;

/// What a feature's values can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Numbers.
    Number,
    /// This many named categories, and whether another may come.
    Category { names: usize, other: bool },
}

/// A question that the answers known so far leave open.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    /// Whether the number is below this one.
    Below(usize, f64),
    /// Whether the category is one of these, ascending.
    In(usize, Vec<u32>),
    /// Whether the value is missing.
    Missing(usize),
}

/// What values of one feature are still possible.
#[derive(Clone, Debug, PartialEq)]
struct Domain {
    missing: bool,
    /// Numbers: at least the first and below the second, which is at most when infinite.
    numbers: (f64, f64),
    /// Categories: which are possible, the last place for all others. Empty for numbers.
    codes: Vec<bool>,
    is_number: bool,
}

/// What is known of a row.
#[derive(Clone, Debug)]
pub(crate) struct Known<'a> {
    fields: &'a [Field],
    /// Features whose missing values never come.
    required: &'a [bool],
    narrowed: BTreeMap<usize, Domain>,
}

/// The rows that answer yes, those that answer no, and those that cannot because the value is missing.
pub(super) type Parts<'a> = (Option<Known<'a>>, Option<Known<'a>>, Option<Known<'a>>);

impl Domain {
    fn has_numbers(&self) -> bool {
        self.is_number && self.numbers.0 < self.numbers.1
    }

    fn has_values(&self) -> bool {
        self.has_numbers() || self.codes.contains(&true)
    }

    fn is_possible(&self) -> bool {
        self.missing || self.has_values()
    }
}

impl<'a> Known<'a> {
    pub(crate) fn nothing(fields: &'a [Field], required: &'a [bool]) -> Self {
        Self { fields, required, narrowed: BTreeMap::new() }
    }

    fn domain(&self, feature: usize) -> Domain {
        if let Some(domain) = self.narrowed.get(&feature) {
            return domain.clone();
        }
        let missing = !self.required.get(feature).copied().unwrap_or(false);
        match self.fields.get(feature) {
            Some(Field::Category { names, other }) => {
                let mut codes = vec![true; *names];
                codes.push(*other);
                Domain { missing, numbers: (0.0, 0.0), codes, is_number: false }
            }
            _ => Domain { missing, numbers: (f64::NEG_INFINITY, f64::INFINITY), codes: Vec::new(), is_number: true },
        }
    }

    fn with(&self, feature: usize, domain: Domain) -> Option<Self> {
        domain.is_possible().then(|| {
            let mut known = self.clone();
            known.narrowed.insert(feature, domain);
            known
        })
    }

    /// Features of which it is known that they are missing.
    pub(super) fn missing(&self) -> Vec<usize> {
        self.narrowed.iter().filter(|(_, domain)| !domain.has_values()).map(|(feature, _)| *feature).collect()
    }

    /// Whether the number is below this one; `None` where it is missing.
    pub(super) fn below(&self, feature: usize, threshold: f64) -> Result<Option<bool>, Ask> {
        let domain = self.domain(feature);
        match (domain.missing, domain.has_values()) {
            (true, false) => Ok(None),
            (true, true) => Err(Ask::Below(feature, threshold)),
            _ if domain.numbers.1 <= threshold && domain.numbers.1 < f64::INFINITY => Ok(Some(true)),
            _ if domain.numbers.0 >= threshold => Ok(Some(false)),
            _ => Err(Ask::Below(feature, threshold)),
        }
    }

    /// Whether the category is one of these; `None` where it is missing.
    pub(super) fn is_in(&self, feature: usize, listed: &[u32]) -> Result<Option<bool>, Ask> {
        let domain = self.domain(feature);
        let ask = || Err(Ask::In(feature, listed.to_vec()));
        match (domain.missing, domain.has_values()) {
            (true, false) => Ok(None),
            (true, true) => ask(),
            _ => {
                let mut possible = (0_u32..).zip(&domain.codes).filter(|(_, is)| **is).map(|(code, _)| code);
                let first = possible.next().is_some_and(|code| listed.binary_search(&code).is_ok());
                if possible.all(|code| listed.binary_search(&code).is_ok() == first) { Ok(Some(first)) } else { ask() }
            }
        }
    }

    /// Whether the value is missing.
    pub(super) fn is_missing(&self, feature: usize) -> Result<bool, Ask> {
        let domain = self.domain(feature);
        match (domain.missing, domain.has_values()) {
            (true, true) => Err(Ask::Missing(feature)),
            (missing, _) => Ok(missing),
        }
    }

    /// The rows by their answer.
    pub(super) fn parts(&self, ask: &Ask) -> Parts<'a> {
        let (Ask::Below(feature, _) | Ask::In(feature, _) | Ask::Missing(feature)) = *ask;
        let domain = self.domain(feature);
        let present = Domain { missing: false, ..domain.clone() };
        let no_codes = vec![false; domain.codes.len()];
        let gone = Domain { numbers: (0.0, 0.0), codes: no_codes, ..domain.clone() };
        let missing = if domain.missing { self.with(feature, gone) } else { None };
        match ask {
            Ask::Missing(_) => (missing, self.with(feature, present), None),
            Ask::Below(_, threshold) => {
                let (from, below) = domain.numbers;
                let yes = Domain { numbers: (from, below.min(*threshold)), ..present.clone() };
                let no = Domain { numbers: (from.max(*threshold), below), ..present };
                let part = |domain: Domain| if domain.has_numbers() { self.with(feature, domain) } else { None };
                (part(yes), part(no), missing)
            }
            Ask::In(_, listed) => {
                let only = |wanted: bool| {
                    let codes = (0_u32..).zip(&domain.codes);
                    let codes = codes.map(|(code, is)| *is && listed.binary_search(&code).is_ok() == wanted);
                    self.with(feature, Domain { codes: codes.collect(), ..present.clone() })
                };
                (only(true), only(false), missing)
            }
        }
    }

    /// What is known where missing values follow those of `self`.
    pub(super) fn or_missing(mut self, feature: usize, before: &Self) -> Self {
        let missing = before.domain(feature).missing;
        let domain = Domain { missing, ..self.domain(feature) };
        self.narrowed.insert(feature, domain);
        self
    }
}
