//! Models that stay loaded while a session needs them, whatever else is loaded meanwhile.

use super::{Engine, Loaded, ModelKey};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Roots of a graph and its params: a model in all its forms.
type Family = ([u8; 32], [u8; 32]);

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

/// Keeps the forms of a model that are loaded, up to a number of them, as long as it lives.
#[derive(Debug)]
pub struct WarmModel {
    family: Family,
    warm: Arc<Warm>,
}

impl Engine {
    /// Keeps what is loaded, or comes to be loaded, of a model: up to `most_forms` of its forms, those that were used last.
    pub fn keep_warm(&self, graph_root: [u8; 32], params_root: [u8; 32], most_forms: usize) -> WarmModel {
        let family = (graph_root, params_root);
        let mut families = self.warm.families();
        let kept = families.entry(family).or_insert(Kept { needed_by: 0, most_forms });
        kept.needed_by += 1;
        kept.most_forms = kept.most_forms.max(most_forms);
        WarmModel { family, warm: Arc::clone(&self.warm) }
    }
}

impl Warm {
    /// Drops models until no family has more forms than stay of it, and no more than `capacity` others are there; those
    /// that were used last stay. The last of the list always does.
    pub(super) fn make_room(&self, models: &mut VecDeque<Loaded>, capacity: usize) {
        let families = self.families();
        let mut forms: HashMap<Family, usize> = HashMap::new();
        let mut others = 0;
        let mut kept = VecDeque::with_capacity(models.len());
        for loaded in models.drain(..).rev() {
            let family = family(&loaded.key);
            let (count, most) = match families.get(&family) {
                Some(kept) => (forms.entry(family).or_default(), kept.most_forms.max(1)),
                None => (&mut others, capacity.max(1)),
            };
            *count += 1;
            if *count <= most {
                kept.push_front(loaded);
            }
        }
        *models = kept;
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

fn family(key: &ModelKey) -> Family {
    (key.0, key.1)
}
