//! What of the regions is needed, line by line, and until where each value is.

use crate::nodes::{Item, Loop, LoopId, Node, NodeId, Nodes};
use std::collections::{BTreeSet, HashMap, HashSet};

/// One line of the program: what becomes one instruction, and the moves around it.
#[derive(Clone, Debug)]
pub(super) enum Line {
    Compute(NodeId),
    /// A loop begins: carried variables take these values.
    Begin(LoopId, Vec<NodeId>),
    /// Leaves the innermost loop if the node is 0; carried variables hold these values then.
    Leave(NodeId, Vec<NodeId>),
    /// A turn ends: carried variables take these values.
    End(LoopId, Vec<NodeId>),
    Store(u8, NodeId),
}

impl Line {
    pub(super) fn uses(&self, nodes: &Nodes) -> Vec<NodeId> {
        match self {
            Self::Compute(node) => nodes.node(*node).operands().collect(),
            Self::Begin(_, values) | Self::End(_, values) => values.clone(),
            Self::Leave(condition, values) => std::iter::once(*condition).chain(values.iter().copied()).collect(),
            Self::Store(_, value) => vec![*value],
        }
    }
}

/// A loop among the lines.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) turns: u16,
    pub(super) parent: Option<LoopId>,
    /// Numbers of the carried variables that are needed; all lists of the loop's lines are in this order.
    pub(super) variables: Vec<u32>,
}

/// Lines, with the end of every value's life.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) loops: HashMap<LoopId, Extent>,
    /// The innermost loop of each line; the line that begins a loop stands outside.
    pub(super) within: Vec<Option<LoopId>>,
    /// Last line that needs a node that is not free to compute, loops around it counted.
    pub(super) last_use: HashMap<NodeId, usize>,
    /// Lines that use a node that is free to compute, ascending.
    pub(super) uses: HashMap<NodeId, Vec<usize>>,
    /// The loop in which a node is computed.
    pub(super) home: HashMap<NodeId, Option<LoopId>>,
}

impl Lines {
    pub(super) fn new(nodes: &Nodes, items: &[Item]) -> Self {
        let needed = Needed::of(nodes, items);
        let mut lines = Self {
            lines: Vec::new(),
            loops: HashMap::new(),
            within: Vec::new(),
            last_use: HashMap::new(),
            uses: HashMap::new(),
            home: HashMap::new(),
        };
        lines.flatten(&needed, items, None);
        lines.measure(nodes);
        lines
    }

    fn push(&mut self, line: Line, within: Option<LoopId>) {
        self.lines.push(line);
        self.within.push(within);
    }

    fn flatten(&mut self, needed: &Needed<'_>, items: &[Item], within: Option<LoopId>) {
        for item in items {
            match item {
                Item::Node(node) if needed.nodes.contains(node) => {
                    self.home.insert(*node, within);
                    self.push(Line::Compute(*node), within);
                }
                Item::Node(_) => {}
                Item::Store(output, value) => self.push(Line::Store(*output, *value), within),
                Item::Break(condition, values) => {
                    let kept = within.map(|id| needed.kept(id, values)).unwrap_or_default();
                    self.push(Line::Leave(*condition, kept), within);
                }
                Item::Loop(inner) if needed.loops.contains(&inner.id) => {
                    let begin = self.lines.len();
                    self.push(Line::Begin(inner.id, needed.kept(inner.id, &inner.initial)), within);
                    self.flatten(needed, &inner.body, Some(inner.id));
                    let end = self.lines.len();
                    self.push(Line::End(inner.id, needed.kept(inner.id, &inner.last)), Some(inner.id));
                    let variables = needed.variables(inner.id);
                    self.loops.insert(inner.id, Extent { begin, end, turns: inner.turns, parent: within, variables });
                }
                Item::Loop(_) => {}
            }
        }
    }

