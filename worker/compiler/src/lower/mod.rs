//! From naga's tree of statements to regions of nodes.
//!
//! Statements are executed symbolically: a local variable is the node that it holds. Both arms of an `if` are computed and
//! their variables selected, which the machine's total operations allow. What leaves a block early (`return`, `break`,
//! `continue`) is kept with the condition under which it is reached, and met again where its construct ends.

mod arithmetic;
mod expression;
mod loops;
mod statement;
mod value;

use crate::error::CompileError;
use crate::interface::Interface;
use crate::nodes::{Interval, Item, Node, NodeId, Nodes};
use naga::{Expression, Function, Handle, Module, Span, TypeInner};
use referee::graph::Dtype;
use std::collections::{BTreeMap, HashMap};
use value::{Kind, Scalar, Tree};

/// Nodes after which a program is given up: no 128 instructions come of so many.
const MAX_NODES: usize = 8_000;

/// A local variable of a call; the last number of all is what the call returned out of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    frame: u32,
    local: u32,
}

/// Number of the variable that holds whether a call returned out of a loop, and what.
const RETURNED: u32 = u32::MAX;

type Variables = BTreeMap<Key, Tree>;

/// Where execution stands: what variables hold, and the condition, within the innermost loop, under which it gets here.
#[derive(Clone, Debug)]
struct State {
    variables: Variables,
    path: NodeId,
}

/// What a jump leads behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// The end of a loop or switch.
    Break(u32),
    /// The end of a turn of a loop.
    Continue(u32),
    /// The end of a call.
    Return(u32),
}

#[derive(Debug)]
struct Exit {
    target: Target,
    state: State,
    value: Option<Tree>,
}

/// A construct that `break` leaves.
#[derive(Clone, Copy, Debug)]
struct Construct {
    id: u32,
    is_loop: bool,
}

/// What an expression stands for.
#[derive(Clone, Debug)]
enum Evaluated {
    Value(Tree),
    /// A part of a local variable.
    Place(Key, Vec<u32>),
    /// An indexed operand.
    Table(usize),
    /// An element of one.
    Element(usize, NodeId),
}

/// A function that is being executed.
#[derive(Debug)]
struct Frame<'m> {
    function: &'m Function,
    id: u32,
    arguments: Vec<Tree>,
    values: HashMap<Handle<Expression>, Evaluated>,
}

/// A global array of the source that stands for an operand.
#[derive(Clone, Copy, Debug)]
struct Table {
    operand: u8,
    dtype: Dtype,
    kind: Kind,
}

/// One attempt at a source.
#[derive(Debug)]
pub(crate) struct Lowering<'m> {
    module: &'m Module,
    source: &'m str,
    interface: &'m Interface,
    nodes: Nodes,
    state: Option<State>,
    exits: Vec<Exit>,
    frames: Vec<Frame<'m>>,
    constructs: Vec<Construct>,
    next_frame: u32,
    next_construct: u32,
    tables: HashMap<Handle<naga::GlobalVariable>, usize>,
    table_list: Vec<Table>,
    /// Loops of at most so many turns are written out.
    unroll_turns: u32,
    /// Loops that are being written out.
    unrolling: Vec<Span>,
}

/// A lowered kernel.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) nodes: Nodes,
    pub(crate) items: Vec<Item>,
    /// The function `element`.
    pub(crate) span: Span,
}

type Outcome<T> = Result<T, CompileError>;

/// Lowers the function `element`; loops of at most `unroll_turns` turns are written out.
pub(crate) fn lower(module: &Module, source: &str, interface: &Interface, unroll_turns: u32) -> Outcome<Lowered> {
    let mut lowering = Lowering {
        module,
        source,
        interface,
        nodes: Nodes::new(),
        state: None,
        exits: Vec::new(),
        frames: Vec::new(),
        constructs: Vec::new(),
        next_frame: 0,
        next_construct: 0,
        tables: HashMap::new(),
        table_list: Vec::new(),
        unroll_turns,
        unrolling: Vec::new(),
    };
    let span = lowering.element()?;
    let items = lowering.nodes.end_region();
    Ok(Lowered { nodes: lowering.nodes, items, span })
}

impl<'m> Lowering<'m> {
    /// An error where the source is being executed.
    fn refuse(&self, code: &'static str, message: impl Into<String>, help: impl Into<String>) -> CompileError {
        CompileError::new(code, message, help).at(self.source, self.nodes.span)
    }

