//! Wrong results on purpose: in development builds and in tests alone.
//!
//! A fault makes exactly one op wrong. Faults of execution are consistent otherwise: every later op computes on what the
//! wrong one gave. The two faults of what is served leave the run right and tell two stories about it.

mod apply;
mod drill;
mod place;
mod wrong;

pub use apply::{Faulty, apply};
pub use drill::{Convicted, Drill, DrillError};

use referee::graph::Slot;
use std::fmt;
use std::str::FromStr;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// One element of a tensor has a flipped bit as its op stores it.
    Element,
    /// One weight of a contraction has a flipped bit in one op.
    Weight,
    /// A rounding shift rounds exact halves down.
    Rounding,
    /// One entry of a table that a register indexes is wrong in one op.
    Table,
    /// A program takes two of its operands for each other.
    Swap,
    /// A view is off by one on one axis.
    Padding,
    /// Of equal values, arg-max or arg-min takes the last.
    Tie,
    /// A boundary tensor is committed to with a flipped bit that its segment's trace does not have.
    Boundary,
    /// A segment's trace has a flipped bit that nothing was computed from: the output is right.
    Interior,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Element,
        Self::Weight,
        Self::Rounding,
        Self::Table,
        Self::Swap,
        Self::Padding,
        Self::Tie,
        Self::Boundary,
        Self::Interior,
    ];

    /// The options that say where a fault of this kind strikes.
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Element | Self::Weight | Self::Table => &["op", "tensor", "element", "bit"],
            Self::Boundary | Self::Interior => &["tensor", "element", "bit"],
            Self::Rounding | Self::Swap | Self::Padding | Self::Tie => &["op"],
        }
    }

    /// The name in a fault's text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Element => "element",
            Self::Weight => "weight",
            Self::Rounding => "rounding",
            Self::Table => "table",
            Self::Swap => "swap",
            Self::Padding => "padding",
            Self::Tie => "tie",
            Self::Boundary => "boundary",
            Self::Interior => "interior",
        }
    }
}

/// A fault and where it strikes; whatever is left open is the first place at which it changes something.
///
/// As text: the kind, then options, as in `element:tensor=7,element=12,bit=3`, `rounding:op=4` or `tie`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The op.
    pub op: Option<u16>,
    /// The tensor: a Temp, or the param of a weight or table.
    pub tensor: Option<Slot>,
    /// Row-major index of the element.
    pub element: Option<u32>,
    /// The bit that is flipped; the lowest if it is left open.
    pub bit: Option<u8>,
}

impl Fault {
    /// A fault of this kind, at the first place at which it changes something.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, op: None, tensor: None, element: None, bit: None }
    }
}

/// Why a fault cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The text is none of a fault.
    #[error(
        "F0901 {text:?} is no fault: {reason}; write KIND or KIND:op=N,tensor=N,element=N,bit=N with element, weight or table, KIND:op=N with rounding, swap, padding or tie, KIND:tensor=N,element=N,bit=N with boundary or interior"
    )]
    Text {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The fault changes nothing in this graph with these inputs.
    #[error("F0902 the fault {0} changes nothing here; choose another place or another kind")]
    NoEffect(Fault),
    /// The graph does not have the place that the fault names, so that it would change nothing with any inputs.
    #[error("F0906 the fault {fault} is about {reason}; name a place of this graph, or leave it open")]
    Nowhere {
        /// The fault.
        fault: Fault,
        /// What is not there.
        reason: String,
    },
    /// The run failed.
    #[error("F0903 the faulty run failed: {0}")]
    Kernel(#[from] assay_kernels::KernelError),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        let options = [
            ("op", self.op.map(u32::from)),
            ("tensor", self.tensor.map(u32::from)),
            ("element", self.element),
            ("bit", self.bit.map(u32::from)),
        ];
        let set = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        set.enumerate()
            .try_for_each(|(index, (name, value))| write!(f, "{}{name}={value}", if index == 0 { ":" } else { "," }))
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let refuse = |reason| FaultError::Text { text: text.to_owned(), reason };
        let (kind, options) = text.split_once(':').unwrap_or((text, ""));
        let kind = FaultKind::ALL.into_iter().find(|known| known.name() == kind.trim());
        let mut fault = Self::new(kind.ok_or_else(|| refuse("there is no such kind"))?);
        for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or_else(|| refuse("an option is NAME=NUMBER"))?;
            let value: u32 = value.trim().parse().map_err(|_| refuse("a value is no number"))?;
            let slot = u16::try_from(value);
            match name.trim() {
                name if !fault.kind.options().contains(&name) => {
                    return Err(refuse("faults of this kind have no such option"));
                }
                "op" => fault.op = Some(slot.map_err(|_| refuse("an op is below 65,536"))?),
                "tensor" => fault.tensor = Some(slot.map_err(|_| refuse("a tensor is below 65,536"))?),
                "element" => fault.element = Some(value),
                _ if value < 32 => fault.bit = Some(value as u8),
                _ => return Err(refuse("a bit is below 32")),
            }
        }
        Ok(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways() {
        for kind in FaultKind::ALL {
            let bare = Fault::new(kind);
            assert_eq!(bare.to_string().parse::<Fault>().unwrap(), bare);
            let with = |name: &str| kind.options().contains(&name);
            let full = Fault {
                kind,
                op: with("op").then_some(3),
                tensor: with("tensor").then_some(65_535),
                element: with("element").then_some(u32::MAX),
                bit: with("bit").then_some(31),
            };
            assert_eq!(full.to_string().parse::<Fault>().unwrap(), full);
        }
        let spaced: Fault = "element: tensor = 7 , element = 12".parse().unwrap();
        assert_eq!(spaced, Fault { tensor: Some(7), element: Some(12), ..Fault::new(FaultKind::Element) });
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_reason() {
        let cases = [
            "",
            "flip",
            "tie:op",
            "tie:op=x",
            "tie:op=70000",
            "element:bit=32",
            "tie:slot=1",
            "tie:op=-1",
            "tie:element=1",
            "boundary:op=1",
        ];
        for text in cases {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.starts_with("F0901") && error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
