//! What work of this kind has cost, from the jobs that are on-chain.

use assay::state::Job;
use schemars::JsonSchema;
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

/// Work in which prices are compared.
const GIGA: u128 = 1_000_000_000;

/// What nodes took jobs for, in one mint. Of accounts that are still on-chain: closed jobs are not counted.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Eq, Serialize)]
pub(crate) struct Market {
    /// Jobs that were claimed at a price
    pub claimed_jobs: usize,
    /// The lowest price that was taken
    pub lowest_price_base_units: Option<u64>,
    /// The median price that was taken
    pub median_price_base_units: Option<u64>,
    /// The highest price that was taken
    pub highest_price_base_units: Option<u64>,
    /// The median price of a thousand million units of work, among the jobs that say what they cost
    pub median_price_per_giga_cost_unit_base_units: Option<u64>,
    /// Jobs that wait for a claim
    pub waiting_jobs: usize,
}

impl Market {
    /// Looks at the jobs whose price is in `mint`.
    pub(crate) fn of<'a>(jobs: impl Iterator<Item = &'a Job>, mint: &Pubkey) -> Self {
        let (mut prices, mut rates, mut waiting) = (Vec::new(), Vec::new(), 0);
        for job in jobs.filter(|job| job.payment_mint == *mint && !job.is_receipt()) {
            if job.claimed_slot == 0 {
                waiting += usize::from(!job.state.is_end());
                continue;
            }
            prices.push(job.price);
            if let Some(rate) = (u128::from(job.price) * GIGA).checked_div(u128::from(job.cost_units)) {
                rates.push(u64::try_from(rate).unwrap_or(u64::MAX));
            }
        }
        prices.sort_unstable();
        Self {
            claimed_jobs: prices.len(),
            lowest_price_base_units: prices.first().copied(),
            median_price_base_units: prices.get(prices.len() / 2).copied(),
            highest_price_base_units: prices.last().copied(),
            median_price_per_giga_cost_unit_base_units: median(rates),
            waiting_jobs: waiting,
        }
    }

    /// What so much work costs at the median rate, rounded up, and at least 1; nothing where no job was taken.
    pub(crate) fn price_of(&self, cost_units: u64) -> Option<u64> {
        let rate = self.median_price_per_giga_cost_unit_base_units?;
        let price = (u128::from(rate) * u128::from(cost_units)).div_ceil(GIGA).max(1);
        Some(u64::try_from(price).unwrap_or(u64::MAX))
    }
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state_machine::JobState;

    const MINT: Pubkey = Pubkey::new_from_array([3; 32]);

    fn claimed(price: u64, cost_units: u64) -> Job {
        Job { payment_mint: MINT, claimed_slot: 9, price, cost_units, state: JobState::Settled, ..Job::default() }
    }

    #[test]
    fn prices_that_were_taken_are_counted_in_their_mint() {
        let waiting = Job { payment_mint: MINT, price_max: 1, ..Job::default() };
        let jobs = [
            claimed(10, 1_000_000_000),
            claimed(30, 1_000_000_000),
            claimed(20, 0),
            waiting.clone(),
            Job { state: JobState::Expired, ..waiting },
            Job { payment_mint: Pubkey::default(), ..claimed(1_000, 1) },
            Job { session: Pubkey::new_unique(), ..claimed(1_000, 1) },
        ];
        let market = Market::of(jobs.iter(), &MINT);
        assert_eq!((market.claimed_jobs, market.waiting_jobs), (3, 1));
        assert_eq!((market.lowest_price_base_units, market.highest_price_base_units), (Some(10), Some(30)));
        assert_eq!((market.median_price_base_units, market.price_of(1_000_000_000)), (Some(20), Some(30)));
        assert_eq!((market.price_of(1_500_000_001), market.price_of(0)), (Some(46), Some(1)), "rounded up");
    }

    #[test]
    fn an_empty_market_has_no_price_and_extremes_are_no_overflow() {
        assert_eq!(Market::of([].iter(), &MINT).price_of(1), None);
        let dear = Market::of([claimed(u64::MAX, 1)].iter(), &MINT);
        assert_eq!(dear.price_of(u64::MAX), Some(u64::MAX));
    }
}
