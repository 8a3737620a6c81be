//! Wrong results, withheld traces, silence and lost devices on purpose, for tests and drills. Development builds alone, on
//! development networks alone, and never on a public cluster: a node with a fault, but for a lost device, is convicted and loses
//! its stake.

use assay::state::Network;
use assay_audit::fault::{Fault, FaultError};
use assay_chain::clusters;
use referee::graph::Slot;
use solana_sdk::hash::Hash;

/// The environment variable that names a fault.
pub const VARIABLE: &str = "ASSAY_FAULT";

/// What this node does wrong, all of it at once. As text: faults joined by `+`, at most one of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFault {
    /// It computes, commits to or signs something wrong. As text: a fault of [`assay_audit::fault`].
    pub execution: Option<Fault>,
    /// It neither serves nor records nor opens the trace of a segment. `withhold-segment`, or `withhold-segment:segment=N`.
    pub segment: Option<Segments>,
    /// It neither serves the bytes of a tensor nor opens them. `withhold-leaf:tensor=N`.
    pub leaf: Option<Slot>,
    /// It signs two roots of a segment: the right one is served to the first who asks, another one to all who come later, and the
    /// other one is recorded on-chain. `second-root`, or `second-root:segment=N`.
    pub second_root: Option<Segments>,
    /// After its commitment it serves nothing and answers nobody. `silence`.
    pub silence: bool,
    /// The device of a backend is lost in the middle of its first run of a job. `lose-device:backend=NAME`.
    pub lost_device: Option<LostDevice>,
}

/// Whose device is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostDevice {
    /// The graphics adapter's.
    Wgpu,
    /// The processor's: a run breaks off.
    Cpu,
}

impl LostDevice {
    /// The name of the backend.
    pub fn backend(self) -> &'static str {
        match self {
            Self::Wgpu => "wgpu",
            Self::Cpu => "cpu",
        }
    }
}

/// Which segments a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// Every one.
    Every,
    /// One.
    One(u16),
}

impl Segments {
    fn has(self, segment: u16) -> bool {
        match self {
            Self::Every => true,
            Self::One(one) => one == segment,
        }
    }
}

/// Why a fault is refused.
#[derive(Debug, thiserror::Error)]
pub enum FaultRefused {
    /// The text names none.
    #[error(
        "N0607 {VARIABLE}: {0}; or one of withhold-segment[:segment=N], withhold-leaf:tensor=N, second-root[:segment=N], silence, lose-device:backend=wgpu or cpu; several are joined with +"
    )]
    Text(FaultError),
    /// The option of a withholding, or of a lost device, is wrong.
    #[error(
        "N0607 {VARIABLE}={0:?}: write withhold-segment[:segment=N], withhold-leaf:tensor=N, second-root[:segment=N] or lose-device:backend=wgpu or cpu"
    )]
    Option(String),
    /// One sort of fault is named twice.
    #[error(
        "N0607 {VARIABLE}={0:?} names two faults of one sort; join one wrong execution, one withheld segment, one withheld leaf, one second root, silence and one lost device with + at most"
    )]
    Twice(String),
    /// Something is at stake here.
    #[error("N0608 {VARIABLE} is set, and {0}: faults are for development networks of one's own; unset it")]
    Network(&'static str),
}

