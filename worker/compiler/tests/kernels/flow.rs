//! Branches, loops and calls, against the same in Rust.

use crate::common::on_pairs;
use assay_compiler::Kernel;
use referee::graph::Instruction;

fn check(body: &str, meaning: impl Fn(i32, i32) -> i32) -> Kernel {
    let (kernel, values) = on_pairs(body);
    for ((a, b), value) in values {
        assert_eq!(value, meaning(a, b), "{body} of {a} and {b}");
    }
    kernel
}

fn loops(kernel: &Kernel) -> usize {
    kernel.program.code.iter().filter(|instruction| matches!(instruction, Instruction::Loop { .. })).count()
}

#[test]
fn both_arms_of_branches_and_early_returns() {
    check(
        "fn element(a: i32, b: i32) -> i32 {
            var r = a;
            if a < b { r = b; if b > 100 { r -= 1; } } else if a == b { return 77; } else { r += 2; }
            if r > 1000 { return r / 2; }
            return r * 3;
        }",
        |a, b| {
            let mut r = a;
            if a < b {
                r = b;
                if b > 100 {
                    r -= 1;
                }
            } else if a == b {
                return 77;
            } else {
                r = r.wrapping_add(2);
            }
            if r > 1000 { r / 2 } else { r.wrapping_mul(3) }
        },
    );
}

#[test]
fn switches_with_shared_cases_and_breaks() {
    check(
        "fn element(a: i32, b: i32) -> i32 {
            var r = 0;
            switch a {
                case 0, 1: { r = b; if b < 0 { break; } r = r + 5; }
                case -1: { r = 9; }
                default: { r = a; }
                case 7: { return 3; }
            }
            return r ^ 1;
        }",
        |a, b| {
            let r = match a {
                0 | 1 if b < 0 => b,
                0 | 1 => b.wrapping_add(5),
                -1 => 9,
                7 => return 3,
                _ => a,
            };
            r ^ 1
        },
    );
}

#[test]
fn short_loops_are_written_out_and_long_ones_turn() {
    let body = |turns: u32| {
        format!(
            "fn element(a: i32, b: i32) -> i32 {{
                var sum = a;
                for (var i = 0; i < {turns}; i++) {{ sum = sum * 31 + (b ^ i); }}
                return sum;
            }}"
        )
    };
    for turns in [0u32, 1, 2, 5, 200] {
        let kernel =
            check(&body(turns), |a, b| (0..turns as i32).fold(a, |sum, i| sum.wrapping_mul(31).wrapping_add(b ^ i)));
        assert_eq!(loops(&kernel), usize::from(turns == 200), "{turns} turns");
    }
}

#[test]
fn counters_of_every_form() {
    let forms = [
        ("for (var i = 10; i > 0; i--)", (1..=10).rev().collect::<Vec<i32>>()),
        ("for (var i = 0; i <= 300; i += 3)", (0..=300).step_by(3).collect()),
        ("for (var i = 1; i < 5000; i *= 2)", vec![1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]),
        ("for (var i = 4096; i != 0; i >>= 1u)", (0..=12).rev().map(|bit| 1 << bit).collect()),
        ("for (var i = 0; 100 > i; i = 1 + i)", (0..100).collect()),
    ];
    for (form, values) in forms {
        let body =
            format!("fn element(a: i32, b: i32) -> i32 {{ var s = b; {form} {{ s = (s ^ (a + i)) * 3; }} return s; }}");
        check(&body, |a, b| values.iter().fold(b, |s, i| (s ^ a.wrapping_add(*i)).wrapping_mul(3)));
    }
}

#[test]
fn loops_are_left_skipped_and_returned_from() {
    let kernel = check(
        "fn element(a: i32, b: i32) -> i32 {
            var n = 0;
            var x = a;
            for (var i = 0; i < 100; i++) {
                if (x & 7) == 3 { x += b; continue; }
                if x > 100000 { n = n + 1000; break; }
                if x == -5 { return i; }
                x = x * 3 + 1;
                n++;
            }
            return x ^ n;
        }",
        |a, b| {
            let (mut n, mut x) = (0i32, a);
            for i in 0..100 {
                if x & 7 == 3 {
                    x = x.wrapping_add(b);
                    continue;
                }
                if x > 100_000 {
                    n += 1000;
                    break;
                }
                if x == -5 {
                    return i;
                }
                x = x.wrapping_mul(3).wrapping_add(1);
                n += 1;
            }
            x ^ n
        },
    );
    assert_eq!(loops(&kernel), 1);
    assert!(kernel.program.code.iter().any(|instruction| matches!(instruction, Instruction::BreakIfZero { .. })));
}