    fn element(&mut self) -> Outcome<Span> {
        self.globals()?;
        let found = self.module.functions.iter().find(|(_, function)| function.name.as_deref() == Some("element"));
        let Some((handle, function)) = found else {
            let help = "write `fn element(x: u32, ..) -> i32 { .. }` with an axis, input or param for each parameter";
            return Err(CompileError::new("K0301", "the source has no function `element`", help));
        };
        let span = self.module.functions.get_span(handle);
        self.nodes.span = span;
        let arguments =
            function.arguments.iter().map(|argument| self.argument(argument)).collect::<Outcome<Vec<_>>>()?;
        let always = self.nodes.constant(1);
        self.state = Some(State { variables: Variables::new(), path: always });
        let result = self.call(handle, arguments)?;
        self.nodes.span = span;
        self.store_outputs(function, result)?;
        Ok(span)
    }

    /// Global arrays are indexed operands; nothing else is global.
    fn globals(&mut self) -> Outcome<()> {
        if let Some((handle, _)) = self.module.overrides.iter().next() {
            self.nodes.span = self.module.overrides.get_span(handle);
            return Err(self.refuse("K0302", "an `override`", "make it a `const`, or an input of the header"));
        }
        for (handle, variable) in self.module.global_variables.iter() {
            self.nodes.span = self.module.global_variables.get_span(handle);
            let name = variable.name.as_deref().unwrap_or_default();
            let source = self.interface.sources.iter().position(|source| source.name == name && source.is_indexed());
            let is_storage = matches!(variable.space, naga::AddressSpace::Storage { .. });
            let (Some(operand), true) = (source, is_storage) else {
                let message = format!("the global variable `{name}` is no indexed tensor of the header");
                let help = "declare it there with a `?` among its places and here as `var<storage, read> NAME: array<i32>`; \
                            other variables stand within functions";
                return Err(self.refuse("K0302", message, help));
            };
            let element = match self.module.types[variable.ty].inner {
                TypeInner::Array { base, .. } => self.kind_of(base),
                _ => None,
            };
            let Some(kind @ (Kind::I32 | Kind::U32)) = element else {
                let message = format!("`{name}` is no array of i32 or u32");
                return Err(self.refuse("K0302", message, "declare it as `var<storage, read> NAME: array<i32>`"));
            };
            self.tables.insert(handle, self.table_list.len());
            self.table_list.push(Table { operand: operand as u8, dtype: self.interface.sources[operand].dtype, kind });
        }
        Ok(())
    }

    /// A parameter of `element`: a coordinate, a length or the value of a tensor, by its name.
    fn argument(&mut self, argument: &naga::FunctionArgument) -> Outcome<Tree> {
        let interface = self.interface;
        let name = argument.name.as_deref().unwrap_or_default();
        let Some(kind) = self.kind_of(argument.ty).filter(|kind| *kind != Kind::Bool) else {
            let help = "parameters of `element` are i32, u32, i64 or u64; a vector is made of several";
            return Err(self.refuse("K0304", format!("parameter `{name}` is no integer"), help));
        };
        let indexed = |axis: usize| Interval::new(0, i64::from(interface.axes[axis].high) - 1);
        if let Some(axis) = interface.axes.iter().position(|axis| axis.name == name) {
            return Ok(Tree::scalar(kind, self.nodes.leaf(Node::Index(axis as u8), indexed(axis))));
        }
        let length = |axis: &crate::interface::Axis| name.strip_suffix("_length") == Some(axis.name.as_str());
        if let Some(at) = interface.axes.iter().position(length) {
            let axis = &interface.axes[at];
            let range = Interval::new(axis.low.into(), axis.high.into());
            return Ok(Tree::scalar(kind, self.nodes.leaf(Node::Length(at as u8), range)));
        }
        let source = interface.sources.iter().position(|source| source.name == name);
        match source {
            Some(operand) if !interface.sources[operand].is_indexed() => {
                let (low, high) = interface.sources[operand].dtype.range();
                Ok(Tree::scalar(kind, self.nodes.leaf(Node::Load(operand as u8), Interval::new(low, high))))
            }
            Some(_) => {
                let help = format!(
                    "write `@group(0) @binding(0) var<storage, read> {name}: array<i32>;` and read `{name}[..]`"
                );
                Err(self.refuse("K0305", format!("`{name}` is indexed by the kernel, so it is no parameter"), help))
            }
            None => {
                let help = "parameters have the names of axes, of axes with `_length` behind, or of inputs and params";
                Err(self.refuse("K0305", format!("the header declares nothing called `{name}`"), help))
            }
        }
    }

