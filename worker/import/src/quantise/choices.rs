//! Choosing the integers of every value of a plan.

use super::error::QuantiseError;
use super::options::Options;
use super::plan::{Needs, Plan};
use super::range::{self, RangeMethod};
use super::samples::Samples;
use super::scale::Scale;
use super::search::{self, Chosen, Freedom, Loss, Reader};
use crate::calibrate::{Calibration, Statistics};
use crate::float::{FloatGraph, ValueId};
use referee::graph::Dtype;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows by which a product's own loss and the mean errors of its outputs are measured.
const MEASURED_ROWS: usize = 384;
/// The greatest signed integer of 8 bits.
const LEVELS: f64 = 127.0;
/// How much wider than what was seen 16-bit integers reach.
const HEADROOM: f64 = 1.5;

/// The integers of every value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices {
    /// Steps of 16-bit forms, by root.
    pub wide: BTreeMap<ValueId, f64>,
    /// What products and attention read, by root.
    pub narrow: BTreeMap<ValueId, Chosen>,
    /// What each product loses by itself, by node.
    pub losses: BTreeMap<usize, Loss>,
    /// Products that read halves of 16 bits, by node.
    pub widened: BTreeSet<usize>,
}

impl Choices {
    /// Chooses.
    ///
    /// # Errors
    /// `I0302` for a value that calibration did not see.
    pub(crate) fn of(
        graph: &FloatGraph,
        plan: &Plan,
        calibration: &Calibration,
        samples: &Samples,
        options: &Options,
    ) -> Result<Self, QuantiseError> {
        let mut choices = Self::default();
        for (root, needs) in &plan.needs {
            let statistics = statistics(graph, calibration, *root)?;
            choices.wide.insert(*root, wide_step(statistics));
            if let Some(chosen) = own(graph, *root).filter(|_| needs.narrow.is_some()) {
                choices.narrow.insert(*root, chosen);
            } else if needs.narrow.is_some() {
                let chosen = choices.narrow_of(plan, statistics, samples, options, *root, needs, false);
                choices.narrow.insert(*root, chosen);
            }
        }
        choices.widen(graph, plan, calibration, samples, options)?;
        Ok(choices)
    }

    #[allow(clippy::too_many_arguments, reason = "all of these decide")]
    fn narrow_of(
        &mut self,
        plan: &Plan,
        statistics: &Statistics,
        samples: &Samples,
        options: &Options,
        root: ValueId,
        needs: &Needs,
        halves: bool,
    ) -> Chosen {
        let unsigned = statistics.min >= 0.0;
        let read: BTreeSet<(Option<usize>, usize)> =
            needs.products.iter().map(|(node, axis)| (*axis, plan.products[node].groups())).collect();
        // Steps of their own help only where all readers have the same channels on the same axis.
        let (axis, groups) = match read.into_iter().collect::<Vec<_>>()[..] {
            [(Some(axis), groups)] if !needs.uniform && !needs.free_channels => (Some(axis), groups),
            _ => (None, 1),
        };
        let readers: Vec<Reader<'_>> = needs
            .products
            .iter()
            .map(|(node, _)| &plan.products[node])
            .filter(|product| product.is_dense())
            .map(|product| Reader { product, rows: samples.rows(product, MEASURED_ROWS) })
            .collect();
        let magnitudes = axis.and_then(|axis| samples.magnitudes(statistics, root, axis));
        let chosen = match (axis.zip(magnitudes), readers.first()) {
            (Some((axis, magnitudes)), Some(_)) => {
                let (smoothing, method) = (options.smoothing, options.range);
                let freedom = Freedom { channels: true, smoothing, method, unsigned, halves };
                search::choose(&readers, &magnitudes, axis, freedom)
            }
            (Some((axis, magnitudes)), None) if groups > 1 && options.smoothing != Some(0.0) => {
                by_groups(samples, options, root, axis, &magnitudes, groups, unsigned, halves)
            }
            _ if needs.free_channels && !needs.uniform && needs.products.is_empty() => {
                self.free(statistics, samples, options, root)
            }
            _ => uniform(statistics, options.range, unsigned && !needs.uniform_of_attention(), halves),
        };
        for reader in &readers {
            if !reader.rows.is_empty() {
                self.losses.insert(reader.product.node, Loss::of(reader, &chosen));
            }
        }
        chosen
    }

    /// The values of an attention: each channel its own range.
    fn free(&self, statistics: &Statistics, samples: &Samples, options: &Options, root: ValueId) -> Chosen {
        let axis = samples.rank(root).saturating_sub(1);
        let method = options.range;
        match samples.magnitudes(statistics, root, axis) {
            Some(magnitudes) => {
                let least = f64::from(statistics.magnitude()).max(f64::MIN_POSITIVE) * 1e-4;
                let clips = match method {
                    RangeMethod::MinMax => vec![1.0; magnitudes.len()],
                    _ => samples.best_clips(root, axis, &magnitudes, 1, LEVELS),
                };
                let steps: Arc<[f64]> = magnitudes
                    .iter()
                    .zip(&clips)
                    .map(|(most, clip)| f64::from(*most).max(least) * clip / LEVELS)
                    .collect();
                let clip = clips.iter().sum::<f64>() / clips.len().max(1) as f64;
                Chosen { scale: Scale::Channels { axis, steps }, dtype: Dtype::I8, smoothing: 1.0, clip }
            }
            None => uniform(statistics, method, false, false),
        }
    }

