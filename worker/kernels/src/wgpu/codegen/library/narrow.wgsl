// Operations on registers whose values are proved to fit 32 bits, where WGSL has no single operator for them.

// The low word of a 64-bit shift by count & 63.
fn n_shift_left(a: i32, count: u32) -> i32 {
  return select(a << (count & 31u), 0i, (count & 32u) != 0u);
}

// a is not negative.
fn n_shift_right(a: i32, count: u32) -> i32 {
  return select(a >> (count & 31u), 0i, (count & 32u) != 0u);
}

fn n_shift_arithmetic(a: i32, count: u32) -> i32 {
  return a >> min(count & 63u, 31u);
}

// Neither is negative.
fn n_divide_unsigned(a: i32, b: i32) -> i32 {
  if (b == 0i) {
    return a;
  }
  return bitcast<i32>(bitcast<u32>(a) / bitcast<u32>(b));
}

// a is not negative.
fn n_square_root(a: i32) -> i32 {
  var remainder = bitcast<u32>(a);
  var root = 0u;
  var bit = 0x40000000u;
  for (var turn = 0u; turn < 16u; turn++) {
    let trial = root + bit;
    root = root >> 1u;
    if (remainder >= trial) {
      remainder = remainder - trial;
      root = root + bit;
    }
    bit = bit >> 2u;
  }
  return bitcast<i32>(root);
}

// As if sign-extended to 64 bits.
fn n_leading_zeros(a: i32) -> i32 {
  return select(bitcast<i32>(32u + countLeadingZeros(bitcast<u32>(a))), 0i, a < 0i);
}
