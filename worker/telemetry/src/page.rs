//! Numbers as the text that Prometheus reads. Kinds, labels and meanings come from the contract: what does not stand there
//! cannot be served.

use crate::contract::{Contract, ContractError, Kind, Metric, Service};
use crate::live::{Counts, Labels, Timings, owned};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;

/// The media type of a page.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// A value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Whole(u64),
    Real(f64),
}

/// What is known of one metric.
#[derive(Clone, Debug)]
enum Series {
    Numbers(Vec<(Labels, Number)>),
    Timings(Timings),
    Counts(Counts),
}

/// The metrics of a service at one moment.
#[derive(Debug)]
pub struct Page {
    service: Service,
    contract: Contract,
    series: BTreeMap<String, Series>,
    broken: Option<PageError>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The contract cannot be read.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// A number does not fit the contract.
    #[error("T0103 metric {name}: {reason}; put it into worker/telemetry/metrics.toml as it is served")]
    OtherThanAgreed {
        /// Which.
        name: String,
        /// What differs.
        reason: &'static str,
    },
    /// The text could not be written.
    #[error("T0104 the metrics cannot be written")]
    Encoding,
}

impl Page {
    /// An empty page.
    ///
    /// # Errors
    /// The contract cannot be read.
    pub fn new(service: Service) -> Result<Self, PageError> {
        Ok(Self { service, contract: Contract::of_this_version()?, series: BTreeMap::new(), broken: None })
    }

    /// A whole number, without labels. Names are without the prefix of the service.
    pub fn number(&mut self, name: &str, value: u64) {
        self.put(name, &[], Number::Whole(value));
    }

    /// A whole number with labels.
    pub fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.put(name, labels, Number::Whole(value));
    }

    /// A number that need not be whole.
    pub fn real(&mut self, name: &str, value: f64) {
        self.put(name, &[], Number::Real(value));
    }

    /// A number with labels that need not be whole.
    pub fn labelled_real(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.put(name, labels, Number::Real(value));
    }

    /// Yes or no, as 1 or 0.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.number(name, u64::from(value));
    }

    /// A histogram.
    pub fn timings(&mut self, name: &str, timings: &Timings) {
        if self.agreed(name, Kind::Histogram).is_some() {
            self.series.insert(self.full(name), Series::Timings(timings.clone()));
        }
    }

    /// A counter that is counted while the service works.
    pub fn counts(&mut self, name: &str, counts: &Counts) {
        if self.agreed(name, Kind::Counter).is_some() {
            self.series.insert(self.full(name), Series::Counts(counts.clone()));
        }
    }

    /// The text.
    ///
    /// # Errors
    /// The first number that does not fit the contract.
    pub fn text(self) -> Result<String, PageError> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register_collector(Box::new(Collected {
            metrics: self.contract.of(self.service).cloned().collect(),
            series: self.series,
        }));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).map_err(|_| PageError::Encoding)?;
        Ok(text)
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.service.prefix())
    }

    fn put(&mut self, name: &str, labels: &[(&str, &str)], number: Number) {
        let Some(metric) = self.metric(name) else { return };
        let (kind, names) = (metric.kind, metric.labels.clone());
        if kind == Kind::Histogram {
            return self.note_broken(name, "it is a histogram");
        }
        if !labels.iter().map(|(name, _)| *name).eq(names.iter().map(String::as_str)) {
            return self.note_broken(name, "it has other labels");
        }
        let series = self.series.entry(self.full(name)).or_insert_with(|| Series::Numbers(Vec::new()));
        match series {
            Series::Numbers(numbers) => numbers.push((owned(labels), number)),
            Series::Timings(_) | Series::Counts(_) => self.note_broken(name, "it is counted and given at once"),
        }
    }

    fn agreed(&mut self, name: &str, kind: Kind) -> Option<()> {
        if self.metric(name)?.kind != kind {
            self.note_broken(name, "it is of another kind");
            return None;
        }
        Some(())
    }

    fn metric(&mut self, name: &str) -> Option<&Metric> {
        let full = self.full(name);
        if self.contract.find(&full).is_none() {
            self.note_broken(name, "it does not stand in the contract");
            return None;
        }
        self.contract.find(&full)
    }

    fn note_broken(&mut self, name: &str, reason: &'static str) {
        let name = self.full(name);
        self.broken.get_or_insert(PageError::OtherThanAgreed { name, reason });
    }
}

/// A page on its way through the encoder.
#[derive(Debug)]
struct Collected {
    metrics: Vec<Metric>,
    series: BTreeMap<String, Series>,
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for metric in &self.metrics {
            let Some(series) = self.series.get(&metric.name) else { continue };
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            // The encoder adds the ending itself.
            let name = metric.name.strip_suffix("_total").unwrap_or(&metric.name);
            let help = format!("{} ({}).", metric.meaning, metric.unit);
            let mut described = encoder.encode_descriptor(name, &help, None, kind)?;
            match series {
                Series::Numbers(numbers) => {
                    for (labels, number) in numbers {
                        encode_number(described.encode_family(labels)?, metric.kind, *number)?;
                    }
                }
                Series::Timings(timings) => timings.0.encode(described)?,
                Series::Counts(counts) => counts.0.encode(described)?,
            }
        }
        Ok(())
    }
}

