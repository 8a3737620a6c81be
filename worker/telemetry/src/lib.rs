//! How the services of a worker are seen: metrics by a contract, health, and the machine that they run on.
//!
//! | module | what it is |
//! |---|---|
//! | [`contract`] | which metrics there are: names, kinds, labels, meanings; `metrics.toml` |
//! | [`page`] | numbers as the text that Prometheus reads, by the contract alone |
//! | [`live`] | what is counted and timed while a service works |
//! | [`asking`] | what a running service says of itself |
//! | [`control`] | a door into a running service, for its owner |
//! | [`machine`] | memory and disk |
//! | [`readiness`] | why a service does not take work |
//! | [`documentation`] | `METRICS.md` from the contract |
//!
//! Node and validator share it; it knows neither.

pub mod asking;
pub mod contract;
pub mod control;
pub mod documentation;
pub mod live;
pub mod machine;
pub mod page;
pub mod readiness;
