//! Prometheus metrics. Labels come from closed lists and the configuration, never from a caller: a caller who could
//! make labels could fill memory.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    server: String,
    ending: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    server: String,
    reason: &'static str,
}

/// What the door counts.
pub struct Metrics {
    registry: Registry,
    calls: Family<Ended, Counter>,
    refusals: Family<Refused, Counter>,
    took: Histogram,
    sessions: Gauge<i64>,
    audit_healthy: Gauge<i64>,
    requests: Counter<u64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("doorward");
        let calls = Family::default();
        let refusals = Family::default();
        let took = Histogram::new([0.000_1, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0]);
        let sessions = Gauge::default();
        let audit_healthy = Gauge::default();
        let requests = Counter::default();
        registry.register("calls", "Frames sent to a server, by how they ended", calls.clone());
        registry.register("refusals", "Requests refused, by reason", refusals.clone());
        registry.register("call_seconds", "From intent to outcome", took.clone());
        registry.register("sessions", "Open legacy sessions", sessions.clone());
        registry.register("audit_healthy", "1 while the audit log can be written", audit_healthy.clone());
        registry.register("requests", "HTTP requests", requests.clone());
        Self { registry, calls, refusals, took, sessions, audit_healthy, requests }
    }
}

impl Metrics {
    pub(crate) fn request(&self) {
        self.requests.inc();
    }

    pub(crate) fn ended(&self, server: &str, ending: &'static str, took: std::time::Duration) {
        self.calls.get_or_create(&Ended { server: server.to_owned(), ending }).inc();
        self.took.observe(took.as_secs_f64());
    }

    pub(crate) fn refused(&self, server: &str, reason: &'static str) {
        self.refusals.get_or_create(&Refused { server: server.to_owned(), reason }).inc();
    }

    /// Writes everything in the text format.
    pub(crate) fn text(&self, sessions: usize, audit_healthy: bool) -> String {
        self.sessions.set(i64::try_from(sessions).unwrap_or(i64::MAX));
        self.audit_healthy.set(i64::from(audit_healthy));
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }
}
