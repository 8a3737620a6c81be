//! From the inputs of a request to its reply: computed, written down, signed.

use super::material::Form;
use super::refused::Refused;
use super::served::{Begun, Served};
use crate::driver::Shared;
use crate::failpoint;
use crate::journal::{HeldVoucher, Promise, ReceiptRecord};
use crate::market::Market;
use crate::prepare::Prepared;
use crate::roots::roots_of;
use assay::session::Receipt;
use assay_kernels::commit::Hasher;
use assay_models::artifact::decode_bundle;
use assay_session::{ReplyHeader, encode_frame};
use bytes::Bytes;
use referee::graph::TensorKind;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A request that has arrived whole and is paid for.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) served: Arc<Served>,
    pub(super) form: Arc<Form>,
    pub(super) sequence: u64,
    /// The bundle of inputs.
    pub(super) inputs: Bytes,
    /// What the client promised with it.
    pub(super) voucher: HeldVoucher,
    /// The receipt that the sequence has already, if it has one.
    pub(super) known: Option<ReceiptRecord>,
    /// Holds the place of the request.
    pub(super) begun: Begun,
    pub(super) arrived: Instant,
}

impl<M: Market> Shared<M> {
    /// The receipt that a sequence has already.
    pub(super) async fn receipt_of(
        self: &Arc<Self>,
        session: &Pubkey,
        sequence: u64,
    ) -> Result<Option<ReceiptRecord>, Refused> {
        let (shared, session) = (Arc::clone(self), *session);
        let known = tokio::task::spawn_blocking(move || shared.journal.receipt(&session, sequence)).await;
        Ok(known.map_err(|error| Refused::Unavailable(error.to_string()))??)
    }

    /// Computes a request in a task of its own, which goes on when nobody waits for it; the frame of the reply.
    pub(super) async fn answer(self: &Arc<Self>, work: Work) -> Result<Vec<u8>, Refused> {
        let shared = Arc::clone(self);
        let answering = self.sessions.tasks.spawn(async move { shared.answer_now(work).await });
        answering.await.unwrap_or_else(|error| Err(Refused::Unavailable(error.to_string())))
    }

    async fn answer_now(self: &Arc<Self>, work: Work) -> Result<Vec<u8>, Refused> {
        let Work { served, form, sequence, inputs, voucher, known, begun, arrived } = work;
        let unavailable = |reason: String| Refused::Unavailable(reason);
        let (prepared, inputs_root) = {
            let (served, form, inputs) = (Arc::clone(&served), Arc::clone(&form), inputs.clone());
            tokio::task::spawn_blocking(move || read_inputs(&served, &form, &inputs))
                .await
                .map_err(|error| unavailable(error.to_string()))??
        };
        if known.as_ref().is_some_and(|known| known.inputs_root != inputs_root) {
            return Err(Refused::OtherInputs);
        }
        let (roots, backend) = {
            // Those who came first are computed first.
            let _turn = Arc::clone(&self.sessions.runs).acquire_owned().await;
            let (shared, at_work) = (Arc::clone(self), self.breaker.run_begins());
            let ran = tokio::task::spawn_blocking(move || {
                let run = shared.engine.run(&prepared).map_err(|error| error.to_string())?;
                shared.ran(&prepared, &run, &at_work).map_err(|error| error.to_string())?;
                Ok((roots_of(&prepared, &run)?, run.backend))
            })
            .await
            .map_err(|error| error.to_string())
            .flatten();
            if let Err(reason) = &ran {
                self.promise_failed(&served.address, reason, 0)?;
            }
            ran.map_err(unavailable)?
        };
        failpoint::reach("after_receipt_run");
        let receipt = Receipt {
            genesis_hash: self.market.genesis_hash(),
            session: served.address,
            sequence,
            inputs_root,
            symbols: form.symbols,
            output: form.output,
            boundary_root: roots.boundary_root,
            output_root: roots.output_root,
            price: served.account.price,
        };
        let fresh = ReceiptRecord {
            message: receipt.message().to_vec(),
            symbols: form.symbols,
            inputs_root,
            boundary_root: roots.boundary_root,
            output_root: roots.output_root,
            backend: backend.to_owned(),
            slot: self.board.slot(),
        };
        let kept = match known {
            Some(known) => known,
            None => {
                let bytes = inputs.len() as u64;
                let session = served.address;
                // What is kept is counted first: many requests at once do not keep more than they may.
                self.sessions.kept_bytes.fetch_add(bytes, Ordering::Relaxed);
                let promise =
                    Promise { session, sequence, receipt: fresh.clone(), inputs, voucher: served.best(voucher) };
                let kept = self.promise_receipt(promise).await;
                if kept.is_err() {
                    self.sessions.kept_bytes.fetch_sub(bytes, Ordering::Relaxed);
                }
                let kept = kept.map_err(unavailable)?;
                served.ledger().receipted(sequence);
                kept
            }
        };
        failpoint::reach("after_receipt_promised");
        if kept.message != fresh.message {
            tracing::error!(session = %served.address, sequence, "computed again, a request has another result: nothing is signed");
            return Err(Refused::OtherResult);
        }
        let operator = served.account.operator;
        let signature = self.market.sign_receipt(&operator, &receipt).ok_or_else(|| {
            unavailable(format!("the session's operator is {operator}, not this node's key of today"))
        })?;
        failpoint::reach("after_receipt_signed");
        self.promise_kept(&served.address, 0)?;
        drop(begun);
        let header = ReplyHeader {
            receipt: kept.message,
            signature,
            output_path: roots.output_path,
            backend: backend.to_owned(),
            micros: u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        encode_frame(&header, &roots.output).map_err(|error| unavailable(error.to_string()))
    }
}

fn read_inputs(served: &Served, form: &Form, bundle: &[u8]) -> Result<(Prepared, [u8; 32]), Refused> {
    let malformed = |reason: String| Refused::Malformed(reason);
    let inputs = decode_bundle(bundle, &form.graph, TensorKind::Input).map_err(|error| malformed(error.to_string()))?;
    let root = Hasher::default().inputs_root(&form.graph, &inputs).map_err(|error| malformed(error.to_string()))?;
    Ok((served.material.prepared(form, inputs), root))
}
