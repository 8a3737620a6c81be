//! A job with a real graph whose result is right, or wrong in a chosen place, and what challengers do about it.
//!
//! The graph adds 1 to its input four times: `x -> a -> b | c -> y`. It has two segments of two ops each; `b` and `y` are the
//! boundary, `a` and `c` the inside.

use crate::calls::GENESIS_HASH;
use crate::world::{Job, World};
use assay::dispute::signature::{ED25519_PROGRAM, SegmentStatement};
use assay::dispute::{Target, seal};
use assay::instructions::{CommitResultArgs, DemandOpeningArgs, PostJobArgs};
use assay::market::OutputDescriptor;
use assay::state::{DemandKey, DemandTree};
use assay::{accounts, address};
use referee::commit::{Hash, merkle_path, segment_hash};
use referee::graph::{
    Dim, Dtype, Graph, Instruction as I, Op, OpKind, OutOfBounds, Program, ResolvedGraph, Slot, Tensor, TensorKind,
    Term, View,
};
use referee::proof::Source;
use referee::proof::build::{
    Evidence, GraphTree, HashTree, Leaves, Nodes, WholeTensor, element_proof, mismatch_proof, pinned,
};
use referee::semantics::run;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signer};

use crate::calls::Call;

/// Rows of every tensor.
pub const ROWS: u32 = 64;
/// Elements, and bytes, of a row: two leaves.
pub const COLUMNS: u32 = 640;
/// Slots of the tensors.
pub const X: Slot = 0;
/// The inside of the first segment.
pub const A: Slot = 1;
/// The first boundary tensor.
pub const B: Slot = 2;
/// The inside of the second segment.
pub const C: Slot = 3;
/// The output.
pub const Y: Slot = 4;
/// Hides every seal.
pub const SALT: [u8; 32] = [0x5a; 32];

/// The graph of every case.
pub fn graph() -> Graph {
    let shape = || vec![Dim::Const(ROWS), Dim::Const(COLUMNS)];
    let tensor = |kind| Tensor { dtype: Dtype::I8, kind, shape: shape() };
    let op = |slot: Slot| Op {
        kind: OpKind::Map,
        outputs: vec![slot],
        output_axes: shape(),
        reduction_axes: vec![],
        operands: vec![View {
            slot: slot - 1,
            as_shape: shape(),
            offsets: vec![0, 0],
            terms: (0..2).map(|axis| Term { source_axis: axis, iteration_axis: axis, coefficient: 1 }).collect(),
            out_of_bounds: OutOfBounds::Clamp,
            indirect: None,
        }],
        prologue: None,
        program: 0,
    };
    Graph {
        symbols: vec![],
        tensors: [vec![tensor(TensorKind::Input)], vec![tensor(TensorKind::Temp); 4]].concat(),
        programs: vec![Program {
            constants: vec![1],
            code: vec![
                I::Load { d: 0, operand: 0 },
                I::Constant { d: 1, index: 0 },
                I::Add { d: 0, a: 0, b: 1 },
                I::Store { output: 0, a: 0 },
            ],
        }],
        ops: (A..=Y).map(op).collect(),
        cuts: vec![2],
        outputs: vec![Y],
    }
}

/// What a node committed to and how it would show its inside, next to what is right.
pub struct Case {
    /// The graph.
    pub graph: GraphTree,
    /// The graph at the job's shape.
    pub resolved: ResolvedGraph,
    /// By slot, as they should be.
    pub right: Vec<Vec<u8>>,
    committed: Vec<WholeTensor<'static>>,
    traced: Vec<WholeTensor<'static>>,
}

impl Case {
    /// Everything is right.
    pub fn honest() -> Self {
        Self::new(|_, _| {})
    }

    /// One element of a tensor is wrong, and everything after it follows from it.
    pub fn wrong_in(slot: Slot, element: usize) -> Self {
        Self::new(|committed, traced| {
            for tensors in [committed, traced] {
                tensors[usize::from(slot)][element] ^= 0x40;
                for later in slot + 1..=Y {
                    let before = tensors[usize::from(later) - 1].clone();
                    tensors[usize::from(later)] =
                        before.iter().map(|value| (*value as i8).saturating_add(1) as u8).collect();
                }
            }
        })
    }

