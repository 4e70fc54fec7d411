//! Scored rows, written as CSV, as a batch of Arrow, or as a message of its stream.

use std::{fmt::Write as _, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchOptions, StringArray,
    builder::{Float64Builder, Int32Builder, Int64Builder, StringBuilder},
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use prequal_core::score::REASONS_MAX;

use crate::{
    block::{Block, Kept},
    columns::each_cell,
    error::BatchError,
    model::{Extras, Model, Row},
};

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// CSV with a header.
    Csv,
    /// A stream of Arrow (IPC).
    Arrow,
    /// A Parquet file.
    Parquet,
}

/// Which columns the output has.
#[derive(Clone, Debug)]
pub struct Layout {
    schema: SchemaRef,
    extras: Extras,
    /// Whether there are points, and whether they are whole.
    points: Option<bool>,
}

/// A block of output.
#[derive(Clone, Debug)]
pub enum Encoded {
    /// Bytes to append.
    Bytes(Vec<u8>),
    /// Rows of a Parquet file.
    Batch(RecordBatch),
}

impl Layout {
    /// The columns of the output: those that are kept, then the score. Numbers of whichever width are double precision
    /// in Arrow and Parquet, which changes none; the bits of the model's own width stand beside them as text.
    #[must_use]
    pub fn new(model: &Model, extras: Extras, kept: Vec<Field>) -> Self {
        let mut fields = kept;
        let mut push = |name: String, kind: DataType| fields.push(Field::new(name, kind, true));
        let points = model.points();
        let points_type = || if points == Some(true) { DataType::Int32 } else { DataType::Float64 };
        push("margin".to_owned(), DataType::Float64);
        push("margin_bits".to_owned(), DataType::Utf8);
        if points.is_some() {
            push("points".to_owned(), points_type());
        }
        push("probability".to_owned(), DataType::Float64);
        if extras.leaves {
            (0..model.trees()).for_each(|tree| push(format!("leaf_{tree}"), DataType::Int64));
        }
        if extras.reasons {
            for rank in 1..=REASONS_MAX {
                push(format!("reason_{rank}"), DataType::Utf8);
                push(format!("reason_{rank}_points"), points_type());
            }
        }
        Self { schema: Arc::new(Schema::new(fields)), extras, points }
    }

    /// Names and types.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// A column name that would be there twice.
    #[must_use]
    pub fn twice(&self) -> Option<&str> {
        let names = || self.schema.fields().iter().map(|field| field.name().as_str());
        names().enumerate().find(|(at, name)| names().take(*at).any(|other| other == *name)).map(|(_, name)| name)
    }

    /// What stands before the first row.
    ///
    /// # Errors
    /// [`BatchError::Data`] where a kept column has a type that has no form in the stream.
    pub fn start(&self, format: OutputFormat) -> Result<Vec<u8>, BatchError> {
        match format {
            OutputFormat::Csv => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                let names = self.schema.fields().iter().map(|field| field.name());
                writer.write_record(names).map_err(|error| BatchError::Data(error.to_string()))?;
                writer.into_inner().map_err(|error| BatchError::Data(error.to_string()))
            }
            OutputFormat::Arrow => {
                let mut writer = StreamWriter::try_new(Vec::new(), &self.schema).map_err(unwritable)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            OutputFormat::Parquet => Ok(Vec::new()),
        }
    }

