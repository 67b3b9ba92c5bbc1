//! A server that speaks HTTP+SSE, the transport of 2024-11-05: a GET opens a stream that first names an address, messages
//! are posted there, and all answers come on the stream. One stream is one session.

use std::sync::Arc;

use bytes::Bytes;
use doorward_engine::{
    Answer, Answered, Caller, Cleared, Errand, ErrandKind, Ports, ServerRules, UpstreamError, UpstreamFault,
};
use doorward_net::Origin;
use doorward_types::ServerName;
use doorward_wire::{Era, Frame, FrameKind, Method, SseEvent, SseLimits, SseReader};
use http::Uri;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::duplex::{Deadlines, Duplex, EndUnlessHeard, Out};
use crate::events::UpstreamEvents;
use crate::http::{Call, HttpServer, Said};
use crate::{Ends, Link, LinkTo, opens};

/// The server, and how it is reached.
pub(crate) struct SseServer(Arc<HttpServer>);

/// Where messages of one session go.
pub(crate) struct Posts {
    http: Arc<HttpServer>,
    to: Uri,
    /// Who opened it: the door speaks for them where nobody else is meant.
    caller: Option<Arc<Caller>>,
    timeout: std::time::Duration,
}

impl Posts {
    pub(crate) async fn send(
        &self,
        server: &ServerName,
        frame: &Bytes,
        caller: Option<&Arc<Caller>>,
    ) -> Result<(), UpstreamError> {
        let call = Call { caller: caller.or(self.caller.as_ref()), ..Call::bare(server, self.timeout) };
        self.http.post_to(&self.to, &call, frame.clone()).await
    }
}

/// The opened stream.
struct Stream {
    body: Incoming,
    reader: SseReader,
}

impl Stream {
    /// Waits for the next event; none at the end.
    async fn next(&mut self) -> Result<Option<SseEvent>, UpstreamError> {
        loop {
            match self.reader.next() {
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => {
                    let what = format!("the event stream cannot be read: {error}");
                    return Err(UpstreamError::new(UpstreamFault::TooLarge, what));
                }
                None => {}
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    frame.into_data().into_iter().for_each(|data| self.reader.push_bytes(data))
                }
                Some(Err(error)) => {
                    return Err(UpstreamError::new(
                        UpstreamFault::Ended,
                        format!("the stream broke: {error}"),
                    ));
                }
                None => return Ok(None),
            }
        }
    }
}

impl SseServer {
    pub(crate) fn new(http: Arc<HttpServer>) -> Self {
        Self(http)
    }

    pub(crate) async fn send<P>(&self, cleared: Cleared<P>) -> Said
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        let rules = Arc::clone(cleared.server());
        let (caller, id) = (Some(cleared.caller()), cleared.door_id());
        match (cleared.link().map(|link| &link.to), id) {
            (Some(LinkTo::Sse(talk)), _) => self.say(talk, cleared.bytes(), id, caller, &rules).await,
            (None, Some(id)) if cleared.method() == Method::Initialize => {
                self.open(cleared.bytes(), id, caller, &rules).await
            }
            _ => Err(no_session()),
        }
    }

    pub(crate) async fn errand<P>(&self, errand: Errand<P>) -> Said
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        let rules = Arc::clone(errand.server());
        let not_served = || Err(UpstreamError::new(UpstreamFault::VerbNotServed, "not over HTTP+SSE"));
        let (frame, link) = (errand.frame(), errand.link());
        match (errand.kind(), frame, link.map(|link| &link.to)) {
            (kind, Some(frame), _) if opens(kind) => {
                self.open(&frame, errand.id(), errand.caller(), &rules).await
            }
            (ErrandKind::OpenStream, _, Some(LinkTo::Sse(talk))) => {
                let events = link.map(|link| talk.listen(Arc::clone(link)));
                events.map_or_else(not_served, |events| {
                    Ok(Answered { link: None, answer: Answer::Stream(UpstreamEvents::Duplex(events)) })
                })
            }
            (
                ErrandKind::ListTools(_)
                | ErrandKind::ListPrompts(_)
                | ErrandKind::ListResources(_)
                | ErrandKind::ListTemplates(_)
                | ErrandKind::SetLevel(_),
                Some(frame),
                Some(LinkTo::Sse(talk)),
            ) => self.say(talk, &frame, Some(errand.id()), errand.caller(), &rules).await,
            (_, Some(frame), Some(LinkTo::Sse(talk))) => {
                self.say(talk, &frame, None, errand.caller(), &rules).await
            }
            _ => not_served(),
        }
    }

    /// Opens a stream, learns where to post, and greets the server there.
    async fn open(
        &self,
        frame: &Bytes,
        id: i64,
        caller: Option<&Arc<Caller>>,
        rules: &Arc<ServerRules>,
    ) -> Said {
        let late = |_| UpstreamError::new(UpstreamFault::Timeout, "the server names no address to post to");
        let named = async {
            let call = Call { caller, ..Call::bare(&rules.name, rules.call_timeout) };
            let body = self.0.open_stream(&call).await?;
            let limits = SseLimits {
                max_event: rules.answer_limits.max_bytes,
                max_line: rules.answer_limits.max_bytes.saturating_add(64),
            };
            let mut stream = Stream { body, reader: SseReader::new(limits) };
            let to = loop {
                match stream.next().await? {
                    Some(event) if event.event.as_deref() == Some("endpoint") => break event.data,
                    // What comes before is nobody's.
                    Some(_) => {}
                    None => {
                        let what = "the stream ended before it named an address to post to";
                        return Err(UpstreamError::new(UpstreamFault::Malformed, what));
                    }
                }
            };
            Ok((stream, to))
        };
        let (stream, to) = tokio::time::timeout(rules.call_timeout, named).await.map_err(late)??;
        let to = resolve(self.0.uri(), self.0.origin(), &to)
            .map_err(|what| UpstreamError::new(UpstreamFault::Refused, what))?;
        let posts = Posts {
            http: Arc::clone(&self.0),
            to,
            caller: caller.map(Arc::clone),
            timeout: rules.call_timeout,
        };
        let talk = Duplex::new(rules.name.clone(), false, Out::Posts(posts));
        tokio::spawn(read(Arc::clone(&talk), stream, Arc::clone(rules)));
        let link =
            Link { ends: Ends::default(), to: LinkTo::Sse(Arc::clone(&talk)), server: rules.name.clone() };
        // Whatever comes in between, the stream must not outlive those who wait for it.
        let asked = EndUnlessHeard::new(&talk);
        let mut events = talk.call(id, self.deadlines(rules), None, None);
        talk.write(frame, caller).await?;
        let answer = loop {
            let said = events.next().await?;
            let parsed = Frame::parse_result(said.clone(), &rules.answer_limits);
            if parsed.is_ok_and(|(frame, _)| frame.kind() == FrameKind::Response) {
                break said;
            }
        };
        events.answered();
        asked.heard();
        Ok(Answered { link: Some(Arc::new(link)), answer: Answer::Whole(answer, 200) })
    }

    fn deadlines(&self, rules: &ServerRules) -> Deadlines {
        Deadlines { silence: Some(rules.call_timeout), most: Some(Instant::now() + self.0.most()) }
    }

    async fn say(
        &self,
        talk: &Arc<Duplex>,
        frame: &Bytes,
        id: Option<i64>,
        caller: Option<&Arc<Caller>>,
        rules: &Arc<ServerRules>,
    ) -> Said {
        talk.say(frame, id, Era::Legacy, caller, self.deadlines(rules), &rules.answer_limits).await
    }
}

