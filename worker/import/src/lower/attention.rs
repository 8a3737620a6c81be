//! Attention.

use super::{Form, Lowering};
use crate::quantise::attention::AttentionGroup;
use crate::quantise::error::QuantiseError;
use crate::quantise::plan::natural;
use crate::quantise::scale::{Rescale, Scale};
use assay_models::builder::Attention;
use referee::graph::Dim;

/// Steps of a score in a natural unit: a weight is right to 1 part in 128.
const STEPS_PER_UNIT: f64 = 64.0;
/// The weight of the greatest score.
const GREATEST_WEIGHT: f64 = 255.0;
/// Fraction bits of what a row's sum is divided into, so that its quotient by the greatest weight fits 31 bits.
const RECIPROCAL_BITS: u8 = 38;

impl Lowering<'_> {
    pub(crate) fn attention(&mut self, group: &AttentionGroup) -> Result<(), QuantiseError> {
        let node = &self.graph.nodes[group.nodes[0]];
        let mut factors = Vec::new();
        for (value, order) in [(group.query, [0, 1, 2]), (group.key, [0, 1, 2]), (group.values, [0, 2, 1])] {
            let form = self.narrow(value)?;
            let name = self.graph.value(value).name.clone();
            factors.push(self.ordered(&form, &order, &name)?);
        }
        let [query, key, values] = &factors[..] else { return Ok(()) };
        let (Some(query_step), Some(key_step)) = (query.scale.uniform(), key.scale.uniform()) else {
            return self.unsupported(node, "its queries or keys have a step for each channel", "set smoothing to 0");
        };
        let mask = group.mask.map(|mask| self.whole(node, mask)).transpose()?;

        // scores of the greatest magnitude still fit 16 bits
        let most = f64::from(self.statistics(group.scores)?.magnitude()).max(1.0) * 2.0;
        let per_unit = STEPS_PER_UNIT.min(32_767.0 / most);
        let rescale = Rescale::of(&[query_step * key_step * f64::from(group.scale) * per_unit]);
        let mut exponents: Vec<u8> = (0..)
            .map(|below| (GREATEST_WEIGHT * (-f64::from(below) / per_unit).exp()).round() as u8)
            .take_while(|weight| *weight > 0)
            .collect();
        exponents.push(0);
        exponents.reverse();

        let name = self.fresh(&self.graph.value(group.output).name.clone());
        // what comes out lies within the range of the values; where it is known to lie well within, it gets finer steps
        let narrower = self.narrower(group, values)?;
        let reciprocal_bits = RECIPROCAL_BITS - (1.0 / narrower).log2().ceil() as u8;
        let attention = Attention {
            heads: group.heads,
            query: &query.tensor,
            key: &key.tensor,
            values: &values.tensor,
            mask: mask.as_ref().map(|mask| &mask.tensor),
            score_multiplier: rescale.multipliers[0],
            score_shift: rescale.shift,
            exponents: &exponents,
            numerator: (f64::from(reciprocal_bits).exp2() / narrower) as i64,
            shift: reciprocal_bits,
        };
        let tensor = self.builder.attention(&name, &attention);
        let tensor = self.built(tensor)?;
        let shape = match tensor.shape() {
            [batch, tokens, Dim::Const(heads), Dim::Const(width)] => vec![*batch, *tokens, Dim::Const(heads * width)],
            other => other.to_vec(),
        };
        let scale = match &values.scale {
            Scale::Uniform(step) => Scale::Uniform(step * narrower),
            Scale::Channels { axis, steps } => {
                Scale::Channels { axis: *axis, steps: steps.iter().map(|step| step * narrower).collect() }
            }
        };
        let form = Form { tensor: tensor.viewed(&shape), order: natural(self.graph, group.output), scale };
        self.narrow.insert(group.output, form);
        Ok(())
    }

    /// How much finer than the values' steps those of the result can be: the ratio of their ranges, at most 1.
    fn narrower(&self, group: &AttentionGroup, values: &Form) -> Result<f64, QuantiseError> {
        let statistics = self.statistics(group.output)?;
        let Some(channels) = statistics.channels.as_ref().filter(|channels| channels.axis == 2) else { return Ok(1.0) };
        let covered = |channel: usize| 127.0 * values.scale.at(channel);
        let ratio = (0..channels.min.len())
            .map(|channel| f64::from(channels.magnitude(channel)) / covered(channel))
            .fold(0.0, f64::max);
        Ok(ratio.clamp(1.0 / 16.0, 1.0))
    }
}
