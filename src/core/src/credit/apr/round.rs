//! Half up, from the root itself.

/// Whether the root lies at or above a rate given as a fraction; none where that cannot be told.
pub(super) type AtOrAbove<'a> = &'a dyn Fn(f64, f64) -> Option<bool>;

/// The text of a percentage with so many decimals, rounded half up.
///
/// `error` bounds how far `percent` may be from the true root. Where a tie lies within it, `at_or_above` says on which
/// side the root is: rates such as 10.05 % exactly do occur and must round up.
pub(super) fn percent(percent: f64, error: f64, decimals: u32, at_or_above: AtOrAbove<'_>) -> String {
    let scale = f64::from(10_u32.saturating_pow(decimals));
    // Never more than a quarter of the last digit, however badly conditioned the flows.
    let tolerance = (error * scale).min(0.25);
    let least = libm::floor(percent * scale + 0.5 - tolerance);
    let most = libm::floor(percent * scale + 0.5 + tolerance);
    let rounded =
        if least < most && at_or_above(2.0 * most - 1.0, 200.0 * scale) == Some(false) { least } else { most };
    // 10^6 per cent with six decimals is 10^12: far inside 64 bits.
    let rounded = rounded as i64;
    let unit = 10_u64.saturating_pow(decimals);
    let digits = rounded.unsigned_abs();
    let mut text = String::with_capacity(16);
    if rounded < 0 {
        text.push('-');
    }
    push_digits(&mut text, digits / unit, 1);
    text.push('.');
    push_digits(&mut text, digits % unit, decimals);
    text
}

fn push_digits(text: &mut String, value: u64, width: u32) {
    let mut buffer = [b'0'; 20];
    let mut rest = value;
    let mut used = 0_usize;
    for slot in buffer.iter_mut().rev() {
        if rest == 0 && used >= width as usize {
            break;
        }
        // A remainder of ten is one digit.
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
    }
    let digits = buffer.get(buffer.len() - used..).unwrap_or_default();
    text.extend(digits.iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn halves_go_up_and_zero_has_no_sign() {
        for (value, decimals, text) in [
            (9.685_708, 2, "9.69"),
            (9.685_708, 6, "9.685708"),
            (10.05, 1, "10.1"),
            (10.049_999_999, 1, "10.0"),
            (0.0, 2, "0.00"),
            (-1e-12, 6, "0.000000"),
            (-0.125, 2, "-0.12"),
            (-12.345_678_9, 6, "-12.345679"),
            (1_000_000.0, 6, "1000000.000000"),
            (0.05, 1, "0.1"),
            (99.999_999_9, 2, "100.00"),
        ] {
            assert_eq!(percent(value, 1e-13, decimals, &|_, _| None), text);
        }
    }

    /// The tie is 10.05 % and is asked for as 201/2000.
    #[test]
    fn the_root_itself_decides_a_tie() {
        for (above, text) in [(true, "10.1"), (false, "10.0")] {
            let asked = |numerator: f64, denominator: f64| {
                assert_eq!((numerator, denominator), (201.0, 2_000.0));
                Some(above)
            };
            assert_eq!(percent(10.05, 1e-13, 1, &asked), text);
        }
    }

    /// 9.4449999 shown with six decimals is 9.445000, which rounded again would be 9.45.
    #[test]
    fn the_shorter_figure_is_not_rounded_from_the_longer() {
        let root = 9.444_999_9;
        assert_eq!(percent(root, 1e-13, 6, &|_, _| None), "9.445000");
        assert_eq!(percent(root, 1e-13, 2, &|_, _| None), "9.44");
    }
}
