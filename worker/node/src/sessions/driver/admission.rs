//! Everything before the acceptance, and loading the model again after a restart.

use super::{SessionDriver, given_artifacts};
use crate::breaker::Stopped;
use crate::defence::cost::DefenceCost;
use crate::driver::{DriveError, LONGEST_WAIT, Stake};
use crate::failpoint;
use crate::journal::SessionStage;
use crate::market::{Market, SessionAction};
use crate::prepare::NotWhole;
use crate::refusal::Refusal;
use crate::sessions::material::Material;
use crate::sessions::terms::refuse_terms;
use assay::state::Session;
use assay::units::BasisPoints;
use assay_kernels::TensorSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

impl<M: Market> SessionDriver<M> {
    /// Comes one step closer to accepting, cheapest first: terms, a place, stake, then graph and params, then the model.
    pub(super) async fn admit(&mut self, session: &Session, cancel: &CancellationToken) -> Result<(), DriveError> {
        if let Some(refusal) = refuse_terms(session, &self.shared.config.now()) {
            return self.skip(refusal);
        }
        if let Some(stopped) = self.shared.stopped(&self.address, self.looked)? {
            self.wait_for_breaker(stopped, cancel).await;
            return Ok(());
        }
        let most = self.shared.config.now().sessions.most_sessions;
        if !self.shared.sessions.take(&self.address, most) {
            let reason = format!("this node serves {most} sessions already");
            self.progress.trouble =
                Some(Refusal::new("N0219", reason, "offer it to another node, or raise sessions.most_sessions"));
            self.wait_a_little(cancel).await;
            return Ok(());
        }
        if !self.has_stake(session, cancel).await? {
            return Ok(());
        }
        if self.progress.material.is_none() {
            if let Some(refusal) = self.shared.full_store(1, self.looked).await? {
                self.progress.trouble = Some(refusal);
                self.wait_a_little(cancel).await;
                return Ok(());
            }
            if !self.bring_material(session, cancel).await? {
                return Ok(());
            }
        }
        let Some((material, _)) = &self.progress.material else { return Ok(()) };
        let largest = match material.extremes() {
            Ok(forms) => forms,
            Err(refusal) => return self.skip(refusal),
        };
        let fee = self.shared.market.most_fee_lamports();
        let cost = largest.first().map(|form| DefenceCost::of(&form.graph, fee));
        let artifacts: Vec<[u8; 32]> = given_artifacts(session).map(|id| *id.as_bytes()).collect();
        self.shared.journal.hold(&self.address, &artifacts)?;
        self.save(session.price, |record| record.defence = cost)?;
        failpoint::reach("after_session_admit");
        Ok(())
    }

