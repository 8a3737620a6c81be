//! Loops: written out turn by turn, or as a loop of the machine whose carried variables are those that the body stores.

use super::value::{Kind, Scalar, Tree};
use super::{Construct, Key, Lowering, Outcome, RETURNED, State, Target, Variables, arithmetic};
use crate::nodes::{Binary, Interval, Item, Loop, Node, NodeId};
use naga::{Block, Expression, Handle, LocalVariable, Statement, UnaryOperator};
use std::collections::BTreeSet;

/// Turns after which a loop counts as endless: the IR admits so many steps.
const MAX_TURNS: u32 = referee::graph::MAX_STEPS;
/// Loops of the machine within one another.
const MAX_DEPTH: usize = 2;

/// A loop that counts: `if !(counter < bound) { break; }` first, one `counter = counter + step` last.
struct Counted {
    /// The statement of the body that leaves the loop.
    head: usize,
    counter: Handle<LocalVariable>,
    turns: u32,
    /// What the counter holds while the body runs.
    range: Interval,
}

impl<'m> Lowering<'m> {
    pub(super) fn repeat(
        &mut self,
        body: &'m Block,
        continuing: &'m Block,
        break_if: Option<Handle<Expression>>,
    ) -> Outcome<()> {
        let span = self.nodes.span;
        let counted = self.counted(body, continuing)?;
        let construct = Construct { id: self.next_construct, is_loop: true };
        self.next_construct += 1;
        self.constructs.push(construct);
        match counted {
            Some(counted)
                if counted.turns > self.unroll_turns.max(1) && self.nodes.depth() < MAX_DEPTH && break_if.is_none() =>
            {
                self.rolled(construct.id, &counted, body, continuing)?;
            }
            _ => {
                self.unrolling.push(span);
                self.unrolled(construct.id, body, continuing, break_if)?;
                self.unrolling.pop();
            }
        }
        self.constructs.pop();
        Ok(())
    }

    /// Executes turn after turn until the condition says, by constants alone, that no further one follows.
    fn unrolled(
        &mut self,
        id: u32,
        body: &'m Block,
        continuing: &'m Block,
        break_if: Option<Handle<Expression>>,
    ) -> Outcome<()> {
        let (before, exits) = (self.path(), self.exits.len());
        let mut turns = 0;
        while let Some(start) = self.path() {
            turns += 1;
            if turns > MAX_TURNS || self.nodes.len() > super::MAX_NODES {
                return Err(self.too_long());
            }
            let exits = self.exits.len();
            self.block(body)?;
            self.leave(Target::Continue(id), None);
            self.meet(Target::Continue(id));
            self.restore_path(start, exits);
            self.block(continuing)?;
            if let (Some(condition), true) = (break_if, self.state.is_some()) {
                let ends = self.condition(condition)?;
                self.leave_if(ends, id)?;
            }
        }
        self.meet(Target::Break(id));
        if let Some(before) = before {
            self.restore_path(before, exits);
        }
        Ok(())
    }

    /// `if condition { break; }`
    fn leave_if(&mut self, condition: NodeId, id: u32) -> Outcome<()> {
        let Some(before) = self.state.take() else { return Ok(()) };
        match self.nodes.constant_of(condition) {
            Some(0) => self.state = Some(before),
            Some(_) => {
                self.state = Some(before);
                self.leave(Target::Break(id), None);
            }
            None => {
                let path = self.nodes.binary(Binary::And, before.path, condition);
                self.state = Some(State { path, variables: before.variables.clone() });
                self.leave(Target::Break(id), None);
                let opposite = self.nodes.not(condition);
                let path = self.nodes.binary(Binary::And, before.path, opposite);
                self.state = Some(State { path, ..before });
            }
        }
        Ok(())
    }

