//! The greatest elements of a row.

use super::{Form, Lowering};
use crate::float::FloatNode;
use crate::quantise::error::QuantiseError;
use assay_models::builder::{OpSpec, Operand, ProgramBuilder, TensorHandle};
use referee::graph::{Dim, Dtype, MAX_OPERANDS, OpKind};

/// Parts are joined six at a time, twice.
const MOST: usize = MAX_OPERANDS * MAX_OPERANDS;

impl Lowering<'_> {
    /// One arg-max for each of the `k`: it passes over what was found before, by value and then by index.
    pub(crate) fn top_k(&mut self, node: &FloatNode, along: usize, k: u32) -> Result<(), QuantiseError> {
        let value = node.inputs[0];
        let rank = self.graph.value(value).shape.len();
        if along + 1 != rank || rank < 2 {
            return self.unsupported(node, "an axis that is not the last of several", "transpose before and after it");
        }
        if k as usize > MOST {
            return self.unsupported(
                node,
                "more than 36 elements",
                "take the whole row, and choose outside of the model",
            );
        }
        let input = self.wide(value)?;
        let natural: Vec<usize> = (0..rank).collect();
        let name = self.fresh(&self.graph.value(node.outputs[0]).name.clone());
        let input = self.ordered(&input, &natural, &name)?;
        let mut found: Vec<[TensorHandle; 2]> = Vec::new();
        for place in 0..k {
            let next = self.next_greatest(&format!("{name}.{place}"), &input, found.last())?;
            found.push(next);
        }
        let [values, indices] =
            [0, 1].map(|which| found.iter().map(|pair| pair[which].clone()).collect::<Vec<TensorHandle>>());
        let values = self.joined(&name, &values)?;
        self.wide.insert(node.outputs[0], Form::natural(values, input.scale.clone()));
        if let Some(output) = node.outputs.get(1) {
            let name = self.fresh(&self.graph.value(*output).name.clone());
            let indices = self.joined(&name, &indices)?;
            self.integers.insert(*output, indices);
        }
        Ok(())
    }

    /// Value and index of the greatest element of each row that comes after `before`.
    fn next_greatest(
        &mut self,
        name: &str,
        input: &Form,
        before: Option<&[TensorHandle; 2]>,
    ) -> Result<[TensorHandle; 2], QuantiseError> {
        let shape = input.tensor.shape();
        let last = shape.len() - 1;
        let rows: Vec<usize> = (0..last).collect();
        let mut operands = vec![Operand::elementwise(&input.tensor)];
        operands.extend(before.into_iter().flatten().map(|tensor| Operand::along(tensor, &rows)));
        let mut prologue = ProgramBuilder::map();
        let mut lane = prologue.load(0);
        if before.is_some() {
            let (value, index) = (prologue.load(1), prologue.load(2));
            let own = prologue.index(last as u8);
            let less = prologue.less(lane, value);
            let equal = prologue.equal(lane, value);
            let later = prologue.less(index, own);
            let tied = prologue.and(equal, later);
            let open = prologue.or(less, tied);
            let none = prologue.constant(Dtype::I16.range().0 - 1);
            lane = prologue.select(open, lane, none);
        }
        let prologue = prologue.finish_lanes(name, &[lane]);
        let prologue = Some(self.built(prologue)?);
        let (mut program, [index, value]) = ProgramBuilder::pair_epilogue();
        program.store(0, value);
        program.store(1, index);
        let program = program.finish(name);
        let program = self.built(program)?;
        let outputs = self.builder.op(OpSpec {
            name,
            kind: OpKind::ArgMax,
            outputs: &[(&format!("{name}.value"), Dtype::I16), (&format!("{name}.index"), Dtype::I32)],
            output_axes: &shape[..last],
            reduction_axes: &shape[last..],
            operands: &operands,
            prologue,
            program,
        });
        match &self.built(outputs)?[..] {
            [value, index] => Ok([value.clone(), index.clone()]),
            _ => self.unsupported(&self.graph.nodes[self.current], "an op without its two results", "report this"),
        }
    }

    /// Tensors of rows as the elements of a new last axis.
    fn joined(&mut self, name: &str, parts: &[TensorHandle]) -> Result<TensorHandle, QuantiseError> {
        let mut parts: Vec<TensorHandle> =
            parts.iter().map(|part| part.viewed(&[part.shape(), &[Dim::Const(1)]].concat())).collect();
        let mut round = 0;
        while parts.len() > 1 {
            let groups: Vec<Vec<TensorHandle>> = parts.chunks(MAX_OPERANDS).map(<[TensorHandle]>::to_vec).collect();
            let last_round = groups.len() == 1;
            parts.clear();
            for (index, group) in groups.iter().enumerate() {
                let name =
                    if last_round { name.to_owned() } else { self.fresh(&format!("{name}.part{round}.{index}")) };
                let along = group[0].shape().len() - 1;
                let tensors: Vec<&TensorHandle> = group.iter().collect();
                let joined = self.builder.concatenate(&name, &tensors, along);
                parts.push(self.built(joined)?);
            }
            round += 1;
        }
        Ok(parts.remove(0))
    }
}
