//! Loops over the lanes of a batch: lanes that have left a loop wait until all have, and keep their registers.

use super::LANES;
use super::execute::{Lanes, WIDTH};

/// All ones on lanes that go on, 0 on lanes that wait.
type Mask = Lanes;

/// The loops that a batch is in, innermost last. Nothing is allocated outside loops.
pub(super) struct Loops {
    open: Vec<Open>,
    /// Lanes in use.
    count: usize,
}

struct Open {
    /// The step that a turn begins with.
    first: usize,
    /// Turns left, this one included.
    left: u16,
    going: Mask,
    /// Some lane in use waits.
    some_wait: bool,
}

impl Loops {
    /// In no loop.
    #[inline(always)]
    pub(super) fn new(count: usize) -> Self {
        Self { open: Vec::new(), count }
    }

    /// Whether some lane waits: what steps write must then be restored there.
    #[inline(always)]
    pub(super) fn some_wait(&self) -> bool {
        self.open.last().is_some_and(|innermost| innermost.some_wait)
    }

    /// Begins a loop whose turns begin with step `first`, for all lanes that do not wait.
    pub(super) fn enter(&mut self, first: usize, turns: u16) {
        let (going, some_wait) = match self.open.last() {
            Some(around) => (around.going, around.some_wait),
            None => ([[-1; WIDTH]; LANES / WIDTH], false),
        };
        self.open.push(Open { first, left: turns, going, some_wait });
    }

    /// Ends a turn: the step that the next one begins with; `None` if that was the last.
    #[inline(always)]
    pub(super) fn turn(&mut self) -> Option<usize> {
        let innermost = self.open.last_mut()?;
        if innermost.left > 1 {
            innermost.left -= 1;
            return Some(innermost.first);
        }
        self.leave();
        None
    }

    /// Ends the innermost loop: all that went on before it go on again.
    #[inline(always)]
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// Lanes on which `register` is 0 wait from now on; whether no lane in use goes on.
    #[inline(always)]
    pub(super) fn wait_where_zero(&mut self, register: &Lanes) -> bool {
        let Some(innermost) = self.open.last_mut() else { return false };
        let chunks = self.count.div_ceil(WIDTH);
        for (going, values) in innermost.going[..chunks].iter_mut().zip(register) {
            for (going, value) in going.iter_mut().zip(values) {
                *going &= -i64::from(*value != 0);
            }
        }
        let (mut any, mut all) = (0, -1);
        for lane in &innermost.going.as_flattened()[..self.count] {
            any |= lane;
            all &= lane;
        }
        innermost.some_wait = all == 0;
        any == 0
    }

    /// Gives waiting lanes of a register back what they held `before`.
    #[inline(always)]
    pub(super) fn restore_waiting(&self, before: &Lanes, register: &mut Lanes) {
        let Some(innermost) = self.open.last() else { return };
        let chunks = self.count.div_ceil(WIDTH);
        for ((lanes, before), going) in register[..chunks].iter_mut().zip(before).zip(&innermost.going) {
            for ((lane, before), going) in lanes.iter_mut().zip(before).zip(going) {
                *lane = (*lane & going) | (before & !going);
            }
        }
    }
}
