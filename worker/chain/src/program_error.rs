//! The program's errors by number and by name, and what each code means.

use anchor_lang::error::ERROR_CODE_OFFSET;
use assay::error::AssayError;

/// Declares the list of all errors, and in tests a match that stops compiling when the program gains one.
macro_rules! all_errors {
    ($($name:ident),+ $(,)?) => {
        /// Every error of the program, in the order of its numbers.
        pub const ALL: &[AssayError] = &[$(AssayError::$name),+];

        #[cfg(test)]
        fn is_listed(error: AssayError) -> bool {
            match error {
                $(AssayError::$name => true),+
            }
        }
    };
}

all_errors![
    ArithmeticOverflow,
    InvariantBroken,
    UnsupportedAccountVersion,
    NotUpgradeAuthority,
    NotNetworkAuthority,
    NotPendingAuthority,
    NotWithdrawAuthority,
    NotOperator,
    NotJobOperator,
    NotClient,
    MinimumStakeOutOfBounds,
    UnbondingSlotsOutOfBounds,
    ProtocolFeeOutOfBounds,
    MissChargeOutOfBounds,
    MinimumBondOutOfBounds,
    MaximumClaimSlotsOutOfBounds,
    MaximumRunSlotsOutOfBounds,
    WindowLimitsOutOfBounds,
    MaximumOpenJobsOutOfBounds,
    BondRateOutOfBounds,
    StakeMintFreezable,
    MintExtensionRefused,
    MintExtensionsUnreadable,
    PaymentMintDisabled,
    WrongMint,
    WrongTokenProgram,
    EndpointInvalid,
    OperatorInvalid,
    AmountZero,
    InsufficientFreeStake,
    WithdrawalQueueFull,
    NothingReleased,
    NoSuchWithdrawal,
    NodeHasStake,
    NodeHasUnbonding,
    NodeHasOpenJobs,
    JobIdMismatch,
    PriceZero,
    PriceRangeInverted,
    RampBeyondClaimWindow,
    ClaimSlotsOutOfBounds,
    RunSlotsOutOfBounds,
    WindowSlotsOutOfBounds,
    BondTooSmall,
    UriInvalid,
    OutputDescriptorInvalid,
    UnsupportedIrVersion,
    IllegalTransition,
    ClaimWindowClosed,
    ClaimWindowOpen,
    RunDeadlinePassed,
    RunDeadlineNotPassed,
    ChallengeWindowOpen,
    StakeBelowJobMinimum,
    StakeBelowNetworkMinimum,
    TooManyOpenJobs,
    WrongNode,
    OutputPathLengthMismatch,
    BoundaryRootMismatch,
    NothingOwed,
    DestinationNotCanonical,
    DestinationIsVault,
    CreditsOutstanding,
    JobNotEnded,
    VaultShort,
    WrongVault,
    ChallengeWindowClosed,
    IllegalChallengeTransition,
    ChallengeTargetInvalid,
    SealMismatch,
    RevealTooEarly,
    RevealTooLate,
    RevealTimeLeft,
    ChallengerOutOfTime,
    ChallengerHasTime,
    DefenderHasTime,
    DemandPending,
    TooManyDemands,
    WrongDemand,
    NotChallenger,
    WrongJob,
    JobNotChallengeable,
    JobNotConvicted,
    ProofTimeLeft,
    JobAlreadyConvicted,
    ChallengesOpen,
    BufferLengthInvalid,
    BufferRangeInvalid,
    BufferHeld,
    NotBufferOwner,
    SignatureMissing,
    SignatureInvalid,
    WrongSegmentClaim,
    SegmentClaimRefuted,
    SegmentRootSigned,
    OperatorMustSign,
    PostTimeOver,
    RootsEqual,
    WitnessRejected,
    WitnessMissing,
    ProofRejected,
    AnswerRejected,
    PlaceNotBound,
    DemandAnswered,
    ClaimsIncomplete,
    NothingToBurn,
    ChallengeNotPayable,
    DisputeNotOver,
    DisputeAlreadySettled,
    WrongBuffer,
    NodeConvicted,
    StakeFrozen,
    DisputeUnsettled,
    ChallengeBondOutOfBounds,
    RevealSlotsOutOfBounds,
    DisputeClocksOutOfBounds,
    SlashOutOfBounds,
    BountyOutOfBounds,
    OpeningFeeOutOfBounds,
    EpochSlotsOutOfBounds,
    AuditsPerJobOutOfBounds,
    AttestationBondOutOfBounds,
    MinimumValidatorStakeOutOfBounds,
    AuditTermsInvalid,
    WindowTooShortForAudit,
    NotValidatorAuthority,
    NotAuditor,
    AuditorInvalid,
    ValidatorHasStake,
    ValidatorHasUnbonding,
    ValidatorHasAttestations,
    ValidatorStakeTooLow,
    ChainMissing,
    ChainTooYoung,
    ChainOfOtherEpochs,
    SeedTooFar,
    WrongSeed,
    EpochNotOver,
    NotDrawn,
    NoAuditPot,
    AttestationWindowClosed,
    WrongAttestation,
    VerdictOutstanding,
    BondOutstanding,
    OutputUnavailable,
    AttestationsOpen,
    NotAFiling,
    FilerUnclear,
    IllegalSessionTransition,
    AcceptSlotsOutOfBounds,
    SessionSlotsOutOfBounds,
    SessionPriceInvalid,
    VoucherKeyInvalid,
    AcceptDeadlinePassed,
    AcceptDeadlineNotPassed,
    NotSessionParty,
    SessionTimeLeft,
    SessionTimeOver,
    VoucherTooSmall,
    VoucherBeyondBalance,
    ReceiptInvalid,
    WrongSession,
    SessionMissing,
    ReceiptsOpen,
    SessionNotEnded,
    JobIsReceipt,
    JobIsNoReceipt,
    NotBudgetOwner,
    NotBudgetAgent,
    BudgetExpired,
    WrongBudget,
    BudgetPriceTooHigh,
    BudgetJobTooLarge,
    BudgetPeriodExhausted,
    BudgetTooManyOpenJobs,
    BudgetGraphNotAllowed,
    BudgetNodeNotAllowed,
    BudgetLamportsShort,
    BudgetPeriodInvalid,
    BudgetListInvalid,
    BudgetHasOpenJobs,
    NotInvited,
    InvitedNodeInvalid,
    NotGuardian,
    TimelockOutOfBounds,
    PauseLengthOutOfBounds,
    PauseCoolingDown,
    WorkPaused,
    TimelockRunning,
    ProposalExpired,
    ProposalNotExpired,
    WrongChange,
    ChangeNotVetoable,
    ChangeSubjectWrong,
    WrongProposer,
    WrongDestination,
    AccountNotOutdated,
    FeeBurnOutOfBounds,
    FeeMustBurn,
    SortitionNotOpen,
    SeedNotSealed,
    NotDrawnYet,
    SeedNotYet,
    SlotHashesUnreadable,
    RuleOutOfBounds,
    CapabilityMissing,
    TierTooLow,
    RegionExcluded,
    ScoreTooLow,
    Jailed,
    UnresolvedMiss,
    InMaintenance,
    MaintenanceTooSoon,
    MaintenanceTooLong,
    MaintenanceTooOften,
    MaintenanceBegun,
    CapacityReached,
    CorrelationNotDue,
    DelegationCapReached,
    NotEnoughShares,
    NotReleased,
    SchedulingEpochOutOfBounds,
    SchedulingLengthsFixed,
    OpeningRulesOutOfBounds,
    ReputationRulesOutOfBounds,
    StandingRulesOutOfBounds,
    StakePerJobOutOfBounds,
    LatePriceOutOfBounds,
    CorrelationWindowOutOfBounds,
    AbsentEpochsOutOfBounds,
    RegionInvalid,
    RampHoldTooShort,
    SeedAlreadySealed,
    HeartbeatTooSoon,
    NodeHasMarks,
    CorrelationOutstanding,
    DelegationMultipleOutOfBounds,
    CommissionOutOfBounds,
    DelegationPoolMissing,
    DelegationPoolOpen,
    DelegationSlashOutstanding,
    NoDelegationSlash,
    WrongDelegationPool,
    NotDelegator,
    DelegationNotEmpty,
    DelegationsOpen,
    RewardMintKnown,
    RewardPlacesFull,
    RewardMintMissing,
    RewardMintsLeft,
];

