//! The network in integers.

use super::{Batch, DIMENSIONS, MiniLm};
use crate::cache::Cache;
use crate::error::PretrainedError;
use crate::network::{JobInputs, Network};
use crate::sentences;
use assay_import::architecture::Architecture;
use assay_import::float::{FloatGraph, Tensor};
use assay_import::onnx::ModelProto;
use assay_import::{ImportOptions, Options, calibrate};

/// How the weights belong together.
const ARCHITECTURE: &str = include_str!("../../../../models/minilm.toml");
/// Bounds of what one job carries.
const SYMBOLS: [&str; 2] = ["batch=1..32", "tokens=1..256"];
/// Sentences that calibrate at once; neighbours in length, so that little is padding.
const CALIBRATION_ROWS: usize = 8;
/// Rows of jobs are as long as a multiple of this.
const COLUMNS: usize = 16;
/// On so many of these batches the integer network is compared with the float one.
const KEPT_EXAMPLES: usize = 8;

impl MiniLm {
    /// The float network, as an ONNX model.
    ///
    /// # Errors
    /// Weights that are missing or not those of this architecture.
    pub fn float_model(&self) -> Result<ModelProto, PretrainedError> {
        let path = self.weights();
        let weights = std::fs::read(&path).map_err(|error| PretrainedError::file("read", &path, error))?;
        Ok(Architecture::parse(ARCHITECTURE)?.model(&weights)?)
    }

    /// The float network, simplified.
    ///
    /// # Errors
    /// As [`Self::float_model`].
    pub fn float_graph(&self) -> Result<FloatGraph, PretrainedError> {
        let symbols = SYMBOLS.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Ok(assay_import::import_model(&self.float_model()?, &ImportOptions { symbols, drop_final_softmax: false })?)
    }

    /// The integer network: out of the cache, or calibrated with sentences and quantised now.
    ///
    /// # Errors
    /// Whatever importing and quantising give.
    pub fn network(&self, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Network, PretrainedError> {
        Network::kept(&cache.models(), "minilm", || {
            say("quantising all-MiniLM-L6-v2 (a minute or two, once)");
            let graph = self.float_graph()?;
            let mut texts = sentences::calibration();
            texts.sort_by_key(|text| text.len());
            let examples = texts.chunks(CALIBRATION_ROWS).map(|rows| Ok(tensors(&self.tokens(rows)?)));
            let mut examples = examples.collect::<Result<Vec<_>, PretrainedError>>()?;
            // Long and short ones among those that are kept whole.
            let stride = (examples.len() / KEPT_EXAMPLES).max(1);
            let (mut first, mut others) = (Vec::new(), Vec::new());
            for (index, example) in examples.drain(..).enumerate() {
                if index % stride == stride / 2 { first.push(example) } else { others.push(example) }
            }
            first.extend(others);
            let calibration = calibrate::run(&graph, first, KEPT_EXAMPLES, &mut |_| {})?;
            Ok(assay_import::build(&graph, &calibration, &Options::default())?)
        })
    }

    /// The inputs of a job for these texts.
    ///
    /// # Errors
    /// Texts that cannot be tokenised, or more than a job carries.
    pub fn job(&self, network: &Network, texts: &[&str]) -> Result<JobInputs, PretrainedError> {
        let batch = self.tokens(texts)?;
        // Few widths: a node loads a network for each of them.
        let most = network.most("tokens").map_or(batch.columns, |most| most as usize);
        let columns = batch.columns.next_multiple_of(COLUMNS).min(most);
        network.job(&tensors(&batch.widened(columns)))
    }

    /// The embeddings in a job's output, each of length 1.
    ///
    /// # Errors
    /// `W0110`, `W0112` for an output of another shape.
    pub fn embeddings(
        &self,
        network: &Network,
        symbols: &[u32],
        output: &[u8],
    ) -> Result<Vec<Vec<f32>>, PretrainedError> {
        let values = network.output(symbols, output)?;
        // What integers round away from the length comes back.
        Ok(values.chunks(DIMENSIONS).map(super::normalised).collect())
    }
}

/// A batch as the float network takes it: numbers of tokens, and which of them are text.
pub fn tensors(batch: &Batch) -> Vec<Tensor> {
    let tensor = |values: &[i32]| {
        Tensor::integers(&[batch.rows, batch.columns], values.iter().map(|value| i64::from(*value)).collect())
    };
    vec![tensor(&batch.ids), tensor(&batch.mask)]
}
