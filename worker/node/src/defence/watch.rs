//! Looks at the operator key's balance, and tells people when it no longer covers the defence of the open jobs.

use super::cost::DefenceCost;
use super::exposure::Exposure;
use super::reserve::{Reserve, Turned};
use crate::driver::Shared;
use crate::journal::{JournalError, Record, SessionRecord, Stage};
use crate::market::{Market, Unreachable};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Slots between two looks while nothing changes: some ten seconds.
const LOOK_SLOTS: u32 = 25;
/// The shortest and the longest pause between two looks.
const LOOK_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(20));
/// Between a change and the look that follows it, so that many changes cost one look.
const SETTLE: Duration = Duration::from_millis(50);

impl<M: Market> Shared<M> {
    /// What a job needs that can be disputed as `exposure` says.
    pub(crate) fn needed_lamports(&self, cost: Option<DefenceCost>, exposure: &Exposure) -> u64 {
        let fee = self.market.most_fee_lamports();
        // A job that an earlier version took on: as dear as any.
        let cost = cost.unwrap_or_else(|| DefenceCost::of_any_graph(fee)).at_fee(fee);
        let openings = exposure.needed_lamports(&cost, self.config.now().disputes.reserved_challenges);
        openings.saturating_add(Reserve::upkeep_lamports(fee))
    }

    /// Notes what the jobs that the journal knows as open need, before any driver claims another.
    ///
    /// # Errors
    /// The journal failed.
    pub fn adopt_reserve(&self) -> Result<(), JournalError> {
        for (job, record) in self.journal.live()? {
            if is_open(&record) {
                let exposure = Exposure { is_challengeable: true, ..Exposure::default() };
                self.reserve.set(&job, self.needed_lamports(record.defence, &exposure));
            }
        }
        Ok(())
    }

    /// Counts anew what everything open that the journal knows needs, where that became more: the cap of the fees was raised.
    ///
    /// # Errors
    /// The journal failed.
    pub fn raise_reserve(&self) -> Result<(), JournalError> {
        let exposure = Exposure { is_challengeable: true, ..Exposure::default() };
        let raise = |address: &Pubkey, cost| self.reserve.raise(address, self.needed_lamports(cost, &exposure));
        for (job, record) in self.journal.live()?.iter().filter(|(_, record)| is_open(record)) {
            raise(job, record.defence);
        }
        for (session, record) in self.journal.live_sessions()?.iter().filter(|(_, record)| record.may_be_bound()) {
            raise(session, record.defence);
        }
        Ok(())
    }

    /// Looks at the balance once, and tells people if it became too little, or enough again.
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn look_at_reserve(&self) -> Result<(), Unreachable> {
        let balance = self.market.balance_lamports().await?;
        let turned = self.reserve.look(balance);
        if let Err(error) = self.breaker_saw_balance(balance) {
            tracing::error!(%error, "what the breaker saw cannot be written down");
        }
        let funds = self.reserve.funds();
        let (needed, lacking, operator) = (funds.needed_lamports, funds.lacking_lamports, self.market.operator());
        match turned {
            Turned::Short => tracing::error!(
                code = "N0406", balance, needed, lacking, %operator,
                "the operator key cannot pay for the defence of the open jobs: send it what is lacking"
            ),
            Turned::Covered => {
                tracing::info!(balance, needed, "the operator key can pay for the defence of the open jobs again");
            }
            Turned::Nothing => {}
        }
        Ok(())
    }
}

/// Whether the node has, or may have, a bond in the job.
fn is_open(record: &Record) -> bool {
    record.in_flight.is_some() || !matches!(record.stage, Stage::Admitted | Stage::Finished(_))
}

/// Looks from time to time, and whenever a job comes, goes or is disputed, until `stop`.
pub(crate) async fn watch_reserve<M: Market>(shared: Arc<Shared<M>>, stop: CancellationToken) {
    let watching = async {
        let mut changes = shared.reserve.listen();
        let mut fee = shared.market.most_fee_lamports();
        loop {
            let now = shared.market.most_fee_lamports();
            if now > fee
                && let Err(error) = shared.raise_reserve()
            {
                tracing::error!(%error, "the fees may be higher now, and what the open jobs need is not known");
            }
            fee = now;
            if let Err(error) = shared.look_at_reserve().await {
                tracing::warn!(%error, "the balance of the operator key is not known");
            }
            let pause = shared.board.slot_time().saturating_mul(LOOK_SLOTS).clamp(LOOK_PAUSE.0, LOOK_PAUSE.1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // The sender is in `shared`: waiting cannot fail.
                _ = changes.changed() => tokio::time::sleep(SETTLE).await,
            }
        }
    };
    stop.run_until_cancelled(watching).await;
}

/// What the journal says of the defence of jobs and sessions, for people who ask while the node does not run.
pub fn needed_by(
    records: &[(Pubkey, Record)],
    sessions: &[SessionRecord],
    reserved_challenges: u32,
    fee_lamports: u64,
) -> u64 {
    let exposure = Exposure { is_challengeable: true, ..Exposure::default() };
    let of_jobs = records.iter().filter(|(_, record)| is_open(record)).map(|(_, record)| record.defence);
    let of_sessions = sessions.iter().filter(|record| record.may_be_bound()).map(|record| record.defence);
    of_jobs.chain(of_sessions).fold(Reserve::base_lamports(), |sum, cost| {
        let cost = cost.unwrap_or_else(|| DefenceCost::of_any_graph(fee_lamports)).at_fee(fee_lamports);
        let needed = exposure.needed_lamports(&cost, reserved_challenges);
        sum.saturating_add(needed).saturating_add(Reserve::upkeep_lamports(fee_lamports))
    })
}
