//! The chain's side of sessions: the calls, the comparison with the model, and the way out.

use crate::action::{Action, Caller, Destination};
use crate::market::Market;
use crate::sessions::{EndingParty, ReceiptStage, SessionAction, SessionStage};
use assay::instructions::CreditRole;
use assay::session::SessionState;
use program_tests::trial::signature_check;
use program_tests::{Node, Session};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

impl Market {
    /// The session that an opening would create.
    pub(crate) fn session_to_open(&self, client: usize, mint: usize, node: usize, id: u64) -> Session {
        let session = self.world.session_at(self.parties[client], id, &self.mints[mint]);
        Session { node: self.nodes[node], ..session }
    }

    /// A session with the key that accepted it, or would accept it now.
    fn session_of(&self, at: usize) -> Session {
        let model = &self.model.sessions[at];
        let key = model.operator.unwrap_or(self.model.nodes[model.node].operator);
        let node = Node { operator: self.operators[model.node][key], ..self.nodes[model.node] };
        Session { node, ..self.sessions[at] }
    }

    /// The instructions of an attempt on a session; a donation has none.
    pub(crate) fn session_instructions(&self, action: &SessionAction) -> Vec<Instruction> {
        let world = &self.world;
        match *action {
            SessionAction::OpenSession { client, mint, node, id, offer } => {
                let session = self.session_to_open(client, mint, node, id);
                vec![world.open_session(&session, offer.args(id, self.voucher_key)).instruction()]
            }
            SessionAction::AcceptSession { node, operator, session } => {
                let with_key = Node { operator: self.operators[node][operator], ..self.nodes[node] };
                let session = Session { node: with_key, ..self.sessions[session] };
                vec![world.accept_session(&session).instruction()]
            }
            SessionAction::CancelSession { client, session } => {
                let session = Session { client: self.parties[client], ..self.sessions[session] };
                vec![world.cancel_session(&session).instruction()]
            }
            SessionAction::ExpireSession { session } => {
                vec![world.expire_session(&self.sessions[session]).instruction()]
            }
            SessionAction::EndSession { party, session } => {
                let party = match party {
                    EndingParty::Client(client) => self.parties[client],
                    EndingParty::Operator(node, key) => self.operators[node][key],
                };
                vec![world.end_session(&self.sessions[session], party).instruction()]
            }
            SessionAction::RecordVoucher { session, amount, forged } => {
                let session = &self.sessions[session];
                let genesis_hash = program_tests::calls::GENESIS_HASH;
                let voucher = assay::session::Voucher { genesis_hash, session: session.address, amount };
                let key = if forged { world.mallory } else { self.voucher_key };
                let check = signature_check(world.keypair(key), &voucher.message());
                vec![check, world.record_voucher(session, amount).instruction()]
            }
            SessionAction::OpenReceipt { caller, session, sequence, forged } => {
                let session = self.session_of(session);
                let receipt = world.receipt(&session, sequence as u64);
                let key = if forged { world.mallory } else { session.node.operator };
                let check = signature_check(world.keypair(key), &receipt.message());
                vec![check, world.open_receipt(&session, &receipt, self.parties[caller]).instruction()]
            }
            SessionAction::FinaliseReceipt { session, sequence } => {
                let job = self.receipt_job(session, sequence);
                vec![world.finalise_receipt(&self.sessions[session], &job).instruction()]
            }
            SessionAction::CloseReceipt { session, sequence } => {
                let job = self.receipt_job(session, sequence);
                vec![world.close_receipt(&self.sessions[session], &job).instruction()]
            }
            SessionAction::FinaliseSession { node, session } => {
                let session = Session { node: self.nodes[node], ..self.sessions[session] };
                vec![world.finalise_session(&session).instruction()]
            }
            SessionAction::WithdrawSessionCredit { session, role, caller, destination } => {
                let session = &self.sessions[session];
                let payee = match role {
                    CreditRole::Node => session.node.owner,
                    CreditRole::Client => session.client,
                };
                let to = self.destination(payee, &session.mint, session.vault, destination);
                let signer = self.caller(payee, caller);
                let call = world.withdraw_session_credit(signer, session, role);
                vec![call.with(|a| a.destination = to).instruction()]
            }
            SessionAction::CloseSession { session } => {
                vec![world.close_session(&self.sessions[session]).instruction()]
            }
            SessionAction::DonateToSession { .. } => Vec::new(),
        }
    }