    /// A loop of the machine.
    fn rolled(&mut self, id: u32, counted: &Counted, body: &'m Block, continuing: &'m Block) -> Outcome<()> {
        let Some(mut before) = self.state.take() else { return Ok(()) };
        let frame = self.frame_id();
        let stored = Stored::of(self.function(), body, continuing);
        let locals = stored.locals.iter().map(|local| Key { frame, local: local.index() as u32 });
        let returned = Key { frame, local: RETURNED };
        let keys: Vec<Key> = locals.chain(stored.returns.then_some(returned)).collect();
        if let Some(Tree::Composite(parts)) = before.variables.get_mut(&returned) {
            // On the way to here the call has not returned.
            parts[0] = Tree::scalar(Kind::Bool, self.nodes.constant(0));
        }
        let initial = self.exact_leaves(&keys, &before.variables);
        let looped = self.nodes.begin_loop();
        let counter = Key { frame, local: counted.counter.index() as u32 };
        let always = self.nodes.constant(1);
        let mut variables = before.variables.clone();
        self.replace(&keys, &mut variables, |place| Node::Carried(looped, place), Some((counter, counted.range)));
        if let Some(Tree::Composite(parts)) = variables.get_mut(&returned) {
            // Nor has it anywhere within the loop: it would have left.
            parts[0] = Tree::scalar(Kind::Bool, self.nodes.constant(0));
        }
        self.state = Some(State { variables, path: always });
        // What left constructs around this loop before it waits for them, not for it.
        let outer_exits = std::mem::take(&mut self.exits);
        self.turn(body, Some(counted.head), id, &keys)?;
        self.leave(Target::Continue(id), None);
        self.meet(Target::Continue(id));
        self.block(continuing)?;
        self.break_off(id, &keys);
        let last = match self.state.take() {
            Some(state) => self.exact_leaves(&keys, &state.variables),
            // Every path left the loop before: what stands here is never reached.
            None => initial.clone(),
        };
        let body = self.nodes.end_region();
        self.exits.splice(0..0, outer_exits);
        let turns = u16::try_from(counted.turns).unwrap_or(u16::MAX);
        self.nodes.push(Item::Loop(Loop { id: looped, turns, initial, body, last }));
        let State { mut variables, path } = before;
        self.replace(&keys, &mut variables, |place| Node::Result(looped, place), None);
        self.state = Some(State { variables, path });
        if stored.returns {
            self.return_from(returned);
        }
        Ok(())
    }

    /// Statements of a turn; after each of them whatever left the loop in it leaves the loop of the machine.
    fn turn(&mut self, block: &'m Block, skipped: Option<usize>, id: u32, keys: &[Key]) -> Outcome<()> {
        for (at, (statement, span)) in block.span_iter().enumerate() {
            if self.state.is_none() {
                break;
            }
            self.at(*span);
            match statement {
                _ if skipped == Some(at) => {}
                Statement::Block(inner) => self.turn(inner, None, id, keys)?,
                _ => {
                    self.statement(statement)?;
                    self.break_off(id, keys);
                }
            }
        }
        Ok(())
    }

    /// The scalars of variables as they stand in registers.
    fn exact_leaves(&mut self, keys: &[Key], variables: &Variables) -> Vec<NodeId> {
        let mut leaves = Vec::new();
        keys.iter().filter_map(|key| variables.get(key)).for_each(|tree| tree.leaves(&mut leaves));
        leaves.into_iter().map(|leaf| arithmetic::canonical(&mut self.nodes, leaf)).collect()
    }

    /// Gives every scalar of variables a new node; that of one variable with a known range.
    fn replace(
        &mut self,
        keys: &[Key],
        variables: &mut Variables,
        node: impl Fn(u32) -> Node,
        known: Option<(Key, Interval)>,
    ) {
        let mut place = 0;
        for key in keys {
            let Some(tree) = variables.get_mut(key) else { continue };
            let known = known.and_then(|(counter, range)| (counter == *key).then_some(range));
            *tree = tree.map(&mut |leaf: Scalar| {
                place += 1;
                let range = known.unwrap_or_else(|| leaf.kind.range());
                Scalar { kind: leaf.kind, node: self.nodes.leaf(node(place - 1), range) }
            });
        }
    }

    /// What left the loop or the call since the last time leaves the loop of the machine here, where all paths are
    /// together again.
    fn break_off(&mut self, id: u32, keys: &[Key]) {
        let frame = self.frame_id();
        let leaves = |target: Target| target == Target::Break(id) || target == Target::Return(frame);
        if !self.exits.iter().any(|exit| leaves(exit.target)) {
            return;
        }
        let (left, others) = std::mem::take(&mut self.exits).into_iter().partition(|exit| leaves(exit.target));
        self.exits = others;
        let left: Vec<super::Exit> = left;
        let mut variables = self.state.as_ref().map(|state| state.variables.clone());
        let mut any = self.nodes.constant(0);
        let returned = Key { frame, local: RETURNED };
        for mut exit in left {
            if let (Target::Return(_), Some(value)) = (exit.target, exit.value) {
                let (yes, no) = (self.nodes.constant(1), self.nodes.constant(0));
                let with = |flag| Tree::Composite(vec![Tree::scalar(Kind::Bool, flag), value.clone()]);
                exit.state.variables.insert(returned, with(yes));
                // As long as the call has not returned, its value may be anything: what is there already costs nothing.
                for state in [variables.as_mut(), self.state.as_mut().map(|state| &mut state.variables)] {
                    if let Some(variables) = state
                        && self.nodes.constant_of(any) == Some(0)
                    {
                        variables.insert(returned, with(no));
                    }
                }
            }
            any = self.nodes.binary(Binary::Or, any, exit.state.path);
            variables = Some(match variables {
                None => exit.state.variables,
                Some(others) => self.join(exit.state.path, &exit.state.variables, &others),
            });
        }
        let goes_on = if self.state.is_some() { self.nodes.zero_if(any) } else { self.nodes.constant(0) };
        // Paths that wait for the end of the turn have not left: then the condition decides as well.
        let waiting = self.exits.iter().any(|exit| exit.target == Target::Continue(id));
        let goes_on = if waiting { self.nodes.zero_if(any) } else { goes_on };
        if self.nodes.constant_of(goes_on).is_some_and(|always| always != 0) {
            return;
        }
        let held = self.exact_leaves(keys, &variables.unwrap_or_default());
        self.nodes.push(Item::Break(goes_on, held));
        if !waiting && let Some(state) = &mut self.state {
            state.path = self.nodes.constant(1);
        }
    }

