//! What of a pinned server a caller may be shown or ask for now: known before anything of it is asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorward_pins::{Kind, Server};
use doorward_types::ServerName;
use doorward_wire::{Frame, FrameKind, Method, Value, lens};

use super::list::{List, judge_lists};
use super::{LARGEST, PinSet, Pins};
use crate::bridge::{errands, judge_under};
use crate::catalogue::{Catalogue, current, pages, shelf};
use crate::door::Door;
use crate::errand::{ErrandKind, Errands};
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::refusal::{Reason, Refusal, UnseenKind};
use crate::session::Seat;
use crate::stage::{Caller, Trail};

/// Under what the definitions of an answer are judged.
pub(crate) struct Offer {
    pub(crate) set: Arc<PinSet>,
    catalogue: Option<Arc<Catalogue>>,
    shelf: Option<Arc<Shelf>>,
}

impl Offer {
    /// Says whether the door left an item of this name out when it fetched the whole list. Two of one name, on two pages, are
    /// seen there alone.
    pub(crate) fn is_withheld(&self, kind: Kind, item: Value<'_>) -> bool {
        let name =
            |member: &str| item.get(member).and_then(|name| name.as_str().map(|name| name.into_owned()));
        let of_shelf = |name: Option<String>| match (&self.shelf, name) {
            (Some(shelf), Some(name)) => shelf.withheld.contains(&(kind, name)),
            _ => true,
        };
        match (kind, &self.catalogue) {
            (Kind::Tool | Kind::Prompt, Some(catalogue)) => {
                name("name").is_none_or(|name| catalogue.withholds(kind, &name))
            }
            (Kind::Resource, _) => of_shelf(name("uri")),
            (Kind::Template, _) => of_shelf(name("uriTemplate")),
            _ => true,
        }
    }
}

/// A server's resources, as far as they were withheld.
#[derive(Default)]
pub(crate) struct Shelf {
    withheld: BTreeSet<(Kind, String)>,
    resources: BTreeSet<String>,
    templates: Vec<String>,
}

impl Shelf {
    /// Says whether a resource may be read: one that is withheld may not, nor one that only a withheld template leads to. Most
    /// resources are in no list.
    fn lets(&self, uri: &str) -> bool {
        if self.resources.contains(uri) {
            return true;
        }
        let withheld = |kind: Kind, name: &str| self.withheld.contains(&(kind, name.to_owned()));
        let leads = |template: &&(Kind, String)| template.0 == Kind::Template && leads_to(&template.1, uri);
        !withheld(Kind::Resource, uri)
            && !withheld(Kind::Template, uri)
            && (self.withheld.iter().find(leads).is_none()
                || self.templates.iter().any(|template| leads_to(template, uri)))
    }
}

