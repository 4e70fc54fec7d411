//! Of a scorecard, whose points are a sum over features: every sum that changes can make, with the smallest change that
//! makes it.

use std::{collections::BTreeMap, vec::Vec};

use super::{
    bins::Candidate,
    levers::Lever,
    search::{Pick, Picks, keep},
};
use crate::{
    bundle::Bundle,
    decide::{engine::score_value, features},
    policy::Feature,
    score::{PointsModel, Value},
    wire::Input,
};

/// The most sums that are kept; those of a card of whole points are far fewer.
pub const SUMS_MAX: usize = 200_000;

pub(super) struct Sums {
    /// By the number of changes.
    by_count: Vec<BTreeMap<i64, Picks>>,
    /// Whether sums were left out.
    pub cut_off: bool,
}

impl Sums {
    /// The sums of the levers that only the model looks at; `None` where the model is no scorecard.
    pub(super) fn new(
        bundle: &Bundle,
        input: &Input,
        levers: &[Lever],
        scored: &[(usize, Vec<Candidate>)],
    ) -> Option<Self> {
        let model = bundle.compiled.model.as_ref()?;
        let PointsModel::Card(card) = &model.model else { return None };
        let (features, _) = features::extract(bundle, &input.application, Some(&input.evidence), input.today);
        let used = |slot: &usize| features.get(*slot).copied().unwrap_or(Feature::NOT_ASKED);
        let weak: Vec<bool> = model.slots.iter().map(|slot| used(slot).weak).collect();
        let mut values: Vec<Value<'_>> =
            model.slots.iter().map(|slot| score_value(bundle, *slot, used(slot).value)).collect();
        let before = card.score_guarded(&values, &weak).ok()?.points;
        let mut by_count = vec![BTreeMap::from([(0, Picks::default())])];
        let mut cut_off = false;
        for (at, candidates) in scored {
            let (lever, place) = levers.get(*at).and_then(|lever| Some((lever, lever.only_scored?)))?;
            let present = *values.get(place)?;
            let mut gains = Vec::with_capacity(candidates.len());
            for candidate in candidates {
                *values.get_mut(place)? = score_value(bundle, lever.feature, lever.feature_value(candidate.value));
                let after = card.score_guarded(&values, &weak).ok()?.points;
                let (delta, value, bins) = (candidate.delta, candidate.value, candidate.bins);
                gains.push((i64::from(after) - i64::from(before), Pick { lever: *at, delta, value, bins }));
            }
            *values.get_mut(place)? = present;
            by_count.push(BTreeMap::new());
            // From many changes to few, so that a lever is taken once.
            for count in (1..by_count.len()).rev() {
                let (fewer, same) = by_count.split_at_mut(count);
                let (Some(fewer), Some(same)) = (fewer.last(), same.first_mut()) else { continue };
                for (sum, picks) in fewer {
                    for (gain, pick) in &gains {
                        keep(same, sum + gain, &picks.with(*pick));
                    }
                }
            }
            if by_count.iter().map(BTreeMap::len).sum::<usize>() > SUMS_MAX {
                cut_off = true;
                break;
            }
        }
        Some(Self { by_count, cut_off })
    }

    /// The sums of as many changes.
    pub(super) fn of(&self, count: usize) -> impl Iterator<Item = (&i64, &Picks)> {
        self.by_count.get(count).into_iter().flatten()
    }
}
