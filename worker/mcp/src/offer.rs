//! What an agent offers, what was quoted, and how the one is held against the other.

use crate::error::Refusal;
use assay::PostJobArgs;
use assay::state::Job;
use assay_client::Terms;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use std::fmt;
use std::str::FromStr;

/// The files of a piece of work, named relative to the server's folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkFiles {
    /// The encoded graph
    pub(crate) graph: String,
    /// The bundle of params
    pub(crate) params: String,
    /// The bundle of inputs
    pub(crate) inputs: String,
    /// Values of the graph's symbols, at most four; each symbol's least value if they are left out
    #[serde(default)]
    pub(crate) symbols: Option<Vec<u32>>,
}

/// What a job offers. Prices are base units of the payment mint; a slot takes about 400 milliseconds.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offer {
    /// The highest price: escrowed when the job is posted; what is not spent returns
    pub(crate) price_max_base_units: u64,
    /// The price at first, which then rises to the highest; the same as that if it is left out
    #[serde(default)]
    pub(crate) price_min_base_units: Option<u64>,
    /// How long the price stays at first [default: 10]
    #[serde(default)]
    pub(crate) hold_slots: Option<u64>,
    /// Within how long it then rises [default: 50]
    #[serde(default)]
    pub(crate) ramp_slots: Option<u64>,
    /// How long the job can be claimed [default: 150]
    #[serde(default)]
    pub(crate) claim_deadline_slots: Option<u64>,
    /// How long the node may compute [default: 750]
    #[serde(default)]
    pub(crate) run_deadline_slots: Option<u64>,
    /// How long anybody may prove the result wrong before the node is paid [default: the network's shortest]
    #[serde(default)]
    pub(crate) challenge_window_slots: Option<u64>,
    /// For validators that check the result, escrowed beside the price [default: 0]
    #[serde(default)]
    pub(crate) audit_pot_base_units: Option<u64>,
    /// Address of the only node that may claim the job [default: every node may]
    #[serde(default)]
    pub(crate) invited_node: Option<String>,
}

impl Offer {
    /// The terms, in `mint`.
    ///
    /// # Errors
    /// `Y0307` for a price that falls, `Y0103` for a node that is no address.
    pub(crate) fn terms(&self, mint: Pubkey) -> Result<Terms, Refusal> {
        let price_min = self.price_min_base_units.unwrap_or(self.price_max_base_units);
        if price_min > self.price_max_base_units {
            return Err(Refusal::new(
                "Y0307",
                format!(
                    "price_min_base_units is {price_min}, above price_max_base_units of {}; the price only rises",
                    self.price_max_base_units
                ),
            ));
        }
        let standard = Terms::new(mint, price_min, self.price_max_base_units);
        let audit_pot = self.audit_pot_base_units.unwrap_or(0);
        Ok(Terms {
            ramp_hold_slots: self.hold_slots.unwrap_or(standard.ramp_hold_slots),
            ramp_slots: self.ramp_slots.unwrap_or(standard.ramp_slots),
            claim_slots: self.claim_deadline_slots.unwrap_or(standard.claim_slots),
            run_slots: self.run_deadline_slots.unwrap_or(standard.run_slots),
            window_slots: self.challenge_window_slots,
            audit_pot,
            audit_cap: audit_pot.div_ceil(2),
            invited_node: self.invited_node.as_deref().map(|node| address("invited_node", node)).transpose()?,
            ..standard
        })
    }
}

/// An address that an agent gave.
///
/// # Errors
/// `Y0103` names the argument.
pub(crate) fn address(argument: &str, text: &str) -> Result<Pubkey, Refusal> {
    text.trim().parse().map_err(|_| {
        Refusal::new(
            "Y0103",
            format!("`{argument}` is no address; give 32 bytes in base 58, as other tools return them"),
        )
    })
}

