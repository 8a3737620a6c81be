//! Quantisation: from a float graph and what was seen of it to a verifiable integer graph.
//!
//! [`build`] plans which nodes become one integer op and which integers stand for each value, chooses their steps by the
//! errors that they make on calibration data, lowers the graph, and compares the result with the float graph.

pub(crate) mod attention;
pub(crate) mod choices;
pub(crate) mod error;
mod io;
pub(crate) mod options;
pub(crate) mod plan;
pub(crate) mod product;
pub(crate) mod range;
pub(crate) mod samples;
pub(crate) mod scale;
pub(crate) mod search;
pub(crate) mod views;
pub(crate) mod weights;

pub use error::QuantiseError;
pub use io::{IO_VERSION, Io, IoDtype, IoExtent, IoScale, IoSymbol, IoTensor};
pub use options::Options;
pub use range::RangeMethod;

use crate::calibrate::Calibration;
use crate::float::{ElementType, Extent, FloatGraph};
use crate::lower::{self, Form, Lowered};
use crate::report::{self, Report};
use assay_models::builder::Model;
use choices::Choices;
use plan::Plan;
use samples::Samples;
use std::collections::BTreeSet;

/// An integer model and what is known of it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The checked graph with its params.
    pub model: Model,
    /// How inputs become integers, and results numbers.
    pub io: Io,
    /// What was decided, and what was lost where.
    pub report: Report,
}

/// Makes the integer model of a float graph.
///
/// # Errors
/// The setting, value, node or example at fault, with a code from `I0301` on.
pub fn build(graph: &FloatGraph, calibration: &Calibration, options: &Options) -> Result<Built, QuantiseError> {
    options.check()?;
    let plan = Plan::of(graph, options.logits)?;
    let mut kept: BTreeSet<_> = plan.needs.keys().copied().collect();
    kept.extend(plan.products.values().map(|product| product.input));
    kept.extend(&plan.outputs);
    let samples = Samples::take(graph, calibration, &kept, options.compared_examples)?;
    let choices = Choices::of(graph, &plan, calibration, &samples, options)?;
    let lowered = lower::lower(graph, &plan, &choices, calibration, options)?;
    let io = describe(graph, &plan, &lowered);
    let Lowered { builder, wide, narrow, decisions, .. } = lowered;
    let model = builder.build()?;
    let subject = report::Subject { graph, plan: &plan, choices: &choices, calibration, samples: &samples };
    let report = report::compare(&subject, &model, &io, &wide, &narrow, decisions)?;
    Ok(Built { model, io, report })
}

fn describe(graph: &FloatGraph, plan: &Plan, lowered: &Lowered) -> Io {
    let extents = |shape: &[Extent]| -> Vec<IoExtent> {
        shape
            .iter()
            .map(|extent| match *extent {
                Extent::Known(length) => IoExtent::Constant(length),
                Extent::Symbol(symbol) => IoExtent::Symbol(symbol),
            })
            .collect()
    };
    let tensor = |name: &str, shape: &[Extent], form: &Form, integers: bool| IoTensor {
        name: name.to_owned(),
        slot: form.tensor.slot(),
        dtype: form.tensor.dtype().into(),
        shape: extents(shape),
        scale: if integers { IoScale::Integers } else { IoScale::from(&form.scale) },
    };
    let inputs = graph.inputs.iter().zip(&lowered.inputs).map(|(input, form)| {
        let value = graph.value(*input);
        tensor(&value.name, &value.shape, form, value.element_type != ElementType::Float)
    });
    let inputs = inputs.collect();
    // a result keeps the name that the source gives it, even where its softmax was left out
    let outputs = graph.outputs.iter().zip(&plan.outputs).zip(&lowered.outputs).map(|((named, output), form)| {
        let integers = lowered.integers.contains_key(output);
        tensor(&graph.value(*named).name, &graph.value(*output).shape, form, integers)
    });
    let symbols =
        graph.symbols.iter().map(|symbol| IoSymbol { name: symbol.name.clone(), min: symbol.min, max: symbol.max });
    Io { version: IO_VERSION, symbols: symbols.collect(), inputs, outputs: outputs.collect() }
}
