//! A proof that convicts, changed at will: whatever is done to it, it never panics and never convicts of anything else.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use std::sync::OnceLock;

use common::{Court, Draw, linear, random_values, run_graph};
use libfuzzer_sys::fuzz_target;
use referee::proof::{Finding, Pinned, Source, judge};

struct Case {
    proof: Vec<u8>,
    pinned: Pinned,
    finding: Finding,
}

fn case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| {
        let graph = linear(6, 5, 700);
        let resolved = graph.resolve(&[]).expect("a sound graph");
        let values = random_values(&mut Draw::new(3), &resolved);
        let mut trace = run_graph(&resolved, &values).tensors;
        trace[3][17] ^= 0x40;
        let court = Court::new(&graph, &resolved, &trace, 0);
        let proof = court.proof(3, 17, Source::Boundary).expect("everything is known");
        let (pinned, finding) = (court.pinned(), court.judge(&proof).expect("the element was changed"));
        Case { proof, pinned, finding }
    })
}

fuzz_target!(|data: &[u8]| {
    let case = case();
    let _ = judge(data, &case.pinned);
    // Four bytes each: where, what is done there, and with which byte.
    let mut proof = case.proof.clone();
    for change in data.as_chunks::<4>().0 {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % proof.len().max(1);
        match change[2] % 3 {
            0 if at < proof.len() => proof[at] = change[3],
            1 if at < proof.len() => {
                proof.remove(at);
            }
            _ => proof.insert(at, change[3]),
        }
    }
    if let Ok(finding) = judge(&proof, &case.pinned) {
        assert_eq!((&proof, finding), (&case.proof, case.finding), "another proof convicts");
    }
});
