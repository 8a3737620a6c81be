//! What a session keeps warm: a graph with its params, without inputs.

use crate::error::ClientError;
use crate::work::Work;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::artifact::encode_bundle;
use assay_store::{ArtifactUri, LocalStore};
use referee::graph::Graph;
use std::sync::Arc;

/// A graph and its params, with the roots that a session pins.
#[derive(Clone, Debug)]
pub struct Model {
    /// The graph as it is encoded.
    pub graph: Arc<Graph>,
    /// Weights and tables.
    pub params: Arc<TensorSet>,
    /// Root of the graph.
    pub graph_root: [u8; 32],
    /// Root of the params.
    pub params_root: [u8; 32],
}

/// Where a node fetches a session's model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUris {
    /// The encoded graph.
    pub graph: String,
    /// The params bundle.
    pub params: String,
}

impl Model {
    /// Checks that graph and params fit, and computes the roots. Nothing is sent anywhere.
    ///
    /// # Errors
    /// A graph that breaks a check, or params that are missing or of the wrong size.
    pub fn new(graph: Arc<Graph>, params: Arc<TensorSet>) -> Result<Self, ClientError> {
        // The params of a graph have one shape, whatever its symbols are.
        let least: Vec<u32> = graph.symbols.iter().map(|symbol| symbol.min).collect();
        let resolved = graph.resolve(&least)?;
        let params_root = Hasher::default().params_root(&resolved, &params)?;
        Ok(Self { graph_root: resolved.root, params_root, graph, params })
    }

    /// The work of one request. For further requests at the same symbol values [`Work::with_inputs`] is cheaper.
    ///
    /// # Errors
    /// Those of [`Work::new`].
    pub fn work(&self, inputs: TensorSet, symbols: &[u32]) -> Result<Work, ClientError> {
        Work::of_known_params(self.graph.clone(), self.params.clone(), Some(self.params_root), inputs, symbols)
    }

    /// Puts graph and params into `store`, which is served at `base`.
    ///
    /// # Errors
    /// The store fails, or the addresses are too long for a session.
    pub async fn store(&self, store: &LocalStore, base: &str) -> Result<ModelUris, ClientError> {
        let graph = store.put_bytes(self.graph.encode()).await?;
        let params = store.put_bytes(encode_bundle(&self.params)).await?;
        let uri = |id| Ok::<_, ClientError>(ArtifactUri::new(base, id)?.as_str().to_owned());
        Ok(ModelUris { graph: uri(graph)?, params: uri(params)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_models::mlp;

    #[test]
    fn a_model_has_the_roots_of_all_its_work() {
        let shape = mlp::Shape::tiny();
        let made = mlp::model(&shape, 1).unwrap();
        let model = Model::new(Arc::new(made.graph), Arc::new(made.params)).unwrap();
        for rows in [1, 3] {
            let inputs = || mlp::inputs(&shape, rows, 2);
            let work = model.work(inputs(), &[rows]).unwrap();
            let whole = Work::new(model.graph.clone(), model.params.clone(), inputs(), &[rows]).unwrap();
            assert_eq!((work.resolved.root, work.params_root), (model.graph_root, model.params_root));
            assert_eq!(
                (work.params_root, work.inputs_root, work.output),
                (whole.params_root, whole.inputs_root, whole.output)
            );
            let others = whole.with_inputs(mlp::inputs(&shape, rows, 3)).unwrap();
            assert_ne!(others.inputs_root, whole.inputs_root);
            assert!(whole.with_inputs(mlp::inputs(&shape, rows + 1, 3)).is_err(), "of another size");
        }
        assert!(Model::new(model.graph, Arc::default()).is_err(), "params are missing");
    }
}
