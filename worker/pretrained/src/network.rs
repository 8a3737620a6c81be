//! An integer network: graph and weights as jobs take them, and what its integers stand for.

use crate::cache::Staging;
use crate::error::PretrainedError;
use assay_import::float::Tensor;
use assay_import::quantise::Io;
use assay_import::{Built, report};
use assay_kernels::TensorSet;
use assay_models::artifact::{decode_bundle, encode_bundle};
use referee::graph::{Graph, TensorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Part of the name of the folder of a built network: networks that were built otherwise are built again.
const BUILD: u32 = 1;

/// A network that was quantised.
#[derive(Clone, Debug)]
pub struct Network {
    /// The graph.
    pub graph: Arc<Graph>,
    /// Its weights.
    pub params: Arc<TensorSet>,
    /// What its inputs and outputs stand for.
    pub io: Io,
    /// Where graph, weights and the report of what was lost are kept.
    pub folder: PathBuf,
}

/// One job's worth of inputs.
#[derive(Clone, Debug)]
pub struct JobInputs {
    /// Values of the graph's symbols.
    pub symbols: Vec<u32>,
    /// The inputs.
    pub tensors: TensorSet,
}

impl Network {
    /// The network of this name in a folder, built and kept there if it is not there yet.
    pub(crate) fn kept(
        models: &Path,
        name: &str,
        build: impl FnOnce() -> Result<Built, PretrainedError>,
    ) -> Result<Self, PretrainedError> {
        let folder = models.join(format!("{name}-integer-{BUILD}"));
        if !folder.is_dir() {
            let built = build()?;
            let staging = Staging::beside(&folder)?;
            let write = |name: &str, bytes: &[u8]| {
                let path = staging.path().join(name);
                std::fs::write(&path, bytes).map_err(|error| PretrainedError::file("write", &path, error))
            };
            let json =
                |value: serde_json::Result<Vec<u8>>| value.map_err(|error| PretrainedError::content("a report", error));
            write("graph", &built.model.graph.encode())?;
            write("params", &encode_bundle(&built.model.params))?;
            write("io.json", &json(serde_json::to_vec_pretty(&built.io))?)?;
            write("report.json", &json(serde_json::to_vec_pretty(&built.report))?)?;
            write("report.html", report::html(&built.report, name).as_bytes())?;
            staging.become_folder(&folder)?;
        }
        Self::open(&folder)
    }

    /// A network that was built into this folder.
    ///
    /// # Errors
    /// `W0102`, `W0108`: files that are missing or not what they should be.
    pub fn open(folder: &Path) -> Result<Self, PretrainedError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|error| PretrainedError::file("read", &path, error))
        };
        let unclear =
            |name: &str, error: String| PretrainedError::content(folder.join(name).display().to_string(), error);
        let graph = Graph::decode(&read("graph")?).map_err(|error| unclear("graph", error.to_string()))?;
        let least: Vec<u32> = graph.symbols.iter().map(|symbol| symbol.min).collect();
        let resolved = graph.resolve(&least).map_err(|error| unclear("graph", error.to_string()))?;
        let params = decode_bundle(&read("params")?, &resolved, TensorKind::Param)
            .map_err(|error| unclear("params", error.to_string()))?;
        let io = serde_json::from_slice(&read("io.json")?).map_err(|error| unclear("io.json", error.to_string()))?;
        Ok(Self { graph: Arc::new(graph), params: Arc::new(params), io, folder: folder.to_owned() })
    }

    /// The greatest value of a symbol.
    pub fn most(&self, symbol: &str) -> Option<u32> {
        self.io.symbols.iter().find(|known| known.name == symbol).map(|known| known.max)
    }

    /// The inputs of a job.
    pub(crate) fn job(&self, inputs: &[Tensor]) -> Result<JobInputs, PretrainedError> {
        let (symbols, tensors) = self.io.encode(inputs)?;
        Ok(JobInputs { symbols, tensors })
    }

    /// The one output as numbers.
    pub(crate) fn output(&self, symbols: &[u32], bytes: &[u8]) -> Result<Vec<f32>, PretrainedError> {
        let [output] = &self.io.outputs[..] else {
            return Err(PretrainedError::content("the network", "it has not exactly one output"));
        };
        let set = TensorSet::from([(output.slot, Arc::from(bytes))]);
        let tensors = self.io.decode(symbols, &set)?;
        tensors
            .first()
            .and_then(Tensor::as_floats)
            .map(<[f32]>::to_vec)
            .ok_or_else(|| PretrainedError::content("the network", "its output holds no numbers"))
    }
}
