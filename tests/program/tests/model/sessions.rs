//! Sessions in the model: what can be tried on them, the rules that this breaks, and what it changes.

use crate::action::{Caller, Destination};
use crate::rules::{Broken, longest_dispute, payment_rules, receiver};
use crate::state::{CLIENTS, Model, NODES, PAYMENT_MINTS, share};
use anchor_lang::error::ErrorCode::AccountNotInitialized;
use assay::AssayError::*;
use assay::instructions::{CreditRole, OpenSessionArgs};
use program_tests::outcome::{ACCOUNT_IN_USE, TOKEN_INSUFFICIENT_FUNDS};
use program_tests::session_terms;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionStage {
    Offered,
    Active,
    Settled,
    Cancelled,
    Expired,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiptStage {
    Open,
    Stood,
    Closed,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionOffer {
    pub(crate) price: u64,
    pub(crate) balance: u64,
    pub(crate) accept_slots: u64,
    pub(crate) session_slots: u64,
    pub(crate) window_slots: u64,
    pub(crate) bond: u64,
}

impl SessionOffer {
    pub(crate) fn args(&self, session_id: u64, voucher_key: solana_sdk::pubkey::Pubkey) -> OpenSessionArgs {
        let Self { price, balance, accept_slots, session_slots, window_slots, bond } = *self;
        OpenSessionArgs {
            session_id,
            voucher_key,
            price,
            balance,
            accept_slots,
            session_slots,
            window_slots,
            bond,
            ..session_terms()
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct SessionModel {
    pub(crate) client: usize,
    pub(crate) mint: usize,
    /// The node that it is offered to.
    pub(crate) node: usize,
    /// Which of the node's keys accepted.
    pub(crate) operator: Option<usize>,
    pub(crate) stage: SessionStage,
    pub(crate) offer: SessionOffer,
    pub(crate) fee_bps: u16,
    pub(crate) offered: u64,
    pub(crate) accepted: u64,
    pub(crate) ends: u64,
    pub(crate) paid: u64,
    pub(crate) credit_node: u64,
    pub(crate) credit_client: u64,
    pub(crate) credit_fee: u64,
    pub(crate) vault: u64,
    /// By sequence: who called it in, when, and what became of it.
    pub(crate) receipts: Vec<(usize, u64, ReceiptStage)>,
}

impl SessionModel {
    pub(crate) fn open_receipts(&self) -> usize {
        self.receipts.iter().filter(|receipt| receipt.2 == ReceiptStage::Open).count()
    }

    /// The last slot of vouchers and receipts.
    pub(crate) fn closing(&self) -> u64 {
        self.ends + self.offer.window_slots
    }
}

/// Who ends a session early.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EndingParty {
    Client(usize),
    Operator(usize, usize),
}

/// One thing that somebody tries on a session.
#[derive(Clone, Debug)]
pub(crate) enum SessionAction {
    OpenSession { client: usize, mint: usize, node: usize, id: u64, offer: SessionOffer },
    AcceptSession { node: usize, operator: usize, session: usize },
    CancelSession { client: usize, session: usize },
    ExpireSession { session: usize },
    EndSession { party: EndingParty, session: usize },
    RecordVoucher { session: usize, amount: u64, forged: bool },
    OpenReceipt { caller: usize, session: usize, sequence: usize, forged: bool },
    FinaliseReceipt { session: usize, sequence: usize },
    CloseReceipt { session: usize, sequence: usize },
    FinaliseSession { node: usize, session: usize },
    WithdrawSessionCredit { session: usize, role: CreditRole, caller: Caller, destination: Destination },
    CloseSession { session: usize },
    DonateToSession { session: usize, amount: u64 },
}

impl SessionAction {
    fn session(&self) -> Option<usize> {
        match *self {
            Self::OpenSession { .. } => None,
            Self::AcceptSession { session, .. }
            | Self::CancelSession { session, .. }
            | Self::ExpireSession { session }
            | Self::EndSession { session, .. }
            | Self::RecordVoucher { session, .. }
            | Self::OpenReceipt { session, .. }
            | Self::FinaliseReceipt { session, .. }
            | Self::CloseReceipt { session, .. }
            | Self::FinaliseSession { session, .. }
            | Self::WithdrawSessionCredit { session, .. }
            | Self::CloseSession { session }
            | Self::DonateToSession { session, .. } => Some(session),
        }
    }
}

/// Chooses what is tried on sessions: mostly what the rules allow or nearly allow.
pub(crate) fn choose(model: &Model, rng: &mut StdRng) -> SessionAction {
    let alive: Vec<usize> =
        (0..model.sessions.len()).filter(|at| model.sessions[*at].stage != SessionStage::Closed).collect();
    if let Some(action) = leftover(model, rng) {
        return action;
    }
    let Some(session) = alive.choose(rng).copied().filter(|_| rng.random_ratio(9, 10)) else {
        return open(model, rng);
    };
    let known = &model.sessions[session];
    let honest = rng.random_ratio(9, 10);
    let client = if honest { known.client } else { rng.random_range(0..CLIENTS) };
    let node = if honest { known.node } else { rng.random_range(0..NODES) };
    if rng.random_ratio(1, 20) {
        return SessionAction::DonateToSession { session, amount: rng.random_range(1..100) };
    }
    let stages = [SessionStage::Offered, SessionStage::Active, SessionStage::Settled];
    let stage = if rng.random_ratio(9, 10) { known.stage } else { *stages.choose(rng).expect("a stage") };
    match stage {
        SessionStage::Offered => match rng.random_range(0..10) {
            0..7 => {
                let operator = if honest { model.nodes[node].operator } else { rng.random_range(0..2) };
                SessionAction::AcceptSession { node, operator, session }
            }
            7 => SessionAction::CancelSession { client, session },
            8 => SessionAction::EndSession { party: EndingParty::Client(client), session },
            _ => SessionAction::ExpireSession { session },
        },
        SessionStage::Active => match rng.random_range(0..12) {
            0..4 => {
                let balance = known.offer.balance;
                let amounts = [known.paid, known.paid + 1, balance / 2, balance, balance + 1];
                let amount = *amounts.choose(rng).expect("an amount");
                SessionAction::RecordVoucher { session, amount, forged: rng.random_ratio(1, 12) }
            }
            4..7 => {
                let next = known.receipts.len();
                let sequence = if rng.random_ratio(1, 8) { next.saturating_sub(1) } else { next };
                let caller = rng.random_range(0..CLIENTS);
                SessionAction::OpenReceipt { caller, session, sequence, forged: rng.random_ratio(1, 12) }
            }
            7..9 if !known.receipts.is_empty() => {
                SessionAction::FinaliseReceipt { session, sequence: rng.random_range(0..known.receipts.len()) }
            }
            9 => {
                let operator = EndingParty::Operator(node, known.operator.unwrap_or(rng.random_range(0..2)));
                let party = if rng.random_bool(0.5) { EndingParty::Client(client) } else { operator };
                SessionAction::EndSession { party, session }
            }
            _ => SessionAction::FinaliseSession { node, session },
        },
        _ => match rng.random_range(0..10) {
            0..4 if known.credit_node > 0 => withdraw(rng, session, CreditRole::Node),
            0..7 if known.credit_client > 0 => withdraw(rng, session, CreditRole::Client),
            7..9 if !known.receipts.is_empty() => {
                SessionAction::CloseReceipt { session, sequence: rng.random_range(0..known.receipts.len()) }
            }
            7 => withdraw(rng, session, CreditRole::Node),
            _ => SessionAction::CloseSession { session },
        },
    }
}

/// A receipt that stood and is still there, every other time that there is one.
fn leftover(model: &Model, rng: &mut StdRng) -> Option<SessionAction> {
    let stood = model.sessions.iter().enumerate().flat_map(|(session, known)| {
        let stood = |receipt: &(usize, u64, ReceiptStage)| receipt.2 == ReceiptStage::Stood;
        known.receipts.iter().position(stood).map(|sequence| SessionAction::CloseReceipt { session, sequence })
    });
    let all: Vec<SessionAction> = stood.collect();
    all.choose(rng).filter(|_| rng.random_bool(0.5)).cloned()
}

fn withdraw(rng: &mut StdRng, session: usize, role: CreditRole) -> SessionAction {
    let (caller, destination) = crate::action::caller_and_destination(rng);
    SessionAction::WithdrawSessionCredit { session, role, caller, destination }
}

fn open(model: &Model, rng: &mut StdRng) -> SessionAction {
    let (client, mint) = (rng.random_range(0..CLIENTS), rng.random_range(0..PAYMENT_MINTS));
    let wallet = model.wallets[client][mint];
    let balance = match rng.random_range(0..30) {
        0 => 0,
        1 => u64::MAX,
        2 => wallet,
        3 => wallet + 1,
        _ => rng.random_range(1..3_000),
    };
    let least = model.least_bond(mint, balance).unwrap_or(u64::MAX);
    let bond = if rng.random_ratio(1, 15) { least - 1 } else { least };
    let offer = SessionOffer {
        price: match rng.random_range(0..20) {
            0 => 0,
            1 => balance.saturating_add(1),
            _ => (balance / 10).max(1),
        },
        balance,
        accept_slots: crate::action::mostly(rng, &[1, 50, 500], &[0, 501]),
        session_slots: crate::action::mostly(rng, &[1, 20, 400], &[0, 401]),
        window_slots: crate::action::mostly(rng, &[10, 11, 30], &[9, 301]),
        bond,
    };
    let next = model.next_id[client];
    let id = if rng.random_ratio(1, 15) { next + 1 } else { next };
    SessionAction::OpenSession { client, mint, node: rng.random_range(0..NODES), id, offer }
}

impl Model {
    /// Deadlines of sessions that are ahead.
    pub(crate) fn session_deadlines(&self) -> impl Iterator<Item = u64> + '_ {
        self.sessions.iter().flat_map(|session| {
            let own = match session.stage {
                SessionStage::Offered => Some(session.offered + session.offer.accept_slots),
                SessionStage::Active => Some(session.closing()),
                _ => None,
            };
            let open = session.receipts.iter().filter(|receipt| receipt.2 == ReceiptStage::Open);
            own.into_iter().chain(open.map(|receipt| receipt.1 + session.offer.window_slots))
        })
    }

    pub(crate) fn session_rules(&self, broken: &mut Broken, action: &SessionAction) {
        if let SessionAction::OpenSession { client, mint, node, id, offer } = action {
            return self.opening_rules(broken, (*client, *mint, *node, *id), offer);
        }
        let at = action.session().expect("it is about a session");
        let session = &self.sessions[at];
        let gone = session.stage == SessionStage::Closed;
        if let SessionAction::CloseReceipt { sequence, .. } = action {
            let Some((_, _, stage)) = session.receipts.get(*sequence) else {
                return broken.unless(false, AccountNotInitialized);
            };
            broken.unless(*stage != ReceiptStage::Closed, AccountNotInitialized);
            broken.unless(*stage != ReceiptStage::Open, JobNotEnded);
            let takes_more = session.stage == SessionStage::Active && self.slot <= session.closing();
            return broken.unless(!takes_more, SessionTimeLeft);
        }
        broken.unless(!gone, AccountNotInitialized);
        if let SessionAction::AcceptSession { node, .. } | SessionAction::FinaliseSession { node, .. } = action {
            broken.unless(self.nodes[*node].registered, AccountNotInitialized);
        }
        if broken.is_empty() {
            self.rules_of_one(broken, session, action);
        }
    }

    fn opening_rules(
        &self,
        broken: &mut Broken,
        (client, mint, node, id): (usize, usize, usize, u64),
        offer: &SessionOffer,
    ) {
        let limits = &self.parameters;
        broken.unless(self.slot >= self.pause.0, WorkPaused);
        broken.unless(self.nodes[node].registered, AccountNotInitialized);
        broken.unless(self.mints[mint].enabled, PaymentMintDisabled);
        broken.unless(id == self.next_id[client], JobIdMismatch);
        broken.unless((1..=limits.maximum_claim_slots).contains(&offer.accept_slots), AcceptSlotsOutOfBounds);
        broken.unless((1..=limits.maximum_run_slots).contains(&offer.session_slots), SessionSlotsOutOfBounds);
        let windows = limits.minimum_window_slots..=limits.maximum_window_slots;
        broken.unless(windows.contains(&offer.window_slots), WindowSlotsOutOfBounds);
        broken.unless((1..=offer.balance).contains(&offer.price), SessionPriceInvalid);
        match self.least_bond(mint, offer.balance) {
            Some(least) => broken.unless(offer.bond >= least, BondTooSmall),
            None => broken.unless(false, ArithmeticOverflow),
        }
        broken.unless(offer.balance <= self.wallets[client][mint], TOKEN_INSUFFICIENT_FUNDS);
    }

    fn rules_of_one(&self, broken: &mut Broken, session: &SessionModel, action: &SessionAction) {
        let (now, stage) = (self.slot, session.stage);
        let active = stage == SessionStage::Active;
        match *action {
            SessionAction::AcceptSession { node, operator, .. } => {
                let node_model = &self.nodes[node];
                broken.unless(operator == node_model.operator, NotOperator);
                broken.unless(now >= self.pause.0, WorkPaused);
                broken.unless(node == session.node, WrongNode);
                broken.unless(stage == SessionStage::Offered, IllegalSessionTransition);
                broken.unless(now <= session.offered + session.offer.accept_slots, AcceptDeadlinePassed);
                broken.unless(node_model.stake >= self.parameters.minimum_stake, StakeBelowNetworkMinimum);
                self.taking_rules(broken, node_model);
                let reserve = share(node_model.stake, self.parameters.dispute.slash_bps);
                broken.unless(node_model.free() >= session.offer.bond + reserve, InsufficientFreeStake);
            }
            SessionAction::CancelSession { client, .. } => {
                broken.unless(client == session.client, NotClient);
                broken.unless(stage == SessionStage::Offered, IllegalSessionTransition);
            }
            SessionAction::ExpireSession { .. } => {
                broken.unless(stage == SessionStage::Offered, IllegalSessionTransition);
                broken.unless(now > session.offered + session.offer.accept_slots, AcceptDeadlineNotPassed);
            }
            SessionAction::EndSession { party, .. } => {
                let is_party = match party {
                    EndingParty::Client(client) => client == session.client,
                    EndingParty::Operator(node, key) => node == session.node && session.operator == Some(key),
                };
                broken.unless(is_party, NotSessionParty);
                broken.unless(active, IllegalSessionTransition);
            }
            SessionAction::RecordVoucher { amount, forged, .. } => {
                broken.unless(!forged, SignatureInvalid);
                broken.unless(active, IllegalSessionTransition);
                broken.unless(!active || now <= session.closing(), SessionTimeOver);
                broken.unless(amount > session.paid, VoucherTooSmall);
                broken.unless(amount <= session.offer.balance, VoucherBeyondBalance);
            }
            SessionAction::OpenReceipt { sequence, forged, .. } => {
                broken.unless(!forged, SignatureInvalid);
                // Nobody has accepted it: the operator is not known.
                broken.unless(session.operator.is_some(), WrongSession);
                broken.unless(active, IllegalSessionTransition);
                broken.unless(!active || now <= session.closing(), SessionTimeOver);
                let taken = session.receipts.get(sequence).is_some_and(|receipt| receipt.2 != ReceiptStage::Closed);
                broken.unless(!taken, ACCOUNT_IN_USE);
            }
            SessionAction::FinaliseReceipt { sequence, .. } => {
                let Some((_, opened, stage)) = session.receipts.get(sequence) else {
                    return broken.unless(false, AccountNotInitialized);
                };
                broken.unless(*stage != ReceiptStage::Closed, AccountNotInitialized);
                broken.unless(*stage == ReceiptStage::Open, IllegalTransition);
                broken.unless(now > opened + session.offer.window_slots, ChallengeWindowOpen);
            }
            SessionAction::FinaliseSession { node, .. } => {
                broken.unless(node == session.node, WrongNode);
                broken.unless(active, IllegalSessionTransition);
                broken.unless(now > session.closing(), SessionTimeLeft);
                broken.unless(session.open_receipts() == 0, ReceiptsOpen);
            }
            SessionAction::WithdrawSessionCredit { role, caller, destination, .. } => {
                let credit = match role {
                    CreditRole::Node => session.credit_node,
                    CreditRole::Client => session.credit_client,
                };
                broken.unless(credit > 0, NothingOwed);
                payment_rules(broken, caller, destination);
            }
            SessionAction::CloseSession { .. } => {
                broken.unless(!matches!(stage, SessionStage::Offered | SessionStage::Active), SessionNotEnded);
                broken.unless(session.open_receipts() == 0, ReceiptsOpen);
                broken.unless(session.credit_node + session.credit_client == 0, CreditsOutstanding);
            }
            SessionAction::DonateToSession { .. } => {}
            SessionAction::OpenSession { .. } | SessionAction::CloseReceipt { .. } => unreachable!("looked at before"),
        }
    }

    pub(crate) fn apply_to_session(&mut self, action: &SessionAction) {
        let now = self.slot;
        let dispute = longest_dispute(&self.parameters.dispute);
        if let SessionAction::OpenSession { client, mint, node, offer, .. } = *action {
            self.wallets[client][mint] -= offer.balance;
            self.next_id[client] += 1;
            self.sessions.push(SessionModel {
                client,
                mint,
                node,
                operator: None,
                stage: SessionStage::Offered,
                offer,
                fee_bps: self.parameters.protocol_fee_bps,
                offered: now,
                accepted: 0,
                ends: 0,
                paid: 0,
                credit_node: 0,
                credit_client: 0,
                credit_fee: 0,
                vault: offer.balance,
                receipts: Vec::new(),
            });
            return;
        }
        let session = &mut self.sessions[action.session().expect("it is about a session")];
        match *action {
            SessionAction::AcceptSession { node, operator, .. } => {
                (session.stage, session.operator) = (SessionStage::Active, Some(operator));
                (session.accepted, session.ends) = (now, now + session.offer.session_slots);
                let obligation = session.closing() + session.offer.window_slots + dispute;
                let node = &mut self.nodes[node];
                node.locked += session.offer.bond;
                node.open_jobs += 1;
                node.record.standing.seen_slot = now;
                node.last_obligation = node.last_obligation.max(obligation);
            }
            SessionAction::CancelSession { .. } => {
                (session.stage, session.credit_client) = (SessionStage::Cancelled, session.offer.balance);
            }
            SessionAction::ExpireSession { .. } => {
                (session.stage, session.credit_client) = (SessionStage::Expired, session.offer.balance);
            }
            SessionAction::EndSession { .. } => session.ends = session.ends.min(now),
            SessionAction::RecordVoucher { amount, .. } => session.paid = amount,
            SessionAction::OpenReceipt { caller, sequence, .. } => {
                assert_eq!(sequence, session.receipts.len(), "another one of a sequence that is gone");
                session.receipts.push((caller, now, ReceiptStage::Open));
            }
            SessionAction::FinaliseReceipt { sequence, .. } => session.receipts[sequence].2 = ReceiptStage::Stood,
            SessionAction::CloseReceipt { sequence, .. } => session.receipts[sequence].2 = ReceiptStage::Closed,
            SessionAction::FinaliseSession { node, .. } => {
                session.stage = SessionStage::Settled;
                session.credit_fee = share(session.paid, session.fee_bps);
                session.credit_node = session.paid - session.credit_fee;
                session.credit_client = session.offer.balance - session.paid;
                let node = &mut self.nodes[node];
                node.locked -= session.offer.bond;
                node.open_jobs -= 1;
                node.settled += 1;
            }
            SessionAction::WithdrawSessionCredit { role, destination, .. } => {
                let (credit, payee) = match role {
                    CreditRole::Node => (std::mem::take(&mut session.credit_node), CLIENTS + session.node),
                    CreditRole::Client => (std::mem::take(&mut session.credit_client), session.client),
                };
                session.vault -= credit;
                self.wallets[receiver(payee, destination)][session.mint] += credit;
            }
            SessionAction::CloseSession { .. } => {
                session.stage = SessionStage::Closed;
                self.mints[session.mint].fee_vault += std::mem::take(&mut session.vault);
            }
            SessionAction::DonateToSession { amount, .. } => session.vault += amount,
            SessionAction::OpenSession { .. } => unreachable!("looked at before"),
        }
    }
}