    /// Fetches and checks graph and params, and loads the model at the least and the greatest values of its symbols.
    pub(super) async fn bring_material(
        &mut self,
        session: &Session,
        cancel: &CancellationToken,
    ) -> Result<bool, DriveError> {
        let shared = Arc::clone(&self.shared);
        let bringing = async {
            let _place = Arc::clone(&shared.fetching).acquire_owned().await;
            let time = Duration::from_secs(shared.config.now().limits.fetch_seconds);
            let config = shared.config.now();
            let material = Material::of(session, &shared.artifacts, &config);
            tokio::time::timeout(time, material).await.unwrap_or_else(|_| {
                Err(NotWhole::Passing(Refusal::new(
                    "N0201",
                    format!("graph and params did not arrive within {} s", time.as_secs()),
                    "serve them from a faster store, or raise limits.fetch_seconds",
                )))
            })
        };
        let material = tokio::select! {
            material = bringing => material,
            () = cancel.cancelled() => return Ok(false),
        };
        let material = match material {
            Ok(material) => material,
            Err(NotWhole::Refused(refusal)) => return self.give_up(refusal).map(|()| false),
            Err(NotWhole::Passing(refusal)) => {
                self.progress.trouble = Some(refusal.clone());
                return Err(DriveError::Artifacts(refusal));
            }
        };
        let forms = match material.extremes() {
            Ok(forms) => forms,
            Err(refusal) => return self.give_up(refusal).map(|()| false),
        };
        let most_forms = self.shared.config.now().sessions.loaded_forms;
        let warm = self.shared.engine.keep_warm(session.graph_root, session.params_root, most_forms);
        let prepared: Vec<_> = forms.iter().map(|form| material.prepared(form, TensorSet::new())).collect();
        let shared = Arc::clone(&self.shared);
        let load = move || shared.load_warm(&warm, &prepared).map(|()| warm);
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|error| DriveError::Engine(error.to_string()))?;
        let warm = match loaded {
            Ok(warm) => warm,
            Err(NotWhole::Refused(refusal)) => return self.give_up(refusal).map(|()| false),
            Err(NotWhole::Passing(refusal)) => {
                self.progress.trouble = Some(refusal.clone());
                return Err(DriveError::Artifacts(refusal));
            }
        };
        self.progress.trouble = None;
        self.progress.material = Some((material, warm));
        Ok(true)
    }

    /// Refuses for good what is not accepted yet; what is accepted is tried again, because a bond depends on it.
    fn give_up(&mut self, refusal: Refusal) -> Result<(), DriveError> {
        let is_accepted = self.shared.journal.session(&self.address)?;
        if is_accepted.is_some_and(|record| record.stage == SessionStage::Accepted) {
            return Err(DriveError::Artifacts(refusal));
        }
        self.skip(refusal)
    }

    async fn has_stake(&mut self, session: &Session, cancel: &CancellationToken) -> Result<bool, DriveError> {
        let heard = self.ears.hear_node();
        let seen = self.shared.market.node(self.looked.max(heard)).await?;
        let slash = BasisPoints(u32::from(session.dispute.slash_bps));
        match Stake::of(seen.account.as_ref(), session.bond, slash, 0) {
            Stake::Enough => Ok(true),
            Stake::TooLittle(refusal) => self.skip(refusal).map(|()| false),
            Stake::Locked => {
                tokio::select! {
                    () = self.ears.node_or_job() => {}
                    () = cancel.cancelled() => {}
                    () = tokio::time::sleep(LONGEST_WAIT) => {}
                }
                Ok(false)
            }
        }
    }

    pub(super) async fn accept(&mut self, session: &Session, cancel: &CancellationToken) -> Result<(), DriveError> {
        if let Some(stopped) = self.shared.stopped(&self.address, self.looked)? {
            self.wait_for_breaker(stopped, cancel).await;
            return Ok(());
        }
        if !self.shared.sessions.take(&self.address, self.shared.config.now().sessions.most_sessions) {
            self.wait_a_little(cancel).await;
            return Ok(());
        }
        if !self.has_stake(session, cancel).await? {
            return Ok(());
        }
        // After a restart the model is loaded again before anything is promised.
        if self.progress.material.is_none() && !self.bring_material(session, cancel).await? {
            return Ok(());
        }
        let cost = self.shared.journal.session(&self.address)?.and_then(|record| record.defence);
        let balance = self.shared.market.balance_lamports().await?;
        self.shared.breaker_saw_balance(balance)?;
        let needed = self.needed_lamports(cost);
        if let Err(shortage) = self.shared.reserve.take_on(&self.address, needed, balance) {
            let refusal = shortage.refusal(&self.shared.market.operator());
            if self.progress.trouble.as_ref() != Some(&refusal) {
                tracing::warn!(
                    session = %self.address, code = refusal.code, reason = refusal.reason, remedy = refusal.remedy,
                    "no session is accepted that could not be defended"
                );
            }
            self.shared.reserve.hold_back(&self.address, refusal.clone());
            self.progress.trouble = Some(refusal);
            self.wait_a_little(cancel).await;
            return Ok(());
        }
        if let Some(stopped) = self.shared.stopped_at_claim(&self.address, self.looked)? {
            self.wait_for_breaker(stopped, cancel).await;
            return Ok(());
        }
        self.progress.trouble = None;
        let accepted = self.promise(session, &SessionAction::Accept).await;
        // A session may be silent for long: what it shows is noted when it is asked something, and meanwhile others may be tried.
        if self.shared.journal.session(&self.address)?.is_none_or(|record| record.in_flight.is_none()) {
            self.shared.gives_trial_back(&self.address)?;
        }
        accepted
    }

    /// Waits until the breaker lets promises through, or may; the place among sessions is others' to use.
    async fn wait_for_breaker(&mut self, mut stopped: Stopped, cancel: &CancellationToken) {
        self.shared.sessions.leave(&self.address);
        self.shared.reserve.free(&self.address);
        self.progress.trouble = Some(stopped.refusal());
        let shared = Arc::clone(&self.shared);
        stopped.over(&shared.board, &mut self.ears, cancel).await;
    }
}
