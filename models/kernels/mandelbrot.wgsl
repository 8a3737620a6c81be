//! axis y: 1..=1024
//! axis x: 1..=4096
//! input first_y: i32 [1] at [0]
//! input left: i32 [1] at [0]
//! input top: i32 [1] at [0]
//! input step: i32 [1] at [0]
//! output turns: u8
//! steps 4300

// The Mandelbrot set in fixed point: how many turns a point stays within distance 2, at most 255.
// left, top and step (the size of a pixel) are in units of 2^-24, good for magnifications of up to some 2^14; a part of a
// picture begins at row first_y of the whole.

const BITS: u32 = 24u;
const FOUR: i64 = 67108864li;

fn element(y: i64, x: i64, first_y: i64, left: i64, top: i64, step: i64) -> i32 {
    let real = left + x * step;
    let imaginary = top - (first_y + y) * step;
    var a = 0li;
    var b = 0li;
    var turns = 0;
    for (; turns < 255; turns++) {
        let aa = (a * a) >> BITS;
        let bb = (b * b) >> BITS;
        if aa + bb > FOUR {
            break;
        }
        b = ((a * b) >> (BITS - 1u)) + imaginary;
        a = aa - bb + real;
    }
    return turns;
}
