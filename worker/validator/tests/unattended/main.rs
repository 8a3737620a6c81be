//! Disputes on a local chain with the compiled program: a node that lies, and validators that run unattended.

mod defence;
mod equivocation;
mod forced;
mod liar;
mod market;
mod paid;
mod stories;
