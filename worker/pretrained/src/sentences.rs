//! Sentences that people wrote: 1,400 of Jules Verne's *Around the World in Eighty Days* (in the public domain), spread over the
//! whole book. A part calibrates models, the others measure them.

/// One sentence a line.
const TEXT: &str = include_str!("../../../models/sentences/eighty-days.txt");

/// Of so many sentences in a row …
const PERIOD: usize = 7;
/// … the first ones calibrate.
const CALIBRATING: usize = 2;

/// The sentences that models are calibrated with.
pub fn calibration() -> Vec<&'static str> {
    TEXT.lines().enumerate().filter(|(index, _)| index % PERIOD < CALIBRATING).map(|(_, line)| line).collect()
}

/// The sentences that models are measured with: none of those that calibrate.
pub fn held_out() -> Vec<&'static str> {
    TEXT.lines().enumerate().filter(|(index, _)| index % PERIOD >= CALIBRATING).map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_thousand_sentences_are_held_out_and_none_is_there_twice() {
        let (calibration, held_out) = (calibration(), held_out());
        assert_eq!((calibration.len(), held_out.len()), (400, 1_000));
        let distinct: HashSet<&str> = calibration.iter().chain(&held_out).copied().collect();
        assert_eq!(distinct.len(), 1_400);
        assert!(distinct.iter().all(|sentence| sentence.len() >= 25));
    }
}