    /// `change` what is committed, and the traces of the segments.
    pub fn new(change: impl Fn(&mut [Vec<u8>], &mut [Vec<u8>])) -> Self {
        let input: Vec<u8> = (0..ROWS * COLUMNS).map(|at| (at % 100) as u8).collect();
        Self::of(&graph(), &[&input], change)
    }

    /// Of one product of `k` elements a row: input, weights, output, which is wrong in its first element.
    pub fn wrong_product(k: u32) -> Self {
        let dims = |lengths: &[u32]| lengths.iter().map(|length| Dim::Const(*length)).collect::<Vec<_>>();
        let tensor = |dtype, kind, lengths: &[u32]| Tensor { dtype, kind, shape: dims(lengths) };
        let view = |slot, rows: u32, row_axis: u8| View {
            slot,
            as_shape: dims(&[rows, k]),
            offsets: vec![0, 0],
            terms: vec![
                Term { source_axis: 0, iteration_axis: row_axis, coefficient: 1 },
                Term { source_axis: 1, iteration_axis: 2, coefficient: 1 },
            ],
            out_of_bounds: OutOfBounds::Clamp,
            indirect: None,
        };
        let graph = Graph {
            symbols: vec![],
            tensors: vec![
                tensor(Dtype::I8, TensorKind::Input, &[2, k]),
                tensor(Dtype::I8, TensorKind::Param, &[4, k]),
                tensor(Dtype::I32, TensorKind::Temp, &[2, 4]),
            ],
            programs: vec![Program { constants: vec![], code: vec![I::Store { output: 0, a: 0 }] }],
            ops: vec![Op {
                kind: OpKind::Contract,
                outputs: vec![2],
                output_axes: dims(&[2, 4]),
                reduction_axes: dims(&[k]),
                operands: vec![view(0, 2, 0), view(1, 4, 1)],
                prologue: None,
                program: 0,
            }],
            cuts: vec![],
            outputs: vec![2],
        };
        let bytes = |rows: u32, step: u32| (0..rows * k).map(|at| (at * step % 251) as u8).collect::<Vec<_>>();
        Self::of(&graph, &[&bytes(2, 7), &bytes(4, 11)], |committed, traced| {
            for tensors in [committed, traced] {
                tensors[2][0] ^= 1;
            }
        })
    }

    /// Of any graph with one output and no symbols, and the values of its inputs and params by slot.
    pub fn of(graph: &Graph, given: &[&[u8]], change: impl Fn(&mut [Vec<u8>], &mut [Vec<u8>])) -> Self {
        Self::at(graph, &[], given, change)
    }

    /// Of any graph with one output at these values of its symbols, and the values of its inputs and params by slot.
    pub fn at(
        graph: &Graph,
        symbols: &[u32],
        given: &[&[u8]],
        change: impl Fn(&mut [Vec<u8>], &mut [Vec<u8>]),
    ) -> Self {
        let resolved = graph.resolve(symbols).expect("a graph without a mistake");
        let right = run(&resolved, given).expect("the graph runs").tensors;
        let (mut committed, mut traced) = (right.clone(), right.clone());
        change(&mut committed, &mut traced);
        let tree = |(slot, data): (usize, Vec<u8>)| {
            WholeTensor::new(&resolved.tensors[slot].layout, data).expect("the tensor has its size")
        };
        let committed = committed.into_iter().enumerate().map(tree).collect();
        let traced = traced.into_iter().enumerate().map(tree).collect();
        Self { graph: GraphTree::new(graph), resolved, right, committed, traced }
    }

    /// The hash of a tensor as it is committed.
    pub fn hash(&self, slot: Slot) -> Hash {
        self.committed[usize::from(slot)].hash().expect("a hash")
    }

    /// The hash of a tensor as it is in the trace of its segment.
    pub fn traced_hash(&self, slot: Slot) -> Hash {
        self.traced[usize::from(slot)].hash().expect("a hash")
    }

    /// The hash of a tensor as it should be.
    pub fn right_hash(&self, slot: Slot) -> Hash {
        let slot = usize::from(slot);
        self.resolved.tensors[slot].layout.hash(&self.right[slot]).expect("a hash")
    }

    /// Hashes of the tensors of a segment, as the node would show them.
    pub fn segment_hashes(&self, segment: u16) -> Vec<Hash> {
        self.resolved.segment_slots(segment).into_iter().map(|slot| self.traced_hash(slot)).collect()
    }

