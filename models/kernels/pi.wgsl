//! axis block: 1..=65536
//! axis lane: 64
//! input first_block: i32 [1] at [0]
//! input seed: i32 [1] at [0]
//! output hits: u8

// Monte-Carlo: of 64 random points of a square, how many lie within its inscribed circle. Summed over all elements,
// four times their share is an estimate of pi.
//
// Points come from Philox 2x32 with 10 rounds, a generator that counts: sample s of element e is a function of (e, s) and the
// seed alone, so that any part can be computed anywhere, in any order, and again.

const MULTIPLIER: u64 = 0xd256d193lu;
const WEYL: u32 = 0x9e3779b9u;

fn philox(low: u32, high: u32, seed: u32) -> vec2<u32> {
    var a = low;
    var b = high;
    var key = seed;
    for (var round = 0; round < 10; round++) {
        let product = u64(a) * MULTIPLIER;
        a = u32(product >> 32u) ^ key ^ b;
        b = u32(product);
        key += WEYL;
    }
    return vec2<u32>(a, b);
}

fn element(block: u32, lane: u32, first_block: u32, seed: u32) -> i32 {
    let at = (first_block + block) * 64u + lane;
    var hits = 0;
    for (var sample = 0u; sample < 64u; sample++) {
        let point = philox(at, sample, seed);
        // 31 bits of each, so that the sum of the squares fits 63.
        let x = i64(point.x >> 1u);
        let y = i64(point.y >> 1u);
        hits += select(0, 1, x * x + y * y < 4611686018427387904li);
    }
    return hits;
}
