//! One work: a graph at symbol values, what is given of it, what is computed of it, and what a node serves of it.

use crate::checks;
use crate::describe::describe;
use crate::failure::{
    BOUNDARY_ROOT, Failure, LENGTH, NO_TENSOR, NOT_BOUNDARY, NOT_COMPUTED, NOT_GIVEN, OUTPUTS, REQUEST, STARTED,
    TOO_LARGE, hexadecimal,
};
use crate::operation::Operation;
use crate::wire::{Reader, Writer};
use assay_models::artifact::decode_bundle;
use referee::commit::{Hash, ListRole};
use referee::graph::{Graph, ResolvedGraph, ResolvedTensor, Slot, TensorKind};
use referee::semantics::Run;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Most bytes of all tensors of a work together. Twice as much lies in memory while params are given, and a module can have 4 GiB.
pub const MAX_TENSOR_BYTES: u64 = 1 << 30;

/// Whose values are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Computed here.
    Computed,
    /// Served by a node.
    Served,
}

impl Whose {
    pub(crate) fn read(request: &mut Reader<'_>) -> Result<Self, Failure> {
        match request.u8()? {
            0 => Ok(Self::Computed),
            1 => Ok(Self::Served),
            other => Err(Failure::new(REQUEST, format_args!("values are computed (0) or served (1), not {other}"))),
        }
    }
}

/// How far a work is.
#[derive(Debug)]
enum State {
    /// What is given so far, by slot.
    Given(Vec<Vec<u8>>),
    /// The run, begun or finished.
    Run(Box<Run<Rc<ResolvedGraph>>>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) graph: Rc<ResolvedGraph>,
    pub(crate) output: Slot,
    bytes: u64,
    pub(crate) params_root: Option<Hash>,
    pub(crate) inputs_root: Option<Hash>,
    state: State,
    finished: bool,
    served: BTreeMap<Slot, Vec<u8>>,
}

impl Work {
    pub(crate) fn open(mut request: Reader<'_>) -> Result<Self, Failure> {
        let count = request.u8()?;
        let symbols = (0..count).map(|_| request.u32()).collect::<Result<Vec<u32>, _>>()?;
        let graph = Graph::decode(request.rest()).map_err(Failure::of)?;
        let graph = graph.resolve(&symbols).map_err(Failure::of)?;
        let [output] = graph.outputs[..] else {
            let text = format!("the graph has {} outputs; a job's has one", graph.outputs.len());
            return Err(Failure::new(OUTPUTS, text));
        };
        let bytes = graph.tensors.iter().map(|tensor| tensor.bytes() as u64).fold(0, u64::saturating_add);
        if bytes > MAX_TENSOR_BYTES {
            let text = format!(
                "the graph's tensors have {bytes} bytes, more than {MAX_TENSOR_BYTES}; verify this one with: assay validator check"
            );
            return Err(Failure::new(TOO_LARGE, text));
        }
        let state = State::Given(vec![Vec::new(); graph.tensors.len()]);
        let (params_root, inputs_root, served) = (None, None, BTreeMap::new());
        let graph = Rc::new(graph);
        Ok(Self { graph, output, bytes, params_root, inputs_root, state, finished: false, served })
    }

    pub(crate) fn describe(&self, reply: &mut Writer) {
        describe(&self.graph, self.output, self.bytes, reply);
    }

