//! `assay model encode` and `assay model decode`: numbers as the inputs of a job, and the output of a job as numbers.

use crate::commands::{read_file, write_file};
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields};
use assay_import::calibrate::Examples;
use assay_import::float::{ElementType, Extent, FloatGraph, FloatValue, Symbol, TensorData, ValueKind};
use assay_import::quantise::{Io, IoExtent, IoScale};
use assay_models::artifact::encode_bundle;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct EncodeArguments {
    /// The model's io.json
    io: PathBuf,
    /// Examples of inputs: a .safetensors or .jsonl file, or a folder of them
    data: PathBuf,
    /// Which example, counted from 0
    #[arg(long, default_value_t = 0)]
    example: usize,
    /// The file for the inputs
    #[arg(short = 'o', long = "out", default_value = "model.inputs")]
    out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DecodeArguments {
    /// The model's io.json
    io: PathBuf,
    /// The output, as `assay job result --out` writes it
    result: PathBuf,
    /// The symbols' values of the job
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<u32>,
}

fn read_io(path: &Path) -> Result<Io, CliError> {
    serde_json::from_slice(&read_file(path)?).map_err(|error| {
        CliError::new("A0112", format!("{} is no io.json of `assay model build`: {error}", path.display()))
    })
}

/// The inputs alone: what examples are read for.
fn inputs_of(io: &Io) -> FloatGraph {
    let mut graph = FloatGraph::default();
    let symbol = |symbol: &assay_import::quantise::IoSymbol| Symbol {
        name: symbol.name.clone(),
        min: symbol.min,
        max: symbol.max,
    };
    graph.symbols = io.symbols.iter().map(symbol).collect();
    for input in &io.inputs {
        let extent = |extent: &IoExtent| match *extent {
            IoExtent::Constant(length) => Extent::Known(length),
            IoExtent::Symbol(symbol) => Extent::Symbol(symbol),
        };
        let integers = input.scale == IoScale::Integers;
        let id = graph.add_value(FloatValue {
            name: input.name.clone(),
            shape: input.shape.iter().map(extent).collect(),
            element_type: if integers { ElementType::Integer } else { ElementType::Float },
            kind: ValueKind::Input,
            own_scale: None,
        });
        graph.inputs.push(id);
    }
    graph
}

pub(super) fn encode(arguments: &EncodeArguments, output: Output) -> Result<(), CliError> {
    let io = read_io(&arguments.io)?;
    let graph = inputs_of(&io);
    let example = Examples::open(&arguments.data, &graph)?.nth(arguments.example);
    let missing = || {
        let text =
            format!("{} has no example {}; they are counted from 0", arguments.data.display(), arguments.example);
        CliError::new("A0113", text).with_status(ExitStatus::Usage)
    };
    let (symbols, inputs) = io.encode(&example.ok_or_else(missing)??)?;
    write_file(&arguments.out, encode_bundle(&inputs))?;
    output.result(&json!({ "inputs": arguments.out, "symbols": symbols }), || {
        let symbols: Vec<String> = symbols.iter().map(ToString::to_string).collect();
        fields([("inputs", arguments.out.display().to_string()), ("symbols", symbols.join(","))])
    })
}

pub(super) fn decode(arguments: &DecodeArguments, output: Output) -> Result<(), CliError> {
    let io = read_io(&arguments.io)?;
    let (known, given) = (io.symbols.len(), arguments.symbols.len());
    if known != given {
        let text = format!("--symbols gives {given} values, the model has {known} symbols");
        return Err(CliError::new("A0102", text).with_status(ExitStatus::Usage));
    }
    let [result] = &io.outputs[..] else {
        return Err(CliError::new("A0112", "a job has one output, the model has several"));
    };
    let tensor = result.decode(&arguments.symbols, &read_file(&arguments.result)?)?;
    let values = match &tensor.data {
        TensorData::Floats(values) => json!(values),
        TensorData::Integers(values) => json!(values),
    };
    let value = json!({ "name": result.name, "shape": tensor.shape, "values": values });
    output.result(&value, || {
        let words: Vec<String> = match &tensor.data {
            TensorData::Floats(values) => values.iter().map(ToString::to_string).collect(),
            TensorData::Integers(values) => values.iter().map(ToString::to_string).collect(),
        };
        let row = tensor.shape.last().copied().unwrap_or(1).max(1);
        let rows: Vec<String> = words.chunks(row).map(|row| row.join(" ")).collect();
        let shape = tensor.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
        format!("{}\n{}", fields([("output", result.name.clone()), ("shape", shape)]), rows.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;
    use assay_import::quantise::{IO_VERSION, IoDtype, IoSymbol, IoTensor};

    fn tensor(name: &str, slot: u16, dtype: IoDtype, scale: IoScale) -> IoTensor {
        IoTensor { name: name.into(), slot, dtype, shape: vec![IoExtent::Symbol(0), IoExtent::Constant(2)], scale }
    }

    fn files(folder: &Path) -> (PathBuf, PathBuf) {
        let io = Io {
            version: IO_VERSION,
            symbols: vec![IoSymbol { name: "batch".into(), min: 1, max: 4 }],
            inputs: vec![
                tensor("x", 0, IoDtype::I8, IoScale::Step(0.5)),
                tensor("ids", 1, IoDtype::I16, IoScale::Integers),
            ],
            outputs: vec![tensor("y", 2, IoDtype::I16, IoScale::Step(0.25))],
        };
        let (path, data) = (folder.join("io.json"), folder.join("data.jsonl"));
        std::fs::write(&path, serde_json::to_vec(&io).unwrap()).unwrap();
        std::fs::write(&data, "{\"x\": [[9, 9]], \"ids\": [[0, 0]]}\n{\"x\": [[1, -1.5]], \"ids\": [[7, 300]]}\n")
            .unwrap();
        (path, data)
    }

    #[test]
    fn an_example_becomes_the_inputs_of_a_job() {
        let folder = tempfile::tempdir().unwrap();
        let (io, data) = files(folder.path());
        let out = folder.path().join("model.inputs");
        let arguments = |example| EncodeArguments { io: io.clone(), data: data.clone(), example, out: out.clone() };
        encode(&arguments(1), Output::new(Format::Json)).unwrap();
        let expected = [(0, vec![2u8, 0xfd]), (1, vec![7, 0, 44, 1])];
        let expected = expected.into_iter().map(|(slot, bytes)| (slot, bytes.into())).collect();
        assert_eq!(std::fs::read(&out).unwrap(), encode_bundle(&expected));
        assert_eq!(encode(&arguments(2), Output::new(Format::Json)).unwrap_err().code(), "A0113");
    }

    #[test]
    fn an_output_becomes_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let (io, data) = files(folder.path());
        let result = folder.path().join("output");
        std::fs::write(&result, [4, 0, 0xff, 0xff]).unwrap();
        let arguments =
            |symbols: &[u32]| DecodeArguments { io: io.clone(), result: result.clone(), symbols: symbols.to_vec() };
        decode(&arguments(&[1]), Output::new(Format::Json)).unwrap();
        assert_eq!(decode(&arguments(&[]), Output::new(Format::Json)).unwrap_err().code(), "A0102");
        assert_eq!(decode(&arguments(&[2]), Output::new(Format::Json)).unwrap_err().code(), "I0307");
        let wrong = DecodeArguments { io: data, result: result.clone(), symbols: vec![1] };
        assert_eq!(decode(&wrong, Output::new(Format::Json)).unwrap_err().code(), "A0112");
    }
}
