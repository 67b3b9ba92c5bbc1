//! What was found and what was decided, into the audit log.

use doorward_audit::{AuditError, AuditLog, Journal, PinAct};
use doorward_engine::Drifted;
use doorward_types::{ServerName, Timestamp};

use crate::acts::Act;
use crate::watch::Watch;

/// Writes acts into an audit log.
///
/// # Errors
/// [`AuditError`] at the first that cannot be written.
pub async fn write_down(
    log: &AuditLog,
    server: &ServerName,
    acts: &[Act],
    now: Timestamp,
) -> Result<(), AuditError> {
    for act in acts {
        let record = PinAct {
            what: act.what,
            by: &act.by,
            server,
            of: act.kind.name(),
            name: &act.name,
            hash: &act.hash,
            record: &act.record,
            reason: &act.reason,
            at: act.at,
            expires: act.expires,
        };
        log.pin(&record, now).await?;
    }
    Ok(())
}

impl Watch {
    /// Tells of definitions that are not what was agreed to, and keeps those that a person can agree to.
    pub async fn drifted(&self, journal: &Journal, drifted: &[Drifted], now: Timestamp) {
        for one in drifted {
            if journal.drifted(one, now).await.is_err() {
                tracing::error!(what = one.what, "a changed definition is not in the log");
            }
        }
        self.wait(drifted, now).await;
    }

    /// Takes up what others did, and writes down the acts that nobody has written; called every second.
    pub async fn round(&self, log: &AuditLog, now: Timestamp) {
        self.catch_up(now).await;
        for (server, acts) in self.unrecorded(now) {
            if let Err(error) = write_down(log, &server, &acts, now).await {
                tracing::error!(%server, %error, "what a person decided about a pin is not in the log yet");
                continue;
            }
            if let Err(error) = self.settle(&server, &acts, now).await {
                tracing::warn!(%server, %error, "what a person decided about a pin may be in the log twice");
            }
        }
    }
}
