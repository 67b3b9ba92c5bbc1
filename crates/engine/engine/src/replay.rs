//! What was released on the streams of clients of 2025-11-25, kept for those that lost their connection (T-29): within
//! bounds, and for the very session alone that it was released to.
//!
//! The name of an event holds the number of its stream, its own, and a tag under a key of the door's, computed once for
//! each stream. A number could be guessed; the tag cannot, and it is another one for each person, client and session.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use doorward_wire::sse::{event_ends, write_named_event, write_prime};
use futures_util::future::select;

use crate::change::{Change, Watcher};
use crate::ports::{Ports, RandomUnavailable};
use crate::record::Subject;
use crate::refusal::Reason;
use crate::sessions::{Owner, Session};
use crate::streams::Streams;

/// What is kept at most: of one stream, of one session, of all.
const STREAM_EVENTS: usize = 256;
const STREAM_BYTES: usize = 256 << 10;
const SESSION_BYTES: usize = 1 << 20;
const DOOR_BYTES: usize = 64 << 20;
/// What is dropped at once, roughly.
const CHUNK_BYTES: usize = 32 << 10;
/// A stream counts for this much though nothing is kept of it.
const STREAM_COSTS: usize = 256;
/// Calls that go on though their client is gone: of one session, and of all.
const SESSION_CALLS: usize = 16;
const DOOR_CALLS: usize = 512;
/// How long a client should wait before it comes back.
const RETRY_MS: u32 = 1_000;
const PURPOSE: &[u8] = b"doorward event 1";

/// What is kept at one door.
pub(crate) struct Shelf {
    key: hmac::Key,
    bytes: AtomicUsize,
    calls: AtomicUsize,
    /// The streams in the order in which they began, whose events go first when there are too many.
    order: Mutex<VecDeque<(Weak<Streams>, u32)>>,
}

/// A stream that a client comes back for, and the last event that it has of it.
#[derive(Clone, Copy)]
pub(crate) struct Resumed {
    pub(crate) stream: u32,
    pub(crate) after: u32,
    /// The server speaks unasked on it; otherwise it is a call's.
    pub(crate) unasked: bool,
}