    /// The root of a segment, as the node would show it.
    pub fn segment_root(&self, segment: u16) -> Hash {
        let hashes = self.segment_hashes(segment);
        segment_hash(u32::from(segment), hashes.len() as u32, &referee::commit::merkle_root(&hashes))
    }

    fn boundary_hashes(&self) -> Vec<Hash> {
        self.resolved.boundary.iter().map(|entry| self.hash(entry.slot)).collect()
    }

    fn with<R>(&self, segment: u16, use_it: impl FnOnce(&Evidence<'_>) -> R) -> R {
        let list = |hashes: Vec<Hash>| HashTree::new(&hashes);
        let of_kind = |kind| self.resolved.slots_of(kind).into_iter().map(|slot| self.hash(slot)).collect();
        let lists = [
            list(of_kind(TensorKind::Param)),
            list(of_kind(TensorKind::Input)),
            list(self.boundary_hashes()),
            list(self.segment_hashes(segment)),
        ];
        let tensor = |source: Source, slot: Slot| -> Option<&dyn Leaves> {
            let tensors = if source == Source::Segment { &self.traced } else { &self.committed };
            Some(tensors.get(usize::from(slot))? as &dyn Leaves)
        };
        let lists: [Option<&dyn Nodes>; 4] = std::array::from_fn(|index| Some(&lists[index] as &dyn Nodes));
        use_it(&Evidence {
            graph: &self.graph,
            resolved: &self.resolved,
            lists,
            segment: Some(segment),
            tensor: &tensor,
        })
    }

    /// A proof about one element as it stands under a source.
    pub fn element_proof(&self, segment: u16, slot: Slot, element: u32, source: Source) -> Vec<u8> {
        self.with(segment, |evidence| element_proof(evidence, slot, element, source)).expect("a proof")
    }

    /// A proof that a tensor has two hashes.
    pub fn mismatch_proof(&self, segment: u16, slot: Slot) -> Vec<u8> {
        self.with(segment, |evidence| mismatch_proof(evidence, slot)).expect("a proof")
    }

    /// A witness of a tensor.
    pub fn witness(&self, slot: Slot) -> Vec<u8> {
        self.graph.tensor_witness(slot).expect("a witness")
    }

    /// The slot of the output.
    pub fn output(&self) -> Slot {
        self.resolved.outputs[0]
    }

    /// The job's terms.
    pub fn terms(&self) -> PostJobArgs {
        let pinned = self.with(0, pinned).expect("everything is known");
        let output = &self.resolved.tensors[usize::from(self.output())];
        let layout = &output.layout;
        PostJobArgs {
            graph_root: pinned.graph_root,
            params_root: pinned.params_root,
            inputs_root: pinned.inputs_root,
            ir_version: pinned.ir_version,
            symbols: pinned.symbols,
            output: OutputDescriptor {
                uid: layout.uid,
                leaves: layout.leaves(),
                depth: layout.depth(),
                boundary_position: output.placement.boundary,
                boundary_count: pinned.boundary_count,
            },
            ..crate::terms::terms()
        }
    }

    /// The commitment.
    pub fn result(&self) -> CommitResultArgs {
        let pinned = self.with(0, pinned).expect("everything is known");
        let output = &self.resolved.tensors[usize::from(self.output())];
        let tree = &self.committed[usize::from(self.output())];
        let depth = output.layout.depth();
        CommitResultArgs {
            boundary_root: pinned.boundary_root,
            output_root: tree.node(depth, 0).expect("a root"),
            result_manifest: [7; 32],
            output_path: merkle_path(&self.boundary_hashes(), u32::from(output.placement.boundary)).expect("a path"),
        }
    }

    /// The answer to the opening of a tensor's tree at a place, as committed (or as traced).
    pub fn answer(&self, slot: Slot, height: u8, index: u32, traced: bool) -> Vec<u8> {
        let tensors = if traced { &self.traced } else { &self.committed };
        let (tree, layout) = (&tensors[usize::from(slot)], &self.resolved.tensors[usize::from(slot)].layout);
        if height <= 4 {
            let leaves = (index << height)..((index + 1) << height);
            return leaves.filter_map(|position| tree.leaf(position)).flatten().copied().collect();
        }
        let below = height.saturating_sub(8).max(4);
        let levels = height - below;
        assert_eq!(layout.depth(), 7, "the shape that the tests rely on");
        ((index << levels)..((index + 1) << levels)).flat_map(|at| tree.node(below, at).expect("a node")).collect()
    }
}

/// A committed job of a case, and somebody who challenges it.
pub struct Trial {
    /// The chain.
    pub world: World,
    /// What was committed.
    pub case: Case,
    /// The job.
    pub job: Job,
    /// The first challenger.
    pub challenger: Pubkey,
}

impl Trial {
    /// Posts, claims and commits.
    pub fn new(case: Case) -> Self {
        let mut world = World::new();
        let challenger = party(&mut world, "challenger");
        let job = world.post(world.client, &world.mint.clone(), case.terms());
        world.claim(&job);
        let commit = world.commit_result(&world.node, &job, case.result());
        world.accepts(&commit);
        Self { world, case, job, challenger }
    }

