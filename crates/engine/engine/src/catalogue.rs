//! What a server offers: its tools and prompts, fetched whole by the door itself and at most a minute old (D-08).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use doorward_inspect::{Bundles, Names, ToolContext};
use doorward_policy::{PromptShape, ServerShape, ToolShape};
use doorward_types::{Person, ServerName};
use doorward_wire::lens::ResultType;
use doorward_wire::{Era, Frame, Id, Kind, Limits, ParamHeader, Tree, Value, headers, lens};
use futures_util::lock::Mutex as AsyncMutex;

use crate::door::Door;
use crate::errand::{Errand, ErrandKind, Errands};
use crate::eyes::digest_of;
use crate::pinned::{List, Shelf, fetch_shelf, judge_lists, version};
use crate::ports::{Answer, Answered, Events, More, Ports, UpstreamError, UpstreamFault};
use crate::schema::{ArgumentSchema, OutputSchema};

/// A catalogue older than this is fetched again before a call is judged by it, in nanoseconds of the stopwatch.
const FRESH_FOR: u64 = 60 * 1_000_000_000;
/// Bounds on what one server may list.
const MOST_PAGES: usize = 64;
const MOST_TOOLS: usize = 4_096;
const MOST_ARGUMENTS: usize = 256;
/// JSON-RPC 2.0, section 5.1.
const METHOD_NOT_FOUND: i64 = -32601;
/// The server does not speak the revision of the request; its `supported` says which ones it does (L-05).
const UNSUPPORTED_VERSION: i64 = -32022;
/// Catalogues kept; a caller chooses its capabilities, and some servers have one for each person, so their number must
/// be bounded.
const MOST_CATALOGUES: usize = 4_096;

/// One tool as its server defines it.
pub struct Tool {
    pub(crate) name: Arc<str>,
    pub(crate) schema: Option<Tree>,
    /// Parameters that are mirrored into `Mcp-Param-*` headers.
    pub(crate) mirrored: Vec<ParamHeader>,
    pub(crate) arguments: Result<ArgumentSchema, String>,
    /// A digest of the whole definition: an approval is about a tool as it was then.
    pub(crate) definition: [u8; 32],
    /// What its `structuredContent` must be.
    pub(crate) output: Option<OutputSchema>,
    /// What it is about, which decides what its arguments may be.
    pub(crate) about: ToolContext,
    /// Its server says that it destroys. What a server says here can only make the door stricter.
    pub(crate) destructive: bool,
}

impl Tool {
    fn of(defined: &lens::ToolDef<'_>, page: &Frame, limits: &Limits) -> Option<Self> {
        let schema = defined.input_schema;
        // A tool whose `x-mcp-header` breaks the rules is not served at all (T-21).
        let mirrored = schema.map_or(Ok(Vec::new()), headers::x_mcp_headers).ok()?;
        let copy = |value: Value<'_>| {
            let span = value.span();
            // A copy, so that one small schema does not keep a whole page alive.
            Tree::parse(Bytes::copy_from_slice(&page.bytes().slice(span.range())), limits).ok()
        };
        let tree = schema.and_then(copy);
        let arguments = ArgumentSchema::compile(tree.as_ref().map(Tree::root));
        let hint = defined.value.get("annotations").and_then(|hints| hints.get("destructiveHint"));
        let destructive = hint.and_then(|hint| hint.as_bool()) == Some(true);
        let mut definition = [0; 32];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, defined.value.raw().as_bytes());
        definition.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        let output = defined.output_schema.and_then(|schema| OutputSchema::of(schema, limits));
        let about = ToolContext::of(defined.value);
        let name = defined.name.as_ref().into();
        Some(Self { name, schema: tree, mirrored, arguments, definition, output, about, destructive })
    }

    /// Returns the tool's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it promises of its structured results.
    pub(crate) fn output(&self) -> Option<&OutputSchema> {
        self.output.as_ref()
    }

    fn same_shape(&self, other: &Self) -> bool {
        self.name == other.name
            && self.schema.as_ref().map(Tree::bytes) == other.schema.as_ref().map(Tree::bytes)
    }
}

