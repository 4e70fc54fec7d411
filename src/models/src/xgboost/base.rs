//! From `base_score` to the base margin.

use super::Objective;
use crate::{
    document::Value,
    error::{ImportError, shown},
};

/// The base margin in `f32`: −ln(1/`base_score` − 1) where `base_score` is a probability, else `base_score`.
///
/// The logarithm is the platform's single-precision one, as in XGBoost: glibc's is not correctly rounded in half a
/// percent of cases, and one of our own would miss the library's bits there. This happens once, at import; the model
/// file holds the bits, so scoring does not depend on the platform.
pub(super) fn margin(objective: &Objective, value: &Value<'_>) -> Result<f32, ImportError> {
    let score = score(value)?;
    if !objective.base_is_probability {
        return Ok(score);
    }
    if !(score > 0.0 && score < 1.0) {
        return Err(ImportError::refuse(format!("`base_score` is `{score}`, and should be a probability")));
    }
    Ok(-(1.0_f32 / score - 1.0).ln())
}

/// `"2.2E-1"`, or since 3.1 `"[2.2E-1]"`.
fn score(value: &Value<'_>) -> Result<f32, ImportError> {
    let text = value.as_str("base_score")?;
    let number = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').unwrap_or_default(),
        None => text,
    };
    match number.trim().parse::<f32>() {
        Ok(score) if score.is_finite() => Ok(score),
        _ if number.contains(',') => {
            Err(ImportError::refuse(format!("`base_score` is `{}`: several outputs are not understood", shown(text))))
        }
        _ => Err(ImportError::refuse(format!("`base_score` is `{}`, and should be one number", shown(text)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margin_of(text: &'static str) -> Result<f32, ImportError> {
        let objective = Objective { name: "binary:logistic".into(), base_is_probability: true, logistic: true };
        margin(&objective, &Value::String(text.into()))
    }

    #[test]
    fn both_spellings_of_the_base_score_are_read() {
        assert_eq!(margin_of("2.2E-1").unwrap().to_bits(), margin_of("[2.2E-1]").unwrap().to_bits());
        // -ln(1/0.5 - 1) = -ln(1) = -0, which adds to any leaf as zero does.
        assert_eq!(margin_of("5E-1").unwrap(), 0.0);
    }

    #[test]
    fn a_base_score_that_is_no_probability_is_refused() {
        for text in ["0", "1", "-1", "nan", "[2E-1", "", "[1E-1,2E-1]", "[]"] {
            let error = margin_of(text).unwrap_err().to_string();
            assert!(error.contains("base_score"), "{text}: {error}");
        }
    }
}
