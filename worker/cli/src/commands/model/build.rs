//! `assay model build` and `assay model inspect`: from a trained model to a graph that any node runs.

use crate::commands::{read_file, write_file};
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, Table, fields};
use assay_import::calibrate::{Calibrator, Example, Examples, Reference, difference};
use assay_import::float::{Extent, FloatGraph, Tensor, ValueId};
use assay_import::onnx::ModelProto;
use assay_import::quantise::RangeMethod;
use assay_import::{
    Built, ImportError, ImportOptions, Options, SymbolBounds, architecture, import_model, onnx, report,
};
use assay_models::artifact::encode_bundle;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What a symbol may be where `inspect` is not told.
const ASSUMED_BOUNDS: (u32, u32) = (1, 64);
/// Examples on which the imported graph is compared with the original.
const CHECKED_EXAMPLES: u64 = 4;
/// By how much the imported graph may differ from the original, relative to the greatest magnitude of an output.
const GREATEST_DIFFERENCE: f32 = 1e-3;

#[derive(Args, Debug)]
pub(crate) struct SourceArguments {
    /// An ONNX file, or a description (.toml) of the architecture of weights in safetensors
    model: PathBuf,
    /// The weights of a description [default: the file that it names, beside it]
    #[arg(long)]
    weights: Option<PathBuf>,
    /// What a symbol of the inputs' shapes may be, as `batch=1..32` or `batch=1`; once for each
    #[arg(long = "symbol", value_name = "NAME=LEAST..GREATEST")]
    symbols: Vec<String>,
    /// Keep a softmax at the end; otherwise its argument is the output, which has the same order and does not tie
    #[arg(long)]
    softmax: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Range {
    /// For each value what loses least
    #[default]
    Best,
    /// Everything that was seen
    MinMax,
    /// All but one in 10,000
    Percentile,
    /// What trades rounding against clipping best
    Mse,
}

#[derive(Args, Debug)]
pub(crate) struct BuildArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Examples of inputs: a .safetensors or .jsonl file, or a folder of them
    #[arg(long)]
    calibration: PathBuf,
    /// Let this many of the layers that lose most read 16 bits
    #[arg(long, default_value_t = 0)]
    keep: usize,
    /// How the ranges of 8-bit activations are chosen
    #[arg(long, value_enum, default_value_t)]
    range: Range,
    /// Examples on which the integer graph is compared with the float one
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    compare: u16,
    /// The folder for model.graph, model.params, io.json, report.json and report.html
    #[arg(short = 'o', long = "out", default_value = ".")]
    directory: PathBuf,
}

impl SourceArguments {
    fn proto(&self) -> Result<ModelProto, CliError> {
        if self.model.extension().is_some_and(|extension| extension == "toml") {
            return Ok(architecture::load(&self.model, self.weights.as_deref())?);
        }
        if self.weights.is_some() {
            let text = "--weights goes with a description of an architecture (.toml); an ONNX file holds its weights";
            return Err(CliError::new("A0110", text).with_status(ExitStatus::Usage));
        }
        Ok(onnx::parse(&read_file(&self.model)?)?)
    }

    fn bounds(&self) -> Result<Vec<SymbolBounds>, CliError> {
        let parse = |text: &String| {
            text.parse::<SymbolBounds>().map_err(|error| CliError::from(error).with_status(ExitStatus::Usage))
        };
        self.symbols.iter().map(parse).collect()
    }

    fn options(&self) -> Result<ImportOptions, CliError> {
        Ok(ImportOptions { symbols: self.bounds()?, drop_final_softmax: false })
    }
}

pub(super) async fn build(arguments: BuildArguments, output: Output) -> Result<(), CliError> {
    tokio::task::spawn_blocking(move || build_now(&arguments, output)).await?
}

fn build_now(arguments: &BuildArguments, output: Output) -> Result<(), CliError> {
    let progress = output.progress("reading the model", 0);
    let proto = arguments.source.proto()?;
    let graph = import_model(&proto, &arguments.source.options()?)?;
    let reference = Reference::load(&proto)?;
    drop(proto);

    let mut calibrator = Calibrator::new(&graph, usize::from(arguments.compare));
    let (mut examples, mut furthest) = (0u64, 0.0f32);
    for example in Examples::open(&arguments.calibration, &graph)? {
        let example = example?;
        let found = calibrator.add(&example)?;
        if examples < CHECKED_EXAMPLES {
            furthest = furthest.max(distance(&reference, &example, &found)?);
        }
        examples += 1;
        progress.message(format!("calibrating: {examples} examples"));
    }
    drop(reference);
    if examples == 0 {
        return Err(ImportError::Data { reason: String::from("there is no example") }.into());
    }
    if furthest > GREATEST_DIFFERENCE {
        return Err(CliError::new(
            "A0111",
            format!(
                "the imported graph differs from the original by {furthest:e} of the greatest output; \
                 this is a fault of the importer: please report it with the model"
            ),
        ));
    }
    progress.message("choosing integers, lowering, comparing");
    let built = assay_import::build(&graph, &calibrator.finish(), &quantisation(arguments))?;
    progress.done();
    let files = write(&built, &arguments.directory, &title(&arguments.source.model))?;
    tell(&built, &files, furthest, examples, output)
}