type Tools = BTreeMap<Arc<str>, Arc<Tool>>;
/// The names of a prompt's arguments, by the prompt's name.
type Prompts = BTreeMap<Arc<str>, Arc<[Box<str>]>>;

/// A server's tools and prompts, by name.
pub struct Catalogue {
    tools: Tools,
    prompts: Prompts,
    /// What of it is withheld.
    withheld: BTreeSet<(doorward_pins::Kind, String)>,
    /// What policies were last found to be compiled against, all of this included: comparing a whole catalogue on every
    /// call would cost more than the call.
    covered_by: AtomicI64,
}

impl Catalogue {
    /// Finds a tool.
    pub fn tool(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.get(name)
    }

    pub(crate) fn has_prompt(&self, name: &str) -> bool {
        self.prompts.contains_key(name)
    }

    /// Says whether something of this name was left out.
    pub(crate) fn withholds(&self, kind: doorward_pins::Kind, name: &str) -> bool {
        self.withheld.contains(&(kind, name.to_owned()))
    }

    /// Returns how many tools there are.
    pub fn len(&self) -> usize {
        self.tools.len()
    }

    /// Says whether there are neither tools nor prompts.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.prompts.is_empty()
    }
}

/// What policies were compiled against for one server: every tool and prompt seen in any of its catalogues.
pub struct Known {
    tools: Tools,
    prompts: Prompts,
    /// Never the same twice in one door.
    id: i64,
    /// The tools' names, for whoever reads what comes back; made ready where they are asked for.
    names: OnceLock<Names>,
    called: OnceLock<[u8; 32]>,
}

impl Known {
    pub(crate) fn tool(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.get(name)
    }

    pub(crate) fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::new(self.tool_names()))
    }

    /// A digest of the tools' names: it changes when there is a new one, and not when one has another shape.
    pub(crate) fn called(&self) -> &[u8; 32] {
        self.called.get_or_init(|| digest_of(self.tools.keys().map(|name| name.as_bytes())))
    }

    pub(crate) fn tool_names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(|name| &**name)
    }

    /// Describes the server to the policy compiler.
    pub(crate) fn shape<'a>(&'a self, name: &'a ServerName) -> ServerShape<'a> {
        let tools = self.tools.values().map(|tool| ToolShape {
            name: (&*tool.name).into(),
            input_schema: tool.schema.as_ref().map(Tree::root),
        });
        let prompts = self.prompts.iter().map(|(name, arguments)| PromptShape {
            name: (&**name).into(),
            arguments: arguments.iter().map(|argument| (&**argument).into()).collect(),
        });
        ServerShape { name, tools: tools.collect(), prompts: prompts.collect(), complete: true }
    }

    /// Says whether policies know this very tool.
    pub(crate) fn knows(&self, tool: &Tool) -> bool {
        self.tools.get(&tool.name).is_some_and(|known| std::ptr::eq(&**known, tool) || known.same_shape(tool))
    }

    pub(crate) fn covers(&self, catalogue: &Catalogue) -> bool {
        if catalogue.covered_by.load(Ordering::Relaxed) == self.id {
            return true;
        }
        let knows_prompt = |(name, arguments)| self.prompts.get(name).is_some_and(|known| known == arguments);
        let covers = catalogue.tools.values().all(|tool| self.knows(tool))
            && catalogue.prompts.iter().all(knows_prompt);
        if covers {
            catalogue.covered_by.store(self.id, Ordering::Relaxed);
        }
        covers
    }

    /// Adds a catalogue to what was known; where two disagree on a tool or a prompt, the newer definition stands.
    pub(crate) fn with(before: Option<&Self>, catalogue: &Catalogue, id: i64) -> Self {
        let mut tools = before.map(|known| known.tools.clone()).unwrap_or_default();
        tools.extend(catalogue.tools.iter().map(|(name, tool)| (Arc::clone(name), Arc::clone(tool))));
        let mut prompts = before.map(|known| known.prompts.clone()).unwrap_or_default();
        prompts.extend(
            catalogue.prompts.iter().map(|(name, arguments)| (Arc::clone(name), Arc::clone(arguments))),
        );
        Self { tools, prompts, id, names: OnceLock::new(), called: OnceLock::new() }
    }
}

