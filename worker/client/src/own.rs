//! Whether a job on the chain is the one that was asked for.

use assay::PostJobArgs;
use assay::state::Job;
use solana_sdk::pubkey::Pubkey;

/// Whether `job` was posted with these arguments in this mint: the same work at the same terms. Addresses of artifacts may differ,
/// for they are hints; whoever asks again after a move still finds its job.
pub(crate) fn is_posted_with(arguments: &PostJobArgs, payment_mint: &Pubkey, job: &Job) -> bool {
    // Every field by name: a new one has to be thought of here.
    let PostJobArgs {
        job_id,
        graph_root,
        params_root,
        inputs_root,
        ir_version,
        symbols,
        output,
        price_min,
        price_max,
        ramp_hold_slots,
        ramp_slots,
        claim_slots,
        run_slots,
        window_slots,
        minimum_stake,
        bond,
        audit_pot,
        audit_cap,
        invited_node,
        cost_units,
        filter,
        graph_uri: _,
        params_uri: _,
        inputs_uri: _,
        store_uri: _,
    } = arguments;
    let work = (graph_root, params_root, inputs_root, ir_version, symbols, output, cost_units);
    let prices = (price_min, price_max, ramp_hold_slots, ramp_slots, audit_pot, audit_cap);
    let deadlines = (claim_slots, run_slots, window_slots);
    let who = (*minimum_stake, *bond, invited_node.unwrap_or_default(), filter.unwrap_or_default());
    (job_id, payment_mint) == (&job.job_id, &job.payment_mint)
        && work
            == (
                &job.graph_root,
                &job.params_root,
                &job.inputs_root,
                &job.ir_version,
                &job.symbols,
                &job.output,
                &job.cost_units,
            )
        && prices
            == (&job.price_min, &job.price_max, &job.ramp_hold_slots, &job.ramp_slots, &job.audit.pot, &job.audit.cap)
        && deadlines == (&job.claim_slots, &job.run_slots, &job.window_slots)
        && who == (job.minimum_stake, job.bond, job.invited_node, job.filter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::market::OutputDescriptor;
    use assay::state::JobAudit;

    const MINT: Pubkey = Pubkey::new_from_array([7; 32]);

    fn arguments() -> PostJobArgs {
        PostJobArgs {
            job_id: 3,
            graph_root: [1; 32],
            params_root: [2; 32],
            inputs_root: [3; 32],
            ir_version: 1,
            symbols: [4, 0, 0, 0],
            output: OutputDescriptor { uid: [5; 8], leaves: 6, depth: 3, boundary_position: 1, boundary_count: 2 },
            price_min: 10,
            price_max: 20,
            ramp_hold_slots: 30,
            ramp_slots: 40,
            claim_slots: 50,
            run_slots: 60,
            window_slots: 70,
            minimum_stake: 80,
            bond: 90,
            audit_pot: 100,
            audit_cap: 50,
            invited_node: None,
            cost_units: 110,
            filter: None,
            graph_uri: "http://host/graph".into(),
            params_uri: "http://host/params".into(),
            inputs_uri: "http://host/inputs".into(),
            store_uri: String::new(),
        }
    }

    fn job() -> Job {
        let asked = arguments();
        Job {
            job_id: asked.job_id,
            payment_mint: MINT,
            graph_root: asked.graph_root,
            params_root: asked.params_root,
            inputs_root: asked.inputs_root,
            ir_version: asked.ir_version,
            symbols: asked.symbols,
            output: asked.output,
            price_min: asked.price_min,
            price_max: asked.price_max,
            ramp_hold_slots: asked.ramp_hold_slots,
            ramp_slots: asked.ramp_slots,
            claim_slots: asked.claim_slots,
            run_slots: asked.run_slots,
            window_slots: asked.window_slots,
            minimum_stake: asked.minimum_stake,
            bond: asked.bond,
            audit: JobAudit { pot: asked.audit_pot, cap: asked.audit_cap, ..JobAudit::default() },
            cost_units: asked.cost_units,
            ..Job::default()
        }
    }

    #[test]
    fn the_same_work_at_the_same_terms_is_the_own_job_wherever_its_artifacts_lie() {
        assert!(is_posted_with(&arguments(), &MINT, &job()));
        let moved = Job { graph_uri: "http://elsewhere/graph".into(), ..job() };
        assert!(is_posted_with(&arguments(), &MINT, &moved));
    }

    #[test]
    fn a_job_at_other_terms_is_somebody_elses() {
        let changes: [fn(&mut Job); 22] = [
            |job| job.job_id = 0,
            |job| job.payment_mint = Pubkey::default(),
            |job| job.graph_root = [0; 32],
            |job| job.params_root = [0; 32],
            |job| job.inputs_root = [0; 32],
            |job| job.ir_version = 0,
            |job| job.symbols = [0; 4],
            |job| job.output.boundary_position = 0,
            |job| job.price_min += 1,
            |job| job.price_max += 1,
            |job| job.ramp_hold_slots += 1,
            |job| job.ramp_slots += 1,
            |job| job.claim_slots += 1,
            |job| job.run_slots += 1,
            |job| job.window_slots += 1,
            |job| job.minimum_stake += 1,
            |job| job.bond += 1,
            |job| job.audit.pot += 1,
            |job| job.audit.cap += 1,
            |job| job.invited_node = MINT,
            |job| job.cost_units += 1,
            |job| job.filter.minimum_tier = 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut other = job();
            change(&mut other);
            assert!(!is_posted_with(&arguments(), &MINT, &other), "change {index}");
        }
    }
}
