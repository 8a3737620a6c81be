//! From one form of a value to another.

use super::{Form, Lowering};
use crate::float::ValueId;
use crate::quantise::error::QuantiseError;
use crate::quantise::plan::natural;
use crate::quantise::scale::{Rescale, Scale};
use assay_models::builder::{OpSpec, Operand, ProgramBuilder, TensorHandle, axis};
use referee::graph::{Dim, Dtype, OpKind};

/// The place of each axis of a value in an order of its axes.
pub(crate) fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    for (place, axis) in order.iter().enumerate() {
        places[*axis] = place;
    }
    places
}

/// The lengths in an order of the axes.
pub(crate) fn permuted(lengths: &[Dim], order: &[usize]) -> Vec<Dim> {
    order.iter().map(|axis| lengths[*axis]).collect()
}

impl Lowering<'_> {
    /// A value as 16-bit integers with one step.
    ///
    /// # Errors
    /// `I0301` if nothing computed it: the plan and the lowering of its node do not fit.
    pub(crate) fn wide(&mut self, value: ValueId) -> Result<Form, QuantiseError> {
        let seen = self.plan.seen[value.index()].clone();
        let form = match self.wide.get(&seen.root) {
            Some(form) => form.clone(),
            None => match self.narrow.get(&seen.root).cloned() {
                Some(narrow) => self.widened(seen.root, &narrow)?,
                None => return self.missing(value),
            },
        };
        Ok(form.seen(&seen))
    }

    /// A value as what products and attention read.
    ///
    /// # Errors
    /// As [`wide`](Self::wide).
    pub(crate) fn narrow(&mut self, value: ValueId) -> Result<Form, QuantiseError> {
        let seen = self.plan.seen[value.index()].clone();
        if let Some(form) = self.narrow.get(&seen.root) {
            return Ok(form.seen(&seen));
        }
        let Some(wide) = self.wide.get(&seen.root).cloned() else { return self.missing(value) };
        let Some(chosen) = self.choices.narrow.get(&seen.root) else { return self.missing(value) };
        let order = self.plan.needs.get(&seen.root).and_then(|needs| needs.narrow.clone());
        let order = order.unwrap_or_else(|| natural(self.graph, seen.root));
        let name = self.fresh(&format!("{}.narrow", self.graph.value(seen.root).name));
        let form = self.requantised(&name, &wide, &order, &chosen.scale, chosen.dtype)?;
        self.narrow.insert(seen.root, form.clone());
        Ok(form.seen(&seen))
    }

    fn missing<T>(&self, value: ValueId) -> Result<T, QuantiseError> {
        Err(QuantiseError::Unsupported {
            node: self.graph.value(value).name.clone(),
            operator: "value".into(),
            reason: "nothing before its reader computes it".into(),
            remedy: "export the model with its nodes in topological order".into(),
        })
    }

    /// A 16-bit form of what is stored in 8 bits only.
    fn widened(&mut self, root: ValueId, narrow: &Form) -> Result<Form, QuantiseError> {
        let step = self.wide_step(root)?;
        let name = self.fresh(&format!("{}.wide", self.graph.value(root).name));
        let order = self.stored_order(root);
        let form = self.requantised(&name, narrow, &order, &Scale::Uniform(step), Dtype::I16)?;
        self.wide.insert(root, form.clone());
        Ok(form)
    }

    /// The form with other steps, in another type and order of axes.
    pub(crate) fn requantised(
        &mut self,
        name: &str,
        form: &Form,
        order: &[usize],
        scale: &Scale,
        dtype: Dtype,
    ) -> Result<Form, QuantiseError> {
        let places = places(order);
        let output_axes = permuted(&form.lengths(), order);
        let channels = match (&form.scale, scale) {
            (Scale::Uniform(_), Scale::Uniform(_)) => None,
            (Scale::Channels { axis, steps }, _) | (_, Scale::Channels { axis, steps }) => Some((*axis, steps.len())),
        };
        let factors: Vec<f64> =
            (0..channels.map_or(1, |(_, count)| count)).map(|at| form.scale.at(at) / scale.at(at)).collect();
        let rescale = Rescale::of(&factors);
        let mut operands = vec![form.operand(|axis_of_value| axis(places[axis_of_value]))];
        if let Some((channel_axis, _)) = channels {
            let table = self.factors(name, &rescale.multipliers)?;
            operands.push(Operand::new(&table, [axis(places[channel_axis])]));
        }
        let tensor = self.builder.map(name, dtype, &output_axes, &operands, |program| {
            let value = program.load(0);
            let multiplier = match channels {
                Some(_) => program.load(1),
                None => program.constant(rescale.multipliers[0].into()),
            };
            let scaled = program.multiply(value, multiplier);
            program.round_shift(scaled, rescale.shift)
        });
        Ok(Form { tensor: self.built(tensor)?, order: order.to_vec(), scale: scale.clone() })
    }

    /// A param of multipliers, `{name}.multipliers`.
    pub(crate) fn factors(&mut self, name: &str, multipliers: &[i32]) -> Result<TensorHandle, QuantiseError> {
        let name = self.fresh(&format!("{name}.multipliers"));
        let values: Vec<i64> = multipliers.iter().copied().map(i64::from).collect();
        let param = self.builder.param(&name, Dtype::I32, &[values.len() as u32], &values);
        self.built(param)
    }

    /// The form with its axes in this order; a copy, where it has another.
    pub(crate) fn ordered(&mut self, form: &Form, order: &[usize], name: &str) -> Result<Form, QuantiseError> {
        if form.order == order || self.same_bytes(form, order) {
            let places = places(&form.order);
            let lengths = form.tensor.shape();
            let shape: Vec<Dim> = order.iter().map(|axis| lengths[places[*axis]]).collect();
            return Ok(Form { tensor: form.tensor.viewed(&shape), order: order.to_vec(), scale: form.scale.clone() });
        }
        let name = self.fresh(&format!("{name}.ordered"));
        self.decisions.push(format!(
            "{name}: a copy with its axes in the order {order:?}, so that what is reduced over lies innermost"
        ));
        let places = places(order);
        let operand = form.operand(|axis_of_value| axis(places[axis_of_value]));
        let tensor = self.builder.copy(&name, &permuted(&form.lengths(), order), &operand);
        Ok(Form { tensor: self.built(tensor)?, order: order.to_vec(), scale: form.scale.clone() })
    }

    /// Whether the orders differ in axes of length 1 only.
    fn same_bytes(&self, form: &Form, order: &[usize]) -> bool {
        let lengths = form.lengths();
        let long = |order: &[usize]| -> Vec<usize> {
            order.iter().copied().filter(|axis| lengths[*axis] != Dim::Const(1)).collect()
        };
        long(&form.order) == long(order)
    }

    /// 16-bit integers as a signed high and an unsigned low byte, which products can read.
    pub(crate) fn split(&mut self, root: ValueId, form: &Form) -> Result<[TensorHandle; 2], QuantiseError> {
        if let Some(halves) = self.halves.get(&root) {
            return Ok(halves.clone());
        }
        let base = self.fresh(&format!("{}.halves", self.graph.value(root).name));
        let mut program = ProgramBuilder::map();
        let value = program.load(0);
        let eight = program.constant(8);
        let high = program.shift_arithmetic(value, eight);
        let mask = program.constant(255);
        let low = program.and(value, mask);
        program.store(0, high);
        program.store(1, low);
        let program = program.finish(&base);
        let program = self.built(program)?;
        let outputs = self.builder.op(OpSpec {
            name: &base,
            kind: OpKind::Map,
            outputs: &[(&format!("{base}.high"), Dtype::I8), (&format!("{base}.low"), Dtype::U8)],
            output_axes: form.tensor.shape(),
            reduction_axes: &[],
            operands: &[Operand::elementwise(&form.tensor)],
            prologue: None,
            program,
        });
        match self.built(outputs)?.as_slice() {
            [high, low] => {
                let halves = [high.clone(), low.clone()];
                self.halves.insert(root, halves.clone());
                Ok(halves)
            }
            _ => self.missing(root),
        }
    }

    /// Stores a form as the wide or the narrow one of a computed value, by its type.
    pub(crate) fn keep(&mut self, value: ValueId, form: Form) {
        let narrow = self
            .choices
            .narrow
            .get(&value)
            .is_some_and(|chosen| chosen.scale == form.scale && chosen.dtype == form.tensor.dtype());
        if narrow {
            self.narrow.insert(value, form);
        } else {
            self.wide.insert(value, form);
        }
    }
}
