//! The validator's decisions against a model of the program, and its evidence against real graphs.

mod case;
mod equivocation;
mod interleavings;
mod watching;
mod world;