    /// Another challenger, or somebody else with stake tokens.
    pub fn party(&mut self, name: &str) -> Pubkey {
        party(&mut self.world, name)
    }

    /// The claim of an honest challenger: the first boundary tensor that differs, or the second segment's inside.
    pub fn claim(&self) -> (Target, Hash) {
        if self.case.resolved.boundary.len() == 1 {
            return (Target::boundary(0), self.case.right_hash(self.case.output()));
        }
        let differs = |slot| self.case.hash(slot) != self.case.right_hash(slot);
        match (differs(B), differs(Y)) {
            (true, _) => (Target::boundary(0), self.case.right_hash(B)),
            (_, true) => (Target::boundary(1), self.case.right_hash(Y)),
            _ => (Target::segment(1), [9; 32]),
        }
    }

    /// A call that commits to the honest claim.
    pub fn commit_call(&self, challenger: Pubkey) -> Call<accounts::CommitChallenge> {
        let (target, hash) = self.claim();
        self.world.commit_challenge(&self.job, challenger, seal(&challenger, &self.job.address, target, &hash, &SALT))
    }

    /// A call that reveals the honest claim.
    pub fn reveal_call(&self, challenger: Pubkey) -> Call<accounts::RevealChallenge> {
        let (target, hash) = self.claim();
        self.world.reveal_challenge(&self.job, challenger, target, hash, SALT)
    }

    /// Commits to the honest claim.
    pub fn commit(&mut self, challenger: Pubkey) {
        let call = self.commit_call(challenger);
        self.world.accepts(&call);
    }

    /// Reveals it in the next slot.
    pub fn reveal(&mut self, challenger: Pubkey) {
        self.world.advance(1);
        let call = self.reveal_call(challenger);
        self.world.accepts(&call);
    }

    /// Commits and reveals by the first challenger.
    pub fn challenge(&mut self) -> Pubkey {
        self.commit(self.challenger);
        self.reveal(self.challenger);
        self.challenger
    }

    /// The first challenger proves that element 7 of [`A`] is wrong, as in [`Case::wrong_in`] of both: the node is convicted.
    pub fn convict_wrong_element(&mut self) {
        let challenger = self.challenge();
        let claim = self.record(0);
        let proof = self.case.element_proof(0, A, 7, Source::Segment);
        self.prove(challenger, &proof, Some(claim));
    }

    /// The challenge of a key.
    pub fn challenge_of(&self, challenger: Pubkey) -> Pubkey {
        address::challenge(&self.job.address, &challenger)
    }

    /// What the operator signs for a segment root.
    pub fn statement(&self, segment: u16, root: Hash) -> SegmentStatement {
        let job = self.world.read_job(&self.job);
        SegmentStatement {
            genesis_hash: GENESIS_HASH,
            job: self.job.address,
            commitment: job.commitment,
            segment,
            ir_version: job.ir_version,
            root,
        }
    }

    /// The signature check of a statement by the job's operator.
    pub fn signed(&self, statement: &SegmentStatement) -> Instruction {
        signature_check(self.world.keypair(self.world.node.operator), &statement.message())
    }

    /// Records the root that the node would show, signed.
    pub fn record(&mut self, segment: u16) -> Pubkey {
        self.record_root(segment, self.case.segment_root(segment))
    }

    /// Records any root, signed.
    pub fn record_root(&mut self, segment: u16, root: Hash) -> Pubkey {
        let check = self.signed(&self.statement(segment, root));
        let record = self.world.record_segment_root(self.challenger, &self.job, segment, root);
        self.world.must(&[check, record.instruction()]);
        record.accounts.claim
    }

