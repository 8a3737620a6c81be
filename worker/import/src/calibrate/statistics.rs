//! Range, distribution and means of a stream of numbers, in bounded memory.

/// How many bins a histogram has on each side of 0.
const HALF_BINS: usize = 2048;
/// Means and ranges for each index of an axis are kept up to this length.
const MAXIMUM_CHANNELS: usize = 8192;

/// A histogram over `-width * 2048 .. width * 2048`; its bins grow by doubling, so that no number needs to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    width: f32,
    counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { width: f32::MIN_POSITIVE, counts: vec![0; 2 * HALF_BINS] }
    }
}

impl Histogram {
    /// How wide a bin is.
    pub fn width(&self) -> f32 {
        self.width
    }

    /// The counts; bin i holds what lies in `(i - 2048) * width .. (i - 2047) * width`.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The middle of a bin.
    pub fn middle(&self, bin: usize) -> f32 {
        (bin as f32 - HALF_BINS as f32 + 0.5) * self.width
    }

    /// Widens the bins until `magnitude` has one.
    fn cover(&mut self, magnitude: f32) {
        if self.counts.iter().all(|&count| count == 0) && magnitude > 0.0 {
            self.width = (magnitude * 1.25 / HALF_BINS as f32).max(f32::MIN_POSITIVE);
        }
        while magnitude >= self.width * HALF_BINS as f32 {
            let mut merged = vec![0; 2 * HALF_BINS];
            for (bin, &count) in self.counts.iter().enumerate() {
                merged[bin / 2 + HALF_BINS / 2] += count;
            }
            self.counts = merged;
            self.width *= 2.0;
        }
    }

    fn add(&mut self, value: f32) {
        let bin = (value / self.width).floor() as i64 + HALF_BINS as i64;
        self.counts[bin.clamp(0, 2 * HALF_BINS as i64 - 1) as usize] += 1;
    }
}

/// What was seen at each index of one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelStatistics {
    /// The axis.
    pub axis: usize,
    /// The least number.
    pub min: Vec<f32>,
    /// The greatest number.
    pub max: Vec<f32>,
    /// The sum of all.
    pub sum: Vec<f64>,
    /// How many numbers each has.
    pub count: u64,
}

impl ChannelStatistics {
    /// The mean at an index.
    pub fn mean(&self, index: usize) -> f32 {
        (self.sum[index] / self.count.max(1) as f64) as f32
    }

    /// The greatest magnitude at an index.
    pub fn magnitude(&self, index: usize) -> f32 {
        self.min[index].abs().max(self.max[index].abs())
    }
}

/// What was seen of one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// How many numbers.
    pub count: u64,
    /// How many of them were infinite or not numbers; they count nowhere else.
    pub not_finite: u64,
    /// The least.
    pub min: f32,
    /// The greatest.
    pub max: f32,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_of_squares: f64,
    /// Their distribution.
    pub histogram: Histogram,
    /// The same for each channel, along the axis that a quantiser would scale by; none where that is a symbol's.
    pub channels: Option<ChannelStatistics>,
}

impl Statistics {
    /// Nothing seen yet; with an axis of known length, channels are kept for it.
    pub fn new(channel_axis: Option<(usize, usize)>) -> Self {
        let channels =
            channel_axis.filter(|&(_, length)| length <= MAXIMUM_CHANNELS).map(|(axis, length)| ChannelStatistics {
                axis,
                min: vec![f32::INFINITY; length],
                max: vec![f32::NEG_INFINITY; length],
                sum: vec![0.0; length],
                count: 0,
            });
        Self {
            count: 0,
            not_finite: 0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
            sum: 0.0,
            sum_of_squares: 0.0,
            histogram: Histogram::default(),
            channels,
        }
    }

    /// Takes in a tensor's elements, row-major.
    pub fn add(&mut self, shape: &[usize], values: &[f32]) {
        let magnitude =
            values.iter().filter(|value| value.is_finite()).fold(0.0f32, |most, value| most.max(value.abs()));
        self.histogram.cover(magnitude);
        for &value in values {
            if !value.is_finite() {
                self.not_finite += 1;
                continue;
            }
            self.count += 1;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sum += f64::from(value);
            self.sum_of_squares += f64::from(value) * f64::from(value);
            self.histogram.add(value);
        }
        let Some(channels) = &mut self.channels else { return };
        let length = channels.min.len();
        let inner: usize = shape[channels.axis + 1..].iter().product();
        if length == 0 || inner == 0 {
            return;
        }
        for (block, values) in values.chunks_exact(inner).enumerate() {
            let channel = block % length;
            for &value in values.iter().filter(|value| value.is_finite()) {
                channels.min[channel] = channels.min[channel].min(value);
                channels.max[channel] = channels.max[channel].max(value);
                channels.sum[channel] += f64::from(value);
            }
        }
        channels.count += (values.len() / length) as u64;
    }

    /// The greatest magnitude.
    pub fn magnitude(&self) -> f32 {
        if self.count == 0 { 0.0 } else { self.min.abs().max(self.max.abs()) }
    }

    /// The mean.
    pub fn mean(&self) -> f32 {
        (self.sum / self.count.max(1) as f64) as f32
    }

    /// The least magnitude that at least this share (0 to 1) of the numbers do not exceed, to the width of a bin.
    pub fn percentile_magnitude(&self, share: f64) -> f32 {
        let wanted = (share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64;
        let counts = self.histogram.counts();
        let mut seen = 0;
        for step in 0..HALF_BINS {
            seen += counts[HALF_BINS + step] + counts[HALF_BINS - 1 - step];
            if seen >= wanted {
                return ((step + 1) as f32 * self.histogram.width()).min(self.magnitude());
            }
        }
        self.magnitude()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_grows_and_loses_no_number() {
        let mut statistics = Statistics::new(None);
        statistics.add(&[4], &[0.5, -0.25, 0.125, 0.0]);
        statistics.add(&[3], &[100.0, -1000.0, f32::NAN]);
        assert_eq!(statistics.histogram.counts().iter().sum::<u64>(), 6);
        assert_eq!((statistics.count, statistics.not_finite), (6, 1));
        assert_eq!((statistics.min, statistics.max), (-1000.0, 100.0));
        assert!(statistics.histogram.width() * 2048.0 > 1000.0);
    }

    #[test]
    fn percentiles_come_from_the_magnitudes() {
        let mut statistics = Statistics::new(None);
        let values: Vec<f32> = (1..=1000).map(|n| if n % 2 == 0 { n as f32 } else { -(n as f32) }).collect();
        statistics.add(&[1000], &values);
        for share in [0.5, 0.9, 0.99] {
            let found = f64::from(statistics.percentile_magnitude(share));
            assert!((found - share * 1000.0).abs() < 3.0, "{share}: {found}");
        }
        assert_eq!(statistics.percentile_magnitude(1.0), 1000.0);
    }

    #[test]
    fn channels_are_those_of_their_axis() {
        let mut statistics = Statistics::new(Some((1, 2)));
        statistics.add(&[2, 2, 2], &[1.0, 2.0, -3.0, -4.0, 5.0, 6.0, 7.0, 8.0]);
        let channels = statistics.channels.unwrap();
        assert_eq!(channels.max, [6.0, 8.0]);
        assert_eq!(channels.min, [1.0, -4.0]);
        assert_eq!((channels.mean(0), channels.mean(1)), (3.5, 2.0));
        assert_eq!(channels.magnitude(1), 8.0);
    }
}
