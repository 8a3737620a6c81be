//! Whole stories of the market: real processes, a real RPC endpoint, the real program.

mod artifacts;

mod crashes;
mod defence;
mod endings;
mod happy;

mod network;
