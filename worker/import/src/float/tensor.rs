//! Tensors of floats and of integers, row-major.

/// What the elements of a value are. Integer and boolean values are ids, masks and indices: they are never quantised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit float.
    Float,
    /// Any integer type of the source; kept in 64 bits.
    Integer,
    /// 0 or 1; kept in 64 bits.
    Boolean,
}

/// The elements of a tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// Floats.
    Floats(Vec<f32>),
    /// Integers, or booleans as 0 and 1.
    Integers(Vec<i64>),
}

/// A tensor whose shape is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The length of each axis; none for a scalar.
    pub shape: Vec<usize>,
    /// As many elements as the product of the shape.
    pub data: TensorData,
}

impl Tensor {
    /// A tensor of floats.
    ///
    /// # Panics
    /// If there are not as many elements as the shape says.
    pub fn floats(shape: &[usize], data: Vec<f32>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "elements of a tensor of shape {shape:?}");
        Self { shape: shape.to_vec(), data: TensorData::Floats(data) }
    }

    /// A tensor of integers or booleans.
    ///
    /// # Panics
    /// If there are not as many elements as the shape says.
    pub fn integers(shape: &[usize], data: Vec<i64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "elements of a tensor of shape {shape:?}");
        Self { shape: shape.to_vec(), data: TensorData::Integers(data) }
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        match &self.data {
            TensorData::Floats(data) => data.len(),
            TensorData::Integers(data) => data.len(),
        }
    }

    /// The elements, if they are floats.
    pub fn as_floats(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::Floats(data) => Some(data),
            TensorData::Integers(_) => None,
        }
    }

    /// The elements, if they are integers or booleans.
    pub fn as_integers(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::Integers(data) => Some(data),
            TensorData::Floats(_) => None,
        }
    }

    /// The same elements under another shape.
    ///
    /// # Panics
    /// If the shape has another number of elements.
    pub fn reshaped(mut self, shape: &[usize]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), self.elements(), "elements of a tensor of shape {shape:?}");
        self.shape = shape.to_vec();
        self
    }

    /// The only element as a float, if there is exactly one.
    pub fn scalar(&self) -> Option<f32> {
        match &self.data {
            TensorData::Floats(data) if data.len() == 1 => Some(data[0]),
            TensorData::Integers(data) if data.len() == 1 => Some(data[0] as f32),
            _ => None,
        }
    }
}
