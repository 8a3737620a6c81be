//! Every way in which the rules of a fair market refuse: the name is the broken rule, the message what to do about it.

use crate::error::AssayError;
use core::fmt;

/// What a rule gives: its value, or the error that names the broken rule.
pub type Ruled<T = ()> = core::result::Result<T, FairnessError>;

/// The broken rules. The numbers are part of the interface: a number is never changed or used again. They continue those
/// of [`AssayError`], so that both can become one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum FairnessError {
    /// A sum, difference or product does not fit 64 bits.
    ArithmeticOverflow = 0,
    /// Something would end in a state that must not exist.
    InvariantBroken = 1,

    /// The delay after posting is not over.
    SortitionNotOpen = 300,
    /// The slot hash that decides is not on record.
    SeedNotSealed = 301,
    /// The node's ticket is above what is open so far.
    NotDrawnYet = 302,
    /// The decisive slot has not been followed by another one.
    SeedNotYet = 303,
    /// The slot hashes are not those of a chain.
    SlotHashesUnreadable = 304,
    /// A parameter lies outside its bounds.
    RuleOutOfBounds = 305,

    /// A capability bit that the job asks for is not in the profile.
    CapabilityMissing = 310,
    /// The node's hardware tier is below the job's.
    TierTooLow = 311,
    /// The node's region is not among the job's.
    RegionExcluded = 312,
    /// The node's score is below the job's minimum.
    ScoreTooLow = 313,
    /// The node's stake is below the job's minimum.
    StakeTooLow = 314,
    /// The job is for another node.
    NotInvited = 315,

    /// The node is in jail.
    Jailed = 320,
    /// The node was convicted of fraud.
    Tombstoned = 321,
    /// A miss of the node has not been accounted for.
    UnresolvedMiss = 322,
    /// The node declared that it is away.
    InMaintenance = 323,
    /// The window starts before the notice is over.
    MaintenanceTooSoon = 324,
    /// The window is empty or longer than allowed.
    MaintenanceTooLong = 325,
    /// The window starts too soon after the last one.
    MaintenanceTooOften = 326,
    /// The window has begun.
    MaintenanceBegun = 327,
    /// The node has as many open jobs as its stake allows.
    CapacityReached = 328,
    /// The charge for correlated convictions comes later, or was taken.
    CorrelationNotDue = 329,

    /// The owner revoked the agent.
    BudgetRevoked = 330,
    /// The budget's last slot is over.
    BudgetExpired = 331,
    /// The signer is another key than the agent's.
    NotAgent = 332,
    /// The job escrows more than the limit of one job.
    JobLimitExceeded = 333,
    /// The job's maximum price is above the limit.
    PriceLimitExceeded = 334,
    /// The limit of a period is used up.
    PeriodLimitExceeded = 335,
    /// The model is not on the list.
    ModelNotAllowed = 336,
    /// The job is not an invitation to a node of the list.
    NodeNotAllowed = 337,
    /// The vault holds less than the job escrows.
    VaultTooSmall = 338,

    /// So little that it would round to nothing.
    AmountTooSmall = 340,
    /// The node holds as much delegated stake as its own stake allows.
    DelegationCapReached = 341,
    /// More shares than there are.
    NotEnoughShares = 342,
    /// The pool's tokens were all slashed.
    PoolWiped = 343,
    /// The withdrawal is not released.
    NotReleased = 344,
}

