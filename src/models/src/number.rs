//! Numbers at the edge between two precisions.

/// The smallest double that rounds to at least this single: x < it in double precision exactly where x, made single,
/// is below `single`.
pub(crate) fn first_that_rounds_to(single: f32) -> f64 {
    if single == f32::INFINITY {
        // Half a unit past the largest finite single, from where values round to infinity.
        return f64::from(f32::MAX) + 2.0_f64.powi(103);
    }
    let (below, at) = (f64::from(single.next_down()), f64::from(single));
    if below == f64::NEG_INFINITY {
        return -(f64::from(f32::MAX) + 2.0_f64.powi(103)).next_down();
    }
    let middle = below / 2.0 + at / 2.0;
    if middle as f32 == single { middle } else { middle.next_up() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_below_the_threshold_exactly_where_the_single_is() {
        let singles =
            [0.0_f32, 1.0, -1.0, 0.1, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38, f32::MAX, f32::MIN, 16_777_216.0];
        for single in singles {
            let threshold = first_that_rounds_to(single);
            for value in [threshold, threshold.next_down(), threshold.next_up(), f64::from(single)] {
                assert_eq!(value < threshold, (value as f32) < single, "{value} and {single}");
            }
        }
        assert_eq!(first_that_rounds_to(f32::INFINITY) as f32, f32::INFINITY);
        assert_eq!(first_that_rounds_to(f32::INFINITY).next_down() as f32, f32::MAX);
    }
}
