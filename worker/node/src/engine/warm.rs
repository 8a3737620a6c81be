//! Which loaded models stay: those that promises and sessions need always, others while there is room, those that were used last first.

use super::{Engine, Loaded, ModelKey, booking::Booking};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Roots of a graph and its params: a model in all its forms.
pub(super) type Family = ([u8; 32], [u8; 32]);

/// The families that stay, with how many need each and how many of its forms stay at most.
#[derive(Debug, Default)]
pub(super) struct Warm {
    families: Mutex<HashMap<Family, Kept>>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    needed_by: usize,
    most_forms: usize,
}

/// What bounds the loaded models of one adapter.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// Models that a promise needs.
    pub(super) needed: HashSet<ModelKey>,
    /// Bytes that are held for sessions of a family.
    pub(super) held: HashMap<Family, u64>,
    /// Most models, those of sessions not counted.
    pub(super) most_models: usize,
    /// Most bytes of all models.
    pub(super) most_bytes: u64,
    /// Bytes of memory that nobody holds.
    pub(super) free_bytes: u64,
}

/// Keeps the forms of a model that are loaded, up to a number of them, as long as it lives.
#[derive(Debug)]
pub struct WarmModel {
    pub(super) family: Family,
    warm: Arc<Warm>,
    /// The memory that is held for it, once it is loaded.
    pub(super) booking: Mutex<Option<Booking>>,
}

impl Engine {
    /// Keeps what is loaded, or comes to be loaded, of a model: up to `most_forms` of its forms, those that were used last.
    pub fn keep_warm(&self, graph_root: [u8; 32], params_root: [u8; 32], most_forms: usize) -> WarmModel {
        let family = (graph_root, params_root);
        let mut families = self.warm.families();
        let kept = families.entry(family).or_insert(Kept { needed_by: 0, most_forms });
        kept.needed_by += 1;
        kept.most_forms = kept.most_forms.max(most_forms);
        WarmModel { family, warm: Arc::clone(&self.warm), booking: Mutex::default() }
    }
}

impl Warm {
    /// Drops models until the rest, and `coming` bytes more, is within the room: first those that were used longest ago. What a promise
    /// needs never goes, nor do forms of a session within the bytes that are held for it, the last used first. Of the others, no family
    /// has more forms than stay of it. Gives the bytes of those that nobody needs.
    pub(super) fn make_room(&self, models: &mut VecDeque<Loaded>, room: &Room, coming: u64) -> u64 {
        let families = self.families();
        let mut held = room.held.clone();
        let mut is_needed = |loaded: &Loaded| {
            if room.needed.contains(&loaded.key) {
                return true;
            }
            let Some(left) = held.get_mut(&family(&loaded.key)) else { return false };
            let fits = *left >= loaded.bytes;
            *left = left.saturating_sub(loaded.bytes);
            fits
        };
        let marked: Vec<(bool, Loaded)> = models.drain(..).rev().map(|loaded| (is_needed(&loaded), loaded)).collect();
        let needed: u64 = marked.iter().filter(|(needed, _)| *needed).map(|(_, loaded)| loaded.bytes).sum();
        let most = room.free_bytes.min(room.most_bytes.saturating_sub(needed)).saturating_sub(coming);
        // They count among the models, too, whose number is bounded.
        let is_other = |loaded: &Loaded| !families.contains_key(&family(&loaded.key));
        let mut others = marked.iter().filter(|(needed, loaded)| *needed && is_other(loaded)).count();
        let (mut forms, mut spare): (HashMap<Family, usize>, u64) = Default::default();
        for (is_needed, loaded) in marked {
            let family = family(&loaded.key);
            let (count, most_models) = match families.get(&family) {
                Some(kept) => (forms.entry(family).or_default(), kept.most_forms.max(1)),
                None => (&mut others, room.most_models.max(1)),
            };
            let bytes = spare.saturating_add(loaded.bytes);
            if is_needed {
                *count += usize::from(families.contains_key(&family));
            } else if *count < most_models && bytes <= most {
                *count += 1;
                spare = bytes;
            } else {
                continue;
            }
            models.push_front(loaded);
        }
        spare
    }

