//! A WGSL module under construction: bindings, helper functions, globals and the body of `main`.

use super::library::{WideKind, functions_for, loop_turns};
use super::{Binding, Kernel, Read};
use referee::graph::Dtype;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Most workgroups along one dimension of a dispatch; more spill into the second dimension.
pub(super) const MAX_GROUPS: u32 = 65_535;

/// How an output binding is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputWords {
    /// Each word is written whole by one thread.
    Plain,
    /// Threads share words and merge their bytes.
    Shared,
}

/// A module under construction.
pub(super) struct Shader {
    wide: WideKind,
    bindings: Vec<Binding>,
    declarations: Vec<String>,
    globals: Vec<String>,
    functions: BTreeMap<String, String>,
    body: String,
    /// For each open block, how often a thread enters it at most.
    turns: Vec<u64>,
    /// Turns of all loops of a thread, at most.
    iterations: u64,
    names: u32,
}

impl Shader {
    pub(super) fn new(wide: WideKind) -> Self {
        Self {
            wide,
            bindings: Vec::new(),
            declarations: Vec::new(),
            globals: Vec::new(),
            functions: BTreeMap::new(),
            body: String::new(),
            turns: Vec::new(),
            iterations: 0,
            names: 0,
        }
    }

    /// A name that nothing else has.
    pub(super) fn name(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}_{}", self.names)
    }

    /// Adds a line to `main`.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        for _ in 0..=self.turns.len() {
            self.body.push_str("  ");
        }
        self.iterations = self.iterations.saturating_add(self.turns().saturating_mul(loop_turns(text.as_ref())));
        self.body.push_str(text.as_ref());
        self.body.push('\n');
    }

    /// Adds `let name = value;` and gives the name.
    pub(super) fn bind(&mut self, stem: &str, value: impl AsRef<str>) -> String {
        let name = self.name(stem);
        self.line(format!("let {name} = {};", value.as_ref()));
        name
    }

    /// Opens a block: `head {`.
    pub(super) fn open(&mut self, head: impl AsRef<str>) {
        self.open_loop(head, 1);
        self.iterations -= self.turns.last().copied().unwrap_or(0);
    }

    /// Opens a loop, `head {`, that a thread runs through at most `turns` times.
    pub(super) fn open_loop(&mut self, head: impl AsRef<str>, turns: u32) {
        self.line(format!("{} {{", head.as_ref()));
        let turns = self.turns().saturating_mul(u64::from(turns));
        self.turns.push(turns);
        self.iterations = self.iterations.saturating_add(turns);
    }

    /// Opens a loop of `variable` from the expression `first` up to but without `end`.
    pub(super) fn repeat(&mut self, variable: &str, first: &str, end: u32, step: u32) {
        let head = format!("for (var {variable} = {first}; {variable} < {end}u; {variable} += {step}u)");
        self.open_loop(head, end.div_ceil(step));
    }

    /// Closes the innermost block.
    pub(super) fn close(&mut self) {
        self.turns.pop();
        self.line("}");
    }

    /// How often a thread comes by here, at most.
    fn turns(&self) -> u64 {
        self.turns.last().copied().unwrap_or(1)
    }

    /// Adds a module-scope declaration.
    pub(super) fn global(&mut self, text: String) {
        self.globals.push(text);
    }

    /// Index of the binding that reads `source`; the same source has one binding.
    pub(super) fn read(&mut self, source: Read) -> usize {
        let binding = Binding::Read(source);
        if let Some(index) = self.bindings.iter().position(|known| *known == binding) {
            return index;
        }
        let index = self.bindings.len();
        self.declarations.push(format!("@group(0) @binding({index}) var<storage, read> b{index}: array<u32>;"));
        self.bindings.push(binding);
        index
    }

    /// Index of a new binding that output `output` is written to.
    pub(super) fn write(&mut self, output: usize, words: OutputWords) -> usize {
        let index = self.bindings.len();
        let element = match words {
            OutputWords::Plain => "u32",
            OutputWords::Shared => "atomic<u32>",
        };
        self.declarations
            .push(format!("@group(0) @binding({index}) var<storage, read_write> b{index}: array<{element}>;"));
        self.bindings.push(Binding::Write(output));
        index
    }

    /// An `i32` expression: the element of binding `index` at the row-major index `element`.
    pub(super) fn load(&mut self, index: usize, dtype: Dtype, element: &str) -> String {
        let (name, value) = match dtype {
            Dtype::I8 => ("i8", format!("bitcast<i32>(b{index}[e >> 2u] << (24u - ((e & 3u) << 3u))) >> 24u")),
            Dtype::U8 => ("u8", format!("bitcast<i32>((b{index}[e >> 2u] >> ((e & 3u) << 3u)) & 0xffu)")),
            Dtype::I16 => ("i16", format!("bitcast<i32>(b{index}[e >> 1u] << (16u - ((e & 1u) << 4u))) >> 16u")),
            Dtype::I32 => return format!("bitcast<i32>(b{index}[{element}])"),
        };
        let name = format!("load_{name}_b{index}");
        let text = format!("fn {name}(e: u32) -> i32 {{\n  return {value};\n}}\n");
        self.functions.insert(name.clone(), text);
        format!("{name}({element})")
    }

    /// A `u32` expression: the four bytes of binding `index` from byte `at`, which need not be aligned.
    pub(super) fn load_unaligned(&mut self, index: usize, at: &str) -> String {
        let name = format!("load_word_b{index}");
        let text = format!(
            "fn {name}(at: u32) -> u32 {{\n  let bits = (at & 3u) << 3u;\n  let low = b{index}[at >> 2u];\n  \
             let high = b{index}[(at >> 2u) + 1u];\n  \
             return select((low >> bits) | (high << ((32u - bits) & 31u)), low, bits == 0u);\n}}\n"
        );
        self.functions.insert(name.clone(), text);
        format!("{name}({at})")
    }

    /// A statement that puts the bytes of `value` under `mask` at bit `bits` of word `word` of a shared output,
    /// spilling into the next word. Each thread owns its bytes, so the order of threads does not matter.
    pub(super) fn merge(&mut self, index: usize, word: &str, bits: &str, value: &str, mask: &str) -> String {
        let name = format!("merge_b{index}");
        let text = format!(
            "fn {name}(word: u32, bits: u32, value: u32, mask: u32) {{\n  \
             let near = mask << (bits & 31u);\n  \
             if (near == 0xffffffffu) {{\n    atomicStore(&b{index}[word], value);\n    return;\n  }}\n  \
             atomicAnd(&b{index}[word], ~near);\n  \
             atomicOr(&b{index}[word], (value & mask) << (bits & 31u));\n  \
             if (bits != 0u) {{\n    let far = mask >> ((32u - bits) & 31u);\n    \
             if (far != 0u) {{\n      atomicAnd(&b{index}[word + 1u], ~far);\n      \
             atomicOr(&b{index}[word + 1u], (value & mask) >> ((32u - bits) & 31u));\n    }}\n  }}\n}}\n"
        );
        self.functions.insert(name.clone(), text);
        format!("{name}({word}, {bits}, {value}, {mask});")
    }

    /// Ends the module: `threads` a workgroup, `groups` workgroups in all.
    pub(super) fn finish(self, threads: u32, groups: u32, work: u64) -> Kernel {
        let mut source = String::new();
        for declaration in self.declarations.iter().chain(&self.globals) {
            source.push_str(declaration);
            source.push('\n');
        }
        for function in self.functions.values() {
            source.push_str(function);
        }
        let _ = write!(
            source,
            "@compute @workgroup_size({threads})\nfn main(@builtin(workgroup_id) group_id: vec3<u32>, \
             @builtin(local_invocation_index) local: u32) {{\n  \
             let group = group_id.y * {MAX_GROUPS}u + group_id.x;\n{}}}\n",
            self.body
        );
        let library = functions_for(&source, self.wide);
        source.insert_str(0, &library);
        let grid = [groups.min(MAX_GROUPS), groups.div_ceil(MAX_GROUPS)];
        Kernel { source, bindings: self.bindings, grid, work, iterations: self.iterations }
    }
}
