//! Examples from files, and what calibration keeps of them.

use crate::support::{bounds, floats, with_x};
use assay_import::calibrate::{self, Examples};
use assay_import::float::{FloatGraph, Tensor};
use assay_import::onnx::builder::{Length, ModelBuilder};
use assay_import::onnx::proto::data_type;
use assay_import::{ImportError, ImportOptions, import_model};
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

/// `ids [batch, 2]` into a table, plus `x [batch, 3]`.
fn graph() -> FloatGraph {
    let mut model = ModelBuilder::new(17);
    let shape = |last| [Length::Symbol("batch"), Length::Known(last)];
    let ids = model.input("ids", data_type::INT64, &shape(2));
    let x = model.input("in/x", data_type::FLOAT, &shape(3));
    let table = model.constant(&floats(&[5, 3], 1));
    let rows = model.node("Gather", &[&table, &ids], &[]);
    let one = model.integers(&[1]);
    let x = model.node("Unsqueeze", &[&x, &one], &[]);
    let sum = model.node("Add", &[&rows, &x], &[]);
    model.output(&sum);
    let options = ImportOptions { symbols: bounds(&["batch=1..4"]), drop_final_softmax: false };
    import_model(&model.finish(), &options).unwrap()
}

fn all(path: &Path, graph: &FloatGraph) -> Result<Vec<Vec<Tensor>>, ImportError> {
    Examples::open(path, graph)?.collect()
}

#[test]
fn lines_and_safetensors_give_the_same_examples() {
    let graph = graph();
    let folder = tempfile::tempdir().unwrap();
    let lines = folder.path().join("b.jsonl");
    let text = "{\"ids\": [[0, 4]], \"in/x\": [[1, 2.5, 3]]}\n\n{\"in/x\": [[1, 2, 3], [4, 5, 6]], \"ids\": [[1, 1], [2, 3]]}\n";
    std::fs::write(&lines, text).unwrap();
    let expected = vec![
        vec![Tensor::integers(&[1, 2], vec![0, 4]), Tensor::floats(&[1, 3], vec![1.0, 2.5, 3.0])],
        vec![Tensor::integers(&[2, 2], vec![1, 1, 2, 3]), Tensor::floats(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])],
    ];
    assert_eq!(all(&lines, &graph).unwrap(), expected);

    let bytes = |values: &[i32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let float_bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let parts = [
        ("10/ids", Dtype::I32, vec![2, 2], bytes(&[1, 1, 2, 3])),
        ("10/in/x", Dtype::F32, vec![2, 3], float_bytes(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ("9/ids", Dtype::I32, vec![1, 2], bytes(&[0, 4])),
        ("9/in/x", Dtype::F32, vec![1, 3], float_bytes(&[1.0, 2.5, 3.0])),
    ];
    let views =
        parts.iter().map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(folder.path().join("a.safetensors"), file).unwrap();
    assert_eq!(all(&folder.path().join("a.safetensors"), &graph).unwrap(), expected);
    // a folder: both files, by name
    assert_eq!(all(folder.path(), &graph).unwrap(), [expected.clone(), expected].concat());
}

#[test]
fn what_does_not_fit_the_model_is_refused() {
    let graph = graph();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.jsonl");
    for text in [
        "{\"ids\": [[0, 4]]}",
        "{\"ids\": [[0.5, 4]], \"in/x\": [[1, 2, 3]]}",
        "{\"ids\": [[0, 4]], \"in/x\": [[1, 2, 3]], \"more\": [1]}",
        "{\"ids\": [[0, 4], [1]], \"in/x\": [[1, 2, 3]]}",
        "not json",
    ] {
        std::fs::write(&path, text).unwrap();
        let error = all(&path, &graph).unwrap_err();
        assert_eq!(error.code(), "I0141", "{text}: {error}");
    }
    assert_eq!(Examples::open(&folder.path().join("nothing"), &graph).err().unwrap().code(), "I0105");
    std::fs::write(folder.path().join("data.csv"), "1,2").unwrap();
    assert_eq!(Examples::open(&folder.path().join("data.csv"), &graph).err().unwrap().code(), "I0141");
}

#[test]
fn statistics_are_those_of_every_value() {
    let (mut model, x) = with_x(17, &[Length::Symbol("batch"), Length::Known(2)]);
    let two = model.number(2.0);
    let doubled = model.node("Mul", &[&x, &two], &[]);
    let y = model.node("Relu", &[&doubled], &[]);
    model.output(&y);
    let options = ImportOptions { symbols: bounds(&["batch=1..4"]), drop_final_softmax: false };
    let graph = import_model(&model.finish(), &options).unwrap();
    let examples = [vec![1.0, -3.0], vec![0.5, 4.0], vec![-1.0, 2.0]];
    let examples = examples.map(|values| vec![Tensor::floats(&[1, 2], values)]);
    let mut heard = Vec::new();
    let calibration = calibrate::run(&graph, examples, 2, &mut |count| heard.push(count)).unwrap();
    assert_eq!((calibration.count, calibration.examples.len(), heard), (3, 2, vec![1, 2, 3]));
    let input = calibration.of(graph.inputs[0]).unwrap();
    assert_eq!((input.min, input.max, input.count), (-3.0, 4.0, 6));
    let channels = input.channels.as_ref().unwrap();
    assert_eq!((channels.min.as_slice(), channels.max.as_slice()), (&[-1.0, -3.0][..], &[1.0, 4.0][..]));
    let output = calibration.of(graph.outputs[0]).unwrap();
    assert_eq!((output.min, output.max), (0.0, 8.0));
    assert_eq!(calibrate::run(&graph, [], 2, &mut |_| {}).unwrap_err().code(), "I0141");
}
