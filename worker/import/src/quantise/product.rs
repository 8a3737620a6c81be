//! Linear layers and convolutions as one thing: rows of taps times weights.

use crate::float::{FloatGraph, FloatOp, Tensor, ValueId, Window};
use crate::quantise::error::QuantiseError;

/// A node that multiplies windows of a computed value with constant weights.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    /// Index of the node.
    pub node: usize,
    /// What it reads.
    pub input: ValueId,
    /// The axis of the input that is summed over (beside the window).
    pub channel_axis: usize,
    /// Channels of the input that one output sums over.
    pub channels: usize,
    /// Weights of one output: for each position of the window the channels.
    pub taps: usize,
    /// Outputs.
    pub outputs: usize,
    /// `[outputs, taps]`.
    pub weights: Vec<f32>,
    /// One for each output.
    pub bias: Vec<f32>,
    /// The step of each output's weights, where the source gives it: the weights are whole multiples of these.
    pub own_steps: Option<Vec<f64>>,
    /// The window and the groups of a convolution.
    pub window: Option<(Window, u32)>,
}

impl Product {
    /// The node as a product; none if it is none.
    ///
    /// # Errors
    /// `I0301` for weights that are computed.
    pub(crate) fn of(graph: &FloatGraph, node: usize) -> Result<Option<Self>, QuantiseError> {
        let float = &graph.nodes[node];
        let weights_of = |id: Option<&ValueId>| {
            id.and_then(|id| graph.constant_floats(*id)).ok_or_else(|| QuantiseError::Unsupported {
                node: float.name.clone(),
                operator: float.op.name().into(),
                reason: "its weights are not a constant of floats".into(),
                remedy: "export the model with its weights folded".into(),
            })
        };
        let bias_of = |outputs: usize| match float.inputs.get(2) {
            Some(_) => weights_of(float.inputs.get(2)).map(<[f32]>::to_vec),
            None => Ok(vec![0.0; outputs]),
        };
        let input = float.inputs[0];
        let own_steps = |outputs: usize, axis: usize| {
            let own = graph.value(*float.inputs.get(1)?).own_scale.as_ref()?;
            let centred = own.zero_points.iter().all(|zero| *zero == 0) && own.low >= -128 && own.high <= 127;
            let steps: Vec<f64> = own.scales.iter().map(|step| f64::from(*step)).collect();
            match steps[..] {
                [step] if centred => Some(vec![step; outputs]),
                _ => (centred && own.axis == Some(axis) && steps.len() == outputs).then_some(steps),
            }
        };
        match &float.op {
            FloatOp::Linear => {
                let weights = weights_of(float.inputs.get(1))?;
                let shape = graph.shape_at(float.inputs[1], &[]);
                let (taps, outputs) = (shape[0], shape[1]);
                let transposed =
                    (0..outputs * taps).map(|at| weights[at % taps * outputs + at / taps]).collect::<Vec<_>>();
                let channel_axis = graph.value(input).shape.len() - 1;
                let bias = bias_of(outputs)?;
                let (own_steps, window) = (own_steps(outputs, 1), None);
                Ok(Some(Self {
                    node,
                    input,
                    channel_axis,
                    channels: taps,
                    taps,
                    outputs,
                    weights: transposed,
                    bias,
                    own_steps,
                    window,
                }))
            }
            FloatOp::Convolution { window, groups } => {
                let weights = weights_of(float.inputs.get(1))?;
                let shape = graph.shape_at(float.inputs[1], &[]);
                let (outputs, channels) = (shape[0], shape[1]);
                let places: usize = shape[2..].iter().product();
                let taps = places * channels;
                let mut channels_last = Vec::with_capacity(weights.len());
                for output in 0..outputs {
                    for place in 0..places {
                        let at = |channel: usize| weights[(output * channels + channel) * places + place];
                        channels_last.extend((0..channels).map(at));
                    }
                }
                let bias = bias_of(outputs)?;
                let (own_steps, window) = (own_steps(outputs, 0), Some((window.clone(), *groups)));
                Ok(Some(Self {
                    node,
                    input,
                    channel_axis: 1,
                    channels,
                    taps,
                    outputs,
                    weights: channels_last,
                    bias,
                    own_steps,
                    window,
                }))
            }
            _ => Ok(None),
        }
    }

