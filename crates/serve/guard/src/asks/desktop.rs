//! A notification with two buttons (Desktop Notifications Specification 1.3), over the session's D-Bus.

use std::collections::HashMap;
use std::time::Duration;

use doorward_engine::Consent;
use futures_util::StreamExt as _;
use zbus::{Connection, MatchRule, MessageStream, Variant};

use super::{Ask, Asked, Asking};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// Asking the bus for something takes no person.
const CALL: Duration = Duration::from_secs(5);
const ALLOW: &str = "allow";
/// Stays until it is answered.
const CRITICAL: u8 = 2;

/// The notifications of the desktop on the session bus.
#[derive(Debug, Clone, Default)]
pub struct Desktop {
    /// Another bus than the session's.
    address: Option<String>,
}

impl Desktop {
    /// Asks on the bus at this address instead of the session's.
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()) }
    }

    async fn bus(&self) -> Result<Connection, zbus::Error> {
        let builder = match &self.address {
            Some(address) => zbus::connection::Builder::address(address.as_str()),
            None => zbus::connection::Builder::session(),
        };
        builder.method_timeout(CALL).build().await
    }
}

impl Ask for Desktop {
    fn ask<'a>(&'a self, asked: &'a Asked) -> Asking<'a> {
        Box::pin(async move {
            match self.put(asked).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!(%error, "nobody can be asked: there is no desktop that shows questions");
                    Consent::Nobody
                }
            }
        })
    }
}

/// Takes the notification back, however the question ends.
struct Shown {
    bus: Connection,
    id: u32,
}

impl Drop for Shown {
    fn drop(&mut self) {
        let (bus, id) = (self.bus.clone(), self.id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // It may be gone already, and the desktop too.
                let _gone = bus.call_method(Some(NAME), PATH, Some(NAME), "CloseNotification", &(id,)).await;
            });
        }
    }
}

impl Desktop {
    async fn put(&self, asked: &Asked) -> Result<Consent, zbus::Error> {
        let bus = tokio::time::timeout(CALL, self.bus());
        let bus =
            bus.await.map_err(|_| zbus::Error::Failure("the session bus does not answer".to_owned()))??;
        let call = |method| bus.call_method(Some(NAME), PATH, Some(NAME), method, &());
        let (can,): (Vec<String>,) = call("GetCapabilities").await?.body().deserialize()?;
        if !can.iter().any(|can| can == "actions") {
            return Err(zbus::Error::Failure("its notifications have no buttons".to_owned()));
        }
        // Anybody on the bus can send a signal of this name: one of another sender is no answer.
        let owner: String = bus
            .call_method(
                Some("org.freedesktop.DBus"),
                "/",
                Some("org.freedesktop.DBus"),
                "GetNameOwner",
                &(NAME,),
            )
            .await?
            .body()
            .deserialize()?;
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(owner.as_str())
            .interface(NAME)
            .build()?;
        let mut signals = MessageStream::for_match_rule(rule, &bus, None).await?;
        let about = if can.iter().any(|can| can == "body-markup") {
            escaped(&asked.about)
        } else {
            asked.about.clone()
        };
        let hints = HashMap::from([("urgency", Variant::from(CRITICAL))]);
        let actions = [ALLOW, "Allow once", "refuse", "Refuse"].as_slice();
        let notification = ("Doorward", 0_u32, "", asked.what.as_str(), about, actions, hints, 0_i32);
        let answer = bus.call_method(Some(NAME), PATH, Some(NAME), "Notify", &notification).await?;
        let id: u32 = answer.body().deserialize()?;
        let _shown = Shown { bus: bus.clone(), id };
        while let Some(signal) = signals.next().await {
            let signal = signal?;
            // The rule is the bus's word; this is ours.
            if signal.header().sender().is_none_or(|sender| sender.as_str() != owner) {
                continue;
            }
            match signal.header().member().map(|member| member.to_string()).as_deref() {
                Some("ActionInvoked") => {
                    let (of, action): (u32, String) = signal.body().deserialize()?;
                    if of == id {
                        return Ok(if action == ALLOW { Consent::Given } else { Consent::Refused });
                    }
                }
                Some("NotificationClosed") => {
                    let (of, _why): (u32, u32) = signal.body().deserialize()?;
                    if of == id {
                        return Ok(Consent::Refused);
                    }
                }
                _ => {}
            }
        }
        Err(zbus::Error::Failure("the session bus is gone".to_owned()))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
