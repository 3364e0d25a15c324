//! Numbers that somebody else counts, read when the page is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

pub(super) type Labels = Vec<(&'static str, String)>;

/// A histogram as somebody else counted it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramReading {
    /// Upper bound and how many lie in this bucket alone; the last bound is [`f64::INFINITY`].
    pub buckets: Vec<(f64, u64)>,
    /// All values added up.
    pub sum: f64,
}

/// All readings. A reading must not wait: the page is asked for when things go wrong.
#[derive(Default)]
pub struct Readings(Mutex<BTreeMap<&'static str, Family>>);

/// The readings of one name, which differ in their labels.
struct Family {
    help: &'static str,
    kind: MetricType,
    members: Vec<(Labels, Read)>,
}

enum Read {
    Gauge(Box<dyn Fn() -> u64 + Send + Sync>),
    Counter(Box<dyn Fn() -> u64 + Send + Sync>),
    Histogram(Box<dyn Fn() -> HistogramReading + Send + Sync>),
}

impl Readings {
    /// A number that goes up and down. `help` without a full stop.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.add((name, help, MetricType::Gauge), labels, Read::Gauge(Box::new(read)));
    }

    /// A number that only goes up; its name without `_total`.
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.add((name, help, MetricType::Counter), labels, Read::Counter(Box::new(read)));
    }

    /// Numbers by size.
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        read: impl Fn() -> HistogramReading + Send + Sync + 'static,
    ) {
        self.add((name, help, MetricType::Histogram), labels, Read::Histogram(Box::new(read)));
    }

    fn add(
        &self,
        (name, help, kind): (&'static str, &'static str, MetricType),
        labels: &[(&'static str, &str)],
        read: Read,
    ) {
        let labels = labels.iter().map(|&(key, value)| (key, value.to_owned())).collect();
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name).or_insert_with(|| Family { help, kind, members: Vec::new() });
        family.members.push((labels, read));
    }
}

impl Read {
    fn encode(&self, metric: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Gauge(read) => metric.encode_gauge(&read()),
            Self::Counter(read) => metric.encode_counter::<NoLabelSet, _, f64>(&read(), None),
            Self::Histogram(read) => {
                let HistogramReading { buckets, sum } = read();
                let count = buckets.iter().map(|(_, count)| count).sum();
                metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
            }
        }
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, family) in families.iter() {
            let mut descriptor = encoder.encode_descriptor(name, family.help, None, family.kind)?;
            for (labels, read) in &family.members {
                if labels.is_empty() {
                    read.encode(&mut descriptor)?;
                } else {
                    read.encode(&mut descriptor.encode_family(labels)?)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(families.keys()).finish()
    }
}
