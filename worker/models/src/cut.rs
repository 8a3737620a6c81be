//! Cutting: which graphs can be cut along a symbol, and what each part gets.

use crate::TensorSet;
use referee::graph::{Dim, Dtype, Graph, Instruction, Op, Program, Slot, Tensor, TensorKind, View};
use std::sync::Arc;

/// Most parts of one piece of work.
pub const MAX_PARTS: u32 = 4_096;

/// How work is cut: along the outermost axis of its output, whose length is a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The symbol.
    pub symbol: u8,
    /// Length of the whole along it. More than the symbol's greatest value is possible where no input is cut.
    pub total: u32,
    /// Jobs, of lengths that differ by one at most.
    pub parts: u32,
    /// An `i32` input of one element that is given the part's first coordinate, for graphs that compute with coordinates.
    pub first: Option<Slot>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its first coordinate in the whole.
    pub first: u32,
    /// Its length.
    pub length: u32,
    /// Values of all symbols.
    pub symbols: Vec<u32>,
    /// Its share of the inputs.
    pub inputs: TensorSet,
}

/// Why work cannot be cut so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// No such symbol, or values of another number of symbols.
    #[error(
        "M0501 the graph has {symbols} symbols, {given} values were given to cut along symbol {symbol}; give a value for each, and one of them to cut"
    )]
    Symbols {
        /// Symbols of the graph.
        symbols: usize,
        /// Values given.
        given: usize,
        /// The symbol to cut along.
        symbol: u8,
    },
    /// A number of parts that makes no sense, or parts outside the symbol's bounds.
    #[error(
        "M0502 {total} rows in {parts} parts make parts of up to {length}, the symbol goes from {least} to {most}; choose {advice} parts"
    )]
    Parts {
        /// Length of the whole.
        total: u32,
        /// Parts asked for.
        parts: u32,
        /// Length of the longest part.
        length: u32,
        /// The symbol's least value.
        least: u32,
        /// Its greatest.
        most: u32,
        /// Numbers that fit.
        advice: String,
    },
    /// Elements of one part depend on other parts, or on where the part begins.
    #[error("M0503 the graph cannot be cut along symbol {symbol}: {reason}")]
    Dependent {
        /// The symbol.
        symbol: u8,
        /// Which op or tensor, why, and what would help.
        reason: String,
    },
    /// An input is missing or of the wrong size.
    #[error(
        "M0504 input {slot} has {given} bytes, the whole of it has {expected}; give all inputs of the whole, row-major"
    )]
    Input {
        /// Its slot.
        slot: Slot,
        /// Bytes of the whole.
        expected: u64,
        /// Bytes given.
        given: u64,
    },
}

/// Cuts work.
///
/// Inputs whose outermost axis is the symbol are cut with it, others go to every part; `inputs` holds each of them whole, but
/// perhaps the one of [`Cut::first`], which is written here. Every element of a part is what it would be in the whole:
/// graphs of which that cannot be seen are refused.
///
/// # Errors
/// `M0501` to `M0504`.
pub fn cut(graph: &Graph, symbols: &[u32], inputs: &TensorSet, cut: &Cut) -> Result<Vec<Part>, CutError> {
    let at = usize::from(cut.symbol);
    let Some(bounds) = graph.symbols.get(at).filter(|_| symbols.len() == graph.symbols.len()) else {
        let (symbols, given) = (graph.symbols.len(), symbols.len());
        return Err(CutError::Symbols { symbols, given, symbol: cut.symbol });
    };
    let longest = cut.total.div_ceil(cut.parts.max(1));
    let shortest = cut.total / cut.parts.max(1);
    if cut.parts == 0 || cut.parts > MAX_PARTS || shortest < bounds.min.max(1) || longest > bounds.max {
        let (fewest, most) = (cut.total.div_ceil(bounds.max.max(1)), (cut.total / bounds.min.max(1)).min(MAX_PARTS));
        let advice = if fewest <= most { format!("{fewest} to {most}") } else { "no number of".to_owned() };
        let (total, parts) = (cut.total, cut.parts);
        return Err(CutError::Parts { total, parts, length: longest, least: bounds.min, most: bounds.max, advice });
    }
    expect_independent(graph, cut)?;
    let mut parts = Vec::with_capacity(cut.parts as usize);
    let longer = cut.total % cut.parts;
    let mut first = 0;
    for index in 0..cut.parts {
        let length = shortest + u32::from(index < longer);
        let mut values = symbols.to_vec();
        values[at] = length;
        let inputs = share(graph, &values, inputs, cut, first, length)?;
        parts.push(Part { first, length, symbols: values, inputs });
        first += length;
    }
    Ok(parts)
}

