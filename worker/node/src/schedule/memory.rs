//! Who holds how many bytes: of the memory of each adapter, and of the machine's. Sums are made of what is held at the moment of
//! asking, so that nothing can be left over of what is over.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// What one promise, or a session, holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<Model> {
    /// The loaded model that it needs; those who need the same one share it.
    pub model: Option<Model>,
    /// Bytes of that model with the memory of one run.
    pub model_bytes: u64,
    /// Bytes on the adapter besides.
    pub adapter_bytes: u64,
    /// Bytes of the machine's memory besides: artifacts that were read, the result, its hashes.
    pub machine_bytes: u64,
}

/// Why a claim does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// It would not, even if nothing else were there.
    #[error("{needed} bytes are needed, {bound} are allowed")]
    Never {
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that there are.
        bound: u64,
    },
    /// It does not beside what is held at present.
    #[error("{needed} bytes more are needed, {free} are free beside what is held")]
    Now {
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that nobody holds.
        free: u64,
    },
}

/// The memory of one adapter.
#[derive(Clone, Debug)]
struct Book<Model> {
    /// Its own bound; nothing where only the machine's counts.
    bound: Option<u64>,
    /// Whether what is on the adapter is in the machine's memory.
    is_in_machine: bool,
    claims: BTreeMap<u64, Claim<Model>>,
}

/// The memory of all adapters and of the machine.
#[derive(Clone, Debug)]
pub struct Books<Model> {
    machine_bound: u64,
    books: Vec<Book<Model>>,
}

impl<Model: Clone + Eq + Hash> Book<Model> {
    /// Models that are held, with their bytes.
    fn models(&self) -> HashMap<&Model, u64> {
        let mut models: HashMap<&Model, u64> = HashMap::new();
        for claim in self.claims.values() {
            if let Some(model) = &claim.model {
                let bytes = models.entry(model).or_default();
                *bytes = (*bytes).max(claim.model_bytes);
            }
        }
        models
    }

    fn adapter_bytes(&self) -> u64 {
        let models = self.models().into_values().fold(0, u64::saturating_add);
        self.claims.values().fold(models, |sum, claim| sum.saturating_add(claim.adapter_bytes))
    }

    fn machine_bytes(&self) -> u64 {
        let beside = self.claims.values().fold(0u64, |sum, claim| sum.saturating_add(claim.machine_bytes));
        if self.is_in_machine { beside.saturating_add(self.adapter_bytes()) } else { beside }
    }

    /// What counts against the bound of the adapter.
    fn own_bytes(&self) -> u64 {
        if self.is_in_machine { self.machine_bytes() } else { self.adapter_bytes() }
    }
}

impl<Model: Clone + Eq + Hash> Books<Model> {
    /// Books of adapters, each with its own bound in bytes, if it has one, and whether its memory is the machine's.
    pub fn new(machine_bound: u64, adapters: impl IntoIterator<Item = (Option<u64>, bool)>) -> Self {
        let book = |(bound, is_in_machine)| Book { bound, is_in_machine, claims: BTreeMap::new() };
        Self { machine_bound, books: adapters.into_iter().map(book).collect() }
    }

    /// Changes the bound of the machine; who holds something keeps it.
    pub fn bound_machine(&mut self, bytes: u64) {
        self.machine_bound = bytes;
    }

    /// The bound of an adapter: its own, or the machine's.
    pub fn bound(&self, adapter: usize) -> u64 {
        self.books.get(adapter).and_then(|book| book.bound).unwrap_or(self.machine_bound)
    }

    /// Bytes that are held on an adapter.
    pub fn held(&self, adapter: usize) -> u64 {
        self.books.get(adapter).map_or(0, Book::own_bytes)
    }

    /// Bytes that are held in the machine's memory.
    pub fn held_in_machine(&self) -> u64 {
        self.books.iter().fold(0, |sum, book| sum.saturating_add(book.machine_bytes()))
    }

    /// Bytes that nobody holds on an adapter, and in the machine's memory if the adapter's is that.
    pub fn free(&self, adapter: usize) -> u64 {
        let own = self.bound(adapter).saturating_sub(self.held(adapter));
        match self.books.get(adapter) {
            Some(book) if book.is_in_machine => own.min(self.free_in_machine()),
            _ => own,
        }
    }

