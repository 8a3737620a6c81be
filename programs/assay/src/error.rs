//! Every way in which the program refuses: the name is the broken rule, the message what to do about it.

use anchor_lang::prelude::*;

/// What a rule gives: its value, or the error that names the broken rule.
pub type Checked<T = ()> = core::result::Result<T, AssayError>;

/// Error codes of the program. A code is the number below plus 6,000.
///
/// The numbers are part of the interface: a number is never changed or used again. They are grouped by what they speak
/// of, with gaps for additions.
#[error_code]
#[derive(PartialEq, Eq)]
pub enum AssayError {
    /// A sum, difference or product does not fit 64 bits.
    #[msg("An amount or a slot overflows 64 bits: use smaller values")]
    ArithmeticOverflow = 0,
    /// An account would end in a state that must not exist.
    #[msg("The accounting would break, so nothing was changed: report this transaction as a bug")]
    InvariantBroken = 1,
    /// An account was written by a version of the program that this one does not know.
    #[msg("The account has another layout than this program: run `assay network migrate`, or use the program that wrote it")]
    UnsupportedAccountVersion = 2,

    /// The signer may not initialise the network.
    #[msg("Only the program's upgrade authority may initialise the network: sign with it")]
    NotUpgradeAuthority = 10,
    /// The signer does not govern the network.
    #[msg("Only the network's authority may do this: sign with it")]
    NotNetworkAuthority = 11,
    /// The signer was not proposed as authority.
    #[msg("Only the proposed authority may accept: have the present authority propose this key first")]
    NotPendingAuthority = 12,
    /// The signer is not the node's cold key.
    #[msg("Only the node's withdraw authority may do this: sign with the cold key")]
    NotWithdrawAuthority = 13,
    /// The signer is not the node's hot key.
    #[msg("Only the node's present operator may claim: sign with it, or change it with update_node")]
    NotOperator = 14,
    /// The signer is not the key that was pinned when the job was claimed.
    #[msg("Only the operator pinned at the claim may commit: sign with the key that claimed the job")]
    NotJobOperator = 15,
    /// The signer did not post the job.
    #[msg("Only the client that posted the job may do this: sign with its key")]
    NotClient = 16,

    /// See `limits::MINIMUM_STAKE`.
    #[msg("minimum_stake is outside its bounds: choose 1 to 10^18")]
    MinimumStakeOutOfBounds = 20,
    /// Stake must stay reachable for longer than any job can take to end.
    #[msg("unbonding_slots is outside its bounds: at least the longest run, window and dispute, half the correlation window and 64, at most 6,480,000")]
    UnbondingSlotsOutOfBounds = 21,
    /// See `limits::PROTOCOL_FEE_BPS`.
    #[msg("protocol_fee_bps is outside its bounds: choose 0 to 1,000")]
    ProtocolFeeOutOfBounds = 22,
    /// See `limits::MISS_CHARGE_BPS`.
    #[msg("miss_charge_bps is outside its bounds: choose 0 to 2,000")]
    MissChargeOutOfBounds = 23,
    /// See `limits::MINIMUM_BOND_BPS`.
    #[msg("minimum_bond_bps is outside its bounds: choose 0 to 100,000")]
    MinimumBondOutOfBounds = 24,
    /// See `limits::CLAIM_SLOTS`.
    #[msg("maximum_claim_slots is outside its bounds: choose 1 to 1,512,000")]
    MaximumClaimSlotsOutOfBounds = 25,
    /// See `limits::RUN_SLOTS`.
    #[msg("maximum_run_slots is outside its bounds: choose 1 to 432,000")]
    MaximumRunSlotsOutOfBounds = 26,
    /// See `limits::WINDOW_SLOTS`.
    #[msg("The window bounds are wrong: 1 <= minimum_window_slots <= maximum_window_slots <= 432,000")]
    WindowLimitsOutOfBounds = 27,
    /// See `limits::OPEN_JOBS_PER_NODE`.
    #[msg("maximum_open_jobs_per_node is outside its bounds: choose 1 to 1,024")]
    MaximumOpenJobsOutOfBounds = 28,
    /// See `limits::BOND_RATE_TERM`.
    #[msg("The bond rate is outside its bounds: numerator and denominator from 1 to 10^12")]
    BondRateOutOfBounds = 29,

