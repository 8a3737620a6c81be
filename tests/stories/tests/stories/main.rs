//! Whole stories of the market: real processes, a real RPC endpoint, the real program.

mod artifacts;
mod attestations;
mod budgets;
mod challengers;
mod checks;
mod crashes;
mod defence;
mod delegation;
mod delivery;
mod endings;
mod faults;
mod happy;
mod history;
mod lies;
mod network;
mod outages;
mod payments;
mod pretrained;
mod scheduling;
mod sessions;
mod split;
mod trial;
mod watching;
mod withheld;
