//! What is to be computed, with everything that a job pins about it.

use crate::error::ClientError;
use assay::fairness::lateness::cost_units;
use assay::market::OutputDescriptor;
use assay::session::Receipt;
use assay::state::Job;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, Keep, TensorSet};
use assay_models::artifact::encode_bundle;
use assay_store::{ArtifactUri, LocalStore};
use referee::graph::{Graph, ResolvedGraph, Slot};
use std::sync::Arc;

/// A graph at symbol values, with params and inputs.
#[derive(Clone, Debug)]
pub struct Work {
    /// The graph as it is encoded.
    pub graph: Arc<Graph>,
    /// The graph at the symbol values.
    pub resolved: Arc<ResolvedGraph>,
    /// Weights and tables.
    pub params: Arc<TensorSet>,
    /// Inputs of this job.
    pub inputs: TensorSet,
    /// Root of the params.
    pub params_root: [u8; 32],
    /// Root of the inputs.
    pub inputs_root: [u8; 32],
    /// Slot of the one output.
    pub output_slot: Slot,
    /// Where the output lies in what a node commits to.
    pub output: OutputDescriptor,
}

/// Where nodes fetch a job's artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactUris {
    /// The encoded graph.
    pub graph: String,
    /// The params bundle.
    pub params: String,
    /// The inputs bundle.
    pub inputs: String,
}

impl Work {
    /// Checks that everything fits and computes the roots. Nothing is sent anywhere.
    ///
    /// # Errors
    /// A graph that breaks a check, has not exactly one output, or whose tensors are missing or of the wrong size.
    pub fn new(
        graph: Arc<Graph>,
        params: Arc<TensorSet>,
        inputs: TensorSet,
        symbols: &[u32],
    ) -> Result<Self, ClientError> {
        Self::of_known_params(graph, params, None, inputs, symbols)
    }

    /// As [`new`](Self::new), but for the root of the params where it is known: hashing weights takes time.
    pub(crate) fn of_known_params(
        graph: Arc<Graph>,
        params: Arc<TensorSet>,
        params_root: Option<[u8; 32]>,
        inputs: TensorSet,
        symbols: &[u32],
    ) -> Result<Self, ClientError> {
        if symbols.len() > 4 {
            return Err(ClientError::Symbols { given: symbols.len() });
        }
        let resolved = graph.resolve(symbols)?;
        let [output_slot] = resolved.outputs[..] else {
            return Err(ClientError::Outputs { outputs: resolved.outputs.len() });
        };
        let hasher = Hasher::default();
        let params_root = params_root.map_or_else(|| hasher.params_root(&resolved, &params), Ok)?;
        let inputs_root = hasher.inputs_root(&resolved, &inputs)?;
        let layout = resolved.tensors.get(usize::from(output_slot)).map(|tensor| &tensor.layout);
        let output = OutputDescriptor {
            uid: layout.map_or([0; 8], |layout| layout.uid),
            leaves: layout.map_or(0, |layout| layout.leaves()),
            depth: layout.map_or(0, |layout| layout.depth()),
            boundary_position: resolved.boundary_position(output_slot).unwrap_or(0),
            boundary_count: resolved.boundary.len() as u16,
        };
        let resolved = Arc::new(resolved);
        Ok(Self { graph, resolved, params, inputs, params_root, inputs_root, output_slot, output })
    }

    /// Checks that this is the work that the job pins.
    ///
    /// # Errors
    /// [`ClientError::OtherWork`] names what differs.
    pub fn check_is_of(&self, job: &Job) -> Result<(), ClientError> {
        let roots = [
            ("graph root", self.resolved.root, job.graph_root),
            ("params root", self.params_root, job.params_root),
            ("inputs root", self.inputs_root, job.inputs_root),
        ];
        for (what, given, pinned) in roots {
            if given != pinned {
                return Err(ClientError::OtherWork { what, pinned: hex::encode(pinned), given: hex::encode(given) });
            }
        }
        let differs = |what, pinned: String, given: String| Err(ClientError::OtherWork { what, pinned, given });
        if self.symbols() != job.symbols {
            return differs("symbol values", format!("{:?}", job.symbols), format!("{:?}", self.symbols()));
        }
        if self.output != job.output {
            return differs("output descriptor", format!("{:?}", job.output), format!("{:?}", self.output));
        }
        Ok(())
    }