    /// Behind a loop out of which the call returned, perhaps.
    fn return_from(&mut self, returned: Key) {
        let Some(state) = self.state.take() else { return };
        let Some(Tree::Composite(parts)) = state.variables.get(&returned).cloned() else { return };
        let [Tree::Scalar(flag), value] = &parts[..] else { return };
        let path = self.nodes.binary(Binary::And, state.path, flag.node);
        self.state = Some(State { path, variables: state.variables.clone() });
        self.leave(Target::Return(returned.frame), Some(value.clone()));
        let opposite = self.nodes.not(flag.node);
        let path = self.nodes.binary(Binary::And, state.path, opposite);
        self.state = Some(State { path, variables: state.variables });
    }

    /// Whether the loop counts from a constant to a constant by constants, and how often it then turns.
    fn counted(&mut self, body: &'m Block, continuing: &'m Block) -> Outcome<Option<Counted>> {
        let is_break = |block: &Block| matches!(&block[..], [Statement::Break]);
        let head = body.iter().position(|statement| !matches!(statement, Statement::Emit(_)));
        let Some((head, Statement::If { condition, accept, reject })) = head.map(|head| (head, &body[head])) else {
            return Ok(None);
        };
        let mut goes_on_if = match (is_break(accept), is_break(reject)) {
            (false, true) if accept.is_empty() => true,
            (true, false) if reject.is_empty() => false,
            _ => return Ok(None),
        };
        let function = self.function();
        let mut condition = *condition;
        while let Expression::Unary { op: UnaryOperator::LogicalNot, expr } = &function.expressions[condition] {
            (condition, goes_on_if) = (*expr, !goes_on_if);
        }
        let Expression::Binary { op, left, right } = &function.expressions[condition] else { return Ok(None) };
        let stored = Stored::of(function, body, continuing);
        let (left, right) = (self.side(&stored, *left)?, self.side(&stored, *right)?);
        let (counter, bound, swapped) = match (left, right) {
            (Side::Variable(counter), Side::Constant(bound)) => (counter, bound, false),
            (Side::Constant(bound), Side::Variable(counter)) => (counter, bound, true),
            _ => return Ok(None),
        };
        let Some((step, by, by_first)) = self.step(&stored, counter, body, continuing)? else { return Ok(None) };
        let key = Key { frame: self.frame_id(), local: counter.index() as u32 };
        let start = self.state.as_ref().and_then(|state| state.variables.get(&key)).cloned();
        let Some(Tree::Scalar(mut now)) = start else { return Ok(None) };
        let (mut turns, mut range) = (0, None::<Interval>);
        loop {
            let exact = arithmetic::canonical(&mut self.nodes, now);
            let Some(value) = self.nodes.constant_of(exact) else { return Ok(None) };
            let (a, b) = if swapped { (bound, now) } else { (now, bound) };
            let verdict = arithmetic::binary(&mut self.nodes, *op, a, b).filter(|verdict| verdict.kind == Kind::Bool);
            let Some(verdict) = verdict.and_then(|verdict| self.nodes.constant_of(verdict.node)) else {
                return Ok(None);
            };
            if (verdict != 0) != goes_on_if {
                break;
            }
            turns += 1;
            if turns > MAX_TURNS {
                let message = format!("the loop turns more than {MAX_TURNS} times");
                return Err(self.refuse(
                    "K0401",
                    message,
                    "split the work over more elements, or over several kernels",
                ));
            }
            range = Some(range.map_or(Interval::exactly(value), |range| range.union(Interval::exactly(value))));
            let (a, b) = if by_first { (by, now) } else { (now, by) };
            let Some(next) = arithmetic::binary(&mut self.nodes, step, a, b) else { return Ok(None) };
            let exact = arithmetic::canonical(&mut self.nodes, next);
            now = Scalar { kind: now.kind, node: exact };
        }
        Ok(range.map(|range| Counted { head, counter, turns, range }))
    }