impl NodeFault {
    /// The fault that the environment names, if it names one and this is a network to make it on.
    ///
    /// # Errors
    /// The text is none of a fault; or the network is not one for it.
    pub fn from_environment(network: &Network) -> Result<Option<Self>, FaultRefused> {
        match std::env::var(VARIABLE) {
            Ok(text) => Self::checked(&text, network).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn checked(text: &str, network: &Network) -> Result<Self, FaultRefused> {
        if !network.development {
            return Err(FaultRefused::Network("this is no development network"));
        }
        let genesis = Hash::new_from_array(network.genesis_hash).to_string();
        if clusters::public_name(&genesis).is_some() {
            return Err(FaultRefused::Network("this is a public cluster"));
        }
        let fault = Self::parse(text)?;
        if fault == (Self { lost_device: fault.lost_device, ..Self::default() }) {
            tracing::error!(?fault, "THIS NODE LOSES A DEVICE ON PURPOSE, in the middle of its first run");
        } else {
            tracing::error!(
                ?fault,
                "THIS NODE MAKES A FAULT ON PURPOSE: it will be convicted and lose its bond and stake"
            );
        }
        Ok(fault)
    }

    fn parse(text: &str) -> Result<Self, FaultRefused> {
        let mut fault = Self::default();
        for part in text.split('+') {
            let one = Self::parse_one(part.trim())?;
            let twice = (fault.execution.is_some() && one.execution.is_some())
                || (fault.segment.is_some() && one.segment.is_some())
                || (fault.leaf.is_some() && one.leaf.is_some())
                || (fault.second_root.is_some() && one.second_root.is_some())
                || (fault.silence && one.silence)
                || (fault.lost_device.is_some() && one.lost_device.is_some());
            if twice {
                return Err(FaultRefused::Twice(text.to_owned()));
            }
            fault = Self {
                execution: fault.execution.or(one.execution),
                segment: fault.segment.or(one.segment),
                leaf: fault.leaf.or(one.leaf),
                second_root: fault.second_root.or(one.second_root),
                silence: fault.silence || one.silence,
                lost_device: fault.lost_device.or(one.lost_device),
            };
        }
        Ok(fault)
    }

    fn parse_one(text: &str) -> Result<Self, FaultRefused> {
        let (kind, option) = text.split_once(':').unwrap_or((text, ""));
        let wrong = || FaultRefused::Option(text.to_owned());
        let number = |name: &str| -> Result<Option<u16>, FaultRefused> {
            if option.is_empty() {
                return Ok(None);
            }
            let value = option.strip_prefix(name).and_then(|rest| rest.trim_start().strip_prefix('='));
            value.ok_or_else(wrong)?.trim().parse().map(Some).map_err(|_| wrong())
        };
        match kind {
            "withhold-segment" => Ok(Self::withholding_segment(number("segment")?)),
            "withhold-leaf" => Ok(Self::withholding_leaf(number("tensor")?.ok_or_else(wrong)?)),
            "second-root" => Ok(Self::signing_twice(number("segment")?)),
            "silence" if option.is_empty() => Ok(Self::silence()),
            "lose-device" => match option.replace(' ', "").as_str() {
                "backend=wgpu" => Ok(Self::losing(LostDevice::Wgpu)),
                "backend=cpu" => Ok(Self::losing(LostDevice::Cpu)),
                _ => Err(wrong()),
            },
            _ => text.parse().map(Self::execution).map_err(FaultRefused::Text),
        }
    }

    /// A wrong execution and nothing else.
    pub fn execution(fault: Fault) -> Self {
        Self { execution: Some(fault), ..Self::default() }
    }

    /// A withheld trace, of one segment or every one, and nothing else.
    pub fn withholding_segment(segment: Option<u16>) -> Self {
        Self { segment: Some(segment.map_or(Segments::Every, Segments::One)), ..Self::default() }
    }

    /// A withheld tensor and nothing else.
    pub fn withholding_leaf(slot: Slot) -> Self {
        Self { leaf: Some(slot), ..Self::default() }
    }

    /// Two signed roots, of one segment or every one, and nothing else.
    pub fn signing_twice(segment: Option<u16>) -> Self {
        Self { second_root: Some(segment.map_or(Segments::Every, Segments::One)), ..Self::default() }
    }

    /// Silence.
    pub fn silence() -> Self {
        Self { silence: true, ..Self::default() }
    }

    /// A lost device and nothing else.
    pub fn losing(device: LostDevice) -> Self {
        Self { lost_device: Some(device), ..Self::default() }
    }

    /// Whether it withholds the trace of this segment.
    pub fn withholds_segment(&self, segment: u16) -> bool {
        self.segment.is_some_and(|withheld| withheld.has(segment)) || self.silence
    }

    /// Whether it signs two roots of this segment.
    pub fn signs_twice(&self, segment: u16) -> bool {
        self.second_root.is_some_and(|twice| twice.has(segment))
    }

    /// The tensor whose bytes it withholds.
    pub fn withheld_tensor(&self) -> Option<Slot> {
        self.leaf
    }

    /// Whether it is silent.
    pub fn is_silent(&self) -> bool {
        self.silence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_audit::fault::FaultKind;

    fn development() -> Network {
        Network { development: true, genesis_hash: [7; 32], ..Network::default() }
    }

    #[test]
    fn every_fault_has_its_text() {
        let parsed = |text: &str| NodeFault::checked(text, &development()).unwrap();
        assert_eq!(parsed("withhold-segment"), NodeFault::withholding_segment(None));
        assert_eq!(parsed("withhold-segment:segment=3"), NodeFault::withholding_segment(Some(3)));
        assert_eq!(parsed("withhold-leaf:tensor = 9"), NodeFault::withholding_leaf(9));
        assert_eq!(parsed(" silence "), NodeFault::silence());
        assert_eq!(parsed("second-root"), NodeFault::signing_twice(None));
        assert_eq!(parsed("second-root:segment=2"), NodeFault::signing_twice(Some(2)));
        assert_eq!(parsed("lose-device:backend = wgpu"), NodeFault::losing(LostDevice::Wgpu));
        assert_eq!(parsed("lose-device:backend=cpu"), NodeFault::losing(LostDevice::Cpu));
        assert_eq!(parsed("tie"), NodeFault::execution(Fault::new(FaultKind::Tie)));
        let both = NodeFault {
            execution: Some("element:element=5".parse().unwrap()),
            segment: Some(Segments::One(1)),
            leaf: Some(9),
            second_root: None,
            silence: false,
            lost_device: None,
        };
        assert_eq!(parsed("element:element=5 + withhold-leaf:tensor=9+withhold-segment:segment=1"), both);
        for text in [
            "tie+weight",
            "withhold-segment+withhold-segment:segment=1",
            "silence+silence",
            "second-root+second-root",
            "lose-device:backend=cpu+lose-device:backend=wgpu",
            "tie+",
            "+tie",
        ] {
            let error = NodeFault::checked(text, &development()).unwrap_err().to_string();
            assert!(error.starts_with("N0607"), "{text:?}: {error}");
        }
        for text in [
            "",
            "silence:x=1",
            "withhold-leaf",
            "withhold-leaf:segment=1",
            "withhold-segment:segment=x",
            "lose-device",
            "lose-device:backend=x",
            "nothing",
        ] {
            let error = NodeFault::checked(text, &development()).unwrap_err().to_string();
            assert!(error.starts_with("N0607"), "{text:?}: {error}");
        }
    }

    #[test]
    fn faults_are_refused_where_something_is_at_stake() {
        let refused = |network: &Network| NodeFault::checked("silence", network).unwrap_err().to_string();
        assert!(refused(&Network { development: false, ..development() }).starts_with("N0608"));
        for (_, cluster) in clusters::PUBLIC_CLUSTERS {
            let genesis_hash = cluster.parse::<Hash>().unwrap().to_bytes();
            assert!(refused(&Network { genesis_hash, ..development() }).contains("public cluster"), "{cluster}");
        }
    }

    #[test]
    fn what_is_withheld_is_what_was_named() {
        assert!(NodeFault::withholding_segment(None).withholds_segment(9));
        assert!(NodeFault::withholding_segment(Some(1)).withholds_segment(1));
        assert!(!NodeFault::withholding_segment(Some(1)).withholds_segment(2));
        assert!(NodeFault::signing_twice(None).signs_twice(7) && !NodeFault::silence().signs_twice(0));
        assert!(NodeFault::signing_twice(Some(1)).signs_twice(1) && !NodeFault::signing_twice(Some(1)).signs_twice(0));
        assert!(NodeFault::silence().withholds_segment(0) && NodeFault::silence().is_silent());
        assert_eq!(NodeFault::withholding_leaf(4).withheld_tensor(), Some(4));
    }
}
