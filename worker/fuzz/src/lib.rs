//! What several fuzz targets need, and the inputs that they begin with.

pub mod registries;
pub mod seeds;
pub mod work;