    /// The one statement, at the end of the body or in `continuing`, that steps the counter: `counter op constant`, or
    /// the other way round.
    fn step(
        &mut self,
        stored: &Stored,
        counter: Handle<LocalVariable>,
        body: &'m Block,
        continuing: &'m Block,
    ) -> Outcome<Option<(naga::BinaryOperator, Scalar, bool)>> {
        if stored.counts.iter().filter(|local| **local == counter).count() != 1 {
            return Ok(None);
        }
        let function = self.function();
        let here = |block: &'m Block| {
            block.iter().find_map(|statement| match statement {
                Statement::Store { pointer, value } if is_local(function, *pointer, counter) => Some(*value),
                _ => None,
            })
        };
        // Within the body it counts only if nothing skips it.
        let value = here(continuing).or_else(|| if stored.continues { None } else { here(body) });
        let Some(Expression::Binary { op, left, right }) = value.map(|value| &function.expressions[value]) else {
            return Ok(None);
        };
        Ok(match (self.side(stored, *left)?, self.side(stored, *right)?) {
            (Side::Variable(variable), Side::Constant(by)) if variable == counter => Some((*op, by, false)),
            (Side::Constant(by), Side::Variable(variable)) if variable == counter => Some((*op, by, true)),
            _ => None,
        })
    }

    /// What one side of a comparison or step is, before the loop is executed.
    fn side(&mut self, stored: &Stored, handle: Handle<Expression>) -> Outcome<Side> {
        let function = self.function();
        let scalar = match &function.expressions[handle] {
            Expression::Load { pointer } => match function.expressions[*pointer] {
                Expression::LocalVariable(local) if stored.locals.contains(&local) => return Ok(Side::Variable(local)),
                Expression::LocalVariable(local) => {
                    let key = Key { frame: self.frame_id(), local: local.index() as u32 };
                    self.state.as_ref().and_then(|state| state.variables.get(&key)).cloned()
                }
                _ => None,
            },
            Expression::Literal(_) | Expression::Constant(_) => Some(self.value(handle)?),
            // What is computed within the loop has not been yet; what an earlier run of it left is stale.
            Expression::Binary { op, left, right } if stored.emitted.contains(&handle) => {
                match (self.side(stored, *left)?, self.side(stored, *right)?) {
                    (Side::Constant(a), Side::Constant(b)) => {
                        arithmetic::binary(&mut self.nodes, *op, a, b).map(Tree::Scalar)
                    }
                    _ => None,
                }
            }
            _ if stored.emitted.contains(&handle) => None,
            _ => match self.frames[self.frames.len() - 1].values.get(&handle) {
                Some(super::Evaluated::Value(tree)) => Some(tree.clone()),
                _ => None,
            },
        };
        Ok(match scalar {
            Some(Tree::Scalar(scalar)) if self.nodes.constant_of(scalar.node).is_some() => Side::Constant(scalar),
            _ => Side::Other,
        })
    }
}

enum Side {
    Variable(Handle<LocalVariable>),
    Constant(Scalar),
    Other,
}

/// What a loop's statements write, and how they leave it.
#[derive(Default)]
struct Stored {
    locals: BTreeSet<Handle<LocalVariable>>,
    /// One entry for each statement that writes.
    counts: Vec<Handle<LocalVariable>>,
    returns: bool,
    continues: bool,
    /// Expressions that the loop computes.
    emitted: BTreeSet<Handle<Expression>>,
}

impl Stored {
    fn of(function: &naga::Function, body: &Block, continuing: &Block) -> Self {
        let mut stored = Self::default();
        stored.block(function, body);
        stored.block(function, continuing);
        stored
    }

    fn block(&mut self, function: &naga::Function, block: &Block) {
        for statement in block.iter() {
            match statement {
                Statement::Store { pointer, .. } => {
                    if let Some(local) = root(function, *pointer) {
                        self.locals.insert(local);
                        self.counts.push(local);
                    }
                }
                Statement::Emit(range) => self.emitted.extend(range.clone()),
                Statement::Return { .. } => self.returns = true,
                Statement::Continue => self.continues = true,
                Statement::Block(inner) => self.block(function, inner),
                Statement::If { accept, reject, .. } => {
                    self.block(function, accept);
                    self.block(function, reject);
                }
                Statement::Switch { cases, .. } => cases.iter().for_each(|case| self.block(function, &case.body)),
                Statement::Loop { body, continuing, .. } => {
                    self.block(function, body);
                    self.block(function, continuing);
                }
                _ => {}
            }
        }
    }
}

/// The variable that a pointer points into.
fn root(function: &naga::Function, pointer: Handle<Expression>) -> Option<Handle<LocalVariable>> {
    match function.expressions[pointer] {
        Expression::LocalVariable(local) => Some(local),
        Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => root(function, base),
        _ => None,
    }
}

fn is_local(function: &naga::Function, pointer: Handle<Expression>, local: Handle<LocalVariable>) -> bool {
    matches!(function.expressions[pointer], Expression::LocalVariable(found) if found == local)
}
