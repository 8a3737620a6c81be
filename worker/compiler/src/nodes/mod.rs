//! The program as values that are computed once, in regions that loops bound.
//!
//! A [`NodeId`] stands for one 64-bit value. Nodes are folded, shared within their region, and carry the interval that
//! their value cannot leave; [`Region`]s list them in the order in which they are computed.

mod fold;
mod interval;

#[cfg(test)]
pub(crate) use fold::evaluate;
pub(crate) use interval::Interval;

use naga::Span;
use std::collections::HashMap;

/// Index of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u32);

/// Index of a loop, in the order in which they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LoopId(pub(crate) u32);

/// Operations on two registers; what they do is the machine's instruction of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    ShiftArithmetic,
    Min,
    Max,
    Less,
    LessUnsigned,
    Equal,
    DivideUnsigned,
}

/// How a node is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Constant(i64),
    /// Coordinate of an axis.
    Index(u8),
    /// Length of an axis.
    Length(u8),
    Load(u8),
    Gather(u8, NodeId),
    Binary(Binary, NodeId, NodeId),
    /// Condition, value if it is not 0, value if it is.
    Select(NodeId, NodeId, NodeId),
    LeadingZeros(NodeId),
    /// What a carried variable of a loop holds when a turn begins.
    Carried(LoopId, u32),
    /// What it holds behind the loop.
    Result(LoopId, u32),
}

impl Node {
    /// The nodes that it reads.
    pub(crate) fn operands(&self) -> impl Iterator<Item = NodeId> + use<> {
        let operands = match *self {
            Self::Binary(_, a, b) => [Some(a), Some(b), None],
            Self::Select(c, a, b) => [Some(c), Some(a), Some(b)],
            Self::Gather(_, a) | Self::LeadingZeros(a) => [Some(a), None, None],
            _ => [None; 3],
        };
        operands.into_iter().flatten()
    }

    /// Whether it is as cheap to compute again as to keep.
    pub(crate) fn is_free(&self) -> bool {
        matches!(self, Self::Constant(_) | Self::Index(_) | Self::Length(_))
    }
}

/// A loop: carried variables hold `initial` at first and `last` at the end of every turn.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) id: LoopId,
    pub(crate) turns: u16,
    pub(crate) initial: Vec<NodeId>,
    pub(crate) body: Vec<Item>,
    pub(crate) last: Vec<NodeId>,
}

/// One entry of a region.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Node(NodeId),
    Loop(Loop),
    /// Leaves the loop if the node is 0; the carried variables then hold these values.
    Break(NodeId, Vec<NodeId>),
    Store(u8, NodeId),
}

#[derive(Clone, Debug)]
struct Entry {
    node: Node,
    interval: Interval,
    span: Span,
}

/// Entries of one region while it is written.
#[derive(Debug, Default)]
struct Region {
    items: Vec<Item>,
    known: HashMap<Node, NodeId>,
}

