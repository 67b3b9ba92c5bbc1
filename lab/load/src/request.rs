//! A request written once and sent many times, with a new id each time.

use crate::target::Target;

/// Stands for the request's id wherever it occurs in a body; it must occur unquoted as the JSON-RPC id.
pub const ID: &str = "__ID__";

/// Ten digits, so that a body's length never changes.
const FIRST_ID: u64 = 1_000_000_000;

/// Head and body in one buffer, and the places where the id stands.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
    places: Vec<usize>,
    id: u64,
}

impl Request {
    /// A POST of `body`; ids count up from a start of this connection's own.
    #[must_use]
    pub fn post(target: &Target, headers: &[(String, String)], body: &str, connection: usize) -> Self {
        let id = FIRST_ID + connection as u64 * 10_000_000;
        let body = body.trim_end().replace(ID, &format!("{PLACE:010}"));
        let mut bytes = head("POST", target, headers);
        bytes.extend_from_slice(b"content-type: application/json\r\n");
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        let start = bytes.len();
        bytes.extend_from_slice(body.as_bytes());
        let places = body.match_indices(&format!("{PLACE:010}")).map(|(at, _)| start + at).collect();
        Self { bytes, places, id }
    }

    /// A GET that asks for an event stream.
    #[must_use]
    pub fn get(target: &Target, headers: &[(String, String)]) -> Self {
        let mut bytes = head("GET", target, headers);
        bytes.extend_from_slice(b"\r\n");
        Self { bytes, places: Vec::new(), id: 0 }
    }

    /// Puts the next id in; the id as digits.
    pub fn renew(&mut self) -> String {
        self.id += 1;
        let digits = self.id.to_string();
        for place in &self.places {
            if let Some(slot) = self.bytes.get_mut(*place..*place + digits.len()) {
                slot.copy_from_slice(digits.as_bytes());
            }
        }
        digits
    }

    /// What goes on the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A number no body holds by chance, of as many digits as an id.
const PLACE: u64 = 9_081_726_354;

fn head(verb: &str, target: &Target, headers: &[(String, String)]) -> Vec<u8> {
    let accept = if verb == "GET" { "text/event-stream" } else { "application/json, text/event-stream" };
    let mut head =
        format!("{verb} {} HTTP/1.1\r\nhost: {}\r\naccept: {accept}\r\n", target.path, target.authority);
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_gets_the_id() {
        let target = Target::parse("http://h:1/p").unwrap();
        let headers = [("authorization".to_owned(), "Bearer t".to_owned())];
        let mut request = Request::post(&target, &headers, "{\"id\":__ID__,\"t\":\"m-__ID__\"}\n", 3);
        assert_eq!((request.renew(), request.renew()), ("1030000001".to_owned(), "1030000002".to_owned()));
        let text = String::from_utf8(request.bytes().to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "{\"id\":1030000002,\"t\":\"m-1030000002\"}");
        assert!(
            head.starts_with("POST /p HTTP/1.1\r\nhost: h:1\r\n") && head.contains("authorization: Bearer t")
        );
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
    }
}
