//! Says on-chain that the node is there: a heartbeat an epoch, and one after each miss, without which the program lets the node
//! claim nothing; and what the node says of itself.

use crate::config::NodeConfig;
use crate::driver::Shared;
use crate::market::{CarriedOut, Market, Unreachable, Upkeep};
use crate::meter::Standing;
use assay::state::{Node, Parameters, Profile};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks that found nothing to say, when no slot is heard.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After a look that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);

/// What the node should say now, if anything: what it is first, so that it is weighed and chosen by it.
pub fn due(node: &Node, parameters: &Parameters, profile: &Profile, slot: u64) -> Option<Upkeep> {
    if node.profile != *profile {
        return Some(Upkeep::Profile(*profile));
    }
    // Who was convicted never claims again, and who has no weight has nothing to keep up.
    if node.fraud_convictions > 0 {
        return None;
    }
    let missed = node.standing.unresolved > 0;
    let weighs = node.stake >= parameters.minimum_stake;
    let is_new_epoch = epoch_of(parameters, slot) > node.standing.heartbeat_epoch;
    (missed || (weighs && is_new_epoch)).then_some(Upkeep::Heartbeat)
}

/// The slot in which the next heartbeat is due, if no miss comes before.
fn next_slot(parameters: &Parameters, slot: u64) -> u64 {
    let length = u64::from(parameters.scheduling.epoch_slots).max(1);
    epoch_of(parameters, slot).saturating_add(1).saturating_mul(length)
}

fn epoch_of(parameters: &Parameters, slot: u64) -> u64 {
    slot.checked_div(u64::from(parameters.scheduling.epoch_slots)).unwrap_or(0)
}

/// The profile that the settings ask for.
pub fn profile_of(config: &NodeConfig) -> Profile {
    Profile {
        capabilities: config.profile.capabilities,
        units_per_slot: config.profile.units_per_slot,
        price_floor: config.price_floor,
        region: config.profile.region,
    }
}

/// What a look came to.
enum Look {
    /// Something was said, in this slot: there may be more.
    Said {
        /// What is looked at next has it in it.
        slot: u64,
    },
    /// There is nothing to say before this slot, unless the account changes.
    Nothing {
        /// The slot.
        until_slot: u64,
    },
}

impl<M: Market> Shared<M> {
    /// Looks once, at a slot not before `minimum_slot`, and says what is due.
    async fn keep_up(&self, minimum_slot: u64) -> Result<Look, Unreachable> {
        let seen = self.market.node(minimum_slot).await?;
        let parameters = self.market.parameters(seen.slot).await?;
        let nothing = Look::Nothing { until_slot: next_slot(&parameters, seen.slot) };
        let Some(node) = &seen.account else { return Ok(nothing) };
        let paused_until_slot = self.market.paused_until_slot().await?;
        self.meter.note_standing(Standing::of(node, &parameters, Some(paused_until_slot), seen.slot));
        self.meter.note_lag(self.board.slot().saturating_sub(seen.slot));
        let Some(upkeep) = due(node, &parameters, &profile_of(&self.config.now()), seen.slot) else {
            return Ok(nothing);
        };
        match self.market.keep_up(&upkeep).await? {
            CarriedOut::Landed { slot, fee_lamports } => {
                tracing::info!(?upkeep, slot, fee_lamports, "said that the node is there");
                Ok(Look::Said { slot })
            }
            CarriedOut::Refused { code, reason } => {
                tracing::warn!(?upkeep, code, reason, "the node could not say that it is there; it tries again");
                Err(Unreachable { reason })
            }
        }
    }
}

/// Says what is due until `stop`: when the node's account changes, and at each new epoch.
pub(crate) async fn keep_present<M: Market>(shared: Arc<Shared<M>>, stop: CancellationToken) {
    let keeping = async {
        let mut bell = shared.board.listen_to_node();
        let mut minimum_slot = 0;
        loop {
            match shared.keep_up(minimum_slot).await {
                Ok(Look::Said { slot }) => minimum_slot = slot,
                Ok(Look::Nothing { until_slot }) => tokio::select! {
                    () = shared.board.reached(until_slot) => {
                        // Slots are heard before they are confirmed: looking at once would see the one before.
                        tokio::time::sleep(shared.board.slot_time()).await;
                    }
                    () = bell.rung() => {}
                    () = tokio::time::sleep(LONGEST_PAUSE) => {}
                },
                Err(error) => {
                    tracing::warn!(%error, "the node's own account is not known");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(keeping).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state::SchedulingParameters;

    fn parameters() -> Parameters {
        let scheduling = SchedulingParameters { epoch_slots: 50, ..SchedulingParameters::default() };
        Parameters { minimum_stake: 10, scheduling, ..Parameters::default() }
    }

    fn node() -> Node {
        let mut node = Node { stake: 10, ..Node::default() };
        node.standing.heartbeat_epoch = 4;
        node
    }

    #[test]
    fn a_heartbeat_is_due_once_an_epoch_and_after_a_miss() {
        let profile = Profile::default();
        let at = |node: &Node, slot| due(node, &parameters(), &profile, slot);
        assert_eq!((at(&node(), 249), at(&node(), 250)), (None, Some(Upkeep::Heartbeat)));
        assert_eq!(next_slot(&parameters(), 249), 250);
        let mut missed = node();
        missed.standing.unresolved = 1;
        assert_eq!(at(&missed, 201), Some(Upkeep::Heartbeat));
        assert_eq!(at(&Node { stake: 9, ..node() }, 250), None);
        assert_eq!(at(&Node { fraud_convictions: 1, ..missed }, 250), None);
    }

    #[test]
    fn what_the_node_says_of_itself_follows_its_settings() {
        let wanted = Profile { region: 3, ..Profile::default() };
        assert_eq!(due(&node(), &parameters(), &wanted, 201), Some(Upkeep::Profile(wanted)));
        assert_eq!(due(&Node { profile: wanted, ..node() }, &parameters(), &wanted, 201), None);
    }
}