/// The inputs of one part.
fn share(
    graph: &Graph,
    symbols: &[u32],
    inputs: &TensorSet,
    cut: &Cut,
    first: u32,
    length: u32,
) -> Result<TensorSet, CutError> {
    let mut shared = TensorSet::new();
    for (slot, tensor) in (0..).zip(&graph.tensors).filter(|(_, tensor)| tensor.kind == TensorKind::Input) {
        if cut.first == Some(slot) {
            shared.insert(slot, Arc::from(first.to_le_bytes()));
            continue;
        }
        let is_cut = tensor.shape.first() == Some(&Dim::Symbol(cut.symbol));
        let outer = usize::from(is_cut);
        let row = tensor.shape.iter().skip(outer).fold(u64::from(tensor.dtype.bytes()), |product, dim| {
            product.saturating_mul(u64::from(match dim {
                Dim::Const(length) => *length,
                Dim::Symbol(symbol) => symbols.get(usize::from(*symbol)).copied().unwrap_or(0),
            }))
        });
        let expected = if is_cut { row.saturating_mul(u64::from(cut.total)) } else { row };
        let whole = inputs.get(&slot);
        let given = whole.map_or(0, |bytes| bytes.len() as u64);
        let Some(whole) = whole.filter(|_| given == expected) else {
            return Err(CutError::Input { slot, expected, given });
        };
        let bytes = if is_cut {
            let row = row as usize;
            Arc::from(&whole[row * first as usize..row * (first + length) as usize])
        } else {
            Arc::clone(whole)
        };
        shared.insert(slot, bytes);
    }
    Ok(shared)
}

/// Whether row i of everything depends on row i of everything else alone, and on i by the given input at most.
fn expect_independent(graph: &Graph, cut: &Cut) -> Result<(), CutError> {
    let symbol = Dim::Symbol(cut.symbol);
    let refuse = |reason: String| Err(CutError::Dependent { symbol: cut.symbol, reason });
    for (slot, tensor) in graph.tensors.iter().enumerate() {
        if tensor.shape.iter().skip(1).any(|dim| *dim == symbol) {
            return refuse(format!("tensor {slot} has it on an axis that is not its outermost"));
        }
    }
    for slot in &graph.outputs {
        if graph.tensors.get(usize::from(*slot)).is_none_or(|tensor| tensor.shape.first() != Some(&symbol)) {
            return refuse(format!("the outermost axis of the output, tensor {slot}, is another one"));
        }
    }
    if let Some(slot) = cut.first {
        let expected = Tensor { dtype: Dtype::I32, kind: TensorKind::Input, shape: vec![Dim::Const(1)] };
        if graph.tensors.get(usize::from(slot)) != Some(&expected) {
            return refuse(format!("tensor {slot} is no input of one i32, which the first coordinate needs"));
        }
    }
    for (index, op) in graph.ops.iter().enumerate() {
        if let Err(reason) = rows_only(graph, op, symbol, cut.first.is_some()) {
            return refuse(format!("op {index} {reason}"));
        }
    }
    Ok(())
}

/// Why an op does not work row by row.
fn rows_only(graph: &Graph, op: &Op, symbol: Dim, knows_first: bool) -> Result<(), &'static str> {
    if op.reduction_axes.contains(&symbol) {
        return Err("reduces over it: reduce over the parts afterwards");
    }
    let has_rows = op.output_axes.first() == Some(&symbol);
    for view in &op.operands {
        reads_own_row(view, symbol, has_rows)?;
    }
    let programs = op.prologue.into_iter().chain([op.program]);
    let code = programs.filter_map(|program| graph.programs.get(usize::from(program))).flat_map(|p: &Program| &p.code);
    for instruction in code.filter(|_| has_rows) {
        match instruction {
            Instruction::Length { axis: 0, .. } => {
                return Err("reads its length: give the length of the whole as an input");
            }
            Instruction::Index { axis: 0, .. } if !knows_first => {
                return Err("computes with the coordinate: name the input that gets the part's first one");
            }
            _ => {}
        }
    }
    Ok(())
}

