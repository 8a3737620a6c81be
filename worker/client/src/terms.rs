//! What a client offers: price, deadlines, bond.

use crate::error::ClientError;
use crate::work::{ArtifactUris, Work};
use assay::PostJobArgs;
use assay::fairness::filter::JobFilter;
use assay::market::minimum_bond;
use assay::state::{Network, PaymentMint};
use assay::units::{BasisPoints, TokenAmount};
use referee::graph::IR_VERSION;
use solana_sdk::pubkey::Pubkey;

/// The terms of a job. Prices are base units of the payment mint, bonds of the stake mint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The mint of the price.
    pub payment_mint: Pubkey,
    /// Price until the hold ends.
    pub price_min: u64,
    /// Price at the end of the ramp; all of it is escrowed, what the claim does not fix comes back.
    pub price_max: u64,
    /// How long the price stays at the minimum; the network's time until all may claim, if that is longer.
    pub ramp_hold_slots: u64,
    /// How long it then rises.
    pub ramp_slots: u64,
    /// How long the job can be claimed; at least until the ramp is over.
    pub claim_slots: u64,
    /// How long the node may compute.
    pub run_slots: u64,
    /// Length of the challenge window; `None`: the network's shortest, or two epochs where an audit needs more.
    pub window_slots: Option<u64>,
    /// Least stake of the node; `None`: the network's.
    pub minimum_stake: Option<u64>,
    /// What the node locks; `None`: the network's least for the maximum price, and at least 1.
    pub bond: Option<u64>,
    /// For validators that attest the result, in base units of the payment mint, escrowed beside the price; 0: no audit.
    pub audit_pot: u64,
    /// Most that one attestation earns.
    pub audit_cap: u64,
    /// The only node that may claim; `None`: every node.
    pub invited_node: Option<Pubkey>,
    /// Which nodes may claim, besides the stake; `None`: every node.
    pub filter: Option<JobFilter>,
    /// Base URL of the store to which the node uploads the result; `None`: the node serves it.
    pub store_uri: Option<String>,
}

impl Terms {
    /// A price that holds for 10 slots and rises to the maximum within 50, claimable for 150 slots (a minute), with 750
    /// slots (five minutes) to compute.
    pub fn new(payment_mint: Pubkey, price_min: u64, price_max: u64) -> Self {
        Self {
            payment_mint,
            price_min,
            price_max,
            ramp_hold_slots: 10,
            ramp_slots: 50,
            claim_slots: 150,
            run_slots: 750,
            window_slots: None,
            minimum_stake: None,
            bond: None,
            audit_pot: 0,
            audit_cap: 0,
            invited_node: None,
            filter: None,
            store_uri: None,
        }
    }

    /// The network's shortest window, or the shortest in which an audit can be attested.
    fn least_window(&self, network: &Network) -> u64 {
        let audit = if self.audit_pot > 0 { 2 * u64::from(network.parameters.audit.epoch_slots) } else { 0 };
        network.parameters.minimum_window_slots.max(audit)
    }

