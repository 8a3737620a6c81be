// 64-bit integers as (low, high) words: everything that a register can do, total and wrapping.

alias wide = vec2<u32>;

fn w_join(low: u32, high: u32) -> wide {
  return wide(low, high);
}

fn w_extend(a: i32) -> wide {
  return wide(bitcast<u32>(a), bitcast<u32>(a >> 31u));
}

fn w_low(a: wide) -> i32 {
  return bitcast<i32>(a.x);
}

fn w_nonzero(a: wide) -> bool {
  return (a.x | a.y) != 0u;
}

fn w_add(a: wide, b: wide) -> wide {
  let low = a.x + b.x;
  return wide(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn w_subtract(a: wide, b: wide) -> wide {
  return wide(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

// High word of the 64-bit product, by halves: no partial sum overflows.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let low_high = a_low * b_high;
  let high_low = a_high * b_low;
  let middle = ((a_low * b_low) >> 16u) + (low_high & 0xffffu) + (high_low & 0xffffu);
  return a_high * b_high + (low_high >> 16u) + (high_low >> 16u) + (middle >> 16u);
}

fn w_multiply(a: wide, b: wide) -> wide {
  return wide(a.x * b.x, multiply_high(a.x, b.x) + a.x * b.y + a.y * b.x);
}

fn w_multiply_narrow(a: i32, b: i32) -> wide {
  let x = bitcast<u32>(a);
  let y = bitcast<u32>(b);
  let high = multiply_high(x, y) - select(0u, y, a < 0i) - select(0u, x, b < 0i);
  return wide(x * y, high);
}

fn w_shift_left(a: wide, count: u32) -> wide {
  let near = count & 31u;
  let carried = select(a.x >> ((32u - near) & 31u), 0u, near == 0u);
  return select(wide(a.x << near, (a.y << near) | carried), wide(0u, a.x << near), (count & 32u) != 0u);
}

fn w_shift_right(a: wide, count: u32) -> wide {
  let near = count & 31u;
  let carried = select(a.y << ((32u - near) & 31u), 0u, near == 0u);
  return select(wide((a.x >> near) | carried, a.y >> near), wide(a.y >> near, 0u), (count & 32u) != 0u);
}

fn w_shift_arithmetic(a: wide, count: u32) -> wide {
  let near = count & 31u;
  let carried = select(a.y << ((32u - near) & 31u), 0u, near == 0u);
  let high = bitcast<u32>(bitcast<i32>(a.y) >> near);
  let sign = bitcast<u32>(bitcast<i32>(a.y) >> 31u);
  return select(wide((a.x >> near) | carried, high), wide(high, sign), (count & 32u) != 0u);
}

// shift is 1..=63.
fn w_round_shift(a: wide, shift: u32) -> wide {
  let half = w_shift_arithmetic(a, shift - 1u).x & 1u;
  return w_add(w_shift_arithmetic(a, shift), wide(half, 0u));
}

fn w_less(a: wide, b: wide) -> bool {
  return bitcast<i32>(a.y) < bitcast<i32>(b.y) || (a.y == b.y && a.x < b.x);
}

fn w_less_unsigned(a: wide, b: wide) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn w_equal(a: wide, b: wide) -> bool {
  return a.x == b.x && a.y == b.y;
}

fn w_minimum(a: wide, b: wide) -> wide {
  return select(a, b, w_less(b, a));
}

fn w_maximum(a: wide, b: wide) -> wide {
  return select(a, b, w_less(a, b));
}

// Nearest value of low..=high: the high word decides unless it only repeats the sign of the low one.
fn w_saturate(a: wide, low: i32, high: i32) -> i32 {
  let near = bitcast<i32>(a.x);
  let fits = a.y == bitcast<u32>(near >> 31u);
  return select(select(high, low, bitcast<i32>(a.y) < 0i), clamp(near, low, high), fits);
}

fn w_leading_zeros(a: wide) -> i32 {
  return bitcast<i32>(select(32u + countLeadingZeros(a.x), countLeadingZeros(a.y), a.y != 0u));
}

// Corrects one 16-bit digit of a quotient: (digit, remainder) of a numerator with next digit `next`.
fn correct_digit(numerator: u32, next: u32, divisor_high: u32, divisor_low: u32) -> u32 {
  var digit = numerator / divisor_high;
  var remainder = numerator - digit * divisor_high;
  for (var turn = 0u; turn < 2u; turn++) {
    if (remainder > 0xffffu) {
      break;
    }
    if (digit > 0xffffu || digit * divisor_low > ((remainder << 16u) | next)) {
      digit -= 1u;
      remainder += divisor_high;
    }
  }
  return digit;
}

// Quotient of (high, low) by a divisor above `high`: schoolbook division with 16-bit digits.
fn divide_two_words(high: u32, low: u32, divisor: u32) -> u32 {
  let shift = countLeadingZeros(divisor) & 31u;
  let normal = divisor << shift;
  let normal_high = normal >> 16u;
  let normal_low = normal & 0xffffu;
  let carried = select(low >> ((32u - shift) & 31u), 0u, shift == 0u);
  let top = (high << shift) | carried;
  let bottom = low << shift;
  let first = correct_digit(top, bottom >> 16u, normal_high, normal_low);
  let rest = (top << 16u) + (bottom >> 16u) - first * normal;
  let second = correct_digit(rest, bottom & 0xffffu, normal_high, normal_low);
  return (first << 16u) + second;
}

fn w_divide_unsigned(a: wide, b: wide) -> wide {
  if (b.y == 0u) {
    if (b.x == 0u) {
      return a;
    }
    let high = a.y / b.x;
    return wide(divide_two_words(a.y - high * b.x, a.x, b.x), high);
  }
  // The divisor has two words, so the quotient has one: estimate it from the divisor's top 32 bits, then correct.
  let shift = countLeadingZeros(b.y) & 31u;
  let top = w_shift_left(b, shift).y;
  let halved = w_shift_right(a, 1u);
  let estimate = divide_two_words(halved.y, halved.x, top);
  var quotient = w_shift_right(w_shift_left(wide(estimate, 0u), shift), 31u);
  if (quotient.x != 0u) {
    quotient.x -= 1u;
  }
  let remainder = w_subtract(a, w_multiply(quotient, b));
  if (!w_less_unsigned(remainder, b)) {
    quotient.x += 1u;
  }
  return quotient;
}

fn w_square_root(a: wide) -> wide {
  var remainder = a;
  var root = wide(0u, 0u);
  var bit = wide(0u, 0x40000000u);
  for (var turn = 0u; turn < 32u; turn++) {
    let trial = w_add(root, bit);
    root = w_shift_right(root, 1u);
    if (!w_less_unsigned(remainder, trial)) {
      remainder = w_subtract(remainder, trial);
      root = w_add(root, bit);
    }
    bit = w_shift_right(bit, 2u);
  }
  return root;
}