    /// Counts are whole at every moment at which a panic could happen.
    fn families(&self) -> MutexGuard<'_, HashMap<Family, Kept>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WarmModel {
    fn drop(&mut self) {
        let mut families = self.warm.families();
        if let Some(kept) = families.get_mut(&self.family) {
            kept.needed_by -= 1;
            if kept.needed_by == 0 {
                families.remove(&self.family);
            }
        }
    }
}

pub(super) fn family(key: &ModelKey) -> Family {
    (key.0, key.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_kernels::{Execution, Keep, KernelError, Model, TensorSet};

    struct Nothing;

    impl Model for Nothing {
        fn run(&self, _: &TensorSet, _: Keep) -> Result<Execution, KernelError> {
            Err(KernelError::NoAdapter { reason: "nothing runs".to_owned() })
        }
        fn working_bytes(&self) -> u64 {
            0
        }
        fn param_bytes(&self) -> u64 {
            0
        }
    }

    fn key(graph: u8, form: u32) -> ModelKey {
        ([graph; 32], [0; 32], vec![form])
    }

    /// What stays of these, given with their bytes, the last used last.
    fn left(warm: &Warm, models: &[(u8, u32, u64)], room: &Room, coming: u64) -> Vec<(u8, u32)> {
        let loaded = |(graph, form, bytes): &(u8, u32, u64)| Loaded {
            key: key(*graph, *form),
            model: Arc::new(Nothing),
            bytes: *bytes,
            checked: false,
        };
        let mut models: VecDeque<Loaded> = models.iter().map(loaded).collect();
        warm.make_room(&mut models, room, coming);
        models.iter().map(|loaded| (loaded.key.0[0], loaded.key.2[0])).collect()
    }

    fn room(most_bytes: u64) -> Room {
        Room { most_models: 10, most_bytes, free_bytes: u64::MAX, ..Room::default() }
    }

    #[test]
    fn those_used_longest_ago_leave_for_bytes_and_for_what_comes() {
        let (warm, models) = (Warm::default(), [(1, 0, 40), (2, 0, 30), (3, 0, 30)]);
        assert_eq!(left(&warm, &models, &room(100), 0), [(1, 0), (2, 0), (3, 0)]);
        assert_eq!(left(&warm, &models, &room(99), 0), [(2, 0), (3, 0)]);
        assert_eq!(left(&warm, &models, &room(100), 41), [(3, 0)]);
        assert_eq!(left(&warm, &models, &Room { free_bytes: 30, ..room(100) }, 0), [(3, 0)]);
        assert_eq!(left(&warm, &models, &Room { most_models: 2, ..room(100) }, 0), [(2, 0), (3, 0)]);
    }

    #[test]
    fn what_a_promise_needs_never_leaves() {
        let (warm, models) = (Warm::default(), [(1, 0, 40), (2, 0, 30), (3, 0, 30)]);
        let needed = HashSet::from([key(1, 0)]);
        assert_eq!(left(&warm, &models, &Room { needed: needed.clone(), ..room(80) }, 0), [(1, 0), (3, 0)]);
        assert_eq!(left(&warm, &models, &Room { needed, free_bytes: 0, ..room(0) }, 500), [(1, 0)]);
    }

    #[test]
    fn forms_of_a_session_stay_within_what_is_held_for_them_and_others_of_it_while_there_is_room() {
        let warm = Warm::default();
        warm.families().insert(([1; 32], [0; 32]), Kept { needed_by: 1, most_forms: 3 });
        let models = [(1, 1, 30), (1, 2, 30), (1, 3, 30), (1, 4, 30), (2, 0, 30)];
        let held = HashMap::from([(([1; 32], [0; 32]), 60)]);
        let with = |most_bytes| Room { held: held.clone(), ..room(most_bytes) };
        assert_eq!(left(&warm, &models, &with(150), 0), [(1, 2), (1, 3), (1, 4), (2, 0)], "three forms at most");
        assert_eq!(left(&warm, &models, &with(90), 0), [(1, 3), (1, 4), (2, 0)]);
        assert_eq!(left(&warm, &models, &with(10), 0), [(1, 3), (1, 4)]);
    }
}
