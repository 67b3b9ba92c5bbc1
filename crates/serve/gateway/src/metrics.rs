//! Prometheus metrics. Labels come from closed lists and the configuration, never from a caller: a caller who could
//! make labels could fill memory.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use doorward_types::ServerName;
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
    /// The counters of `calls`, by server and ending, found without making a label on the way of a message.
    counted: RwLock<HashMap<ServerName, HashMap<&'static str, Counter>>>,
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
        let counted = RwLock::default();
        Self { registry, calls, counted, refusals, took, sessions, audit_healthy, requests }
    }
}

impl Metrics {
    pub(crate) fn request(&self) {
        self.requests.inc();
    }

    pub(crate) fn ended(&self, server: &ServerName, ending: &'static str, took: Duration) {
        self.took.observe(took.as_secs_f64());
        {
            let counted = self.counted.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(counter) = counted.get(server).and_then(|endings| endings.get(ending)) {
                counter.inc();
                return;
            }
        }
        let counter = self.calls.get_or_create(&Ended { server: server.to_string(), ending }).clone();
        counter.inc();
        let mut counted = self.counted.write().unwrap_or_else(PoisonError::into_inner);
        counted.entry(server.clone()).or_default().insert(ending, counter);
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