    /// Bytes of the machine's memory that nobody holds.
    pub fn free_in_machine(&self) -> u64 {
        self.machine_bound.saturating_sub(self.held_in_machine())
    }

    /// Whether an adapter's memory is the machine's.
    pub fn is_in_machine(&self, adapter: usize) -> bool {
        self.books.get(adapter).is_some_and(|book| book.is_in_machine)
    }

    /// Models that somebody needs on an adapter.
    pub fn models(&self, adapter: usize) -> Vec<Model> {
        let book = self.books.get(adapter);
        book.map(|book| book.models().into_keys().cloned().collect()).unwrap_or_default()
    }

    /// What `number` holds on an adapter beside a model that others may share.
    pub fn adapter_bytes_of(&self, adapter: usize, number: u64) -> u64 {
        let claim = self.books.get(adapter).and_then(|book| book.claims.get(&number));
        claim.map_or(0, |claim| claim.adapter_bytes)
    }

    /// Whether somebody needs this model on an adapter.
    pub fn needs(&self, adapter: usize, model: &Model) -> bool {
        let claims = self.books.get(adapter).into_iter().flat_map(|book| book.claims.values());
        claims.into_iter().any(|claim| claim.model.as_ref() == Some(model))
    }

    /// Who holds something.
    pub fn holders(&self) -> impl Iterator<Item = u64> {
        self.books.iter().flat_map(|book| book.claims.keys().copied())
    }

    /// Whether `number` holds what it claims.
    pub fn holds(&self, number: u64) -> bool {
        self.books.iter().any(|book| book.claims.contains_key(&number))
    }

    /// Holds memory for `number`, instead of what it held before.
    ///
    /// # Errors
    /// It does not fit; nothing is changed then.
    pub fn hold(&mut self, adapter: usize, number: u64, claim: Claim<Model>) -> Result<(), Lack> {
        self.try_hold(adapter, number, &claim)?;
        self.force(adapter, number, claim);
        Ok(())
    }

    /// Whether [`hold`](Self::hold) would.
    ///
    /// # Errors
    /// It does not fit.
    pub fn try_hold(&self, adapter: usize, number: u64, claim: &Claim<Model>) -> Result<(), Lack> {
        let mut alone = self.clone();
        alone.books.iter_mut().for_each(|book| book.claims.clear());
        alone.force(adapter, number, claim.clone());
        let needed = |books: &Self| (books.held(adapter), books.held_in_machine());
        let (on_adapter, in_machine) = needed(&alone);
        let (bound, machine_bound) = (self.bound(adapter), self.machine_bound);
        for (needed, bound) in [(on_adapter, bound), (in_machine, machine_bound)] {
            if needed > bound {
                return Err(Lack::Never { needed, bound });
            }
        }
        let mut without = self.clone();
        without.release(number);
        let (held, held_in_machine) = needed(&without);
        let mut with = without.clone();
        with.force(adapter, number, claim.clone());
        let (then, then_in_machine) = needed(&with);
        for (then, held, bound) in [(then, held, bound), (then_in_machine, held_in_machine, machine_bound)] {
            // What is held beyond the bound already, by a duty, does not refuse who adds nothing to it.
            if then > bound && then > held {
                return Err(Lack::Now { needed: then.saturating_sub(held), free: bound.saturating_sub(held) });
            }
        }
        Ok(())
    }

    /// Holds memory for `number`, instead of what it held before, whether it fits or not: for duties that cannot wait.
    pub fn force(&mut self, adapter: usize, number: u64, claim: Claim<Model>) {
        self.release(number);
        if let Some(book) = self.books.get_mut(adapter) {
            book.claims.insert(number, claim);
        }
    }

