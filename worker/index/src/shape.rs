//! What the index keeps and serves, as JSON: field names are as here, slots are numbers, amounts are strings of decimal digits (they
//! can be beyond what a number of JavaScript holds), addresses are base58, hashes are hex.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Base units of a mint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub u64);

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl Amount {
    /// Adds another one; the sum stays at the greatest number rather than wrap.
    pub fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// What kind of account a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A job, or a receipt that was called in.
    Job,
    /// A node.
    Node,
    /// A session.
    Session,
    /// A challenge of a job.
    Challenge,
    /// Something that has to be opened in a dispute.
    Demand,
    /// A change that governance proposes.
    Proposal,
    /// A budget of an agent.
    Budget,
}

/// One thing that happened. Records are never changed; their ids count up without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its place in the history, from 1 on.
    pub id: u64,
    /// When it happened, or, if not `exact`, when it was seen.
    pub slot: u64,
    /// Whether the account itself says the slot. If not, the change came at or before `slot`, after the record before.
    pub exact: bool,
    /// Seconds since 1970, UTC, estimated from the slot.
    pub at: i64,
    /// What the account is.
    pub kind: Kind,
    /// Its address.
    pub account: String,
    /// The job that a challenge or a demand is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub change: Change,
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A job was posted, or a receipt called in.
    JobPosted {
        /// Who pays.
        client: String,
        /// The mint of the price.
        mint: String,
        /// Price at the beginning.
        price_min: Amount,
        /// Price at the end of the ramp.
        price_max: Amount,
        /// What the node locks, in the stake mint.
        bond: Amount,
        /// The session whose receipt it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// A node claimed it.
    JobClaimed {
        /// The node.
        node: String,
        /// The price from then on.
        price: Amount,
    },
    /// The node committed to a result.
    JobCommitted {
        /// The node.
        node: String,
        /// Root of the output.
        output_root: String,
        /// How late it was, as a share of the time that was left.
        late_bps: u32,
    },
    /// Challenges were made or ended.
    JobChallenged {
        /// Open ones.
        open: u32,
        /// Those that lost so far.
        lost: u32,
        /// Those that were right so far.
        valid: u16,
    },
    /// Its client accepted the result before the window was over.
    JobAccepted {},
    /// It ended.
    JobEnded {
        /// The state.
        state: String,
        /// Why, by the program's list.
        reason: String,
        /// Whose fault.
        fault_side: String,
        /// What was proved.
        fault: String,
        /// The mint of the price.
        mint: String,
        /// What the claim fixed for a result in time, before fees.
        price: Amount,
        /// What was paid of it, before fees: what lateness takes off is not in it, and it is 0 unless the job settled.
        #[serde(default)]
        paid: Amount,
        /// What a miss cost the node, in the stake mint.
        charge: Amount,
    },
    /// A node registered.
    NodeRegistered {
        /// Who owns it.
        withdraw_authority: String,
    },
    /// Its stake moved.
    NodeStake {
        /// Active stake before.
        before: Amount,
        /// And after.
        after: Amount,
        /// Under withdrawal after.
        unbonding: Amount,
    },
    /// What its work says of it changed.
    NodeReputation {
        /// The score before, in 65,536ths.
        before: u16,
        /// And after.
        after: u16,
        /// Good evidence after, in millionths of an observation.
        good: Amount,
        /// Bad evidence after.
        bad: Amount,
        /// Why, as far as the account shows.
        reasons: Vec<ReputationReason>,
    },
    /// It may not claim for a time.
    NodeJailed {
        /// The first slot in which it may again.
        until_slot: u64,
    },
    /// It announced that it will be away.
    NodeMaintenance {
        /// The first slot.
        start_slot: u64,
        /// The last one.
        end_slot: u64,
    },
    /// Something was proved against it.
    NodeConvicted {
        /// All convictions.
        convictions: u32,
        /// What it lost since it was last seen: stake and withdrawals under way, in the stake mint.
        slashed: Amount,
    },
    /// It says something else of itself, or has another operator.
    NodeProfile {
        /// The operator.
        operator: String,
        /// Where it serves.
        endpoint: String,
        /// What it claims to do in a slot.
        units_per_slot: Amount,
        /// The least price it takes.
        price_floor: Amount,
        /// The region.
        region: u8,
    },
    /// A session was offered.
    SessionOffered {
        /// Who pays.
        client: String,
        /// The node.
        node: String,
        /// The mint.
        mint: String,
        /// What a request costs.
        price: Amount,
        /// What is escrowed.
        balance: Amount,
    },
    /// The node accepted it.
    SessionAccepted {
        /// The last slot of serving.
        ends_slot: u64,
    },
    /// A greater voucher is on record, the end moved, or receipts were called in.
    SessionChanged {
        /// The greatest voucher.
        paid: Amount,
        /// The last slot of serving.
        ends_slot: u64,
        /// Receipts that were ever called in.
        receipts: Amount,
    },
    /// It ended.
    SessionEnded {
        /// The state.
        state: String,
        /// The mint.
        mint: String,
        /// The greatest voucher on record.
        paid: Amount,
    },
    /// A challenge was committed to, hidden.
    ChallengeSealed {
        /// Who challenges.
        challenger: String,
        /// Its bond.
        bond: Amount,
    },
    /// What it says is known.
    ChallengeRevealed {
        /// What is said to be wrong: `boundary`, `segment` and so on.
        target: String,
        /// Where.
        index: u16,
    },
    /// It ended.
    ChallengeEnded {
        /// How.
        state: String,
        /// What it earned.
        earned: Amount,
    },
    /// Something has to be opened.
    DemandOpened {
        /// In which tree.
        tree: String,
        /// Tensor or segment.
        slot_or_segment: u16,
        /// How far above the leaves.
        height: u8,
        /// Which place of that height.
        index: u32,
    },
    /// It was opened.
    DemandAnswered {},
    /// A change was proposed.
    Proposed {
        /// Its number.
        number: u64,
        /// What it changes.
        what: String,
        /// The first slot in which it can be carried out.
        eta_slot: u64,
        /// The last one.
        last_slot: u64,
    },
    /// A budget was created, or its limits or agent changed.
    BudgetSet {
        /// The owner.
        owner: String,
        /// The agent, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// The mint.
        mint: String,
        /// Most that one job escrows.
        per_job: Amount,
        /// Most that the jobs of a period escrow.
        per_period: Amount,
        /// The last slot of the agent.
        last_slot: u64,
    },
    /// A job was posted out of it.
    BudgetSpent {
        /// First slot of the period.
        period_start_slot: u64,
        /// Escrowed within it so far.
        escrowed: Amount,
    },
    /// The account is gone; its last state is kept.
    Closed {
        /// The last state that was seen.
        last_state: String,
        /// Whether its end was not seen: it ended and was closed while nobody looked.
        unseen_end: bool,
    },
}

