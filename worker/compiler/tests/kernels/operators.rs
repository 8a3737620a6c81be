//! Every operator and built-in function on all pairs of extremes, against what Rust computes.

use crate::common::on_pairs;

type Meaning = fn(i32, i32) -> i32;

fn check(cases: &[(&str, Meaning)]) {
    for (expression, meaning) in cases {
        let (_, values) = on_pairs(&format!("fn element(a: i32, b: i32) -> i32 {{ return {expression}; }}"));
        for ((a, b), value) in values {
            assert_eq!(value, meaning(a, b), "{expression} of {a} and {b}");
        }
    }
}

fn u(value: i32) -> u32 {
    value as u32
}

#[test]
fn signed_arithmetic_wraps_at_32_bits() {
    check(&[
        ("a + b", i32::wrapping_add),
        ("a - b", i32::wrapping_sub),
        ("a * b", i32::wrapping_mul),
        ("-a", |a, _| a.wrapping_neg()),
        ("~a", |a, _| !a),
        ("a & b", |a, b| a & b),
        ("a | b", |a, b| a | b),
        ("a ^ b", |a, b| a ^ b),
        ("(a + b) * (a - b) + 7", |a, b| a.wrapping_add(b).wrapping_mul(a.wrapping_sub(b)).wrapping_add(7)),
        ("(a * b) / 3", |a, b| a.wrapping_mul(b) / 3),
        ("(a + b) >> 4u", |a, b| a.wrapping_add(b) >> 4),
        ("(a + 1) >> 1u", |a, _| a.wrapping_add(1) >> 1),
        ("max(a + b, 5)", |a, b| a.wrapping_add(b).max(5)),
    ]);
}

#[test]
fn division_is_total() {
    let divide: Meaning = |a, b| if b == 0 { a } else { a.wrapping_div(b) };
    let rest: Meaning = |a, b| if b == 0 { 0 } else { a.wrapping_rem(b) };
    check(&[
        ("a / b", divide),
        ("a % b", rest),
        ("a / 7", |a, _| a / 7),
        ("a % 7", |a, _| a % 7),
        ("a / -7", |a, _| a / -7),
        ("a % -7", |a, _| a % -7),
        ("a / -1", |a, _| a.wrapping_neg()),
        ("a / 16", |a, _| a / 16),
        ("a % 16", |a, _| a % 16),
        ("(a & 255) / b", |a, b| if b == 0 { a & 255 } else { (a & 255) / b }),
        ("(a & 255) % b", |a, b| if b == 0 { 0 } else { (a & 255) % b }),
        ("i32(u32(a) / u32(b))", |a, b| if b == 0 { a } else { (u(a) / u(b)) as i32 }),
        ("i32(u32(a) % u32(b))", |a, b| if b == 0 { 0 } else { (u(a) % u(b)) as i32 }),
        ("i32(u32(a) % 8u)", |a, _| (u(a) % 8) as i32),
        ("i32(i64(a) * i64(b) / 1000li)", |a, b| (i64::from(a) * i64::from(b) / 1000) as i32),
        ("i32(i64(a) % i64(b))", |a, b| if b == 0 { 0 } else { (i64::from(a) % i64::from(b)) as i32 }),
    ]);
}

#[test]
fn shifts_count_modulo_the_bits() {
    check(&[
        ("a << u32(b)", |a, b| a.wrapping_shl(u(b))),
        ("a >> u32(b)", |a, b| a.wrapping_shr(u(b))),
        ("i32(u32(a) >> u32(b))", |a, b| u(a).wrapping_shr(u(b)) as i32),
        ("i32(u32(a) << u32(b))", |a, b| u(a).wrapping_shl(u(b)) as i32),
        ("(a * b) >> u32(b)", |a, b| a.wrapping_mul(b).wrapping_shr(u(b))),
        ("i32((u32(a) * 0x9e3779b9u) >> 16u)", |a, _| (u(a).wrapping_mul(0x9e37_79b9) >> 16) as i32),
        ("i32((u64(u32(a)) * 0xd2511f53lu) >> 32u)", |a, _| ((u64::from(u(a)) * 0xd251_1f53) >> 32) as i32),
        ("i32((i64(a) << 40u) >> 44u)", |a, _| ((i64::from(a) << 40) >> 44) as i32),
    ]);
}

