//! Files of a few hundred bytes that declare gigabytes of constants, or hours of products, are refused before anything is reserved.

use assay_import::float::Tensor;
use assay_import::onnx::builder::{Attribute, Length, ModelBuilder};
use assay_import::onnx::proto::{ModelProto, data_type};
use assay_import::{ImportOptions, import_onnx};
use prost::Message;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are held, and the most that were.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator with the same arguments; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that a file of this size may make the importer hold beside itself.
const MOST_BYTES: usize = 600 << 20;

/// The code with which a model is refused, and the most that was held meanwhile.
fn refused(model: ModelProto) -> (&'static str, usize) {
    let bytes = model.encode_to_vec();
    assert!(bytes.len() < 16_000, "{} bytes are no small file", bytes.len());
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let error = import_onnx(&bytes, &ImportOptions::default()).expect_err("a bomb");
    (error.code(), MOST.load(Ordering::Relaxed) - before)
}

/// A constant of ones of a shape, as a file declares it: a number and a shape.
fn filled(model: &mut ModelBuilder, shape: &[i64]) -> String {
    let shape = model.integers(shape);
    model.node("ConstantOfShape", &[&shape], &[("value", Attribute::Tensor(Tensor::floats(&[1], vec![1.0])))])
}

fn begun() -> ModelBuilder {
    let mut model = ModelBuilder::new(13);
    let x = model.input("x", data_type::FLOAT, &[Length::Known(4)]);
    model.output(&x);
    model
}

/// One constant after another, each within what a single one may have.
fn many_constants() -> ModelProto {
    let mut model = begun();
    for _ in 0..40 {
        filled(&mut model, &[4096, 4096]);
    }
    model.finish()
}

fn one_constant(shape: &[i64]) -> ModelProto {
    let mut model = begun();
    filled(&mut model, shape);
    model.finish()
}

/// Products of matrices that are declared only: some seconds each, and any number of them.
fn long_products() -> ModelProto {
    let mut model = begun();
    let (a, b) = (filled(&mut model, &[2048, 2048]), filled(&mut model, &[2048, 2048]));
    for _ in 0..40 {
        model.node("MatMul", &[&a, &b], &[]);
    }
    model.finish()
}

/// A row of numbers for each look-up.
fn many_one_hots() -> ModelProto {
    let mut model = ModelBuilder::new(13);
    let ids = model.input("ids", data_type::INT64, &[Length::Known(1)]);
    let depth = model.integers(&[1 << 20]);
    let values = model.constant(&Tensor::floats(&[2], vec![0.0, 1.0]));
    for _ in 0..100 {
        let hot = model.node("OneHot", &[&ids, &depth, &values], &[]);
        model.output(&hot);
    }
    model.finish()
}

#[test]
fn what_a_small_file_declares_is_refused_before_it_is_made() {
    let bombs = [
        ("many constants", many_constants()),
        ("one constant", one_constant(&[1 << 13, 1 << 13])),
        ("a constant beyond all memory", one_constant(&[1 << 30, 1 << 30, 1 << 30])),
        ("long products", long_products()),
        ("many look-ups", many_one_hots()),
    ];
    for (name, model) in bombs {
        let (code, most) = refused(model);
        assert_eq!(code, "I0106", "{name}");
        assert!(most < MOST_BYTES, "{name}: {most} bytes were held");
    }
}

/// The distance of two numbers may not fit into their own bits.
#[test]
fn a_range_over_all_integers_is_refused_like_any_other_long_one() {
    let mut model = begun();
    let scalar = |model: &mut ModelBuilder, value| model.constant(&Tensor::integers(&[], vec![value]));
    for (start, end, step) in [(i64::MAX, i64::MIN, -1), (i64::MIN, i64::MAX, 1), (i64::MIN, i64::MAX, i64::MIN)] {
        let (start, end, step) = (scalar(&mut model, start), scalar(&mut model, end), scalar(&mut model, step));
        model.node("Range", &[&start, &end, &step], &[]);
    }
    let error = import_onnx(&model.finish().encode_to_vec(), &ImportOptions::default()).expect_err("too long");
    assert_eq!(error.code(), "I0112", "{error}");
}