/// Why a score changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReputationReason {
    /// Work settled in its favour.
    Settled,
    /// A result was late.
    Late,
    /// A claim ended without a result.
    Missed,
    /// What it had missed was weighed when it spoke again.
    MissesWeighed,
    /// Epochs went by without a heartbeat.
    HeartbeatsMissed,
    /// Something was proved.
    Convicted,
    /// What it had done faded.
    Faded,
    /// The account does not show why.
    Unknown,
}

/// One job in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its address.
    pub address: String,
    /// Where it is in its life.
    pub state: String,
    /// Who pays.
    pub client: String,
    /// Who claimed it.
    pub node: Option<String>,
    /// The mint of the price.
    pub mint: String,
    /// Price at the beginning.
    pub price_min: Amount,
    /// Price at the end of the ramp.
    pub price_max: Amount,
    /// The price that the claim fixed; 0 before.
    pub price: Amount,
    /// What the node locks.
    pub bond: Amount,
    /// When it was posted.
    pub posted_slot: u64,
    /// When it was claimed; 0 before.
    pub claimed_slot: u64,
    /// When its result was committed; 0 before.
    pub committed_slot: u64,
    /// When its end was seen; 0 before.
    pub ended_slot: u64,
    /// When it was seen to be closed; 0 before.
    pub closed_slot: u64,
    /// Why it ended.
    pub reason: String,
    /// Whose fault that was.
    pub fault_side: String,
    /// What was proved.
    pub fault: String,
    /// Open challenges.
    pub challenges_open: u32,
    /// Root of its graph.
    pub graph_root: String,
    /// The session whose receipt it is.
    pub session: Option<String>,
}

/// One node in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Its address.
    pub address: String,
    /// Who owns it.
    pub withdraw_authority: String,
    /// The hot key.
    pub operator: String,
    /// Active stake.
    pub stake: Amount,
    /// Locked bonds.
    pub locked: Amount,
    /// Jobs and sessions that have not ended.
    pub open_jobs: u32,
    /// Those that settled in its favour.
    pub jobs_settled: u64,
    /// Those that ended without a result.
    pub jobs_missed: u64,
    /// Convictions.
    pub convictions: u32,
    /// The score, in 65,536ths.
    pub score: u16,
    /// What it claims to do in a slot.
    pub units_per_slot: Amount,
    /// The least price it takes.
    pub price_floor: Amount,
    /// The region.
    pub region: u8,
    /// A bit for each capability.
    pub capabilities: Amount,
    /// When it registered.
    pub registered_slot: u64,
    /// When its operator last signed something.
    pub seen_slot: u64,
    /// The first slot in which it may claim again; 0 or past if it may.
    pub jailed_until_slot: u64,
    /// Where it serves.
    pub endpoint: String,
    /// When it was seen to be gone; 0 before.
    pub closed_slot: u64,
}