/// Everything that a job pins about work and money: what was quoted, and what is on-chain.
#[derive(Clone, Debug, JsonSchema, PartialEq, Eq, Serialize)]
pub(crate) struct QuotedTerms {
    /// The number that the job has among those of its budget; 0 in a quote of a server that spends out of none
    pub(crate) job_number: u64,
    /// Root of the graph
    pub(crate) graph_root: String,
    /// Root of the params
    pub(crate) params_root: String,
    /// Root of the inputs
    pub(crate) inputs_root: String,
    /// Values of the symbols; unused ones are 0
    pub(crate) symbols: [u32; 4],
    /// Operations of one run, as the market measures work
    pub(crate) cost_units: u64,
    /// The mint of the price
    pub(crate) payment_mint: String,
    /// The price at first
    pub(crate) price_min_base_units: u64,
    /// The highest price
    pub(crate) price_max_base_units: u64,
    /// How long the price stays at first
    pub(crate) hold_slots: u64,
    /// Within how long it then rises
    pub(crate) ramp_slots: u64,
    /// How long the job can be claimed
    pub(crate) claim_deadline_slots: u64,
    /// How long the node may compute
    pub(crate) run_deadline_slots: u64,
    /// How long anybody may prove the result wrong
    pub(crate) challenge_window_slots: u64,
    /// Least stake of the node, in base units of the stake mint
    pub(crate) minimum_stake_base_units: u64,
    /// What the node locks, in base units of the stake mint
    pub(crate) bond_base_units: u64,
    /// For validators that check the result
    pub(crate) audit_pot_base_units: u64,
    /// Most that one of them earns
    pub(crate) audit_cap_base_units: u64,
    /// The only node that may claim the job, if there is one
    pub(crate) invited_node: Option<String>,
    /// Whether the job admits every node, whatever its profile
    pub(crate) admits_every_profile: bool,
}

impl QuotedTerms {
    /// Of a job that is to be posted.
    pub(crate) fn of_arguments(arguments: &PostJobArgs, mint: &Pubkey) -> Self {
        Self {
            job_number: arguments.job_id,
            graph_root: hex::encode(arguments.graph_root),
            params_root: hex::encode(arguments.params_root),
            inputs_root: hex::encode(arguments.inputs_root),
            symbols: arguments.symbols,
            cost_units: arguments.cost_units,
            payment_mint: mint.to_string(),
            price_min_base_units: arguments.price_min,
            price_max_base_units: arguments.price_max,
            hold_slots: arguments.ramp_hold_slots,
            ramp_slots: arguments.ramp_slots,
            claim_deadline_slots: arguments.claim_slots,
            run_deadline_slots: arguments.run_slots,
            challenge_window_slots: arguments.window_slots,
            minimum_stake_base_units: arguments.minimum_stake,
            bond_base_units: arguments.bond,
            audit_pot_base_units: arguments.audit_pot,
            audit_cap_base_units: arguments.audit_cap,
            invited_node: arguments.invited_node.map(|node| node.to_string()),
            admits_every_profile: arguments.filter.unwrap_or_default() == Default::default(),
        }
    }

    /// Of a job that is on-chain.
    pub(crate) fn of_job(job: &Job) -> Self {
        Self {
            job_number: job.job_id,
            graph_root: hex::encode(job.graph_root),
            params_root: hex::encode(job.params_root),
            inputs_root: hex::encode(job.inputs_root),
            symbols: job.symbols,
            cost_units: job.cost_units,
            payment_mint: job.payment_mint.to_string(),
            price_min_base_units: job.price_min,
            price_max_base_units: job.price_max,
            hold_slots: job.ramp_hold_slots,
            ramp_slots: job.ramp_slots,
            claim_deadline_slots: job.claim_slots,
            run_deadline_slots: job.run_slots,
            challenge_window_slots: job.window_slots,
            minimum_stake_base_units: job.minimum_stake,
            bond_base_units: job.bond,
            audit_pot_base_units: job.audit.pot,
            audit_cap_base_units: job.audit.cap,
            invited_node: job.is_invitation().then(|| job.invited_node.to_string()),
            admits_every_profile: job.filter == Default::default(),
        }
    }
}

/// The id of a quote: the number that its job will have, and a hash of its terms on one chain and in one budget. It is the key
/// by which a post that is repeated is recognised: the program takes each number once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuoteId {
    /// The job's number.
    pub(crate) job_number: u64,
    digest: [u8; 16],
}

impl QuoteId {
    /// The id of a quote of `terms`, on the chain with this genesis hash and out of `budget`.
    pub(crate) fn of(genesis: &Hash, budget: &Pubkey, terms: &QuotedTerms) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"assay quote 1");
        hasher.update(genesis.as_ref());
        hasher.update(budget.as_ref());
        // Field by field, each with its name: no two different terms have one text.
        hasher.update(format!("{terms:?}"));
        let mut digest = [0; 16];
        digest.iter_mut().zip(hasher.finalize()).for_each(|(target, byte)| *target = byte);
        Self { job_number: terms.job_number, digest }
    }
}