fn encode_number(encoder: MetricEncoder<'_>, kind: Kind, number: Number) -> Result<(), std::fmt::Error> {
    match (kind, number) {
        (Kind::Counter, Number::Whole(value)) => ConstCounter::new(value).encode(encoder),
        (Kind::Counter, Number::Real(value)) => ConstCounter::new(value).encode(encoder),
        (_, Number::Whole(value)) => ConstGauge::new(value).encode(encoder),
        (_, Number::Real(value)) => ConstGauge::new(value).encode(encoder),
    }
}

/// One metric as a page has it: what was served, read back. For tests that compare a service with the contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Served {
    /// Full name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// The labels of its series, sorted, without `le`.
    pub labels: Vec<String>,
}

impl From<&Metric> for Served {
    /// What a page has of a metric that keeps to the contract.
    fn from(metric: &Metric) -> Self {
        let mut labels = metric.labels.clone();
        labels.sort();
        Self { name: metric.name.clone(), kind: metric.kind.name().to_owned(), labels }
    }
}

/// Which metrics a page has; what cannot be read is left out.
pub fn served(text: &str) -> Vec<Served> {
    let mut all: Vec<Served> = Vec::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            all.push(Served { name: name.to_owned(), kind: kind.to_owned(), labels: Vec::new() });
        } else if let (false, Some(last)) = (line.starts_with('#'), all.last_mut())
            && let Some((_, rest)) = line.split_once('{')
        {
            let inside = rest.rsplit_once('}').map_or("", |(inside, _)| inside);
            let mut labels: Vec<String> = inside
                .split("\",")
                .filter_map(|label| label.split_once("=\""))
                .map(|(name, _)| name.to_owned())
                .filter(|name| name != "le")
                .collect();
            labels.sort();
            if !labels.is_empty() {
                last.labels = labels;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_page_is_what_prometheus_reads_in_the_order_of_the_contract() {
        let mut page = Page::new(Service::Node).unwrap();
        page.labelled("jobs_skipped_total", &[("code", "N0206")], 3);
        page.labelled("jobs_skipped_total", &[("code", "a\"b\\c")], 1);
        page.number("slot", 7);
        page.real("uptime_seconds", 1.5);
        let timings = Timings::default();
        timings.note(&[("stage", "run")], Duration::from_millis(20));
        page.timings("job_stage_seconds", &timings);
        let text = page.text().unwrap();
        assert!(text.contains("# TYPE assay_node_slot gauge\nassay_node_slot 7\n"), "{text}");
        assert!(text.contains("\nassay_node_uptime_seconds 1.5\n"), "{text}");
        let skipped = "# TYPE assay_node_jobs_skipped_total counter\nassay_node_jobs_skipped_total{code=\"N0206\"} 3\n";
        assert!(text.contains(skipped), "{text}");
        assert!(text.contains("{code=\"a\\\"b\\\\c\"} 1\n"), "values are escaped: {text}");
        assert!(text.contains("assay_node_job_stage_seconds_bucket{stage=\"run\",le=\"0.025\"} 1\n"), "{text}");
        assert!(text.contains("assay_node_job_stage_seconds_count{stage=\"run\"} 1\n"), "{text}");
        let served = served(&text);
        let names: Vec<(&str, &str)> = served.iter().map(|one| (one.name.as_str(), one.kind.as_str())).collect();
        let contract = Contract::of_this_version().unwrap();
        let expected: Vec<(&str, &str)> = contract
            .of(Service::Node)
            .filter(|metric| names.iter().any(|(name, _)| *name == metric.name))
            .map(|metric| (metric.name.as_str(), metric.kind.name()))
            .collect();
        assert_eq!(names, expected);
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn what_does_not_stand_in_the_contract_is_refused() {
        let reason = |fill: &dyn Fn(&mut Page)| {
            let mut page = Page::new(Service::Node).unwrap();
            fill(&mut page);
            match page.text() {
                Err(PageError::OtherThanAgreed { name, reason }) => (name, reason),
                other => panic!("{other:?}"),
            }
        };
        let (name, why) = reason(&|page| page.number("nonsense", 1));
        assert_eq!((name.as_str(), why), ("assay_node_nonsense", "it does not stand in the contract"));
        assert_eq!(reason(&|page| page.number("jobs_skipped_total", 1)).1, "it has other labels");
        assert_eq!(reason(&|page| page.number("job_stage_seconds", 1)).1, "it is a histogram");
        assert_eq!(reason(&|page| page.timings("slot", &Timings::default())).1, "it is of another kind");
        let both = |page: &mut Page| {
            page.counts("transactions_total", &Counts::default());
            page.labelled("transactions_total", &[("purpose", "claim"), ("fate", "landed")], 1);
        };
        assert_eq!(reason(&both).1, "it is counted and given at once");
    }
}
