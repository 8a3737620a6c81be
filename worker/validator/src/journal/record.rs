//! One job's record.

use crate::rules::SignedSegment;
use crate::status::Totals;
use assay_journal::Listed;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;

/// Everything that the validator remembers of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Address of the job, base58.
    pub job: String,
    /// What a replay said.
    pub audit: Audit,
    /// The proof, once it is built and was judged here to convict.
    pub proof: Option<PreparedProof>,
    /// Our challenge, if there is one.
    pub dispute: Option<Dispute>,
    /// Signed and not yet known to have landed or died.
    pub in_flight: Option<InFlight>,
    /// Segment roots that the node signed, as far as they were seen: at most two of one segment and commitment.
    #[serde(default)]
    pub roots: Vec<SeenRoot>,
    /// Whether the node was asked a second time for what it signs.
    #[serde(default)]
    pub asked_again: bool,
    /// Slot of the first sight.
    pub first_slot: u64,
    /// Slot of the last change.
    pub last_slot: u64,
    /// How it ended for us; `None` while something is left to do.
    pub ending: Option<Ending>,
}

/// What a replay said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "audit")]
pub enum Audit {
    /// To be replayed.
    Pending,
    /// Not replayed, for good.
    Left {
        /// Stable code.
        code: String,
        /// Why.
        reason: String,
    },
    /// The committed result is right.
    Agreed {
        /// How long fetching, replaying and hashing took.
        micros: u64,
    },
    /// The committed result is wrong.
    Wrong(Wrong),
}

/// What is wrong with a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// What a challenge of it names.
    pub target: TargetRecord,
    /// Our own hash there.
    #[serde(with = "hex::serde")]
    pub own_hash: [u8; 32],
    /// In words: op, tensor, element, claimed and true value as far as they are known.
    pub words: String,
    /// The same for programs, once the lie is found out.
    pub finding: Option<FindingRecord>,
    /// How long fetching, replaying and hashing took.
    pub micros: u64,
}

/// The one thing that is provably wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// The segment.
    pub segment: u16,
    /// Index of the op.
    pub op: u16,
    /// What it computes.
    pub kind: String,
    /// The tensor.
    pub tensor: u16,
    /// Row-major index of the element; `None` where two hashes of one tensor differ.
    pub element: Option<u32>,
    /// The same as coordinates.
    pub coordinates: Vec<u32>,
    /// What the node says.
    pub claimed: Option<i64>,
    /// What the op computes.
    pub computed: Option<i64>,
    /// Whether the proof needs the root of the segment.
    pub needs_segment_root: bool,
}

impl FindingRecord {
    /// A finding as it is kept.
    pub fn of(finding: &assay_audit::Finding) -> Self {
        let (element, coordinates, claimed, computed) = match &finding.evidence {
            assay_audit::Evidence::Element { element, coordinates, claimed, computed, .. } => {
                (Some(*element), coordinates.clone(), Some(*claimed), Some(*computed))
            }
            assay_audit::Evidence::Mismatch { .. } => (None, Vec::new(), None, None),
        };
        Self {
            segment: finding.segment,
            op: finding.op,
            kind: format!("{:?}", finding.kind).to_lowercase(),
            tensor: finding.slot,
            element,
            coordinates,
            claimed,
            computed,
            needs_segment_root: finding.needs_segment_root,
        }
    }
}

/// What a challenge names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetRecord {
    /// A tensor by its position in the boundary tree.
    Boundary(u16),
    /// The inside of a segment.
    Segment(u16),
}

/// Our challenge of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The key that challenges, base58.
    pub challenger: String,
    /// Blinds the sealed hash until the reveal.
    #[serde(with = "hex::serde")]
    pub salt: [u8; 32],
    /// What is committed to.
    #[serde(with = "hex::serde")]
    pub sealed: [u8; 32],
    /// Base units of the stake mint.
    pub bond: u64,
    /// Number of our buffer.
    pub buffer: u64,
    /// Artifacts of the job, hex, which stay in the validator's own store until the dispute is over.
    #[serde(default)]
    pub artifacts: Vec<String>,
    /// Slot at which it was sealed.
    pub sealed_slot: u64,
    /// When it was sealed: seconds since 1970.
    pub sealed_at: u64,
    /// When its last transaction landed.
    pub last_at: u64,
    /// Whether the bond was seen on the chain.
    pub committed: bool,
    /// How it ended, as the challenge said before it was closed.
    pub result: Option<Verdict>,
    /// Base units that came back with the closing: bond and bounty.
    pub received: u64,
    /// What it has cost so far.
    pub costs: Costs,
}

/// A proof that convicts, by this machine's own judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedProof {
    /// Artifact of the validator's own store that holds its bytes, hex.
    pub artifact: String,
    /// Its length.
    pub bytes: u32,
    /// The segment root that it needs, if it needs one.
    pub segment: Option<SignedRoot>,
    /// In words: op, tensor, element, claimed and true value.
    pub words: String,
}