    /// Checks that a receipt is about this request: the same inputs, symbol values and place of the output. Graph and params are
    /// the session's.
    ///
    /// # Errors
    /// [`ClientError::OtherRequest`] names what differs.
    pub fn check_is_asked_by(&self, receipt: &Receipt) -> Result<(), ClientError> {
        let differs = |what, asked: String, given: String| Err(ClientError::OtherRequest { what, asked, given });
        if receipt.inputs_root != self.inputs_root {
            return differs("inputs root", hex::encode(self.inputs_root), hex::encode(receipt.inputs_root));
        }
        if receipt.symbols != self.symbols() {
            return differs("symbol values", format!("{:?}", self.symbols()), format!("{:?}", receipt.symbols));
        }
        if receipt.output != self.output {
            return differs("output descriptor", format!("{:?}", self.output), format!("{:?}", receipt.output));
        }
        Ok(())
    }

    /// The same work over other inputs, at the same symbol values.
    ///
    /// # Errors
    /// Inputs that are missing or of the wrong size.
    pub fn with_inputs(&self, inputs: TensorSet) -> Result<Self, ClientError> {
        let inputs_root = Hasher::default().inputs_root(&self.resolved, &inputs)?;
        Ok(Self { inputs, inputs_root, ..self.clone() })
    }

    /// Computes the work on `backend`; the root over its boundary tensors.
    ///
    /// # Errors
    /// The backend cannot load or run it.
    pub fn boundary_root(&self, backend: &dyn Backend) -> Result<[u8; 32], ClientError> {
        let model = backend.load(self.resolved.clone(), &self.params)?;
        let run = model.run(&self.inputs, Keep::Boundary)?;
        Ok(Hasher::default().boundary(&self.resolved, &run.tensors)?.root)
    }

    /// What the graph costs at these symbol values, in the measure in which nodes declare their speed.
    pub fn cost_units(&self) -> u64 {
        cost_units(&self.resolved)
    }

    /// Symbol values in the form that a job holds.
    pub fn symbols(&self) -> [u32; 4] {
        let mut symbols = [0; 4];
        symbols.iter_mut().zip(&self.resolved.symbols).for_each(|(target, value)| *target = *value);
        symbols
    }

    /// Puts graph, params and inputs into `store`, which is served at `base`.
    ///
    /// # Errors
    /// The store fails, or the addresses are too long for a job.
    pub async fn store(&self, store: &LocalStore, base: &str) -> Result<ArtifactUris, ClientError> {
        let graph = store.put_bytes(self.graph.encode()).await?;
        let params = store.put_bytes(encode_bundle(&self.params)).await?;
        Ok(ArtifactUris {
            graph: ArtifactUri::new(base, graph)?.as_str().to_owned(),
            params: ArtifactUri::new(base, params)?.as_str().to_owned(),
            inputs: self.store_inputs(store, base).await?,
        })
    }

    /// Puts only the inputs into `store`, for one of many jobs that share graph and params, and returns where nodes fetch them.
    ///
    /// # Errors
    /// As [`Self::store`].
    pub async fn store_inputs(&self, store: &LocalStore, base: &str) -> Result<String, ClientError> {
        let inputs = store.put_bytes(encode_bundle(&self.inputs)).await?;
        Ok(ArtifactUri::new(base, inputs)?.as_str().to_owned())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use assay_models::mlp;
    use referee::commit::ListRole;
    use referee::graph::TensorKind;
    use referee::semantics::run;

    pub(crate) fn work(rows: u32) -> Work {
        let model = mlp::model(&mlp::Shape::tiny(), 1).unwrap();
        let inputs = mlp::inputs(&mlp::Shape::tiny(), rows, 2);
        Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &[rows]).unwrap()
    }

    pub(crate) fn job(work: &Work) -> Job {
        Job {
            graph_root: work.resolved.root,
            params_root: work.params_root,
            inputs_root: work.inputs_root,
            symbols: work.symbols(),
            output: work.output,
            ..Job::default()
        }
    }

    /// The root of a list of tensors as the referee defines it.
    fn list_root(work: &Work, role: ListRole, kind: TensorKind, values: &TensorSet) -> [u8; 32] {
        let slots = work.resolved.slots_of(kind);
        let hash = |slot: &Slot| work.resolved.tensors[usize::from(*slot)].layout.hash(&values[slot]).unwrap();
        ResolvedGraph::tensors_root(role, &slots.iter().map(hash).collect::<Vec<_>>())
    }