/// `/v1/jobs/ADDRESS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHistory {
    /// The job as it was last seen.
    pub job: JobRow,
    /// What happened to it, its challenges and its demands, oldest first.
    pub timeline: Vec<Record>,
    /// Whether there are more records after these; ask again with `after` = the last id.
    pub more: bool,
}

/// `/v1/nodes/ADDRESS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHistory {
    /// The node as it was last seen.
    pub node: NodeRow,
    /// What happened to it, oldest first.
    pub timeline: Vec<Record>,
    /// Whether there are more records after these; ask again with `after` = the last id.
    pub more: bool,
}

/// `/v1/accounts/ADDRESS`: sessions, budgets, proposals, and anything else by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountHistory {
    /// What it is.
    pub kind: Kind,
    /// When it was seen to be gone; 0 before.
    pub closed_slot: u64,
    /// What happened to it, oldest first.
    pub timeline: Vec<Record>,
    /// Whether there are more records after these; ask again with `after` = the last id.
    pub more: bool,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// What to give as `before` for the next page; nothing at the end. A page can be short, or empty, and have a next one.
    pub next: Option<String>,
}

/// `/v1/snapshot`: what a list of everything needs, at one moment: the newest 10,000 jobs, and at most as many nodes
/// that exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How far the chain was seen.
    pub slot: u64,
    /// The last record that is in it: follow `/v1/events` from here.
    pub last_id: u64,
    /// Names of the columns of a job's row.
    pub job_columns: Vec<String>,
    /// Jobs, newest first: values in the order of the columns.
    pub jobs: Vec<Vec<serde_json::Value>>,
    /// Names of the columns of a node's row.
    pub node_columns: Vec<String>,
    /// Nodes.
    pub nodes: Vec<Vec<serde_json::Value>>,
}

/// What happened within an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourTotals {
    /// Jobs that were posted.
    pub posted: u64,
    /// Jobs that settled. Receipts that were called in count as jobs here and below.
    pub settled: u64,
    /// Jobs that were convicted.
    pub convicted: u64,
    /// Claims without a result.
    pub missed: u64,
    /// Jobs that nobody claimed, or that their client took back.
    pub unclaimed: u64,
    /// What was paid, before fees, for those that settled, late results less, and by vouchers of settled sessions; by mint.
    pub volume: BTreeMap<String, Amount>,
    /// Convictions of nodes.
    pub slashes: u64,
    /// What they lost, in the stake mint.
    pub slashed: Amount,
}

/// One hour of `/v1/stats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Seconds since 1970 at its beginning, UTC.
    pub begins_at: i64,
    /// What happened.
    #[serde(flatten)]
    pub totals: HourTotals,
}

/// `/v1/stats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// How far the chain was seen.
    pub slot: u64,
    /// The last record.
    pub last_id: u64,
    /// Jobs by their last known state, closed ones among them.
    pub jobs_by_state: BTreeMap<String, u64>,
    /// Nodes that exist.
    pub nodes: u64,
    /// Hours in which something happened, newest first.
    pub hours: Vec<Hour>,
}

/// `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok` while the chain is followed, `behind` while it is not.
    pub status: String,
    /// How far the chain was seen.
    pub slot: u64,
    /// The last record.
    pub last_id: u64,
    /// Milliseconds since the chain was last heard.
    pub silent_ms: u64,
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable code.
    pub code: String,
    /// What was wrong and what to do; begins with the code.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_strings_and_keep_every_digit() {
        let text = serde_json::to_string(&Amount(u64::MAX)).unwrap();
        assert_eq!(text, "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<Amount>(&text).unwrap(), Amount(u64::MAX));
        assert!(serde_json::from_str::<Amount>("\"-1\"").is_err());
    }

    #[test]
    fn a_record_is_one_flat_object_and_comes_back() {
        let record = Record {
            id: 3,
            slot: 7,
            exact: true,
            at: 9,
            kind: Kind::Node,
            account: "a".into(),
            job: None,
            change: Change::NodeJailed { until_slot: 70 },
        };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(
            text,
            r#"{"id":3,"slot":7,"exact":true,"at":9,"kind":"node","account":"a","change":"node_jailed","until_slot":70}"#
        );
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
        let empty = Record { change: Change::DemandAnswered {}, ..record };
        let text = serde_json::to_string(&empty).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), empty);
    }
}
