//! Transactions: written down before they are sent, signed anew only when the old one can never land.

use super::SessionDriver;
use crate::driver::{ClaimRefusal, DriveError, MOST_REFUSED_CLAIMS, MOST_REFUSED_WITHDRAWALS};
use crate::failpoint;
use crate::journal::{InFlight, SessionOutcome, SessionPurpose, SessionStage};
use crate::market::{Fate, Market, SessionAction, Signed};
use crate::refusal::Refusal;
use assay::state::Session;

impl<M: Market> SessionDriver<M> {
    /// Writes the signed transaction to the journal, sends it, and notes its fate.
    pub(super) async fn promise(&mut self, session: &Session, action: &SessionAction) -> Result<(), DriveError> {
        let signed = match self.shared.market.sign_session(&self.address, session, action).await? {
            Signed::Ready(signed) => signed,
            Signed::Refused { code, reason } => {
                return self.refused(action.purpose(), Some(session), code, reason);
            }
        };
        let owed = (session.credits.node > 0).then_some(session.credits.node);
        self.save(session.price, |record| {
            record.in_flight = Some(signed.clone());
            record.payment = owed.or(record.payment);
            record.mint = Some(session.payment_mint.to_string());
        })?;
        failpoint::reach(points(action.purpose())[0]);
        self.settle_fate(&signed, Some(session)).await
    }

    /// Finds out what became of a transaction that was signed earlier, perhaps in another life.
    pub(super) async fn resolve(&mut self, session: Option<&Session>) -> Result<(), DriveError> {
        match self.shared.journal.session(&self.address)?.and_then(|record| record.in_flight) {
            Some(in_flight) => self.settle_fate(&in_flight, session).await,
            None => Ok(()),
        }
    }

    async fn settle_fate(
        &mut self,
        transaction: &InFlight<SessionPurpose>,
        session: Option<&Session>,
    ) -> Result<(), DriveError> {
        let purpose = transaction.purpose;
        let fate = self.shared.market.submit(transaction).await?;
        tracing::info!(session = %self.address, ?purpose, ?fate, "transaction");
        failpoint::reach(points(purpose)[1]);
        if let Fate::Landed { slot } = fate {
            // What is looked at from now on has this transaction in it.
            self.looked = self.looked.max(slot);
        }
        self.save(0, |record| {
            record.in_flight = None;
            let Fate::Landed { slot } = fate else { return };
            match purpose {
                SessionPurpose::Accept => record.stage = SessionStage::Accepted,
                SessionPurpose::Record => record.recorded_slot = slot,
                SessionPurpose::Finalise | SessionPurpose::Withdraw => {}
            }
        })?;
        match fate {
            Fate::Landed { .. } => {
                failpoint::reach(points(purpose)[2]);
                Ok(())
            }
            Fate::Failed { code, reason } => self.refused(purpose, session, code, reason),
            // The chain decides again: the next step is taken from its state.
            Fate::Expired => Ok(()),
        }
    }

    /// After a refusal the chain's state decides again, after a pause.
    fn refused(
        &mut self,
        purpose: SessionPurpose,
        session: Option<&Session>,
        code: String,
        reason: String,
    ) -> Result<(), DriveError> {
        match (purpose, ClaimRefusal::of(&code)) {
            (SessionPurpose::Accept, ClaimRefusal::Stake) => {
                return self.skip(Refusal::new("N0208", reason, "stake more with `assay node stake`"));
            }
            (SessionPurpose::Accept, ClaimRefusal::Other) => {
                self.progress.refused_accepts = self.progress.refused_accepts.saturating_add(1);
                if self.progress.refused_accepts >= MOST_REFUSED_CLAIMS {
                    let reason = format!("the acceptance was refused: {code} {reason}");
                    return self.finish(SessionOutcome::Lost { reason });
                }
            }
            (SessionPurpose::Withdraw, _) => {
                self.progress.refused_withdrawals = self.progress.refused_withdrawals.saturating_add(1);
                if self.progress.refused_withdrawals >= MOST_REFUSED_WITHDRAWALS {
                    let amount = session.map_or(0, |session| session.credits.node);
                    let reason = format!("the withdrawal was refused: {code} {reason}");
                    return self.finish(SessionOutcome::Credited { amount, reason });
                }
            }
            _ => {}
        }
        Err(DriveError::Refused { code, reason })
    }
}

/// Names of the places around a transaction at which a test can make the process die: written down and not sent; its fate is
/// known and not written down; written down.
fn points(purpose: SessionPurpose) -> [&'static str; 3] {
    match purpose {
        SessionPurpose::Accept => ["after_accept_signed", "after_accept_unrecorded", "after_accept_landed"],
        SessionPurpose::Record => ["after_record_signed", "after_record_unrecorded", "after_record_landed"],
        SessionPurpose::Finalise => {
            ["after_session_finalise_signed", "after_session_finalise_unrecorded", "after_session_finalise_landed"]
        }
        SessionPurpose::Withdraw => {
            ["after_session_withdraw_signed", "after_session_withdraw_unrecorded", "after_session_withdraw_landed"]
        }
    }
}