/// Whose view of a server a catalogue is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CatalogueKey {
    /// The server.
    pub server: ServerName,
    /// The revision family it was asked in.
    pub modern: bool,
    /// The client capabilities it was told, raw JSON: servers list by them.
    pub capabilities: Arc<str>,
    /// Whose credential it was asked with, where each person has one of their own.
    pub person: Option<Person>,
}

/// What was fetched, when, and by what it was judged: the version of what is agreed to, and the bundles of rules.
struct Kept<T> {
    what: Arc<T>,
    fetched: u64,
    pins: u64,
    bundles: Arc<Bundles>,
}

struct Slot<T> {
    current: Mutex<Option<Kept<T>>>,
    fetching: AsyncMutex<()>,
}

impl<T> Slot<T> {
    /// Returns what is not too old; where a person decided something since, or other rules count, it is.
    fn fresh(&self, now: u64, pins: u64, bundles: &Bundles) -> Option<Arc<T>> {
        let current = locked(&self.current);
        let is_fresh = |kept: &&Kept<T>| {
            now.saturating_sub(kept.fetched) < FRESH_FOR
                && kept.pins == pins
                && kept.bundles.id() == bundles.id()
        };
        current.as_ref().filter(is_fresh).map(|kept| Arc::clone(&kept.what))
    }

    fn is_old(&self, now: u64) -> bool {
        let current = locked(&self.current);
        current.as_ref().is_none_or(|kept| now.saturating_sub(kept.fetched) >= FRESH_FOR)
    }
}

