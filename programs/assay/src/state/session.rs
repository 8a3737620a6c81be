//! A session: a model kept warm on one node for a time, its escrow, and where it is in its life.

use super::versioned::versioned_account;
use super::{check_invariant, check_version, DisputeTerms, JobNode};
use crate::address::SESSION_SEED;
use crate::error::{AssayError, Checked};
use crate::market::{settle, Deadline, MAXIMUM_URI_BYTES};
use crate::session::{SessionEvent, SessionState};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// What the vault of a session owes to whom, in base units of the payment mint. Written when the session ends.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCredits {
    /// To `payee`.
    pub node: u64,
    /// To `client`.
    pub client: u64,
    /// To the fee vault.
    pub fee: u64,
}

impl SessionCredits {
    /// Everything that is owed.
    pub fn total(&self) -> Checked<TokenAmount> {
        TokenAmount(self.node).plus(TokenAmount(self.client))?.plus(TokenAmount(self.fee))
    }
}

/// One session. Prices are base units of the payment mint, bonds of the stake mint.
///
/// The strings come last, so that everything before them lies at a fixed offset; the account is exactly as long as they
/// need. After opening, the terms (all down to `offered_slot`, and the strings) never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Where the session is in its life.
    pub state: SessionState,
    /// Who opened it and pays.
    pub client: Pubkey,
    /// The client's number for it, from the counter that numbers its jobs; never used twice.
    pub session_id: u64,
    /// The mint of price and balance.
    pub payment_mint: Pubkey,
    /// Node account that it is offered to.
    pub node: Pubkey,
    /// Key that signs receipts: the node's operator when it accepted; zero before.
    pub operator: Pubkey,
    /// Key that owns the node's credit: the node's withdraw authority; zero before the node accepted.
    pub payee: Pubkey,
    /// The token account that holds the escrow.
    pub vault: Pubkey,

    /// Root of the graph.
    pub graph_root: [u8; 32],
    /// Root of weights, biases, multipliers and tables.
    pub params_root: [u8; 32],
    /// Version of the graph language.
    pub ir_version: u16,
    /// Key that signs vouchers. It can spend the balance on this session, and nothing else.
    pub voucher_key: Pubkey,
    /// What one request costs.
    pub price: u64,
    /// What is escrowed: no voucher beyond it counts.
    pub balance: u64,
    /// The last slot of accepting is `offered_slot + accept_slots`.
    pub accept_slots: u64,
    /// The last slot of serving is `accepted_slot + session_slots`, unless one of the parties ends it before.
    pub session_slots: u64,
    /// Vouchers and receipts count until `ends_slot + window_slots`; a receipt that is called in can be challenged for so long.
    pub window_slots: u64,
    /// What the node locks for the session.
    pub bond: u64,
    /// The protocol's share of what is paid, as it was when the session was opened.
    pub protocol_fee_bps: u16,
    /// The terms of disputes, as they were when the session was opened.
    pub dispute: DisputeTerms,
    /// When the session was opened.
    pub offered_slot: u64,

    /// When the node accepted; 0 before.
    pub accepted_slot: u64,
    /// The last slot of serving; 0 before the node accepted.
    pub ends_slot: u64,
    /// Amount of the greatest voucher on record.
    pub paid: u64,
    /// What the vault owes; zero before the end.
    pub credits: SessionCredits,
    /// Receipts that are called in and have not ended.
    pub open_receipts: u32,
    /// Receipts that were ever called in.
    pub receipts_opened: u64,

    /// Where the graph can be fetched.
    #[max_len(MAXIMUM_URI_BYTES)]
    pub graph_uri: String,
    /// Where the parameters can be fetched.
    #[max_len(MAXIMUM_URI_BYTES)]
    pub params_uri: String,
}

versioned_account!(Session, [243, 81, 72, 115, 214, 188, 72, 144]);

impl Session {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Offset of `state` in the account's data, for filters.
    pub const STATE_OFFSET: usize = 10;
    /// Offset of `client` in the account's data, for filters.
    pub const CLIENT_OFFSET: usize = 11;
    /// Offset of `node` in the account's data, for filters.
    pub const NODE_OFFSET: usize = 83;

    /// Size of the account's data when its two strings have `uri_bytes` bytes together.
    pub const fn space(uri_bytes: usize) -> usize {
        const TWO_LONGEST_URIS: usize = MAXIMUM_URI_BYTES.saturating_mul(2);
        const WITHOUT_URIS: usize =
            Session::INIT_SPACE.saturating_sub(TWO_LONGEST_URIS).saturating_add(Session::DISCRIMINATOR.len());
        WITHOUT_URIS.saturating_add(uri_bytes)
    }

    /// Until when the node can accept.
    pub fn accept_deadline(&self) -> Checked<Deadline> {
        Deadline::new(Slot(self.offered_slot), Slots(self.accept_slots))
    }

    /// Until when vouchers are recorded and receipts called in; means something once the node accepted.
    pub fn closing_deadline(&self) -> Checked<Deadline> {
        Deadline::new(Slot(self.ends_slot), Slots(self.window_slots))
    }

    /// The last slot at which a dispute over a receipt can end that is called in, and challenged, at the last moment.
    pub fn last_obligation(&self) -> Checked<Slot> {
        self.closing_deadline()?.last().plus(Slots(self.window_slots))?.plus(self.dispute.longest_slots())
    }

    /// Pins the node's keys and starts the time of the session.
    pub fn accept(&mut self, by: JobNode, now: Slot) -> Checked {
        let state = self.state.after(SessionEvent::Accept)?;
        if by.node != self.node {
            return Err(AssayError::WrongNode);
        }
        self.operator = by.operator;
        self.payee = by.payee;
        self.accepted_slot = now.0;
        self.ends_slot = now.plus(Slots(self.session_slots))?.0;
        self.state = state;
        Ok(())
    }

