//! WGSL that finds and reads an operand's element.

use super::lower::{Address, CheckedAxis};
use super::shader::Shader;

/// The names of an element's index and, for a padded view, of whether the point lies outside.
pub(super) struct Place {
    /// A `u32` expression that is always within the tensor.
    pub element: String,
    /// A `bool` expression.
    pub outside: Option<String>,
}

/// Emits the coordinates of the flat index `flat` over `dims`, row-major; those not `needed` come back as `0u`.
pub(super) fn decode(shader: &mut Shader, flat: &str, dims: &[u32], needed: impl Fn(usize) -> bool) -> Vec<String> {
    let mut coordinates = vec!["0u".to_owned(); dims.len()];
    let Some(first) = (0..dims.len()).find(|axis| needed(*axis)) else { return coordinates };
    let mut rest = flat.to_owned();
    for axis in (first..dims.len()).rev() {
        if axis == 0 {
            coordinates[0] = rest.clone();
            break;
        }
        if needed(axis) {
            coordinates[axis] = shader.bind("at", format!("{rest} % {}u", dims[axis]));
        }
        if axis > first {
            rest = shader.bind("rest", format!("{rest} / {}u", dims[axis]));
        }
    }
    coordinates
}

/// Emits the place that `address` names at `coordinates`; `indirect` is the clamped coordinate of its indirect axis.
pub(super) fn place(shader: &mut Shader, address: &Address, coordinates: &[String], indirect: Option<&str>) -> Place {
    let mut sum = Sum::new(address.base);
    for (stride, coordinate) in address.strides.iter().zip(coordinates) {
        sum.add(*stride, coordinate);
    }
    if let (Some((_, stride)), Some(coordinate)) = (address.indirect, indirect) {
        sum.add(stride, coordinate);
    }
    let mut outside = Vec::new();
    for checked in &address.checked {
        let (clamped, left) = if checked.wide {
            clamp_wide(shader, checked, coordinates)
        } else {
            clamp_narrow(shader, checked, coordinates)
        };
        sum.add(checked.stride, &format!("bitcast<u32>({clamped})"));
        outside.push(left);
    }
    let element = shader.bind("element", sum.text());
    let outside = (address.pad.is_some() && !outside.is_empty()).then(|| shader.bind("outside", outside.join(" || ")));
    Place { element, outside }
}

/// Emits a load of the element and gives the name of its `i32` value.
pub(super) fn load(
    shader: &mut Shader,
    binding: usize,
    address: &Address,
    coordinates: &[String],
    indirect: Option<&str>,
) -> String {
    let place = place(shader, address, coordinates, indirect);
    let value = shader.load(binding, address.dtype, &place.element);
    let value = match (place.outside, address.pad) {
        (Some(outside), Some(pad)) => format!("select({value}, {}, {outside})", narrow_literal(pad)),
        _ => value,
    };
    shader.bind("loaded", value)
}

fn clamp_narrow(shader: &mut Shader, checked: &CheckedAxis, coordinates: &[String]) -> (String, String) {
    // Every coordinate fits 32 bits, so that sums and products modulo 2^32 give it exactly.
    let mut sum = Sum::new(checked.offset as u32);
    for (coefficient, coordinate) in checked.coefficients.iter().zip(coordinates) {
        sum.add(*coefficient as u32, coordinate);
    }
    let coordinate = shader.bind("coordinate", format!("bitcast<i32>({})", sum.text()));
    let clamped = shader.bind("clamped", format!("clamp({coordinate}, 0i, {}i)", checked.dim - 1));
    let left = format!("{clamped} != {coordinate}");
    (clamped, left)
}

fn clamp_wide(shader: &mut Shader, checked: &CheckedAxis, coordinates: &[String]) -> (String, String) {
    let mut sum = wide_literal(checked.offset);
    for (coefficient, coordinate) in checked.coefficients.iter().zip(coordinates) {
        if *coefficient != 0 && coordinate != "0u" {
            let product = format!("w_multiply({}, w_join({coordinate}, 0u))", wide_literal(*coefficient));
            sum = format!("w_add({sum}, {product})");
        }
    }
    let coordinate = shader.bind("coordinate", sum);
    let clamped = shader.bind("clamped", format!("w_saturate({coordinate}, 0i, {}i)", checked.dim - 1));
    let left = format!("!w_equal(w_extend({clamped}), {coordinate})");
    (clamped, left)
}

/// A sum of `u32` products in the making.
struct Sum {
    constant: u32,
    terms: Vec<String>,
}

impl Sum {
    fn new(constant: u32) -> Self {
        Self { constant, terms: Vec::new() }
    }

    fn add(&mut self, factor: u32, value: &str) {
        match factor {
            _ if value == "0u" => {}
            0 => {}
            1 => self.terms.push(value.to_owned()),
            _ => self.terms.push(format!("{value} * {factor}u")),
        }
    }

    fn text(self) -> String {
        let mut terms = self.terms;
        if self.constant != 0 || terms.is_empty() {
            terms.push(format!("{}u", self.constant));
        }
        terms.join(" + ")
    }
}

/// An `i32` literal; the least value has none of its own in WGSL.
pub(super) fn narrow_literal(value: i32) -> String {
    if value == i32::MIN { "(-2147483647i - 1i)".to_owned() } else { format!("{value}i") }
}

/// A 64-bit literal.
pub(super) fn wide_literal(value: i64) -> String {
    format!("w_join({}u, {}u)", value as u32, (value >> 32) as u32)
}
