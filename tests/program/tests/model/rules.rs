//! The rules that an action breaks, and what an action changes when it breaks none.

use crate::action::{Action, Caller, Destination};
use crate::state::{
    AUTHORITY, CLIENTS, FIRST_VALIDATOR, JobModel, Model, NodeModel, STAKE_MINT, STRANGER, State, Terms, VALIDATORS,
    share,
};
use anchor_lang::error::ErrorCode::AccountNotInitialized;
use assay::AssayError::*;
use assay::instructions::CreditRole;
use assay::state::{Parameters, limits};
use assay::units::{Slot, Slots};
use program_tests::Why;
use program_tests::outcome::{ACCOUNT_IN_USE, TOKEN_INSUFFICIENT_FUNDS};

/// Collects the rules that are broken.
#[derive(Default)]
pub(crate) struct Broken(Vec<Why>);

impl Broken {
    pub(crate) fn unless(&mut self, holds: bool, rule: impl Into<Why>) {
        if !holds {
            self.0.push(rule.into());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Model {
    /// Every rule that the action breaks. The program must refuse it for one of them, and accept it if there is none.
    pub(crate) fn broken_rules(&self, action: &Action) -> Vec<Why> {
        let mut broken = Broken::default();
        match action {
            Action::Advance(_) | Action::DonateToJob { .. } | Action::DonateToStake { .. } => {}
            Action::Session(action) => self.session_rules(&mut broken, action),
            Action::Delegation(action) => self.delegation_rules(&mut broken, action),
            Action::SetParameters(parameters) => self.parameter_rules(&mut broken, parameters),
            Action::SetPaymentMint { numerator, .. } => broken.unless(*numerator > 0, BondRateOutOfBounds),
            Action::WithdrawFees { mint, amount } => {
                broken.unless(*amount > 0, AmountZero);
                broken.unless(*amount <= self.mints[*mint].fee_vault, VaultShort);
            }
            Action::Pause { slots } => {
                broken.unless((1..=216_000).contains(slots), PauseLengthOutOfBounds);
                broken.unless(self.slot >= self.pause.1, PauseCoolingDown);
            }
            Action::Register { node } => broken.unless(!self.nodes[*node].registered, ACCOUNT_IN_USE),
            Action::Post { client, mint, id, terms } => self.posting_rules(&mut broken, *client, *mint, *id, terms),
            Action::Deregister { .. }
            | Action::Heartbeat { .. }
            | Action::SwitchOperator { .. }
            | Action::Stake { .. }
            | Action::RequestWithdrawal { .. }
            | Action::CancelWithdrawal { .. }
            | Action::WithdrawStake { .. } => self.node_rules(&mut broken, action),
            Action::StakeValidator { .. }
            | Action::RequestValidatorWithdrawal { .. }
            | Action::WithdrawValidatorStake { .. }
            | Action::Attest { .. }
            | Action::SettleAttestation { .. }
            | Action::CollectAttestation { .. } => self.audit_rules(&mut broken, action),
            _ => self.job_rules(&mut broken, action),
        }
        broken.0
    }

    fn parameter_rules(&self, broken: &mut Broken, parameters: &Parameters) {
        broken.unless(parameters.protocol_fee_bps <= 1_000, ProtocolFeeOutOfBounds);
        let least = parameters.maximum_run_slots
            + parameters.maximum_window_slots
            + longest_dispute(&parameters.dispute)
            + parameters.scheduling.correlation_window_slots / 2
            + limits::UNBONDING_MARGIN_SLOTS;
        broken.unless(parameters.unbonding_slots >= least, UnbondingSlotsOutOfBounds);
    }

    fn posting_rules(&self, broken: &mut Broken, client: usize, mint: usize, id: u64, terms: &Terms) {
        let limits = &self.parameters;
        broken.unless(self.slot >= self.pause.0, WorkPaused);
        broken.unless(self.mints[mint].enabled, PaymentMintDisabled);
        broken.unless(id == self.next_id[client], JobIdMismatch);
        broken.unless((1..=limits.maximum_claim_slots).contains(&terms.claim_slots), ClaimSlotsOutOfBounds);
        broken.unless((1..=limits.maximum_run_slots).contains(&terms.run_slots), RunSlotsOutOfBounds);
        let windows = limits.minimum_window_slots..=limits.maximum_window_slots;
        broken.unless(windows.contains(&terms.window_slots), WindowSlotsOutOfBounds);
        broken.unless(terms.price_max > 0, PriceZero);
        broken.unless(terms.price_min <= terms.price_max, PriceRangeInverted);
        broken.unless(terms.hold + terms.ramp <= terms.claim_slots, RampBeyondClaimWindow);
        match self.least_bond(mint, terms.price_max) {
            Some(least) => broken.unless(terms.bond >= least, BondTooSmall),
            None => broken.unless(false, ArithmeticOverflow),
        }
        broken.unless(terms.pot >= terms.cap && (terms.pot == 0 || terms.cap > 0), AuditTermsInvalid);
        let two_epochs = 2 * u64::from(limits.audit.epoch_slots);
        broken.unless(terms.pot == 0 || terms.window_slots >= two_epochs, WindowTooShortForAudit);
        broken.unless(self.attestation_bond(mint, terms.cap).is_some(), ArithmeticOverflow);
        match terms.price_max.checked_add(terms.pot) {
            Some(escrow) => broken.unless(escrow <= self.wallets[client][mint], TOKEN_INSUFFICIENT_FUNDS),
            None => broken.unless(false, ArithmeticOverflow),
        }
    }

    fn audit_rules(&self, broken: &mut Broken, action: &Action) {
        match *action {
            Action::StakeValidator { validator, amount } => {
                broken.unless(amount > 0, AmountZero);
                let held = self.wallets[FIRST_VALIDATOR + validator][STAKE_MINT];
                broken.unless(amount <= held, TOKEN_INSUFFICIENT_FUNDS);
            }
            Action::RequestValidatorWithdrawal { validator, amount } => {
                let validator = &self.validators[validator];
                broken.unless(amount > 0, AmountZero);
                broken.unless(amount <= validator.free(), InsufficientFreeStake);
                broken.unless(validator.unbonding.0 == 0, WithdrawalQueueFull);
            }
            Action::WithdrawValidatorStake { validator } => {
                let (amount, release) = self.validators[validator].unbonding;
                broken.unless(amount > 0 && release <= self.slot, NothingReleased);
            }
            Action::Attest { validator, job } => {
                broken.unless(self.jobs[job].state != State::Closed, AccountNotInitialized);
                self.attest_rules(broken, validator, &self.jobs[job]);
                if broken.0.is_empty() {
                    broken.unless(self.is_drawn(validator, job), NotDrawn);
                }
            }
            Action::SettleAttestation { validator, job } => {
                let job = &self.jobs[job];
                match job.attested[validator] {
                    Some(released) => {
                        broken.unless(job.state == State::Settled, VerdictOutstanding);
                        broken.unless(!released, NothingOwed);
                    }
                    None => broken.unless(false, AccountNotInitialized),
                }
            }
            Action::CollectAttestation { validator, job, caller, destination } => {
                match self.jobs[job].attested[validator] {
                    Some(released) => {
                        broken.unless(released, BondOutstanding);
                        payment_rules(broken, caller, destination);
                    }
                    None => broken.unless(false, AccountNotInitialized),
                }
            }
            _ => unreachable!("no action of an audit"),
        }
    }

    fn attest_rules(&self, broken: &mut Broken, at: usize, job: &JobModel) {
        let validator = &self.validators[at];
        broken.unless(job.attested[at].is_none(), ACCOUNT_IN_USE);
        broken.unless(matches!(job.state, State::Committed | State::Accepted), IllegalTransition);
        broken.unless(self.slot <= job.committed + job.terms.window_slots, AttestationWindowClosed);
        broken.unless(validator.stake >= self.parameters.audit.minimum_validator_stake, ValidatorStakeTooLow);
        broken.unless(job.terms.pot > 0, NoAuditPot);
        let epoch = self.epoch(job.committed);
        broken.unless(self.epoch(job.posted) >= validator.first_epoch, ChainTooYoung);
        broken.unless(self.epoch(self.slot) > epoch, EpochNotOver);
        broken.unless(epoch.abs_diff(validator.shown_epoch) <= 64, SeedTooFar);
        broken.unless(job.attestation_bond <= validator.free(), InsufficientFreeStake);
    }

    /// Sixteen auditors are wanted: who has a sixteenth of all stake is always drawn, who has none never. For what lies
    /// between, the hash is asked.
    fn is_drawn(&self, at: usize, job: usize) -> bool {
        let job = &self.jobs[job];
        let weight = u128::from(self.validators[at].weight(job.posted));
        assert_eq!(self.parameters.audit.audits_per_job, 16);
        if weight * 16 >= u128::from(job.validator_stake) || weight == 0 { weight > 0 } else { job.draws[at] }
    }

    fn node_rules(&self, broken: &mut Broken, action: &Action) {
        let at = match action {
            Action::Deregister { node }
            | Action::Heartbeat { node }
            | Action::SwitchOperator { node }
            | Action::Stake { node, .. }
            | Action::RequestWithdrawal { node, .. }
            | Action::CancelWithdrawal { node, .. }
            | Action::WithdrawStake { node } => *node,
            _ => unreachable!("no action of a node"),
        };
        let node = &self.nodes[at];
        if !node.registered {
            return broken.unless(false, AccountNotInitialized);
        }
        match action {
            Action::Deregister { .. } => {
                broken.unless(node.pool.is_none(), DelegationPoolOpen);
                broken.unless(node.open_jobs == 0, NodeHasOpenJobs);
                broken.unless(node.stake == 0, NodeHasStake);
                broken.unless(node.unbonding() == 0, NodeHasUnbonding);
                let rules = &self.parameters.scheduling;
                broken.unless(node.record.check_unmarked(Slot(self.slot), rules).is_ok(), NodeHasMarks);
            }
            Action::Heartbeat { .. } => {
                let epoch = self.slot / u64::from(self.parameters.scheduling.epoch_slots);
                let standing = &node.record.standing;
                broken.unless(epoch > standing.heartbeat_epoch || standing.unresolved > 0, HeartbeatTooSoon);
            }
            Action::Stake { amount, .. } => {
                broken.unless(*amount > 0, AmountZero);
                broken.unless(*amount <= self.wallets[CLIENTS + at][STAKE_MINT], TOKEN_INSUFFICIENT_FUNDS);
            }
            Action::RequestWithdrawal { amount, .. } => {
                broken.unless(*amount > 0, AmountZero);
                broken.unless(*amount <= node.free(), InsufficientFreeStake);
                broken.unless(node.queue.iter().any(|place| place.0 == 0), WithdrawalQueueFull);
            }
            Action::CancelWithdrawal { place, .. } => {
                let taken = node.queue.get(usize::from(*place)).is_some_and(|place| place.0 > 0);
                broken.unless(taken, NoSuchWithdrawal);
            }
            Action::WithdrawStake { .. } => broken.unless(node.released(self.slot) > 0, NothingReleased),
            _ => {}
        }
    }

    fn job_rules(&self, broken: &mut Broken, action: &Action) {
        let (at, node) = match action {
            Action::Claim { job, node, .. } | Action::Finalise { job, node } | Action::ExpireClaim { job, node } => {
                (*job, Some(*node))
            }
            Action::Commit { job, .. }
            | Action::Cancel { job, .. }
            | Action::Accept { job, .. }
            | Action::ExpireJob { job }
            | Action::WithdrawCredit { job, .. }
            | Action::WithdrawCharge { job, .. }
            | Action::SweepFee { job }
            | Action::Burn { job }
            | Action::Close { job } => (*job, None),
            _ => unreachable!("no action on a job"),
        };
        let job = &self.jobs[at];
        broken.unless(job.state != State::Closed, AccountNotInitialized);
        broken.unless(node.is_none_or(|node| self.nodes[node].registered), AccountNotInitialized);
        if !broken.0.is_empty() {
            return;
        }
        let Terms { claim_slots, run_slots, window_slots, .. } = job.terms;
        let now = self.slot;
        match action {
            Action::Claim { node, operator, .. } => self.claim_rules(broken, job, &self.nodes[*node], *operator),
            Action::Commit { node, operator, honest, .. } => {
                broken.unless(job.state == State::Claimed, IllegalTransition);
                broken.unless(job.claimer == Some((*node, *operator)), NotJobOperator);
                broken.unless(now <= job.claimed + run_slots, RunDeadlinePassed);
                broken.unless(*honest, BoundaryRootMismatch);
            }
            Action::Finalise { node, .. } => {
                broken.unless(matches!(job.state, State::Committed | State::Accepted), IllegalTransition);
                broken.unless(job.claimer.is_some_and(|claimer| claimer.0 == *node), WrongNode);
                broken.unless(now > job.committed + window_slots, ChallengeWindowOpen);
            }
            Action::Cancel { client, .. } => {
                broken.unless(*client == job.client, NotClient);
                broken.unless(job.state == State::Posted, IllegalTransition);
            }
            Action::Accept { client, .. } => {
                broken.unless(*client == job.client, NotClient);
                broken.unless(job.state == State::Committed, IllegalTransition);
            }
            Action::ExpireJob { .. } => {
                broken.unless(job.state == State::Posted, IllegalTransition);
                broken.unless(now > job.posted + claim_slots, ClaimWindowOpen);
            }
            Action::ExpireClaim { node, .. } => {
                broken.unless(job.state == State::Claimed, IllegalTransition);
                broken.unless(job.claimer.is_some_and(|claimer| claimer.0 == *node), WrongNode);
                broken.unless(now > job.claimed + run_slots, RunDeadlineNotPassed);
            }
            Action::WithdrawCredit { role, caller, destination, .. } => {
                let credit = match role {
                    CreditRole::Node => job.credit_node,
                    CreditRole::Client => job.credit_client,
                };
                broken.unless(credit > 0, NothingOwed);
                payment_rules(broken, *caller, *destination);
            }
            Action::WithdrawCharge { caller, destination, .. } => {
                broken.unless(job.charge > 0, NothingOwed);
                payment_rules(broken, *caller, *destination);
            }
            Action::SweepFee { .. } => broken.unless(job.credit_fee > 0, NothingOwed),
            Action::Burn { .. } => broken.unless(job.burn > 0, NothingToBurn),
            Action::Close { .. } => {
                broken.unless(!job.is_open(), JobNotEnded);
                broken.unless(job.attested == [None; VALIDATORS], AttestationsOpen);
                broken.unless(job.owed() == 0 && job.charge == 0 && job.burn == 0, CreditsOutstanding);
            }
            _ => unreachable!("no action on a job"),
        }
    }

    fn claim_rules(&self, broken: &mut Broken, job: &JobModel, node: &NodeModel, operator: usize) {
        broken.unless(operator == node.operator, NotOperator);
        broken.unless(self.slot >= self.pause.0, WorkPaused);
        broken.unless(job.state == State::Posted, IllegalTransition);
        broken.unless(self.slot <= job.posted + job.terms.claim_slots, ClaimWindowClosed);
        broken.unless(node.stake >= self.parameters.minimum_stake, StakeBelowNetworkMinimum);
        broken.unless(node.stake >= job.terms.minimum_stake, StakeBelowJobMinimum);
        self.taking_rules(broken, node);
        // What a conviction would take besides the bond stays free.
        let reserve = share(node.stake, self.parameters.dispute.slash_bps);
        broken.unless(node.free() >= job.terms.bond + reserve, InsufficientFreeStake);
    }

    /// What keeps a node from taking one more job or session, its stake apart.
    pub(crate) fn taking_rules(&self, broken: &mut Broken, node: &NodeModel) {
        broken.unless(node.open_jobs < self.parameters.maximum_open_jobs_per_node, TooManyOpenJobs);
        let affordable = node.stake / self.parameters.scheduling.stake_per_job;
        broken.unless(u64::from(node.open_jobs) < affordable, CapacityReached);
        let standing = &node.record.standing;
        broken.unless(standing.unresolved == 0, UnresolvedMiss);
        broken.unless(self.slot >= standing.jailed_until_slot, Jailed);
    }

    /// What the action changes. Called only if it breaks no rule.
    pub(crate) fn apply(&mut self, action: &Action) {
        let now = self.slot;
        match *action {
            Action::Advance(slots) => self.slot += slots,
            Action::SetParameters(parameters) => self.parameters = parameters,
            Action::SetPaymentMint { mint, enabled, numerator, denominator } => {
                let record = &mut self.mints[mint];
                (record.enabled, record.numerator, record.denominator) = (enabled, numerator, denominator);
            }
            Action::WithdrawFees { mint, amount } => {
                self.mints[mint].fee_vault -= amount;
                self.wallets[AUTHORITY][mint] += amount;
            }
            // As long again, and an hour at least.
            Action::Pause { slots } => self.pause = (now + slots, now + slots + slots.max(9_000)),
            Action::Register { node } => {
                let mut record = assay::state::Node::default();
                record.begin(Slot(now), self.parameters.scheduling.epoch_slots).expect("a slot");
                self.nodes[node] = NodeModel { registered: true, record, ..NodeModel::default() };
            }
            Action::Heartbeat { node } => {
                let rules = &self.parameters.scheduling;
                self.nodes[node].record.record_heartbeat(Slot(now), rules).expect("a heartbeat in time");
            }
            Action::Deregister { node } => self.nodes[node] = NodeModel::default(),
            Action::SwitchOperator { node } => self.nodes[node].operator = 1 - self.nodes[node].operator,
            Action::Stake { node, amount } => {
                self.wallets[CLIENTS + node][STAKE_MINT] -= amount;
                self.stake_vault += amount;
                self.nodes[node].stake += amount;
            }
            Action::RequestWithdrawal { node, amount } => {
                let release = now + self.parameters.unbonding_slots;
                let node = &mut self.nodes[node];
                let release = release.max(node.last_obligation + limits::UNBONDING_MARGIN_SLOTS);
                node.stake -= amount;
                *node.queue.iter_mut().find(|place| place.0 == 0).expect("an empty place") = (amount, release);
            }
            Action::CancelWithdrawal { node, place } => {
                let place = std::mem::take(&mut self.nodes[node].queue[usize::from(place)]);
                self.nodes[node].stake += place.0;
            }
            Action::WithdrawStake { node } => {
                let amount = self.nodes[node].released(now);
                for place in self.nodes[node].queue.iter_mut().filter(|place| place.1 <= now) {
                    *place = (0, 0);
                }
                self.stake_vault -= amount;
                self.wallets[CLIENTS + node][STAKE_MINT] += amount;
            }
            Action::DonateToStake { amount } => {
                self.stake_vault += amount;
                self.donated_stake += amount;
            }
            Action::Post { client, mint, terms, .. } => self.post(client, mint, terms),
            Action::Session(ref action) => self.apply_to_session(action),
            Action::Delegation(ref action) => self.apply_delegation(action),
            Action::StakeValidator { .. }
            | Action::RequestValidatorWithdrawal { .. }
            | Action::WithdrawValidatorStake { .. }
            | Action::Attest { .. }
            | Action::SettleAttestation { .. }
            | Action::CollectAttestation { .. } => self.apply_audit(action),
            _ => self.apply_to_job(action),
        }
    }

    fn post(&mut self, client: usize, mint: usize, terms: Terms) {
        self.wallets[client][mint] -= terms.price_max + terms.pot;
        self.next_id[client] += 1;
        self.jobs.push(JobModel {
            client,
            mint,
            state: State::Posted,
            terms,
            fee_bps: self.parameters.protocol_fee_bps,
            charge_bps: self.parameters.miss_charge_bps,
            posted: self.slot,
            claimed: 0,
            committed: 0,
            claimer: None,
            price: 0,
            credit_node: 0,
            credit_client: 0,
            credit_fee: 0,
            credit_audits: 0,
            credit_delegators: 0,
            delegators_bps: 0,
            charge: 0,
            burn: 0,
            rate: (self.mints[mint].numerator, self.mints[mint].denominator),
            vault: terms.price_max + terms.pot,
            attestation_bond: self.attestation_bond(mint, terms.cap).expect("checked before"),
            validator_stake: self.validators.iter().map(|validator| validator.stake).sum(),
            attested: [None; VALIDATORS],
            draws: [false; VALIDATORS],
            attestations: 0,
            fee_each: 0,
        });
    }

    fn apply_to_job(&mut self, action: &Action) {
        let now = self.slot;
        match *action {
            Action::Claim { node, operator, job } => {
                let delegators_bps = self.delegators_bps(node);
                let job = &mut self.jobs[job];
                job.delegators_bps = delegators_bps;
                job.price = job.price_at(now);
                (job.state, job.claimed, job.claimer) = (State::Claimed, now, Some((node, operator)));
                let node = &mut self.nodes[node];
                node.locked += job.terms.bond;
                node.open_jobs += 1;
                node.record.standing.seen_slot = now;
                node.last_obligation = node.last_obligation.max(
                    now + job.terms.run_slots + job.terms.window_slots + longest_dispute(&self.parameters.dispute),
                );
            }
            Action::Commit { job, .. } => {
                let job = &mut self.jobs[job];
                (job.state, job.committed) = (State::Committed, now);
            }
            Action::Finalise { node, job } => {
                let job = &mut self.jobs[job];
                if job.state == State::Committed {
                    job.share_out();
                }
                job.state = State::Settled;
                let share_of_pot = job.terms.pot.checked_div(job.attestations).unwrap_or(0);
                job.fee_each = share_of_pot.min(job.terms.cap);
                job.credit_audits = job.fee_each * job.attestations;
                job.credit_client += job.terms.pot - job.credit_audits;
                let node = &mut self.nodes[node];
                node.locked -= job.terms.bond;
                node.open_jobs -= 1;
                node.settled += 1;
                let rules = &self.parameters.scheduling;
                node.record.record_result(&job.record(), Slot(now), rules).expect("a result");
            }
            Action::Accept { job, .. } => {
                self.jobs[job].share_out();
                self.jobs[job].state = State::Accepted;
            }
            Action::Cancel { job, .. } => self.jobs[job].refund(State::Cancelled),
            Action::ExpireJob { job } => self.jobs[job].refund(State::Expired),
            Action::ExpireClaim { node, job } => {
                let job = &mut self.jobs[job];
                job.refund(State::Missed);
                let node = &mut self.nodes[node];
                // The program's function frees the bond in the account that it is given; what it says of money is compared with
                // what the model says.
                let bond = job.terms.bond;
                (node.record.stake, node.record.locked, node.record.open_jobs) = (bond, bond, 1);
                let earlier = node.record.standing.unresolved > 0 || {
                    let recovery = Slots(self.parameters.scheduling.standing.recovery_slots);
                    node.record.standing.misses.at(Slot(now), recovery) > 0
                };
                let rules = &self.parameters.scheduling;
                node.record.record_miss(&job.record(), Slot(now), rules).expect("a miss");
                job.charge = share(bond, job.charge_bps).max(1).min(bond);
                let repeat_bps = if earlier { rules.standing.repeat_bps } else { 0 };
                job.burn = share(bond, repeat_bps).min(bond - job.charge);
                assert_eq!(node.record.stake, bond - job.charge - job.burn, "the cost of a miss");
                node.locked -= job.terms.bond;
                node.stake -= job.charge + job.burn;
                node.open_jobs -= 1;
                node.missed += 1;
            }
            Action::WithdrawCredit { job, role, destination, .. } => {
                let job = &mut self.jobs[job];
                let (credit, payee) = match role {
                    CreditRole::Node => {
                        (std::mem::take(&mut job.credit_node), CLIENTS + job.claimer.expect("a claimer").0)
                    }
                    CreditRole::Client => (std::mem::take(&mut job.credit_client), job.client),
                };
                job.vault -= credit;
                self.wallets[receiver(payee, destination)][job.mint] += credit;
            }
            Action::Burn { job } => self.stake_vault -= std::mem::take(&mut self.jobs[job].burn),
            Action::WithdrawCharge { job, destination, .. } => {
                let job = &mut self.jobs[job];
                let charge = std::mem::take(&mut job.charge);
                self.stake_vault -= charge;
                self.wallets[receiver(job.client, destination)][STAKE_MINT] += charge;
            }
            Action::SweepFee { job } => {
                let job = &mut self.jobs[job];
                let fee = std::mem::take(&mut job.credit_fee);
                job.vault -= fee;
                self.mints[job.mint].fee_vault += fee;
            }
            Action::Close { job } => {
                let job = &mut self.jobs[job];
                self.mints[job.mint].fee_vault += std::mem::take(&mut job.vault);
                job.state = State::Closed;
            }
            Action::DonateToJob { job, amount } => self.jobs[job].vault += amount,
            _ => unreachable!("no action on a job"),
        }
    }
}

impl Model {
    fn apply_audit(&mut self, action: &Action) {
        let now = self.slot;
        match *action {
            Action::StakeValidator { validator, amount } => {
                self.wallets[FIRST_VALIDATOR + validator][STAKE_MINT] -= amount;
                self.stake_vault += amount;
                let validator = &mut self.validators[validator];
                validator.stake += amount;
                validator.recent = (validator.recent.0 + amount, now);
            }
            Action::RequestValidatorWithdrawal { validator, amount } => {
                let validator = &mut self.validators[validator];
                let obligation = validator.last_obligation + limits::UNBONDING_MARGIN_SLOTS;
                validator.unbonding = (amount, (now + self.parameters.unbonding_slots).max(obligation));
                validator.stake -= amount;
                validator.recent.0 = validator.recent.0.saturating_sub(amount);
            }
            Action::WithdrawValidatorStake { validator } => {
                let amount = std::mem::take(&mut self.validators[validator].unbonding).0;
                self.stake_vault -= amount;
                self.wallets[FIRST_VALIDATOR + validator][STAKE_MINT] += amount;
            }
            Action::Attest { validator: at, job } => {
                let epoch = self.epoch(self.jobs[job].committed);
                let dispute = longest_dispute(&self.parameters.dispute);
                let (job, validator) = (&mut self.jobs[job], &mut self.validators[at]);
                (job.attested[at], job.attestations) = (Some(false), job.attestations + 1);
                validator.locked += job.attestation_bond;
                validator.open += 1;
                validator.shown_epoch = validator.shown_epoch.max(epoch);
                let obligation = job.committed + job.terms.window_slots + dispute;
                validator.last_obligation = validator.last_obligation.max(obligation);
            }
            Action::SettleAttestation { validator: at, job } => {
                let (job, validator) = (&mut self.jobs[job], &mut self.validators[at]);
                validator.locked -= job.attestation_bond;
                validator.open -= 1;
                validator.upheld += 1;
                job.attested[at] = (job.fee_each > 0).then_some(true);
            }
            Action::CollectAttestation { validator, job, destination, .. } => {
                let job = &mut self.jobs[job];
                job.attested[validator] = None;
                job.credit_audits -= job.fee_each;
                job.vault -= job.fee_each;
                self.wallets[receiver(FIRST_VALIDATOR + validator, destination)][job.mint] += job.fee_each;
            }
            _ => unreachable!("no action of an audit"),
        }
    }
}

impl JobModel {
    fn share_out(&mut self) {
        self.credit_fee = share(self.price, self.fee_bps);
        let earned = self.price - self.credit_fee;
        self.credit_delegators = earned * self.delegators_bps / 10_000;
        self.credit_node = earned - self.credit_delegators;
        self.credit_client = self.terms.price_max - self.price;
    }

    fn refund(&mut self, state: State) {
        self.state = state;
        self.credit_client = self.terms.price_max + self.terms.pot;
    }
}

pub(crate) fn payment_rules(broken: &mut Broken, caller: Caller, destination: Destination) {
    broken.unless(destination != Destination::Vault, DestinationIsVault);
    broken.unless(caller == Caller::Payee || destination == Destination::Canonical, DestinationNotCanonical);
}

/// Whose wallet a payment reaches.
pub(crate) fn receiver(payee: usize, destination: Destination) -> usize {
    if destination == Destination::Strangers { STRANGER } else { payee }
}

/// To reveal and both clocks, each extended by half.
pub(crate) fn longest_dispute(dispute: &assay::state::DisputeParameters) -> u64 {
    let clocks = [dispute.reveal_slots, dispute.challenger_clock_slots, dispute.defender_clock_slots];
    clocks.into_iter().map(|clock| u64::from(clock) + u64::from(clock) / 2).sum()
}