    #[test]
    fn the_roots_are_the_referees_own() {
        let work = work(3);
        assert_eq!(work.resolved.root, work.graph.root());
        assert_eq!(work.params_root, list_root(&work, ListRole::Params, TensorKind::Param, &work.params));
        assert_eq!(work.inputs_root, list_root(&work, ListRole::Inputs, TensorKind::Input, &work.inputs));
    }

    #[test]
    fn the_descriptor_leads_from_the_output_to_the_boundary_root() {
        let work = work(3);
        let given: Vec<&[u8]> = (0..work.resolved.tensors.len() as Slot)
            .map(|slot| work.params.get(&slot).or(work.inputs.get(&slot)).map_or(&[][..], |bytes| bytes))
            .collect();
        let trace = run(&work.resolved, &given).unwrap();
        let tensors: TensorSet =
            trace.tensors.iter().enumerate().map(|(slot, bytes)| (slot as Slot, bytes.as_slice().into())).collect();
        let hasher = Hasher::default();
        let boundary = hasher.boundary(&work.resolved, &tensors).unwrap();
        let layout = &work.resolved.tensors[usize::from(work.output_slot)].layout;
        let output = hasher.tensor(work.output_slot, layout, &tensors[&work.output_slot]).unwrap();
        let path = boundary.path(work.output.boundary_position).unwrap();
        work.output.validate().unwrap();
        assert_eq!(work.output.boundary_root(&output.root, &path), Ok(boundary.root));
    }

    #[test]
    fn tensors_that_do_not_fit_and_too_many_symbols_are_refused() {
        let (model, shape) = (mlp::model(&mlp::Shape::tiny(), 1).unwrap(), mlp::Shape::tiny());
        let new = |inputs, symbols: &[u32]| {
            Work::new(Arc::new(model.graph.clone()), Arc::new(model.params.clone()), inputs, symbols).map(|_| ())
        };
        let code = |result: Result<(), ClientError>| result.unwrap_err().to_string()[..5].to_owned();
        assert_eq!(code(new(mlp::inputs(&shape, 2, 1), &[3])), "K0002");
        assert_eq!(code(new(TensorSet::new(), &[3])), "K0001");
        assert_eq!(code(new(mlp::inputs(&shape, 1, 1), &[1, 0, 0, 0, 0])), "J0102");
        assert!(matches!(new(mlp::inputs(&shape, 1, 1), &[65]), Err(ClientError::Graph(_))));
    }

    #[test]
    fn work_of_another_job_is_named_by_what_differs() {
        let work = work(3);
        work.check_is_of(&job(&work)).unwrap();
        type Change = fn(&mut Job);
        let cases: [(&str, Change); 5] = [
            ("graph root", |job| job.graph_root[0] ^= 1),
            ("params root", |job| job.params_root[0] ^= 1),
            ("inputs root", |job| job.inputs_root[0] ^= 1),
            ("symbol values", |job| job.symbols[3] = 1),
            ("output descriptor", |job| job.output.leaves += 1),
        ];
        for (what, change) in cases {
            let mut other = job(&work);
            change(&mut other);
            let error = work.check_is_of(&other).unwrap_err();
            assert!(error.to_string().starts_with("J0107") && error.to_string().contains(what), "{error}");
        }
    }

    #[tokio::test]
    async fn stored_artifacts_have_the_addresses_that_nodes_read() {
        let (work, folder) = (work(1), tempfile::tempdir().unwrap());
        let store = LocalStore::open(folder.path()).unwrap();
        let uris = work.store(&store, "http://host:1/").await.unwrap();
        let read = async |uri: &str| store.read(&ArtifactUri::parse(uri).unwrap().id(), 1 << 20).await.unwrap();
        assert_eq!(read(&uris.graph).await, work.graph.encode());
        assert_eq!(read(&uris.params).await, encode_bundle(&work.params));
        assert_eq!(read(&uris.inputs).await, encode_bundle(&work.inputs));
        assert!(work.store(&store, &format!("http://{}", "h".repeat(100))).await.is_err(), "too long for a job");
    }
}
