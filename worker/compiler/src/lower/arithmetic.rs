//! What WGSL's operators mean on 64-bit nodes: exactly 32 bits where the type has 32, total where WGSL is.

use super::value::{Kind, Scalar};
use crate::nodes::{Binary, Interval, NodeId, Nodes};
use naga::{BinaryOperator, MathFunction};

/// The value as it stands in a register: sign- or zero-extended.
pub(super) fn canonical(nodes: &mut Nodes, value: Scalar) -> NodeId {
    if nodes.interval(value.node).is_within(value.kind.range()) {
        return value.node;
    }
    match value.kind {
        Kind::I32 => {
            let half = nodes.constant(32);
            let high = nodes.binary(Binary::ShiftLeft, value.node, half);
            nodes.binary_within(Binary::ShiftArithmetic, high, half, Kind::I32.range())
        }
        Kind::U32 => {
            let mask = nodes.constant(u32::MAX.into());
            nodes.binary(Binary::And, value.node, mask)
        }
        Kind::Bool | Kind::I64 | Kind::U64 => value.node,
    }
}

/// A conversion by value, which between integers is one of bits.
pub(super) fn convert(nodes: &mut Nodes, value: Scalar, kind: Kind) -> Scalar {
    let node = match (value.kind, kind) {
        (from, Kind::Bool) if from != Kind::Bool => {
            let exact = canonical(nodes, value);
            let zero = nodes.constant(0);
            let is_zero = nodes.binary(Binary::Equal, exact, zero);
            nodes.not(is_zero)
        }
        (Kind::I32 | Kind::U32, Kind::I64 | Kind::U64) => canonical(nodes, value),
        _ => value.node,
    };
    Scalar { kind, node }
}

/// An operator on two scalars of one kind; of a shift the second is a `u32`. `None` if there is no such operator.
pub(super) fn binary(nodes: &mut Nodes, op: BinaryOperator, a: Scalar, b: Scalar) -> Option<Scalar> {
    use BinaryOperator as O;
    let kind = a.kind;
    let wrapping = |nodes: &mut Nodes, op: Binary| Scalar { kind, node: nodes.binary(op, a.node, b.node) };
    Some(match op {
        O::Add => wrapping(nodes, Binary::Add),
        O::Subtract => wrapping(nodes, Binary::Sub),
        O::Multiply => wrapping(nodes, Binary::Mul),
        O::And | O::LogicalAnd => wrapping(nodes, Binary::And),
        O::InclusiveOr | O::LogicalOr => wrapping(nodes, Binary::Or),
        O::ExclusiveOr => wrapping(nodes, Binary::Xor),
        O::ShiftLeft => {
            let count = shift_count(nodes, kind, b);
            Scalar { kind, node: nodes.binary(Binary::ShiftLeft, a.node, count) }
        }
        O::ShiftRight => Scalar { kind, node: shift_right(nodes, a, b) },
        O::Divide => {
            let (a, b) = (canonical(nodes, a), canonical(nodes, b));
            let node = if kind.is_signed() { divide(nodes, a, b) } else { nodes.binary(Binary::DivideUnsigned, a, b) };
            Scalar { kind, node }
        }
        O::Modulo => {
            let (a, b) = (canonical(nodes, a), canonical(nodes, b));
            Scalar { kind, node: remainder(nodes, kind, a, b) }
        }
        O::Equal | O::NotEqual | O::Less | O::LessEqual | O::Greater | O::GreaterEqual => {
            Scalar { kind: Kind::Bool, node: compare(nodes, op, a, b) }
        }
    })
}

fn compare(nodes: &mut Nodes, op: BinaryOperator, a: Scalar, b: Scalar) -> NodeId {
    use BinaryOperator as O;
    let less = if a.kind == Kind::U64 { Binary::LessUnsigned } else { Binary::Less };
    let (a, b) = (canonical(nodes, a), canonical(nodes, b));
    match op {
        O::Equal => nodes.binary(Binary::Equal, a, b),
        O::NotEqual => {
            let equal = nodes.binary(Binary::Equal, a, b);
            nodes.not(equal)
        }
        O::Less => nodes.binary(less, a, b),
        O::Greater => nodes.binary(less, b, a),
        O::LessEqual => {
            let greater = nodes.binary(less, b, a);
            nodes.not(greater)
        }
        _ => {
            let smaller = nodes.binary(less, a, b);
            nodes.not(smaller)
        }
    }
}

