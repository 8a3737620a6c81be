//! A reply, checked: is it what was asked for, does it bind the node, and are these the bytes that are bound?

use super::receipt::SignedReceipt;
use crate::error::ClientError;
use crate::work::Work;
use assay::session::Receipt;
use assay::state::Session as SessionAccount;
use assay_kernels::commit::Hasher;
use assay_session::{ReplyHeader, split_frame};
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;

/// An answer whose receipt binds the node: what it says can be proved wrong on-chain, if it is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What binds the node.
    pub receipt: SignedReceipt,
    /// The output tensor: row-major, little endian. Its root is the signed one.
    pub output: Vec<u8>,
    /// Name of the backend that computed, as the node says.
    pub backend: String,
    /// From the last byte of the request to the signature, as the node says.
    pub served_in: Duration,
    /// From the first byte sent to the last byte received.
    pub latency: Duration,
}

/// What a reply is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) genesis_hash: [u8; 32],
    pub(super) address: &'a Pubkey,
    pub(super) session: &'a SessionAccount,
    pub(super) sequence: u64,
    pub(super) work: &'a Work,
}

impl Expected<'_> {
    /// Reads and checks a frame.
    ///
    /// # Errors
    /// [`ClientError::Reply`], [`ClientError::OtherRequest`], [`ClientError::NotSigned`], [`ClientError::OtherOutput`]: it is no
    /// answer, and nothing is owed for it.
    pub(super) fn check(&self, frame: &[u8], latency: Duration) -> Result<Answer, ClientError> {
        let malformed = |reason: String| ClientError::Reply { session: *self.address, reason };
        let (header, output) = split_frame::<ReplyHeader>(frame).map_err(|error| malformed(error.to_string()))?;
        let receipt = Receipt::parse(&header.receipt).map_err(|error| malformed(error.to_string()))?;
        let signed = SignedReceipt { receipt, signature: header.signature };
        self.check_receipt(&signed)?;
        self.check_output(&receipt, output, &header.output_path)?;
        Ok(Answer {
            receipt: signed,
            output: output.to_vec(),
            backend: header.backend,
            served_in: Duration::from_micros(header.micros),
            latency,
        })
    }

    fn check_receipt(&self, signed: &SignedReceipt) -> Result<(), ClientError> {
        let receipt = &signed.receipt;
        if !signed.is_signed_by(&self.session.operator) {
            return Err(ClientError::NotSigned { session: *self.address, operator: self.session.operator });
        }
        let differs = |what, asked: String, given: String| Err(ClientError::OtherRequest { what, asked, given });
        if receipt.genesis_hash != self.genesis_hash {
            return differs("cluster", hex::encode(self.genesis_hash), hex::encode(receipt.genesis_hash));
        }
        if receipt.session != *self.address {
            return differs("session", self.address.to_string(), receipt.session.to_string());
        }
        if receipt.sequence != self.sequence {
            return differs("sequence", self.sequence.to_string(), receipt.sequence.to_string());
        }
        if receipt.price != self.session.price {
            return differs("price", self.session.price.to_string(), receipt.price.to_string());
        }
        self.work.check_is_asked_by(receipt)
    }

    /// The bytes have the signed root, and this root stands in the signed boundary where the graph has its output.
    fn check_output(&self, receipt: &Receipt, output: &[u8], path: &[[u8; 32]]) -> Result<(), ClientError> {
        let work = self.work;
        let other = |reason: String| ClientError::OtherOutput { session: *self.address, reason };
        let tensor = work.resolved.tensors.get(usize::from(work.output_slot));
        let layout = tensor.map(|tensor| &tensor.layout).ok_or_else(|| other("the graph has no output".into()))?;
        let root =
            Hasher::default().tensor(work.output_slot, layout, output).map_err(|error| other(error.to_string()))?.root;
        if root != receipt.output_root {
            let (root, signed) = (hex::encode(root), hex::encode(receipt.output_root));
            return Err(other(format!("its root is {root}, signed is {signed}")));
        }
        let boundary = receipt.output.boundary_root(&root, path).map_err(|error| other(error.to_string()))?;
        if boundary != receipt.boundary_root {
            return Err(other("it does not stand in the boundary that is signed".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::work::tests::work;
    use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
    use assay_session::encode_frame;
    use solana_sdk::signature::Keypair;
    use solana_sdk::signer::Signer;

    /// A request and its honest reply.
    pub(in crate::session) struct Scene {
        pub(in crate::session) work: Work,
        pub(in crate::session) address: Pubkey,
        pub(in crate::session) session: SessionAccount,
        operator: Keypair,
        receipt: Receipt,
        output: Vec<u8>,
        path: Vec<[u8; 32]>,
    }

    impl Scene {
        pub(in crate::session) fn new() -> Self {
            Self::of_request(7)
        }

        pub(in crate::session) fn of_request(sequence: u64) -> Self {
            let (work, operator, address) = (work(3), Keypair::new(), Pubkey::new_unique());
            let model = Self::backend().load(work.resolved.clone(), &work.params).unwrap();
            let tensors = model.run(&work.inputs, Keep::Boundary).unwrap().tensors;
            let hasher = Hasher::default();
            let boundary = hasher.boundary(&work.resolved, &tensors).unwrap();
            let output = tensors[&work.output_slot].to_vec();
            let layout = &work.resolved.tensors[usize::from(work.output_slot)].layout;
            let receipt = Receipt {
                genesis_hash: [1; 32],
                session: address,
                sequence,
                inputs_root: work.inputs_root,
                symbols: work.symbols(),
                output: work.output,
                boundary_root: boundary.root,
                output_root: hasher.tensor(work.output_slot, layout, &output).unwrap().root,
                price: 100,
            };
            let session = SessionAccount { operator: operator.pubkey(), price: 100, ..SessionAccount::default() };
            let path = boundary.path(work.output.boundary_position).unwrap();
            Self { work, address, session, operator, receipt, output, path }
        }

        pub(in crate::session) fn backend() -> CpuBackend {
            CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap()
        }

        pub(in crate::session) fn operator(&self) -> Pubkey {
            self.operator.pubkey()
        }

        pub(in crate::session) fn signed(&self) -> SignedReceipt {
            self.sign(self.receipt)
        }

        fn sign(&self, receipt: Receipt) -> SignedReceipt {
            SignedReceipt { receipt, signature: self.operator.sign_message(&receipt.message()).into() }
        }

        /// The frame of the honest reply.
        pub(in crate::session) fn reply(&self) -> Vec<u8> {
            Self::frame(&self.signed(), &self.output, &self.path)
        }

        fn frame(signed: &SignedReceipt, output: &[u8], path: &[[u8; 32]]) -> Vec<u8> {
            let header = ReplyHeader {
                receipt: signed.receipt.message().to_vec(),
                signature: signed.signature,
                output_path: path.to_vec(),
                backend: "cpu".into(),
                micros: 5,
            };
            encode_frame(&header, output).unwrap()
        }

        fn check(&self, signed: SignedReceipt, output: &[u8], path: &[[u8; 32]]) -> Result<Answer, ClientError> {
            self.expected().check(&Self::frame(&signed, output, path), Duration::from_millis(3))
        }

        fn expected(&self) -> Expected<'_> {
            let (address, session, work) = (&self.address, &self.session, &self.work);
            Expected { genesis_hash: [1; 32], address, session, sequence: self.receipt.sequence, work }
        }

        fn code(&self, signed: SignedReceipt, output: &[u8], path: &[[u8; 32]]) -> String {
            self.check(signed, output, path).unwrap_err().to_string()[..5].to_owned()
        }
    }

    #[test]
    fn an_honest_reply_is_an_answer() {
        let scene = Scene::new();
        let answer = scene.check(scene.signed(), &scene.output, &scene.path).unwrap();
        assert_eq!((answer.output, answer.receipt), (scene.output.clone(), scene.signed()));
        assert_eq!(answer.served_in, Duration::from_micros(5));
    }

    /// Every part of the receipt is held against what was asked for; each change is signed, so nothing but the check refuses it.
    #[test]
    fn a_receipt_about_anything_else_is_refused() {
        let scene = Scene::new();
        let right = scene.receipt;
        let mut descriptor = right;
        descriptor.output.boundary_count += 1;
        let mut leaves = right;
        leaves.output.leaves += 1;
        let others = [
            Receipt { genesis_hash: [2; 32], ..right },
            Receipt { session: Pubkey::new_unique(), ..right },
            Receipt { sequence: 8, ..right },
            Receipt { price: 101, ..right },
            Receipt { inputs_root: [2; 32], ..right },
            Receipt { symbols: [4, 0, 0, 0], ..right },
            descriptor,
            leaves,
        ];
        for other in others {
            assert_eq!(scene.code(scene.sign(other), &scene.output, &scene.path), "J0205", "{other:?}");
        }
    }

    #[test]
    fn a_signature_of_somebody_else_or_over_something_else_is_refused() {
        let scene = Scene::new();
        let forged = Keypair::new().sign_message(&scene.receipt.message()).into();
        let forged = SignedReceipt { receipt: scene.receipt, signature: forged };
        assert_eq!(scene.code(forged, &scene.output, &scene.path), "J0206");
        let moved = SignedReceipt { receipt: Receipt { sequence: 8, ..scene.receipt }, ..scene.signed() };
        assert_eq!(scene.code(moved, &scene.output, &scene.path), "J0206");
    }

    #[test]
    fn other_bytes_than_the_signed_ones_are_refused() {
        let scene = Scene::new();
        let mut other = scene.output.clone();
        other[0] ^= 1;
        assert_eq!(scene.code(scene.signed(), &other, &scene.path), "J0207");
        assert_eq!(scene.code(scene.signed(), &other[1..], &scene.path), "J0207");
    }

    /// An output beside the computation: its root is signed, but the boundary, by which the receipt is judged, has another one.
    #[test]
    fn an_output_that_is_not_in_the_boundary_is_refused() {
        let scene = Scene::new();
        let mut other = scene.output.clone();
        other[0] ^= 1;
        let layout = &scene.work.resolved.tensors[usize::from(scene.work.output_slot)].layout;
        let root = Hasher::default().tensor(scene.work.output_slot, layout, &other).unwrap().root;
        let beside = scene.sign(Receipt { output_root: root, ..scene.receipt });
        assert_eq!(scene.code(beside, &other, &scene.path), "J0207");
        let longer = [&scene.path[..], &[[0; 32]]].concat();
        assert_eq!(scene.code(scene.signed(), &scene.output, &longer), "J0207");
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let scene = Scene::new();
        for bytes in [&b""[..], b"nonsense", &[0xff; 40]] {
            let error = scene.expected().check(bytes, Duration::ZERO).unwrap_err();
            assert!(error.to_string().starts_with("J0204"), "{error}");
        }
    }
}