    /// Ends serving at `now`, unless it ended before.
    pub fn end(&mut self, now: Slot) -> Checked {
        self.check_active()?;
        self.ends_slot = self.ends_slot.min(now.0);
        Ok(())
    }

    /// Records a voucher. `SessionTimeOver`, `VoucherTooSmall`, `VoucherBeyondBalance`.
    pub fn record_voucher(&mut self, amount: TokenAmount, now: Slot) -> Checked {
        self.check_takes_more(now)?;
        if amount.0 <= self.paid {
            return Err(AssayError::VoucherTooSmall);
        }
        if amount.0 > self.balance {
            return Err(AssayError::VoucherBeyondBalance);
        }
        self.paid = amount.0;
        Ok(())
    }

    /// Counts a receipt that is called in. `SessionTimeOver`.
    pub fn open_receipt(&mut self, now: Slot) -> Checked {
        self.check_takes_more(now)?;
        self.open_receipts = self.open_receipts.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        self.receipts_opened = self.receipts_opened.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Counts a receipt that has ended.
    pub fn end_receipt(&mut self) -> Checked {
        self.open_receipts = self.open_receipts.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        Ok(())
    }

    /// Counts a receipt that is convicted, and says whether it is the first one of the session: that one takes the bond, and
    /// the client gets the whole balance back, whatever it had signed vouchers for.
    pub fn convict_receipt(&mut self) -> Checked<bool> {
        let first = self.state != SessionState::Convicted;
        if first {
            self.state = self.state.after(SessionEvent::Convict)?;
            self.credits = SessionCredits { client: self.balance, ..SessionCredits::default() };
        }
        self.end_receipt()?;
        Ok(first)
    }

    /// Ends the session when its time is over: the greatest voucher is paid, the rest goes back.
    ///
    /// `SessionTimeLeft`, `ReceiptsOpen`.
    pub fn finalise(&mut self, now: Slot) -> Checked {
        let state = self.state.after(SessionEvent::Finalise)?;
        if !self.closing_deadline()?.has_passed(now) {
            return Err(AssayError::SessionTimeLeft);
        }
        if self.open_receipts != 0 {
            return Err(AssayError::ReceiptsOpen);
        }
        let fee_share = BasisPoints(u32::from(self.protocol_fee_bps));
        let split = settle(TokenAmount(self.balance), TokenAmount(self.paid), fee_share)?;
        self.credits = SessionCredits { node: split.node.0, client: split.client.0, fee: split.fee.0 };
        self.state = state;
        Ok(())
    }

    /// Ends an offer by `event` (cancel or expire) and owes the whole balance to the client.
    pub fn refund(&mut self, event: SessionEvent) -> Checked {
        let state = self.state.after(event)?;
        if !matches!(state, SessionState::Cancelled | SessionState::Expired) {
            return Err(AssayError::IllegalSessionTransition);
        }
        self.credits = SessionCredits { client: self.balance, ..SessionCredits::default() };
        self.state = state;
        Ok(())
    }

    /// Whether a receipt could still be called in.
    pub fn takes_receipts(&self, now: Slot) -> Checked<bool> {
        Ok(self.state == SessionState::Active && !self.closing_deadline()?.has_passed(now))
    }

    /// What the vault must hold: the escrow until it is shared out, then what is owed of it.
    pub fn liabilities(&self) -> Checked<TokenAmount> {
        match self.state {
            SessionState::Offered | SessionState::Active => Ok(TokenAmount(self.balance)),
            _ => self.credits.total(),
        }
    }

    /// `SessionNotEnded`, `ReceiptsOpen` or `CreditsOutstanding` unless the session has ended and owes nothing but the fee.
    pub fn check_closable(&self) -> Checked {
        if !self.state.is_end() {
            return Err(AssayError::SessionNotEnded);
        }
        if self.open_receipts != 0 {
            return Err(AssayError::ReceiptsOpen);
        }
        if self.credits.node != 0 || self.credits.client != 0 {
            return Err(AssayError::CreditsOutstanding);
        }
        Ok(())
    }

    /// Hands `sign` the seeds, bump included, that let the session sign for its vault.
    pub fn with_signer_seeds<T>(&self, sign: impl FnOnce(&[&[u8]]) -> T) -> T {
        sign(&[SESSION_SEED, self.client.as_ref(), &self.session_id.to_le_bytes(), &[self.bump]])
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let owed = self.credits.total()?.0;
        let accepted = self.operator != Pubkey::default();
        let holds = match self.state {
            SessionState::Offered => !accepted && owed == 0 && self.open_receipts == 0,
            SessionState::Active => accepted && owed == 0,
            SessionState::Cancelled | SessionState::Expired => {
                !accepted && owed == self.credits.client && self.open_receipts == 0
            }
            SessionState::Settled => accepted && self.open_receipts == 0,
            SessionState::Convicted => accepted && owed == self.credits.client,
        };
        let paid = self.paid == 0 || accepted;
        let counted = u64::from(self.open_receipts) <= self.receipts_opened;
        check_invariant(holds && paid && counted && self.paid <= self.balance && owed <= self.balance)
    }

    fn check_active(&self) -> Checked {
        if self.state == SessionState::Active {
            Ok(())
        } else {
            Err(AssayError::IllegalSessionTransition)
        }
    }

    fn check_takes_more(&self, now: Slot) -> Checked {
        self.check_active()?;
        if self.closing_deadline()?.has_passed(now) {
            return Err(AssayError::SessionTimeOver);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