    /// Whether all outputs read all channels.
    pub(crate) fn is_dense(&self) -> bool {
        self.groups() == 1
    }

    /// Parts of the channels, of which an output reads one.
    pub(crate) fn groups(&self) -> usize {
        self.window.as_ref().map_or(1, |(_, groups)| *groups as usize)
    }

    /// Channels of the input, of all groups together.
    pub(crate) fn input_channels(&self) -> usize {
        self.channels * self.groups()
    }

    /// The input's channel that a tap of an output reads.
    pub(crate) fn channel_of(&self, output: usize, tap: usize) -> usize {
        let group = output * self.groups() / self.outputs.max(1);
        group * self.channels + tap % self.channels.max(1)
    }

    /// The greatest magnitude of the weights of each channel.
    pub(crate) fn channel_magnitudes(&self) -> Vec<f32> {
        let mut most = vec![0.0f32; self.channels];
        for (at, weight) in self.weights.iter().enumerate() {
            let channel = at % self.taps % self.channels;
            most[channel] = most[channel].max(weight.abs());
        }
        most
    }

    /// Up to `limit` rows of taps of a tensor that the node reads, evenly spread. Dense products only.
    pub(crate) fn rows(&self, input: &Tensor, limit: usize) -> Vec<f32> {
        let Some(values) = input.as_floats() else { return Vec::new() };
        let Some((window, _)) = &self.window else {
            let rows = values.len() / self.taps.max(1);
            return picked(rows, limit)
                .flat_map(|row| values[row * self.taps..][..self.taps].iter().copied())
                .collect();
        };
        let positions: Vec<usize> = input.shape[2..].to_vec();
        let places: Vec<usize> =
            positions.iter().enumerate().map(|(side, length)| window_places(window, side, *length)).collect();
        let each: usize = places.iter().product();
        let mut rows = Vec::new();
        for index in picked(input.shape[0] * each, limit) {
            let (batch, place) = (index / each, unravel(index % each, &places));
            let kernel: Vec<usize> = window.kernel.iter().map(|length| *length as usize).collect();
            for tap in 0..kernel.iter().product::<usize>() {
                let tap = unravel(tap, &kernel);
                let at: Option<Vec<usize>> = (0..positions.len())
                    .map(|side| {
                        let forward =
                            place[side] * window.strides[side] as usize + tap[side] * window.dilations[side] as usize;
                        forward.checked_sub(window.padding_before[side] as usize).filter(|at| *at < positions[side])
                    })
                    .collect();
                let offset =
                    at.map(|at| at.iter().zip(&positions).fold(0, |offset, (at, length)| offset * length + at));
                let size: usize = positions.iter().product();
                rows.extend((0..self.channels).map(|channel| {
                    offset.map_or(0.0, |offset| values[(batch * self.channels + channel) * size + offset])
                }));
            }
        }
        rows
    }
}

/// Windows along one side of this length.
pub(crate) fn window_places(window: &Window, side: usize, length: usize) -> usize {
    let padded = length + (window.padding_before[side] + window.padding_after[side]) as usize;
    let reach = (window.kernel[side] as usize - 1) * window.dilations[side] as usize + 1;
    if padded < reach { 0 } else { (padded - reach) / window.strides[side] as usize + 1 }
}

fn picked(count: usize, limit: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(limit);
    (0..taken).map(move |index| index * count / taken)
}

fn unravel(mut index: usize, lengths: &[usize]) -> Vec<usize> {
    let mut at = vec![0; lengths.len()];
    for (place, length) in at.iter_mut().zip(lengths).rev() {
        *place = index % length;
        index /= length;
    }
    at
}
