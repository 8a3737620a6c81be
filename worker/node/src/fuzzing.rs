//! What fuzz targets reach of parsers that are nobody else's to call.

pub use crate::sessions::fuzzing::{Judged, Payment};