    /// Gives the products that lose most 16 bits.
    fn widen(
        &mut self,
        graph: &FloatGraph,
        plan: &Plan,
        calibration: &Calibration,
        samples: &Samples,
        options: &Options,
    ) -> Result<(), QuantiseError> {
        let mut ranked: Vec<(f64, usize)> =
            self.losses.iter().map(|(node, loss)| (loss.error / loss.energy.max(f64::MIN_POSITIVE), *node)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut left = options.keep;
        for (_, node) in ranked {
            if left == 0 {
                break;
            }
            let root = plan.seen[plan.products[&node].input.index()].root;
            let needs = &plan.needs[&root];
            // attention writes what it gives in 8 bits, and the source's own scale is to be kept
            let fixed = plan.is_attention_output(root) || own(graph, root).is_some();
            if needs.uniform_of_attention() || needs.free_channels || fixed {
                continue;
            }
            if self.widened.contains(&node) {
                continue;
            }
            left -= 1;
            self.widened.extend(needs.products.iter().map(|(node, _)| *node));
            let statistics = statistics(graph, calibration, root)?;
            let chosen = self.narrow_of(plan, statistics, samples, options, root, needs, true);
            self.narrow.insert(root, chosen);
        }
        Ok(())
    }
}

impl Needs {
    /// Whether attention reads the value, whose factors are `i8` with one step.
    pub(crate) fn uniform_of_attention(&self) -> bool {
        self.uniform && self.products.iter().all(|(_, axis)| axis.is_some())
    }
}

/// The integers that the source itself gives a value, if products can read them.
pub(crate) fn own(graph: &FloatGraph, root: ValueId) -> Option<Chosen> {
    let own = graph.value(root).own_scale.as_ref()?;
    let ([step], [0]) = (&own.scales[..], &own.zero_points[..]) else { return None };
    let dtype = match (own.low, own.high) {
        (-128.., ..=127) => Dtype::I8,
        (0.., ..=255) => Dtype::U8,
        _ => return None,
    };
    Some(Chosen { scale: Scale::Uniform(f64::from(*step)), dtype, smoothing: 0.0, clip: 1.0 })
}

/// What filters read that see one group of channels each: every group its own range. The step of a group goes into the steps of its
/// outputs and costs their weights nothing, so that no channel pays for another's range.
#[allow(clippy::too_many_arguments, reason = "all of these decide")]
fn by_groups(
    samples: &Samples,
    options: &Options,
    root: ValueId,
    axis: usize,
    magnitudes: &[f32],
    groups: usize,
    unsigned: bool,
    halves: bool,
) -> Chosen {
    let dtype = match (halves, unsigned) {
        (true, _) => Dtype::I16,
        (false, true) => Dtype::U8,
        (false, false) => Dtype::I8,
    };
    let levels = dtype.range().1 as f64;
    let each = (magnitudes.len() / groups.max(1)).max(1);
    let most = |group: &[f32]| group.iter().fold(0.0f32, |most, magnitude| most.max(*magnitude));
    let whole = f64::from(most(magnitudes)).max(f64::MIN_POSITIVE);
    let by_channel: Vec<f32> = magnitudes.chunks(each).flat_map(|group| vec![most(group); group.len()]).collect();
    let clips = match options.range {
        _ if halves => vec![1.0; by_channel.len()],
        RangeMethod::MinMax => vec![1.0; by_channel.len()],
        _ => samples.best_clips(root, axis, &by_channel, each, levels),
    };
    let steps: Arc<[f64]> =
        by_channel.iter().zip(&clips).map(|(most, clip)| f64::from(*most).max(whole * 1e-4) * clip / levels).collect();
    let clip = clips.iter().sum::<f64>() / clips.len().max(1) as f64;
    Chosen { scale: Scale::Channels { axis, steps }, dtype, smoothing: 1.0, clip }
}

fn uniform(statistics: &Statistics, method: RangeMethod, unsigned: bool, halves: bool) -> Chosen {
    let dtype = match (halves, unsigned) {
        (true, _) => Dtype::I16,
        (false, true) => Dtype::U8,
        (false, false) => Dtype::I8,
    };
    let levels = dtype.range().1 as f64;
    let whole = f64::from(statistics.magnitude());
    let method = if halves { RangeMethod::MinMax } else { method };
    let limit = range::choose(statistics, levels, method).limit;
    let (limit, clip) = if whole > 0.0 { (limit, limit / whole) } else { (1.0, 1.0) };
    Chosen { scale: Scale::Uniform(limit / levels), dtype, smoothing: 0.0, clip }
}

/// The step of a 16-bit form.
pub(crate) fn wide_step(statistics: &Statistics) -> f64 {
    let most = f64::from(statistics.magnitude());
    // a value that was 0 on every example may be anything on others
    let most = if most > 0.0 { most } else { 1.0 };
    most * HEADROOM / Dtype::I16.range().1 as f64
}

/// The statistics of a value.
///
/// # Errors
/// `I0302`.
pub(crate) fn statistics<'a>(
    graph: &FloatGraph,
    calibration: &'a Calibration,
    value: ValueId,
) -> Result<&'a Statistics, QuantiseError> {
    let refuse = |reason: &str| QuantiseError::Range { value: graph.value(value).name.clone(), reason: reason.into() };
    let statistics = calibration.of(value).ok_or_else(|| refuse("calibration did not record it"))?;
    if statistics.count == 0 {
        return Err(refuse("calibration saw no finite number"));
    }
    Ok(statistics)
}