    fn receipt_job(&self, session: usize, sequence: usize) -> program_tests::Job {
        let caller = self.model.sessions[session].receipts.get(sequence).map_or(0, |receipt| receipt.0);
        let session = self.session_of(session);
        let receipt = self.world.receipt(&session, sequence as u64);
        self.world.receipt_job(&session, &receipt, self.parties[caller])
    }

    /// Compares every session, and what node and client have to count, with the model.
    pub(crate) fn check_sessions(&self) {
        for (at, model) in self.model.sessions.iter().enumerate() {
            let session = &self.sessions[at];
            let state = self.world.find::<assay::state::Session>(session.address);
            for (sequence, receipt) in model.receipts.iter().enumerate() {
                let exists = self.world.exists(self.receipt_job(at, sequence).address);
                assert_eq!(exists, receipt.2 != ReceiptStage::Closed, "receipt {sequence} of session {at}");
            }
            let Some(state) = state else {
                assert_eq!(model.stage, SessionStage::Closed, "session {at} is gone");
                assert!(!self.world.exists(session.vault), "the vault of session {at} outlived it");
                continue;
            };
            assert_eq!(stage(state.state), model.stage, "stage of session {at}");
            let credits = (state.credits.node, state.credits.client, state.credits.fee);
            assert_eq!(credits, (model.credit_node, model.credit_client, model.credit_fee), "session {at}");
            assert_eq!((state.paid, state.ends_slot), (model.paid, model.ends), "session {at}");
            assert_eq!(state.open_receipts as usize, model.open_receipts(), "receipts of session {at}");
            assert_eq!(state.receipts_opened as usize, model.receipts.len(), "receipts of session {at}");
            // From the account alone: the vault holds the whole balance until the end, and then at least what is owed.
            let vault = self.world.tokens(session.vault);
            assert_eq!(vault, model.vault, "vault of session {at}");
            let owed = match state.state {
                SessionState::Offered | SessionState::Active => state.balance,
                _ => state.credits.node + state.credits.client + state.credits.fee,
            };
            assert!(vault >= owed, "the vault of session {at} holds {vault} and owes {owed}");
        }
    }

    /// Bonds of active sessions of a node, and how many there are, as the chain has them.
    pub(crate) fn session_bonds(&self, node: &Pubkey) -> (u64, u32) {
        let states =
            self.sessions.iter().filter_map(|session| self.world.find::<assay::state::Session>(session.address));
        let active = states.filter(|state| state.node == *node && state.state == SessionState::Active);
        active.fold((0, 0), |(bonds, open), state| (bonds + state.bond, open + 1))
    }

    /// Brings a session to its end by strangers' calls alone, with all of its receipts.
    pub(crate) fn drain_session(&mut self, session: usize) {
        let model = self.model.sessions[session].clone();
        match model.stage {
            SessionStage::Offered => {
                self.wait_until(model.offered + model.offer.accept_slots + 1);
                self.must(Action::Session(SessionAction::ExpireSession { session }));
            }
            SessionStage::Active => {
                for (sequence, receipt) in model.receipts.iter().enumerate() {
                    if receipt.2 == ReceiptStage::Open {
                        self.wait_until(receipt.1 + model.offer.window_slots + 1);
                        self.must(Action::Session(SessionAction::FinaliseReceipt { session, sequence }));
                    }
                }
                self.wait_until(model.closing() + 1);
                let node = model.node;
                self.must(Action::Session(SessionAction::FinaliseSession { node, session }));
            }
            _ => {}
        }
        let (caller, destination) = (Caller::Stranger, Destination::Canonical);
        for role in [CreditRole::Node, CreditRole::Client] {
            let now = &self.model.sessions[session];
            let owed = if matches!(role, CreditRole::Node) { now.credit_node } else { now.credit_client };
            if owed > 0 {
                let withdraw = SessionAction::WithdrawSessionCredit { session, role, caller, destination };
                self.must(Action::Session(withdraw));
            }
        }
        if self.model.sessions[session].stage != SessionStage::Closed {
            self.must(Action::Session(SessionAction::CloseSession { session }));
        }
        for sequence in 0..model.receipts.len() {
            if self.model.sessions[session].receipts[sequence].2 == ReceiptStage::Stood {
                self.must(Action::Session(SessionAction::CloseReceipt { session, sequence }));
            }
        }
    }
}

fn stage(state: SessionState) -> SessionStage {
    match state {
        SessionState::Offered => SessionStage::Offered,
        SessionState::Active => SessionStage::Active,
        SessionState::Settled => SessionStage::Settled,
        SessionState::Cancelled => SessionStage::Cancelled,
        SessionState::Expired => SessionStage::Expired,
        SessionState::Convicted => panic!("nobody challenges here"),
    }
}