/// The count modulo the bits of what is shifted; the machine masks with 63 by itself.
fn shift_count(nodes: &mut Nodes, kind: Kind, count: Scalar) -> NodeId {
    if kind.bits() == 64 && nodes.interval(count.node).is_within(Kind::U32.range()) {
        return count.node;
    }
    let mask = nodes.constant(kind.bits() - 1);
    nodes.binary(Binary::And, count.node, mask)
}

fn shift_right(nodes: &mut Nodes, a: Scalar, count: Scalar) -> NodeId {
    let count = shift_count(nodes, a.kind, count);
    if !a.kind.is_signed() {
        let exact = canonical(nodes, a);
        return nodes.binary(Binary::ShiftRight, exact, count);
    }
    let by = nodes.constant_of(count).filter(|_| a.kind == Kind::I32);
    match by {
        // Sign extension and shift in one.
        Some(by) if !nodes.interval(a.node).is_within(Kind::I32.range()) => {
            let (half, whole) = (nodes.constant(32), nodes.constant(32 + by));
            let high = nodes.binary(Binary::ShiftLeft, a.node, half);
            let range = Interval::new(i64::from(i32::MIN) >> by, i64::from(i32::MAX) >> by);
            nodes.binary_within(Binary::ShiftArithmetic, high, whole, range)
        }
        _ => {
            let exact = canonical(nodes, a);
            nodes.binary(Binary::ShiftArithmetic, exact, count)
        }
    }
}

/// `|value|` of an exact signed value. Of the least of 64 bits it is that itself, which unsigned is right.
fn magnitude(nodes: &mut Nodes, value: NodeId) -> NodeId {
    let range = nodes.interval(value);
    if range.low >= 0 {
        return value;
    }
    let zero = nodes.constant(0);
    let opposite = nodes.binary(Binary::Sub, zero, value);
    let known = match (range.low.checked_neg(), range.high.checked_neg()) {
        (Some(low), Some(_)) => Interval::new(0, low.max(range.high)),
        _ => Interval::new(i64::MIN, i64::MAX),
    };
    nodes.binary_within(Binary::Max, value, opposite, known)
}

/// Signed, towards 0; `x / 0` is `x`, and the one quotient that does not fit wraps.
fn divide(nodes: &mut Nodes, a: NodeId, b: NodeId) -> NodeId {
    let (x, y) = (nodes.interval(a), nodes.interval(b));
    let (up, down) = (magnitude(nodes, a), magnitude(nodes, b));
    let quotient = nodes.binary(Binary::DivideUnsigned, up, down);
    if x.low >= 0 && y.low >= 0 {
        return quotient;
    }
    let all = nodes.constant(63);
    let signs = if y.low >= 0 { a } else { nodes.binary(Binary::Xor, a, b) };
    let sign = nodes.binary(Binary::ShiftArithmetic, signs, all);
    let flipped = nodes.binary(Binary::Xor, quotient, sign);
    let most = x.low.checked_neg().map_or(i64::MAX, |low| low.max(x.high));
    let known = match (x.low == i64::MIN, y.low >= 0) {
        (true, _) => Interval::new(i64::MIN, i64::MAX),
        (false, true) => Interval::new(x.low.min(0), x.high.max(0)),
        (false, false) => Interval::new(-most, most),
    };
    nodes.binary_within(Binary::Sub, flipped, sign, known)
}

/// `a - b * (a / b)`, which is 0 where `b` is.
fn remainder(nodes: &mut Nodes, kind: Kind, a: NodeId, b: NodeId) -> NodeId {
    let (x, y) = (nodes.interval(a), nodes.interval(b));
    if let Some(divisor) = nodes.constant_of(b)
        && divisor > 0
        && divisor & (divisor - 1) == 0
        && (x.low >= 0 || !kind.is_signed())
    {
        let mask = nodes.constant(divisor - 1);
        return nodes.binary(Binary::And, a, mask);
    }
    let quotient = if kind.is_signed() { divide(nodes, a, b) } else { nodes.binary(Binary::DivideUnsigned, a, b) };
    let whole = nodes.binary(Binary::Mul, quotient, b);
    // Smaller in size than the divisor, with the sign of the dividend.
    let largest = match y.low.checked_neg() {
        Some(low) if kind != Kind::U64 => low.max(y.high).max(1) - 1,
        _ => i64::MAX,
    };
    let known = match kind {
        Kind::U64 => Interval::new(i64::MIN, i64::MAX),
        _ => Interval::new(x.low.min(0).max(-largest), x.high.max(0).min(largest)),
    };
    let rest = nodes.binary_within(Binary::Sub, a, whole, if y.low > 0 || y.high < 0 { known } else { known.union(x) });
    if y.low > 0 || y.high < 0 {
        return rest;
    }
    let zero = nodes.constant(0);
    nodes.select(b, rest, zero)
}

