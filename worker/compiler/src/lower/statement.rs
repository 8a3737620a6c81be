//! Statements, but for loops.

use super::value::{Tree, select};
use super::{Construct, Exit, Frame, Key, Lowering, Outcome, RETURNED, State, Target, Variables};
use crate::nodes::{Binary, NodeId};
use naga::{Block, Expression, Function, Handle, Statement, SwitchCase, SwitchValue};
use std::collections::HashMap;

impl<'m> Lowering<'m> {
    /// Executes a function and gives what it returns.
    pub(super) fn call(&mut self, handle: Handle<Function>, arguments: Vec<Tree>) -> Outcome<Option<Tree>> {
        let function = &self.module.functions[handle];
        let id = self.next_frame;
        self.next_frame += 1;
        self.frames.push(Frame { function, id, arguments, values: HashMap::new() });
        for argument in &function.arguments {
            // Refuses what is no value, pointers above all.
            self.zero(argument.ty)?;
        }
        let path = self.path();
        for (local, variable) in function.local_variables.iter() {
            self.at(function.local_variables.get_span(local));
            let zero = self.zero(variable.ty)?;
            let value = match variable.init {
                Some(init) => self.value(init)?,
                None => zero,
            };
            self.set(Key { frame: id, local: local.index() as u32 }, value);
        }
        if let Some(result) = &function.result {
            self.at(self.module.functions.get_span(handle));
            let (never, value) = (self.nodes.constant(0), self.zero(result.ty)?);
            let returned = Tree::Composite(vec![Tree::scalar(super::Kind::Bool, never), value]);
            self.set(Key { frame: id, local: RETURNED }, returned);
        }
        self.block(&function.body)?;
        self.leave(Target::Return(id), None);
        let value = self.meet(Target::Return(id));
        if let (Some(state), Some(path)) = (&mut self.state, path) {
            state.path = path;
            state.variables.retain(|key, _| key.frame != id);
        }
        self.frames.pop();
        Ok(value)
    }

    pub(super) fn path(&self) -> Option<NodeId> {
        self.state.as_ref().map(|state| state.path)
    }

    pub(super) fn set(&mut self, key: Key, value: Tree) {
        if let Some(state) = &mut self.state {
            state.variables.insert(key, value);
        }
    }

    /// Ends this path in a jump.
    pub(super) fn leave(&mut self, target: Target, value: Option<Tree>) {
        if let Some(state) = self.state.take() {
            self.exits.push(Exit { target, state, value });
        }
    }

    /// Goes on where all jumps to a target meet, with the value that they carry; nowhere if there is none.
    pub(super) fn meet(&mut self, target: Target) -> Option<Tree> {
        let (met, others) = std::mem::take(&mut self.exits).into_iter().partition(|exit| exit.target == target);
        self.exits = others;
        let met: Vec<Exit> = met;
        let mut exits = met.into_iter().rev();
        let Some(last) = exits.next() else {
            self.state = None;
            return None;
        };
        let (mut state, mut value) = (last.state, last.value);
        for exit in exits {
            state.variables = self.join(exit.state.path, &exit.state.variables, &state.variables);
            value = match (exit.value, value) {
                (Some(one), Some(other)) => Some(select(&mut self.nodes, exit.state.path, &one, &other)),
                (one, other) => one.or(other),
            };
            state.path = self.nodes.binary(Binary::Or, exit.state.path, state.path);
        }
        self.state = Some(state);
        value
    }

    /// What variables hold behind two paths.
    pub(super) fn join(&mut self, condition: NodeId, accept: &Variables, reject: &Variables) -> Variables {
        let both = accept.iter().filter_map(|(key, a)| reject.get(key).map(|b| (*key, a, b)));
        both.map(|(key, a, b)| (key, if a == b { a.clone() } else { select(&mut self.nodes, condition, a, b) }))
            .collect()
    }

    pub(super) fn block(&mut self, block: &'m Block) -> Outcome<()> {
        for (statement, span) in block.span_iter() {
            if self.state.is_none() {
                return Ok(());
            }
            self.at(*span);
            self.statement(statement)?;
        }
        Ok(())
    }