impl Shelf {
    pub(crate) fn new<P: Ports>(ports: &P) -> Result<Self, RandomUnavailable> {
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &ports.random()?),
            bytes: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            order: Mutex::default(),
        })
    }

    fn tag<L>(&self, session: &Session<L>, stream: u32) -> [u8; 16] {
        let Owner { tenant, object, client } = session.owner();
        let mut context = hmac::Context::with_key(&self.key);
        context.update(PURPOSE);
        for part in [tenant.as_str(), object.as_str(), client.as_str(), session.id()] {
            // Lengths in front, so that no two owners write the same.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.update(&stream.to_be_bytes());
        let mut tag = [0; 16];
        tag.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        tag
    }

    /// Begins to keep a stream of a session.
    pub(crate) fn open<L>(self: &Arc<Self>, session: &Session<L>, unasked: bool, subject: &Subject) -> Line {
        let streams = &session.streams;
        let stream = {
            let mut kept = streams.kept();
            let stream = kept.opened;
            kept.opened = kept.opened.wrapping_add(1);
            kept.shelf.get_or_insert_with(|| Arc::clone(self));
            let empty = KeptStream { stream, unasked, subject: subject.clone(), ..KeptStream::default() };
            kept.streams.push_back(empty);
            kept.grow(STREAM_COSTS);
            stream
        };
        self.make_room(Some((streams, stream)));
        Line { stream, tag: self.tag(session, stream), writer: 0, next: 0, kept: 0 }
    }

    /// Finds the stream that an event was released on, in the session that it was released to.
    pub(crate) fn find<L>(&self, session: &Session<L>, event: &str) -> Result<(Resumed, Subject), Reason> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD
            .decode(event)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Reason::EventForeign)?;
        let [a, b, c, d, e, f, g, h, ref tag @ ..] = bytes;
        let (stream, after) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        verify_slices_are_equal(tag, &self.tag(session, stream)).map_err(|_| Reason::EventForeign)?;
        let kept = session.streams.kept();
        let found = kept.streams.iter().find(|kept| kept.stream == stream).ok_or(Reason::EventGone)?;
        if after >= found.next {
            // The tag is this stream's, but no event of that number ever left.
            return Err(Reason::EventForeign);
        }
        if after + 1 < found.first() {
            return Err(Reason::EventGone);
        }
        Ok((Resumed { stream, after, unasked: found.unasked }, found.subject.clone()))
    }

    /// Goes on with a stream; whoever wrote to it before writes no more.
    pub(crate) fn go_on<L>(&self, session: &Session<L>, stream: u32) -> Option<Line> {
        let mut kept = session.streams.kept();
        let found = kept.find(stream)?;
        found.writer += 1;
        found.ended = false;
        let (writer, next) = (found.writer, found.next);
        drop(kept);
        Some(Line { stream, tag: self.tag(session, stream), writer, next, kept: next })
    }

    /// Empties the oldest streams of the door until the rest fits.
    fn make_room(&self, began: Option<(&Arc<Streams>, u32)>) {
        let over = || self.bytes.load(Ordering::Relaxed) > DOOR_BYTES;
        if began.is_none() && !over() {
            return;
        }
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((streams, stream)) = began {
            // Those of sessions that are over make room for the names of others.
            while order.front().is_some_and(|(streams, _)| streams.strong_count() == 0) {
                order.pop_front();
            }
            if order.len() == order.capacity() {
                order.retain(|(streams, _)| streams.strong_count() > 0);
            }
            order.push_back((Arc::downgrade(streams), stream));
        }
        for _ in 0..order.len() {
            if !over() {
                break;
            }
            let Some((streams, stream)) = order.pop_front() else { break };
            if let Some(alive) = streams.upgrade()
                && alive.kept().empty(stream)
            {
                order.push_back((streams, stream));
            }
        }
    }
}

/// What one session keeps.
#[derive(Default)]
pub(crate) struct Kept {
    shelf: Option<Arc<Shelf>>,
    opened: u32,
    streams: VecDeque<KeptStream>,
    bytes: usize,
    /// Calls that go on though their client is gone.
    calls: usize,
}

#[derive(Default)]
struct KeptStream {
    stream: u32,
    unasked: bool,
    /// What its call is about: it must still be there for the caller when they come back.
    subject: Subject,
    chunks: VecDeque<Chunk>,
    events: usize,
    bytes: usize,
    /// The number that the next event gets.
    next: u32,
    writer: u32,
    ended: bool,
    /// Counts those that came back for it; only the last is served, as far as it has read.
    readers: u32,
    reads: Option<u32>,
}

/// Events that were released together, as they went out.
struct Chunk {
    first: u32,
    events: usize,
    text: Bytes,
    /// What it takes, though only part of it may still be there.
    held: usize,
}

impl Kept {
    fn find(&mut self, stream: u32) -> Option<&mut KeptStream> {
        self.streams.iter_mut().find(|kept| kept.stream == stream)
    }

    fn grow(&mut self, by: usize) {
        self.bytes += by;
        self.shelf.iter().for_each(|shelf| _ = shelf.bytes.fetch_add(by, Ordering::Relaxed));
        while self.bytes > SESSION_BYTES {
            // The oldest that has ended goes whole; of those that run the oldest loses what it has.
            let newest = self.streams.len().saturating_sub(1);
            let freed = match self.streams.iter().position(|kept| kept.ended) {
                Some(at) => self.streams.remove(at).map_or(0, |kept| kept.bytes + STREAM_COSTS),
                None => self
                    .streams
                    .iter_mut()
                    .take(newest)
                    .map(KeptStream::clear)
                    .find(|freed| *freed > 0)
                    .unwrap_or(0),
            };
            if freed == 0 {
                break;
            }
            self.shrink(freed);
        }
    }

    fn shrink(&mut self, by: usize) {
        self.bytes = self.bytes.saturating_sub(by);
        self.shelf.iter().for_each(|shelf| _ = shelf.bytes.fetch_sub(by, Ordering::Relaxed));
    }

