//! The network in integers.

use super::{Answer, Magika};
use crate::cache::Cache;
use crate::error::PretrainedError;
use crate::network::{JobInputs, Network};
use assay_import::float::{FloatGraph, Tensor};
use assay_import::{ImportOptions, Options, calibrate};

/// Bounds of what one job carries: the name is the one that the network's file gives the number of files.
const FILES: &str = "unk__214=1..32";
/// Files that calibrate at once.
const CALIBRATION_ROWS: usize = 8;
/// On so many of these batches the integer network is compared with the float one.
const KEPT_EXAMPLES: usize = 8;

impl Magika {
    /// The float network, simplified, up to the scores before their softmax: small differences between them would be lost in the
    /// integers of a softmax.
    ///
    /// # Errors
    /// Whatever importing gives.
    pub fn float_graph(&self) -> Result<FloatGraph, PretrainedError> {
        let path = self.onnx();
        let bytes = std::fs::read(path).map_err(|error| PretrainedError::file("read", path, error))?;
        let options = ImportOptions { symbols: vec![FILES.parse()?], drop_final_softmax: true };
        Ok(assay_import::import_onnx(&bytes, &options)?)
    }

    /// The integer network: out of the cache, or calibrated with files that are made here and quantised now.
    ///
    /// # Errors
    /// Whatever importing and quantising give.
    pub fn network(&self, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Network, PretrainedError> {
        Network::kept(&cache.models(), "magika", || {
            say("quantising Magika (a minute or two, once)");
            let graph = self.float_graph()?;
            let files = self.calibration()?;
            let examples = files.chunks(CALIBRATION_ROWS).map(tensors);
            let calibration = calibrate::run(&graph, examples, KEPT_EXAMPLES, &mut |_| {})?;
            Ok(assay_import::build(&graph, &calibration, &Options::default())?)
        })
    }

    /// The inputs of a job for the tokens of these files.
    ///
    /// # Errors
    /// More files than a job carries.
    pub fn job(&self, network: &Network, files: &[Vec<i32>]) -> Result<JobInputs, PretrainedError> {
        network.job(&tensors(files))
    }

    /// The answers in a job's output.
    ///
    /// # Errors
    /// `W0110`, `W0112` for an output of another shape.
    pub fn answers(&self, network: &Network, symbols: &[u32], output: &[u8]) -> Result<Vec<Answer>, PretrainedError> {
        let values = network.output(symbols, output)?;
        values.chunks(self.labels().len()).map(|logits| self.answer_logits(logits)).collect()
    }
}

/// Files as the float network takes them.
pub(crate) fn tensors(files: &[Vec<i32>]) -> Vec<Tensor> {
    let width = files.first().map_or(0, Vec::len);
    vec![Tensor::integers(&[files.len(), width], files.iter().flatten().map(|token| i64::from(*token)).collect())]
}
