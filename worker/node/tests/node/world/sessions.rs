//! Sessions of the world: what is done in them, what opens them, and receipts that are called in.

use super::market::words;
use super::{BLOCKHASH, GENESIS, OF_SESSIONS, PAYMENT_MINT, Transaction, World, pack, parameters};
use anchor_lang::AnchorDeserialize;
use assay::AssayError;
use assay::session::{Receipt, Voucher};
use assay::state::{DisputeTerms, Job, JobNode, Session};
use assay::units::{BasisPoints, Slot, TokenAmount};
use assay_chain::instructions::read_open_session;
use assay_node::journal::SessionPurpose;
use assay_node::market::Fate;
use referee::commit::commitment;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use solana_sdk::transaction::Transaction as ChainTransaction;

impl World {
    pub(crate) fn session(&self, address: &Pubkey) -> Option<Session> {
        self.sessions.get(&address.to_bytes()).map(|bytes| Session::deserialize(&mut bytes.as_slice()).unwrap())
    }

    pub(crate) fn put_session(&mut self, address: &Pubkey, session: &Session) {
        self.sessions.insert(address.to_bytes(), pack(session));
    }

    /// Distinct transactions of a purpose in sessions that were sent.
    pub(crate) fn sent_in_sessions(&self, purpose: SessionPurpose) -> Vec<&Transaction> {
        let number = OF_SESSIONS + purpose as u8;
        self.signed.iter().filter(|tx| tx.purpose == number && self.sent.contains(&tx.id)).collect()
    }

    /// What the program would do in a session, with its own checks in its own order.
    pub(super) fn execute_in_session(&mut self, tx: &Transaction) -> Result<(), AssayError> {
        let address = Pubkey::new_from_array(tx.job);
        let mut session = self.session(&address).ok_or(AssayError::SessionMissing)?;
        let mut node = self.node();
        let now = Slot(self.slot);
        match tx.purpose - OF_SESSIONS {
            purpose if purpose == SessionPurpose::Accept as u8 => {
                if session.accept_deadline()?.has_passed(now) {
                    return Err(AssayError::AcceptDeadlinePassed);
                }
                let by = JobNode {
                    node: Pubkey::new_from_array(self.node_address),
                    operator: Pubkey::new_from_array(self.operator),
                    payee: node.withdraw_authority,
                };
                session.accept(by, now)?;
                let slash = BasisPoints(u32::from(session.dispute.slash_bps));
                node.lock_bond(TokenAmount(session.bond), slash, now, session.last_obligation()?)?;
            }
            purpose if purpose == SessionPurpose::Record as u8 => {
                let voucher = tx.voucher.clone().unwrap();
                let (amount, signature) = voucher.split_first_chunk::<8>().unwrap();
                let amount = u64::from_le_bytes(*amount);
                let message = Voucher { genesis_hash: GENESIS, session: address, amount }.message();
                let signature = Signature::try_from(signature).unwrap();
                if !signature.verify(session.voucher_key.as_ref(), &message) {
                    return Err(AssayError::SignatureInvalid);
                }
                session.record_voucher(TokenAmount(amount), now)?;
            }
            purpose if purpose == SessionPurpose::Finalise as u8 => {
                session.finalise(now)?;
                node.settle_job(TokenAmount(session.bond))?;
            }
            _ => {
                if session.credits.node == 0 {
                    return Err(AssayError::NothingOwed);
                }
                self.paid += session.credits.node;
                session.credits.node = 0;
            }
        }
        node.invariant()?;
        session.invariant()?;
        self.put_session(&address, &session);
        self.put_node(&node);
        Ok(())
    }

    /// What becomes of a transaction that opens a session: what the program checks beside the terms, which are the node's to check.
    pub(super) fn settle(&mut self, transaction: &ChainTransaction) -> Fate {
        self.payments_sent += 1;
        let signature = transaction.signatures[0].as_ref().to_vec();
        if let Some(slot) = self.payments_landed.get(&signature) {
            return Fate::Landed { slot: *slot };
        }
        if transaction.message.recent_blockhash.to_bytes() != BLOCKHASH {
            return Fate::Expired;
        }
        let client = transaction.message.account_keys[0];
        let opening = transaction.message.instructions.last().unwrap();
        let args = read_open_session(&opening.data).unwrap();
        let address = assay::address::session(&client, args.session_id);
        if args.session_id != 0 || self.session(&address).is_some() {
            let (code, reason) = words(AssayError::JobIdMismatch);
            return Fate::Failed { code, reason };
        }
        let mut dispute = DisputeTerms::new(&parameters().dispute, TokenAmount(args.bond)).unwrap();
        dispute.defender_clock_slots = self.hasty_clock_slots.unwrap_or(dispute.defender_clock_slots);
        let session = Session {
            version: Session::VERSION,
            client,
            session_id: args.session_id,
            payment_mint: Pubkey::new_from_array(PAYMENT_MINT),
            node: Pubkey::new_from_array(self.node_address),
            vault: assay::address::vault(&address),
            graph_root: args.graph_root,
            params_root: args.params_root,
            ir_version: args.ir_version,
            voucher_key: args.voucher_key,
            price: args.price,
            balance: args.balance,
            accept_slots: args.accept_slots,
            session_slots: args.session_slots,
            window_slots: args.window_slots,
            bond: args.bond,
            protocol_fee_bps: parameters().protocol_fee_bps,
            dispute,
            offered_slot: self.slot,
            graph_uri: args.graph_uri,
            params_uri: args.params_uri,
            ..Session::default()
        };
        self.put_session(&address, &session);
        self.payments_landed.insert(signature, self.slot);
        Fate::Landed { slot: self.slot }
    }

    /// What the program does when a receipt is called in, with hints that lead nowhere; the address of the job.
    pub(crate) fn call_in(&mut self, message: &[u8]) -> Pubkey {
        let receipt = Receipt::parse(message).unwrap();
        let mut session = self.session(&receipt.session).unwrap();
        session.open_receipt(Slot(self.slot)).unwrap();
        let address = assay::address::receipt(&receipt.session, &receipt.hash());
        let job = Job {
            version: Job::VERSION,
            state: assay::state_machine::JobState::Committed,
            client: Pubkey::new_unique(),
            job_id: receipt.sequence,
            payment_mint: session.payment_mint,
            node: session.node,
            operator: session.operator,
            payee: session.payee,
            graph_root: session.graph_root,
            params_root: session.params_root,
            inputs_root: receipt.inputs_root,
            ir_version: session.ir_version,
            symbols: receipt.symbols,
            output: receipt.output,
            window_slots: session.window_slots,
            bond: session.bond,
            posted_slot: self.slot,
            claimed_slot: self.slot,
            committed_slot: self.slot,
            commitment: commitment(&address.to_bytes(), &session.node.to_bytes(), &receipt.boundary_root),
            boundary_root: receipt.boundary_root,
            output_root: receipt.output_root,
            result_manifest: [0xee; 32],
            dispute: session.dispute,
            session: receipt.session,
            graph_uri: session.graph_uri.clone(),
            params_uri: session.params_uri.clone(),
            inputs_uri: "http://127.0.0.1:9/v1/artifacts/nowhere".to_owned(),
            ..Job::default()
        };
        self.put_job(&address, &job);
        self.put_session(&receipt.session, &session);
        address
    }
}