    /// Demands the root of a segment, with a witness.
    pub fn demand_root(&mut self, challenger: Pubkey, segment: u16) -> Pubkey {
        let slot = if segment == 0 { A } else { C };
        let id = 900 + u64::from(segment);
        let witness = address::buffer(&challenger, id);
        if !self.world.exists(witness) {
            let bytes = self.case.witness(slot);
            self.world.upload(challenger, id, &bytes);
        }
        let call = self.world.demand_segment_root(challenger, &self.job, segment, slot, Some(witness));
        self.world.accepts(&call);
        call.accounts.demand
    }

    /// A call that demands the top of a tensor's tree: of the boundary, or below a segment root.
    pub fn tensor_demand(
        &mut self,
        challenger: Pubkey,
        slot: Slot,
        claim: Option<(Pubkey, bool)>,
    ) -> Call<accounts::DemandOpening> {
        let id = 950 + u64::from(slot);
        let witness = address::buffer(&challenger, id);
        if !self.world.exists(witness) {
            let bytes = self.case.witness(slot);
            self.world.upload(challenger, id, &bytes);
        }
        let placement = &self.case.resolved.tensors[usize::from(slot)].placement;
        let (bound, path) = match claim {
            Some(_) => {
                let hashes = self.case.segment_hashes(placement.segment);
                (self.case.traced_hash(slot), merkle_path(&hashes, u32::from(placement.position)).expect("a path"))
            }
            None => {
                let hashes = self.case.boundary_hashes();
                (self.case.hash(slot), merkle_path(&hashes, u32::from(placement.boundary)).expect("a path"))
            }
        };
        let poster = claim.filter(|(_, signed)| !signed).map(|(claim, _)| claim);
        let key = DemandKey {
            origin: DemandKey::origin(&bound, poster.as_ref()),
            tree: DemandTree::Tensor,
            slot,
            height: self.case.resolved.tensors[usize::from(slot)].layout.depth(),
            index: 0,
        };
        let args = DemandOpeningArgs { key, witness_slot: 0, bound, path };
        self.world.demand_opening(challenger, &self.job, args, claim.map(|(claim, _)| claim), Some(witness), None)
    }

    /// Answers a demand with what the node would show.
    pub fn answer(&mut self, owner: Pubkey, demand: Pubkey, traced: bool) -> u64 {
        let state: assay::state::Demand = self.world.read(demand);
        let bytes = self.case.answer(state.key.slot, state.key.height, state.key.index, traced);
        let id = u64::from(state.key.height) << 32 | u64::from(state.key.index) << 8 | u64::from(state.key.slot);
        let buffer = self.world.upload(owner, id, &bytes);
        let call = self.world.answer_opening(owner, demand, buffer);
        self.world.accepts(&call);
        id
    }

    /// Uploads a proof by a challenger.
    pub fn upload_proof(&mut self, challenger: Pubkey, proof: &[u8]) -> Pubkey {
        self.world.upload(challenger, 1, proof)
    }

    /// Proves by a challenger, which must work.
    pub fn prove(&mut self, challenger: Pubkey, proof: &[u8], claim: Option<Pubkey>) -> crate::Outcome {
        let buffer = self.upload_proof(challenger, proof);
        let call = self.world.prove(challenger, &self.job, buffer, claim);
        self.world.accepts(&call)
    }

    /// Settles by all challengers given.
    pub fn settle(&mut self, won: &[Pubkey]) -> crate::Outcome {
        let mut won: Vec<Pubkey> = won.iter().map(|challenger| self.challenge_of(*challenger)).collect();
        won.sort();
        let settle = self.world.settle_dispute(&self.job, &won);
        self.world.must(&[settle])
    }
}

/// Somebody with stake tokens.
pub(crate) fn party(world: &mut World, name: &str) -> Pubkey {
    let key = world.rich_key(name);
    let mint = world.stake_mint;
    world.fund(key, &mint, crate::world::POCKET);
    key
}

/// The instruction that verifies one signature, all from its own data.
pub fn signature_check(keypair: &Keypair, message: &[u8]) -> Instruction {
    let signature = keypair.sign_message(message);
    let mut data = vec![1, 0];
    for number in [48, u16::MAX, 16, u16::MAX, 112, message.len() as u16, u16::MAX] {
        data.extend(number.to_le_bytes());
    }
    data.extend(keypair.pubkey().to_bytes());
    data.extend(signature.as_ref());
    data.extend(message);
    Instruction { program_id: ED25519_PROGRAM, accounts: vec![], data }
}