    /// Stores what `element` gave: a scalar, or one field of a struct for each output.
    fn store_outputs(&mut self, function: &Function, result: Option<Tree>) -> Outcome<()> {
        let outputs = &self.interface.outputs;
        let help = "return a scalar for one output, or a struct with a field of the name of each, in their order";
        let wrong = |this: &Self, message: String| Err(this.refuse("K0306", message, help));
        let (Some(result), Some(declared)) = (result, &function.result) else {
            return wrong(self, "`element` returns nothing".to_owned());
        };
        let values = match (&self.module.types[declared.ty].inner, result) {
            (TypeInner::Struct { members, .. }, Tree::Composite(values)) => {
                let names: Vec<&str> =
                    members.iter().map(|member| member.name.as_deref().unwrap_or_default()).collect();
                let expected: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
                if names != expected {
                    return wrong(self, format!("the fields are {names:?}, the outputs of the header {expected:?}"));
                }
                values
            }
            (_, scalar @ Tree::Scalar(_)) if outputs.len() == 1 => vec![scalar],
            _ => return wrong(self, format!("what `element` returns does not fit {} outputs", outputs.len())),
        };
        for (index, (tree, (name, dtype))) in values.into_iter().zip(outputs).enumerate() {
            let Tree::Scalar(value) = tree else {
                return wrong(self, format!("output `{name}` is no scalar"));
            };
            if value.kind == Kind::U64 {
                let help = "convert it with i64() or u32(), whichever is meant";
                return Err(self.refuse("K0306", format!("output `{name}` is a u64"), help));
            }
            // 32 bits are stored as they are; in narrower types the value is saturated.
            let kept = match (value.kind, dtype) {
                (Kind::U32, Dtype::I32) => Scalar { kind: Kind::I32, ..value },
                _ => value,
            };
            let exact = arithmetic::canonical(&mut self.nodes, kept);
            self.nodes.store(index as u8, exact);
        }
        Ok(())
    }

    /// The kind of a scalar type that kernels have.
    fn kind_of(&self, ty: Handle<naga::Type>) -> Option<Kind> {
        match self.module.types[ty].inner {
            TypeInner::Scalar(scalar) => kind_of_scalar(scalar),
            _ => None,
        }
    }

    /// The zero value of a type.
    fn zero(&mut self, ty: Handle<naga::Type>) -> Outcome<Tree> {
        let module = self.module;
        let unknown = |this: &Self| {
            let name = module.types[ty].name.clone().unwrap_or_else(|| short(&module.types[ty].inner));
            let help =
                "kernels have i32, u32, i64, u64 and bool, and vectors, structs and arrays of constant length of them";
            Err(this.refuse("K0303", format!("the type {name} is not one of kernels"), help))
        };
        let scalar = |this: &mut Self, scalar: naga::Scalar| match kind_of_scalar(scalar) {
            Some(kind) => Ok(Tree::scalar(kind, this.nodes.constant(0))),
            None => unknown(this),
        };
        match &module.types[ty].inner {
            TypeInner::Scalar(kind) => scalar(self, *kind),
            TypeInner::Vector { size, scalar: kind } => {
                let component = scalar(self, *kind)?;
                Ok(Tree::Composite(vec![component; *size as usize]))
            }
            TypeInner::Array { base, size: naga::ArraySize::Constant(length), .. } if length.get() <= 256 => {
                let element = self.zero(*base)?;
                Ok(Tree::Composite(vec![element; length.get() as usize]))
            }
            TypeInner::Struct { members, .. } => {
                Ok(Tree::Composite(members.iter().map(|member| self.zero(member.ty)).collect::<Outcome<_>>()?))
            }
            _ => unknown(self),
        }
    }
}

fn kind_of_scalar(scalar: naga::Scalar) -> Option<Kind> {
    use naga::ScalarKind as K;
    Some(match (scalar.kind, scalar.width) {
        (K::Bool, _) => Kind::Bool,
        (K::Sint, 4) => Kind::I32,
        (K::Uint, 4) => Kind::U32,
        (K::Sint, 8) => Kind::I64,
        (K::Uint, 8) => Kind::U64,
        _ => return None,
    })
}

/// A type without a name, for people.
fn short(inner: &TypeInner) -> String {
    let scalar = |scalar: &naga::Scalar| {
        let letter = match scalar.kind {
            naga::ScalarKind::Float | naga::ScalarKind::AbstractFloat => "f",
            naga::ScalarKind::Uint => "u",
            naga::ScalarKind::Bool => return "bool".to_owned(),
            _ => "i",
        };
        format!("`{letter}{}`", u32::from(scalar.width) * 8)
    };
    match inner {
        TypeInner::Scalar(kind) => scalar(kind),
        TypeInner::Vector { scalar: kind, .. } => format!("of vectors of {}", scalar(kind)),
        TypeInner::Matrix { .. } => "of matrices".to_owned(),
        TypeInner::Atomic(_) => "of atomics".to_owned(),
        TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. } => "of pointers".to_owned(),
        TypeInner::Array { .. } => "of arrays of so many elements, or without a length,".to_owned(),
        TypeInner::Image { .. } | TypeInner::Sampler { .. } => "of textures".to_owned(),
        _ => "here".to_owned(),
    }
}
