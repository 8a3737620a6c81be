//! How near one set of answers is to another.

/// The cosine of the angle between two vectors; 0 if one of them is 0.
pub fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let lengths = (product(one, one) * product(other, other)).sqrt();
    if lengths > 0.0 { product(one, other) / lengths } else { 0.0 }
}

/// Spearman's rank correlation of two lists of equal length: 1 where they order their pairs alike. Equal values share their mean rank.
pub fn rank_correlation(one: &[f64], other: &[f64]) -> f64 {
    let (one, other) = (ranks(one), ranks(other));
    let mean = |ranks: &[f64]| ranks.iter().sum::<f64>() / ranks.len().max(1) as f64;
    let (mean_one, mean_other) = (mean(&one), mean(&other));
    let (mut together, mut of_one, mut of_other) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(&other) {
        let (a, b) = (a - mean_one, b - mean_other);
        together += a * b;
        of_one += a * a;
        of_other += b * b;
    }
    let spread = (of_one * of_other).sqrt();
    if spread > 0.0 { together / spread } else { 0.0 }
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        let shared = (start + end - 1) as f64 / 2.0;
        for &index in &order[start..end] {
            ranks[index] = shared;
        }
        start = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_knows_directions_only() {
        assert!((cosine(&[1.0, 2.0], &[2.0, 4.0]) - 1.0).abs() < 1e-12);
        assert!(cosine(&[1.0, 0.0], &[0.0, 3.0]).abs() < 1e-12);
        assert!((cosine(&[1.0, 1.0], &[-1.0, -1.0]) + 1.0).abs() < 1e-12);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 1.0]), 0.0);
    }

    #[test]
    fn ranks_matter_and_values_do_not() {
        let rising = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert!((rank_correlation(&rising, &rising.map(|x: f64| x.exp())) - 1.0).abs() < 1e-12);
        assert!((rank_correlation(&rising, &rising.map(|x| -x)) + 1.0).abs() < 1e-12);
        // One exchange of neighbours among five: 1 - 6 * 2 / (5 * 24).
        assert!((rank_correlation(&rising, &[1.0, 3.0, 2.0, 4.0, 5.0]) - 0.9).abs() < 1e-12);
        assert_eq!(ranks(&[7.0, 3.0, 7.0]), [1.5, 0.0, 1.5]);
    }
}
