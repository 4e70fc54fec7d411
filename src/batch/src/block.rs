//! A block of rows as numbers: what one thread scores at a time.

use arrow_array::{ArrayRef, RecordBatch};
use ndarray::Array2;

use crate::{
    cell::{Cell, MissingWords},
    columns::{each_cell, is_readable, unreadable},
    csv_rows::CsvBlock,
    error::BatchError,
    model::Model,
};

/// The most columns of a table.
pub const COLUMNS_MAX: usize = 10_000;

/// Rows, each with a value for every feature in the model's order.
#[derive(Clone, Debug)]
pub struct Block {
    /// Rows × features; NaN is missing.
    pub values: Array2<f64>,
    /// Columns that go through to the output.
    pub kept: Kept,
}

/// Columns that go through as they are.
#[derive(Clone, Debug)]
pub enum Kept {
    /// For each column its cells.
    Text(Vec<Vec<String>>),
    /// For each column its array.
    Arrays(Vec<ArrayRef>),
}

/// Which column of a table is which feature.
#[derive(Clone, Debug)]
pub struct Binding {
    model: Model,
    missing: MissingWords,
    /// For each feature the position of its column.
    features: Vec<usize>,
    /// Positions of the columns that go through.
    kept: Vec<usize>,
    /// How many cells a record of CSV has.
    cells: usize,
}

impl Binding {
    /// Finds the columns by name; with it a warning where some are not used.
    ///
    /// # Errors
    /// [`BatchError::Data`] where a name is there twice, or one that the model or `keep` wants is not there.
    pub fn new(
        model: &Model,
        header: &[String],
        keep: &[String],
        missing: MissingWords,
    ) -> Result<(Self, Option<String>), BatchError> {
        if header.len() > COLUMNS_MAX {
            return Err(BatchError::Data(format!("it has {} columns, and the limit is {COLUMNS_MAX}", header.len())));
        }
        let mut places = std::collections::BTreeMap::new();
        for (at, name) in header.iter().enumerate() {
            if places.insert(name.as_str(), at).is_some() {
                return Err(BatchError::Data(format!("the header `{name}` is there twice")));
            }
        }
        let find = |names: &[String], who: &str| {
            let found: Vec<Option<usize>> = names.iter().map(|name| places.get(name.as_str()).copied()).collect();
            let absent = names.iter().zip(&found).filter(|(_, at)| at.is_none()).map(|(name, _)| name);
            match list(absent) {
                Some(absent) => Err(BatchError::Data(format!("{who} columns that are not there: {absent}"))),
                None => Ok(found.into_iter().flatten().collect::<Vec<usize>>()),
            }
        };
        let features = find(model.names(), "the model needs")?;
        let kept = find(keep, "the output is to keep")?;
        let unknown = header.iter().zip(0..).filter(|(_, at)| !features.contains(at) && !kept.contains(at));
        let warning = list(unknown.map(|(name, _)| name))
            .map(|unknown| format!("columns that the model does not use are ignored: {unknown}"));
        Ok((Self { model: model.clone(), missing, features, kept, cells: header.len() }, warning))
    }

    /// The positions of all columns that are read, ascending.
    #[must_use]
    pub fn columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.features.iter().chain(&self.kept).copied().collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// The same binding where only the columns of [`Self::columns`] are left.
    #[must_use]
    pub fn narrowed(mut self) -> Self {
        let columns = self.columns();
        let narrow = |at: &mut usize| *at = columns.partition_point(|column| column < at);
        self.features.iter_mut().for_each(narrow);
        self.kept.iter_mut().for_each(narrow);
        self.cells = columns.len();
        self
    }

    /// Refuses columns of features whose types cannot be read.
    ///
    /// # Errors
    /// [`BatchError::Data`].
    pub fn check_types(&self, schema: &arrow_schema::Schema) -> Result<(), BatchError> {
        let fields = self.features.iter().filter_map(|at| schema.fields().get(*at));
        let wrong = fields.into_iter().find(|field| !is_readable(field.data_type()));
        wrong.map_or(Ok(()), |field| Err(unreadable(field.name(), field.data_type())))
    }