    pub(crate) fn carry_out(
        &mut self,
        operation: Operation,
        mut request: Reader<'_>,
        reply: &mut Writer,
    ) -> Result<(), Failure> {
        match operation {
            Operation::Give => self.give(request, reply),
            Operation::CheckJob => checks::job(self, request),
            Operation::Advance => self.advance(request, reply),
            Operation::Result => {
                request.finish()?;
                self.result(reply)
            }
            Operation::Tensor => {
                let (whose, slot) = (Whose::read(&mut request)?, request.u16()?);
                request.finish()?;
                reply.bytes(self.values(whose, slot)?);
                Ok(())
            }
            Operation::Serve => self.serve(request, reply),
            Operation::CheckServed => self.check_served(request),
            Operation::FirstDifference => {
                request.finish()?;
                self.first_difference(reply)
            }
            Operation::Element => self.element(request, reply),
            Operation::Leaf => self.leaf(request, reply),
            Operation::CheckLeaf => checks::leaf(self, request),
            Operation::CheckOutput => checks::output(self, request),
            Operation::CheckOutputPath => checks::output_path(self, request),
            // These are of no work, and are carried out before one is looked for.
            Operation::Open | Operation::Close | Operation::Commitment | Operation::Judge => Ok(()),
        }
    }

    fn give(&mut self, mut request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
        let kind = match request.u8()? {
            0 => TensorKind::Input,
            1 => TensorKind::Param,
            other => {
                let text = format!("only inputs (0) and params (1) are given, not {other}");
                return Err(Failure::new(REQUEST, text));
            }
        };
        let State::Given(tensors) = &mut self.state else {
            return Err(Failure::new(STARTED, "the run has begun; open the graph again for other values"));
        };
        let bundle = decode_bundle(request.rest(), &self.graph, kind).map_err(Failure::of)?;
        let mut hashes = Vec::with_capacity(bundle.len());
        for (slot, bytes) in bundle {
            let tensor = tensor_of(&self.graph, slot)?;
            hashes.push(tensor.layout.hash(&bytes).ok_or_else(|| wrong_length(slot, tensor, bytes.len()))?);
            if let Some(place) = tensors.get_mut(usize::from(slot)) {
                *place = bytes.to_vec();
            }
        }
        let (role, root) = match kind {
            TensorKind::Param => (ListRole::Params, &mut self.params_root),
            _ => (ListRole::Inputs, &mut self.inputs_root),
        };
        let hash = ResolvedGraph::tensors_root(role, &hashes);
        *root = Some(hash);
        reply.bytes(&hash);
        Ok(())
    }

    fn advance(&mut self, mut request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
        let points = request.u64()?;
        request.finish()?;
        if self.params_root.is_none() || self.inputs_root.is_none() {
            return Err(Failure::new(NOT_GIVEN, "give params and inputs before the run"));
        }
        if let State::Given(tensors) = &mut self.state {
            let run = Run::new(self.graph.clone(), std::mem::take(tensors)).map_err(Failure::of)?;
            self.state = State::Run(Box::new(run));
        }
        if let State::Run(run) = &mut self.state {
            self.finished = run.advance(points).map_err(Failure::of)?;
            reply.u64(run.points_done()).u64(run.points_total()).u8(self.finished.into());
        }
        Ok(())
    }

    fn result(&self, reply: &mut Writer) -> Result<(), Failure> {
        self.check_finished()?;
        let mut hashes = Vec::with_capacity(self.graph.boundary.len());
        for entry in &self.graph.boundary {
            hashes.push(self.hash_of(entry.slot, self.values(Whose::Computed, entry.slot)?)?);
        }
        let tensor = tensor_of(&self.graph, self.output)?;
        let output = self.values(Whose::Computed, self.output)?;
        let output = tensor.layout.root(output).ok_or_else(|| wrong_length(self.output, tensor, output.len()))?;
        reply.bytes(&ResolvedGraph::tensors_root(ListRole::Boundary, &hashes)).bytes(&output);
        reply.u16(hashes.len() as u16);
        for (entry, hash) in self.graph.boundary.iter().zip(&hashes) {
            reply.u16(entry.slot).bytes(hash);
        }
        Ok(())
    }

    fn serve(&mut self, mut request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
        let slot = request.u16()?;
        let bytes = request.rest();
        let tensor = tensor_of(&self.graph, slot)?;
        if tensor.placement.boundary_position().is_none() {
            return Err(Failure::new(NOT_BOUNDARY, format_args!("tensor {slot} is inside a segment or given")));
        }
        let root = tensor.layout.root(bytes).ok_or_else(|| wrong_length(slot, tensor, bytes.len()))?;
        reply.bytes(&root).bytes(&tensor.layout.hash_of_root(&root));
        self.served.insert(slot, bytes.to_vec());
        Ok(())
    }

