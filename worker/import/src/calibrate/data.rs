//! Examples from files: safetensors, or one JSON object a line.

use super::Example;
use crate::error::ImportError;
use crate::float::{ElementType, FloatGraph, Tensor};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Examples of a file, or of all files of a folder in the order of their names, one file at a time.
///
/// * `*.safetensors`: tensors that are called as the model's inputs are one example; of several, each has a label and a
///   slash before the name (`7/ids`).
/// * `*.jsonl`: each line is an object from the names of the inputs to lists (of lists ..) of numbers.
pub struct Examples<'a> {
    graph: &'a FloatGraph,
    files: std::vec::IntoIter<PathBuf>,
    read: std::vec::IntoIter<Example>,
}

impl<'a> Examples<'a> {
    /// Finds the files.
    ///
    /// # Errors
    /// [`ImportError::Read`] or [`ImportError::Data`].
    pub fn open(path: &Path, graph: &'a FloatGraph) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Read { path: path.to_owned(), source };
        let mut files = vec![path.to_owned()];
        if std::fs::metadata(path).map_err(failed)?.is_dir() {
            files.clear();
            for entry in std::fs::read_dir(path).map_err(failed)? {
                let file = entry.map_err(failed)?.path();
                if format_of(&file).is_some() {
                    files.push(file);
                }
            }
            files.sort();
        }
        if files.iter().any(|file| format_of(file).is_none()) || files.is_empty() {
            let reason = format!("{} holds no file that ends in .safetensors or .jsonl", path.display());
            return Err(ImportError::Data { reason });
        }
        Ok(Self { graph, files: files.into_iter(), read: Vec::new().into_iter() })
    }

    fn file(&self, path: &Path) -> Result<Vec<Example>, ImportError> {
        let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
        let examples = match format_of(path) {
            Some(Format::Safetensors) => of_safetensors(&bytes, self.graph),
            _ => of_lines(&bytes, self.graph),
        };
        examples.map_err(|reason| ImportError::Data { reason: format!("{}: {reason}", path.display()) })
    }
}

impl Iterator for Examples<'_> {
    type Item = Result<Example, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(example) = self.read.next() {
                return Some(Ok(example));
            }
            let file = self.files.next()?;
            match self.file(&file) {
                Ok(examples) => self.read = examples.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

enum Format {
    Safetensors,
    Lines,
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "safetensors" => Some(Format::Safetensors),
        "jsonl" => Some(Format::Lines),
        _ => None,
    }
}

/// One tensor for each input, in the graph's order.
fn in_order(graph: &FloatGraph, mut named: BTreeMap<String, Tensor>) -> Result<Example, String> {
    let mut example = Vec::new();
    for &id in &graph.inputs {
        let value = graph.value(id);
        let tensor = named.remove(&value.name).ok_or_else(|| {
            let known: Vec<&str> = named.keys().map(String::as_str).collect();
            format!("there is nothing for input {:?}, but for {known:?}", value.name)
        })?;
        example.push(match (value.element_type, tensor.as_integers(), tensor.as_floats()) {
            (ElementType::Float, Some(integers), _) => {
                Tensor::floats(&tensor.shape, integers.iter().map(|&number| number as f32).collect())
            }
            (ElementType::Integer | ElementType::Boolean, _, Some(_)) => {
                return Err(format!("input {:?} is of integers", value.name));
            }
            _ => tensor,
        });
    }
    match named.keys().next() {
        Some(unknown) => Err(format!("the model has no input {unknown:?}")),
        None => Ok(example),
    }
}

fn of_safetensors(bytes: &[u8], graph: &FloatGraph) -> Result<Vec<Example>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut groups: BTreeMap<String, BTreeMap<String, Tensor>> = BTreeMap::new();
    let inputs: Vec<&str> = graph.inputs.iter().map(|&id| graph.value(id).name.as_str()).collect();
    for (name, view) in file.iter() {
        // the name of an input may itself hold a slash
        let (label, input) =
            if inputs.contains(&name) { ("", name) } else { name.split_once('/').unwrap_or(("", name)) };
        let data = view.data();
        let integers =
            |width: usize, number: fn(&[u8]) -> i64| data.chunks_exact(width).map(number).collect::<Vec<i64>>();
        let tensor = match view.dtype() {
            Dtype::F32 => {
                let values = data.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
                Tensor::floats(view.shape(), values)
            }
            Dtype::F64 => {
                let values = data.as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect();
                Tensor::floats(view.shape(), values)
            }
            Dtype::BOOL | Dtype::U8 => Tensor::integers(view.shape(), integers(1, |bytes| i64::from(bytes[0]))),
            Dtype::I8 => Tensor::integers(view.shape(), integers(1, |bytes| i64::from(bytes[0] as i8))),
            Dtype::I32 => {
                let values =
                    data.as_chunks::<4>().0.iter().map(|&bytes| i64::from(i32::from_le_bytes(bytes))).collect();
                Tensor::integers(view.shape(), values)
            }
            Dtype::I64 => {
                let values = data.as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect();
                Tensor::integers(view.shape(), values)
            }
            other => return Err(format!("tensor {name:?} has elements of type {other:?}")),
        };
        groups.entry(label.to_owned()).or_default().insert(input.to_owned(), tensor);
    }
    // labels that are numbers count as such
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(label, _)| (label.parse::<u64>().unwrap_or(u64::MAX), label.clone()));
    let labelled = |(label, named)| in_order(graph, named).map_err(|reason| format!("example {label:?}: {reason}"));
    groups.into_iter().map(labelled).collect()
}

fn of_lines(bytes: &[u8], graph: &FloatGraph) -> Result<Vec<Example>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| String::from("it is not text"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let example = |line: &str| {
        let object: BTreeMap<String, Value> = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let named =
            object.into_iter().map(|(name, value)| Ok((name, nested(&value)?))).collect::<Result<_, String>>()?;
        in_order(graph, named)
    };
    lines.map(|(index, line)| example(line).map_err(|reason| format!("line {}: {reason}", index + 1))).collect()
}

/// A tensor of nested lists: integers if all numbers are.
fn nested(value: &Value) -> Result<Tensor, String> {
    let (mut shape, mut at) = (Vec::new(), value);
    while let Value::Array(items) = at {
        shape.push(items.len());
        match items.first() {
            Some(first) => at = first,
            None => break,
        }
    }
    let mut numbers = Vec::new();
    flatten(value, &shape, &mut numbers)?;
    let integers: Option<Vec<i64>> = numbers.iter().map(serde_json::Number::as_i64).collect();
    Ok(match integers {
        Some(integers) => Tensor::integers(&shape, integers),
        None => {
            Tensor::floats(&shape, numbers.iter().map(|number| number.as_f64().unwrap_or(f64::NAN) as f32).collect())
        }
    })
}

fn flatten(value: &Value, shape: &[usize], numbers: &mut Vec<serde_json::Number>) -> Result<(), String> {
    match (value, shape) {
        (Value::Array(items), [length, rest @ ..]) if items.len() == *length => {
            items.iter().try_for_each(|item| flatten(item, rest, numbers))
        }
        (Value::Number(number), []) => {
            numbers.push(number.clone());
            Ok(())
        }
        (Value::Bool(flag), []) => {
            numbers.push(u8::from(*flag).into());
            Ok(())
        }
        _ => Err(String::from("lists of numbers are not all of one length")),
    }
}
