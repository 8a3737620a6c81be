//! From a payment that is what was offered to a session that is served: sent, confirmed, seen by the driver, accepted.
//!
//! Each payment goes on in a task of its own, whoever waits for it. It holds a place among the payments under way and one among the
//! sessions, so that no stranger pays for a session that this node has no room for. Nothing of it is written down: a node that is
//! killed meanwhile finds the session on the chain, offered to it, like any other.

use super::offer::Offer;
use super::refused::PaymentRefused;
use super::verify::Opening;
use crate::defence::exposure::Exposure;
use crate::driver::{Shared, Stake};
use crate::journal::{SessionOutcome, SessionRecord, SessionStage};
use crate::market::{Fate, Market};
use crate::refusal::Refusal;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Between two looks whether a session is served.
const LOOK: Duration = Duration::from_millis(20);
/// Looks after which the journal is asked what became of a session.
const LOOKS_PER_READING: u32 = 10;
/// Slots after the last one for accepting in which the driver notices that it was.
const LEEWAY_SLOTS: u64 = 50;

/// How far a payment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not confirmed, or confirmed and not accepted.
    UnderWay,
    /// The session is served.
    Served,
    /// There is none.
    Ended(PaymentRefused),
}

/// The transaction of a payment, and how far it has come.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) signature: Signature,
    pub(super) stage: Stage,
}

/// What a payment holds while it is under way.
struct Held<M: Market> {
    shared: Arc<Shared<M>>,
    session: Pubkey,
    _place: OwnedSemaphorePermit,
}

impl<M: Market> Drop for Held<M> {
    fn drop(&mut self) {
        self.shared.sessions.payments.under_way().remove(&self.session);
        self.shared.sessions.unpromise(&self.session);
    }
}

impl<M: Market> Shared<M> {
    /// Sends a payment, unless it is under way already, and waits at most `time` until its session is served.
    ///
    /// # Errors
    /// It is not served, or not yet.
    pub(super) async fn opened(
        self: &Arc<Self>,
        opening: &Opening,
        offer: &Offer,
        time: Duration,
    ) -> Result<(), PaymentRefused> {
        let mut progress = self.begin_opening(opening, offer)?;
        let ended = progress.wait_for(|progress| progress.stage != Stage::UnderWay);
        let stage = match tokio::time::timeout(time, ended).await {
            Ok(Ok(progress)) => progress.stage.clone(),
            // Later, or never because the node ends: either way the client finds out by sending the same again.
            Ok(Err(_)) | Err(_) => Stage::UnderWay,
        };
        match stage {
            Stage::Served => Ok(()),
            Stage::UnderWay => Err(PaymentRefused::Pending),
            Stage::Ended(refused) => Err(refused),
        }
    }

    fn begin_opening(
        self: &Arc<Self>,
        opening: &Opening,
        offer: &Offer,
    ) -> Result<watch::Receiver<Progress>, PaymentRefused> {
        let payments = &self.sessions.payments;
        let mut under_way = payments.under_way();
        if let Some(progress) = under_way.get(&opening.session) {
            let is_same = progress.borrow().signature == opening.signature();
            return if is_same { Ok(progress.clone()) } else { Err(PaymentRefused::UnderWay) };
        }
        if payments.stop.is_cancelled() {
            return Err(PaymentRefused::Unable("the node is shutting down".to_owned()));
        }
        let place = Arc::clone(&payments.places).try_acquire_owned();
        let place = place.map_err(|_| PaymentRefused::Unable("too many payments are under way".to_owned()))?;
        if !self.sessions.promise(&opening.session, self.config.now().sessions.most_sessions) {
            return Err(PaymentRefused::Unable("it serves as many sessions as it may".to_owned()));
        }
        let (sender, progress) = watch::channel(Progress { signature: opening.signature(), stage: Stage::UnderWay });
        under_way.insert(opening.session, progress.clone());
        let held = Held { shared: Arc::clone(self), session: opening.session, _place: place };
        let (opening, offer, stop) = (opening.clone(), offer.clone(), payments.stop.clone());
        tokio::spawn(async move {
            let stage = tokio::select! {
                stage = held.shared.open(&opening, &offer) => stage,
                () = stop.cancelled() => return,
            };
            tracing::info!(session = %opening.session, client = %opening.client, ?stage, "payment");
            // Whoever sends it again from now on finds the session, or what keeps it away.
            drop(held);
            sender.send_modify(|progress| progress.stage = stage);
        });
        Ok(progress)
    }

    async fn open(&self, opening: &Opening, offer: &Offer) -> Stage {
        let is_known = self.sessions.get(&opening.session).is_some() || self.record_of(opening).await.is_some();
        if !is_known && let Err(reason) = self.could_accept(&opening.session, offer).await {
            return Stage::Ended(PaymentRefused::Unable(reason));
        }
        let slot = match self.market.settle(&opening.transaction).await {
            Ok(Fate::Landed { slot }) => slot,
            Ok(Fate::Failed { code, reason }) => return Stage::Ended(PaymentRefused::Failed { code, reason }),
            Ok(Fate::Expired) => return Stage::Ended(PaymentRefused::Expired),
            // It may land all the same: the client sends the same again and finds out.
            Err(error) => {
                tracing::warn!(session = %opening.session, %error, "what became of a payment is not known yet");
                return Stage::Ended(PaymentRefused::Pending);
            }
        };
        let last_slot = slot.saturating_add(offer.terms.accept_slots).saturating_add(LEEWAY_SLOTS);
        let mut looks = 0u32;
        loop {
            if self.sessions.get(&opening.session).is_some() {
                return Stage::Served;
            }
            if looks.is_multiple_of(LOOKS_PER_READING) {
                match self.record_of(opening).await.map(|record| record.stage) {
                    Some(SessionStage::Finished(SessionOutcome::Skipped(refusal))) => {
                        return Stage::Ended(PaymentRefused::NotAccepted(refusal));
                    }
                    Some(SessionStage::Finished(_)) => return Stage::Ended(PaymentRefused::Over),
                    Some(SessionStage::Admitted | SessionStage::Accepted) => {}
                    None if self.board.slot() > last_slot => return Stage::Ended(PaymentRefused::Over),
                    None => {}
                }
            }
            looks = looks.wrapping_add(1);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the journal knows of the session; nothing, too, while the journal cannot be read.
    async fn record_of(&self, opening: &Opening) -> Option<SessionRecord> {
        self.journal.session(&opening.session).ok().flatten()
    }

    /// Whether the driver would accept a session with these terms now: what it would wait for keeps a client's money meanwhile.
    async fn could_accept(&self, session: &Pubkey, offer: &Offer) -> Result<(), String> {
        let said = |refusal: Refusal| refusal.code;
        if let Some(stopped) = self.stopped(session, 0).map_err(|error| error.to_string())? {
            return Err(said(stopped.refusal()));
        }
        let seen = self.market.node(0).await.map_err(|error| error.to_string())?;
        match Stake::of(seen.account.as_ref(), offer.terms.bond, offer.slash, 0) {
            Stake::Enough => {}
            Stake::Locked => return Err("N0208: other bonds lock its stake".to_owned()),
            Stake::TooLittle(refusal) => return Err(said(refusal)),
        }
        let balance = self.market.balance_lamports().await.map_err(|error| error.to_string())?;
        let exposure = Exposure { is_challengeable: true, ..Exposure::default() };
        let needed = self.needed_lamports(offer.defence, &exposure);
        let covered = self.reserve.covers(session, needed, balance);
        covered.map_err(|shortage| said(shortage.refusal(&self.market.operator())))
    }
}
