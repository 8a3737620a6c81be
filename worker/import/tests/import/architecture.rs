//! Encoders from safetensors and a description.

use crate::support::{agree, names, numbers};
use assay_import::architecture::Architecture;
use assay_import::float::{FloatOp, Tensor};
use safetensors::tensor::{Dtype, TensorView};

const DESCRIPTION: &str = "kind = \"bert\"\nlayers = 2\nheads = 2\nhidden = 8\nintermediate = 12\nnormalise = true\n";

/// Weights of the shapes that the description wants.
fn weights(without: &str) -> Vec<u8> {
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![11, 8]),
        ("embeddings.position_embeddings.weight".into(), vec![16, 8]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, 8]),
        ("embeddings.LayerNorm.weight".into(), vec![8]),
        ("embeddings.LayerNorm.bias".into(), vec![8]),
    ];
    for layer in 0..2 {
        for (part, rows, columns) in [
            ("attention.self.query", 8, 8),
            ("attention.self.key", 8, 8),
            ("attention.self.value", 8, 8),
            ("attention.output.dense", 8, 8),
            ("intermediate.dense", 12, 8),
            ("output.dense", 8, 12),
        ] {
            shapes.push((format!("encoder.layer.{layer}.{part}.weight"), vec![rows, columns]));
            shapes.push((format!("encoder.layer.{layer}.{part}.bias"), vec![rows]));
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes.push((format!("encoder.layer.{layer}.{part}.weight"), vec![8]));
            shapes.push((format!("encoder.layer.{layer}.{part}.bias"), vec![8]));
        }
    }
    shapes.retain(|(name, _)| name != without);
    let data: Vec<Vec<u8>> = shapes
        .iter()
        .enumerate()
        .map(|(seed, (_, shape))| {
            numbers(shape.iter().product(), seed as u64).iter().flat_map(|value| value.to_le_bytes()).collect()
        })
        .collect();
    let views = shapes
        .iter()
        .zip(&data)
        .map(|((name, shape), data)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn inputs() -> [Tensor; 2] {
    let ids = Tensor::integers(&[2, 5], vec![1, 2, 3, 0, 0, 10, 9, 8, 7, 6]);
    [ids, Tensor::integers(&[2, 5], vec![1, 1, 1, 0, 0, 1, 1, 1, 1, 1])]
}

#[test]
fn an_encoder_becomes_the_few_operations_that_it_is() {
    for (activation, expected) in [("gelu", "Gelu"), ("gelu_tanh", "Gelu"), ("silu", "Silu"), ("relu", "Relu")] {
        let text = format!("{DESCRIPTION}activation = \"{activation}\"\n");
        let model = Architecture::parse(&text).unwrap().model(&weights("")).unwrap();
        let graph = agree(&model, &["batch=1..4", "tokens=1..16"], &inputs());
        let found = names(&graph);
        let count = |name: &str| found.iter().filter(|found| **found == name).count();
        assert_eq!((count("Linear"), count("MatMul"), count("LayerNorm")), (12, 4, 5), "{graph}");
        assert_eq!(count(expected), 2, "{graph}");
        assert_eq!((count("Softmax"), count("L2Normalise"), count("ReduceMean")), (2, 1, 1), "{graph}");
        assert_eq!((count("Embedding"), count("Position"), count("Mul"), count("Div")), (1, 1, 0, 0), "{graph}");
        let masked = graph.nodes.iter().filter(|node| matches!(&node.op, FloatOp::Softmax { mask_axes: Some(_), .. }));
        assert_eq!(masked.count(), 2);
    }
}

#[test]
fn what_is_masked_out_changes_nothing() {
    let model = Architecture::parse(DESCRIPTION).unwrap().model(&weights("")).unwrap();
    let graph = agree(&model, &["batch=1..4", "tokens=1..16"], &inputs());
    let [ids, mask] = inputs();
    let mut other = ids.as_integers().unwrap().to_vec();
    (other[3], other[4]) = (5, 7);
    let run = |ids: Tensor| assay_import::float::execute(&graph, &[ids, mask.clone()], &mut |_, _| {}).unwrap();
    assert_eq!(run(ids), run(Tensor::integers(&[2, 5], other)));
}

#[test]
fn pooling_is_the_descriptions() {
    for (pooling, rank) in [("first", 2), ("none", 3), ("mean", 2)] {
        let text = DESCRIPTION.replace("normalise = true", &format!("pooling = \"{pooling}\""));
        let model = Architecture::parse(&text).unwrap().model(&weights("")).unwrap();
        let graph = agree(&model, &["batch=1..4", "tokens=1..16"], &inputs());
        assert_eq!(graph.value(graph.outputs[0]).shape.len(), rank);
    }
}

#[test]
fn what_is_missing_is_named() {
    let architecture = Architecture::parse(DESCRIPTION).unwrap();
    let gone = "encoder.layer.1.output.dense.bias";
    let error = architecture.model(&weights(gone)).unwrap_err();
    assert_eq!(error.code(), "I0132");
    assert!(error.to_string().contains(gone), "{error}");
    assert_eq!(architecture.model(b"nothing").unwrap_err().code(), "I0131");
    for text in [
        "kind = \"bert\"",
        "layers = 1",
        &format!("{DESCRIPTION}unknown = 1"),
        &DESCRIPTION.replace("heads = 2", "heads = 3"),
    ] {
        let result = Architecture::parse(text).and_then(|architecture| architecture.model(&weights("")));
        assert_eq!(result.unwrap_err().code(), "I0130", "{text}");
    }
}
