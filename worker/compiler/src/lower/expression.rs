//! Expressions.

use super::value::{Kind, Scalar, Tree, select};
use super::{Evaluated, Key, Lowering, MAX_NODES, Outcome, arithmetic, kind_of_scalar};
use crate::nodes::{Interval, NodeId};
use naga::{BinaryOperator, Expression, Handle, Literal, MathFunction, RelationalFunction, Span, UnaryOperator};

const SUBSET: &str = "kernels compute with integers and bool: arithmetic, bits, comparisons, select, conversions, abs, min, \
                      max, clamp, sign, dot, any, all and the counting of leading and trailing zeros";

impl<'m> Lowering<'m> {
    pub(super) fn function(&self) -> &'m naga::Function {
        self.frames[self.frames.len() - 1].function
    }

    pub(super) fn frame_id(&self) -> u32 {
        self.frames[self.frames.len() - 1].id
    }

    /// Evaluates an expression now and remembers what it stands for.
    pub(super) fn emit(&mut self, handle: Handle<Expression>) -> Outcome<()> {
        let evaluated = self.evaluate(handle)?;
        let frame = self.frames.len() - 1;
        self.frames[frame].values.insert(handle, evaluated);
        Ok(())
    }

    /// What an expression stands for: as it was when it was emitted, or now if it never is.
    fn look(&mut self, handle: Handle<Expression>) -> Outcome<Evaluated> {
        let known = self.frames[self.frames.len() - 1].values.get(&handle).cloned();
        match known {
            Some(known) => Ok(known),
            None => self.evaluate(handle),
        }
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, handle: Handle<Expression>) -> Outcome<Tree> {
        match self.look(handle)? {
            Evaluated::Value(tree) => Ok(tree),
            other => self.load(&other),
        }
    }

    /// The value of an expression of a scalar type.
    pub(super) fn scalar(&mut self, handle: Handle<Expression>) -> Outcome<Scalar> {
        match self.value(handle)? {
            Tree::Scalar(scalar) => Ok(scalar),
            Tree::Composite(_) => Err(self.refuse("K0303", "a scalar is needed here", SUBSET)),
        }
    }

    /// The part of a variable that an expression points to.
    pub(super) fn place(&mut self, handle: Handle<Expression>) -> Outcome<(Key, Vec<u32>)> {
        match self.look(handle)? {
            Evaluated::Place(key, path) => Ok((key, path)),
            _ => {
                Err(self.refuse("K0307", "only variables of functions are written", "declare a `var` in the function"))
            }
        }
    }

    fn load(&mut self, place: &Evaluated) -> Outcome<Tree> {
        match place {
            Evaluated::Value(tree) => Ok(tree.clone()),
            Evaluated::Place(key, path) => {
                let found = self.state.as_ref().and_then(|state| state.variables.get(key)?.part(path)).cloned();
                found.ok_or_else(|| self.refuse("K0307", "nothing is known of this variable", "declare it before"))
            }
            Evaluated::Element(table, index) => {
                let table = self.table_list[*table];
                let (low, high) = table.dtype.range();
                let node = self.nodes.gather(table.operand, *index, Interval::new(low, high));
                Ok(Tree::scalar(table.kind, node))
            }
            Evaluated::Table(_) => Err(self.refuse("K0307", "a whole tensor is no value", "read one element of it")),
        }
    }

    fn evaluate(&mut self, handle: Handle<Expression>) -> Outcome<Evaluated> {
        let around = self.nodes.span;
        self.at(self.function().expressions.get_span(handle));
        if self.nodes.len() > MAX_NODES {
            return Err(self.too_long());
        }
        let evaluated = self.evaluate_here(handle)?;
        self.nodes.span = around;
        Ok(evaluated)
    }

    fn evaluate_here(&mut self, handle: Handle<Expression>) -> Outcome<Evaluated> {
        let function = self.function();
        let tree = match &function.expressions[handle] {
            Expression::FunctionArgument(index) => {
                let frame = &self.frames[self.frames.len() - 1];
                frame.arguments.get(*index as usize).cloned().ok_or_else(|| self.unsupported("this parameter"))?
            }
            Expression::LocalVariable(local) => {
                let key = Key { frame: self.frame_id(), local: local.index() as u32 };
                return Ok(Evaluated::Place(key, Vec::new()));
            }
            Expression::GlobalVariable(global) => match self.tables.get(global) {
                Some(table) => return Ok(Evaluated::Table(*table)),
                None => return Err(self.unsupported("this global variable")),
            },
            Expression::Load { pointer } => {
                let place = self.look(*pointer)?;
                self.load(&place)?
            }
            Expression::AccessIndex { base, index } => return self.access(*base, Index::Known(*index)),
            Expression::Access { base, index } => {
                let index = self.scalar(*index)?;
                return self.access(*base, Index::Computed(index));
            }
            Expression::CallResult(_) => return Err(self.unsupported("a call without a result")),
            other => self.pure(other, &mut |this, handle| this.value(handle))?,
        };
        Ok(Evaluated::Value(tree))
    }

    /// An element of a composite, a place or a table.
    fn access(&mut self, base: Handle<Expression>, index: Index) -> Outcome<Evaluated> {
        let base = self.look(base)?;
        if let Evaluated::Table(table) = base {
            let index = match index {
                Index::Known(index) => self.nodes.constant(index.into()),
                Index::Computed(index) => arithmetic::canonical(&mut self.nodes, index),
            };
            return Ok(Evaluated::Element(table, index));
        }
        let known = match index {
            Index::Known(index) => Some(index),
            Index::Computed(index) => {
                let exact = arithmetic::canonical(&mut self.nodes, index);
                self.nodes.constant_of(exact).and_then(|index| u32::try_from(index).ok())
            }
        };
        let Some(known) = known else {
            let help = "only the tensors of the header take computed indices; a small table can be a param, or a chain of \
                        select()";
            return Err(self.refuse("K0308", "the index of a vector or local array is not constant", help));
        };
        match base {
            Evaluated::Place(key, mut path) => {
                path.push(known);
                let is_there = self.state.as_ref().and_then(|state| state.variables.get(&key)?.part(&path)).is_some();
                if !is_there {
                    return Err(self.refuse(
                        "K0308",
                        format!("there is no element {known}"),
                        "use an index below the length",
                    ));
                }
                Ok(Evaluated::Place(key, path))
            }
            Evaluated::Value(tree) => match tree.part(&[known]) {
                Some(part) => Ok(Evaluated::Value(part.clone())),
                None => {
                    Err(self.refuse("K0308", format!("there is no element {known}"), "use an index below the length"))
                }
            },
            Evaluated::Table(_) | Evaluated::Element(..) => Err(self.unsupported("this access")),
        }
    }

    /// The value of a constant expression of the module.
    fn global(&mut self, handle: Handle<Expression>) -> Outcome<Tree> {
        let module = self.module;
        self.pure(&module.global_expressions[handle], &mut |this, handle| this.global(handle))
    }

    /// An expression that reads nothing but other expressions.
    fn pure(
        &mut self,
        expression: &Expression,
        get: &mut impl FnMut(&mut Self, Handle<Expression>) -> Outcome<Tree>,
    ) -> Outcome<Tree> {
        let module = self.module;
        Ok(match expression {
            Expression::Literal(literal) => self.literal(*literal)?,
            Expression::Constant(constant) => self.global(module.constants[*constant].init)?,
            Expression::ZeroValue(ty) => self.zero(*ty)?,
            Expression::Compose { ty, components } => {
                let parts = components.iter().map(|part| get(self, *part)).collect::<Outcome<Vec<_>>>()?;
                // A vector may be composed of shorter ones.
                let is_vector = matches!(module.types[*ty].inner, naga::TypeInner::Vector { .. });
                let flat = |part: Tree| match part {
                    Tree::Composite(inner) if is_vector => inner,
                    part => vec![part],
                };
                self.zero(*ty)?;
                Tree::Composite(parts.into_iter().flat_map(flat).collect())
            }
            Expression::Splat { size, value } => Tree::Composite(vec![get(self, *value)?; *size as usize]),
            Expression::Swizzle { size, vector, pattern } => {
                let vector = get(self, *vector)?;
                let parts = pattern.iter().take(*size as usize).map(|at| vector.part(&[*at as u32]).cloned());
                Tree::Composite(parts.collect::<Option<Vec<_>>>().ok_or_else(|| self.unsupported("this swizzle"))?)
            }
            Expression::AccessIndex { base, index } => {
                let part = get(self, *base)?.part(&[*index]).cloned();
                part.ok_or_else(|| self.unsupported("this access"))?
            }
            Expression::Unary { op, expr } => {
                let value = get(self, *expr)?;
                value.map(&mut |scalar| match op {
                    UnaryOperator::Negate => arithmetic::negate(&mut self.nodes, scalar),
                    UnaryOperator::BitwiseNot => arithmetic::complement(&mut self.nodes, scalar),
                    UnaryOperator::LogicalNot => Scalar { node: self.nodes.not(scalar.node), ..scalar },
                })
            }
            Expression::Binary { op, left, right } => {
                let (a, b) = (get(self, *left)?, get(self, *right)?);
                self.binary(*op, &a, &b)?
            }
            Expression::Select { condition, accept, reject } => {
                let (condition, accept, reject) = (get(self, *condition)?, get(self, *accept)?, get(self, *reject)?);
                self.choose(&condition, &accept, &reject)
            }
            Expression::Relational { fun, argument } => {
                let mut leaves = Vec::new();
                get(self, *argument)?.leaves(&mut leaves);
                let op = match fun {
                    RelationalFunction::All => crate::nodes::Binary::And,
                    RelationalFunction::Any => crate::nodes::Binary::Or,
                    _ => return Err(self.unsupported("this function")),
                };
                let joined = leaves.iter().map(|leaf| leaf.node).reduce(|a, b| self.nodes.binary(op, a, b));
                Tree::scalar(Kind::Bool, joined.ok_or_else(|| self.unsupported("this function"))?)
            }
            Expression::Math { fun, arg, arg1, arg2, arg3 } => {
                let handles = [Some(*arg), *arg1, *arg2, *arg3];
                let arguments =
                    handles.into_iter().flatten().map(|handle| get(self, handle)).collect::<Outcome<Vec<_>>>()?;
                self.math(*fun, &arguments)?
            }
            Expression::As { expr, kind, convert } => {
                let value = get(self, *expr)?;
                let mut known = true;
                let converted = value.map(&mut |scalar| {
                    // Without a width the bits are taken as they are.
                    let width = convert.unwrap_or((scalar.kind.bits() / 8) as u8);
                    match kind_of_scalar(naga::Scalar { kind: *kind, width }) {
                        Some(kind) => arithmetic::convert(&mut self.nodes, scalar, kind),
                        None => {
                            known = false;
                            scalar
                        }
                    }
                });
                if !known {
                    return Err(self.unsupported("a conversion to a type that kernels do not have"));
                }
                converted
            }
            Expression::Derivative { .. } => return Err(self.unsupported("a derivative")),
            Expression::ImageSample { .. } | Expression::ImageLoad { .. } | Expression::ImageQuery { .. } => {
                return Err(self.unsupported("a texture"));
            }
            Expression::ArrayLength(_) => {
                let what = "arrayLength(): the header has the length, write it as a `const`";
                return Err(self.unsupported(what));
            }
            _ => return Err(self.unsupported("this expression")),
        })
    }

    fn literal(&mut self, literal: Literal) -> Outcome<Tree> {
        let (kind, value) = match literal {
            Literal::I32(value) => (Kind::I32, value.into()),
            Literal::U32(value) => (Kind::U32, value.into()),
            Literal::I64(value) => (Kind::I64, value),
            Literal::U64(value) => (Kind::U64, value as i64),
            Literal::Bool(value) => (Kind::Bool, value.into()),
            Literal::AbstractInt(value) => (Kind::I64, value),
            Literal::F16(_) | Literal::F32(_) | Literal::F64(_) | Literal::AbstractFloat(_) => {
                let help = "no result may depend on floats: scale by a power of two and use integers, say 1.5 as 3 << 15 \
                            over 1 << 16";
                return Err(self.refuse("K0303", "a floating point number", help));
            }
            Literal::I16(_) | Literal::U16(_) => return Err(self.unsupported("a 16-bit literal")),
        };
        Ok(Tree::scalar(kind, self.nodes.constant(value)))
    }

    fn binary(&mut self, op: BinaryOperator, a: &Tree, b: &Tree) -> Outcome<Tree> {
        let joined = a.zip(b, &mut |a, b| arithmetic::binary(&mut self.nodes, op, a, b).ok_or(()));
        joined.map_err(|()| self.unsupported("this operator"))
    }

    fn choose(&mut self, condition: &Tree, accept: &Tree, reject: &Tree) -> Tree {
        match (condition, accept, reject) {
            (Tree::Scalar(condition), _, _) => select(&mut self.nodes, condition.node, accept, reject),
            (Tree::Composite(conditions), Tree::Composite(a), Tree::Composite(b)) => {
                let each = conditions.iter().zip(a.iter().zip(b));
                Tree::Composite(each.map(|(condition, (a, b))| self.choose(condition, a, b)).collect())
            }
            _ => accept.clone(),
        }
    }

    fn math(&mut self, function: MathFunction, arguments: &[Tree]) -> Outcome<Tree> {
        let unknown = |this: &Self| {
            let name = format!("{function:?}");
            this.unsupported(&format!("the function {}{}", name[..1].to_lowercase(), &name[1..]))
        };
        if let (MathFunction::Dot, [a, b]) = (function, arguments) {
            let products = self.binary(BinaryOperator::Multiply, a, b)?;
            let mut leaves = Vec::new();
            products.leaves(&mut leaves);
            let sum = leaves
                .into_iter()
                .reduce(|a, b| Scalar { node: self.nodes.binary(crate::nodes::Binary::Add, a.node, b.node), ..a });
            return sum.map(Tree::Scalar).ok_or_else(|| unknown(self));
        }
        let longest =
            arguments.iter().map(|tree| if let Tree::Composite(parts) = tree { parts.len() } else { 0 }).max();
        let component = |tree: &Tree, at: u32| match tree {
            Tree::Composite(_) => tree.part(&[at]).cloned(),
            Tree::Scalar(_) => Some(tree.clone()),
        };
        match longest {
            Some(0) => {
                let mut scalars = Vec::new();
                arguments.iter().for_each(|tree| tree.leaves(&mut scalars));
                let value = arithmetic::math(&mut self.nodes, function, &scalars);
                value.map(Tree::Scalar).ok_or_else(|| unknown(self))
            }
            Some(length) => {
                let mut parts = Vec::with_capacity(length);
                for at in 0..length as u32 {
                    let row: Option<Vec<Tree>> = arguments.iter().map(|tree| component(tree, at)).collect();
                    parts.push(self.math(function, &row.ok_or_else(|| unknown(self))?)?);
                }
                Ok(Tree::Composite(parts))
            }
            None => Err(unknown(self)),
        }
    }

    pub(super) fn unsupported(&self, what: &str) -> crate::error::CompileError {
        self.refuse("K0309", format!("{what} is not one of kernels"), SUBSET)
    }

    /// What is written out does not end; in a loop that is written out, the loop is to blame.
    pub(super) fn too_long(&mut self) -> crate::error::CompileError {
        if let Some(span) = self.unrolling.first() {
            self.nodes.span = *span;
            let help = "begin with a condition on one variable that starts at a constant, is compared with a constant and \
                        stepped by a constant at the end of the turn, as in `for (var i = 0; i < 64; i++)`; leave it \
                        earlier with `if .. { break; }`";
            let message = "it is not known how often this loop turns, or it is too long to be written out";
            return self.refuse("K0401", message, help);
        }
        let help = "shorten it, keep state in a loop's variables, or split the kernel over several";
        self.refuse("K0402", "the kernel is far longer than 128 instructions when it is written out here", help)
    }

    /// Moves errors to a place of the source, if it is known.
    pub(super) fn at(&mut self, span: Span) {
        if span.is_defined() {
            self.nodes.span = span;
        }
    }

    /// The node of a condition.
    pub(super) fn condition(&mut self, handle: Handle<Expression>) -> Outcome<NodeId> {
        Ok(self.scalar(handle)?.node)
    }
}

enum Index {
    Known(u32),
    Computed(Scalar),
}