struct Slots<T>(Mutex<HashMap<CatalogueKey, Arc<Slot<T>>>>);

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// All catalogues of a door.
#[derive(Default)]
pub(crate) struct Catalogues {
    offers: Slots<Catalogue>,
    shelves: Slots<Shelf>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Slots<T> {
    fn slot(&self, key: CatalogueKey, now: u64) -> Arc<Slot<T>> {
        let mut slots = locked(&self.0);
        if slots.len() >= MOST_CATALOGUES && !slots.contains_key(&key) {
            // Fetching again is cheap; remembering what callers choose is not. What is old goes first.
            slots.retain(|_, slot| !slot.is_old(now));
            if slots.len() >= MOST_CATALOGUES {
                slots.clear();
            }
        }
        let slot = slots.entry(key);
        Arc::clone(
            slot.or_insert_with(|| {
                Arc::new(Slot { current: Mutex::new(None), fetching: AsyncMutex::new(()) })
            }),
        )
    }

    fn forget(&self, server: &ServerName) {
        locked(&self.0).retain(|key, _| key.server != *server);
    }
}

impl Catalogues {
    /// Forgets what a server offers, because it says that it changed.
    pub(crate) fn forget(&self, server: &ServerName) {
        self.offers.forget(server);
        self.shelves.forget(server);
    }
}

/// Returns the catalogue that a call is judged by, fetching it if it is missing or old.
pub(crate) async fn current<P: Ports>(
    door: &Door<P>,
    on: &Errands<P::Link>,
) -> Result<Arc<Catalogue>, UpstreamError> {
    fresh(door, on, &door.catalogues.offers, fetch(door, on)).await
}

/// Returns what is known of a server's resources, fetching it if it is missing or old.
pub(crate) async fn shelf<P: Ports>(
    door: &Door<P>,
    on: &Errands<P::Link>,
) -> Result<Arc<Shelf>, UpstreamError> {
    fresh(door, on, &door.catalogues.shelves, fetch_shelf(door, on)).await
}

async fn fresh<P: Ports, T>(
    door: &Door<P>,
    on: &Errands<P::Link>,
    slots: &Slots<T>,
    fetch: impl Future<Output = Result<(T, u64), UpstreamError>>,
) -> Result<Arc<T>, UpstreamError> {
    let key = CatalogueKey {
        server: on.server.name.clone(),
        modern: on.era == Era::Modern,
        capabilities: Arc::clone(&on.capabilities),
        person: match &on.caller {
            Some(caller) if on.server.per_person_credential => Some(caller.identity.person()),
            _ => None,
        },
    };
    let name = &on.server.name;
    let now = door.ports.stopwatch();
    let slot = slots.slot(key, now);
    let bundles = &on.server.bundles;
    if let Some(known) = slot.fresh(now, version(door, name), bundles) {
        return Ok(known);
    }
    // One fetch at a time: a thousand calls that meet a stale catalogue cost one list.
    let _fetching = slot.fetching.lock().await;
    let fetched = door.ports.stopwatch();
    if let Some(known) = slot.fresh(fetched, version(door, name), bundles) {
        return Ok(known);
    }
    let (what, pins) = fetch.await?;
    let what = Arc::new(what);
    let kept = Kept { what: Arc::clone(&what), fetched, pins, bundles: Arc::clone(bundles) };
    *locked(&slot.current) = Some(kept);
    Ok(what)
}

/// Fetches both lists, and says under which version of what is agreed to they were judged.
async fn fetch<P: Ports>(door: &Door<P>, on: &Errands<P::Link>) -> Result<(Catalogue, u64), UpstreamError> {
    let (mut tools, mut prompts) = (Tools::new(), Prompts::new());
    let limits = &on.server.answer_limits;
    let snapshot = door.snapshot();
    let known = snapshot.known().get(&on.server.name);
    let tool_pages = pages(door, on, ErrandKind::ListTools).await?;
    let prompt_pages = match pages(door, on, ErrandKind::ListPrompts).await {
        Err(error) if error.fault == UpstreamFault::SessionLost => return Err(error),
        // Tools can be judged without the prompts; a policy that names one does not fit until they can be listed.
        Err(_) => Vec::new(),
        Ok(listed) => listed,
    };
    let lists = [(List::Tools, &*tool_pages), (List::Prompts, &*prompt_pages)];
    let ([withheld_tools, withheld_prompts], pins) = judge_lists(door, on, lists).await;
    for (page, frame) in tool_pages.iter().enumerate() {
        for tool in frame.result().iter().flat_map(|result| lens::tools_of(*result)) {
            // What is not shown is not there: a client that knows its name cannot call it.
            if withheld_tools.has(page, tool.value) {
                continue;
            }
            if tools.len() >= MOST_TOOLS {
                return Err(too_many("tools"));
            }
            if let Some(tool) = Tool::of(&tool, frame, limits) {
                // A thousand people who are offered the same tool share one copy of it.
                let same = known
                    .and_then(|known| known.tools.get(&tool.name))
                    .filter(|known| known.definition == tool.definition);
                let tool = same.map_or_else(|| Arc::new(tool), Arc::clone);
                // The first of two tools with one name stands; the list that callers see drops the second as well.
                tools.entry(Arc::clone(&tool.name)).or_insert(tool);
            }
        }
    }
    for (page, frame) in prompt_pages.iter().enumerate() {
        for prompt in frame.result().iter().flat_map(|result| lens::prompts_of(*result)) {
            if withheld_prompts.has(page, prompt.value) {
                continue;
            }
            if prompts.len() >= MOST_TOOLS {
                prompts.clear();
                break;
            }
            prompts.entry((&*prompt.name).into()).or_insert_with(|| arguments_of(prompt.value));
        }
    }
    let names = |kind| move |name: String| (kind, name);
    let tool_names = withheld_tools.names.into_iter().map(names(doorward_pins::Kind::Tool));
    let prompt_names = withheld_prompts.names.into_iter().map(names(doorward_pins::Kind::Prompt));
    let withheld = tool_names.chain(prompt_names).collect();
    Ok((Catalogue { tools, prompts, withheld, covered_by: AtomicI64::new(0) }, pins))
}

fn arguments_of(prompt: Value<'_>) -> Arc<[Box<str>]> {
    let arguments = prompt.get("arguments").into_iter().flat_map(|arguments| arguments.items());
    let name = |argument: Value<'_>| Some(Box::from(&*argument.get("name")?.as_str()?));
    arguments.take(MOST_ARGUMENTS).filter_map(name).collect()
}

fn too_many(what: &str) -> UpstreamError {
    UpstreamError::new(UpstreamFault::TooLarge, format!("more than {MOST_TOOLS} {what}"))
}

/// Fetches a list, all of its pages. A server that does not have it answers "method not found": it lists nothing, which is
/// not a failure. Any other error is one: taken for an empty list it would take everybody's tools away for a minute.
pub(crate) async fn pages<P: Ports>(
    door: &Door<P>,
    on: &Errands<P::Link>,
    kind: fn(Option<String>) -> ErrandKind,
) -> Result<Vec<Frame>, UpstreamError> {
    let mut cursor = None;
    let (mut pages, mut bytes) = (Vec::new(), 0_usize);
    let mut again = true;
    for _ in 0..MOST_PAGES {
        let id = door.next_id();
        let kind = kind(cursor.clone());
        let list = kind.list().unwrap_or("tools");
        let errand = Errand::<P>::new(on, id, kind);
        let frame = single(door.ports.errand(errand).await?, id, &on.server.answer_limits).await?;
        let Some(result) = frame.result() else {
            let error = frame.error();
            let code = error.and_then(|error| error.get("code")).and_then(|code| code.as_i64());
            // Behind one address there may be servers of several versions. The door has one version to choose, so it asks
            // once more, and no oftener.
            if code == Some(UNSUPPORTED_VERSION) && again && error.is_some_and(|error| supports(error, on)) {
                again = false;
                continue;
            }
            return match code {
                Some(METHOD_NOT_FOUND) => Ok(Vec::new()),
                code => Err(UpstreamError::new(
                    UpstreamFault::Refused,
                    format!("a list was answered with {code:?}"),
                )),
            };
        };
        // An answer without the list, or one that wants something first, is no empty list either.
        let said = lens::result_type(result);
        let is_list = matches!(said, ResultType::Unsaid | ResultType::Complete)
            && result.get(list).is_some_and(|list| list.kind() == Kind::Array);
        if !is_list {
            return Err(UpstreamError::new(UpstreamFault::Malformed, format!("an answer without `{list}`")));
        }
        // All pages together are one answer, and bounded like one.
        bytes = bytes.saturating_add(frame.bytes().len());
        if bytes > on.server.answer_limits.max_bytes {
            return Err(UpstreamError::new(UpstreamFault::TooLarge, "a list larger than an answer may be"));
        }
        cursor = lens::next_cursor(result).map(|next| next.into_owned());
        pages.push(frame);
        if cursor.is_none() {
            return Ok(pages);
        }
    }
    Err(UpstreamError::new(UpstreamFault::TooLarge, format!("a list of more than {MOST_PAGES} pages")))
}

/// Says whether an error that refuses a version names the one that the door asked in.
fn supports<L>(error: Value<'_>, on: &Errands<L>) -> bool {
    let supported = error.get("data").and_then(|data| data.get("supported"));
    supported.is_some_and(|list| list.items().any(|version| version.is_str(&on.version)))
}

/// Reduces an answer to the one response it must hold.
pub(crate) async fn single<L, E: Events>(
    answered: Answered<L, E>,
    id: i64,
    limits: &Limits,
) -> Result<Frame, UpstreamError> {
    let malformed = |what: &str| UpstreamError::new(UpstreamFault::Malformed, what);
    let parse = |bytes: Bytes| {
        let (frame, _) = Frame::parse_result(bytes, limits).map_err(|error| malformed(&error.to_string()))?;
        Ok((frame.id() == Some(&Id::Number(id)) && frame.method().is_none()).then_some(frame))
    };
    match answered.answer {
        Answer::Accepted => Err(malformed("a request was answered with 202")),
        Answer::Whole(bytes, _) => parse(bytes)?.ok_or_else(|| malformed("the answer is to another request")),
        Answer::Stream(mut events) => loop {
            let mut batch = Vec::new();
            let more = events.next_batch(&mut batch, 64).await?;
            for bytes in batch {
                if let Some(frame) = parse(bytes)? {
                    return Ok(frame);
                }
            }
            if more == More::No {
                return Err(UpstreamError::new(UpstreamFault::Ended, "the stream ended without the answer"));
            }
        },
    }
}
