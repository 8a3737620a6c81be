// 64-bit integers where the adapter has them and passed its self-test with them.

alias wide = i64;

fn w_join(low: u32, high: u32) -> wide {
  return bitcast<i64>((u64(high) << 32u) | u64(low));
}

fn w_extend(a: i32) -> wide {
  return i64(a);
}

fn w_low(a: wide) -> i32 {
  return bitcast<i32>(u32(bitcast<u64>(a)));
}

fn w_nonzero(a: wide) -> bool {
  return a != i64(0i);
}

fn w_add(a: wide, b: wide) -> wide {
  return bitcast<i64>(bitcast<u64>(a) + bitcast<u64>(b));
}

fn w_subtract(a: wide, b: wide) -> wide {
  return bitcast<i64>(bitcast<u64>(a) - bitcast<u64>(b));
}

fn w_multiply(a: wide, b: wide) -> wide {
  return bitcast<i64>(bitcast<u64>(a) * bitcast<u64>(b));
}

fn w_multiply_narrow(a: i32, b: i32) -> wide {
  return i64(a) * i64(b);
}

fn w_shift_left(a: wide, count: u32) -> wide {
  return bitcast<i64>(bitcast<u64>(a) << (count & 63u));
}

fn w_shift_right(a: wide, count: u32) -> wide {
  return bitcast<i64>(bitcast<u64>(a) >> (count & 63u));
}

fn w_shift_arithmetic(a: wide, count: u32) -> wide {
  return a >> (count & 63u);
}

// shift is 1..=63.
fn w_round_shift(a: wide, shift: u32) -> wide {
  return w_add(a >> (shift & 63u), (a >> ((shift - 1u) & 63u)) & i64(1i));
}

fn w_less(a: wide, b: wide) -> bool {
  return a < b;
}

fn w_less_unsigned(a: wide, b: wide) -> bool {
  return bitcast<u64>(a) < bitcast<u64>(b);
}

fn w_equal(a: wide, b: wide) -> bool {
  return a == b;
}

fn w_minimum(a: wide, b: wide) -> wide {
  return select(a, b, b < a);
}

fn w_maximum(a: wide, b: wide) -> wide {
  return select(a, b, a < b);
}

fn w_saturate(a: wide, low: i32, high: i32) -> i32 {
  return w_low(w_maximum(w_minimum(a, i64(high)), i64(low)));
}

fn w_leading_zeros(a: wide) -> i32 {
  let high = u32(bitcast<u64>(a) >> 32u);
  let low = u32(bitcast<u64>(a));
  return bitcast<i32>(select(32u + countLeadingZeros(low), countLeadingZeros(high), high != 0u));
}

fn w_divide_unsigned(a: wide, b: wide) -> wide {
  if (b == i64(0i)) {
    return a;
  }
  return bitcast<i64>(bitcast<u64>(a) / bitcast<u64>(b));
}

fn w_square_root(a: wide) -> wide {
  var remainder = bitcast<u64>(a);
  var root = u64(0u);
  var bit = u64(1u) << 62u;
  for (var turn = 0u; turn < 32u; turn++) {
    let trial = root + bit;
    root = root >> 1u;
    if (remainder >= trial) {
      remainder = remainder - trial;
      root = root + bit;
    }
    bit = bit >> 2u;
  }
  return bitcast<i64>(root);
}