/// A segment root that the node signed, or one that stands on the chain already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRoot {
    /// The segment.
    pub segment: u16,
    /// Its root.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// The operator's signature, base58; `None` when the root was read from the chain.
    pub signature: Option<String>,
}

/// A segment root that the node signed, as it was served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRoot {
    /// The segment.
    pub segment: u16,
    /// Its root.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// The operator's signature, base58; it was verified before it was kept.
    pub signature: String,
    /// The commitment that the signature is about.
    #[serde(with = "hex::serde")]
    pub commitment: [u8; 32],
}

impl SeenRoot {
    /// As moves have it; nothing if the signature is not one.
    pub fn signed(&self) -> Option<SignedSegment> {
        let signature: Signature = self.signature.parse().ok()?;
        Some(SignedSegment { segment: self.segment, root: self.root, signature: signature.into() })
    }
}

/// How a challenge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was right.
    Won,
    /// The bond is lost.
    Lost,
    /// The bond came back, because the job was convicted on other grounds.
    Moot,
}

/// What a dispute has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    /// Transactions that landed.
    pub transactions: u32,
    /// Lamports of fees promised for transactions, landed or not.
    pub fees_lamports: u64,
    /// Lamports prepaid to whoever answers our demands.
    pub opening_lamports: u64,
    /// Compute units of the transactions that landed.
    pub compute_units: u64,
    /// Bytes of all transactions that landed.
    pub transaction_bytes: u64,
}

impl Costs {
    /// What counts against the budget of the dispute.
    pub fn budgeted_lamports(&self) -> u64 {
        self.fees_lamports.saturating_add(self.opening_lamports)
    }
}

/// What was put on the chain to answer a demand for somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Address of the job, base58.
    pub job: String,
    /// Number of our buffer that holds the answer; `None` for a segment root.
    pub buffer: Option<u64>,
    /// What lies in bond for a segment root, in base units of the stake mint.
    pub bond: u64,
}

/// A signed transaction that was, or is about to be, sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// What it does.
    pub purpose: Purpose,
    /// Its first signature, base58.
    pub signature: String,
    /// The stored form of the chain client: the signed bytes and until when they can land.
    #[serde(with = "hex::serde")]
    pub transaction: Vec<u8>,
}

/// What a transaction of the validator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Commits a sealed challenge with a bond.
    Commit,
    /// Reveals it.
    Reveal,
    /// Opens, fills or closes a buffer.
    Buffer,
    /// Records a signed segment root.
    RecordRoot,
    /// Posts a segment root under a bond of ours.
    PostRoot,
    /// Demands a segment root or an opening.
    Demand,
    /// Answers a demand.
    Answer,
    /// Proves the fault.
    Prove,
    /// Ends a challenge or a demand whose clock ran out.
    TimeOut,
    /// Gives our challenge up.
    Withdraw,
    /// Decides our challenge after a conviction by somebody else.
    Resolve,
    /// Settles the dispute of a job.
    Settle,
    /// Closes accounts and takes what they hold.
    Close,
}

/// How a job ended for us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ending")]
pub enum Ending {
    /// There was nothing to challenge.
    Nothing,
    /// The result is wrong but no challenge was made.
    NotChallenged {
        /// Stable code.
        code: String,
        /// Why.
        reason: String,
    },
    /// Our challenge was upheld.
    Won {
        /// Bond and bounty, in base units of the stake mint.
        received: u64,
    },
    /// Somebody else convicted the node on other grounds; the bond came back.
    Moot {
        /// The bond, in base units of the stake mint.
        received: u64,
    },
    /// Our challenge failed and the bond is lost.
    Lost {
        /// What was seen.
        reason: String,
    },
}

impl Listed for Record {
    type Sums = Totals;

    fn last_slot(&self) -> u64 {
        self.last_slot
    }

    fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    fn is_live(&self) -> bool {
        self.ending.is_none()
    }

    fn add_to(&self, sums: &mut Totals) {
        sums.add(self);
    }

    fn both(one: &Totals, other: &Totals) -> Totals {
        one.plus(other)
    }
}

impl Record {
    /// A record of a job that was just seen.
    pub fn new(job: &Pubkey, slot: u64) -> Self {
        Self {
            job: job.to_string(),
            audit: Audit::Pending,
            proof: None,
            dispute: None,
            in_flight: None,
            roots: Vec::new(),
            asked_again: false,
            first_slot: slot,
            last_slot: slot,
            ending: None,
        }
    }

    /// Keeps signed roots that are new; whether any was. Two of one segment convict: more would say nothing more.
    pub fn note_roots(&mut self, seen: Vec<SeenRoot>) -> bool {
        let before = self.roots.len();
        for root in seen {
            let same = |known: &&SeenRoot| (known.segment, known.commitment) == (root.segment, root.commitment);
            let of_segment: Vec<&SeenRoot> = self.roots.iter().filter(same).collect();
            if of_segment.len() < 2 && of_segment.iter().all(|known| known.root != root.root) {
                self.roots.push(root);
            }
        }
        self.roots.len() > before
    }
}