    /// What stands after the last row.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn end(&self, format: OutputFormat) -> Result<Vec<u8>, BatchError> {
        if format != OutputFormat::Arrow {
            return Ok(Vec::new());
        }
        let mut writer = StreamWriter::try_new(Vec::new(), &self.schema).map_err(unwritable)?;
        writer.get_mut().clear();
        writer.finish().map_err(unwritable)?;
        Ok(std::mem::take(writer.get_mut()))
    }

    /// Scores a block and writes it.
    ///
    /// # Errors
    /// [`BatchError::Data`] for a kept column without a form in the output.
    pub fn score(&self, model: &mut Model, block: &Block, format: OutputFormat) -> Result<Encoded, BatchError> {
        if format == OutputFormat::Csv {
            return self.csv(model, block).map(Encoded::Bytes);
        }
        let batch = self.batch(model, block)?;
        if format == OutputFormat::Parquet {
            return Ok(Encoded::Batch(batch));
        }
        let mut writer = StreamWriter::try_new(Vec::new(), &self.schema).map_err(unwritable)?;
        // The columns were named once, at the start of the stream.
        writer.get_mut().clear();
        writer.write(&batch).map_err(unwritable)?;
        Ok(Encoded::Bytes(std::mem::take(writer.get_mut())))
    }

    fn each_row(
        &self,
        model: &mut Model,
        block: &Block,
        mut put: impl FnMut(usize, &Row) -> Result<(), BatchError>,
    ) -> Result<(), BatchError> {
        let mut row = Row::default();
        for (at, values) in block.values.rows().into_iter().enumerate() {
            // Rows lie one after another, so this takes a copy of none.
            let values = values.to_slice().unwrap_or_default();
            model.score(values, self.extras, &mut row).map_err(BatchError::Data)?;
            put(at, &row)?;
        }
        Ok(())
    }

    fn csv(&self, model: &mut Model, block: &Block) -> Result<Vec<u8>, BatchError> {
        let kept = match &block.kept {
            Kept::Text(columns) => std::borrow::Cow::Borrowed(columns),
            Kept::Arrays(arrays) => std::borrow::Cow::Owned(self.kept_text(arrays)?),
        };
        let failed = |error: csv::Error| BatchError::Data(error.to_string());
        let mut writer = csv::Writer::from_writer(Vec::with_capacity(64 * block.values.nrows()));
        let mut text = String::new();
        self.each_row(model, block, |at, row| {
            for column in kept.iter() {
                writer.write_field(column.get(at).map_or("", String::as_str)).map_err(failed)?;
            }
            let mut field = |value: Option<&dyn std::fmt::Display>| {
                text.clear();
                if let Some(value) = value {
                    // Writing to a text cannot fail.
                    let _ = write!(text, "{value}");
                }
                writer.write_field(&text).map_err(failed)
            };
            field(row.margin.as_ref().map(|margin| margin as _))?;
            field(row.bits.map(|bits| bits.bits_hex()).as_ref().map(|bits| bits as _))?;
            if self.points.is_some() {
                field(row.points.as_ref().map(|points| points as _))?;
            }
            field(row.probability.as_ref().map(|probability| probability as _))?;
            row.leaves.iter().try_for_each(|leaf| field(Some(leaf)))?;
            if self.extras.reasons {
                for rank in 0..REASONS_MAX {
                    let reason = row.reasons.get(rank);
                    field(reason.map(|(code, _)| code as _))?;
                    field(reason.map(|(_, points)| points as _))?;
                }
            }
            writer.write_record(None::<&[u8]>).map_err(failed)
        })?;
        writer.into_inner().map_err(|error| BatchError::Data(error.to_string()))
    }

    fn kept_text(&self, arrays: &[ArrayRef]) -> Result<Vec<Vec<String>>, BatchError> {
        let fields = self.schema.fields().iter();
        let text = |(array, field): (&ArrayRef, &Arc<Field>)| {
            let mut cells = Vec::with_capacity(array.len());
            each_cell(field.name(), array.as_ref(), &mut |_, cell| {
                cells.push(cell.text().into_owned());
                Ok(())
            })?;
            Ok(cells)
        };
        arrays.iter().zip(fields).map(text).collect()
    }

    fn batch(&self, model: &mut Model, block: &Block) -> Result<RecordBatch, BatchError> {
        let rows = block.values.nrows();
        let numbers = || Float64Builder::with_capacity(rows);
        let (mut margins, mut probabilities, mut bits) = (numbers(), numbers(), StringBuilder::new());
        let mut points = Points::new(self.points, rows);
        let leaves = if self.extras.leaves { model.trees() } else { 0 };
        let mut leaves: Vec<Int64Builder> = (0..leaves).map(|_| Int64Builder::with_capacity(rows)).collect();
        let ranks = if self.extras.reasons { REASONS_MAX } else { 0 };
        let mut reasons: Vec<(StringBuilder, Points)> =
            (0..ranks).map(|_| (StringBuilder::new(), Points::new(Some(self.points == Some(true)), rows))).collect();
        self.each_row(model, block, |_, row| {
            margins.append_option(row.margin.map(|margin| margin.to_f64()));
            bits.append_option(row.bits.map(|bits| bits.bits_hex()));
            points.push(row.points.map(|points| points.to_f64()));
            probabilities.append_option(row.probability.map(|probability| probability.to_f64()));
            leaves.iter_mut().zip(&row.leaves).for_each(|(column, leaf)| column.append_value(i64::from(*leaf)));
            for (rank, (codes, points)) in reasons.iter_mut().enumerate() {
                let reason = row.reasons.get(rank);
                codes.append_option(reason.map(|(code, _)| code));
                points.push(reason.map(|(_, points)| points.to_f64()));
            }
            Ok(())
        })?;
        let mut columns: Vec<ArrayRef> = match &block.kept {
            Kept::Arrays(arrays) => arrays.clone(),
            Kept::Text(columns) => {
                columns.iter().map(|cells| Arc::new(StringArray::from_iter_values(cells)) as _).collect()
            }
        };
        columns.push(Arc::new(margins.finish()));
        columns.push(Arc::new(bits.finish()));
        columns.extend(points.finish());
        columns.push(Arc::new(probabilities.finish()));
        columns.extend(leaves.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef));
        for (mut codes, points) in reasons {
            columns.push(Arc::new(codes.finish()));
            columns.extend(points.finish());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema(), columns, &options).map_err(unwritable)
    }
}

fn unwritable(error: ArrowError) -> BatchError {
    BatchError::Data(format!("the output has no such form: {error}"))
}

/// A column of points.
enum Points {
    None,
    Whole(Int32Builder),
    Numbers(Float64Builder),
}

impl Points {
    fn new(whole: Option<bool>, rows: usize) -> Self {
        match whole {
            None => Self::None,
            Some(true) => Self::Whole(Int32Builder::with_capacity(rows)),
            Some(false) => Self::Numbers(Float64Builder::with_capacity(rows)),
        }
    }

    fn push(&mut self, points: Option<f64>) {
        match self {
            Self::None => {}
            // Points of this kind were whole before they became a float.
            Self::Whole(column) => column.append_option(points.map(|points| points as i32)),
            Self::Numbers(column) => column.append_option(points),
        }
    }

    fn finish(self) -> Option<ArrayRef> {
        match self {
            Self::None => None,
            Self::Whole(mut column) => Some(Arc::new(column.finish())),
            Self::Numbers(mut column) => Some(Arc::new(column.finish())),
        }
    }
}