/// Reads until the server or the session ends.
async fn read(talk: Arc<Duplex>, mut stream: Stream, rules: Arc<ServerRules>) {
    let reading = async {
        loop {
            match stream.next().await {
                Ok(Some(event)) => {
                    let is_message = event.event.as_deref().is_none_or(|name| name == "message");
                    if is_message && !event.data.is_empty() {
                        talk.route(event.data, &rules.answer_limits).await;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(server = %rules.name, detail = error.detail, "a stream of HTTP+SSE broke");
                    return;
                }
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = talk.ended() => {}
    }
    talk.end();
}

fn no_session() -> UpstreamError {
    UpstreamError::new(UpstreamFault::SessionLost, "there is no stream for it")
}

/// Makes of what a server named the target of a request at this very server: what names another is refused, since what a
/// person says, and the credential that is sent with it, would go there.
fn resolve(own: &Uri, origin: &Origin, named: &[u8]) -> Result<Uri, String> {
    let bad = |why: &str| format!("the address to post to cannot be used: {why}");
    let named = std::str::from_utf8(named).map_err(|_| bad("it is not text"))?.trim();
    let target = if let Some(rest) = named.strip_prefix("//") {
        return Err(bad(&format!("it names a host, {}", rest.split('/').next().unwrap_or_default())));
    } else if named.starts_with('/') {
        named.to_owned()
    } else if named.starts_with('?') {
        format!("{}{named}", own.path())
    } else if named.contains("://") {
        let absolute: Uri = named.parse().map_err(|_| bad("it is no URL"))?;
        if !Origin::parse(named).is_ok_and(|other| other == *origin) {
            return Err(bad("it is at another server"));
        }
        absolute.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned())
    } else {
        let folder = own.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{named}")
    };
    target.parse().map_err(|_| bad("it is no path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: NET-05: what a server of HTTP+SSE names is an address at that server, or nothing is sent
    #[test]
    fn messages_go_to_the_server_that_was_configured() {
        let own: Uri = "/a/sse?x=1".parse().unwrap();
        let origin = Origin::parse("https://crm.internal/a/sse").unwrap();
        for (named, expected) in [
            ("/messages?session=1", Some("/messages?session=1")),
            ("?session=1", Some("/a/sse?session=1")),
            ("messages/1", Some("/a/messages/1")),
            ("https://crm.internal/m?s=1", Some("/m?s=1")),
            ("https://CRM.internal:443/m", Some("/m")),
            (" /m \n", Some("/m")),
            ("https://evil.example/m", None),
            ("http://crm.internal/m", None),
            ("https://crm.internal:444/m", None),
            ("https://crm.internal@evil.example/m", None),
            ("//evil.example/m", None),
            // A path like any other: the connection is the server's own.
            ("/\\evil.example", Some("/\\evil.example")),
            ("/m\r\nHost: evil.example", None),
        ] {
            let resolved = resolve(&own, &origin, named.as_bytes()).ok().map(|uri| uri.to_string());
            assert_eq!(resolved.as_deref(), expected, "{named:?}");
        }
        assert!(resolve(&own, &origin, b"/\xff").is_err());
    }
}