    /// The arguments of `post_job`.
    ///
    /// # Errors
    /// A price so high that no bond can be computed for it.
    pub fn arguments(
        &self,
        job_id: u64,
        work: &Work,
        artifacts: &ArtifactUris,
        network: &Network,
        mint: &PaymentMint,
    ) -> Result<PostJobArgs, ClientError> {
        let multiple = BasisPoints(network.parameters.minimum_bond_bps);
        let least = minimum_bond(TokenAmount(self.price_max), mint.bond_rate(), multiple)
            .map_err(|_| ClientError::Price { price_max: self.price_max })?;
        // The price holds at least until all may claim, and the job can be claimed until its ramp is over.
        let opening = network.parameters.scheduling.opening.sortition_slots();
        let least_claim = self.ramp_hold_slots.max(opening.0).saturating_add(self.ramp_slots);
        Ok(PostJobArgs {
            job_id,
            graph_root: work.resolved.root,
            params_root: work.params_root,
            inputs_root: work.inputs_root,
            ir_version: IR_VERSION,
            symbols: work.symbols(),
            output: work.output,
            price_min: self.price_min,
            price_max: self.price_max,
            ramp_hold_slots: self.ramp_hold_slots.max(opening.0),
            ramp_slots: self.ramp_slots,
            claim_slots: self.claim_slots.max(least_claim),
            run_slots: self.run_slots,
            window_slots: self.window_slots.unwrap_or_else(|| self.least_window(network)),
            minimum_stake: self.minimum_stake.unwrap_or(network.parameters.minimum_stake),
            bond: self.bond.unwrap_or(least.0.max(1)),
            audit_pot: self.audit_pot,
            audit_cap: self.audit_cap,
            invited_node: self.invited_node,
            cost_units: work.cost_units(),
            filter: self.filter,
            graph_uri: artifacts.graph.clone(),
            params_uri: artifacts.params.clone(),
            inputs_uri: artifacts.inputs.clone(),
            store_uri: self.store_uri.clone().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::tests::work;
    use assay::fairness::sortition::OpeningRules;
    use assay::state::{AuditParameters, DisputeParameters, Parameters, SchedulingParameters};

    fn network() -> Network {
        let parameters = Parameters {
            minimum_bond_bps: 20_000,
            minimum_stake: 77,
            minimum_window_slots: 30,
            maximum_window_slots: 1_000,
            maximum_claim_slots: 1_000,
            maximum_run_slots: 1_000,
            unbonding_slots: 0,
            protocol_fee_bps: 0,
            miss_charge_bps: 0,
            maximum_open_jobs_per_node: 8,
            dispute: DisputeParameters::default(),
            audit: AuditParameters { epoch_slots: 20, attestation_bond_bps: 20_000, ..AuditParameters::default() },
            scheduling: SchedulingParameters {
                opening: OpeningRules { delay_slots: 2, step_slots: 10, first_expected: 1, steps: 5 },
                ..SchedulingParameters::default()
            },
        };
        Network {
            version: Network::VERSION,
            bump: 0,
            authority: Pubkey::default(),
            pending_authority: Pubkey::default(),
            stake_mint: Pubkey::default(),
            stake_vault: Pubkey::default(),
            genesis_hash: [0; 32],
            development: true,
            parameters,
            validator_stake: 0,
            ..Network::default()
        }
    }

    fn mint() -> PaymentMint {
        PaymentMint {
            version: PaymentMint::VERSION,
            bump: 0,
            enabled: true,
            freezable: false,
            decimals: 6,
            mint: Pubkey::default(),
            token_program: Pubkey::default(),
            fee_vault: Pubkey::default(),
            bond_numerator: 3,
            bond_denominator: 1,
        }
    }

    fn uris() -> ArtifactUris {
        let uri = |what: &str| format!("http://host/v1/artifacts/{what}");
        ArtifactUris { graph: uri("graph"), params: uri("params"), inputs: uri("inputs") }
    }

    #[test]
    fn what_is_left_open_comes_from_the_network_and_passes_the_programs_own_check() {
        let (work, terms) = (work(2), Terms::new(Pubkey::new_unique(), 100, 200));
        let arguments = terms.arguments(9, &work, &uris(), &network(), &mint()).unwrap();
        arguments.validate(&network(), &mint()).unwrap();
        assert_eq!((arguments.job_id, arguments.window_slots, arguments.minimum_stake), (9, 30, 77));
        assert_eq!(arguments.bond, 1_200, "twice the maximum price at 3 for 1");
        assert_eq!((arguments.graph_root, arguments.params_root), (work.resolved.root, work.params_root));
        assert_eq!((arguments.inputs_root, arguments.symbols), (work.inputs_root, [2, 0, 0, 0]));
        assert_eq!((arguments.output, arguments.store_uri.as_str()), (work.output, ""));
        assert_eq!((arguments.ramp_hold_slots, arguments.cost_units), (52, work.cost_units()), "until all may claim");
    }

    #[test]
    fn a_pot_asks_for_a_window_in_which_it_can_be_earned() {
        let terms = Terms { audit_pot: 10, audit_cap: 5, ..Terms::new(Pubkey::new_unique(), 100, 200) };
        let arguments = terms.arguments(0, &work(1), &uris(), &network(), &mint()).unwrap();
        arguments.validate(&network(), &mint()).unwrap();
        assert_eq!((arguments.audit_pot, arguments.audit_cap, arguments.window_slots), (10, 5, 40), "two epochs");
        let mut network = network();
        network.parameters.minimum_window_slots = 50;
        assert_eq!(terms.arguments(0, &work(1), &uris(), &network, &mint()).unwrap().window_slots, 50);
    }

    #[test]
    fn what_is_given_is_taken_as_it_is() {
        let terms = Terms {
            window_slots: Some(5),
            minimum_stake: Some(6),
            bond: Some(7),
            store_uri: Some("http://store".to_owned()),
            ..Terms::new(Pubkey::new_unique(), 1, 2)
        };
        let arguments = terms.arguments(0, &work(1), &uris(), &network(), &mint()).unwrap();
        assert_eq!((arguments.window_slots, arguments.minimum_stake, arguments.bond), (5, 6, 7));
        assert_eq!(arguments.store_uri, "http://store");
    }

    #[test]
    fn a_price_without_a_bond_is_refused() {
        let terms = Terms::new(Pubkey::new_unique(), 1, u64::MAX);
        let error = terms.arguments(0, &work(1), &uris(), &network(), &mint()).unwrap_err();
        assert!(error.to_string().starts_with("J0110"), "{error}");
    }
}