    /// Gives up what `number` holds; `false` if that is nothing.
    pub fn release(&mut self, number: u64) -> bool {
        // One adapter holds it at most.
        self.books.iter_mut().any(|book| book.claims.remove(&number).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(model: u8, model_bytes: u64, adapter_bytes: u64, machine_bytes: u64) -> Claim<u8> {
        Claim { model: Some(model), model_bytes, adapter_bytes, machine_bytes }
    }

    #[test]
    fn what_is_in_the_machine_counts_there_and_what_is_not_only_beside() {
        let mut books = Books::new(100, [(Some(60), true), (Some(50), false)]);
        books.hold(0, 1, claim(1, 20, 5, 10)).unwrap();
        books.hold(1, 2, claim(1, 30, 10, 15)).unwrap();
        assert_eq!((books.held(0), books.held(1), books.held_in_machine()), (35, 40, 50));
        assert_eq!((books.free(0), books.free(1), books.free_in_machine()), (25, 10, 50));
        assert_eq!(books.hold(0, 3, claim(2, 20, 0, 6)), Err(Lack::Now { needed: 26, free: 25 }));
        assert_eq!(books.hold(1, 3, claim(2, 8, 0, 51)), Err(Lack::Now { needed: 51, free: 50 }), "the machine's");
        assert_eq!(books.hold(1, 3, claim(2, 51, 0, 0)), Err(Lack::Never { needed: 51, bound: 50 }));
        assert_eq!(books.hold(1, 3, claim(2, 0, 0, 101)), Err(Lack::Never { needed: 101, bound: 100 }));
        assert!(!books.holds(3) && books.holds(2) && books.models(1) == [1] && books.adapter_bytes_of(1, 2) == 10);
        books.hold(1, 3, claim(2, 10, 0, 50)).unwrap();
        assert!(books.release(2) && !books.release(2));
        assert_eq!(books.holders().collect::<Vec<_>>(), [1, 3]);
        assert_eq!((books.held(1), books.held_in_machine()), (10, 85));
        books.bound_machine(70);
        assert_eq!((books.held_in_machine(), books.free(1), books.free(0)), (85, 40, 0), "what is held stays");
    }

    #[test]
    fn a_model_that_several_need_counts_once() {
        let mut books = Books::new(100, [(None, true)]);
        books.hold(0, 1, claim(7, 60, 5, 5)).unwrap();
        books.hold(0, 2, claim(7, 60, 5, 5)).unwrap();
        assert_eq!((books.held(0), books.bound(0)), (80, 100));
        assert!(books.release(1) && books.needs(0, &7));
        assert_eq!(books.held(0), 70);
        assert!(books.release(2) && !books.needs(0, &7));
        assert_eq!(books.held(0), 0);
    }

    #[test]
    fn a_claim_can_be_corrected_and_a_duty_goes_beyond_the_bound() {
        let mut books = Books::new(100, [(None, true)]);
        books.hold(0, 1, claim(1, 90, 0, 0)).unwrap();
        books.hold(0, 1, claim(1, 95, 0, 0)).unwrap();
        assert_eq!(books.held(0), 95, "instead of what it held");
        books.force(0, 2, claim(2, 20, 0, 0));
        assert_eq!((books.held(0), books.free(0)), (115, 0));
        assert_eq!(books.hold(0, 3, claim(3, 1, 0, 0)), Err(Lack::Now { needed: 1, free: 0 }));
        books.release(2);
        books.hold(0, 3, claim(3, 1, 0, 0)).unwrap();
    }

    proptest! {
        /// Whatever is held and given up in whatever order: never more than the bounds, and nothing when all is given up.
        #[test]
        fn nothing_is_left_over_and_no_bound_is_passed(
            steps in proptest::collection::vec((0usize..3, 0u64..12, 0u8..4, 0u64..60, 0u64..30, 0u64..30, any::<bool>()), 0..60),
        ) {
            let mut books = Books::new(200, [(Some(100), true), (None, true), (Some(80), false)]);
            for (adapter, number, model, model_bytes, adapter_bytes, machine_bytes, releases) in steps {
                let before = books.clone();
                if releases {
                    prop_assert_eq!(books.release(number), before.holds(number));
                } else if let Err(lack) = books.hold(adapter, number, claim(model, model_bytes, adapter_bytes, machine_bytes)) {
                    prop_assert_eq!(books.held_in_machine(), before.held_in_machine(), "{:?} changes nothing", lack);
                    prop_assert_eq!(books.holds(number), before.holds(number));
                }
                prop_assert!(books.held(0) <= 100 && books.held(2) <= 80 && books.held_in_machine() <= 200, "{:?}", books);
            }
            (0..12).for_each(|number| {
                books.release(number);
            });
            prop_assert_eq!([books.held(0), books.held(1), books.held(2), books.held_in_machine()], [0; 4]);
        }
    }
}
