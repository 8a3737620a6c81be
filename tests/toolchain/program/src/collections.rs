//! The standard library at large: sorting, maps, formatting, parsing.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use crate::mixing::{Mixer, Values};

/// One list of numbers through all of it.
pub(crate) fn round(values: &mut Values, mixer: &mut Mixer) {
    let (a, b, width) = (values.next_wide(), values.next_wide(), values.next() as u32);
    let mut numbers: Vec<u32> = (0..40).map(|index| (a >> (index % 97)) as u32).collect();
    numbers.sort();
    numbers.dedup();
    numbers.sort_unstable_by_key(|number| number.reverse_bits());
    for number in &numbers {
        mixer.add(u64::from(*number));
    }

    let tuple = (a as u8, Some(b as u16), "q\"");
    let written = write!(mixer, "{a} {:?} {b:x} {width:>8} {tuple:?}", b as i64);
    mixer.add(u64::from(written.is_ok()));
    let parsed: Option<i64> = (b as i64).to_string().parse().ok();
    mixer.add(parsed.map_or(3, |number| number as u64));

    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for number in &numbers {
        *sums.entry(number % 17).or_default() += u64::from(*number);
    }
    for (key, sum) in sums {
        mixer.add(u64::from(key));
        mixer.add(sum);
    }
    let set: HashSet<u32> = numbers.into_iter().collect();
    mixer.add(set.len() as u64);
}