fn reads_own_row(view: &View, symbol: Dim, has_rows: bool) -> Result<(), &'static str> {
    let is_cut = view.as_shape.contains(&symbol);
    let mut along_rows = view.terms.iter().filter(|term| has_rows && term.iteration_axis == 0);
    if !is_cut {
        return match along_rows.next() {
            None => Ok(()),
            Some(_) => Err("reads along it a tensor that is not cut with it"),
        };
    }
    let of_rows: Vec<_> = view.terms.iter().filter(|term| term.source_axis == 0).collect();
    let own = |term: &&referee::graph::Term| term.iteration_axis == 0 && term.coefficient == 1;
    let is_own = has_rows
        && view.as_shape.first() == Some(&symbol)
        && view.offsets.first() == Some(&0)
        && view.indirect != Some(0)
        && matches!(&of_rows[..], [term] if own(term))
        && along_rows.all(|term| term.source_axis == 0);
    if is_own { Ok(()) } else { Err("reads other rows than its own") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{GraphBuilder, Model, Operand, ProgramBuilder, Value, axis, fixed};
    use referee::semantics::run;

    /// `row * 10 + value`, with rows that begin at an input.
    fn model(
        operand: impl Fn(&crate::builder::TensorHandle) -> Operand,
        row: fn(&mut ProgramBuilder, Value) -> Value,
    ) -> Model {
        let mut graph = GraphBuilder::new();
        let rows = graph.symbol("rows", 2, 16).unwrap();
        let first = graph.input("first", Dtype::I32, &[Dim::Const(1)]).unwrap();
        let values = graph.input("values", Dtype::I16, &[rows, Dim::Const(3)]).unwrap();
        let operands = [Operand::new(&first, [fixed(0)]), operand(&values)];
        let output = graph.map("output", Dtype::I32, &[rows, Dim::Const(3)], &operands, |program| {
            let (index, first, value) = (program.index(0), program.load(0), program.load(1));
            let at = program.add(index, first);
            let (at, ten) = (row(program, at), program.constant(10));
            let tens = program.multiply(at, ten);
            program.add(tens, value)
        });
        graph.output(&output.unwrap());
        graph.build().unwrap()
    }

    fn sound() -> Model {
        model(Operand::elementwise, |_, row| row)
    }

    fn inputs(rows: u32) -> TensorSet {
        let values: Vec<u8> = (0..rows as i16 * 3).flat_map(|value| (value * 7).to_le_bytes()).collect();
        TensorSet::from([(1, values.into())])
    }

    fn whole(total: u32, parts: u32) -> Cut {
        Cut { symbol: 0, total, parts, first: Some(0) }
    }

    fn output(model: &Model, part: &Part) -> Vec<u8> {
        let graph = model.resolve(&part.symbols).unwrap();
        let given: Vec<&[u8]> = part.inputs.values().map(|bytes| &bytes[..]).collect();
        run(&graph, &given).unwrap().tensors.pop().unwrap()
    }

    #[test]
    fn the_parts_together_are_the_whole() {
        let model = sound();
        let one = cut(&model.graph, &[0], &inputs(15), &whole(15, 1)).unwrap();
        let expected = output(&model, &one[0]);
        for count in 1..=7 {
            let parts = cut(&model.graph, &[0], &inputs(15), &whole(15, count)).unwrap();
            assert_eq!(parts.len(), count as usize);
            assert!(parts.iter().all(|part| part.length.abs_diff(15 / count) <= 1));
            let together: Vec<u8> = parts.iter().flat_map(|part| output(&model, part)).collect();
            assert_eq!(together, expected, "{count} parts");
        }
    }

    #[test]
    fn parts_outside_the_symbols_bounds_are_refused_with_what_fits() {
        let model = sound();
        for (total, parts, advice) in [(15, 8, "1 to 7"), (15, 0, "1 to 7"), (40, 2, "3 to 20"), (1, 1, "no number of")]
        {
            let error = cut(&model.graph, &[0], &inputs(total), &whole(total, parts)).unwrap_err();
            let CutError::Parts { advice: given, .. } = &error else { panic!("{error}") };
            assert_eq!(given, advice, "{total} in {parts}");
        }
        // More rows than one job could have.
        assert_eq!(cut(&model.graph, &[0], &inputs(40), &whole(40, 3)).unwrap().len(), 3);
    }

    #[test]
    fn inputs_of_another_size_and_unknown_symbols_are_refused() {
        let model = sound();
        let error = cut(&model.graph, &[0], &inputs(14), &whole(15, 3)).unwrap_err();
        assert_eq!(error, CutError::Input { slot: 1, expected: 90, given: 84 });
        let wrong = Cut { symbol: 1, ..whole(15, 3) };
        assert!(matches!(cut(&model.graph, &[0], &inputs(15), &wrong), Err(CutError::Symbols { .. })));
        assert!(matches!(cut(&model.graph, &[], &inputs(15), &whole(15, 3)), Err(CutError::Symbols { .. })));
    }

    #[test]
    fn what_depends_on_other_rows_or_on_the_place_is_refused() {
        let reason = |model: &Model, cut_as: &Cut| match cut(&model.graph, &[0], &inputs(15), cut_as) {
            Err(CutError::Dependent { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        let shifted = model(|values| Operand::new(values, [axis(0) + 1, axis(1)]), |_, row| row);
        assert!(reason(&shifted, &whole(15, 3)).contains("other rows"));
        let reversed = model(|values| Operand::new(values, [axis(0) * -1, axis(1)]), |_, row| row);
        assert!(reason(&reversed, &whole(15, 3)).contains("other rows"));
        let mixed = model(|values| Operand::new(values, [axis(0), axis(1) + axis(0)]), |_, row| row);
        assert!(reason(&mixed, &whole(15, 3)).contains("other rows"));
        let constant = model(|values| Operand::new(values, [fixed(0), axis(1)]), |_, row| row);
        assert!(reason(&constant, &whole(15, 3)).contains("other rows"));
        let measured = model(Operand::elementwise, |program, row| {
            let length = program.length(0);
            program.add(row, length)
        });
        assert!(reason(&measured, &whole(15, 3)).contains("length"));
        assert!(reason(&sound(), &Cut { first: None, ..whole(15, 3) }).contains("coordinate"));
        assert!(reason(&sound(), &Cut { first: Some(1), ..whole(15, 3) }).contains("one i32"));
    }

    #[test]
    fn what_is_reduced_or_not_outermost_is_refused() {
        let mut graph = GraphBuilder::new();
        let rows = graph.symbol("rows", 2, 16).unwrap();
        let values = graph.input("values", Dtype::I8, &[Dim::Const(3), rows]).unwrap();
        let copied = graph.copy("copied", &[Dim::Const(3), rows], &Operand::elementwise(&values)).unwrap();
        graph.output(&copied);
        let inner = graph.build().unwrap();
        let cut_as = Cut { first: None, ..whole(4, 2) };
        assert!(matches!(cut(&inner.graph, &[0], &inputs(4), &cut_as), Err(CutError::Dependent { .. })));

        let mut graph = GraphBuilder::new();
        let rows = graph.symbol("rows", 2, 16).unwrap();
        let values = graph.input("values", Dtype::I8, &[rows, Dim::Const(3)]).unwrap();
        let table = graph.param("table", Dtype::I8, &[16], &[1; 16]).unwrap();
        let operands = [Operand::elementwise(&values), Operand::new(&table, [axis(0)])];
        let sum = graph.map("sum", Dtype::I8, &[rows, Dim::Const(3)], &operands, |program| {
            let (value, entry) = (program.load(0), program.load(1));
            program.add(value, entry)
        });
        graph.output(&sum.unwrap());
        let table = graph.build().unwrap();
        assert!(matches!(cut(&table.graph, &[0], &inputs(4), &cut_as), Err(CutError::Dependent { .. })));
    }
}