fn quantisation(arguments: &BuildArguments) -> Options {
    let range = match arguments.range {
        Range::Best => RangeMethod::Best,
        Range::MinMax => RangeMethod::MinMax,
        Range::Percentile => RangeMethod::Percentile(100),
        Range::Mse => RangeMethod::MeanSquaredError,
    };
    Options {
        range,
        keep: arguments.keep,
        logits: !arguments.source.softmax,
        compared_examples: usize::from(arguments.compare),
        ..Options::default()
    }
}

/// How far the imported graph's outputs are from the original's, relative to the greatest magnitude.
fn distance(reference: &Reference, example: &Example, found: &[Tensor]) -> Result<f32, CliError> {
    let expected = reference.run(example)?;
    let pairs = found.iter().zip(&expected).filter_map(|(found, expected)| difference(found, expected));
    Ok(pairs.map(|(gap, greatest)| gap / greatest.max(f32::MIN_POSITIVE)).fold(0.0, f32::max))
}

fn title(model: &Path) -> String {
    model.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

struct Files {
    graph: PathBuf,
    params: PathBuf,
    io: PathBuf,
    report: PathBuf,
    page: PathBuf,
}

fn write(built: &Built, folder: &Path, title: &str) -> Result<Files, CliError> {
    std::fs::create_dir_all(folder).map_err(|error| CliError::file("create", folder, &error))?;
    let file = |name: &str| folder.join(name);
    let files = Files {
        graph: file("model.graph"),
        params: file("model.params"),
        io: file("io.json"),
        report: file("report.json"),
        page: file("report.html"),
    };
    write_file(&files.graph, built.model.graph.encode())?;
    write_file(&files.params, encode_bundle(&built.model.params))?;
    write_file(&files.io, serde_json::to_vec_pretty(&built.io)?)?;
    write_file(&files.report, serde_json::to_vec_pretty(&built.report)?)?;
    write_file(&files.page, report::html(&built.report, title))?;
    Ok(files)
}

fn tell(built: &Built, files: &Files, furthest: f32, examples: u64, output: Output) -> Result<(), CliError> {
    let value = json!({
        "graph": files.graph,
        "params": files.params,
        "io": files.io,
        "report": files.report,
        "page": files.page,
        "examples": examples,
        "import_difference": furthest,
        "ops": built.report.ops,
        "segments": built.report.segments,
        "param_bytes": built.report.param_bytes,
        "outputs": built.report.outputs,
    });
    output.result(&value, || {
        let list = [
            ("graph", files.graph.display().to_string()),
            ("params", files.params.display().to_string()),
            ("inputs and outputs", files.io.display().to_string()),
            ("report", files.page.display().to_string()),
            ("calibrated on", format!("{examples} examples")),
            ("import", format!("differs from the original by at most {furthest:.1e} of the greatest output")),
        ];
        format!("{}\n{}", built.report, fields(list))
    })
}

pub(super) fn inspect(source: &SourceArguments, output: Output) -> Result<(), CliError> {
    let proto = source.proto()?;
    let mut options = source.options()?;
    let mut assumed = Vec::new();
    let graph = loop {
        match import_model(&proto, &options) {
            Err(ImportError::UnboundSymbol { symbol, .. }) => {
                let (min, max) = ASSUMED_BOUNDS;
                assumed.push(symbol.clone());
                options.symbols.push(SymbolBounds { name: symbol, min, max });
            }
            result => break result?,
        }
    };
    for symbol in &assumed {
        let (min, max) = ASSUMED_BOUNDS;
        output.note(format!(
            "{symbol} was taken as {min}..{max}; say what it may be with --symbol {symbol}={min}..{max}"
        ));
    }
    let mut table = Table::new(&["node", "operation", "result", "constants"]);
    let mut nodes = Vec::new();
    for node in &graph.nodes {
        let result: Vec<String> = node.outputs.iter().map(|&id| graph.shape_text(&graph.value(id).shape)).collect();
        let weights: usize =
            node.inputs.iter().filter_map(|&id| graph.constant(id)).map(|tensor| tensor.elements()).sum();
        let weights = if weights == 0 { String::new() } else { weights.to_string() };
        table.row([node.name.clone(), node.op.name().to_owned(), result.join(" "), weights]);
        nodes.push(json!({ "name": node.name, "operation": node.op.name(), "details": format!("{:?}", node.op), "result": result }));
    }
    let value = json!({
        "inputs": described(&graph, &graph.inputs),
        "outputs": described(&graph, &graph.outputs),
        "symbols": graph.symbols.iter().map(|symbol| json!({ "name": symbol.name, "min": symbol.min, "max": symbol.max })).collect::<Vec<_>>(),
        "nodes": nodes,
    });
    output.result(&value, || {
        let list = |ids: &[ValueId]| {
            let one = |id: &ValueId| {
                let value = graph.value(*id);
                format!("{} {:?} {}", value.name, value.element_type, graph.shape_text(&value.shape))
            };
            ids.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        format!(
            "{}\n\n{}",
            fields([("inputs", list(&graph.inputs)), ("outputs", list(&graph.outputs))]),
            table.render()
        )
    })
}

fn described(graph: &FloatGraph, ids: &[ValueId]) -> Vec<Value> {
    let length = |extent: &Extent| match *extent {
        Extent::Known(length) => json!(length),
        Extent::Symbol(symbol) => json!(graph.symbols[usize::from(symbol)].name),
    };
    let one = |id: &ValueId| {
        let value = graph.value(*id);
        let shape: Vec<Value> = value.shape.iter().map(length).collect();
        json!({ "name": value.name, "elements": format!("{:?}", value.element_type), "shape": shape })
    };
    ids.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;
    use assay_import::onnx::builder::{Length, ModelBuilder};
    use assay_import::onnx::proto::data_type;
    use assay_import::quantise::Io;
    use clap::Parser;
    use prost::Message;
    use referee::graph::Graph;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        build: BuildArguments,
    }

    /// Two linear layers over `x [batch, 4]`, and a softmax; the numbers do not matter.
    fn model() -> Vec<u8> {
        let wave = |count: usize| (0..count).map(|index| (index as f32 * 0.7).sin()).collect::<Vec<f32>>();
        let mut model = ModelBuilder::new(17);
        let x = model.input("x", data_type::FLOAT, &[Length::Symbol("batch"), Length::Known(4)]);
        let first = model.constant(&Tensor::floats(&[4, 16], wave(64)));
        let second = model.constant(&Tensor::floats(&[16, 3], wave(48)));
        let x = model.node("MatMul", &[&x, &first], &[]);
        let x = model.node("Relu", &[&x], &[]);
        let x = model.node("MatMul", &[&x, &second], &[]);
        let x = model.node("Softmax", &[&x], &[]);
        model.output(&x);
        model.finish().encode_to_vec()
    }

    fn run(folder: &Path, data: &str, further: &[&str]) -> Result<(), CliError> {
        let path = |name: &str| folder.join(name).display().to_string();
        std::fs::write(folder.join("model.onnx"), model()).unwrap();
        std::fs::write(folder.join("data.jsonl"), data).unwrap();
        let (model, data, out) = (path("model.onnx"), path("data.jsonl"), path("out"));
        let words = ["build", &model, "--calibration", &data, "-o", &out];
        let line = Line::try_parse_from(words.iter().chain(further)).unwrap();
        build_now(&line.build, Output::new(Format::Json))
    }

    const DATA: &str = "{\"x\": [[1, -0.5, 0.25, 2]]}\n{\"x\": [[0.5, 1.5, -2, 1], [-1, 0, 1, 0.5]]}\n";

    #[test]
    fn a_model_becomes_files_that_a_job_takes() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), DATA, &["--symbol", "batch=1..8"]).unwrap();
        let read = |name: &str| std::fs::read(folder.path().join("out").join(name)).unwrap();
        let graph = Graph::decode(&read("model.graph")).unwrap();
        graph.check().unwrap();
        let io: Io = serde_json::from_slice(&read("io.json")).unwrap();
        assert_eq!((io.symbols[0].name.as_str(), io.symbols[0].max, io.outputs.len()), ("batch", 8, 1));
        let resolved = graph.resolve(&[2]).unwrap();
        let params =
            assay_models::artifact::decode_bundle(&read("model.params"), &resolved, referee::graph::TensorKind::Param);
        assert!(params.is_ok());
        assert!(String::from_utf8(read("report.html")).unwrap().contains("<svg"));
        let report: Value = serde_json::from_slice(&read("report.json")).unwrap();
        assert!(report["outputs"][0]["mean_cosine"].as_f64().unwrap() > 0.99, "{report}");
    }

    #[test]
    fn what_is_missing_is_said_with_its_code() {
        let folder = tempfile::tempdir().unwrap();
        let code = |data: &str, further: &[&str]| run(folder.path(), data, further).unwrap_err().code().to_owned();
        assert_eq!(code(DATA, &[]), "I0120");
        assert_eq!(code(DATA, &["--symbol", "batch=0..8"]), "I0121");
        assert_eq!(code(DATA, &["--symbol", "batch=1..8", "--weights", "w.safetensors"]), "A0110");
        assert_eq!(code("", &["--symbol", "batch=1..8"]), "I0141");
        assert_eq!(code("{\"y\": [[1, 2, 3, 4]]}", &["--symbol", "batch=1..8"]), "I0141");
        assert_eq!(code("{\"x\": [[1, 2, 3]]}", &["--symbol", "batch=1..8"]), "I0140");
    }
}
