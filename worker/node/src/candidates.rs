//! The open jobs that nothing is promised to and nothing is done for at present: there are places for so many at a time, because
//! each that is considered costs requests, and strangers post as many as they like.

use solana_sdk::pubkey::Pubkey;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// How many open jobs are remembered; of more, those that pay least are forgotten until their accounts change.
const MOST_REMEMBERED: usize = 65_536;

/// An open job that waits for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The slot of its last sighting.
    pub(crate) seen_slot: u64,
    /// The most that it pays, in base units.
    pub(crate) price: u64,
    /// How often it had a place.
    pub(crate) rounds: u32,
}

impl Candidate {
    fn rank(&self, address: &Pubkey) -> Rank {
        (self.rounds, Reverse(self.price), *address)
    }
}

/// Who has had fewest places comes first, then who pays best.
type Rank = (u32, Reverse<u64>, Pubkey);

/// Those that wait, best first.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    jobs: HashMap<Pubkey, Candidate>,
    ranks: BTreeSet<Rank>,
}

impl Candidates {
    /// Notes a job, or what is new of it.
    pub(crate) fn note(&mut self, address: Pubkey, candidate: Candidate) {
        let rounds = self.forget(&address).map_or(0, |known| known.rounds);
        let candidate = Candidate { rounds: candidate.rounds.max(rounds), ..candidate };
        self.ranks.insert(candidate.rank(&address));
        self.jobs.insert(address, candidate);
        if self.jobs.len() > MOST_REMEMBERED
            && let Some((_, _, last)) = self.ranks.pop_last()
        {
            self.jobs.remove(&last);
        }
    }

    /// Forgets a job.
    pub(crate) fn forget(&mut self, address: &Pubkey) -> Option<Candidate> {
        let known = self.jobs.remove(address)?;
        self.ranks.remove(&known.rank(address));
        Some(known)
    }

    /// Takes the first out.
    pub(crate) fn next(&mut self) -> Option<(Pubkey, Candidate)> {
        let (_, _, address) = self.ranks.pop_first()?;
        Some((address, self.jobs.remove(&address)?))
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_had_fewest_places_comes_first_and_then_who_pays_best() {
        let mut candidates = Candidates::default();
        let job = |byte| Pubkey::new_from_array([byte; 32]);
        let candidate = |price, rounds| Candidate { seen_slot: 1, price, rounds };
        for (byte, price, rounds) in [(1, 9, 1), (2, 5, 0), (3, 7, 0), (4, 8, 0), (5, 99, 0)] {
            candidates.note(job(byte), candidate(price, rounds));
        }
        candidates.note(job(2), candidate(6, 0));
        candidates.note(job(1), candidate(9, 0));
        candidates.forget(&job(5));
        let order: Vec<_> = std::iter::from_fn(|| candidates.next()).collect();
        let wanted = [(4, 8, 0), (3, 7, 0), (2, 6, 0), (1, 9, 1)];
        assert_eq!(order, wanted.map(|(byte, price, rounds)| (job(byte), candidate(price, rounds))));
        assert!(candidates.is_empty() && candidates.ranks.is_empty());
    }

    #[test]
    fn of_too_many_those_that_pay_least_are_forgotten() {
        let mut candidates = Candidates::default();
        for price in 0..MOST_REMEMBERED as u64 + 2 {
            candidates.note(Pubkey::new_unique(), Candidate { seen_slot: 1, price, rounds: 0 });
        }
        assert_eq!(candidates.jobs.len(), MOST_REMEMBERED);
        assert_eq!(candidates.ranks.last().map(|(_, Reverse(price), _)| *price), Some(2));
    }
}
