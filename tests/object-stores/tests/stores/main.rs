//! Artifacts in stores of other people, against real servers. Those of an S3-compatible one say so and do nothing where it cannot be
//! had, unless `ASSAY_REQUIRE_S3` is set.

mod faults;
mod http_folder;
mod s3;
mod secrets;
mod support;
