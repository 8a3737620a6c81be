//! Queries of a history: whatever is asked is within the bounds of a page.
#![no_main]

use assay_index::fuzzing::{after, hours, jobs, nodes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    let Ok(uri) = format!("/v1/jobs?{query}").parse() else { return };
    if let Some(asked) = jobs(&uri) {
        assert!((1..=200).contains(&asked.limit), "{query:?}");
    }
    if let Some((_, limit)) = nodes(&uri) {
        assert!((1..=200).contains(&limit), "{query:?}");
    }
    if let Some(hours) = hours(&uri) {
        assert!((1..=720).contains(&hours), "{query:?}");
    }
    let _ = after(&uri);
});
