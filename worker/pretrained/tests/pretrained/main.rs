//! The models against their yardsticks: Magika against its official package, MiniLM against its float network. Needs the packages of
//! models/packages.txt; where they cannot be had, the tests say so and do nothing, unless `ASSAY_REQUIRE_PACKAGES` is set.

// What was measured is shown beside the thresholds, and what was skipped is said.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod compute;
mod corpus;
mod falsified;
mod had;
mod magika;
mod minilm;