    fn check_served(&self, mut request: Reader<'_>) -> Result<(), Failure> {
        let committed = request.hash()?;
        request.finish()?;
        let mut hashes = Vec::with_capacity(self.graph.boundary.len());
        for entry in &self.graph.boundary {
            hashes.push(self.hash_of(entry.slot, self.values(Whose::Served, entry.slot)?)?);
        }
        let served = ResolvedGraph::tensors_root(ListRole::Boundary, &hashes);
        if served == committed {
            return Ok(());
        }
        let (served, committed) = (hexadecimal(&served), hexadecimal(&committed));
        let text =
            format!("the tensors that were served lead to {served}, committed is {committed}; ask another source");
        Err(Failure::new(BOUNDARY_ROOT, text))
    }

    fn first_difference(&self, reply: &mut Writer) -> Result<(), Failure> {
        self.check_finished()?;
        for entry in &self.graph.boundary {
            let Some(served) = self.served.get(&entry.slot) else { continue };
            let computed = self.values(Whose::Computed, entry.slot)?;
            let Some(at) = served.iter().zip(computed).position(|(one, other)| one != other) else { continue };
            let dtype = tensor_of(&self.graph, entry.slot)?.dtype;
            let element = at / dtype.bytes() as usize;
            let values = dtype.read(served, element).zip(dtype.read(computed, element));
            let (served, computed) = values.ok_or_else(|| unknown(entry.slot))?;
            reply.u8(1).u16(entry.slot).u32(element as u32).i64(served).i64(computed);
            return Ok(());
        }
        reply.u8(0);
        Ok(())
    }

    pub(crate) fn check_finished(&self) -> Result<(), Failure> {
        if self.finished {
            return Ok(());
        }
        Err(Failure::new(NOT_COMPUTED, "the run is not finished; advance it until all points are done"))
    }

    /// The bytes of a tensor, which are all known: what was given is the same to all.
    pub(crate) fn values(&self, whose: Whose, slot: Slot) -> Result<&[u8], Failure> {
        let tensor = tensor_of(&self.graph, slot)?;
        let bytes = match (whose, tensor.kind) {
            (Whose::Served, TensorKind::Temp) => self.served.get(&slot),
            _ => match &self.state {
                State::Given(tensors) => tensors.get(usize::from(slot)),
                State::Run(run) => run.tensors().get(usize::from(slot)),
            },
        };
        bytes.map(Vec::as_slice).filter(|bytes| bytes.len() == tensor.bytes()).ok_or_else(|| unknown(slot))
    }

    fn hash_of(&self, slot: Slot, bytes: &[u8]) -> Result<Hash, Failure> {
        let tensor = tensor_of(&self.graph, slot)?;
        tensor.layout.hash(bytes).ok_or_else(|| wrong_length(slot, tensor, bytes.len()))
    }
}

/// The tensor at a slot.
pub(crate) fn tensor_of(graph: &ResolvedGraph, slot: Slot) -> Result<&ResolvedTensor, Failure> {
    let missing = || Failure::new(NO_TENSOR, format_args!("the graph has no tensor {slot}"));
    graph.tensors.get(usize::from(slot)).ok_or_else(missing)
}

/// Bytes that are not as many as the tensor has.
pub(crate) fn wrong_length(slot: Slot, tensor: &ResolvedTensor, given: usize) -> Failure {
    let expected = tensor.bytes();
    Failure::new(LENGTH, format_args!("tensor {slot} has {expected} bytes, {given} were given"))
}

fn unknown(slot: Slot) -> Failure {
    Failure::new(
        NO_TENSOR,
        format_args!("the values of tensor {slot} are not known; run the graph or fetch the tensor"),
    )
}
