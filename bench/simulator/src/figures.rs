//! What a simulation says, in numbers.

use crate::market::{EPOCHS, NewcomerEpoch, Outcome, Tally};
use crate::population::{Kind, Owner};
use serde_json::{Value, json};

/// What a lost claim costs.
const LAMPORTS_PER_CLAIM: u64 = 5_000;
/// The quantile of Student's distribution with four degrees of freedom for an interval of 95 %.
const STUDENT_FOUR: f64 = 2.776;
/// The same of the normal distribution.
const NORMAL: f64 = 1.96;

/// What a strategy gains over another one, as a share, with an interval of 95 %.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gain {
    /// The strategy.
    pub(crate) name: String,
    /// What it is compared with.
    pub(crate) against: &'static str,
    pub(crate) gain: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Gain {
    /// Whether the strategy gains, beyond noise.
    pub(crate) fn pays(&self) -> bool {
        self.low > 0.0
    }
}

/// A tenth of the ordinary owners, the smallest stakes first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decile {
    /// Share of the stake of all ordinary owners.
    pub(crate) stake: f64,
    /// Share of the jobs that ordinary owners won.
    pub(crate) jobs: f64,
}

/// All figures.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) deciles: Vec<Decile>,
    /// Slots from post to claim, in order.
    pub(crate) waits: Vec<u64>,
    /// Jobs that were claimed when all might claim, as a share.
    pub(crate) claimed_by_anybody: f64,
    /// Jobs won by newcomers beside their stake, for each epoch: 1 is their share.
    pub(crate) newcomers: Vec<f64>,
    /// The same over all these epochs, and the shares it comes from.
    pub(crate) newcomers_share: (f64, f64),
    pub(crate) gains: Vec<Gain>,
    /// Lost claims, and those for each claim that won.
    pub(crate) lost_claims: u64,
    pub(crate) lost_per_job: f64,
    pub(crate) missed: u64,
    pub(crate) completed: u64,
    epoch_slots: u64,
}

impl Figures {
    /// What `outcome` says.
    pub(crate) fn new(outcome: Outcome) -> Self {
        let lost_claims = outcome.tallies.iter().map(|tally| tally.lost).sum::<u64>();
        let jobs = outcome.waits.len().max(1) as f64;
        let mut waits = outcome.waits;
        waits.sort_unstable();
        Self {
            deciles: deciles(&outcome.owners, &outcome.tallies),
            claimed_by_anybody: outcome.claimed_by_anybody as f64 / jobs,
            newcomers: outcome.newcomers.iter().map(|epoch| share_of(&[*epoch])).map(|(won, due)| won / due).collect(),
            newcomers_share: share_of(&outcome.newcomers),
            gains: gains(&outcome.owners, &outcome.tallies, outcome.parts),
            lost_claims,
            lost_per_job: lost_claims as f64 / jobs,
            missed: outcome.tallies.iter().map(|tally| tally.missed).sum(),
            completed: outcome.completed,
            epoch_slots: outcome.epoch_slots,
            waits,
        }
    }

    /// The wait that this share of the jobs does not exceed, in slots.
    pub(crate) fn wait(&self, share: f64) -> u64 {
        let index = (self.waits.len() as f64 * share).ceil() as usize;
        self.waits.get(index.saturating_sub(1).min(self.waits.len().saturating_sub(1))).copied().unwrap_or(0)
    }

    /// All of it as one object.
    pub(crate) fn json(&self) -> Value {
        let gains: Vec<Value> = self
            .gains
            .iter()
            .map(|gain| {
                json!({
                    "strategy": gain.name, "against": gain.against,
                    "gain": round(gain.gain), "low": round(gain.low), "high": round(gain.high),
                })
            })
            .collect();
        let deciles: Vec<Value> = self
            .deciles
            .iter()
            .map(|decile| json!({ "stake_share": round(decile.stake), "job_share": round(decile.jobs) }))
            .collect();
        json!({
            "jobs": self.waits.len(),
            "epochs": EPOCHS,
            "epoch_slots": self.epoch_slots,
            "wait_slots": { "median": self.wait(0.5), "p99": self.wait(0.99), "longest": self.wait(1.0) },
            "claimed_when_open_to_all": round(self.claimed_by_anybody),
            "deciles": deciles,
            "newcomers": { "job_share": round(self.newcomers_share.0), "stake_share": round(self.newcomers_share.1) },
            "gains": gains,
            "lost_claims": self.lost_claims,
            "lost_claims_per_job": round(self.lost_per_job),
            "lost_lamports_per_job": (self.lost_per_job * LAMPORTS_PER_CLAIM as f64).round(),
            "missed": self.missed,
            "completed": self.completed,
        })
    }

    /// All of it for people.
    pub(crate) fn text(&self) -> String {
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let mut text = format!("{:<32} {:>12} {:>12}\n", "tenth of the owners, by stake", "of stake", "of jobs");
        for (index, decile) in self.deciles.iter().enumerate() {
            text += &format!("{:<32} {:>12} {:>12}\n", index + 1, percent(decile.stake), percent(decile.jobs));
        }
        text += &format!(
            "\nslots from post to claim: median {}, p99 {}, longest {}; open to all before the claim: {}\n",
            self.wait(0.5),
            self.wait(0.99),
            self.wait(1.0),
            percent(self.claimed_by_anybody)
        );
        text += &format!(
            "newcomers, since they are members: {} of the jobs with {} of the stake\n",
            percent(self.newcomers_share.0),
            percent(self.newcomers_share.1)
        );
        text += &format!(
            "lost claims: {}, {:.3} a job, {:.0} lamports a job\nresults that stood {}, claims without a result {}\n\n",
            self.lost_claims,
            self.lost_per_job,
            self.lost_per_job * LAMPORTS_PER_CLAIM as f64,
            self.completed,
            self.missed
        );
        text += &format!("{:<32} {:>12} {:>24}\n", "gain from", "measured", "interval of 95 %");
        for gain in &self.gains {
            let interval = format!("{} to {}", percent(gain.low), percent(gain.high));
            text += &format!("{:<32} {:>12} {:>24}\n", gain.name, percent(gain.gain), interval);
        }
        text
    }
}