    /// Stake that can be frozen could not be slashed.
    #[msg("The stake mint has a freeze authority: choose a mint without one")]
    StakeMintFreezable = 40,
    /// The program log names the extension.
    #[msg(
        "The mint has an extension that is not allowed (named in the log): only MetadataPointer and TokenMetadata are"
    )]
    MintExtensionRefused = 41,
    /// The mint's extension data cannot be read.
    #[msg("The mint's extensions are unknown to this program or malformed: choose another mint")]
    MintExtensionsUnreadable = 42,
    /// The payment mint was switched off for new jobs.
    #[msg("New jobs in this payment mint are disabled: choose another mint")]
    PaymentMintDisabled = 43,
    /// The mint account is another than the one on record.
    #[msg("This is another mint than the one on record: pass the mint that the account names")]
    WrongMint = 44,
    /// The token program is another than the one that owns the mint on record.
    #[msg("This is another token program than the one on record: pass the owner of the mint")]
    WrongTokenProgram = 45,

    /// Bounds what an endpoint may be.
    #[msg("The endpoint is invalid: at most 96 bytes of visible ASCII without spaces")]
    EndpointInvalid = 60,
    /// The all-zero key cannot sign.
    #[msg("The operator key is the zero key: pass a key that can sign")]
    OperatorInvalid = 61,
    /// Nothing would move.
    #[msg("The amount is zero: pass at least one base unit")]
    AmountZero = 62,
    /// Bonds of open jobs are locked in the stake.
    #[msg("The node's free stake (stake - locked) is too small: stake more or wait for open jobs to settle")]
    InsufficientFreeStake = 63,
    /// Four withdrawals can be under way.
    #[msg("Four withdrawals are already under way: withdraw or cancel one first")]
    WithdrawalQueueFull = 64,
    /// No requested withdrawal has been released.
    #[msg("No withdrawal has been released yet: wait for its release slot")]
    NothingReleased = 65,
    /// The place in the queue is empty or does not exist.
    #[msg("There is no withdrawal at this index: read the node's unbonding entries")]
    NoSuchWithdrawal = 66,
    /// A node with stake cannot be removed.
    #[msg("The node still has stake: request its withdrawal first")]
    NodeHasStake = 67,
    /// A node with withdrawals under way cannot be removed.
    #[msg("The node still has withdrawals under way: withdraw them first")]
    NodeHasUnbonding = 68,
    /// A node with open jobs cannot be removed.
    #[msg("The node still has open jobs: wait until they settle")]
    NodeHasOpenJobs = 69,

    /// Job ids count up and are never used twice.
    #[msg("The job id is not the client's next one: read next_job_id of the client account (0 if there is none)")]
    JobIdMismatch = 80,
    /// A job must be able to pay.
    #[msg("price_max is zero: offer at least one base unit")]
    PriceZero = 81,
    /// The ramp only rises.
    #[msg("price_min is above price_max: swap them")]
    PriceRangeInverted = 82,
    /// The maximum price must be reachable.
    #[msg("The ramp ends after the claim window: ramp_hold_slots + ramp_slots must not exceed claim_slots")]
    RampBeyondClaimWindow = 83,
    /// Bounded by the network's parameters.
    #[msg("claim_slots is outside the network's bounds: choose 1 to maximum_claim_slots")]
    ClaimSlotsOutOfBounds = 84,
    /// Bounded by the network's parameters.
    #[msg("run_slots is outside the network's bounds: choose 1 to maximum_run_slots")]
    RunSlotsOutOfBounds = 85,
    /// Bounded by the network's parameters.
    #[msg("window_slots is outside the network's bounds: choose minimum_window_slots to maximum_window_slots")]
    WindowSlotsOutOfBounds = 86,
    /// Governed multiple of the maximum price.
    #[msg("The bond is below the network's minimum for this price_max: raise it (it is at least one base unit)")]
    BondTooSmall = 87,
    /// Bounds what a URI may be.
    #[msg("A URI is invalid: 1 to 128 bytes of visible ASCII without spaces (store_uri may be empty)")]
    UriInvalid = 88,
    /// The output cannot lie in a boundary tree as described.
    #[msg("The output descriptor is impossible: leaves >= 1, depth as the layout of that many leaves gives, boundary_position < boundary_count")]
    OutputDescriptorInvalid = 89,
    /// The graph language of the job is not the one that this program referees.
    #[msg("The IR version is not supported by this program: encode the graph with the version of its referee")]
    UnsupportedIrVersion = 90,

    /// The state machine has no such transition.
    #[msg("The job's state does not allow this: read the job and see the state table")]
    IllegalTransition = 100,
    /// Too late to claim.
    #[msg("The claim window has closed: the job can only expire")]
    ClaimWindowClosed = 101,
    /// Too early to expire.
    #[msg("The claim window is still open: expire the job after its last claim slot")]
    ClaimWindowOpen = 102,
    /// Too late to commit.
    #[msg("The run deadline has passed: the claim can only expire")]
    RunDeadlinePassed = 103,
    /// Too early to expire the claim.
    #[msg("The run deadline has not passed: the node may still commit")]
    RunDeadlineNotPassed = 104,
    /// Too early to settle.
    #[msg("The challenge window is still open: finalise after its last slot")]
    ChallengeWindowOpen = 105,
    /// The job asks for more stake.
    #[msg("The node's stake is below the job's minimum_stake: stake more")]
    StakeBelowJobMinimum = 106,
    /// The network asks for more stake.
    #[msg("The node's stake is below the network's minimum_stake: stake more")]
    StakeBelowNetworkMinimum = 107,
    /// Bounded by the network's parameters.
    #[msg("The node has as many open jobs as the network allows: wait until one settles")]
    TooManyOpenJobs = 108,
    /// The node account is another than the one that claimed.
    #[msg("This node did not claim the job: pass the node that the job names")]
    WrongNode = 109,
    /// The path must have the static depth of the boundary tree.
    #[msg("The output path has the wrong length: one hash for each level of the boundary tree")]
    OutputPathLengthMismatch = 110,
    /// The output does not lie where the job says in the committed tree.
    #[msg("The boundary root is not the one that output root and path lead to: rebuild the boundary tree")]
    BoundaryRootMismatch = 111,

    /// This party is owed nothing, or was already paid.
    #[msg("There is nothing to withdraw here: it was withdrawn before or never arose")]
    NothingOwed = 120,
    /// Without the payee's signature only its associated token account may be paid.
    #[msg("The payee did not sign, so only its associated token account of this mint may receive: pass that one")]
    DestinationNotCanonical = 121,
    /// Paying a vault from itself would cancel the debt and move nothing.
    #[msg("The destination is the vault that pays: pass an account of the payee")]
    DestinationIsVault = 122,
    /// A job with debts cannot be closed.
    #[msg("The job still owes credits: withdraw, sweep and charge first, then close")]
    CreditsOutstanding = 123,
    /// A running job cannot be closed.
    #[msg("The job has not ended: finalise, cancel or expire it first")]
    JobNotEnded = 124,
    /// The vault does not hold what is owed.
    #[msg("The vault holds less than it owes, so nothing was changed: report this transaction as a bug")]
    VaultShort = 125,
    /// The token account is not the job's vault.
    #[msg("This is not the vault on record: pass the token account at the program's vault address")]
    WrongVault = 126,

    /// Too late to challenge.
    #[msg("The challenge window has closed: the result stands unless an open challenge succeeds")]
    ChallengeWindowClosed = 200,
    /// The table of challenges has no such transition.
    #[msg("The state of the challenge does not allow this: read the challenge and see the state table")]
    IllegalChallengeTransition = 201,
    /// A sealed challenge names a boundary tensor of the job or a segment.
    #[msg("The target is not one of this job: name a position below boundary_count, or a segment")]
    ChallengeTargetInvalid = 202,
    /// What is revealed must be what was sealed, by the same key for the same job.
    #[msg("The seal does not open: reveal the target, hash and salt that this challenger sealed for this job")]
    SealMismatch = 203,
    /// A seal that is opened in the slot of its commit hides nothing.
    #[msg("A challenge cannot be revealed in the slot of its commit: wait for the next slot")]
    RevealTooEarly = 204,
    /// The seal had to be opened within the reveal time.
    #[msg("The time to reveal is over: the challenge is lost")]
    RevealTooLate = 205,
    /// An unrevealed challenge lapses only after its reveal time.
    #[msg("The challenger may still reveal: wait for the last reveal slot to pass")]
    RevealTimeLeft = 206,
    /// The challenger's clock is used up.
    #[msg("The clock of this challenger is used up: the challenge can only be timed out")]
    ChallengerOutOfTime = 207,
    /// The challenger's clock is not used up, or does not run.
    #[msg("The challenger still has time, or waits for an answer: read its clocks")]
    ChallengerHasTime = 208,
    /// The defending side's clock is not used up, or does not run.
    #[msg("The defending side still has time, or nothing is demanded of it: read the clocks")]
    DefenderHasTime = 209,
    /// A challenge waits for one demand at a time.
    #[msg("The challenge waits for an open demand: wait for its answer or time the defender out")]
    DemandPending = 210,
    /// Bounded so that nobody can use a defender up by asking on and on.
    #[msg("The challenge has made all its demands: prove what is known, or withdraw")]
    TooManyDemands = 211,
    /// The demand is another than the one meant.
    #[msg("This is another demand than the one that the challenge waits for: pass the one that its clocks name")]
    WrongDemand = 212,
    /// The signer did not commit the challenge.
    #[msg("Only the challenger may do this: sign with the key that committed the challenge")]
    NotChallenger = 213,
    /// The account belongs to another job.
    #[msg("This account is about another job: pass the accounts of one job")]
    WrongJob = 214,
    /// Only a committed result can be challenged.
    #[msg("The job has no result that can be challenged: read its state")]
    JobNotChallengeable = 215,
    /// Only a conviction can be resolved and settled.
    #[msg("The job is not convicted: prove a fault first")]
    JobNotConvicted = 216,
    /// Others may still prove after a conviction.
    #[msg("The challenger may still prove its own claim: wait until the proof time after the conviction is over")]
    ProofTimeLeft = 217,
    /// One conviction is enough.
    #[msg("The job is already convicted: resolve the challenge instead")]
    JobAlreadyConvicted = 218,
    /// A job ends only after all its challenges.
    #[msg("The job has open challenges: resolve or time them out first")]
    ChallengesOpen = 219,
    /// Buffers hold at most 32 KiB and grow in steps.
    #[msg("The buffer length is invalid: at most 10,240 bytes more in a step and 32,768 in all, and never less")]
    BufferLengthInvalid = 220,
    /// A write must lie inside the buffer.
    #[msg("The bytes do not fit the buffer at this offset: grow it first")]
    BufferRangeInvalid = 221,
    /// What a demand reads must not change.
    #[msg("The buffer is the answer to a demand, so it is frozen: close the demand once its dispute is over")]
    BufferHeld = 222,
    /// The signer did not open the buffer.
    #[msg("Only the owner of the buffer may do this: sign with the key that opened it")]
    NotBufferOwner = 223,
    /// The signature must be verified in the instruction before.
    #[msg("The instruction before this one is not of the ed25519 program: put the signature check right before")]
    SignatureMissing = 224,
    /// The verified signature is over something else.
    #[msg("The ed25519 instruction is not one signature by the key that must sign over the message that is meant, all from its own data: build it with the message of this job or session")]
    SignatureInvalid = 225,
    /// The segment claim is another than the one meant.
    #[msg("This is another segment root than the one meant: pass the one that the demand or the proof is about")]
    WrongSegmentClaim = 226,
    /// A refuted root proves nothing.
    #[msg("The segment root was refuted: demand another one")]
    SegmentClaimRefuted = 227,
    /// The operator signed a root for this segment.
    #[msg("The operator has signed a root of this segment: read it instead of demanding or posting one")]
    SegmentRootSigned = 228,
    /// Unsigned roots are for others than the operator.
    #[msg("The operator cannot post an unsigned root: sign it and record it")]
    OperatorMustSign = 229,
    /// Roots are posted only while the demand runs.
    #[msg("The time to post a root for this demand is over: only the operator's signature can still answer it")]
    PostTimeOver = 230,
    /// Equivocation needs two roots.
    #[msg("The two signed roots are equal: nothing is proved")]
    RootsEqual = 231,
    /// The witness does not open under the graph root; its reason is in the log.
    #[msg(
        "The witness is not a tensor of this graph as claimed (reason in the log): build it from the graph of the job"
    )]
    WitnessRejected = 232,
    /// Static facts of a tree must be proved when it is entered.
    #[msg("A witness is needed where a tree is entered: pass a buffer with the descriptor of a tensor in it")]
    WitnessMissing = 233,
    /// The referee found no fault; its reason is in the log.
    #[msg("The referee rejects the proof (reason in the log): nothing was proved and nobody is convicted")]
    ProofRejected = 234,
    /// The answer does not open the demanded hash; the reason is in the log.
    #[msg("The answer does not open what was demanded (reason in the log): rebuild it from the committed data")]
    AnswerRejected = 235,
    /// A demand must lie under a hash that the job or a root binds.
    #[msg("The demanded place is not under a bound hash: pass the path from the root or from an earlier demand")]
    PlaceNotBound = 236,
    /// A demand is answered once.
    #[msg("The demand is already answered: read the answer")]
    DemandAnswered = 237,
    /// A settlement needs every valid claim once.
    #[msg("A won challenge is missing or out of order: pass every won challenge of the job, each once, in ascending order")]
    ClaimsIncomplete = 238,
    /// There is nothing to burn.
    #[msg("Nothing of this job is to be burned: it was burned before or never arose")]
    NothingToBurn = 239,
    /// The challenge has not ended, or its bounty is not shared out yet.
    #[msg("The challenge cannot be closed yet: end it, and settle the dispute if it was won")]
    ChallengeNotPayable = 240,
    /// What a dispute reads must stay until it is over.
    #[msg("The dispute is not over: wait until the job has ended and, after a conviction, is settled")]
    DisputeNotOver = 241,
    /// A bounty is shared out once.
    #[msg("The dispute is already settled: close the challenges")]
    DisputeAlreadySettled = 242,
    /// The buffer is another than the one that answered.
    #[msg("This is another buffer than the one that the demand holds: pass that one")]
    WrongBuffer = 243,
    /// A convicted node never claims again.
    #[msg("The node was convicted of fraud: it cannot claim any more")]
    NodeConvicted = 244,
    /// The stake of a convicted or challenged node stays for a time.
    #[msg("The stake of the node is frozen: wait until its frozen_until_slot")]
    StakeFrozen = 245,
    /// A convicted job must be settled before it closes.
    #[msg("The dispute of the job is not settled: resolve its challenges and settle it")]
    DisputeUnsettled = 246,
    /// See `limits::CHALLENGE_BOND_BPS`.
    #[msg("challenge_bond_bps is outside its bounds: choose 100 to 10,000")]
    ChallengeBondOutOfBounds = 260,
    /// See `limits::REVEAL_SLOTS`.
    #[msg("reveal_slots is outside its bounds: choose 150 to 9,000, from 2 on a development network")]
    RevealSlotsOutOfBounds = 261,
    /// See `limits::CLOCK_SLOTS`.
    #[msg("A dispute clock is outside its bounds: choose 9,000 to 216,000 slots, from 10 on a development network")]
    DisputeClocksOutOfBounds = 262,
    /// See `limits::SLASH_BPS`.
    #[msg("slash_bps is outside its bounds: choose 0 to 5,000")]
    SlashOutOfBounds = 263,
    /// See `limits::BOUNTY_BPS`.
    #[msg("bounty_bps is outside its bounds: choose 0 to 5,000")]
    BountyOutOfBounds = 264,
    /// See `limits::OPENING_FEE_LAMPORTS`.
    #[msg("opening_fee_lamports is outside its bounds: choose 0 to 1,000,000,000")]
    OpeningFeeOutOfBounds = 265,
    /// See `audit_limits::EPOCH_SLOTS`.
    #[msg("audit.epoch_slots is outside its bounds: choose 2 to 216,000")]
    EpochSlotsOutOfBounds = 270,
    /// See `audit_limits::AUDITS_PER_JOB`.
    #[msg("audit.audits_per_job is outside its bounds: choose 1 to 16")]
    AuditsPerJobOutOfBounds = 271,
    /// See `audit_limits::ATTESTATION_BOND_BPS`.
    #[msg("audit.attestation_bond_bps is outside its bounds: choose 20,000 to 10,000,000")]
    AttestationBondOutOfBounds = 272,
    /// See `limits::MINIMUM_STAKE`.
    #[msg("audit.minimum_validator_stake is outside its bounds: choose 1 to 10^18")]
    MinimumValidatorStakeOutOfBounds = 273,
    /// A pot without a cap pays nobody, and no fee exceeds the pot.
    #[msg("audit_pot and audit_cap do not fit: choose a cap of 1 to the pot, or neither")]
    AuditTermsInvalid = 274,
    /// Nobody could attest in time.
    #[msg("The window is too short for the audit: choose window_slots of at least two epochs, or no audit_pot")]
    WindowTooShortForAudit = 275,
    /// The signer is not the validator's cold key.
    #[msg("Only the validator's authority may do this: sign with the cold key")]
    NotValidatorAuthority = 276,
    /// The signer is not the validator's hot key.
    #[msg("Only the validator's present auditor may do this: sign with it, or change it with update_validator")]
    NotAuditor = 277,
    /// The zero key can never sign.
    #[msg("The auditor cannot be the zero key: name a key that can sign")]
    AuditorInvalid = 278,
    /// Removing it would lose the stake.
    #[msg("The validator still has stake: request its withdrawal first")]
    ValidatorHasStake = 279,
    /// Removing it would lose what unbonds.
    #[msg("The validator still has stake on its way out: withdraw it first")]
    ValidatorHasUnbonding = 280,
    /// A bond may still be slashed.
    #[msg("The validator has open attestations: settle them when their jobs have ended")]
    ValidatorHasAttestations = 281,
    /// The network asks for more stake.
    #[msg("The validator's stake is below the network's minimum_validator_stake: stake more")]
    ValidatorStakeTooLow = 282,
    /// Nothing fixes the validator's seeds.
    #[msg("The validator has no chain of seeds: commit to one, which counts two epochs later")]
    ChainMissing = 283,
    /// The chain could have been chosen for the job.
    #[msg(
        "The chain does not count that early: it counts for jobs posted two epochs after it was committed, or later"
    )]
    ChainTooYoung = 284,
    /// Governance changed the length of epochs in between.
    #[msg("The chain counts epochs of another length than the job: commit to a new chain for later jobs")]
    ChainOfOtherEpochs = 285,
    /// Too many hashes would have to be computed.
    #[msg("The seed is more than 64 epochs from the last one shown: show one in between with reveal_seed")]
    SeedTooFar = 286,
    /// The chain has another seed for the epoch.
    #[msg("This is not the chain's seed of the epoch: give that of the epoch in which the result was committed")]
    WrongSeed = 287,
    /// Results could be committed by one who knows who audits them.
    #[msg("The epoch of the seed is not over: wait until its last slot has passed")]
    EpochNotOver = 288,
    /// The draw fell on others.
    #[msg("The validator is not drawn for this job: attest those for which its seed draws it")]
    NotDrawn = 289,
    /// The client asked for no audit.
    #[msg("The job has no audit pot: there is nothing to attest for")]
    NoAuditPot = 290,
    /// Too late to attest.
    #[msg("The challenge window has closed: nothing can be attested any more")]
    AttestationWindowClosed = 291,
    /// The attestation is another's.
    #[msg("The attestation is of another job, validator or payer: pass the accounts that it names")]
    WrongAttestation = 292,
    /// Nobody knows yet whether the result stands.
    #[msg("The job has no verdict yet: finalise it after its window, or wait for its disputes")]
    VerdictOutstanding = 293,
    /// The fee comes after the bond.
    #[msg("The attestation's bond is still locked: settle the attestation first")]
    BondOutstanding = 294,
    /// The output may not be there.
    #[msg("Somebody filed that the output is unavailable: wait until that is decided")]
    OutputUnavailable = 295,
    /// The job's account is still needed.
    #[msg("Attestations of the job are still open: settle and collect them, then close")]
    AttestationsOpen = 296,
    /// Only what was filed as unavailable ends with its answers.
    #[msg("This challenge is no filing that the output is unavailable: prove it, or withdraw it")]
    NotAFiling = 297,
    /// A client files alone, an auditor for its validator.
    #[msg("A filing is by the client, or by an auditor with its validator and seed: pass both or neither")]
    FilerUnclear = 298,

    /// See the table of sessions: what is asked for cannot follow the session's present state.
    #[msg("The session is in another state than this needs: read its state first")]
    IllegalSessionTransition = 300,
    /// See `limits::CLAIM_SLOTS` and the network's parameters.
    #[msg("accept_slots is outside its bounds: choose 1 to the network's maximum_claim_slots")]
    AcceptSlotsOutOfBounds = 301,
    /// See `limits::RUN_SLOTS` and the network's parameters.
    #[msg("session_slots is outside its bounds: choose 1 to the network's maximum_run_slots")]
    SessionSlotsOutOfBounds = 302,
    /// A request costs nothing, or more than the session holds.
    #[msg("The price of a request is zero or beyond the balance: choose 1 to the balance")]
    SessionPriceInvalid = 303,
    /// Nobody can sign with the zero key.
    #[msg("The voucher key is the zero key, for which nobody can sign: name a key that you hold")]
    VoucherKeyInvalid = 304,
    /// The node did not accept in time.
    #[msg("The time to accept the session is over: have the client open another one")]
    AcceptDeadlinePassed = 305,
    /// The node may still accept.
    #[msg("The node may still accept the session: wait for the slot after the last one of accepting")]
    AcceptDeadlineNotPassed = 306,
    /// The signer is neither the client nor the operator.
    #[msg("Only the session's client and the operator that accepted it may end it early: sign with one of their keys")]
    NotSessionParty = 307,
    /// Vouchers and receipts may still come.
    #[msg("Vouchers and receipts may still come: wait until the window after the session's end is over")]
    SessionTimeLeft = 308,
    /// Vouchers and receipts come too late.
    #[msg("The window after the session's end is over: vouchers and receipts count no more, so finalise the session")]
    SessionTimeOver = 309,
    /// A voucher that adds nothing.
    #[msg("The voucher is not greater than the one on record: vouchers are cumulative, so use a greater one")]
    VoucherTooSmall = 310,
    /// A voucher over more than is escrowed.
    #[msg("The voucher is beyond the session's balance, and nothing of it is paid: have one signed that the balance covers")]
    VoucherBeyondBalance = 311,
    /// What was signed is no receipt of this program and cluster, or not the one that the address names.
    #[msg("The signed message is not the receipt that the arguments name, of this program and cluster: pass its bytes as the operator signed them")]
    ReceiptInvalid = 312,
    /// The session is not the one that job or receipt name.
    #[msg("The session is another than the one that the job or the receipt names: pass that one, and none for an ordinary job")]
    WrongSession = 313,
    /// A receipt cannot be convicted without its session.
    #[msg("The job is a receipt that was called in, and its session is missing: pass the session that the job names")]
    SessionMissing = 314,
    /// Receipts that were called in have not ended.
    #[msg("Receipts of the session are called in and have not ended: finalise them or end their disputes first")]
    ReceiptsOpen = 315,
    /// The session has not ended.
    #[msg("The session has not ended: finalise it, or end the offer, first")]
    SessionNotEnded = 316,
    /// An instruction for ordinary jobs.
    #[msg("The job is a receipt that was called in, which this does not apply to: use finalise_receipt or close_receipt, or challenge it")]
    JobIsReceipt = 317,
    /// An instruction for receipts.
    #[msg("The job is an ordinary one and no receipt of a session: use the instruction of the same name for jobs")]
    JobIsNoReceipt = 318,
    /// The signer does not own the budget.
    #[msg("Only the budget's owner may do this: sign with its key")]
    NotBudgetOwner = 340,
    /// The signer is neither owner nor present agent; a revoked agent is nobody.
    #[msg("Only the budget's owner or its present agent may do this: sign with one of them, or have the owner name this key with set_budget")]
    NotBudgetAgent = 341,
    /// The agent's time is over.
    #[msg("The last slot of the budget's agent has passed: have the owner set a later one with set_budget")]
    BudgetExpired = 342,
    /// The account belongs to another client.
    #[msg("This is not of the budget: pass the budget that the job names as its client")]
    WrongBudget = 343,
    /// The first limit of a job.
    #[msg("price_max is above the budget's maximum_price: offer less")]
    BudgetPriceTooHigh = 344,
    /// The second limit of a job.
    #[msg("price_max and audit_pot together are above the budget's maximum_job_escrow: offer less")]
    BudgetJobTooLarge = 345,
    /// What is escrowed counts when it is posted, whatever becomes of it.
    #[msg("The jobs of this period would escrow more than the budget's maximum_period_escrow: offer less or wait for the next period")]
    BudgetPeriodExhausted = 346,
    /// A job is open until it is closed.
    #[msg("The budget has as many open jobs as its maximum_open_jobs: close jobs that have ended")]
    BudgetTooManyOpenJobs = 347,
    /// The owner lists what may be run.
    #[msg("The graph is not one of the budget's graphs: run one that is listed")]
    BudgetGraphNotAllowed = 348,
    /// The owner lists who may run it.
    #[msg("The job invites none of the budget's nodes: set invited_node to one that is listed")]
    BudgetNodeNotAllowed = 349,
    /// The budget pays the rent of its jobs and keeps its own.
    #[msg("The budget's lamports beyond its own rent are too few: send it lamports, or close jobs that have ended")]
    BudgetLamportsShort = 350,
    /// A period contains a slot.
    #[msg("period_slots is zero: choose at least 1")]
    BudgetPeriodInvalid = 351,
    /// A flag stands for every graph, or every node, and a list for those in it.
    #[msg("A list of the budget is invalid: at most 8 graphs and 8 nodes, none where any is allowed, and never the zero key")]
    BudgetListInvalid = 352,
    /// Jobs still owe to the budget.
    #[msg("The budget has open jobs: cancel or finish them, withdraw their credits and close them first")]
    BudgetHasOpenJobs = 353,
    /// The client chose another node.
    #[msg("The job invites another node: only that one may claim it")]
    NotInvited = 354,
    /// The zero key stands for every node.
    #[msg("invited_node is the zero key: name a node, or none to let every node claim")]
    InvitedNodeInvalid = 355,
    /// The signer may not hold anything up.
    #[msg("Only the network's guardian may do this: sign with it")]
    NotGuardian = 400,
    /// See `timelock_limits`.
    #[msg("timelock_slots is outside its bounds: choose 432,000 to 6,480,000, from 0 on a development network")]
    TimelockOutOfBounds = 401,
    /// A pause ends by itself.
    #[msg("The length of the pause is outside its bounds: choose 1 to 216,000 slots")]
    PauseLengthOutOfBounds = 402,
    /// Between two pauses work is taken for as long as the first was.
    #[msg("The last pause is too recent: wait until the network's pause_allowed_slot")]
    PauseCoolingDown = 403,
    /// Only what begins new work is refused.
    #[msg("New work is paused: wait until the network's paused_until_slot; all that exists goes on")]
    WorkPaused = 404,
    /// A change waits so that everybody can see it coming.
    #[msg("The proposal cannot be carried out yet: wait until its eta_slot")]
    TimelockRunning = 405,
    /// A change that nobody carried out is out of date.
    #[msg("The proposal can no longer be carried out: propose the change again")]
    ProposalExpired = 406,
    /// A proposal that can still be carried out is not anybody's to remove.
    #[msg("The proposal has not expired: carry it out, or close it after its last_slot")]
    ProposalNotExpired = 407,
    /// Changes are carried out by four instructions, because they need different accounts.
    #[msg("This instruction does not carry out such a change: use the one for its kind")]
    WrongChange = 408,
    /// A guardian that could veto its own replacement could never be replaced.
    #[msg("A change of guardian cannot be vetoed: the authority may withdraw it")]
    ChangeNotVetoable = 409,
    /// A proposal is checked against the mint that it is about.
    #[msg("The accounts do not fit the change: pass the mint that is to be allowed, or the record of an allowed one, or neither")]
    ChangeSubjectWrong = 410,
    /// Rent returns to whoever paid it.
    #[msg("The rent belongs to the key that proposed: pass the proposer of the proposal")]
    WrongProposer = 411,
    /// Fees go where everybody saw that they would go.
    #[msg("This is another token account than the proposal names: pass its destination")]
    WrongDestination = 412,
    /// A migration changes an account once.
    #[msg("The account has the layout of this program already: nothing is to be migrated")]
    AccountNotOutdated = 413,
    /// A share of a whole.
    #[msg("fee_burn_bps is outside its bounds: choose 0 to 10,000")]
    FeeBurnOutOfBounds = 414,
    /// A part of a fee in the stake mint burns.
    #[msg("The fee is in the stake mint: take it out with burn_fee, which burns its share and pays the reward")]
    FeeMustBurn = 415,

    /// Nobody knows yet who may claim first.
    #[msg("The job is not open to claims yet: wait for its first slot")]
    SortitionNotOpen = 500,
    /// Who may claim depends on a slot hash.
    #[msg("The job's seed is not sealed yet: seal it first with seal_seed")]
    SeedNotSealed = 501,
    /// The node's ticket is above what is open so far.
    #[msg("It is not this node's turn yet: wait for the slot that its ticket gives")]
    NotDrawnYet = 502,
    /// The decisive slot has not been followed by another one.
    #[msg("The slot whose hash decides is not over yet: wait for the next slot")]
    SeedNotYet = 503,
    /// The chain's own record cannot be read.
    #[msg("The slot hashes cannot be read: report this transaction as a bug")]
    SlotHashesUnreadable = 504,
    /// A rule of scheduling that no other error names.
    #[msg("A rule is outside its bounds: see the limits of its field")]
    RuleOutOfBounds = 505,
    /// The client chose what nodes must be able to do.
    #[msg("The node lacks a capability that the job asks for: declare it with set_profile, if the node has it")]
    CapabilityMissing = 510,
    /// The client chose how fast nodes must be.
    #[msg(
        "The node's hardware tier, less what late results cost, is below the job's: measure it again, or leave the job"
    )]
    TierTooLow = 511,
    /// The client chose where nodes must be.
    #[msg("The job is for other regions: leave it to nodes there")]
    RegionExcluded = 512,
    /// The client chose how good nodes must have been.
    #[msg("The node's reputation is below the job's minimum: complete jobs without one first")]
    ScoreTooLow = 513,
    /// Jail ends by itself.
    #[msg("The node is in jail after repeated misses: wait until the slot that its account names")]
    Jailed = 520,
    /// The circuit breaker.
    #[msg("The node missed a job that is not accounted for: send a heartbeat first")]
    UnresolvedMiss = 522,
    /// Who is away claims nothing.
    #[msg("The node declared maintenance: wait until it is over")]
    InMaintenance = 523,
    /// Maintenance is announced ahead.
    #[msg("Maintenance starts before the notice is over: announce it for a later slot")]
    MaintenanceTooSoon = 524,
    /// Maintenance lasts for some time, and ends.
    #[msg("Maintenance is empty or too long: choose at least a slot, at most the limit")]
    MaintenanceTooLong = 525,
    /// Nobody is always away.
    #[msg("Maintenance starts too soon after the last one: choose a later slot")]
    MaintenanceTooOften = 526,
    /// A window that has begun stays what was announced.
    #[msg("The announced maintenance has begun: announce another one when it is over")]
    MaintenanceBegun = 527,
    /// Open jobs are limited by stake.
    #[msg("The node has as many open jobs as its stake allows: finish some, or stake more")]
    CapacityReached = 528,
    /// A conviction is charged for its company half a window later, once.
    #[msg("The charge for correlated convictions is not due: wait, unless it was taken")]
    CorrelationNotDue = 529,
    /// Delegated stake is at most a multiple of the node's own.
    #[msg("The node holds all delegated stake that its own allows: delegate less, or to another node")]
    DelegationCapReached = 541,
    /// Nobody takes out what is not theirs.
    #[msg("The delegation has fewer shares than that, or none at all: read it first")]
    NotEnoughShares = 542,
    /// Delegated stake stays reachable for as long as the node's own.
    #[msg("The delegation's withdrawal is not released yet: wait for the slot that it names")]
    NotReleased = 544,
    /// See `scheduling_limits::EPOCH_SLOTS`.
    #[msg("scheduling.epoch_slots is outside its bounds: choose 2 to 216,000")]
    SchedulingEpochOutOfBounds = 550,
    /// Epochs, and parts of the correlation window, are counted from slot 0: another length would renumber those on record.
    #[msg("scheduling.epoch_slots and correlation_window_slots never change: keep the network's")]
    SchedulingLengthsFixed = 551,
    /// See `OpeningRules::validate`.
    #[msg("The opening of claims is outside its bounds: delay and steps of 1 to 150 slots, at most 16 steps, at least one expected node, 512 slots in all")]
    OpeningRulesOutOfBounds = 552,
    /// See `ReputationRules::validate`.
    #[msg("The rules of reputation are outside their bounds: maintenance <= outage <= no-show, a half-life of an epoch at least")]
    ReputationRulesOutOfBounds = 553,
    /// See `StandingRules::validate`.
    #[msg("The rules of misses are outside their bounds: jail and recovery end within unbonding_slots, silence takes longer than the first jail")]
    StandingRulesOutOfBounds = 554,
    /// See `scheduling_limits::STAKE_PER_JOB`.
    #[msg("scheduling.stake_per_job is outside its bounds: choose 1 to 10^18")]
    StakePerJobOutOfBounds = 555,
    /// See `scheduling_limits::LATE_PRICE_BPS`.
    #[msg("scheduling.late_price_bps is outside its bounds: choose 0 to 10,000")]
    LatePriceOutOfBounds = 556,
    /// See `scheduling_limits::CORRELATION_WINDOW_SLOTS`.
    #[msg("scheduling.correlation_window_slots is outside its bounds: choose 216,000 to 3,024,000, from 16 on a development network")]
    CorrelationWindowOutOfBounds = 557,
    /// See `scheduling_limits::ABSENT_EPOCHS`.
    #[msg("scheduling.absent_epochs is outside its bounds: choose 1 to 1,000")]
    AbsentEpochsOutOfBounds = 558,
    /// Regions are bits of a filter.
    #[msg("The region is outside its bounds: choose 0 to 63")]
    RegionInvalid = 560,
    /// The price rises only when all may claim.
    #[msg("ramp_hold_slots ends before all may claim: hold the price for delay_slots + steps * step_slots of the network at least")]
    RampHoldTooShort = 561,
    /// A seed is recorded once.
    #[msg("The job's seed is on record: claim the job, or leave it")]
    SeedAlreadySealed = 562,
    /// One sign of life an epoch is enough.
    #[msg("The node's heartbeat of this epoch is on record: send the next one in the next epoch")]
    HeartbeatTooSoon = 563,
    /// What a node did is not forgotten by closing its account.
    #[msg("The node's misses, jail or bad evidence have not faded: wait, or keep the account")]
    NodeHasMarks = 564,
    /// A conviction is charged for its company before stake leaves.
    #[msg("The node still owes a charge for correlated convictions: take it with charge_correlation when it is due")]
    CorrelationOutstanding = 565,

    /// See `scheduling_limits::DELEGATION_MULTIPLE_BPS`.
    #[msg("scheduling.delegation_multiple_bps is outside its bounds: choose 0 to 100,000")]
    DelegationMultipleOutOfBounds = 580,
    /// A commission is a share.
    #[msg("commission_bps is outside its bounds: choose 0 to 10,000")]
    CommissionOutOfBounds = 581,
    /// The instruction needs the node's pool.
    #[msg("The node takes no delegations: have its withdraw authority call open_delegation_pool")]
    DelegationPoolMissing = 582,
    /// The node cannot go while others have stake with it.
    #[msg("The node's delegation pool is open: close it with close_delegation_pool first")]
    DelegationPoolOpen = 583,
    /// What is left after a slash is only known when the slash has been taken.
    #[msg("A slash has not reached this pool: call settle_delegation_slash first")]
    DelegationSlashOutstanding = 584,
    /// There is nothing that a slash has not reached.
    #[msg("No slash waits for this pool: nothing is to be done")]
    NoDelegationSlash = 585,
    /// The account belongs to another pool.
    #[msg("The delegation is one of another pool: pass the pool that it names")]
    WrongDelegationPool = 586,
    /// The signer did not delegate.
    #[msg("Only the owner of the delegation may do this: sign with its key")]
    NotDelegator = 587,
    /// A delegation goes when nothing of it is left.
    #[msg("The delegation still has shares or rewards: undelegate and withdraw everything first")]
    DelegationNotEmpty = 588,
    /// A pool goes when nobody holds anything of it.
    #[msg("Delegations to the node are open: have them undelegated, withdrawn and closed first")]
    DelegationsOpen = 589,
    /// A mint has one place in a pool.
    #[msg("The pool shares rewards in this mint already: nothing is to be done")]
    RewardMintKnown = 590,
    /// A pool shares rewards in up to four mints.
    #[msg("The pool shares rewards in four mints already: remove one while nobody delegates")]
    RewardPlacesFull = 591,
    /// The pool has no place for this mint.
    #[msg("The pool shares no rewards in this mint: call add_reward_mint first")]
    RewardMintMissing = 592,
    /// A pool goes when all its reward vaults are closed.
    #[msg("The pool still has reward vaults: close each with remove_reward_mint first")]
    RewardMintsLeft = 593,
}