impl fmt::Display for QuoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.job_number, hex::encode(self.digest))
    }
}

impl FromStr for QuoteId {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refused =
            || Refusal::new("Y0309", "`quote_id` is not what `quote` returned; quote, and give its id as it is");
        let (number, digest) = text.trim().split_once('-').ok_or_else(refused)?;
        let mut bytes = [0; 16];
        hex::decode_to_slice(digest, &mut bytes).map_err(|_| refused())?;
        Ok(Self { job_number: number.parse().map_err(|_| refused())?, digest: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        serde_json::from_str(r#"{"price_max_base_units": 100}"#).unwrap()
    }

    fn terms() -> QuotedTerms {
        let job = Job { job_id: 7, price_min: 50, price_max: 100, bond: 5, claim_slots: 9, ..Job::default() };
        QuotedTerms::of_job(&job)
    }

    #[test]
    fn what_is_left_out_is_standard_and_the_price_is_flat() {
        let mint = Pubkey::new_unique();
        let terms = offer().terms(mint).unwrap();
        assert_eq!(terms, Terms::new(mint, 100, 100));
        let audited = Offer { audit_pot_base_units: Some(5), ..offer() }.terms(mint).unwrap();
        assert_eq!((audited.audit_pot, audited.audit_cap), (5, 3));
    }

    #[test]
    fn contradictions_and_unknown_fields_are_refused() {
        let falling = Offer { price_min_base_units: Some(101), ..offer() };
        assert_eq!(falling.terms(Pubkey::default()).unwrap_err().code, "Y0307");
        let nobody = Offer { invited_node: Some("somebody".to_owned()), ..offer() };
        assert_eq!(nobody.terms(Pubkey::default()).unwrap_err().code, "Y0103");
        assert!(serde_json::from_str::<Offer>(r#"{"price_max_base_units": 1, "price_max": 2}"#).is_err());
        assert!(serde_json::from_str::<Offer>(r#"{"price_max_base_units": -1}"#).is_err());
    }

    #[test]
    fn a_quote_binds_the_chain_the_budget_and_every_term() {
        let (genesis, budget) = (Hash::new_unique(), Pubkey::new_unique());
        let id = QuoteId::of(&genesis, &budget, &terms());
        assert_eq!(id.to_string().parse::<QuoteId>().unwrap(), id);
        assert_ne!(QuoteId::of(&Hash::new_unique(), &budget, &terms()), id);
        assert_ne!(QuoteId::of(&genesis, &Pubkey::new_unique(), &terms()), id);
        let value = serde_json::to_value(terms()).unwrap();
        for field in value.as_object().unwrap().keys() {
            let mut other = terms();
            match field.as_str() {
                "job_number" => other.job_number += 1,
                "graph_root" => other.graph_root.push('0'),
                "params_root" => other.params_root.push('0'),
                "inputs_root" => other.inputs_root.push('0'),
                "symbols" => other.symbols[3] += 1,
                "cost_units" => other.cost_units += 1,
                "payment_mint" => other.payment_mint.push('0'),
                "price_min_base_units" => other.price_min_base_units += 1,
                "price_max_base_units" => other.price_max_base_units += 1,
                "hold_slots" => other.hold_slots += 1,
                "ramp_slots" => other.ramp_slots += 1,
                "claim_deadline_slots" => other.claim_deadline_slots += 1,
                "run_deadline_slots" => other.run_deadline_slots += 1,
                "challenge_window_slots" => other.challenge_window_slots += 1,
                "minimum_stake_base_units" => other.minimum_stake_base_units += 1,
                "bond_base_units" => other.bond_base_units += 1,
                "audit_pot_base_units" => other.audit_pot_base_units += 1,
                "audit_cap_base_units" => other.audit_cap_base_units += 1,
                "invited_node" => other.invited_node = Some("x".to_owned()),
                "admits_every_profile" => other.admits_every_profile ^= true,
                unknown => panic!("{unknown} is not tried"),
            }
            assert_ne!(QuoteId::of(&genesis, &budget, &other), id, "{field}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for bad in ["", "7", "7-", "-00", "x-00112233445566778899aabbccddeeff", "7-00112233445566778899aabbccddee"] {
            assert_eq!(bad.parse::<QuoteId>().unwrap_err().code, "Y0309", "{bad}");
        }
    }
}