#[test]
fn a_return_before_an_inner_loop_leaves_the_outer_one() {
    let kernel = check(
        "fn element(a: i32, b: i32) -> i32 {
            var v = a;
            for (var i = 25; i > 0; i--) {
                if v <= 2 { return -a; }
                for (var j = 31; j > 0; j--) { v ^= (b >> 26u) + j; }
            }
            return b;
        }",
        |a, b| {
            let mut v = a;
            for _ in 0..25 {
                if v <= 2 {
                    return a.wrapping_neg();
                }
                for j in (1..=31).rev() {
                    v ^= (b >> 26) + j;
                }
            }
            b
        },
    );
    assert_eq!(loops(&kernel), 2);
}

#[test]
fn nested_loops_with_values_that_change_places() {
    let kernel = check(
        "fn element(a: i32, b: i32) -> i32 {
            var x = a;
            var y = b;
            for (var i = 0; i < 20; i++) {
                for (var j = 0; j < 40; j++) {
                    let t = x;
                    x = y;
                    y = t + y;
                    if y < -1000 { break; }
                }
                x ^= i;
                if (x & 15) == 9 { break; }
            }
            return x - y;
        }",
        |a, b| {
            let (mut x, mut y) = (a, b);
            for i in 0..20 {
                for _ in 0..40 {
                    (x, y) = (y, x.wrapping_add(y));
                    if y < -1000 {
                        break;
                    }
                }
                x ^= i;
                if x & 15 == 9 {
                    break;
                }
            }
            x.wrapping_sub(y)
        },
    );
    assert_eq!(loops(&kernel), 2);
}

#[test]
fn a_third_loop_within_two_is_written_out() {
    let kernel = check(
        "fn element(a: i32, b: i32) -> i32 {
            var x = a;
            for (var i = 0; i < 10; i++) { for (var j = 0; j < 10; j++) { for (var k = 0; k < 3; k++) {
                x = x * 5 + b + k; if x == 0 { break; } } x -= j; } x += i; }
            return x;
        }",
        |a, b| {
            let mut x = a;
            for i in 0..10 {
                for j in 0..10 {
                    for k in 0..3 {
                        x = x.wrapping_mul(5).wrapping_add(b).wrapping_add(k);
                        if x == 0 {
                            break;
                        }
                    }
                    x = x.wrapping_sub(j);
                }
                x = x.wrapping_add(i);
            }
            x
        },
    );
    assert!(loops(&kernel) <= 2);
}

#[test]
fn calls_return_out_of_loops_and_keep_their_own_variables() {
    check(
        "fn bits(v: i32) -> i32 {
            var x = u32(v);
            for (var n = 0; n < 33; n++) { if x == 0u { return n; } x = x >> 1u; }
            return -1;
        }
        fn element(a: i32, b: i32) -> i32 {
            var s = 0;
            for (var i = 0; i < 9; i++) { s = s + bits(a + i) - bits(b); }
            return s;
        }",
        |a, b| {
            let bits = |v: i32| 32 - (v as u32).leading_zeros() as i32;
            (0..9).map(|i| bits(a.wrapping_add(i)) - bits(b)).sum()
        },
    );
}

#[test]
fn many_constants_and_long_lives_find_registers() {
    let constants: Vec<String> =
        (0..24).map(|k| format!("x = (x ^ {}) * {};", 1_000_003 + 7 * k, 77_777 + 2 * k)).collect();
    let long = format!(
        "fn element(a: i32, b: i32) -> i32 {{
            let p = a + 1; let q = b + 2; let r = a ^ b; let s = a - b; let t = a * 3; let u = b * 5;
            var x = a;
            for (var i = 0; i < 65; i++) {{ {} x += p ^ q; }}
            return x + p + q + r + s + t + u;
        }}",
        constants[..12].join(" ")
    );
    check(&long, |a, b| {
        let mut x = a;
        for _ in 0..65 {
            for k in 0..12 {
                x = (x ^ (1_000_003 + 7 * k)).wrapping_mul(77_777 + 2 * k);
            }
            x = x.wrapping_add(a.wrapping_add(1) ^ b.wrapping_add(2));
        }
        let terms =
            [a.wrapping_add(1), b.wrapping_add(2), a ^ b, a.wrapping_sub(b), a.wrapping_mul(3), b.wrapping_mul(5)];
        terms.iter().fold(x, |x, term| x.wrapping_add(*term))
    });
}