    fn measure(&mut self, nodes: &Nodes) {
        let parents: HashMap<LoopId, Option<LoopId>> =
            self.loops.iter().map(|(id, extent)| (*id, extent.parent)).collect();
        for (at, line) in self.lines.iter().enumerate() {
            for node in line.uses(nodes) {
                let kind = nodes.node(node);
                if kind.is_free() {
                    self.uses.entry(node).or_default().push(at);
                    continue;
                }
                let home = match kind {
                    Node::Carried(id, _) => Some(id),
                    Node::Result(id, _) => parents.get(&id).copied().flatten(),
                    _ => self.home.get(&node).copied().flatten(),
                };
                self.home.insert(node, home);
                // A value from outside a loop is needed in its next turn too.
                let (mut last, mut within) = (at, self.within[at]);
                while within != home {
                    let Some(extent) = within.and_then(|id| self.loops.get(&id)) else { break };
                    last = last.max(extent.end);
                    within = extent.parent;
                }
                let known = self.last_use.entry(node).or_insert(last);
                *known = last.max(*known);
            }
        }
    }

    /// The outermost loop around a line.
    pub(super) fn outermost(&self, at: usize) -> Option<LoopId> {
        let mut outermost = None;
        let mut within = self.within[at];
        while let Some(id) = within {
            outermost = Some(id);
            within = self.loops.get(&id).and_then(|extent| extent.parent);
        }
        outermost
    }

    /// How often a line runs.
    pub(super) fn runs(&self, at: usize) -> u64 {
        let (mut runs, mut within) = (1u64, self.within[at]);
        while let Some(extent) = within.and_then(|id| self.loops.get(&id)) {
            runs = runs.saturating_mul(extent.turns.into());
            within = extent.parent;
        }
        runs
    }

    /// What carried variable `slot` of a loop must hold at the next line that says so.
    pub(super) fn required(&self, id: LoopId, slot: usize, after: usize) -> Option<NodeId> {
        self.lines.iter().enumerate().skip(after + 1).find_map(|(at, line)| match line {
            Line::Leave(_, values) | Line::End(_, values) if self.within[at] == Some(id) => values.get(slot).copied(),
            _ => None,
        })
    }
}

/// Nodes, loops and carried variables on which a store depends.
struct Needed<'a> {
    graph: &'a Nodes,
    by_id: HashMap<LoopId, &'a Loop>,
    nodes: HashSet<NodeId>,
    loops: HashSet<LoopId>,
    slots: BTreeSet<(LoopId, u32)>,
}

impl<'a> Needed<'a> {
    fn of(graph: &'a Nodes, items: &'a [Item]) -> Self {
        let mut needed =
            Self { graph, by_id: HashMap::new(), nodes: HashSet::new(), loops: HashSet::new(), slots: BTreeSet::new() };
        needed.collect(items);
        for item in items {
            if let Item::Store(_, value) = item {
                needed.mark(*value);
            }
        }
        needed
    }

    fn collect(&mut self, items: &'a [Item]) {
        for item in items {
            if let Item::Loop(inner) = item {
                self.by_id.insert(inner.id, inner);
                self.collect(&inner.body);
            }
        }
    }

    fn mark(&mut self, node: NodeId) {
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            if !self.nodes.insert(node) {
                continue;
            }
            waiting.extend(self.graph.node(node).operands());
            let (Node::Carried(id, slot) | Node::Result(id, slot)) = self.graph.node(node) else { continue };
            let Some(looped) = self.by_id.get(&id).copied() else { continue };
            let breaks = || {
                looped.body.iter().filter_map(|item| match item {
                    Item::Break(condition, values) => Some((*condition, values)),
                    _ => None,
                })
            };
            if self.loops.insert(id) {
                waiting.extend(breaks().map(|(condition, _)| condition));
            }
            if self.slots.insert((id, slot)) {
                let at = slot as usize;
                waiting.extend([&looped.initial, &looped.last].into_iter().filter_map(|values| values.get(at)));
                waiting.extend(breaks().filter_map(|(_, values)| values.get(at)));
            }
        }
    }

    fn variables(&self, id: LoopId) -> Vec<u32> {
        self.slots.iter().filter(|(of, _)| *of == id).map(|(_, slot)| *slot).collect()
    }

    fn kept(&self, id: LoopId, values: &[NodeId]) -> Vec<NodeId> {
        self.variables(id).into_iter().filter_map(|slot| values.get(slot as usize).copied()).collect()
    }
}