    /// Positions of the columns that go through.
    #[must_use]
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The value of a feature's cell, or a sentence about the cell.
    fn value(&self, feature: usize, cell: Cell<'_>) -> Result<f64, String> {
        let present = if self.missing.cover(cell) { Cell::Missing } else { cell };
        self.model.value(feature, present).map_err(|why| {
            let name = self.model.names().get(feature).map_or("", String::as_str);
            format!(": `{}` in column `{name}` {why}", cell.text())
        })
    }

    /// Reads a block of CSV.
    ///
    /// # Errors
    /// [`BatchError::Row`] of the first row that is ragged, no text, or holds a cell that the feature cannot take.
    pub fn read_csv(&self, block: &CsvBlock) -> Result<Block, BatchError> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(block.bytes.as_slice());
        let mut record = csv::StringRecord::new();
        let (mut rows, mut values) = (0, Vec::new());
        let mut kept = vec![Vec::new(); self.kept.len()];
        loop {
            let start = reader.position().byte();
            let wrong = |why: String| BatchError::Row { place: "line", number: block.line_of(start), why };
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                    return Err(wrong(" is not UTF-8 text".to_owned()));
                }
                Err(error) => return Err(wrong(format!(" is not CSV: {error}"))),
            }
            if record.len() != self.cells {
                return Err(wrong(format!(" has {} cells, and the header has {}", record.len(), self.cells)));
            }
            for (feature, column) in self.features.iter().enumerate() {
                let cell = Cell::Text(record.get(*column).unwrap_or_default());
                values.push(self.value(feature, cell).map_err(wrong)?);
            }
            for (cells, column) in kept.iter_mut().zip(&self.kept) {
                cells.push(record.get(*column).unwrap_or_default().to_owned());
            }
            rows += 1;
        }
        Ok(Block { values: shaped(rows, self.features.len(), values), kept: Kept::Text(kept) })
    }

    /// Reads a batch of Arrow, the first row of which has this number, from 1.
    ///
    /// # Errors
    /// [`BatchError::Row`] of the first cell, column after column, that its feature cannot take.
    pub fn read_batch(&self, batch: &RecordBatch, first_row: u64) -> Result<Block, BatchError> {
        let mut values = Array2::from_elem((batch.num_rows(), self.features.len()), f64::NAN);
        let mut first_wrong: Option<(usize, String)> = None;
        for (feature, mut column) in values.columns_mut().into_iter().enumerate() {
            let (Some(at), Some(name)) = (self.features.get(feature), self.model.names().get(feature)) else {
                continue;
            };
            let mut wrong = None;
            each_cell(name, batch.column(*at).as_ref(), &mut |row, cell| {
                match (self.value(feature, cell), column.get_mut(row)) {
                    (Ok(value), Some(place)) => *place = value,
                    (Err(why), _) if wrong.is_none() => wrong = Some((row, why)),
                    _ => {}
                }
                Ok(())
            })?;
            // The first row that is wrong is named, not the first column.
            if let Some((row, why)) = wrong.filter(|(row, _)| first_wrong.as_ref().is_none_or(|first| *row < first.0)) {
                first_wrong = Some((row, why));
            }
        }
        if let Some((row, why)) = first_wrong {
            return Err(BatchError::Row { place: "row", number: first_row + row as u64, why });
        }
        let kept = self.kept.iter().map(|at| batch.column(*at).clone()).collect();
        Ok(Block { values, kept: Kept::Arrays(kept) })
    }
}

fn shaped(rows: usize, features: usize, values: Vec<f64>) -> Array2<f64> {
    // One value was pushed for each feature of each row.
    Array2::from_shape_vec((rows, features), values).unwrap_or_else(|_| Array2::zeros((rows, features)))
}

/// Names in backticks, or `None` where there are none.
fn list<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
