//! Custom kernels: a WGSL function over integers becomes the bytecode of a `Map`, so that every executor and the
//! on-chain referee run the same thing.
