//! The kernels that come with Assay, against the same in Rust.

use crate::common::{bytes, evaluate, kernel};
use assay_compiler::examples::{MANDELBROT, PI};

#[test]
fn the_fractal_is_that_of_its_formula() {
    let kernel = kernel(MANDELBROT);
    let (first_row, left, top, step) = (3, -37_000_000, 20_000_000, 900_000);
    let inputs = [first_row, left, top, step].map(|value| bytes([value]));
    let turns = evaluate(&kernel, &[40, 60], &inputs);
    let formula = |y: i64, x: i64| {
        let (real, imaginary) =
            (i64::from(left) + x * i64::from(step), i64::from(top) - (i64::from(first_row) + y) * i64::from(step));
        let (mut a, mut b) = (0i64, 0i64);
        for turn in 0..255 {
            let (aa, bb) = ((a * a) >> 24, (b * b) >> 24);
            if aa + bb > 4 << 24 {
                return turn;
            }
            b = ((a * b) >> 23) + imaginary;
            a = aa - bb + real;
        }
        255
    };
    for (at, turns) in (0..).zip(&turns) {
        assert_eq!(*turns, formula(at / 60, at % 60), "point {at}");
    }
    assert!(turns.contains(&255) && turns.contains(&1) && turns.iter().any(|turns| (10..200).contains(turns)));
}

/// Philox 2x32 with 10 rounds, as its authors define it.
fn philox(mut counter: [u32; 2], mut key: u32) -> [u32; 2] {
    for _ in 0..10 {
        let product = u64::from(counter[0]) * 0xd256_d193;
        counter = [(product >> 32) as u32 ^ key ^ counter[1], product as u32];
        key = key.wrapping_add(0x9e37_79b9);
    }
    counter
}

#[test]
fn the_generator_is_philox() {
    // The authors' own vectors.
    assert_eq!(philox([0, 0], 0), [0xff1d_ae59, 0x6cd1_0df2]);
    assert_eq!(philox([u32::MAX; 2], u32::MAX), [0x2c3f_628b, 0xab4f_d7ad]);
    assert_eq!(philox([0x243f_6a88, 0x85a3_08d3], 0x1319_8a2e), [0xdd7c_e038, 0xf62a_4c12]);
}

#[test]
fn pi_is_estimated_from_the_generators_points() {
    let kernel = kernel(PI);
    let (first_block, seed) = (7u32, 0xdead_beefu32);
    let blocks = 20u32;
    let hits = evaluate(&kernel, &[blocks], &[bytes([first_block as i32]), bytes([seed as i32])]);
    let mut expected = Vec::new();
    for element in 0..blocks * 64 {
        let hit = |sample: u32| {
            let [x, y] = philox([first_block * 64 + element, sample], seed).map(|word| u64::from(word >> 1));
            i64::from(x * x + y * y < 1 << 62)
        };
        expected.push((0..64).map(hit).sum::<i64>());
    }
    assert_eq!(hits, expected);
    let share = hits.iter().sum::<i64>() as f64 / (hits.len() * 64) as f64;
    assert!((4.0 * share - std::f64::consts::PI).abs() < 0.02, "{share}");
}