impl FairnessError {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 38] = [
        Self::ArithmeticOverflow,
        Self::InvariantBroken,
        Self::SortitionNotOpen,
        Self::SeedNotSealed,
        Self::NotDrawnYet,
        Self::SeedNotYet,
        Self::SlotHashesUnreadable,
        Self::RuleOutOfBounds,
        Self::CapabilityMissing,
        Self::TierTooLow,
        Self::RegionExcluded,
        Self::ScoreTooLow,
        Self::StakeTooLow,
        Self::NotInvited,
        Self::Jailed,
        Self::Tombstoned,
        Self::UnresolvedMiss,
        Self::InMaintenance,
        Self::MaintenanceTooSoon,
        Self::MaintenanceTooLong,
        Self::MaintenanceTooOften,
        Self::MaintenanceBegun,
        Self::CapacityReached,
        Self::CorrelationNotDue,
        Self::BudgetRevoked,
        Self::BudgetExpired,
        Self::NotAgent,
        Self::JobLimitExceeded,
        Self::PriceLimitExceeded,
        Self::PeriodLimitExceeded,
        Self::ModelNotAllowed,
        Self::NodeNotAllowed,
        Self::VaultTooSmall,
        Self::AmountTooSmall,
        Self::DelegationCapReached,
        Self::NotEnoughShares,
        Self::PoolWiped,
        Self::NotReleased,
    ];

    /// The stable number.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// What was wrong and what to do.
    pub const fn message(self) -> &'static str {
        match self {
            Self::ArithmeticOverflow => "An amount or a slot overflows 64 bits: use smaller values",
            Self::InvariantBroken => "The accounting would break, so nothing was changed: report this as a bug",
            Self::SortitionNotOpen => "The job is not open to claims yet: wait for its first slot",
            Self::SeedNotSealed => "The job's seed is not sealed yet: seal it first",
            Self::NotDrawnYet => "It is not this node's turn yet: wait for the slot that its ticket gives",
            Self::SeedNotYet => "The slot whose hash decides is not over yet: wait for the next slot",
            Self::SlotHashesUnreadable => "The slot hashes cannot be read: pass the SlotHashes sysvar",
            Self::RuleOutOfBounds => "A rule is outside its bounds: see the limits of its field",
            Self::CapabilityMissing => {
                "The node lacks a capability that the job asks for: declare it, if the node has it"
            }
            Self::TierTooLow => "The node's hardware tier is below the job's: measure the node again, or leave the job",
            Self::RegionExcluded => "The job is for other regions: leave it to nodes there",
            Self::ScoreTooLow => "The node's reputation is below the job's minimum: complete jobs without one first",
            Self::StakeTooLow => "The node's stake is below the job's minimum: stake more",
            Self::NotInvited => "The job is for another node: leave it",
            Self::Jailed => "The node is in jail after repeated misses: wait until the slot that its account names",
            Self::Tombstoned => "The node was convicted of fraud and never claims again",
            Self::UnresolvedMiss => "The node missed a job that is not accounted for: send a heartbeat first",
            Self::InMaintenance => "The node declared maintenance: wait until it is over",
            Self::MaintenanceTooSoon => "Maintenance starts before the notice is over: announce it for a later slot",
            Self::MaintenanceTooLong => "Maintenance is empty or too long: choose at least a slot, at most the limit",
            Self::MaintenanceTooOften => "Maintenance starts too soon after the last one: choose a later slot",
            Self::MaintenanceBegun => "The announced maintenance has begun: announce another one when it is over",
            Self::CapacityReached => "The node has as many open jobs as its stake allows: finish some, or stake more",
            Self::CorrelationNotDue => "The charge for correlated convictions is not due: wait, unless it was taken",
            Self::BudgetRevoked => "The owner revoked the agent: ask the owner for a new budget",
            Self::BudgetExpired => "The budget has expired: ask the owner for a later slot",
            Self::NotAgent => "Only the agent of the budget may spend it: sign with its key",
            Self::JobLimitExceeded => "The job escrows more than the budget allows one job: offer less",
            Self::PriceLimitExceeded => "The maximum price is above the budget's limit: offer less",
            Self::PeriodLimitExceeded => "The budget of this period is used up: wait, or offer less",
            Self::ModelNotAllowed => "The budget is not for this model: use one of its list",
            Self::NodeNotAllowed => "The budget is for named nodes: invite one of its list",
            Self::VaultTooSmall => "The vault holds too little: have its owner fund it",
            Self::AmountTooSmall => "The amount would round to nothing: use a larger one",
            Self::DelegationCapReached => "The node holds all delegated stake that its own allows: choose another node",
            Self::NotEnoughShares => "There are fewer shares than that: read the delegation first",
            Self::PoolWiped => "The delegated stake was slashed to nothing: delegate to another node",
            Self::NotReleased => "The withdrawal is not released yet: wait for its slot",
        }
    }
}

impl fmt::Display for FairnessError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl core::error::Error for FairnessError {}

impl From<AssayError> for FairnessError {
    /// The arithmetic of [`crate::units`] fails in one way; all else would be a mistake of these rules.
    fn from(error: AssayError) -> Self {
        match error {
            AssayError::ArithmeticOverflow => Self::ArithmeticOverflow,
            _ => Self::InvariantBroken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_every_message_says_something_of_its_own() {
        assert!(FairnessError::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        let messages: std::collections::HashSet<_> = FairnessError::ALL.iter().map(|error| error.message()).collect();
        assert_eq!(messages.len(), FairnessError::ALL.len());
        assert!(FairnessError::ALL.iter().all(|error| error.to_string().len() > 20));
    }

    /// No code of these rules is one of the program's, except for the two that mean the same.
    #[test]
    fn codes_continue_those_of_the_program() {
        assert_eq!(FairnessError::ArithmeticOverflow.code(), AssayError::ArithmeticOverflow as u16);
        assert_eq!(FairnessError::InvariantBroken.code(), AssayError::InvariantBroken as u16);
        let largest = AssayError::FilerUnclear as u16;
        assert!(FairnessError::ALL[2..].iter().all(|error| error.code() > largest));
    }
}
