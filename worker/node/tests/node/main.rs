//! The node service against a market in memory that runs the program's own state machine, with real artifacts over
//! loopback HTTP, real kernels and a real journal.

mod adapters;
mod bombs;
mod breaker;
mod court;
mod crash;
mod disputes;
mod doctor;
mod engine;
mod faults;
mod life;
mod prepare;
mod reserve;
mod retention;
mod rig;
mod segments;
mod service;
mod sessions;
mod slow;
mod world;
