//! How long one row through boosted trees takes, native: `cargo xtask bench score` runs it.
//!
//! The model file and the rows are made by another library, whose margins stand beside them: what is timed is first
//! compared, bit for bit.

use std::{env, fs, hint::black_box, path::Path, time::Instant};

use prequal_core::score::trees::TreeModel;

const ROUNDS: usize = 15;
const BATCH: usize = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(folder) = env::var_os("PREQUAL_SCORE") else {
        return Err("PREQUAL_SCORE is not set: cargo xtask bench score".into());
    };
    let folder = Path::new(&folder);
    let file = fs::read_to_string(folder.join("model.json"))?;
    let numbers = |name: &str| -> Result<Vec<f64>, std::io::Error> {
        let bytes = fs::read(folder.join(name))?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    };
    let (rows, expected) = (numbers("rows.f64")?, numbers("margins.f64")?);
    let load = least(1, || black_box(TreeModel::open(&file).and_then(|model| model.check_downloaded())).is_ok());
    let trees = TreeModel::parse(&file)?.check()?;
    let width = trees.names().len();
    let mut scratch = trees.scratch();
    let mut margins = vec![0.0; expected.len()];
    trees.margins(&rows, &mut scratch, &mut margins)?;
    let different = margins.iter().zip(&expected).filter(|(ours, theirs)| ours.to_bits() != theirs.to_bits()).count();
    if different > 0 {
        return Err(format!("{different} margins have other bits than the library's").into());
    }
    println!("  {} margins have the library's bits", margins.len());
    let all: Vec<&[f64]> = rows.chunks_exact(width).take(1000).collect();
    let row = least(all.len(), || {
        all.iter().fold(0.0, |sum, row| sum + trees.margin(black_box(row), &mut scratch).map_or(0.0, |m| m.to_f64()))
    });
    let (rows, margins) = (&rows[..BATCH * width], &mut margins[..BATCH]);
    let batch = least(BATCH, || trees.margins(black_box(rows), &mut scratch, black_box(margins)).is_ok());
    let figures = serde_json::json!({"prequal row": row, "prequal batch": batch, "prequal load": load});
    fs::write(folder.join("native.json"), figures.to_string())?;
    Ok(())
}

/// Nanoseconds of each of `count` things that a call does: the least of several rounds.
fn least<T>(count: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        black_box(work());
        best = best.min(started.elapsed().as_nanos() as f64 / count as f64);
    }
    best
}