#[test]
fn comparisons_and_logic() {
    check(&[
        ("i32(a < b)", |a, b| (a < b).into()),
        ("i32(a <= b)", |a, b| (a <= b).into()),
        ("i32(a > b)", |a, b| (a > b).into()),
        ("i32(a >= b)", |a, b| (a >= b).into()),
        ("i32(a == b)", |a, b| (a == b).into()),
        ("i32(a != b)", |a, b| (a != b).into()),
        ("i32(u32(a) < u32(b))", |a, b| (u(a) < u(b)).into()),
        ("i32(u32(a) >= u32(b))", |a, b| (u(a) >= u(b)).into()),
        ("i32(u64(i64(a)) < u64(i64(b)))", |a, b| ((i64::from(a) as u64) < i64::from(b) as u64).into()),
        ("i32(a + b < 10)", |a, b| (a.wrapping_add(b) < 10).into()),
        ("i32(!(a < b) && b != 0)", |a, b| (a >= b && b != 0).into()),
        ("i32(a < b || a == 7)", |a, b| (a < b || a == 7).into()),
        ("i32((a < b) != (b < 0))", |a, b| ((a < b) != (b < 0)).into()),
        ("select(a, b, a <= 3)", |a, b| if a <= 3 { b } else { a }),
        ("select(a, b, !(a != b))", |a, b| if a == b { b } else { a }),
        ("i32(bool(a)) + i32(bool(b - 1))", |a, b| i32::from(a != 0) + i32::from(b.wrapping_sub(1) != 0)),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("abs(a)", |a, _| a.wrapping_abs()),
        ("abs(a - b)", |a, b| a.wrapping_sub(b).wrapping_abs()),
        ("min(a, b)", i32::min),
        ("max(a, b)", i32::max),
        ("i32(min(u32(a), u32(b)))", |a, b| u(a).min(u(b)) as i32),
        ("i32(max(u32(a), u32(b)))", |a, b| u(a).max(u(b)) as i32),
        ("i32(min(u64(i64(a)), u64(i64(b))))", |a, b| (i64::from(a) as u64).min(i64::from(b) as u64) as i32),
        ("clamp(a, -5, b)", |a, b| a.max(-5).min(b)),
        ("sign(a)", |a, _| a.signum()),
        ("i32(countLeadingZeros(u32(a)))", |a, _| u(a).leading_zeros() as i32),
        ("countLeadingZeros(a)", |a, _| a.leading_zeros() as i32),
        ("countTrailingZeros(a)", |a, _| a.trailing_zeros() as i32),
        ("i32(firstLeadingBit(u32(a)))", |a, _| 31 - u(a).leading_zeros() as i32),
        ("firstLeadingBit(a)", |a, _| 31 - (a ^ (a >> 31)).leading_zeros() as i32),
        ("firstTrailingBit(a)", |a, _| if a == 0 { -1 } else { a.trailing_zeros() as i32 }),
        ("dot(vec2<i32>(a, b), vec2<i32>(b, 3))", |a, b| a.wrapping_mul(b).wrapping_add(b.wrapping_mul(3))),
        ("bitcast<i32>(bitcast<u32>(a) + 1u)", |a, _| a.wrapping_add(1)),
    ]);
}

#[test]
fn vectors_structs_and_arrays_are_their_scalars() {
    check(&[
        ("(vec3<i32>(a, b, 4) * vec3<i32>(2, a, b)).y", |a, b| b.wrapping_mul(a)),
        ("(vec2<i32>(a, b).yx + 3).x", |a, b| {
            let _ = a;
            b.wrapping_add(3)
        }),
        ("max(vec2<i32>(a, 1), vec2<i32>(b)).x", |a, b| a.max(b)),
        ("i32(any(vec2<i32>(a, b) < vec2<i32>(3)))", |a, b| (a < 3 || b < 3).into()),
        ("i32(all(vec2<i32>(a, b) < vec2<i32>(3)))", |a, b| (a < 3 && b < 3).into()),
        ("select(vec2<i32>(a), vec2<i32>(b), vec2<bool>(a < 0, true)).x", |a, b| if a < 0 { b } else { a }),
        ("array<i32, 3>(a, b, a + b)[2]", i32::wrapping_add),
    ]);
    let body = "
        struct Point { x: i32, y: i32 }
        fn turned(p: Point) -> Point { return Point(-p.y, p.x); }
        fn element(a: i32, b: i32) -> i32 {
            var points: array<Point, 2>;
            points[1] = turned(Point(a, b));
            points[0].x = points[1].x + 1;
            var v = vec2<i32>(points[0].x, 5);
            v.y -= a;
            return v.x ^ v.y;
        }";
    for ((a, b), value) in on_pairs(body).1 {
        assert_eq!(value, b.wrapping_neg().wrapping_add(1) ^ 5i32.wrapping_sub(a), "{a} and {b}");
    }
}
