use anchor_lang::error::ErrorCode;
use assay::AssayError::{self, *};
use assay::accounts::SetParameters;
use assay::address;
use assay::events::ParametersChanged;
use assay::fairness::reputation::ReputationRules;
use assay::fairness::sortition::OpeningRules;
use assay::fairness::standing::StandingRules;
use assay::state::{AuditParameters, Parameters, SchedulingParameters};
use program_tests::World;
use program_tests::terms::{parameters, terms};

/// The longest dispute: to reveal, and both clocks, each extended by half.
const DISPUTE: u64 = (20 + 200 + 150) * 3 / 2;

#[test]
fn replaces_the_parameters() {
    let mut world = World::new();
    let changed = Parameters { minimum_stake: 7, maximum_open_jobs_per_node: 9, ..parameters() };
    let event: ParametersChanged = world.accepts(&world.set_parameters(changed)).event();
    assert_eq!(event.parameters, changed);
    let network = world.network();
    assert_eq!(network.parameters, changed);
    assert_eq!((network.authority, network.stake_mint), (world.authority, world.stake_mint.address), "nothing else");
}

#[test]
fn each_bound_has_its_error() {
    let mut world = World::new();
    let valid = parameters();
    let table: [(Parameters, AssayError); 14] = [
        (Parameters { minimum_stake: 0, ..valid }, MinimumStakeOutOfBounds),
        (Parameters { minimum_stake: 10u64.pow(18) + 1, ..valid }, MinimumStakeOutOfBounds),
        (Parameters { protocol_fee_bps: 1_001, ..valid }, ProtocolFeeOutOfBounds),
        (Parameters { miss_charge_bps: 2_001, ..valid }, MissChargeOutOfBounds),
        (Parameters { minimum_bond_bps: 100_001, ..valid }, MinimumBondOutOfBounds),
        (Parameters { maximum_claim_slots: 0, ..valid }, MaximumClaimSlotsOutOfBounds),
        (Parameters { maximum_claim_slots: u64::MAX, ..valid }, MaximumClaimSlotsOutOfBounds),
        (Parameters { maximum_run_slots: u64::MAX, ..valid }, MaximumRunSlotsOutOfBounds),
        (Parameters { minimum_window_slots: 0, ..valid }, WindowLimitsOutOfBounds),
        (Parameters { minimum_window_slots: 301, ..valid }, WindowLimitsOutOfBounds),
        (Parameters { maximum_open_jobs_per_node: 0, ..valid }, MaximumOpenJobsOutOfBounds),
        (Parameters { maximum_open_jobs_per_node: 1_025, ..valid }, MaximumOpenJobsOutOfBounds),
        (Parameters { unbonding_slots: 400 + 300 + DISPUTE + 64 + 63, ..valid }, UnbondingSlotsOutOfBounds),
        (Parameters { unbonding_slots: u64::MAX, ..valid }, UnbondingSlotsOutOfBounds),
    ];
    for (parameters, error) in table {
        let call = world.set_parameters(parameters);
        world.refuses(&call, error);
    }
    let audits = [
        (AuditParameters { epoch_slots: 1, ..valid.audit }, EpochSlotsOutOfBounds),
        (AuditParameters { audits_per_job: 17, ..valid.audit }, AuditsPerJobOutOfBounds),
        (AuditParameters { attestation_bond_bps: 19_999, ..valid.audit }, AttestationBondOutOfBounds),
        (AuditParameters { minimum_validator_stake: 0, ..valid.audit }, MinimumValidatorStakeOutOfBounds),
    ];
    for (audit, error) in audits {
        let call = world.set_parameters(Parameters { audit, ..valid });
        world.refuses(&call, error);
    }
    let of_scheduling = [
        (SchedulingParameters { epoch_slots: 1, ..valid.scheduling }, SchedulingEpochOutOfBounds),
        (SchedulingParameters { epoch_slots: 51, ..valid.scheduling }, SchedulingLengthsFixed),
        (SchedulingParameters { stake_per_job: 0, ..valid.scheduling }, StakePerJobOutOfBounds),
        (SchedulingParameters { late_price_bps: 10_001, ..valid.scheduling }, LatePriceOutOfBounds),
        (SchedulingParameters { correlation_window_slots: 15, ..valid.scheduling }, CorrelationWindowOutOfBounds),
        (SchedulingParameters { absent_epochs: 0, ..valid.scheduling }, AbsentEpochsOutOfBounds),
        (
            SchedulingParameters {
                opening: OpeningRules { delay_slots: 1, ..valid.scheduling.opening },
                ..valid.scheduling
            },
            OpeningRulesOutOfBounds,
        ),
        (
            SchedulingParameters {
                reputation: ReputationRules { outage_bps: 50_000, ..valid.scheduling.reputation },
                ..valid.scheduling
            },
            ReputationRulesOutOfBounds,
        ),
        (
            SchedulingParameters {
                standing: StandingRules { repeat_bps: 101, ..valid.scheduling.standing },
                ..valid.scheduling
            },
            StandingRulesOutOfBounds,
        ),
    ];
    for (scheduling, error) in of_scheduling {
        let call = world.set_parameters(Parameters { scheduling, ..valid });
        world.refuses(&call, error);
    }
    assert_eq!(world.network().parameters, valid);
    world.accepts(&world.set_parameters(Parameters { unbonding_slots: 400 + 300 + DISPUTE + 64 + 64, ..valid }));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let call = world.set_parameters(parameters());
    let right = call.accounts;
    let table = [
        ("a stranger", SetParameters { authority: world.mallory, ..right }, NotNetworkAuthority.into()),
        ("a node's operator", SetParameters { authority: world.node.operator, ..right }, NotNetworkAuthority.into()),
        (
            "another account of the program",
            SetParameters { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "no account at all",
            SetParameters { network: address::job(&world.client, 9), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}

/// Neither the fee nor the charge of a job changes once it is posted.
#[test]
fn posted_jobs_keep_their_terms() {
    let mut world = World::new();
    let (settled, missed) = (world.claimed(), world.claimed());
    world.accepts(&world.set_parameters(Parameters {
        protocol_fee_bps: 1_000,
        miss_charge_bps: 2_000,
        ..parameters()
    }));
    world.commit(&settled);
    world.finalise(&settled);
    world.miss(&missed);
    assert_eq!(world.read_job(&settled).credits.fee, terms().price_min * 250 / 10_000);
    assert_eq!(world.read_job(&missed).charge_credit, terms().bond * 500 / 10_000);
}
