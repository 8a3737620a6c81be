//! The bytes that open what is demanded of a disputed result.

use crate::driver::{DriveError, Driver};
use crate::market::Market;
use crate::prepare::Prepared;
use assay::state::{Demand, DemandTree};
use assay_audit::answer::{AnswerError, Content, answer, boundary_tree, segment_tree, tensor_tree};
use assay_audit::segment_trace;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use referee::commit::Hash;
use referee::graph::Slot;
use referee::opening::{Place, Tree};
use std::sync::Arc;

/// The result of a job under dispute, in memory while the dispute lasts.
#[derive(Clone, Debug)]
pub(in crate::driver) struct Disputed {
    prepared: Prepared,
    boundary: Arc<TensorSet>,
    hashes: Arc<[Hash]>,
}

impl<M: Market> Driver<M> {
    /// The bytes that open what is demanded.
    pub(super) async fn answer_to(&self, demand: &Demand) -> Result<Vec<u8>, DriveError> {
        let failed = |reason: String| DriveError::Defence(reason);
        let disputed = self.progress.disputed.clone();
        let disputed = disputed.ok_or_else(|| failed("the disputed result is not at hand".to_owned()))?;
        let (key, graph) = (demand.key, Arc::clone(&disputed.prepared.graph));
        let place = Place { height: key.height, index: key.index };
        let bound = demand.bound;
        match key.tree {
            DemandTree::SegmentRoot => Err(failed("a root is not opened but signed".to_owned())),
            DemandTree::Boundary => {
                let hashes = Arc::clone(&disputed.hashes);
                built(move || opened(&boundary_tree(&graph), place, &bound, Content::Hashes(&hashes))).await
            }
            DemandTree::Segment => {
                let tensors = self.segment_tensors(key.slot, &graph.segment_slots(key.slot)).await?;
                built(move || {
                    let trace = segment_trace(&graph, key.slot, &tensors, &Hasher::default())?;
                    opened(&segment_tree(&graph, key.slot), place, &bound, Content::Hashes(&trace.hashes))
                })
                .await
            }
            DemandTree::Tensor => {
                let slot: Slot = key.slot;
                let known = tensor_tree(&graph, slot).zip(graph.tensors.get(usize::from(slot)));
                let Some((tree, tensor)) = known else {
                    return Err(failed(format!("the graph has no tensor {slot}")));
                };
                let bytes = match (disputed.boundary.get(&slot), tensor.producer) {
                    (Some(bytes), _) => Arc::clone(bytes),
                    (None, Some((op, _))) => {
                        let tensors = self.segment_tensors(graph.segment_of(op), &[slot]).await?;
                        let bytes = tensors.get(&slot).cloned();
                        bytes.ok_or_else(|| failed(format!("tensor {slot} is not in its segment")))?
                    }
                    (None, None) => return Err(failed(format!("no op produces tensor {slot}"))),
                };
                built(move || opened(&tree, place, &bound, Content::Bytes(&bytes))).await
            }
        }
    }

    /// Tensors of a segment, computed again if they are not in the store yet.
    async fn segment_tensors(&self, segment: u16, slots: &[Slot]) -> Result<TensorSet, DriveError> {
        let trace = self.shared.segment(self.address, segment).await;
        let trace = trace.map_err(|error| DriveError::Defence(error.to_string()))?;
        let wanted = trace.manifest.tensors.into_iter().filter(|entry| slots.contains(&entry.slot));
        Ok(self.shared.publisher.tensors(&wanted.collect::<Vec<_>>()).await?)
    }

    pub(super) async fn load_disputed(&self) -> Result<Disputed, DriveError> {
        let seen = self.shared.job_with_own_hints(&self.address).await?;
        let job = seen.account.ok_or_else(|| DriveError::Defence("the job is gone".to_owned()))?;
        let prepared = self.shared.artifacts.prepare(&job).await;
        let prepared = prepared.map_err(|error| DriveError::Artifacts(error.refusal().clone()))?;
        let boundary = self.shared.publisher.result(&job.result_manifest, &prepared.graph).await?;
        let graph = Arc::clone(&prepared.graph);
        let (boundary, hashes) = tokio::task::spawn_blocking(move || {
            let hashed = Hasher::default().boundary(&graph, &boundary);
            hashed.map(|hashed| (boundary, hashed.hashes))
        })
        .await
        .map_err(|error| DriveError::Defence(error.to_string()))?
        .map_err(|error| DriveError::Defence(error.to_string()))?;
        Ok(Disputed { prepared, boundary: Arc::new(boundary), hashes: hashes.into() })
    }
}

fn opened(tree: &Tree, place: Place, bound: &Hash, content: Content<'_>) -> Result<Vec<u8>, AnswerError> {
    answer(tree, place, bound, content, &Hasher::default())
}

/// Hashing a large tensor would stall the asynchronous threads.
async fn built(build: impl FnOnce() -> Result<Vec<u8>, AnswerError> + Send + 'static) -> Result<Vec<u8>, DriveError> {
    match tokio::task::spawn_blocking(build).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(DriveError::Defence(error.to_string())),
        Err(error) => Err(DriveError::Defence(error.to_string())),
    }
}
