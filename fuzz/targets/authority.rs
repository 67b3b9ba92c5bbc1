//! What servers of others and their authorization servers say: nothing but https addresses of one reading comes of it, a
//! document speaks for the name that it was asked for by, and a challenge says nothing twice.

use bytes::Bytes;
use doorward_oidc::third_party::{
    AsMetadata, Challenge, ResourceMetadata, canonical, metadata_urls, resource_metadata_urls, select,
    step_up,
};
use doorward_wire::{Limits, Tree};

const SERVER: &str = "https://mcp.example/mcp";
const ISSUER: &str = "https://as.example/t";

pub(crate) fn run(data: &[u8]) {
    resource(data);
    authority(data);
    if let Ok(text) = std::str::from_utf8(data) {
        challenge(text);
        addresses(text);
    }
}

fn tree(data: &[u8]) -> Tree {
    Tree::parse(Bytes::copy_from_slice(data), &Limits::default()).expect("what is taken is strict JSON")
}

fn resource(data: &[u8]) {
    for place in resource_metadata_urls(SERVER, None, false) {
        resource_at(&place, data);
    }
}

fn resource_at(place: &str, data: &[u8]) {
    let Ok(read) = ResourceMetadata::read(SERVER, place, Bytes::copy_from_slice(data), false) else { return };
    let tree = tree(data);
    let named = canonical(&read.resource);
    let whole = SERVER.strip_suffix("/mcp").unwrap();
    assert!(named == SERVER || (named == whole && place.starts_with(whole) && !place.ends_with("/mcp")));
    assert_eq!(canonical(&tree.root().get("resource").unwrap().as_str().unwrap()), named);
    assert!(!read.resource.contains('#'));
    let first = tree.root().get("authorization_servers").unwrap().items().next().unwrap();
    assert!(first.is_str(&read.issuer));
    is_address(&read.issuer);
    assert!(!metadata_urls(&read.issuer, false).is_empty(), "an issuer that cannot be asked");
}

fn authority(data: &[u8]) {
    let Ok(read) = AsMetadata::read(ISSUER, Bytes::copy_from_slice(data), false) else { return };
    let tree = tree(data);
    assert!(tree.root().get("issuer").unwrap().is_str(ISSUER));
    let methods = tree.root().get("code_challenge_methods_supported").unwrap();
    assert!(methods.items().any(|method| method.is_str("S256")));
    for url in
        [Some(&read.authorization_endpoint), Some(&read.token_endpoint), read.registration_endpoint.as_ref()]
    {
        url.into_iter().for_each(|url| is_address(url));
    }
    let scopes = select(None, &read.scopes, &read);
    assert!(step_up(&scopes, &scopes).is_none(), "asking again for what was asked for");
}

fn challenge(text: &str) {
    let Some(read) = Challenge::parse(text) else { return };
    for url in resource_metadata_urls(SERVER, read.resource_metadata.as_deref(), false) {
        is_address(&url);
    }
    for scope in read.scopes.iter().flatten() {
        assert!(!scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    if let Some(error) = read.error {
        assert!(error.len() <= 64 && error.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}

fn addresses(text: &str) {
    for url in metadata_urls(text, false).iter().chain(&resource_metadata_urls(text, None, false)) {
        is_address(url);
        assert!(url.contains("/.well-known/"));
    }
    // In a lab the door's own machine is an address besides, and no other.
    for url in metadata_urls(text, true) {
        let plain = url.strip_prefix("http://").map(host);
        assert!(plain.is_none_or(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host)), "{url}");
    }
}

/// A second, simpler reading of what may be fetched or shown.
fn is_address(url: &str) {
    let rest = url.strip_prefix("https://").expect("https and nothing else");
    assert!(
        url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['"', '<', '>', '\\', '#']),
        "{url}"
    );
    let host = host(rest);
    assert!(!host.is_empty() && !host.contains(['@', '%']), "{url}");
}

fn host(rest: &str) -> &str {
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let authority = &rest[..end];
    match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
        Some(at) => &authority[..at],
        None => authority,
    }
}