    pub(super) fn statement(&mut self, statement: &'m Statement) -> Outcome<()> {
        match statement {
            Statement::Emit(range) => range.clone().try_for_each(|handle| self.emit(handle)),
            Statement::Block(block) => self.block(block),
            Statement::If { condition, accept, reject } => {
                let condition = self.condition(*condition)?;
                self.branch(condition, accept, reject)
            }
            Statement::Switch { selector, cases } => self.switch(*selector, cases),
            Statement::Loop { body, continuing, break_if } => self.repeat(body, continuing, *break_if),
            Statement::Break => {
                let innermost = self.constructs.last().map_or(0, |construct| construct.id);
                self.leave(Target::Break(innermost), None);
                Ok(())
            }
            Statement::Continue => {
                let innermost = self.constructs.iter().rev().find(|construct| construct.is_loop);
                let target = Target::Continue(innermost.map_or(0, |construct| construct.id));
                self.leave(target, None);
                Ok(())
            }
            Statement::Return { value } => {
                let value = value.map(|value| self.value(value)).transpose()?;
                self.leave(Target::Return(self.frame_id()), value);
                Ok(())
            }
            Statement::Store { pointer, value } => {
                let ((key, path), value) = (self.place(*pointer)?, self.value(*value)?);
                let part = self.state.as_mut().and_then(|state| state.variables.get_mut(&key)?.part_mut(&path));
                if let Some(part) = part {
                    *part = value;
                }
                Ok(())
            }
            Statement::Call { function, arguments, result } => {
                let span = self.nodes.span;
                let arguments = arguments.iter().map(|argument| self.value(*argument)).collect::<Outcome<Vec<_>>>()?;
                let value = self.call(*function, arguments)?;
                self.at(span);
                if let (Some(result), Some(value)) = (result, value) {
                    let frame = self.frames.len() - 1;
                    self.frames[frame].values.insert(*result, super::Evaluated::Value(value));
                }
                Ok(())
            }
            Statement::Kill => Err(self.unsupported("discard")),
            Statement::ControlBarrier(_) | Statement::MemoryBarrier(_) => Err(self.unsupported("a barrier")),
            Statement::Atomic { .. } | Statement::ImageAtomic { .. } => Err(self.unsupported("an atomic")),
            Statement::ImageStore { .. } => Err(self.unsupported("a texture")),
            _ => Err(self.unsupported("this statement")),
        }
    }

    /// Both arms, each from the same state; of a condition that is known, the one.
    fn branch(&mut self, condition: NodeId, accept: &'m Block, reject: &'m Block) -> Outcome<()> {
        if let Some(known) = self.nodes.constant_of(condition) {
            return self.block(if known != 0 { accept } else { reject });
        }
        let Some(before) = self.state.take() else { return Ok(()) };
        let exits = self.exits.len();
        let opposite = self.nodes.not(condition);
        let arm = |this: &mut Self, condition: NodeId, block: &'m Block| {
            let path = this.nodes.binary(Binary::And, before.path, condition);
            this.state = Some(State { path, variables: before.variables.clone() });
            this.block(block)?;
            Ok(this.state.take())
        };
        let (a, b) = (arm(self, condition, accept)?, arm(self, opposite, reject)?);
        self.state = match (a, b) {
            (Some(a), Some(b)) => {
                let path =
                    if self.exits.len() == exits { before.path } else { self.nodes.binary(Binary::Or, a.path, b.path) };
                Some(State { variables: self.join(condition, &a.variables, &b.variables), path })
            }
            (a, b) => a.or(b),
        };
        Ok(())
    }

    fn switch(&mut self, selector: Handle<Expression>, cases: &'m [SwitchCase]) -> Outcome<()> {
        let selector = self.scalar(selector)?;
        let exact = super::arithmetic::canonical(&mut self.nodes, selector);
        let construct = Construct { id: self.next_construct, is_loop: false };
        self.next_construct += 1;
        self.constructs.push(construct);
        let Some(before) = self.state.take() else { return Ok(()) };
        let exits = self.exits.len();
        // Cases that share a body stand before it with empty ones; `default` is what no value of any case is.
        let never = self.nodes.constant(0);
        let (mut groups, mut condition, mut any, mut has_default) = (Vec::new(), never, never, false);
        for case in cases {
            let value = match case.value {
                SwitchValue::I32(value) => Some(i64::from(value)),
                SwitchValue::U32(value) => Some(i64::from(value)),
                SwitchValue::Default => None,
            };
            match value {
                Some(value) => {
                    let value = self.nodes.constant(value);
                    let is_it = self.nodes.binary(Binary::Equal, exact, value);
                    condition = self.nodes.binary(Binary::Or, condition, is_it);
                    any = self.nodes.binary(Binary::Or, any, is_it);
                }
                None => has_default = true,
            }
            if !case.fall_through {
                groups.push((condition, has_default, &case.body));
                (condition, has_default) = (never, false);
            }
        }
        let none = self.nodes.not(any);
        for (mut condition, is_default, body) in groups {
            if is_default {
                condition = self.nodes.binary(Binary::Or, condition, none);
            }
            if self.nodes.constant_of(condition) == Some(0) {
                continue;
            }
            let path = self.nodes.binary(Binary::And, before.path, condition);
            self.state = Some(State { path, variables: before.variables.clone() });
            self.block(body)?;
            self.leave(Target::Break(construct.id), None);
        }
        self.constructs.pop();
        self.meet(Target::Break(construct.id));
        self.restore_path(before.path, exits);
        Ok(())
    }

    /// Behind a construct that nothing left but to its end, the path is the one before it.
    pub(super) fn restore_path(&mut self, path: NodeId, exits: usize) {
        if self.exits.len() == exits
            && let Some(state) = &mut self.state
        {
            state.path = path;
        }
    }
}