/// The lesser or greater.
fn extreme(nodes: &mut Nodes, op: Binary, a: Scalar, b: Scalar) -> Scalar {
    let kind = a.kind;
    let (a, b) = (canonical(nodes, a), canonical(nodes, b));
    let node = if kind == Kind::U64 {
        let (first, second) = if op == Binary::Min { (a, b) } else { (b, a) };
        let less = nodes.binary(Binary::LessUnsigned, first, second);
        nodes.select(less, a, b)
    } else {
        nodes.binary(op, a, b)
    };
    Scalar { kind, node }
}

/// `-value`
pub(super) fn negate(nodes: &mut Nodes, value: Scalar) -> Scalar {
    let zero = nodes.constant(0);
    Scalar { node: nodes.binary(Binary::Sub, zero, value.node), ..value }
}

/// `~value`
pub(super) fn complement(nodes: &mut Nodes, value: Scalar) -> Scalar {
    let ones = nodes.constant(-1);
    Scalar { node: nodes.binary(Binary::Xor, value.node, ones), ..value }
}

/// A built-in function on scalars; `None` for one that kernels do not have.
pub(super) fn math(nodes: &mut Nodes, function: MathFunction, arguments: &[Scalar]) -> Option<Scalar> {
    use MathFunction as F;
    let first = *arguments.first()?;
    let kind = first.kind;
    let narrow = kind.bits() == 32;
    Some(match (function, arguments) {
        (F::Abs, [a]) => {
            let exact = canonical(nodes, *a);
            Scalar { kind, node: if kind.is_signed() { magnitude(nodes, exact) } else { exact } }
        }
        (F::Min, [a, b]) => extreme(nodes, Binary::Min, *a, *b),
        (F::Max, [a, b]) => extreme(nodes, Binary::Max, *a, *b),
        (F::Clamp, [value, low, high]) => {
            let raised = extreme(nodes, Binary::Max, *value, *low);
            extreme(nodes, Binary::Min, raised, *high)
        }
        (F::Sign, [a]) if kind.is_signed() => {
            let (exact, zero) = (canonical(nodes, *a), nodes.constant(0));
            let positive = nodes.binary(Binary::Less, zero, exact);
            let negative = nodes.binary(Binary::Less, exact, zero);
            Scalar { kind, node: nodes.binary(Binary::Sub, positive, negative) }
        }
        (F::CountLeadingZeros, [a]) if narrow => {
            let exact = canonical(nodes, Scalar { kind: Kind::U32, ..*a });
            let (zeros, half) = (nodes.leading_zeros(exact), nodes.constant(32));
            Scalar { kind, node: nodes.binary_within(Binary::Sub, zeros, half, Interval::new(0, 32)) }
        }
        (F::FirstLeadingBit, [a]) if narrow => {
            let exact = canonical(nodes, *a);
            let all = nodes.constant(63);
            let sign = nodes.binary(Binary::ShiftArithmetic, exact, all);
            let bits = nodes.binary(Binary::Xor, exact, sign);
            Scalar { kind, node: highest(nodes, bits) }
        }
        (F::FirstTrailingBit | F::CountTrailingZeros, [a]) if narrow => {
            let exact = canonical(nodes, Scalar { kind: Kind::U32, ..*a });
            let zero = nodes.constant(0);
            let opposite = nodes.binary(Binary::Sub, zero, exact);
            let lowest = nodes.binary(Binary::And, exact, opposite);
            let place = highest(nodes, lowest);
            let all = nodes.constant(32);
            let node = if function == F::CountTrailingZeros { nodes.select(exact, place, all) } else { place };
            Scalar { kind, node }
        }
        _ => return None,
    })
}

/// Place of the highest bit of a value of at most 32 bits; -1 of 0.
fn highest(nodes: &mut Nodes, bits: NodeId) -> NodeId {
    let (zeros, all) = (nodes.leading_zeros(bits), nodes.constant(63));
    nodes.binary_within(Binary::Sub, all, zeros, Interval::new(-1, 31))
}
