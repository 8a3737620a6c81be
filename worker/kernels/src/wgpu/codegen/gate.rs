//! The gate that every generated module passes: integers only, within the limits that every portable adapter has.

use super::{Binding, CodegenOptions, Kernel, Strategy, WideKind, kernel};
use crate::conformance::{Level, random_vector, vectors};
use referee::graph::ResolvedGraph;
use std::collections::BTreeSet;
use wgpu::naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use wgpu::naga::{AddressSpace, Expression, Handle, Module, ScalarKind, TypeInner, front::wgsl};

const STRATEGIES: [Strategy; 4] = [Strategy::Automatic, Strategy::Threads, Strategy::Workgroups, Strategy::Tiles];

fn is_float(kind: ScalarKind) -> bool {
    matches!(kind, ScalarKind::Float | ScalarKind::AbstractFloat)
}

/// Whether a type is floating point, or made of floating point numbers.
fn holds_float(inner: &TypeInner) -> bool {
    inner.scalar().is_some_and(|scalar| is_float(scalar.kind))
}

/// Declared types and expressions of a module that are floating point; every intermediate value is an expression.
fn floats(module: &Module, info: &ModuleInfo) -> usize {
    let types = module.types.iter().filter(|(_, kind)| holds_float(&kind.inner)).count();
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let entries = module.entry_points.iter().enumerate();
    let entries = entries.map(|(index, entry)| (&entry.function, info.get_entry_point(index)));
    let in_functions = functions.chain(entries).map(|(function, info)| {
        let float = |expression: Handle<Expression>| holds_float(info[expression].ty.inner_with(&module.types));
        function.expressions.iter().filter(|(expression, _)| float(*expression)).count()
    });
    types + in_functions.sum::<usize>()
}

fn parse(source: &str, capabilities: Capabilities) -> (Module, ModuleInfo) {
    let module = wgsl::parse_str(source).unwrap_or_else(|error| panic!("{}\n{source}", error.emit_to_string(source)));
    let info = Validator::new(ValidationFlags::all(), capabilities).validate(&module);
    let info = info.unwrap_or_else(|error| panic!("{error:?}\n{source}"));
    (module, info)
}

/// Bytes of workgroup memory.
fn shared_bytes(module: &Module) -> u32 {
    let shared = module.global_variables.iter().filter(|(_, variable)| variable.space == AddressSpace::WorkGroup);
    shared.map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx())).sum()
}

fn check(name: &str, kernel: &Kernel) {
    let (module, info) = parse(&kernel.source, Capabilities::SHADER_INT64);
    assert_eq!(floats(&module, &info), 0, "{name} has floats:\n{}", kernel.source);
    let threads: u32 = module.entry_points[0].workgroup_size.iter().product();
    assert!(threads <= 256, "{name}: {threads} threads");
    assert!(shared_bytes(&module) <= 16 * 1024, "{name}: {} bytes of shared memory", shared_bytes(&module));
    assert!(kernel.bindings.len() <= 8, "{name}: {} buffers", kernel.bindings.len());
    assert!(kernel.grid.iter().all(|groups| (1..=65_535).contains(groups)), "{name}: grid {:?}", kernel.grid);
    let distinct = kernel.bindings.iter().enumerate().all(|(at, one)| !kernel.bindings[..at].contains(one));
    assert!(distinct, "{name} binds a buffer twice");
    assert!(kernel.bindings.iter().any(|binding| matches!(binding, Binding::Write(_))), "{name} writes nothing");
}

fn graphs() -> Vec<(String, ResolvedGraph)> {
    let all = vectors(Level::Full).into_iter().chain((1000..1100).map(random_vector));
    all.map(|vector| (vector.name.clone(), vector.resolve().unwrap())).collect()
}

#[test]
fn every_module_is_valid_integer_only_and_portable() {
    let mut seen = BTreeSet::new();
    for (name, graph) in graphs() {
        for strategy in STRATEGIES {
            for wide in [WideKind::Pair, WideKind::Native] {
                for op in &graph.ops {
                    let kernel = kernel(&graph, op, CodegenOptions::new(wide, strategy)).unwrap();
                    if seen.insert(kernel.source.clone()) {
                        check(&name, &kernel);
                    }
                }
            }
        }
    }
    assert!(seen.len() > 1000, "only {} modules were checked", seen.len());
}

#[test]
fn pairs_of_words_need_no_64_bit_integers_of_the_adapter() {
    for (_, graph) in graphs() {
        for op in &graph.ops {
            let kernel = kernel(&graph, op, CodegenOptions::new(WideKind::Pair, Strategy::Automatic)).unwrap();
            parse(&kernel.source, Capabilities::empty());
        }
    }
}

#[test]
fn the_gate_sees_floats_wherever_they_stand() {
    let main = |body: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> b: array<u32>;\n\
             @compute @workgroup_size(1) fn main() {{ {body} }}"
        )
    };
    let count = |body: &str| {
        let (module, info) = parse(&main(body), Capabilities::empty());
        floats(&module, &info)
    };
    assert_eq!(count("b[0] = b[1] / 3u;"), 0);
    for body in [
        "b[0] = u32(f32(b[1]) / 3.0);",
        "b[0] = bitcast<u32>(bitcast<f32>(b[1]));",
        "var x = vec2<f32>(); b[0] = u32(x.x);",
        "b[0] = pack4x8snorm(unpack4x8snorm(b[1]));",
    ] {
        assert_ne!(count(body), 0, "{body}");
    }
}

#[test]
fn equal_ops_give_equal_modules_whatever_their_tensors() {
    let vector = vectors(Level::Full).into_iter().find(|vector| vector.name == "split reduction").unwrap();
    let graph = vector.resolve().unwrap();
    let mut moved = graph.ops[0].clone();
    moved.operands[0].slot = graph.ops[1].outputs[0];
    moved.outputs = graph.ops[1].outputs.clone();
    let options = CodegenOptions::new(WideKind::Pair, Strategy::Automatic);
    let [one, other] = [&graph.ops[0], &moved].map(|op| kernel(&graph, op, options).unwrap());
    assert_eq!(one.source, other.source);
    assert_ne!(one.bindings, other.bindings);
}

#[test]
fn a_device_that_stops_loops_gets_kernels_with_short_loops_or_none() {
    let vector = vectors(Level::Full).into_iter().find(|vector| vector.name == "bound -128 x -128 3x5").unwrap();
    let graph = vector.resolve().unwrap();
    let generate = |strategy, max_iterations| {
        let options = CodegenOptions { max_iterations, ..CodegenOptions::new(WideKind::Pair, strategy) };
        kernel(&graph, &graph.ops[0], options)
    };
    let workgroups = generate(Strategy::Workgroups, None).unwrap();
    // 131,071 elements are 32,768 words, shared by 64 threads; then 6 rounds add up the threads' sums.
    assert_eq!(workgroups.iterations, 1 + 32_768 / 64 + 6);
    let tiles = generate(Strategy::Tiles, None).unwrap();
    assert!(tiles.iterations > 40_000, "{}", tiles.iterations);
    assert_eq!(generate(Strategy::Tiles, Some(40_000)).unwrap().source, workgroups.source);
    let refused = generate(Strategy::Tiles, Some(100)).unwrap_err();
    assert_eq!(refused, super::CodegenError::Iterations { needed: workgroups.iterations, available: 100 });
}