    /// Forgets what is kept of a stream; true if it goes on.
    fn empty(&mut self, stream: u32) -> bool {
        let Some(at) = self.streams.iter().position(|kept| kept.stream == stream) else { return false };
        let (freed, ended) = match self.streams.get_mut(at) {
            Some(kept) => (kept.clear(), kept.ended),
            None => (0, true),
        };
        self.shrink(freed);
        if ended && self.streams.remove(at).is_some() {
            self.shrink(STREAM_COSTS);
        }
        !ended
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

impl KeptStream {
    /// The number of the first event that is kept.
    fn first(&self) -> u32 {
        self.chunks.front().map_or(self.next, |chunk| chunk.first)
    }

    fn clear(&mut self) -> usize {
        self.chunks.clear();
        self.events = 0;
        std::mem::take(&mut self.bytes)
    }

    /// Keeps events within the bounds of a stream, the newest; returns what they take, and what others took.
    fn keep(&mut self, mut first: u32, mut events: usize, mut text: &[u8]) -> (usize, usize) {
        let mut ends = event_ends(text);
        let mut past = 0;
        while events > STREAM_EVENTS || text.len() - past > STREAM_BYTES {
            let Some(end) = ends.next() else { break };
            (past, first, events) = (end, first + 1, events - 1);
        }
        text = text.get(past..).unwrap_or_default();
        let mut freed = 0;
        if events == 0 {
            freed += self.clear();
        }
        self.events += events;
        self.bytes += text.len();
        let (mut begin, mut here) = (0, 0);
        for end in event_ends(text) {
            here += 1;
            if end - begin >= CHUNK_BYTES || end == text.len() {
                let piece = Bytes::copy_from_slice(text.get(begin..end).unwrap_or_default());
                self.chunks.push_back(Chunk { first, events: here, held: piece.len(), text: piece });
                first += u32::try_from(here).unwrap_or(u32::MAX);
                (begin, here) = (end, 0);
            }
        }
        while self.events > STREAM_EVENTS || self.bytes > STREAM_BYTES {
            let over = self.events.saturating_sub(STREAM_EVENTS);
            let Some(oldest) = self.chunks.front_mut() else { break };
            if self.bytes <= STREAM_BYTES && over < oldest.events {
                let end = event_ends(&oldest.text).nth(over - 1).unwrap_or_default();
                oldest.text = oldest.text.slice(end..);
                oldest.first += u32::try_from(over).unwrap_or(u32::MAX);
                oldest.events -= over;
                self.events -= over;
            } else if let Some(oldest) = self.chunks.pop_front() {
                self.events -= oldest.events;
                self.bytes -= oldest.held;
                freed += oldest.held;
            }
        }
        (text.len(), freed)
    }

    /// Returns what came after an event, and the last event of it; nothing if some of it is gone.
    fn after(&self, after: u32) -> Option<(Bytes, u32)> {
        if after + 1 < self.first() {
            return None;
        }
        let mut out = BytesMut::new();
        for chunk in &self.chunks {
            let seen = usize::try_from((after + 1).saturating_sub(chunk.first)).unwrap_or(usize::MAX);
            if seen < chunk.events {
                let from =
                    seen.checked_sub(1).and_then(|last| event_ends(&chunk.text).nth(last)).unwrap_or(0);
                out.extend_from_slice(chunk.text.get(from..).unwrap_or_default());
            }
        }
        Some((out.freeze(), self.next.saturating_sub(1)))
    }
}

/// One stream as it is written: its events get names, and what went out is kept.
pub(crate) struct Line {
    stream: u32,
    tag: [u8; 16],
    writer: u32,
    next: u32,
    kept: u32,
}

impl Line {
    fn name(&mut self) -> [u8; 32] {
        let mut bytes = [0; 24];
        let parts = self.stream.to_be_bytes().into_iter().chain(self.next.to_be_bytes()).chain(self.tag);
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        self.next += 1;
        let mut name = [0; 32];
        // 24 bytes are 32 characters.
        let _whole = URL_SAFE_NO_PAD.encode_slice(bytes, &mut name);
        name
    }

    /// Writes an event that says nothing but its name, with which a client may come back from the very beginning.
    pub(crate) fn prime(&mut self) -> BytesMut {
        let mut out = BytesMut::new();
        write_prime(&mut out, &self.name(), RETRY_MS);
        out
    }

    /// How many events were named so far.
    pub(crate) fn written(&self) -> u32 {
        self.next
    }

    pub(crate) fn write(&mut self, out: &mut BytesMut, data: &[u8]) {
        write_named_event(out, &self.name(), data);
    }
}

impl Streams {
    /// Keeps what is about to go out; false if another writes to the stream now, so that nothing goes out twice.
    pub(crate) fn keep(&self, line: &mut Line, text: &[u8]) -> bool {
        let (first, events) = (line.kept, line.next.saturating_sub(line.kept));
        line.kept = line.next;
        let mut kept = self.kept();
        let Some(found) = kept.find(line.stream) else { return true };
        if found.writer != line.writer {
            return false;
        }
        found.next = line.next;
        let (takes, freed) = found.keep(first, usize::try_from(events).unwrap_or(usize::MAX), text);
        let read = found.reads.is_some();
        kept.shrink(freed);
        kept.grow(takes);
        let shelf = kept.shelf.clone();
        drop(kept);
        if read {
            self.changed.announce();
        }
        shelf.iter().for_each(|shelf| shelf.make_room(None));
        true
    }

    pub(crate) fn end(&self, line: &Line) {
        if let Some(found) = self.kept().find(line.stream).filter(|found| found.writer == line.writer) {
            found.ended = true;
        }
        self.changed.announce();
    }

    /// Says whether one came back for the stream: its first connection is served no more.
    pub(crate) fn is_read(&self, line: &Line) -> bool {
        self.kept().find(line.stream).is_some_and(|found| found.readers > 0)
    }

    /// Says whether one who came back has still to read: the stream waits for them, as it waits for a connection.
    pub(crate) fn lags(&self, line: &Line) -> bool {
        self.kept()
            .find(line.stream)
            .is_some_and(|found| found.reads.is_some_and(|read| read + 1 < found.next))
    }

    /// Returns what came after an event, and the last event of it.
    pub(crate) fn after(&self, resumed: &Resumed) -> Option<(Bytes, u32)> {
        self.kept().find(resumed.stream)?.after(resumed.after)
    }
}

/// One that came back for the stream of a call, and reads what is kept of it, and what follows.
pub(crate) struct Reader {
    streams: Arc<Streams>,
    resumed: Resumed,
    me: u32,
    watcher: Watcher,
}

/// What there is to read.
pub(crate) enum Read {
    Events(Bytes, u64),
    /// Nothing yet.
    Nothing,
    /// The stream has ended.
    Ended,
    /// Another reads now, or some of it is gone.
    Lost,
}

impl Reader {
    pub(crate) fn new(streams: &Arc<Streams>, resumed: Resumed) -> Self {
        let mut kept = streams.kept();
        let me = kept.find(resumed.stream).map_or(0, |found| {
            found.readers += 1;
            found.reads = Some(resumed.after);
            found.readers
        });
        drop(kept);
        streams.changed.announce();
        let watcher = streams.changed.watch();
        Self { streams: Arc::clone(streams), resumed, me, watcher }
    }

    pub(crate) fn read(&mut self) -> Read {
        let mut kept = self.streams.kept();
        let Some(found) = kept.find(self.resumed.stream).filter(|found| found.readers == self.me) else {
            return Read::Lost;
        };
        let Some((text, last)) = found.after(self.resumed.after) else { return Read::Lost };
        if text.is_empty() {
            return if found.ended { Read::Ended } else { Read::Nothing };
        }
        found.reads = Some(last);
        drop(kept);
        let events = u64::from(last.saturating_sub(self.resumed.after));
        self.resumed.after = last;
        self.streams.changed.announce();
        Read::Events(text, events)
    }

    /// Waits until there may be more to read, or what it is read under has changed.
    pub(crate) async fn more(&mut self, change: &Change, watcher: &mut Watcher) {
        let (more, changed) = (self.streams.changed.next(&mut self.watcher), change.next(watcher));
        select(pin!(more), pin!(changed)).await;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(found) =
            self.streams.kept().find(self.resumed.stream).filter(|found| found.readers == self.me)
        {
            found.reads = None;
        }
        self.streams.changed.leave(&self.watcher);
        self.streams.changed.announce();
    }
}

/// How a call goes on when its client leaves.
pub struct Departure {
    shelf: Arc<Shelf>,
    streams: Arc<Streams>,
}

impl Departure {
    pub(crate) fn new(shelf: &Arc<Shelf>, streams: &Arc<Streams>) -> Self {
        Self { shelf: Arc::clone(shelf), streams: Arc::clone(streams) }
    }

    /// Takes a place among the calls whose clients have left; none if there are too many, and the call ends.
    pub fn leave(&self) -> Option<Detached> {
        Detached::take(&self.shelf, &self.streams)
    }
}

/// The place of a call that goes on though its client is gone: there are only so many (T-12).
pub struct Detached {
    shelf: Arc<Shelf>,
    streams: Arc<Streams>,
}

impl Detached {
    pub(crate) fn take(shelf: &Arc<Shelf>, streams: &Arc<Streams>) -> Option<Self> {
        let mut kept = streams.kept();
        if kept.calls >= SESSION_CALLS || shelf.calls.fetch_add(1, Ordering::AcqRel) >= DOOR_CALLS {
            if kept.calls < SESSION_CALLS {
                shelf.calls.fetch_sub(1, Ordering::AcqRel);
            }
            return None;
        }
        kept.calls += 1;
        drop(kept);
        Some(Self { shelf: Arc::clone(shelf), streams: Arc::clone(streams) })
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        self.streams.kept().calls -= 1;
        self.shelf.calls.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(at: usize, length: usize) -> String {
        let number = at.to_string();
        "0".repeat(length - number.len()) + &number
    }

    fn kept(chunks: &[usize], length: usize) -> KeptStream {
        let mut stream = KeptStream::default();
        for events in chunks {
            let mut text = BytesMut::new();
            for at in 0..*events {
                let number = number(stream.next as usize + at, length);
                text.extend_from_slice(format!("data: {number}\n\n").as_bytes());
            }
            let first = stream.next;
            stream.next += u32::try_from(*events).unwrap();
            stream.keep(first, *events, &text);
        }
        stream
    }

    // control: T-29, eras-g: of a stream no more is kept than its bound, the newest, and what is gone is not passed over
    #[test]
    fn the_newest_events_are_kept() {
        for (chunks, length, first, last) in [
            (&[1, 1, 1][..], 4, 0, 2),
            (&[200, 100], 4, 44, 299),
            (&[1_000], 4, 744, 999),
            (&[200, 1, 1_000, 3], 4, 948, 1_203),
            (&[1, 1, 1], 100 << 10, 1, 2),
            (&[1, 1], 300 << 10, 2, 1),
            (&[2, 300, 1], 2 << 10, 191, 302),
        ] {
            let stream = kept(chunks, length);
            assert!(stream.events <= STREAM_EVENTS && stream.bytes <= STREAM_BYTES, "{chunks:?}");
            assert_eq!((stream.first(), stream.next), (first, last + 1), "{chunks:?} {length}");
            let number = |at: u32| number(at as usize, length);
            for after in (first.saturating_sub(1)..=last).step_by(7).chain([last]) {
                let (text, read) = stream.after(after).unwrap();
                let text = std::str::from_utf8(&text).unwrap();
                let numbers: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
                assert_eq!(
                    numbers,
                    ((after + 1)..=last).map(number).collect::<Vec<_>>(),
                    "{chunks:?} {after}"
                );
                assert_eq!(read, last);
            }
            assert!(first < 2 || stream.after(first - 2).is_none(), "{chunks:?}");
        }
    }
}
