//! Folding: constants, identities, and conditions that need no instruction.

use super::{Binary, Interval, Node, NodeId, Nodes};

/// What the machine computes.
pub(crate) fn evaluate(op: Binary, a: i64, b: i64) -> i64 {
    match op {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::ShiftLeft => a << (b & 63),
        Binary::ShiftRight => ((a as u64) >> (b & 63)) as i64,
        Binary::ShiftArithmetic => a >> (b & 63),
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::Less => i64::from(a < b),
        Binary::LessUnsigned => i64::from((a as u64) < b as u64),
        Binary::Equal => i64::from(a == b),
        Binary::DivideUnsigned => referee::semantics::divide_unsigned(a, b),
    }
}

pub(super) fn commutes(op: Binary) -> bool {
    use Binary as B;
    matches!(op, B::Add | B::Mul | B::And | B::Or | B::Xor | B::Min | B::Max | B::Equal)
}

/// A node that has the value already, or a constant.
pub(super) fn binary(nodes: &mut Nodes, op: Binary, a: NodeId, b: NodeId) -> Option<NodeId> {
    let (left, right) = (nodes.constant_of(a), nodes.constant_of(b));
    if let (Some(left), Some(right)) = (left, right) {
        return Some(nodes.constant(evaluate(op, left, right)));
    }
    if commutes(op) && left.is_some() {
        return binary(nodes, op, b, a);
    }
    let (x, y) = (nodes.interval(a), nodes.interval(b));
    let same = a == b;
    match (op, right) {
        (Binary::Add | Binary::Sub | Binary::Or | Binary::Xor, Some(0)) => Some(a),
        (Binary::ShiftLeft | Binary::ShiftRight | Binary::ShiftArithmetic, Some(count)) if count & 63 == 0 => Some(a),
        (Binary::Mul | Binary::DivideUnsigned, Some(1)) => Some(a),
        (Binary::Mul | Binary::And, Some(0)) => Some(b),
        (Binary::And, Some(-1)) => Some(a),
        // A mask that changes nothing.
        (Binary::And, Some(mask)) if mask & mask.wrapping_add(1) == 0 && x.is_within(Interval::new(0, mask)) => Some(a),
        (Binary::And | Binary::Or | Binary::Min | Binary::Max, _) if same => Some(a),
        (Binary::Sub | Binary::Xor | Binary::Less | Binary::LessUnsigned, _) if same => Some(nodes.constant(0)),
        (Binary::Equal, _) if same => Some(nodes.constant(1)),
        (Binary::Min, _) if x.high <= y.low => Some(a),
        (Binary::Min, _) if y.high <= x.low => Some(b),
        (Binary::Max, _) if x.low >= y.high => Some(a),
        (Binary::Max, _) if y.low >= x.high => Some(b),
        // Sums with constants meet in one.
        (Binary::Add | Binary::Sub, Some(second)) => {
            let Node::Binary(inner @ (Binary::Add | Binary::Sub), base, first) = nodes.node(a) else { return None };
            let first = nodes.constant_of(first)?;
            let signed = |op: Binary, value: i64| if op == Binary::Sub { value.wrapping_neg() } else { value };
            let sum = signed(inner, first).wrapping_add(signed(op, second));
            let sum = nodes.constant(sum);
            Some(nodes.binary(Binary::Add, base, sum))
        }
        (Binary::ShiftLeft, Some(second)) => {
            let Node::Binary(Binary::ShiftLeft, base, first) = nodes.node(a) else { return None };
            let count = nodes.constant_of(first)?.checked_add(second).filter(|count| (0..64).contains(count))?;
            let count = nodes.constant(count);
            Some(nodes.binary(Binary::ShiftLeft, base, count))
        }
        _ => None,
    }
}

/// A select that needs no instruction, or another one.
pub(super) fn select(nodes: &mut Nodes, condition: NodeId, accept: NodeId, reject: NodeId) -> Option<NodeId> {
    if accept == reject {
        return Some(accept);
    }
    let range = nodes.interval(condition);
    if let Some(value) = range.single() {
        return Some(if value != 0 { accept } else { reject });
    }
    if range.low > 0 || range.high < 0 {
        return Some(accept);
    }
    if range.is_within(Interval::new(0, 1)) {
        match (nodes.constant_of(accept), nodes.constant_of(reject)) {
            (Some(1), Some(0)) => return Some(condition),
            (Some(0), Some(1)) => return Some(nodes.not(condition)),
            _ => {}
        }
    }
    None
}

/// What `Equal(x, 0)` negates.
fn negated(nodes: &Nodes, condition: NodeId) -> Option<NodeId> {
    match nodes.node(condition) {
        Node::Binary(Binary::Equal, value, zero) if nodes.constant_of(zero) == Some(0) => Some(value),
        _ => None,
    }
}

/// The condition of a select without the negations around it, and whether they negate it.
pub(super) fn condition(nodes: &Nodes, mut condition: NodeId) -> (NodeId, bool) {
    let mut negations = false;
    while let Some(inner) = negated(nodes, condition) {
        condition = inner;
        negations = !negations;
    }
    (condition, negations)
}

pub(super) fn not(nodes: &mut Nodes, condition: NodeId) -> NodeId {
    if let Some(inner) = negated(nodes, condition)
        && nodes.interval(inner).is_within(Interval::new(0, 1))
    {
        return inner;
    }
    if let Node::Binary(Binary::Less, a, b) = nodes.node(condition) {
        // not (a < k) is k - 1 < a, and not (k < b) is b < k + 1.
        if let Some(less) = nodes.constant_of(b).and_then(|bound| bound.checked_sub(1)) {
            let less = nodes.constant(less);
            return nodes.binary(Binary::Less, less, a);
        }
        if let Some(more) = nodes.constant_of(a).and_then(|bound| bound.checked_add(1)) {
            let more = nodes.constant(more);
            return nodes.binary(Binary::Less, b, more);
        }
    }
    let zero = nodes.constant(0);
    nodes.binary(Binary::Equal, condition, zero)
}
