//! Elements of kernels that were written in WGSL and compiled: a wrong one convicts, a right one convicts nobody.
//!
//! Units of the whole transaction go to standard output (`-- --nocapture`).

use crate::loops::{convicts, prove};
use assay::AssayError;
use assay_compiler::{Kernel, compile, examples};
use program_tests::{Case, Trial};
use referee::graph::Dtype;
use std::collections::BTreeMap;

/// What a transaction takes beside the referee's own work.
const AROUND_THE_REFEREE: u64 = 60_000;

/// A kernel with the settings of a job.
struct Job {
    source: &'static str,
    symbols: &'static [u32],
    settings: &'static [(&'static str, i32)],
}

/// A frame of a part of the set that has points which never leave, leave early, and leave late.
const MANDELBROT: Job = Job {
    source: examples::MANDELBROT,
    symbols: &[24, 48],
    settings: &[("first_y", 0), ("left", -37_748_736), ("top", 14_155_776), ("step", 1_048_576)],
};

/// Eight blocks in the middle of the counters.
const PI: Job = Job { source: examples::PI, symbols: &[8], settings: &[("first_block", 40_000), ("seed", -7)] };

impl Job {
    fn kernel(&self) -> Kernel {
        compile(self.source).expect("it compiles")
    }

    /// The job's result, wrong by one in an element of the output.
    fn case(&self, wrong: Option<usize>) -> Case {
        let model = self.kernel().model(&BTreeMap::new()).expect("a graph");
        let mut given: Vec<Vec<u8>> = vec![Vec::new(); model.graph.tensors.len()];
        for (name, value) in self.settings {
            given[usize::from(model.slot(name).expect("a setting"))] = value.to_le_bytes().to_vec();
        }
        let given: Vec<&[u8]> = given.iter().map(Vec::as_slice).collect();
        let output = usize::from(model.graph.outputs[0]);
        Case::at(&model.graph, self.symbols, &given, |committed, traced| {
            for tensors in [committed, traced] {
                if let Some(element) = wrong {
                    tensors[output][element] ^= 1;
                }
            }
        })
    }

    /// The right values of the output.
    fn values(&self) -> Vec<i64> {
        let case = self.case(None);
        let output = &case.right[usize::from(case.output())];
        (0..output.len()).map(|element| Dtype::U8.read(output, element).expect("an element")).collect()
    }

    /// Convicts of a wrong element, within what the model allows.
    fn convicts_of(&self, what: &str, element: usize) -> u64 {
        let case = self.case(Some(element));
        let modelled = u64::from(case.resolved.costs()[0].compute_units);
        let units = convicts(case, what, element as u32);
        assert!(units <= modelled + AROUND_THE_REFEREE, "{what}: {units}, modelled {modelled}");
        units
    }
}

#[test]
fn a_wrong_element_of_a_fractal_convicts_wherever_its_loop_ends() {
    let turns = MANDELBROT.values();
    let place = |what: &str, wanted: &dyn Fn(i64) -> bool| {
        (turns.iter().position(|turns| wanted(*turns)).unwrap_or_else(|| panic!("{what}")), what.to_owned())
    };
    let never = place("mandelbrot, never left", &|turns| turns == 255);
    let early = place("mandelbrot, left early", &|turns| turns < 3);
    let late = place("mandelbrot, left late", &|turns| (20..255).contains(&turns));
    let units = [never, early, late].map(|(element, what)| MANDELBROT.convicts_of(&what, element));
    assert!(units[1] < units[2] && units[2] < units[0], "a loop that is left costs what it ran: {units:?}");
}

#[test]
fn a_wrong_element_of_a_monte_carlo_count_convicts() {
    let hits = PI.values();
    assert!(hits.iter().all(|hits| (30..=64).contains(hits)), "near 50 of 64: {hits:?}");
    for element in [0, 300, hits.len() - 1] {
        PI.convicts_of(&format!("pi, element {element}"), element);
    }
}

#[test]
fn a_right_element_of_a_compiled_kernel_convicts_nobody() {
    for (job, wrong) in [(&MANDELBROT, 700), (&PI, 77)] {
        let mut trial = Trial::new(job.case(Some(wrong)));
        let challenger = trial.challenge();
        for element in [0, wrong as u32 - 1, wrong as u32 + 1, job.values().len() as u32 - 1] {
            let refusal = prove(&mut trial, challenger, element).unwrap_err();
            assert_eq!(refusal.why, AssayError::ProofRejected.into(), "element {element}: {:#?}", refusal.logs);
        }
        assert!(prove(&mut trial, challenger, wrong as u32).is_ok());
    }
}
