//! Stores of other people for tests: a real S3-compatible server that checks signatures, a WebDAV server, a public address of what
//! they hold, and a gateway that is down, silent, or cuts off.
//!
//! The S3 server is `s3s-fs`, a program and no dependency: `cargo xtask test` compiles it once into the cache. Where it is not there,
//! [`S3Server::start`] gives nothing and says so, unless `ASSAY_REQUIRE_S3` is set.

// What was skipped is said.
#![allow(clippy::print_stderr)]

mod files;
mod gateway;
mod s3;

pub use files::FileServer;
pub use gateway::{Gateway, Weather};
pub use s3::S3Server;