/// Says whether a template can have become this address: its fixed parts stand there, in their order.
fn leads_to(template: &str, uri: &str) -> bool {
    let mut parts = template.split(['{', '}']).step_by(2);
    let Some(mut rest) = uri.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    for (place, part) in parts.iter().enumerate() {
        let found = if place + 1 == parts.len() {
            rest.ends_with(part).then_some("")
        } else {
            rest.split_once(part).map(|(_, behind)| behind)
        };
        match found {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

/// Makes sure that what a pinned server offers is known before it is asked for anything of that, and refuses what it is not
/// known to offer. A server whose pins cannot be read is asked for nothing at all.
pub(crate) async fn offered<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &mut Arc<Caller>,
    seat: &Seat<P>,
    (frame, method): (&Frame, Method),
) -> Result<(), Refusal> {
    let Some(rules) = trail.server.pins.as_ref().map(|rules| rules.server.clone()) else { return Ok(()) };
    let mut offer = Offer { set: pins(door, &rules)?, catalogue: None, shelf: None };
    let of = Of::method(method).filter(|_| frame.kind() == FrameKind::Request);
    match of {
        Some(Of::Catalogue) => {
            let catalogue = current(door, &errands(trail, caller, seat)).await.map_err(Refusal::upstream)?;
            let prompt = match method {
                Method::PromptsGet => lens::prompt_get(frame).map(|get| get.name),
                Method::CompletionComplete => match lens::completion_ref(frame) {
                    Some(lens::CompletionRef::Prompt(name)) => Some(name),
                    _ => None,
                },
                _ => None,
            };
            if prompt.is_some_and(|name| !catalogue.has_prompt(&name)) {
                return Err(Refusal::new(Reason::Unseen(UnseenKind::Prompt)));
            }
            // What a person agreed to since is new to the policies too.
            let known = trail.snapshot.known().get(&trail.server.name);
            if !known.is_some_and(|known| known.covers(&catalogue)) {
                let snapshot = door.learn(&trail.server.name, &catalogue);
                judge_under(door, trail, caller, snapshot).await?;
            }
            offer.catalogue = Some(catalogue);
        }
        Some(Of::Shelf) => {
            let shelf = shelf(door, &errands(trail, caller, seat)).await.map_err(Refusal::upstream)?;
            let uri = lens::resource_uri(frame).filter(|_| method != Method::ResourcesList);
            if uri.is_some_and(|uri| !shelf.lets(&uri)) {
                return Err(Refusal::new(Reason::Unseen(UnseenKind::Resource)));
            }
            offer.shelf = Some(shelf);
        }
        None => {}
    }
    if of.is_some() {
        // The list may have been remembered just now.
        offer.set = pins(door, &rules)?;
    }
    trail.offer = Some(offer);
    Ok(())
}

fn pins<P: Ports>(door: &Door<P>, server: &Server) -> Result<Arc<PinSet>, Refusal> {
    match door.ports.pins(&server.name) {
        Pins::Are(set) => Ok(set),
        Pins::Off => Err(Refusal::because(Reason::PinsUnreadable, "there is no store to keep pins in")),
        Pins::Shut => Err(Refusal::because(
            Reason::PinsUnreadable,
            "what was agreed to of this server cannot be read; the log says why",
        )),
    }
}

/// Where it is known what is offered.
#[derive(Clone, Copy)]
enum Of {
    Catalogue,
    Shelf,
}

impl Of {
    fn method(method: Method) -> Option<Self> {
        match method {
            Method::ToolsList | Method::PromptsList | Method::PromptsGet | Method::CompletionComplete => {
                Some(Self::Catalogue)
            }
            Method::ResourcesList
            | Method::ResourceTemplatesList
            | Method::ResourcesRead
            | Method::ResourcesSubscribe => Some(Self::Shelf),
            _ => None,
        }
    }
}

/// Fetches the lists of a server's resources and of their templates, and judges them. A server that cannot list them has
/// nothing in lists that could be shown.
pub(crate) async fn fetch_shelf<P: Ports>(
    door: &Door<P>,
    on: &Errands<P::Link>,
) -> Result<(Shelf, u64), UpstreamError> {
    let mut listed = [Vec::new(), Vec::new()];
    let kinds = [ErrandKind::ListResources as fn(_) -> _, ErrandKind::ListTemplates];
    for (pages_of, kind) in listed.iter_mut().zip(kinds) {
        match pages(door, on, kind).await {
            Ok(pages) => *pages_of = pages,
            Err(error) if error.fault == UpstreamFault::SessionLost => return Err(error),
            Err(_) => {}
        }
    }
    let [resources, templates] = &listed;
    let lists = [(List::Resources, &**resources), (List::Templates, &**templates)];
    let (withheld, version) = judge_lists(door, on, lists).await;
    let mut made = Shelf::default();
    for ((list, pages), withheld) in lists.into_iter().zip(withheld) {
        let named = if list == List::Resources { "uri" } else { "uriTemplate" };
        for (page, frame) in pages.iter().enumerate() {
            let items = frame.result().and_then(|result| result.get(list.member()));
            for item in items.iter().flat_map(Value::items) {
                let Some(name) = item.get(named).and_then(|name| name.as_str()) else { continue };
                if withheld.has(page, item) || name.len() > LARGEST {
                } else if list == List::Resources {
                    made.resources.insert(name.into_owned());
                } else {
                    made.templates.push(name.into_owned());
                }
            }
        }
        made.withheld.extend(withheld.names.into_iter().map(|name| (list.kind(), name)));
    }
    Ok((made, version))
}

/// The version of what is agreed to of a server; nothing where nothing is pinned.
pub(crate) fn version<P: Ports>(door: &Door<P>, server: &ServerName) -> u64 {
    match door.ports.pins(server) {
        Pins::Are(set) => set.version(),
        Pins::Off | Pins::Shut => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_leads_to_what_it_can_become() {
        for (template, uri, leads) in [
            ("file:///{path}", "file:///etc/passwd", true),
            ("file:///{path}", "http://x", false),
            ("notes://{id}/text", "notes://7/text", true),
            ("notes://{id}/text", "notes://7/title", false),
            ("x://{a}/{b}.md", "x://1/2.md", true),
            ("x://{a}/{b}.md", "x://1", false),
            ("plain://one", "plain://one", true),
        ] {
            assert_eq!(leads_to(template, uri), leads, "{template} {uri}");
        }
    }
}
