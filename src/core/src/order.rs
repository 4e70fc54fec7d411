//! Putting a short list in order.
//!
//! The general sorts are written for long lists and compiled again for every type: a tenth of what a browser downloads
//! went to sorting a handful of rows.

/// Stable insertion sort, `before(a, b)` where `a` belongs before `b`. Quick for lists that are short or nearly in
/// order; its callers' limits keep the others to a few thousand entries.
pub(crate) fn sort_short<T>(list: &mut [T], mut before: impl FnMut(&T, &T) -> bool) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 {
            let pair = list.get(at - 1).zip(list.get(at));
            if !pair.is_some_and(|(left, right)| before(right, left)) {
                break;
            }
            list.swap(at - 1, at);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort_short;

    /// The standard library's stable sort is the reference.
    #[test]
    fn it_sorts_as_the_general_stable_sort_does() {
        proptest::proptest!(|(mut list: Vec<(u8, u8)>)| {
            let mut expected = list.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_short(&mut list, |(a, _), (b, _)| a < b);
            proptest::prop_assert_eq!(list, expected);
        });
    }
}