#[cfg(test)]
mod tests {
    use super::AssayError::*;
    use std::collections::HashSet;

    /// The published codes. A row is never changed or removed; a new error adds one.
    const PUBLISHED: &[(super::AssayError, u32)] = &[
        (ArithmeticOverflow, 0),
        (InvariantBroken, 1),
        (UnsupportedAccountVersion, 2),
        (NotUpgradeAuthority, 10),
        (NotNetworkAuthority, 11),
        (NotPendingAuthority, 12),
        (NotWithdrawAuthority, 13),
        (NotOperator, 14),
        (NotJobOperator, 15),
        (NotClient, 16),
        (MinimumStakeOutOfBounds, 20),
        (UnbondingSlotsOutOfBounds, 21),
        (ProtocolFeeOutOfBounds, 22),
        (MissChargeOutOfBounds, 23),
        (MinimumBondOutOfBounds, 24),
        (MaximumClaimSlotsOutOfBounds, 25),
        (MaximumRunSlotsOutOfBounds, 26),
        (WindowLimitsOutOfBounds, 27),
        (MaximumOpenJobsOutOfBounds, 28),
        (BondRateOutOfBounds, 29),
        (StakeMintFreezable, 40),
        (MintExtensionRefused, 41),
        (MintExtensionsUnreadable, 42),
        (PaymentMintDisabled, 43),
        (WrongMint, 44),
        (WrongTokenProgram, 45),
        (EndpointInvalid, 60),
        (OperatorInvalid, 61),
        (AmountZero, 62),
        (InsufficientFreeStake, 63),
        (WithdrawalQueueFull, 64),
        (NothingReleased, 65),
        (NoSuchWithdrawal, 66),
        (NodeHasStake, 67),
        (NodeHasUnbonding, 68),
        (NodeHasOpenJobs, 69),
        (JobIdMismatch, 80),
        (PriceZero, 81),
        (PriceRangeInverted, 82),
        (RampBeyondClaimWindow, 83),
        (ClaimSlotsOutOfBounds, 84),
        (RunSlotsOutOfBounds, 85),
        (WindowSlotsOutOfBounds, 86),
        (BondTooSmall, 87),
        (UriInvalid, 88),
        (OutputDescriptorInvalid, 89),
        (UnsupportedIrVersion, 90),
        (IllegalTransition, 100),
        (ClaimWindowClosed, 101),
        (ClaimWindowOpen, 102),
        (RunDeadlinePassed, 103),
        (RunDeadlineNotPassed, 104),
        (ChallengeWindowOpen, 105),
        (StakeBelowJobMinimum, 106),
        (StakeBelowNetworkMinimum, 107),
        (TooManyOpenJobs, 108),
        (WrongNode, 109),
        (OutputPathLengthMismatch, 110),
        (BoundaryRootMismatch, 111),
        (NothingOwed, 120),
        (DestinationNotCanonical, 121),
        (DestinationIsVault, 122),
        (CreditsOutstanding, 123),
        (JobNotEnded, 124),
        (VaultShort, 125),
        (WrongVault, 126),
        (ChallengeWindowClosed, 200),
        (IllegalChallengeTransition, 201),
        (ChallengeTargetInvalid, 202),
        (SealMismatch, 203),
        (RevealTooEarly, 204),
        (RevealTooLate, 205),
        (RevealTimeLeft, 206),
        (ChallengerOutOfTime, 207),
        (ChallengerHasTime, 208),
        (DefenderHasTime, 209),
        (DemandPending, 210),
        (TooManyDemands, 211),
        (WrongDemand, 212),
        (NotChallenger, 213),
        (WrongJob, 214),
        (JobNotChallengeable, 215),
        (JobNotConvicted, 216),
        (ProofTimeLeft, 217),
        (JobAlreadyConvicted, 218),
        (ChallengesOpen, 219),
        (BufferLengthInvalid, 220),
        (BufferRangeInvalid, 221),
        (BufferHeld, 222),
        (NotBufferOwner, 223),
        (SignatureMissing, 224),
        (SignatureInvalid, 225),
        (WrongSegmentClaim, 226),
        (SegmentClaimRefuted, 227),
        (SegmentRootSigned, 228),
        (OperatorMustSign, 229),
        (PostTimeOver, 230),
        (RootsEqual, 231),
        (WitnessRejected, 232),
        (WitnessMissing, 233),
        (ProofRejected, 234),
        (AnswerRejected, 235),
        (PlaceNotBound, 236),
        (DemandAnswered, 237),
        (ClaimsIncomplete, 238),
        (NothingToBurn, 239),
        (ChallengeNotPayable, 240),
        (DisputeNotOver, 241),
        (DisputeAlreadySettled, 242),
        (WrongBuffer, 243),
        (NodeConvicted, 244),
        (StakeFrozen, 245),
        (DisputeUnsettled, 246),
        (ChallengeBondOutOfBounds, 260),
        (RevealSlotsOutOfBounds, 261),
        (DisputeClocksOutOfBounds, 262),
        (SlashOutOfBounds, 263),
        (BountyOutOfBounds, 264),
        (OpeningFeeOutOfBounds, 265),
        (EpochSlotsOutOfBounds, 270),
        (AuditsPerJobOutOfBounds, 271),
        (AttestationBondOutOfBounds, 272),
        (MinimumValidatorStakeOutOfBounds, 273),
        (AuditTermsInvalid, 274),
        (WindowTooShortForAudit, 275),
        (NotValidatorAuthority, 276),
        (NotAuditor, 277),
        (AuditorInvalid, 278),
        (ValidatorHasStake, 279),
        (ValidatorHasUnbonding, 280),
        (ValidatorHasAttestations, 281),
        (ValidatorStakeTooLow, 282),
        (ChainMissing, 283),
        (ChainTooYoung, 284),
        (ChainOfOtherEpochs, 285),
        (SeedTooFar, 286),
        (WrongSeed, 287),
        (EpochNotOver, 288),
        (NotDrawn, 289),
        (NoAuditPot, 290),
        (AttestationWindowClosed, 291),
        (WrongAttestation, 292),
        (VerdictOutstanding, 293),
        (BondOutstanding, 294),
        (OutputUnavailable, 295),
        (AttestationsOpen, 296),
        (NotAFiling, 297),
        (FilerUnclear, 298),
        (IllegalSessionTransition, 300),
        (AcceptSlotsOutOfBounds, 301),
        (SessionSlotsOutOfBounds, 302),
        (SessionPriceInvalid, 303),
        (VoucherKeyInvalid, 304),
        (AcceptDeadlinePassed, 305),
        (AcceptDeadlineNotPassed, 306),
        (NotSessionParty, 307),
        (SessionTimeLeft, 308),
        (SessionTimeOver, 309),
        (VoucherTooSmall, 310),
        (VoucherBeyondBalance, 311),
        (ReceiptInvalid, 312),
        (WrongSession, 313),
        (SessionMissing, 314),
        (ReceiptsOpen, 315),
        (SessionNotEnded, 316),
        (JobIsReceipt, 317),
        (JobIsNoReceipt, 318),
        (NotBudgetOwner, 340),
        (NotBudgetAgent, 341),
        (BudgetExpired, 342),
        (WrongBudget, 343),
        (BudgetPriceTooHigh, 344),
        (BudgetJobTooLarge, 345),
        (BudgetPeriodExhausted, 346),
        (BudgetTooManyOpenJobs, 347),
        (BudgetGraphNotAllowed, 348),
        (BudgetNodeNotAllowed, 349),
        (BudgetLamportsShort, 350),
        (BudgetPeriodInvalid, 351),
        (BudgetListInvalid, 352),
        (BudgetHasOpenJobs, 353),
        (NotInvited, 354),
        (InvitedNodeInvalid, 355),
        (NotGuardian, 400),
        (TimelockOutOfBounds, 401),
        (PauseLengthOutOfBounds, 402),
        (PauseCoolingDown, 403),
        (WorkPaused, 404),
        (TimelockRunning, 405),
        (ProposalExpired, 406),
        (ProposalNotExpired, 407),
        (WrongChange, 408),
        (ChangeNotVetoable, 409),
        (ChangeSubjectWrong, 410),
        (WrongProposer, 411),
        (WrongDestination, 412),
        (AccountNotOutdated, 413),
        (FeeBurnOutOfBounds, 414),
        (FeeMustBurn, 415),
        (SortitionNotOpen, 500),
        (SeedNotSealed, 501),
        (NotDrawnYet, 502),
        (SeedNotYet, 503),
        (SlotHashesUnreadable, 504),
        (RuleOutOfBounds, 505),
        (CapabilityMissing, 510),
        (TierTooLow, 511),
        (RegionExcluded, 512),
        (ScoreTooLow, 513),
        (Jailed, 520),
        (UnresolvedMiss, 522),
        (InMaintenance, 523),
        (MaintenanceTooSoon, 524),
        (MaintenanceTooLong, 525),
        (MaintenanceTooOften, 526),
        (MaintenanceBegun, 527),
        (CapacityReached, 528),
        (CorrelationNotDue, 529),
        (DelegationCapReached, 541),
        (NotEnoughShares, 542),
        (NotReleased, 544),
        (SchedulingEpochOutOfBounds, 550),
        (SchedulingLengthsFixed, 551),
        (OpeningRulesOutOfBounds, 552),
        (ReputationRulesOutOfBounds, 553),
        (StandingRulesOutOfBounds, 554),
        (StakePerJobOutOfBounds, 555),
        (LatePriceOutOfBounds, 556),
        (CorrelationWindowOutOfBounds, 557),
        (AbsentEpochsOutOfBounds, 558),
        (RegionInvalid, 560),
        (RampHoldTooShort, 561),
        (SeedAlreadySealed, 562),
        (HeartbeatTooSoon, 563),
        (NodeHasMarks, 564),
        (CorrelationOutstanding, 565),
        (DelegationMultipleOutOfBounds, 580),
        (CommissionOutOfBounds, 581),
        (DelegationPoolMissing, 582),
        (DelegationPoolOpen, 583),
        (DelegationSlashOutstanding, 584),
        (NoDelegationSlash, 585),
        (WrongDelegationPool, 586),
        (NotDelegator, 587),
        (DelegationNotEmpty, 588),
        (DelegationsOpen, 589),
        (RewardMintKnown, 590),
        (RewardPlacesFull, 591),
        (RewardMintMissing, 592),
        (RewardMintsLeft, 593),
    ];

    #[test]
    fn codes_never_change() {
        for (error, number) in PUBLISHED.iter().copied() {
            assert_eq!(u32::from(error), 6_000 + number, "{error:?}");
        }
        let numbers: HashSet<u32> = PUBLISHED.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers.len(), PUBLISHED.len(), "no number is used twice");
    }

    #[test]
    fn every_message_says_what_to_do() {
        for (error, _) in PUBLISHED {
            let message = error.to_string();
            let (wrong, remedy) = message.split_once(": ").unwrap_or_default();
            assert!(!wrong.is_empty() && !remedy.is_empty(), "{error:?} only complains: {message}");
        }
    }
}