/// What a code means and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code: `P` and the program's number.
    pub code: String,
    /// The broken rule.
    pub name: String,
    /// What to do about it.
    pub advice: String,
}

/// The number that the program returns for an error.
pub fn number(error: AssayError) -> u32 {
    error.into()
}

/// The error that the program means by a number.
pub fn by_number(number: u32) -> Option<AssayError> {
    let variant = number.checked_sub(ERROR_CODE_OFFSET)?;
    ALL.iter().copied().find(|error| *error as u32 == variant)
}

/// The error of a name.
pub fn by_name(name: &str) -> Option<AssayError> {
    ALL.iter().copied().find(|error| error.name() == name)
}

/// The stable code that a person sees for an error of the program, such as `P6101`.
pub fn code(error: AssayError) -> String {
    format!("P{}", number(error))
}

/// Explains a code of the program (`P6101` or `6101`) or the name of an error; nothing if there is no such error.
pub fn explain(code_or_name: &str) -> Option<Explanation> {
    let given = code_or_name.trim();
    let digits = given.strip_prefix(['P', 'p']).unwrap_or(given);
    let error = digits.parse().ok().and_then(by_number).or_else(|| by_name(given))?;
    Some(Explanation { code: code(error), name: error.name(), advice: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_complete_and_ascends() {
        assert!(ALL.iter().all(|error| is_listed(*error)));
        assert!(ALL.is_sorted_by(|earlier, later| (*earlier as u32) < *later as u32));
    }

    #[test]
    fn numbers_and_names_lead_back_to_the_error() {
        for error in ALL {
            assert_eq!(by_number(number(*error)), Some(*error));
            assert_eq!(by_name(&error.name()), Some(*error));
            let explanation = explain(&code(*error)).unwrap();
            assert_eq!((explanation.name, explanation.advice), (error.name(), error.to_string()));
        }
    }

    #[test]
    fn stable_numbers_of_errors_that_others_rely_on() {
        assert_eq!(code(AssayError::ArithmeticOverflow), "P6000");
        assert_eq!(code(AssayError::IllegalTransition), "P6100");
        assert_eq!(code(AssayError::JobIdMismatch), "P6080");
    }

    #[test]
    fn what_is_no_code_is_not_explained() {
        for given in ["", "P", "5999", "P99999", "0", "Nonsense", "P6003"] {
            assert_eq!(explain(given), None, "{given}");
        }
        assert_eq!(explain("6101"), explain("P6101"));
        assert_eq!(explain("ClaimWindowClosed"), explain("p6101"));
    }
}