/// Writes nodes.
#[derive(Debug)]
pub(crate) struct Nodes {
    entries: Vec<Entry>,
    regions: Vec<Region>,
    loops: u32,
    /// Where in the source whatever is written now comes from.
    pub(crate) span: Span,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), regions: vec![Region::default()], loops: 0, span: Span::UNDEFINED }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn node(&self, id: NodeId) -> Node {
        self.entries[id.0 as usize].node
    }

    pub(crate) fn interval(&self, id: NodeId) -> Interval {
        self.entries[id.0 as usize].interval
    }

    pub(crate) fn span_of(&self, id: NodeId) -> Span {
        self.entries[id.0 as usize].span
    }

    /// The value of a constant node.
    pub(crate) fn constant_of(&self, id: NodeId) -> Option<i64> {
        match self.node(id) {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn constant(&mut self, value: i64) -> NodeId {
        self.insert(Node::Constant(value), Interval::exactly(value))
    }

    /// A node without operands, of a known interval.
    pub(crate) fn leaf(&mut self, node: Node, interval: Interval) -> NodeId {
        match interval.single() {
            Some(value) => self.constant(value),
            None => self.insert(node, interval),
        }
    }

    pub(crate) fn gather(&mut self, operand: u8, index: NodeId, interval: Interval) -> NodeId {
        self.insert(Node::Gather(operand, index), interval)
    }

    pub(crate) fn leading_zeros(&mut self, a: NodeId) -> NodeId {
        match self.constant_of(a) {
            Some(value) => self.constant(value.leading_zeros().into()),
            None => self.insert(Node::LeadingZeros(a), Interval::new(0, 64)),
        }
    }

    pub(crate) fn binary(&mut self, op: Binary, a: NodeId, b: NodeId) -> NodeId {
        self.binary_within(op, a, b, Interval::new(i64::MIN, i64::MAX))
    }

    /// [`binary`](Self::binary) with what the author of the operation knows of its result beside what the operands say.
    pub(crate) fn binary_within(&mut self, op: Binary, a: NodeId, b: NodeId, known: Interval) -> NodeId {
        if let Some(simpler) = fold::binary(self, op, a, b) {
            return simpler;
        }
        let interval = interval::binary(op, self.interval(a), self.interval(b)).intersection(known);
        if let Some(value) = interval.single() {
            return self.constant(value);
        }
        // One order for what has none, so that equal values are found; a constant stands behind.
        let swap = fold::commutes(op) && (self.constant_of(a).is_some() || (self.constant_of(b).is_none() && a > b));
        let (a, b) = if swap { (b, a) } else { (a, b) };
        self.insert(Node::Binary(op, a, b), interval)
    }

    pub(crate) fn select(&mut self, condition: NodeId, accept: NodeId, reject: NodeId) -> NodeId {
        if let Some(simpler) = fold::select(self, condition, accept, reject) {
            return simpler;
        }
        let (condition, negated) = fold::condition(self, condition);
        let (accept, reject) = if negated { (reject, accept) } else { (accept, reject) };
        let interval = self.interval(accept).union(self.interval(reject));
        self.insert(Node::Select(condition, accept, reject), interval)
    }

    /// 1 where a condition of 0 or 1 is 0, and 0 where it is 1.
    pub(crate) fn not(&mut self, condition: NodeId) -> NodeId {
        fold::not(self, condition)
    }

    /// Some value that is 0 exactly where the condition of 0 or 1 is 1.
    pub(crate) fn zero_if(&mut self, condition: NodeId) -> NodeId {
        match self.node(condition) {
            Node::Binary(Binary::Equal, a, b) => self.binary(Binary::Xor, a, b),
            _ => self.not(condition),
        }
    }

    fn insert(&mut self, node: Node, interval: Interval) -> NodeId {
        if let Some(known) = self.regions.iter().find_map(|region| region.known.get(&node)) {
            return *known;
        }
        let id = NodeId(self.entries.len() as u32);
        self.entries.push(Entry { node, interval, span: self.span });
        // What is free has no place of its own: it is computed where it is needed.
        let region = if node.is_free() { self.regions.first_mut() } else { self.regions.last_mut() };
        if let Some(region) = region {
            region.known.insert(node, id);
            if !node.is_free() && !matches!(node, Node::Carried(..) | Node::Result(..)) {
                region.items.push(Item::Node(id));
            }
        }
        id
    }

    pub(crate) fn store(&mut self, output: u8, value: NodeId) {
        self.push(Item::Store(output, value));
    }

    pub(crate) fn push(&mut self, item: Item) {
        if let Some(region) = self.regions.last_mut() {
            region.items.push(item);
        }
    }

    /// Loops that are open.
    pub(crate) fn depth(&self) -> usize {
        self.regions.len() - 1
    }

    pub(crate) fn begin_loop(&mut self) -> LoopId {
        self.regions.push(Region::default());
        self.loops += 1;
        LoopId(self.loops - 1)
    }

    /// Closes the innermost region and gives its items.
    pub(crate) fn end_region(&mut self) -> Vec<Item> {
        self.regions.pop().map(|region| region.items).unwrap_or_default()
    }
}
