//! Lengths that are known up to symbols.

use crate::float::Extent;

/// A whole number times symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) coefficient: i64,
    /// Ascending; one as often as it is a factor.
    pub(super) symbols: Vec<u8>,
}

impl Size {
    pub(super) fn known(value: i64) -> Self {
        Self { coefficient: value, symbols: Vec::new() }
    }

    pub(super) fn of(extent: Extent) -> Self {
        match extent {
            Extent::Known(length) => Self::known(i64::from(length)),
            Extent::Symbol(symbol) => Self { coefficient: 1, symbols: vec![symbol] },
        }
    }

    pub(super) fn value(&self) -> Option<i64> {
        (self.symbols.is_empty() || self.coefficient == 0).then_some(self.coefficient)
    }

    pub(super) fn extent(&self) -> Option<Extent> {
        match self.symbols[..] {
            [] => u32::try_from(self.coefficient).ok().map(Extent::Known),
            [symbol] if self.coefficient == 1 => Some(Extent::Symbol(symbol)),
            _ => None,
        }
    }

    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        let mut symbols = [&self.symbols[..], &other.symbols[..]].concat();
        symbols.sort_unstable();
        (symbols.len() <= 16).then_some(())?;
        Some(Self { coefficient: self.coefficient.checked_mul(other.coefficient)?, symbols })
    }

    pub(super) fn plus(&self, other: &Self, sign: i64) -> Option<Self> {
        let addend = other.coefficient.checked_mul(sign)?;
        if self.value() == Some(0) {
            return Some(Self { coefficient: addend, symbols: other.symbols.clone() });
        }
        if addend == 0 || self.symbols == other.symbols {
            let coefficient = self.coefficient.checked_add(addend)?;
            let symbols = if coefficient == 0 { Vec::new() } else { self.symbols.clone() };
            return Some(Self { coefficient, symbols });
        }
        None
    }

    /// The quotient of whole numbers rounded down, or an exact one of symbols.
    pub(super) fn over(&self, other: &Self) -> Option<Self> {
        if other.coefficient == 0 {
            return None;
        }
        let mut symbols = self.symbols.clone();
        for symbol in &other.symbols {
            symbols.remove(symbols.iter().position(|own| own == symbol)?);
        }
        let exact = self.coefficient.checked_rem(other.coefficient)? == 0;
        if !exact && !self.symbols.is_empty() {
            return None;
        }
        Some(Self { coefficient: self.coefficient.checked_div_euclid(other.coefficient)?, symbols })
    }
}

/// The shape to which two broadcast from the right.
pub(super) fn broadcast(a: &[Extent], b: &[Extent]) -> Option<Vec<Extent>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[Extent], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(Extent::Known(1), |own| shape[own])
    };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y => Some(x),
            (Extent::Known(1), other) | (other, Extent::Known(1)) => Some(other),
            _ => None,
        })
        .collect()
}
