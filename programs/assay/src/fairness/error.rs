//! Every way in which the rules of a fair market refuse: the name is the broken rule, the message what to do about it.

use crate::error::AssayError;
use core::fmt;

/// What a rule gives: its value, or the error that names the broken rule.
pub type Ruled<T = ()> = core::result::Result<T, FairnessError>;

/// The broken rules. The numbers are part of the interface: a number is never changed or used again. Those that an instruction
/// of the program can meet have the same number among the program's errors ([`AssayError`]); the others lie where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum FairnessError {
    /// A sum, difference or product does not fit 64 bits.
    ArithmeticOverflow = 0,
    /// Something would end in a state that must not exist.
    InvariantBroken = 1,

    /// The delay after posting is not over.
    SortitionNotOpen = 500,
    /// The slot hash that decides is not on record.
    SeedNotSealed = 501,
    /// The node's ticket is above what is open so far.
    NotDrawnYet = 502,
    /// The decisive slot has not been followed by another one.
    SeedNotYet = 503,
    /// The slot hashes are not those of a chain.
    SlotHashesUnreadable = 504,
    /// A parameter lies outside its bounds.
    RuleOutOfBounds = 505,

    /// A capability bit that the job asks for is not in the profile.
    CapabilityMissing = 510,
    /// The node's hardware tier is below the job's.
    TierTooLow = 511,
    /// The node's region is not among the job's.
    RegionExcluded = 512,
    /// The node's score is below the job's minimum.
    ScoreTooLow = 513,

    /// The node is in jail.
    Jailed = 520,
    /// The node was convicted of fraud.
    Tombstoned = 521,
    /// A miss of the node has not been accounted for.
    UnresolvedMiss = 522,
    /// The node declared that it is away.
    InMaintenance = 523,
    /// The window starts before the notice is over.
    MaintenanceTooSoon = 524,
    /// The window is empty or longer than allowed.
    MaintenanceTooLong = 525,
    /// The window starts too soon after the last one.
    MaintenanceTooOften = 526,
    /// The window has begun.
    MaintenanceBegun = 527,
    /// The node has as many open jobs as its stake allows.
    CapacityReached = 528,
    /// The charge for correlated convictions comes later, or was taken.
    CorrelationNotDue = 529,

    /// So little that it would round to nothing.
    AmountTooSmall = 540,
    /// The node holds as much delegated stake as its own stake allows.
    DelegationCapReached = 541,
    /// More shares than there are.
    NotEnoughShares = 542,
    /// The pool's tokens were all slashed.
    PoolWiped = 543,
    /// The withdrawal is not released.
    NotReleased = 544,
}

impl FairnessError {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 27] = [
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

    /// Whether no instruction of the program checks this rule.
    pub const fn is_outside_the_program(self) -> bool {
        matches!(self, Self::InvariantBroken | Self::AmountTooSmall | Self::PoolWiped)
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

impl From<FairnessError> for AssayError {
    /// The program's error of the same number; a rule that no instruction checks would be a mistake of this program.
    fn from(error: FairnessError) -> Self {
        use FairnessError as Rule;
        match error {
            Rule::ArithmeticOverflow => Self::ArithmeticOverflow,
            Rule::SortitionNotOpen => Self::SortitionNotOpen,
            Rule::SeedNotSealed => Self::SeedNotSealed,
            Rule::NotDrawnYet => Self::NotDrawnYet,
            Rule::SeedNotYet => Self::SeedNotYet,
            Rule::SlotHashesUnreadable => Self::SlotHashesUnreadable,
            Rule::RuleOutOfBounds => Self::RuleOutOfBounds,
            Rule::CapabilityMissing => Self::CapabilityMissing,
            Rule::TierTooLow => Self::TierTooLow,
            Rule::RegionExcluded => Self::RegionExcluded,
            Rule::ScoreTooLow => Self::ScoreTooLow,
            Rule::Jailed => Self::Jailed,
            Rule::Tombstoned => Self::NodeConvicted,
            Rule::UnresolvedMiss => Self::UnresolvedMiss,
            Rule::InMaintenance => Self::InMaintenance,
            Rule::MaintenanceTooSoon => Self::MaintenanceTooSoon,
            Rule::MaintenanceTooLong => Self::MaintenanceTooLong,
            Rule::MaintenanceTooOften => Self::MaintenanceTooOften,
            Rule::MaintenanceBegun => Self::MaintenanceBegun,
            Rule::CapacityReached => Self::CapacityReached,
            Rule::CorrelationNotDue => Self::CorrelationNotDue,
            Rule::DelegationCapReached => Self::DelegationCapReached,
            Rule::NotEnoughShares => Self::NotEnoughShares,
            Rule::NotReleased => Self::NotReleased,
            _ => Self::InvariantBroken,
        }
    }
}

impl From<FairnessError> for anchor_lang::error::Error {
    fn from(error: FairnessError) -> Self {
        AssayError::from(error).into()
    }
}

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

    /// What the program says where it meets a broken rule has the number of the rule, and means the same.
    #[test]
    fn the_program_speaks_of_rules_by_their_numbers() {
        let of_the_program = |error: &FairnessError| AssayError::from(*error) as u16;
        let met = FairnessError::ALL.iter().filter(|error| !error.is_outside_the_program());
        for error in met {
            let same = of_the_program(error) == error.code();
            assert!(same || *error == FairnessError::Tombstoned, "{error:?}");
        }
        assert_eq!(of_the_program(&FairnessError::Tombstoned), AssayError::NodeConvicted as u16);
        let outside = FairnessError::ALL.iter().filter(|error| error.is_outside_the_program());
        assert!(outside.into_iter().all(|error| of_the_program(error) == AssayError::InvariantBroken as u16));
    }
}