fn round(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

fn deciles(owners: &[Owner], tallies: &[Tally]) -> Vec<Decile> {
    let mut ordinary: Vec<(u64, u64)> = owners
        .iter()
        .zip(tallies)
        .filter(|(owner, _)| owner.kind == Kind::Ordinary)
        .map(|(owner, tally)| (owner.stake, tally.won))
        .collect();
    ordinary.sort_unstable();
    let stake = ordinary.iter().map(|(stake, _)| stake).sum::<u64>().max(1) as f64;
    let jobs = ordinary.iter().map(|(_, won)| won).sum::<u64>().max(1) as f64;
    let decile = |part: usize| {
        let within = &ordinary[ordinary.len() * part / 10..ordinary.len() * (part + 1) / 10];
        Decile {
            stake: within.iter().map(|(stake, _)| stake).sum::<u64>() as f64 / stake,
            jobs: within.iter().map(|(_, won)| won).sum::<u64>() as f64 / jobs,
        }
    };
    (0..10).map(decile).collect()
}

/// The newcomers' shares of jobs and of stake over these epochs.
fn share_of(epochs: &[NewcomerEpoch]) -> (f64, f64) {
    let sum = |of: fn(&NewcomerEpoch) -> u64| epochs.iter().map(of).map(u128::from).sum::<u128>().max(1) as f64;
    (sum(|epoch| epoch.won) / sum(|epoch| epoch.all), sum(|epoch| epoch.stake) / sum(|epoch| epoch.all_stake))
}

fn gains(owners: &[Owner], tallies: &[Tally], parts: usize) -> Vec<Gain> {
    let of = |kind: Kind| -> Vec<&Tally> {
        owners.iter().zip(tallies).filter(|(owner, _)| owner.kind == kind).map(|(_, tally)| tally).collect()
    };
    let won = |kind| of(kind).iter().map(|tally| tally.won).sum::<u64>();
    let income = |kind| -> Vec<f64> { of(kind).iter().map(|tally| tally.income as f64).collect() };
    let against = "the same stake in one";
    let splitting = counts(&format!("one stake in {parts} identities"), against, won(Kind::Parts), won(Kind::Whole));
    let grinding = counts("keys ground before the seed", against, won(Kind::Ground), won(Kind::Whole));
    let hoarding = incomes("hoarding", "claiming what it can compute", &income(Kind::Hoarder), &income(Kind::Modest));
    vec![splitting, grinding, hoarding]
}

/// The gain in jobs, where both numbers are Poisson distributed.
fn counts(name: &str, against: &'static str, one: u64, other: u64) -> Gain {
    let (one, other) = (one as f64, (other as f64).max(1.0));
    let gain = one / other - 1.0;
    let half = NORMAL * (one / other) * (1.0 / one.max(1.0) + 1.0 / other).sqrt();
    Gain { name: name.into(), against, gain, low: gain - half, high: gain + half }
}

/// The gain in income, by Student's interval over the differences of five pairs.
fn incomes(name: &str, against: &'static str, ones: &[f64], others: &[f64]) -> Gain {
    let pairs = ones.len().min(others.len()).max(2) as f64;
    let base = others.iter().sum::<f64>() / pairs;
    let gains: Vec<f64> = ones.iter().zip(others).map(|(one, other)| (one - other) / base.abs().max(1.0)).collect();
    let gain = gains.iter().sum::<f64>() / pairs;
    let variance = gains.iter().map(|each| (each - gain).powi(2)).sum::<f64>() / (pairs - 1.0);
    let half = STUDENT_FOUR * (variance / pairs).sqrt();
    Gain { name: name.into(), against, gain, low: gain - half, high: gain + half }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::run;

    /// A small market: its figures hold together, larger stakes win more, newcomers win some and not more than their share,
    /// and no strategy pays beyond noise.
    #[test]
    fn a_small_market_is_fair() {
        let figures = Figures::new(run(1_000, 5_000, 1).unwrap());
        for share in [|decile: &Decile| decile.stake, |decile: &Decile| decile.jobs] {
            assert!((figures.deciles.iter().map(share).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        for decile in &figures.deciles {
            assert!((decile.jobs / decile.stake - 1.0).abs() < 0.4, "{decile:?}");
        }
        let (won, due) = figures.newcomers_share;
        assert!(won > due * 0.5 && won < due * 1.2, "{won} of {due}");
        assert!(figures.gains.iter().all(|gain| !gain.pays()), "{:?}", figures.gains);
        assert!(figures.wait(0.5) <= figures.wait(0.99) && figures.wait(0.99) <= figures.wait(1.0));
        assert!(figures.text().contains("one stake in 10 identities") && figures.json()["jobs"] == 5_000);
    }

    #[test]
    fn a_gain_beyond_noise_is_seen() {
        assert!(counts("a", "b", 1_200, 1_000).pays());
        assert!(!counts("a", "b", 1_050, 1_000).pays() && !counts("a", "b", 900, 1_000).pays());
        assert!(incomes("a", "b", &[12.0, 13.0, 12.0, 13.0, 12.0], &[10.0; 5]).pays());
        assert!(!incomes("a", "b", &[2.0, 23.0, 9.0, 13.0, 8.0], &[10.0; 5]).pays());
        assert_eq!(counts("a", "b", 0, 0).gain, -1.0, "nothing won is no division by zero");
    }
}
